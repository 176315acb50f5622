/* who.c - the fast step: the writer, its ancestors, and the connection that its session came by. */
#include "who_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#ifndef FAN_EPIDFD
#define FAN_EPIDFD -2
#endif

#define ANCESTORS_MAXIMUM  32  /* that are looked at; the nearest WHO_PARENTS are kept */
#define DESCRIPTORS_LOOKED 256 /* of a session's process: a session has a dozen */

/* ---- the writer itself ---- */

static bool exists(int pidfd)
{
        return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

/* Ended, whether its parent has taken note (then it does not exist any more) or not. */
static bool has_ended(int pidfd)
{
        struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

        return !exists(pidfd) || (poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & POLLIN);
}

static int64_t microseconds(clockid_t clock)
{
        struct timespec time;

        clock_gettime(clock, &time);
        return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int64_t started_at(const struct who *who)
{
        int64_t boot_us = who->asked_us - microseconds(CLOCK_BOOTTIME);
        int64_t hertz = sysconf(_SC_CLK_TCK);

        return boot_us / 1000000 + (int64_t)who->process.start_ticks / (hertz > 0 ? hertz : 100);
}

/* A number that the kernel keeps for a login; its largest value means that there was none. */
static enum who_why read_login(const struct who_handle *handle, const char *name, uint32_t *ret)
{
        char text[16];
        ssize_t length = who_read(handle->directory, name, text, sizeof(text));

        if (length == -ENOENT) /* a kernel without audit */
                return WHO_WHY_NONE;
        if (length < 0)
                return who_why((int)-length);
        if (who_parse_number(text, (size_t)length, ret) < 0)
                return WHO_WHY_UNREADABLE;
        return *ret == UINT32_MAX ? WHO_WHY_NONE : WHO_WHY_KNOWN;
}

static void read_cgroup(struct who *who, const struct who_handle *handle)
{
        char text[WHO_FILE_SIZE];
        ssize_t length = who_read(handle->directory, "cgroup", text, sizeof(text));
        const char *path, *unit;
        size_t path_length, unit_length;

        who->why[WHO_CGROUP] = length < 0 ? who_why((int)-length) : WHO_WHY_UNREADABLE;
        who->why[WHO_UNIT] = who->why[WHO_CGROUP];
        if (length <= 0 || who_parse_cgroup(text, (size_t)length, &path, &path_length) < 0)
                return;
        who->why[WHO_CGROUP] = WHO_WHY_KNOWN;
        who_escape(who->cgroup, sizeof(who->cgroup), path, path_length);
        who->why[WHO_UNIT] = WHO_WHY_NONE;
        if (who_parse_unit(path, path_length, &unit, &unit_length) < 0)
                return;
        who->why[WHO_UNIT] = WHO_WHY_KNOWN;
        who_escape(who->unit, sizeof(who->unit), unit, unit_length);
}

static void name_terminal(struct who *who, uint32_t device)
{
        unsigned int major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);

        who->why[WHO_TERMINAL] = device == 0 ? WHO_WHY_NONE : WHO_WHY_KNOWN;
        if (device == 0)
                return;
        if (major == 136)
                snprintf(who->terminal, sizeof(who->terminal), "pts/%u", minor);
        else if (major == 4 && minor < 64)
                snprintf(who->terminal, sizeof(who->terminal), "tty%u", minor);
        else if (major == 4)
                snprintf(who->terminal, sizeof(who->terminal), "ttyS%u", minor - 64);
        else
                snprintf(who->terminal, sizeof(who->terminal), "%u:%u", major, minor);
}

/* Last of all: it lies in the process's own memory, which it can change, and which is the slowest to read. */
static void read_command(struct who *who, const struct who_handle *handle)
{
        char text[WHO_FILE_SIZE];
        ssize_t length = who_read(handle->directory, "cmdline", text, sizeof(text));

        if (length <= 0) {
                who->why[WHO_COMMAND] = length < 0 ? who_why((int)-length) : handle->exe_why;
                if (who->why[WHO_COMMAND] == WHO_WHY_KNOWN) /* it has a program and wiped its arguments */
                        who->why[WHO_COMMAND] = WHO_WHY_NONE;
                return;
        }
        while (length > 0 && text[length - 1] == '\0')
                length--;
        for (ssize_t i = 0; i < length; i++)
                if (text[i] == '\0')
                        text[i] = ' ';
        who_escape(who->command, sizeof(who->command), text, (size_t)length);
        who->why[WHO_COMMAND] = WHO_WHY_KNOWN;
}

static void take_identity(struct who *who, const struct who_handle *handle)
{
        who->process = handle->process;
        who->why[WHO_STARTED] = who->why[WHO_COMM] = WHO_WHY_KNOWN;
        who->started = started_at(who);
        who->why[WHO_EXE] = handle->exe_why;
        who->why[WHO_UID] = handle->process.uid == (uid_t)-1 ? WHO_WHY_UNREADABLE : WHO_WHY_KNOWN;
        who->euid = handle->ids.euid;
        who->gid = handle->ids.gid;
        who->why[WHO_LOGIN_UID] = read_login(handle, "loginuid", &who->login_uid);
        who->why[WHO_SESSION] = read_login(handle, "sessionid", &who->session);
        name_terminal(who, handle->stat.terminal);
}

/* ---- the service and its connection ---- */

/*
 * A service is one process or several, each the child of the next: sshd's session, its monitor, and the one that
 * listens. The run of them that is nearest to the writer counts, if one of them belongs to root: an upload user may run
 * an sshd of his own below the real one, with a connection that he made himself to an address that he chose.
 */
struct run {
        enum who_service service;
        bool root; /* a process of it runs as root */
        bool done; /* it has ended, and counts */
        char name[32];
        struct who_process process; /* the nearest */
        struct who_remote remote;
        struct who_remote pending; /* of a process that also listens: the daemon itself, unless another is above it */
        pid_t web;
};

static void look_at_sockets(struct run *run, const struct who_handle *handle)
{
        struct who_sockets sockets;

        if (run->service == WHO_SERVICE_WEB)
                return; /* may have thousands: later */
        if (run->service == WHO_SERVICE_PHP) {
                if (run->process.pid != handle->pid)
                        return; /* the master process serves nobody */
                who_sockets(handle, DESCRIPTORS_LOOKED, true, &sockets);
                run->web = sockets.unix_peers ? 0 : sockets.unix_peer;
                run->remote = sockets.remote; /* web servers that ask over TCP */
                return;
        }
        if (run->pending.count && !run->remote.count)
                run->remote = run->pending;
        run->pending.count = 0;
        who_sockets(handle, DESCRIPTORS_LOOKED, false, &sockets);
        if (sockets.remote.count && sockets.listening)
                run->pending = sockets.remote;
        else if (sockets.remote.count)
                run->remote = sockets.remote;
}

static void consider(struct run *run, const struct who_handle *handle)
{
        enum who_service service = run->done ? WHO_SERVICE_NONE : who_service_of(handle);

        if (run->done)
                return;
        if (run->service != WHO_SERVICE_NONE && service != run->service) {
                run->done = run->root;
                if (run->done)
                        return;
                *run = (struct run){ 0 };
        }
        if (service == WHO_SERVICE_NONE)
                return;
        if (run->service == WHO_SERVICE_NONE) {
                run->service = service;
                run->process = handle->process;
                snprintf(run->name, sizeof(run->name), "%.31s", handle->exe_name);
        }
        run->root = run->root || handle->process.uid == 0;
        look_at_sockets(run, handle);
}

static void take_web_process(struct who *who, pid_t pid)
{
        struct who_handle handle = WHO_HANDLE_NONE;

        if (pid > 0 && who_handle_open(pid, &handle) == 0 && who_service_of(&handle) == WHO_SERVICE_WEB)
                who->web_process = handle.process;
        who_handle_done(&handle);
}

static void take_service(struct who *who, const struct run *run, bool sftp)
{
        if (run->service == WHO_SERVICE_NONE || !run->root)
                return;
        who->service = run->service == WHO_SERVICE_SSH && sftp ? WHO_SERVICE_SFTP : run->service;
        who->service_process = run->process;
        memcpy(who->service_name, run->name, sizeof(who->service_name));
        if (run->service == WHO_SERVICE_WEB)
                who->web_process = run->process;
        if (run->service == WHO_SERVICE_PHP)
                take_web_process(who, run->web);
        if (run->service == WHO_SERVICE_PHP && run->remote.count > 0)
                who->why[WHO_REMOTE] = WHO_WHY_ELSEWHERE;
        if ((run->service != WHO_SERVICE_SSH && run->service != WHO_SERVICE_FTP) || run->remote.count == 0)
                return;
        who->remote = run->remote;
        who->remote.source = WHO_SOURCE_SOCKET;
        who->remote.trust = run->remote.count == 1 ? WHO_CERTAIN : WHO_AMBIGUOUS;
        who->why[WHO_REMOTE] = WHO_WHY_KNOWN;
}

/* ---- ancestors ---- */

/*
 * The parent of a process, by the number in the child's stat. The number is the parent's own if it started no later
 * than the child: had the parent ended meanwhile, the next process with its number would have started after we read it.
 * (Within one clock tick of 10 ms all numbers cannot be used up.)
 */
static int open_parent(const struct who_handle *child, struct who_handle *ret)
{
        struct who_handle handle = WHO_HANDLE_NONE;
        int r = who_handle_open(child->stat.parent, &handle);

        if (r < 0)
                return r;
        if (handle.stat.start_ticks > child->stat.start_ticks) {
                who_handle_done(&handle);
                return -ESRCH;
        }
        *ret = handle;
        return 0;
}

static void walk(struct who *who, struct who_handle *writer)
{
        struct who_handle child = *writer, parent;
        struct run run = { 0 };
        bool sftp = false;
        int r = 0;

        writer->directory = -1; /* closed with `child` */
        for (size_t depth = 0; depth < ANCESTORS_MAXIMUM; depth++) {
                /* A program of its own below the user's shell, or a part of sshd that calls itself so. */
                if (run.service == WHO_SERVICE_NONE && text_equal(child.exe_name, "sftp-server"))
                        sftp = true;
                consider(&run, &child);
                if (depth == 0 && run.service == WHO_SERVICE_SSH && text_ends(who->command, "@internal-sftp"))
                        sftp = true;
                if (child.stat.parent == 0)
                        break;
                r = open_parent(&child, &parent);
                if (r < 0)
                        break;
                who_handle_done(&child);
                child = parent;
                if (who->parent_count < WHO_PARENTS)
                        who->parents[who->parent_count++] = parent.process;
                else
                        who->more_parents = true;
        }
        who_handle_done(&child);
        who->why[WHO_PARENTAGE] = r < 0 ? who_why(-r) : who->parent_count ? WHO_WHY_KNOWN : WHO_WHY_NONE;
        run.done = true;
        take_service(who, &run, sftp);
}

/* A session's number stays its leader's as long as somebody is in it: it can have ended, but not be another one. */
static void take_leader(struct who *who, pid_t session)
{
        struct who_handle handle = WHO_HANDLE_NONE;
        int r;

        who->why[WHO_LEADER] = WHO_WHY_NONE;
        if (session <= 0)
                return;
        r = who_handle_open(session, &handle);
        who->why[WHO_LEADER] = r < 0 ? who_why(-r) : WHO_WHY_KNOWN;
        if (r == 0)
                who->leader = handle.process;
        who_handle_done(&handle);
}

/* ---- all of it ---- */

static void nothing_known(struct who *who, enum who_state state)
{
        who->state = state;
        for (size_t i = 0; i < WHO_FIELDS; i++)
                who->why[i] = WHO_WHY_GONE;
}

/* What the kernel refused to tell of a process that has ended by now, it refused for that. */
static void finish(struct who *who, int pidfd)
{
        if (!has_ended(pidfd))
                return;
        who->state = WHO_ENDED;
        for (size_t i = 0; i < WHO_FIELDS; i++)
                if (who->why[i] == WHO_WHY_REFUSED || who->why[i] == WHO_WHY_UNREADABLE)
                        who->why[i] = WHO_WHY_GONE;
        /* Its memory goes first: then its command line is empty, as that of one who wiped it. */
        if (who->why[WHO_COMMAND] == WHO_WHY_NONE)
                who->why[WHO_COMMAND] = WHO_WHY_GONE;
}

void who_ask(int pidfd, pid_t pid, struct who *ret_who)
{
        struct who_handle handle = WHO_HANDLE_NONE;
        struct who *who = ret_who;

        memset(who, 0, sizeof(*who));
        who->pid = pid;
        who->process = (struct who_process){ .pid = pid, .uid = (uid_t)-1 };
        who->asked_us = microseconds(CLOCK_REALTIME);
        if (pid <= 0 || pidfd < 0) {
                nothing_known(who, pid <= 0 ? WHO_OUTSIDE : pidfd == FAN_EPIDFD ? WHO_NOHANDLE : WHO_GONE);
                return;
        }
        /* As long as the process exists its number is its own: if it still does, the directory that was opened before
         * belongs to it, and all that is read through it. */
        if (who_handle_open(pid, &handle) < 0 || !exists(pidfd)) {
                nothing_known(who, WHO_GONE);
                who_handle_done(&handle);
                return;
        }
        take_identity(who, &handle);
        read_cgroup(who, &handle);
        read_command(who, &handle);
        take_leader(who, handle.stat.session);
        walk(who, &handle);
        finish(who, pidfd);
}
