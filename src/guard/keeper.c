/* keeper.c - the group, the gate behind it, and the thread that replaces it. */
#include "guard/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "guard/unasked.h"
#include "ipc/packet.h"

#define PING_MS         250
#define SEND_TIMEOUT_S  1
#define PROGRAM_MAXIMUM (64U << 20) /* bytes of the gate's executable: static, with debug information */
#define START_MS        10000
#define RETIRED_MAXIMUM 64
#define RETIRED_MS      1000 /* a verifier that was replaced ends by itself; one that hangs or was stopped is killed */

/* What a new gate has to be told again. */
struct told_tree {
        bool present, area;
        int folder;
        uint64_t generation;
        char *path;
};

struct retired {
        pid_t pid;
        int64_t since_ms;
};

struct keeper {
        struct keeper_options options;
        int program;        /* memfd */
        int group, names;   /* fanotify groups */
        int inside, outside; /* reports: the thread's end, the main loop's */
        int wake;           /* ends the thread */
        int serving;        /* what a gate without a guard looks for its successor at */
        pthread_t thread;
        bool thread_runs;
        pthread_mutex_t lock; /* of all that follows */
        int channel;
        pid_t pid;
        int pidfd;
        struct told_tree trees[GATE_TREES];
        int verifiers[GATE_VERIFIERS];
        pid_t verifier_pids[GATE_VERIFIERS];
        struct retired retired[RETIRED_MAXIMUM]; /* verifiers that were replaced, until they have ended */
        size_t retired_count;
        struct gate_counters counters;
        uint64_t pinged, watching;
        atomic_bool lost; /* a report did not reach the main loop */
        int64_t answered_ms;
};

/* ---- packets ---- */

/* A structure whose path is cut behind its NUL, and at most one descriptor. */
static int send_packet(int channel, const void *packet, size_t length, int fd)
{
        return packet_send(channel, packet, length, &fd, fd >= 0);
}

static int request(const struct keeper *keeper, struct gate_request *packet, const char *path, int fd)
{
        size_t length = path ? strlen(path) : 0;

        if (length >= sizeof(packet->path))
                return -ENAMETOOLONG;
        packet->path_length = (uint32_t)length;
        memcpy(packet->path, path ? path : "", length + 1);
        return send_packet(keeper->channel, packet, offsetof(struct gate_request, path) + length + 1, fd);
}

static int request_tree(const struct keeper *keeper, unsigned int tree)
{
        const struct told_tree *told = &keeper->trees[tree];
        struct gate_request packet = { .verb = told->area ? GATE_AREA : GATE_TREE,
                                       .tree = tree,
                                       .argument = told->generation };

        return request(keeper, &packet, told->path, told->folder);
}

static int request_verifier(const struct keeper *keeper, unsigned int slot)
{
        struct gate_request packet = { .verb = GATE_VERIFIER, .argument = slot };

        return request(keeper, &packet, NULL, keeper->verifiers[slot]);
}

/* ---- a gate's life ---- */

/* Only calls that are safe behind a fork of a process with threads. */
static void become_gate(const struct keeper *keeper, int channel)
{
        char name[] = "understudy-gate", *const arguments[] = { name, NULL }, *const environment[] = { NULL };
        const int wanted[] = { channel, keeper->group, keeper->names, keeper->serving };
        int program = fcntl(keeper->program, F_DUPFD, 64), held[LENGTH(wanted)];

        for (size_t i = 0; i < LENGTH(wanted); i++)
                held[i] = fcntl(wanted[i], F_DUPFD, 64); /* out of the way of the numbers that they shall get */
        for (size_t i = 0; i < LENGTH(wanted); i++)
                if (dup2(held[i], GATE_CHANNEL_FD + (int)i) < 0)
                        _exit(127);
        if (dup2(program, GATE_LOCK_FD + 1) < 0 || close_range(GATE_LOCK_FD + 2, ~0U, 0) < 0 ||
            fcntl(GATE_LOCK_FD + 1, F_SETFD, FD_CLOEXEC) < 0)
                _exit(127);
        syscall(SYS_execveat, GATE_LOCK_FD + 1, "", arguments, environment, AT_EMPTY_PATH);
        _exit(127);
}

