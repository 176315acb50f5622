#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "i18n.h"
#include "io.h"

static void reset_signals(void)
{
        sigset_t none;

        for (int number = 1; number < NSIG; number++)
                signal(number, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child; never returns. */
static void become(const char *const argv[], const struct child_options *options, int output, pid_t parent)
{
        int input = options->input;

        reset_signals();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(127);
        if (input < 0)
                input = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (dup2(input, 0) < 0 || (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0)) ||
            (options->output_descriptor > 0 && dup2(options->output_descriptor, 1) < 0) ||
            (options->error_descriptor > 0 && dup2(options->error_descriptor, 2) < 0))
                _exit(127);
        closefrom(3);
        if (options->before_exec && options->before_exec(options->context) < 0)
                _exit(127);
        if (options->environment)
                environ = (char **)(uintptr_t)options->environment;
        execvp(argv[0], (char **)(uintptr_t)argv);
        _exit(errno == ENOENT ? 127 : 126);
}

/* Reads what the child prints until it closes its output or the deadline passes; false at the deadline. */
static bool collect(int fd, struct buffer *output, int64_t deadline)
{
        char bytes[4096];

        for (;;) {
                struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
                int64_t left = deadline ? deadline - clock_monotonic_ms() : -1;
                ssize_t n;

                if (deadline && left <= 0)
                        return false;
                if (poll(&poll_fd, 1, (int)(left > 1000000 ? 1000000 : left)) < 0 && errno != EINTR)
                        return true;
                if (!poll_fd.revents)
                        continue;
                n = read(fd, bytes, sizeof(bytes));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return true;
                if (buffer_append(output, bytes, (size_t)n) < 0)
                        continue; /* past the maximum: read on, so that the child does not block, and drop */
        }
}

static int wait_for(pid_t pid, int64_t deadline)
{
        for (;;) {
                int status = 0;
                pid_t r = waitpid(pid, &status, deadline ? WNOHANG : 0);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == pid)
                        return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
                if (clock_monotonic_ms() >= deadline)
                        return -ETIMEDOUT;
                usleep(5000);
        }
}

int child_run(const char *const argv[], const struct child_options *options, struct error *err)
{
        static const struct child_options plain = { .input = -1 };
        _cleanup_(fd_closep) int output_read = -1, output_write = -1;
        int64_t deadline;
        pid_t parent = getpid(), pid;
        int r;

        if (!options)
                options = &plain;
        if (options->output) {
                int ends[2];

                if (pipe2(ends, O_CLOEXEC) < 0)
                        return error_errno(err, errno, _("cannot run %s"), argv[0]);
                output_read = ends[0];
                output_write = ends[1];
        }
        deadline = options->timeout_ms ? clock_monotonic_ms() + options->timeout_ms : 0;
        pid = fault_point(FAULT_FORK) ? -1 : fork();
        if (pid < 0)
                return error_errno(err, errno, _("cannot run %s"), argv[0]);
        if (pid == 0)
                become(argv, options, output_write, parent);
        fd_close(&output_write);
        if (options->output && !collect(output_read, options->output, deadline))
                r = -ETIMEDOUT;
        else
                r = wait_for(pid, deadline);
        if (r == -ETIMEDOUT) {
                kill(pid, SIGKILL);
                wait_for(pid, 0);
                return error_set(err, r, _("%s took longer than %lld seconds and was ended"), argv[0],
                                 (long long)(options->timeout_ms / 1000));
        }
        if (r < 0)
                return error_errno(err, -r, _("cannot run %s"), argv[0]);
        if (r == 127)
                return error_set(err, -ENOENT,
                                 _("cannot run %s: the program was not found; install it or give its path"), argv[0]);
        return r;
}

int child_start(const char *const argv[], const struct child_options *options, pid_t *ret_pid, struct error *err)
{
        pid_t parent = getpid(), pid = fault_point(FAULT_FORK) ? -1 : fork();

        if (pid < 0)
                return error_errno(err, errno, _("cannot run %s"), argv[0]);
        if (pid == 0)
                become(argv, options, -1, parent);
        *ret_pid = pid;
        return 0;
}

int child_wait(pid_t pid, const char *name, struct error *err)
{
        int r = wait_for(pid, 0);

        if (r < 0)
                return error_errno(err, -r, _("cannot wait for %s"), name);
        if (r == 127)
                return error_set(err, -ENOENT,
                                 _("cannot run %s: the program was not found; install it or give its path"), name);
        return r;
}
