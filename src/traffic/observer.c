#include "observer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/sandbox.h"

#define MEMORY_BYTES (UINT64_C(512) << 20)

struct observer {
        pid_t pid;
        int fd;
};

/* ---- its process ---- */

static int64_t interval_of(const struct config *config)
{
        int64_t interval = config->check_count ? config->checks[0].interval_ms : 1000;

        for (size_t i = 1; i < config->check_count; i++)
                if (config->checks[i].interval_ms < interval)
                        interval = config->checks[i].interval_ms;
        return interval;
}

static struct observer_sight look(const struct observer_options *options)
{
        struct observer_sight sight = { .failing = -1 };

        for (size_t i = 0; i < options->config->check_count && sight.failing < 0; i++) {
                struct error error = ERROR_NONE;

                if (options->probe(options->context, &options->config->checks[i], options->address, &error) == 0)
                        continue;
                sight.failing = (int32_t)i;
                snprintf(sight.text, sizeof(sight.text), "%.*s", OBSERVER_TEXT - 1, error.text);
        }
        sight.at_ms = clock_monotonic_ms();
        return sight;
}

static void sleep_until(int64_t when_ms)
{
        int64_t left = when_ms - clock_monotonic_ms();

        if (left > 0)
                nanosleep(&(struct timespec){ .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 }, NULL);
}

static _Noreturn void observe(const struct observer_options *options, int out, pid_t parent)
{
        const struct sandbox sandbox = { .network = true, .memory_bytes = MEMORY_BYTES };
        const int64_t interval = interval_of(options->config);
        struct error error = ERROR_NONE;

        signal(SIGTERM, SIG_DFL);
        prctl(PR_SET_NAME, "observer");
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        if (sandbox_enter(&sandbox, &error) < 0) {
                fprintf(stderr, "understudy: %s\n", error.text);
                _exit(1);
        }
        for (;;) {
                const int64_t begin = clock_monotonic_ms();
                const struct observer_sight sight = look(options);

                if (write_full(out, &sight, sizeof(sight)) < 0)
                        _exit(1);
                sleep_until(begin + interval);
        }
}

/* ---- the other side ---- */

int observer_start(const struct observer_options *options, struct observer **ret_observer, struct error *err)
{
        _cleanup_(fd_closep) int in = -1, out = -1;
        struct observer *observer = memory_new(1, sizeof(*observer));
        const pid_t parent = getpid();
        int ends[2];

        if (!observer)
                return error_memory(err);
        if (pipe2(ends, O_CLOEXEC) < 0) {
                free(observer);
                return error_errno(err, errno, _("cannot start an observer of the site"));
        }
        in = ends[0];
        out = ends[1];
        observer->pid = fork();
        if (observer->pid < 0) {
                free(observer);
                return error_errno(err, errno, _("cannot start an observer of the site"));
        }
        if (observer->pid == 0)
                observe(options, out, parent);
        fcntl(in, F_SETFL, O_NONBLOCK);
        observer->fd = fd_steal(&in);
        *ret_observer = observer;
        return 0;
}

void observer_free(struct observer *observer)
{
        if (!observer)
                return;
        kill(observer->pid, SIGKILL);
        while (waitpid(observer->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        fd_close(&observer->fd);
        free(observer);
}

int observer_fd(const struct observer *observer)
{
        return observer->fd;
}

int observer_read(struct observer *observer, struct observer_sight *ret_sight)
{
        struct observer_sight sight;

        /* Smaller than PIPE_BUF: whole or not at all. */
        const ssize_t n = read(observer->fd, &sight, sizeof(sight));

        if (n == (ssize_t)sizeof(sight)) {
                sight.text[OBSERVER_TEXT - 1] = '\0';
                *ret_sight = sight;
                return 1;
        }
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}
