/* worker_process.c - start, packets, and what follows from a death. */
#include "notify/worker_process.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"

#define RESTART_MS      1000 /* before the second start of a worker that died, doubled each time up to: */
#define RESTART_LAST_MS 60000

int worker_process_init(struct worker_process *process, struct error *err)
{
        process->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (process->epoll < 0)
                return error_errno(err, errno, _("cannot start the delivery of alerts"));
        return 0;
}

void worker_process_done(struct worker_process *process)
{
        fd_close(&process->epoll);
}

int worker_process_start(struct worker_process *process, struct queue *queue, const struct worker_options *options,
                         struct error *err)
{
        struct epoll_event event = { .events = EPOLLIN };
        int ends[2], size = WORKER_SOCKET_BUFFER;
        pid_t pid;

        process->started_ms = clock_monotonic_ms();
        process->restart_ms = process->started_ms + RESTART_LAST_MS;
        if (fault_point(FAULT_OPEN) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start the process that delivers alerts; it is tried again"));
        for (int i = 0; i < 2; i++)
                setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        pid = fault_point(FAULT_FORK) ? -1 : fork();
        if (pid == 0)
                worker_run(ends[1], queue, options);
        if (pid < 0) {
                int r = error_errno(err, errno, _("cannot start the process that delivers alerts; it is tried again"));

                close(ends[0]);
                close(ends[1]);
                return r;
        }
        close(ends[1]);
        process->pid = pid;
        process->socket = ends[0];
        (void)epoll_ctl(process->epoll, EPOLL_CTL_ADD, process->socket, &event);
        return 0;
}

void worker_process_end(struct worker_process *process, int64_t patience_ms)
{
        int64_t deadline = clock_monotonic_ms() + patience_ms;
        const struct timespec pause = { .tv_nsec = 5000000 };

        fd_close(&process->socket);
        if (process->pid <= 0)
                return;
        while (waitpid(process->pid, NULL, WNOHANG) == 0) {
                if (clock_monotonic_ms() >= deadline)
                        kill(process->pid, SIGKILL);
                nanosleep(&pause, NULL);
        }
        process->pid = 0;
}

void worker_process_lost(struct worker_process *process)
{
        int64_t now = clock_monotonic_ms(), pause = 0;

        worker_process_end(process, 0);
        if (now - process->started_ms > RESTART_LAST_MS)
                process->deaths = 0;
        for (unsigned int i = 0; i < process->deaths && pause < RESTART_LAST_MS; i++)
                pause = pause ? 2 * pause : RESTART_MS;
        process->deaths++;
        process->restart_ms = now + (pause < RESTART_LAST_MS ? pause : RESTART_LAST_MS);
}

bool worker_process_tell(const struct worker_process *process, char what, const void *bytes, size_t length,
                         const void *more, size_t more_length)
{
        struct iovec parts[3] = {
                {&what,                     1          },
                { (void *)(uintptr_t)bytes, length     },
                { (void *)(uintptr_t)more,  more_length},
        };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };

        return process->socket >= 0 && sendmsg(process->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}
