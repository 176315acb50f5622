/* gate_driver.c - a guard and verifiers without a release: a page is genuine when its content names its own path. */

#include "gate_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VISIT_MS 10000

static void __attribute__((noreturn, format(printf, 1, 2))) give_up(const char *format, ...)
{
        va_list arguments;
        const int error = errno;

        va_start(arguments, format);
        fprintf(stderr, "gate_driver: ");
        vfprintf(stderr, format, arguments);
        fprintf(stderr, " (%s)\n", strerror(error));
        va_end(arguments);
        exit(99);
}

static int run(const char *const arguments[])
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                execvp(arguments[0], (char *const *)(uintptr_t)arguments);
                _exit(127);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

const char *driver_path(const struct driver *driver, const char *path)
{
        static char places[4][2 * DRIVER_PATH];
        static unsigned int turn;

        turn = (turn + 1) % 4;
        snprintf(places[turn], sizeof(places[turn]), "%s/%s", driver->disk, path);
        return places[turn];
}

bool driver_ask(struct driver *driver, bool each_read)
{
        const unsigned int class = each_read ? FAN_CLASS_PRE_CONTENT : FAN_CLASS_CONTENT;

        if (driver->group >= 0)
                close(driver->group);
        driver->events = FAN_OPEN_PERM | (each_read ? GATE_PRE_ACCESS : 0);
        driver->group = fanotify_init(class | FAN_UNLIMITED_MARKS | FAN_UNLIMITED_QUEUE | FAN_NONBLOCK | FAN_CLOEXEC,
                                      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME | O_NONBLOCK);
        if (driver->group < 0 || fanotify_mark(driver->group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, driver->events,
                                               AT_FDCWD, driver->disk) < 0)
                return false;
        (void)fanotify_mark(driver->group, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, NULL);
        return true;
}

void driver_begin(struct driver *driver, const char *program)
{
        const char *base = getenv("TMPDIR");
        char image[DRIVER_PATH + 16];
        int fd;

        *driver = (struct driver){
                .program = realpath(program, NULL), /* tests change their folder */
                .setup = {.verb = GATE_SETUP, .verdict_ms = 2000},
                .channel = -1,
                .gate = -1,
                .generation = 1
        };
        /* A guard that starts anywhere on this machine continues each stopped gate whose guard is not there (orphan.h). */
        prctl(PR_SET_NAME, DRIVER_NAME);
        snprintf(driver->folder, sizeof(driver->folder), "%s/understudy-gate-XXXXXX", base ? base : "/var/tmp");
        if (!mkdtemp(driver->folder) || chmod(driver->folder, 0711) < 0)
                give_up("cannot make a folder");
        snprintf(driver->disk, sizeof(driver->disk), "%.400s/disk", driver->folder);
        snprintf(image, sizeof(image), "%.400s/image", driver->folder);
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                give_up("cannot make a mount namespace");
        if (mkdir(driver->disk, 0755) < 0 || run((const char *[]){ "truncate", "-s", "256M", image, NULL }) != 0 ||
            run((const char *[]){ "mkfs.ext4", "-q", "-F", "-N", "50000", image, NULL }) != 0 ||
            run((const char *[]){ "mount", "-o", "loop", image, driver->disk, NULL }) != 0)
                give_up("cannot mount an image");
        if (mkdir(driver_path(driver, "tree"), 0755) < 0 || mkdir(driver_path(driver, "area"), 0755) < 0 ||
            mkdir(driver_path(driver, "outside"), 0777) < 0)
                give_up("cannot make folders");
        snprintf(image, sizeof(image), "%.400s/lock", driver->folder);
        driver->lock = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        driver->serves = open(image, O_RDWR | O_CLOEXEC);
        fd = flock(driver->serves, LOCK_EX);
        driver->group = -1;
        (void)driver_ask(driver, false);
        driver->names = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);
        if (fd < 0 || driver->lock < 0 || driver->group < 0 || driver->names < 0)
                give_up("cannot make the kernel's groups");
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++) {
                driver->verifiers[i] = -1;
                driver->sockets[i] = -1;
        }
}

/* ---- pages ---- */

size_t driver_page(const char *name, char *text, size_t size)
{
        return (size_t)snprintf(text, size, "genuine:%s\n", name);
}

void driver_write(const struct driver *driver, const char *path, const char *content)
{
        int fd = open(driver_path(driver, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content))
                give_up("cannot write '%s'", path);
        close(fd);
}

void driver_put(const struct driver *driver, const char *name, bool genuine)
{
        char text[2 * DRIVER_PATH], path[DRIVER_PATH];

        driver_page(name, text, sizeof(text));
        snprintf(path, sizeof(path), "tree/%s", name);
        driver_write(driver, "outside/new", genuine ? text : "malware");
        if (rename(driver_path(driver, "outside/new"), driver_path(driver, path)) < 0)
                give_up("cannot put '%s' into the tree", name);
}

/* ---- verifiers ---- */

