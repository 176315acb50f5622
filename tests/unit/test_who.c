/* test_who.c - real processes are asked: that they are named right, and that nobody else is named in their place. */
#include "tests.h"

#include <assert.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/text.h"
#include "guard/who_private.h"

/* A child that has done `work` says so through a pipe and then waits until it is killed. */
struct child {
        pid_t pid;
        int pidfd;
};

static void ready(int fd)
{
        assert(write(fd, "r", 1) == 1);
}

static struct child start(void (*work)(int ready_fd))
{
        struct child child;
        int ends[2];
        char byte;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        child.pid = fork();
        assert_true(child.pid >= 0);
        if (child.pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                work(ends[1]);
                for (;;)
                        pause();
        }
        close(ends[1]);
        child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
        assert_true(child.pidfd >= 0);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        close(ends[0]);
        return child;
}

static void end(struct child *child)
{
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
        close(child->pidfd);
}

static void text_is(const struct who *who, const char *expected)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(8192);

        assert_int_equal(who_text(who, &text), 0);
        assert_string_equal(buffer_text(&text), expected);
}

/* Every field is there or says why not, in the record as in the structure. */
static void json_is_whole(const struct who *who)
{
        static const char *const always[] = { "pid", "exe", "uid", "missing", "state", "parents" };
        json_t *object = who_json(who), *missing, *value;
        const char *name;

        assert_non_null(object);
        for (size_t i = 0; i < LENGTH(always); i++)
                assert_non_null(json_object_get(object, always[i]));
        missing = json_object_get(object, "missing");
        json_object_foreach(object, name, value)
        {
                if (json_is_null(value) && !text_equal(name, "service") && !text_equal(name, "euid") &&
                    !text_equal(name, "gid"))
                        assert_non_null(json_object_get(missing, name));
        }
        json_object_foreach(missing, name, value) assert_true(json_string_length(value) > 0);
        json_decref(object);
}

static void test_living(void **context)
{
        struct child child = start(ready);
        struct who who;
        char exe[WHO_NAME_SIZE];
        ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

        (void)context;
        assert_true(length > 0);
        exe[length] = '\0';
        who_ask(child.pidfd, child.pid, &who);
        assert_int_equal(who.state, WHO_ASKED);
        assert_int_equal(who.pid, child.pid);
        assert_string_equal(who.process.exe, exe);
        assert_string_equal(who.process.comm, "test_who");
        assert_int_equal(who.process.uid, getuid());
        assert_int_equal(who.euid, geteuid());
        assert_int_equal(who.gid, getgid());
        assert_in_range(who.started, (uint64_t)time(NULL) - 30, (uint64_t)time(NULL) + 1);
        assert_int_equal(who.parents[0].pid, getpid());
        assert_string_equal(who.parents[0].exe, exe);
        assert_int_equal(who.parents[1].pid, getppid());
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NOT_ASKED);
        assert_int_equal(who.why[WHO_USER], WHO_WHY_NOT_ASKED);
        who_resolve(&who, NULL);
        assert_int_not_equal(who.why[WHO_REMOTE], WHO_WHY_NOT_ASKED);
        if (getuid() == 0) {
                assert_int_equal(who.why[WHO_USER], WHO_WHY_KNOWN);
                assert_string_equal(who.user, "root");
        }
        json_is_whole(&who);
        end(&child);
}

static void test_gone(void **context)
{
        struct child child = start(ready);
        struct who who;

        (void)context;
        kill(child.pid, SIGKILL);
        waitpid(child.pid, NULL, 0);
        who_ask(child.pidfd, child.pid, &who);
        assert_int_equal(who.state, WHO_GONE);
        assert_int_equal(who.pid, child.pid);
        who_resolve(&who, NULL);
        text_is(&who, "gone before it could be asked");
        json_is_whole(&who);
        close(child.pidfd);
        /* What fanotify gives for a process that was gone already, and when it could not make a handle. */
        who_ask(FAN_NOPIDFD, getpid(), &who);
        assert_int_equal(who.state, WHO_GONE);
        assert_int_equal(who.why[WHO_EXE], WHO_WHY_GONE);
        who_ask(FAN_EPIDFD, getpid(), &who);
        assert_int_equal(who.state, WHO_NOHANDLE);
        who_ask(FAN_NOPIDFD, 0, &who);
        assert_int_equal(who.state, WHO_OUTSIDE);
        json_is_whole(&who);
}