/* Under the lock. The new gate is told everything; its GATE_READY comes over the channel. */
static int start_gate(struct keeper *keeper)
{
        const struct timeval timeout = { .tv_sec = SEND_TIMEOUT_S };
        struct gate_setup setup = { .verb = GATE_SETUP,
                                    .verdict_ms = keeper->options.verdict_ms,
                                    .late_allow = keeper->options.late_allow,
                                    .program_device = keeper->options.own_device,
                                    .program_inode = keeper->options.own_inode };
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        keeper->pid = fork();
        if (keeper->pid == 0)
                become_gate(keeper, ends[1]);
        fd_close(&ends[1]);
        if (keeper->pid < 0) {
                fd_close(&ends[0]);
                return -errno;
        }
        fd_close(&keeper->channel);
        fd_close(&keeper->pidfd);
        keeper->channel = ends[0];
        keeper->pidfd = (int)syscall(SYS_pidfd_open, keeper->pid, 0);
        (void)setsockopt(keeper->channel, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
        keeper->answered_ms = clock_monotonic_ms();
        keeper->pinged = 0;
        r = send_packet(keeper->channel, &setup, sizeof(setup), -1);
        for (unsigned int i = 0; r == 0 && i < GATE_TREES; i++)
                if (keeper->trees[i].present)
                        r = request_tree(keeper, i);
        for (unsigned int i = 0; r == 0 && i < GATE_VERIFIERS; i++)
                if (keeper->verifiers[i] >= 0)
                        r = request_verifier(keeper, i);
        return r;
}

/* All was told: from here on the gate takes the kernel's questions, and answers more pings. */
static int request_ping(struct keeper *keeper)
{
        struct gate_request packet = { .verb = GATE_PING, .argument = ++keeper->pinged };

        return request(keeper, &packet, NULL, -1);
}

/* What was remembered was true only while the dead gate held the leases. */
static void flush_marks(const struct keeper *keeper)
{
        (void)fanotify_mark(keeper->group, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
}

static void end_gate(struct keeper *keeper)
{
        if (keeper->pid > 0) {
                kill(keeper->pid, SIGKILL);
                flush_marks(keeper);
                while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        keeper->pid = -1;
}

/* ---- the thread ---- */

static void replace_gate(struct keeper *keeper)
{
        struct gate_report report = { .verb = KEEPER_REPLACED };
        int64_t since;

        pthread_mutex_lock(&keeper->lock);
        since = keeper->answered_ms;
        end_gate(keeper);
        if (start_gate(keeper) < 0 || request_ping(keeper) < 0)
                keeper->answered_ms = 0; /* at once again */
        report.argument = (uint64_t)(clock_monotonic_ms() - since);
        pthread_mutex_unlock(&keeper->lock);
        (void)send(keeper->inside, &report, offsetof(struct gate_report, path) + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Under the lock. A verifier ends by itself once the gate has let go of its socket; by then its questions were asked of
 * another one. */
static void reap(struct keeper *keeper)
{
        const int64_t now = clock_monotonic_ms();

        for (size_t i = 0; i < keeper->retired_count;) {
                const struct retired *retired = &keeper->retired[i];

                if (waitpid(retired->pid, NULL, WNOHANG) != 0) {
                        keeper->retired[i] = keeper->retired[--keeper->retired_count];
                        continue;
                }
                if (now - retired->since_ms > RETIRED_MS)
                        kill(retired->pid, SIGKILL);
                i++;
        }
}

static void ping(struct keeper *keeper)
{
        pthread_mutex_lock(&keeper->lock);
        reap(keeper);
        (void)request_ping(keeper);
        pthread_mutex_unlock(&keeper->lock);
}

/* False when the gate is gone. */
static bool receive(struct keeper *keeper)
{
        static _Thread_local struct gate_report report;
        ssize_t n = recv(keeper->channel, &report, sizeof(report), MSG_DONTWAIT);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        if (n < (ssize_t)offsetof(struct gate_report, path))
                return false;
        if (report.verb == GATE_PONG || report.verb == GATE_READY) {
                pthread_mutex_lock(&keeper->lock);
                keeper->answered_ms = clock_monotonic_ms();
                if (report.verb == GATE_PONG)
                        keeper->counters = report.counters;
                pthread_mutex_unlock(&keeper->lock);
                if (report.verb == GATE_PONG)
                        return true;
        }
        /* A main loop that is busy for long must not stop the pings: what does not fit is lost, and told as such. */
        if (send(keeper->inside, &report, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                atomic_store(&keeper->lost, true);
        return true;
}

static void *keep(void *context)
{
        struct keeper *keeper = context;
        int64_t pinged_ms = 0;

        for (;;) {
                struct pollfd fds[] = { { .fd = keeper->wake, .events = POLLIN },
                                        { .fd = keeper->channel, .events = POLLIN },
                                        { .fd = keeper->pidfd, .events = POLLIN } };
                const int64_t began = clock_monotonic_ms();
                int64_t now;
                bool gone;

                (void)poll(fds, LENGTH(fds), PING_MS);
                if (fds[0].revents)
                        return NULL;
                gone = (fds[1].revents && !receive(keeper)) || fds[2].revents;
                now = clock_monotonic_ms();
                if (now - began > PING_MS + keeper->options.silence_ms / 2)
                        keeper->answered_ms = now; /* it was us who stood still: nobody asked it */
                if (gone || now - keeper->answered_ms > keeper->options.silence_ms) {
                        replace_gate(keeper);
                        if (keeper->pid < 0)
                                usleep(PING_MS * 1000);
                } else if (now - pinged_ms >= PING_MS) {
                        pinged_ms = now;
                        ping(keeper);
                }
        }
}

/* ---- telling ---- */

/* A gate that cannot be told is of no use: it is killed, and the next one is told from the start. */
static int told(struct keeper *keeper, int r, struct error *err)
{
        if (r == 0)
                return 0;
        if (keeper->pid > 0)
                kill(keeper->pid, SIGKILL);
        if (r == -EPIPE || r == -ECONNRESET || r == -EAGAIN || r == -ENOTCONN)
                return 0; /* the thread replaces it */
        return error_errno(err, -r, _("cannot tell the gate what is under guard"));
}

int keeper_tree(struct keeper *keeper, unsigned int tree, bool area, const char *path, int folder, uint64_t generation,
                struct error *err)
{
        int copy = fcntl(folder, F_DUPFD_CLOEXEC, 3), r;
        char *text = memory_string(path);

        if (copy < 0 || !text) {
                free(text);
                fd_close(&copy);
                return error_memory(err);
        }
        pthread_mutex_lock(&keeper->lock);
        fd_close(&keeper->trees[tree].folder);
        free(keeper->trees[tree].path);
        keeper->trees[tree] = (struct told_tree){ true, area, copy, generation, text };
        r = told(keeper, request_tree(keeper, tree), err);
        pthread_mutex_unlock(&keeper->lock);
        return r;
}

int keeper_folder(struct keeper *keeper, int folder, const char *path, struct error *err)
{
        char name[32];

        /* Only what comes to be there: a name that goes cannot be opened, and an old tree is deleted without a word. */
        snprintf(name, sizeof(name), "/proc/self/fd/%d", folder);
        if (fanotify_mark(keeper->names, FAN_MARK_ADD, FAN_CREATE | FAN_MOVED_TO | FAN_ONDIR, AT_FDCWD, name) < 0)
                return error_errno(err, errno, _("cannot watch '%s' in a tree"), path);
        return 0;
}

uint64_t keeper_watching(struct keeper *keeper, unsigned int tree)
{
        struct gate_request packet = { .verb = GATE_WATCHING, .tree = tree };

        pthread_mutex_lock(&keeper->lock);
        packet.argument = ++keeper->watching;
        (void)request(keeper, &packet, NULL, -1);
        pthread_mutex_unlock(&keeper->lock);
        return packet.argument;
}

void keeper_watched(struct keeper *keeper, unsigned int tree, uint64_t watching)
{
        struct gate_request packet = { .verb = GATE_WATCHED, .tree = tree, .argument = watching };

        pthread_mutex_lock(&keeper->lock);
        (void)request(keeper, &packet, NULL, -1);
        pthread_mutex_unlock(&keeper->lock);
}

void keeper_genuine(struct keeper *keeper, unsigned int tree, const char *path, int file, uint64_t generation)
{
        struct gate_request packet = { .verb = GATE_GENUINE, .tree = tree, .argument = generation };

        pthread_mutex_lock(&keeper->lock);
        (void)request(keeper, &packet, path, file);
        pthread_mutex_unlock(&keeper->lock);
}

void keeper_forget(struct keeper *keeper, unsigned int tree, uint64_t generation)
{
        struct gate_request packet = { .verb = GATE_FORGET, .tree = tree, .argument = generation };

        pthread_mutex_lock(&keeper->lock);
        (void)told(keeper, request(keeper, &packet, NULL, -1), NULL);
        pthread_mutex_unlock(&keeper->lock);
}

int keeper_guard_file_system(struct keeper *keeper, int folder, bool *reads, struct error *err)
{
        const unsigned int flags = FAN_MARK_ADD | FAN_MARK_FILESYSTEM;
        char name[32];

        snprintf(name, sizeof(name), "/proc/self/fd/%d", folder);
        *reads = *reads && keeper->options.reads &&
                 fanotify_mark(keeper->group, flags, FAN_OPEN_PERM | GATE_PRE_ACCESS, AT_FDCWD, name) == 0;
        if (!*reads && fanotify_mark(keeper->group, flags, FAN_OPEN_PERM, AT_FDCWD, name) < 0)
                return error_errno(err, errno,
                                   _("the kernel does not ask before files are opened on this file system "
                                     "(CONFIG_FANOTIFY_ACCESS_PERMISSIONS); use --mode observe"));
        return 0;
}

int keeper_unasked(const struct keeper *keeper, int folder)
{
        const uint64_t reads = FAN_OPEN_PERM | GATE_PRE_ACCESS; /* not every kernel and file system asks before them */
        int fd = keeper->options.reads ? unasked_open(keeper->group, reads, folder) : -EINVAL;

        return fd < 0 ? unasked_open(keeper->group, FAN_OPEN_PERM, folder) : fd;
}

void keeper_serve(struct keeper *keeper)
{
        ping(keeper);
}

int keeper_verifiers(struct keeper *keeper, const struct verifier_tree trees[static GATE_TREES], struct error *err)
{
        int r = 0;

        for (unsigned int i = 0; i < keeper->options.verifiers && r == 0; i++) {
                int socket = -1, old;
                pid_t pid = -1;

                r = verifier_start(trees, &socket, &pid, err);
                if (r < 0)
                        return r;
                pthread_mutex_lock(&keeper->lock);
                old = keeper->verifiers[i];
                if (keeper->verifier_pids[i] > 0 && keeper->retired_count < RETIRED_MAXIMUM)
                        keeper->retired[keeper->retired_count++] =
                                (struct retired){ keeper->verifier_pids[i], clock_monotonic_ms() };
                keeper->verifiers[i] = socket;
                keeper->verifier_pids[i] = pid;
                r = told(keeper, request_verifier(keeper, i), err);
                pthread_mutex_unlock(&keeper->lock);
                fd_close(&old); /* ends with the gate's copy: it was asked again elsewhere */
        }
        return r;
}

size_t keeper_hanging(struct keeper *keeper)
{
        size_t count;

        pthread_mutex_lock(&keeper->lock);
        count = keeper->retired_count;
        pthread_mutex_unlock(&keeper->lock);
        return count;
}

bool keeper_lost_reports(struct keeper *keeper)
{
        return atomic_exchange(&keeper->lost, false);
}

void keeper_counters(struct keeper *keeper, struct gate_counters *ret_counters)
{
        pthread_mutex_lock(&keeper->lock);
        *ret_counters = keeper->counters;
        pthread_mutex_unlock(&keeper->lock);
}

bool keeper_is_report(const struct gate_report *report, size_t length)
{
        return length >= offsetof(struct gate_report, path) && report->path_length < GATE_PATH_SIZE &&
               length >= offsetof(struct gate_report, path) + report->path_length;
}

int keeper_fd(const struct keeper *keeper)
{
        return keeper->outside;
}

/* ---- life ---- */

/* The program in memory, sealed: nothing has to be opened to start it again, and nobody can change it meanwhile. */
static int load_program(const char *path, struct error *err)
{
        _cleanup_(fd_closep) int file = open(path, O_RDONLY | O_CLOEXEC), memory = -1;
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(PROGRAM_MAXIMUM);
        int r = file < 0 ? -errno : read_to_end(file, &bytes);

        if (r == 0) {
                memory = memfd_create("understudy-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
                r = memory < 0 ? -errno : write_full(memory, bytes.data, bytes.length);
        }
        if (r == 0 &&
            fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                r = -errno;
        if (r < 0)
                return error_errno(err, -r, _("cannot load the gate's program %s; install Understudy again"), path);
        return fd_steal(&memory);
}

static int make_groups(struct keeper *keeper, struct error *err)
{
        const unsigned int class = keeper->options.reads ? FAN_CLASS_PRE_CONTENT : FAN_CLASS_CONTENT;

        keeper->group = fanotify_init(class | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_NONBLOCK |
                                              FAN_CLOEXEC,
                                      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME | O_NONBLOCK);
        keeper->names = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_UNLIMITED_MARKS | FAN_NONBLOCK |
                                              FAN_CLOEXEC,
                                      O_RDONLY | O_LARGEFILE | O_CLOEXEC);
        if (keeper->group < 0 || keeper->names < 0)
                return error_errno(err, errno,
                                   _("the kernel gives no right to refuse files (fanotify); the guard needs root, or "
                                     "--mode observe"));
        return 0;
}

static int wait_until_ready(struct keeper *keeper, struct error *err)
{
        struct pollfd poll_fd = { .fd = keeper->channel, .events = POLLIN };
        static struct gate_report report;

        if (poll(&poll_fd, 1, START_MS) <= 0 || recv(keeper->channel, &report, sizeof(report), 0) <= 0 ||
            report.verb != GATE_READY)
                return error_set(err, -ECHILD, _("the gate %s did not start"), keeper->options.program);
        keeper->answered_ms = clock_monotonic_ms();
        return 0;
}

int keeper_open(const struct keeper_options *options, struct keeper **ret_keeper, struct error *err)
{
        struct keeper *keeper = memory_new(1, sizeof(*keeper));
        int ends[2] = { -1, -1 }, r;

        if (!keeper)
                return error_memory(err);
        keeper->options = *options;
        if (keeper->options.verifiers > GATE_VERIFIERS)
                keeper->options.verifiers = GATE_VERIFIERS;
        keeper->program = keeper->group = keeper->names = keeper->channel = keeper->pidfd = keeper->wake = keeper->serving = -1;
        keeper->pid = -1;
        for (size_t i = 0; i < GATE_TREES; i++)
                keeper->trees[i].folder = -1;
        for (size_t i = 0; i < GATE_VERIFIERS; i++)
                keeper->verifiers[i] = -1;
        pthread_mutex_init(&keeper->lock, NULL);
        r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
        keeper->inside = ends[0];
        keeper->outside = ends[1];
        if (r == 0) {
                keeper->wake = eventfd(0, EFD_CLOEXEC);
                keeper->serving = fcntl(options->lock, F_DUPFD_CLOEXEC, 3); /* for the gates that come later, too */
                r = keeper->wake < 0 || keeper->serving < 0 ? -errno : 0;
        }
        if (r < 0)
                r = error_errno(err, -r, _("cannot start the gate"));
        if (r == 0)
                r = keeper->program = load_program(options->program, err);
        if (r >= 0)
                r = make_groups(keeper, err);
        if (r == 0) {
                r = start_gate(keeper);
                if (r < 0)
                        error_errno(err, -r, _("cannot start the gate"));
        }
        if (r == 0)
                r = wait_until_ready(keeper, err);
        if (r == 0 && pthread_create(&keeper->thread, NULL, keep, keeper) != 0)
                r = error_memory(err);
        if (r < 0) {
                keeper_close(keeper);
                return r;
        }
        keeper->thread_runs = true;
        *ret_keeper = keeper;
        return 0;
}

void keeper_close(struct keeper *keeper)
{
        struct gate_request packet = { .verb = GATE_STOP };

        if (!keeper)
                return;
        if (keeper->thread_runs && eventfd_write(keeper->wake, 1) == 0)
                (void)pthread_join(keeper->thread, NULL);
        if (keeper->pid > 0) {
                struct pollfd gone = { .fd = keeper->pidfd, .events = POLLIN };

                (void)request(keeper, &packet, NULL, -1);
                (void)poll(&gone, 1, SEND_TIMEOUT_S * 1000);
                end_gate(keeper);
        }
        reap(keeper);
        for (size_t i = 0; i < GATE_TREES; i++) {
                fd_close(&keeper->trees[i].folder);
                free(keeper->trees[i].path);
        }
        for (size_t i = 0; i < GATE_VERIFIERS; i++)
                fd_close(&keeper->verifiers[i]);
        fd_close(&keeper->channel);
        fd_close(&keeper->pidfd);
        fd_close(&keeper->group);
        fd_close(&keeper->names);
        fd_close(&keeper->program);
        fd_close(&keeper->inside);
        fd_close(&keeper->outside);
        fd_close(&keeper->wake);
        fd_close(&keeper->serving);
        pthread_mutex_destroy(&keeper->lock);
        free(keeper);
}