static void judge(const struct gate_question *question, int fd, struct gate_answer *ret_answer)
{
        char expected[sizeof(question->path) + 16], found[sizeof(expected)];
        size_t length = driver_page(question->path, expected, sizeof(expected));
        ssize_t n = pread(fd, found, sizeof(found), 0);

        *ret_answer = (struct gate_answer){ .id = question->id, .verdict = GATE_VERDICT_GENUINE };
        if (question->tree == 1 || strncmp(question->path, "ignored", 7) == 0) {
                ret_answer->verdict = strstr(question->path, ".php") ? GATE_VERDICT_REFUSED : GATE_VERDICT_ALLOWED;
                ret_answer->reason = GATE_BREACH;
        } else if (strstr(question->path, "unlisted")) {
                ret_answer->verdict = GATE_VERDICT_REFUSED;
                ret_answer->reason = GATE_UNLISTED;
        } else if (n < (ssize_t)length || memcmp(found, expected, length) != 0) {
                ret_answer->verdict = GATE_VERDICT_REFUSED;
                ret_answer->reason = GATE_DIFFERS;
        }
        if (strstr(question->path, "nonsense"))
                ret_answer->id += 1000;
        if (strstr(question->path, "slow"))
                usleep(150000);
        if (strstr(question->path, "hangs"))
                usleep(600000);
}

static void __attribute__((noreturn)) verify(int socket)
{
        static struct gate_question question;
        char control[CMSG_SPACE(sizeof(int))];
        struct gate_answer answer;

        for (;;) {
                struct iovec part = { &question, sizeof(question) };
                struct msghdr message = {
                        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
                };
                ssize_t n = recvmsg(socket, &message, 0);
                const struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
                int fd;

                if (!head)
                        _exit(0);
                memcpy(&fd, CMSG_DATA(head), sizeof(fd));
                judge(&question, fd, &answer);
                close(fd);
                (void)!send(socket, &answer, sizeof(answer), MSG_NOSIGNAL);
        }
}

void driver_verifier(struct driver *driver, unsigned int slot)
{
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                give_up("cannot make sockets");
        driver->verifiers[slot] = fork();
        if (driver->verifiers[slot] == 0) {
                dup2(ends[1], 3);
                close_range(4, ~0U, 0);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                verify(3);
        }
        close(ends[1]);
        if (driver->sockets[slot] >= 0)
                close(driver->sockets[slot]);
        driver->sockets[slot] = ends[0];
}

/* ---- the guard's side ---- */

void driver_request(struct driver *driver, enum gate_verb verb, uint32_t tree, uint64_t argument, const char *path,
                    int fd)
{
        static struct gate_request request;
        char control[CMSG_SPACE(sizeof(int))] = { 0 };
        struct iovec part = { &request, offsetof(struct gate_request, path) + strlen(path) + 1 };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

        request.verb = verb;
        request.tree = tree;
        request.argument = argument;
        request.path_length = (uint32_t)strlen(path);
        memcpy(request.path, path, strlen(path) + 1);
        if (fd >= 0) {
                struct cmsghdr *head = (struct cmsghdr *)(void *)control;

                message.msg_control = control;
                message.msg_controllen = sizeof(control);
                head->cmsg_level = SOL_SOCKET;
                head->cmsg_type = SCM_RIGHTS;
                head->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(head), &fd, sizeof(int));
        }
        if (sendmsg(driver->channel, &message, MSG_NOSIGNAL) < 0)
                give_up("cannot tell the gate");
}

bool driver_report(struct driver *driver, enum gate_report_verb verb, int timeout_ms)
{
        struct pollfd waits = { .fd = driver->channel, .events = POLLIN };

        while (poll(&waits, 1, timeout_ms) > 0) {
                ssize_t n = recv(driver->channel, &driver->report, sizeof(driver->report), 0);

                if (n <= 0)
                        return false;
                if (driver->report.verb == verb)
                        return true;
        }
        return false;
}

struct gate_counters driver_sync(struct driver *driver)
{
        static uint64_t number = 1;
        const uint64_t first = number + 1;

        /* The gate never waits: where the channel is full of reports that nobody has read, its answer is lost. */
        for (int tries = 0; tries < 10; tries++) {
                driver_request(driver, GATE_PING, 0, ++number, "", -1);
                while (driver_report(driver, GATE_PONG, VISIT_MS / 10))
                        if (driver->report.argument >= first)
                                return driver->report.counters;
        }
        give_up("the gate does not answer");
}