/* A process that has ended and was not waited for still has a user and a parent, and no program any more. */
static void test_zombie(void **context)
{
        struct child child = start(ready);
        siginfo_t info;
        struct who who;

        (void)context;
        kill(child.pid, SIGKILL);
        assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
        who_ask(child.pidfd, child.pid, &who);
        assert_int_equal(who.state, WHO_ENDED);
        assert_string_equal(who.process.comm, "test_who");
        assert_int_equal(who.process.uid, getuid());
        assert_int_equal(who.why[WHO_EXE], WHO_WHY_GONE);
        assert_int_equal(who.why[WHO_COMMAND], WHO_WHY_GONE);
        assert_int_equal(who.parents[0].pid, getpid());
        who_resolve(&who, NULL);
        json_is_whole(&who);
        end(&child);
}

/* The number goes to another process between the event and the question. */
static void test_reused_number(void **context)
{
        struct child child = start(ready);
        pid_t number = child.pid, again;
        struct clone_args arguments = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1 };
        struct who who;

        (void)context;
        kill(child.pid, SIGKILL);
        waitpid(child.pid, NULL, 0);
        again = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (again == 0)
                for (;;)
                        pause();
        if (again < 0)
                skip(); /* not root, or the kernel does not let numbers be chosen */
        assert_int_equal(again, number);
        who_ask(child.pidfd, number, &who);
        kill(again, SIGKILL);
        waitpid(again, NULL, 0);
        assert_int_equal(who.state, WHO_GONE);
        assert_string_equal(who.process.comm, "");
        assert_int_equal(who.process.uid, (uid_t)-1);
        assert_int_equal(who.parent_count, 0);
        close(child.pidfd);
}

static void misname(int ready_fd)
{
        prctl(PR_SET_NAME, ") R 1 0\n(\033[2J");
        ready(ready_fd);
}

static void test_hostile_name(void **context)
{
        struct child child = start(misname);
        struct who who;

        (void)context;
        who_ask(child.pidfd, child.pid, &who);
        assert_string_equal(who.process.comm, ") R 1 0\\012(\\033[2J");
        assert_int_equal(who.parents[0].pid, getpid());
        json_is_whole(&who);
        end(&child);
}

static void change_user(int ready_fd)
{
        assert(setresgid(1234, 1234, 1234) == 0 && setresuid(4321, 0, 0) == 0);
        ready(ready_fd);
}

static void test_changed_user(void **context)
{
        struct child child;
        struct who who;

        (void)context;
        if (getuid() != 0)
                skip();
        child = start(change_user);
        who_ask(child.pidfd, child.pid, &who);
        who_resolve(&who, NULL);
        assert_int_equal(who.process.uid, 4321);
        assert_int_equal(who.euid, 0);
        assert_int_equal(who.gid, 1234);
        text_is(&who, "test_who, uid 4321");
        assert_int_equal(who.why[WHO_USER], WHO_WHY_NONE);
        json_is_whole(&who);
        end(&child);
}

/* Says that it is ready by the end of its pipe, which exec closes... and another end that stays open until then. */
static void become_sleep(int ready_fd)
{
        char script[64];

        snprintf(script, sizeof(script), "printf r >&%d; exec sleep 1000", ready_fd);
        fcntl(ready_fd, F_SETFD, 0);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
}

static void test_exec(void **context)
{
        struct child child = start(become_sleep);
        struct who who;

        (void)context;
        for (int i = 0; i < 500; i++) { /* until the shell has become sleep */
                who_ask(child.pidfd, child.pid, &who);
                if (text_equal(who.process.comm, "sleep") && text_equal(who.command, "sleep 1000"))
                        break; /* asked in between, some of it is still the shell's */
                usleep(10000);
        }
        assert_string_equal(who.command, "sleep 1000");
        assert_true(text_ends(who.process.exe, "/sleep"));
        end(&child);
}