void driver_genuine(struct driver *driver, const char *name)
{
        char path[DRIVER_PATH];
        int fd;

        snprintf(path, sizeof(path), "tree/%s", name);
        fd = open(driver_path(driver, path), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fcntl(fd, F_SETSIG, 0) < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
                give_up("cannot take a lease on '%s'", name);
        driver_request(driver, GATE_GENUINE, 0, driver->generation, name, fd);
        close(fd);
}

void driver_watch(const struct driver *driver, const char *path)
{
        if (fanotify_mark(driver->names, FAN_MARK_ADD, FAN_CREATE | FAN_MOVED_TO | FAN_ONDIR, AT_FDCWD,
                          driver_path(driver, path)) < 0)
                give_up("cannot watch '%s'", path);
}

void driver_spawn(struct driver *driver)
{
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                give_up("cannot make sockets");
        if (driver->channel >= 0)
                close(driver->channel);
        driver->channel = ends[0];
        driver->gate = fork();
        if (driver->gate == 0) {
                const int wanted[] = { ends[1], driver->group, driver->names, driver->lock };
                int held[4];

                for (int i = 0; i < 4; i++)
                        held[i] = fcntl(wanted[i], F_DUPFD, 100);
                for (int i = 0; i < 4; i++)
                        dup2(held[i], GATE_CHANNEL_FD + i);
                close_range(GATE_LOCK_FD + 1, ~0U, 0);
                if (driver->descriptors) {
                        const struct rlimit limit = { driver->descriptors, driver->descriptors };

                        setrlimit(RLIMIT_NOFILE, &limit);
                }
                execl(driver->program, "understudy-gate", (char *)NULL);
                _exit(127);
        }
        close(ends[1]);
        if (send(driver->channel, &driver->setup, sizeof(driver->setup), MSG_NOSIGNAL) < 0)
                give_up("cannot set the gate up");
}

static void tell_tree(struct driver *driver, enum gate_verb verb, uint32_t number, const char *name)
{
        int folder = open(driver_path(driver, name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (folder < 0)
                give_up("cannot open '%s'", name);
        driver_request(driver, verb, number, driver->generation, driver_path(driver, name), folder);
        close(folder);
}

void driver_watched(struct driver *driver)
{
        static uint64_t times;

        driver_request(driver, GATE_WATCHING, 0, ++times, "", -1);
        driver_request(driver, GATE_WATCHED, 0, times, "", -1);
}

void driver_tell(struct driver *driver)
{
        if (!driver_report(driver, GATE_READY, VISIT_MS))
                give_up("the gate does not get ready");
        tell_tree(driver, GATE_TREE, 0, "tree");
        tell_tree(driver, GATE_AREA, 1, "area");
        driver_watched(driver);
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                driver_request(driver, GATE_VERIFIER, 0, i, "", driver->sockets[i]);
        (void)driver_sync(driver);
}

void driver_start(struct driver *driver)
{
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                if (driver->sockets[i] < 0)
                        driver_verifier(driver, i);
        driver_spawn(driver);
        driver_tell(driver);
        if (fanotify_mark(driver->group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, driver->events, AT_FDCWD, driver->disk) <
            0)
                give_up("the kernel does not ask about opens");
}

void driver_stop(struct driver *driver)
{
        (void)fanotify_mark(driver->group, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, NULL);
        (void)fanotify_mark(driver->group, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
        if (driver->gate > 0) {
                kill(driver->gate, SIGKILL);
                waitpid(driver->gate, NULL, 0);
        }
        driver->gate = -1;
        for (unsigned int i = 0; i < DRIVER_VERIFIERS; i++)
                if (driver->verifiers[i] > 0) {
                        close(driver->sockets[i]);
                        driver->sockets[i] = -1;
                        kill(driver->verifiers[i], SIGKILL);
                        waitpid(driver->verifiers[i], NULL, 0);
                        driver->verifiers[i] = -1;
                }
}

void driver_end(struct driver *driver)
{
        driver_stop(driver);
        close(driver->group);
        close(driver->names);
        close(driver->lock);
        close(driver->serves);
        if (umount2(driver->disk, MNT_DETACH) < 0)
                give_up("cannot unmount '%s'", driver->disk);
        run((const char *[]){ "rm", "-rf", "--one-file-system", driver->folder, NULL });
}

/* ---- visitors ---- */

/* Runs in a child: its exit status is what it found. */
static enum visit look(const char *path)
{
        char found[2 * DRIVER_PATH] = { 0 }, expected[2 * DRIVER_PATH];
        const char *name = strstr(path, "/tree/");
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return errno == EPERM ? VISIT_REFUSED : VISIT_FAILED;
        n = read(fd, found, sizeof(found) - 1);
        close(fd);
        if (n < 0)
                return errno == EPERM ? VISIT_REFUSED : VISIT_FAILED;
        driver_page(name ? name + 6 : path, expected, sizeof(expected));
        if (!name)
                return strncmp(found, "genuine:", 8) == 0 ? VISIT_GENUINE : VISIT_TAMPERED;
        return strcmp(found, expected) == 0 ? VISIT_GENUINE : VISIT_TAMPERED;
}

enum visit driver_visit_path(const char *path, int timeout_ms)
{
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(look(path));
        for (int waited = 0; waited < timeout_ms * 10; waited++) {
                if (waitpid(pid, &status, WNOHANG) == pid)
                        return WIFEXITED(status) ? (enum visit)WEXITSTATUS(status) : VISIT_FAILED;
                usleep(100);
        }
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return VISIT_WAITS;
}

enum visit driver_visit(const struct driver *driver, const char *path)
{
        return driver_visit_path(driver_path(driver, path), VISIT_MS);
}

int driver_open_error(const char *path, int flags)
{
        pid_t pid = fork();
        int status = 0;

        if (pid == 0) {
                int fd = open(path, flags | O_CLOEXEC, 0644);

                _exit(fd < 0 ? errno : 0);
        }
        waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}