/* A program of one's own by the name of a service is none, whatever it is connected to. */
static void test_false_service(void **context)
{
        char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE + 8], command[3 * TESTS_FOLDER_SIZE];
        int directory = tests_folder(folder), ends[2];
        struct who_handle handle;
        char byte;
        pid_t pid;

        (void)context;
        snprintf(path, sizeof(path), "%s/sshd", folder);
        snprintf(command, sizeof(command), "/bin/cat /bin/sleep >%s && /bin/chmod 0775 %s", path, path);
        pid = fork();
        if (pid == 0) {
                execl("/bin/sh", "sh", "-c", command, (char *)NULL);
                _exit(127);
        }
        waitpid(pid, NULL, 0);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                execl(path, "sshd", "1000", (char *)NULL);
                _exit(127);
        }
        close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 0); /* closed by exec */
        close(ends[0]);
        assert_int_equal(who_handle_open(pid, &handle), 0);
        assert_string_equal(handle.exe_name, "sshd");
        assert_int_equal(who_service_of(&handle), WHO_SERVICE_NONE); /* its group may write to it */
        who_handle_done(&handle);
        if (getuid() == 0) {
                chmod(path, 0755);
                assert_int_equal(who_handle_open(pid, &handle), 0);
                assert_int_equal(who_service_of(&handle), WHO_SERVICE_SSH);
                who_handle_done(&handle);
                assert_int_equal(chown(path, 4321, 0), 0);
                assert_int_equal(who_handle_open(pid, &handle), 0);
                assert_int_equal(who_service_of(&handle), WHO_SERVICE_NONE);
                who_handle_done(&handle);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(directory);
        tests_folder_remove(folder);
}

static void connect_to_itself(int ready_fd)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t length = sizeof(address);

        assert(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0);
        assert(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert(connect(client, (struct sockaddr *)&address, length) == 0);
        assert(accept4(listener, NULL, NULL, SOCK_CLOEXEC) >= 0);
        ready(ready_fd);
}

static void test_sockets(void **context)
{
        struct child child = start(connect_to_itself);
        struct who_handle handle;
        struct who_sockets sockets;
        char text[WHO_ADDRESS_SIZE];

        (void)context;
        assert_int_equal(who_handle_open(child.pid, &handle), 0);
        who_sockets(&handle, 100, true, &sockets);
        assert_true(sockets.listening);
        assert_false(sockets.cut);
        assert_int_equal(sockets.remote.count, 1); /* accepted; the other end of it went out */
        who_address_text(&sockets.remote.addresses[0], text);
        assert_string_equal(text, "127.0.0.1");
        assert_int_not_equal(sockets.remote.addresses[0].port, 0);
        who_sockets(&handle, 1, true, &sockets);
        assert_true(sockets.cut);
        who_handle_done(&handle);
        end(&child);
}

/* Where the kernel lends no socket, the table of connections has it, in /proc. */
static void forbid_borrowing(void)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_getfd, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { .len = LENGTH(code), .filter = code };

        assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void test_sockets_by_table(void **context)
{
        struct child child = start(connect_to_itself);
        struct who_sockets sockets;
        struct who_handle handle;
        pid_t pid = fork();
        int status;

        (void)context;
        if (pid == 0) {
                forbid_borrowing();
                if (who_handle_open(child.pid, &handle) < 0)
                        _exit(1);
                who_sockets(&handle, 100, true, &sockets);
                if (!sockets.listening || sockets.remote.count != 1)
                        _exit(2);
                _exit(sockets.remote.addresses[0].bytes[0] == 127 ? 0 : 3);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        end(&child);
}

/* One who has ended is told as he was, if it is proven to be the same. */
static void test_memory(void **context)
{
        struct child child = start(ready), other = start(ready);
        struct who_memory *memory = who_memory_new();
        struct who who;
        siginfo_t info;
        char text[32];
        ssize_t length;
        int fd;

        (void)context;
        assert_non_null(memory);
        who_memory_ask(memory, child.pidfd, child.pid, &who);
        assert_int_equal(who.state, WHO_ASKED);
        kill(child.pid, SIGKILL);
        kill(other.pid, SIGKILL);
        assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(waitid(P_PID, (id_t)other.pid, &info, WEXITED | WNOWAIT), 0);
        who_memory_ask(memory, child.pidfd, child.pid, &who);
        assert_int_equal(who.state, WHO_EARLIER);
        assert_true(text_ends(who.process.exe, "/test_who"));
        json_is_whole(&who);
        who_memory_ask(memory, other.pidfd, other.pid, &who); /* never asked before */
        assert_int_equal(who.state, WHO_ENDED);
        assert_int_equal(who.why[WHO_EXE], WHO_WHY_GONE);
        end(&child);
        end(&other);
        /* Only a number, after a time in which it may have been given out again. */
        fd = open("/proc/sys/kernel/pid_max", O_RDONLY | O_CLOEXEC);
        length = read(fd, text, sizeof(text) - 1);
        assert_true(length > 0);
        close(fd);
        text[length] = '\0';
        usleep((useconds_t)(strtoul(text, NULL, 10) / 4 + 1000));
        who_memory_ask(memory, FAN_NOPIDFD, child.pid, &who);
        assert_int_equal(who.state, WHO_GONE);
        assert_string_equal(who.process.exe, "");
        who_memory_free(memory);
}

static void test_escape(void **context)
{
        char text[16];

        (void)context;
        who_escape(text, sizeof(text), "short", 5);
        assert_string_equal(text, "short");
        who_escape(text, sizeof(text), "123456789012", 12);
        assert_string_equal(text, "123456789012");
        who_escape(text, sizeof(text), "1234567890123", 13);
        assert_string_equal(text, "123456789012...");
        who_escape(text, sizeof(text), "1234567890\n", 11); /* never half of an escape */
        assert_string_equal(text, "1234567890...");
}

/* Candidates are never told as one. */
static void test_candidates(void **context)
{
        struct who who = { .service = WHO_SERVICE_PHP, .service_name = "php-fpm8.2" };
        json_t *object, *remote;

        (void)context;
        who.process = (struct who_process){ .pid = 7, .uid = 33, .exe = "/usr/sbin/php-fpm8.2", .comm = "php-fpm8.2" };
        for (size_t i = 0; i < WHO_FIELDS; i++)
                who.why[i] = WHO_WHY_NONE;
        who.why[WHO_UID] = who.why[WHO_USER] = who.why[WHO_REMOTE] = WHO_WHY_KNOWN;
        memcpy(who.user, "www-data", 9);
        who.remote = (struct who_remote){ .source = WHO_SOURCE_WEB_SOCKET, .trust = WHO_AMBIGUOUS, .count = 2 };
        assert_int_equal(who_parse_address("192.0.2.7", 9, &who.remote.addresses[0]), 0);
        assert_int_equal(who_parse_address("192.0.2.8", 9, &who.remote.addresses[1]), 0);
        text_is(&who,
                "php-fpm8.2, user www-data (uid 33), web request from one of 2 addresses connected then: 192.0.2.7, "
                "192.0.2.8");
        object = who_json(&who);
        remote = json_object_get(object, "remote");
        assert_null(json_object_get(remote, "address"));
        assert_int_equal(json_integer_value(json_object_get(remote, "one_of")), 2);
        json_decref(object);
        who.remote.count = 1;
        text_is(&who,
                "php-fpm8.2, user www-data (uid 33), web request from the only address connected then: 192.0.2.7");
        object = who_json(&who);
        assert_null(json_object_get(json_object_get(object, "remote"), "address"));
        json_decref(object);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_living),       cmocka_unit_test(test_gone),
                cmocka_unit_test(test_zombie),       cmocka_unit_test(test_reused_number),
                cmocka_unit_test(test_hostile_name), cmocka_unit_test(test_changed_user),
                cmocka_unit_test(test_exec),         cmocka_unit_test(test_false_service),
                cmocka_unit_test(test_sockets),      cmocka_unit_test(test_sockets_by_table),
                cmocka_unit_test(test_memory),       cmocka_unit_test(test_escape),
                cmocka_unit_test(test_candidates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
