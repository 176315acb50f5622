#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

#define CHUNK    4096
#define SLICE_MS 20 /* between two looks whether it has ended */

struct run {
        const struct program *program;
        pid_t pid;
        int ends[2]; /* of its output and its complaints; -1: closed */
        struct buffer *kept[2];
        int64_t deadline;
        bool ended; /* it waits to be reaped, so its number and its group's are nobody else's */
};

static int go_apart(void *context _unused_)
{
        return setpgid(0, 0);
}

static int start(struct run *run, struct error *err)
{
        const char *argv[] = { "/bin/sh", "-c", run->program->command, NULL };
        _cleanup_(fd_closep) int output = -1, complaints = -1;
        struct child_options options = { .environment = run->program->environment, .input = -1, .before_exec = go_apart };
        int one[2], other[2], r;

        if (pipe2(one, O_CLOEXEC) < 0)
                return error_errno(err, errno, _("cannot run %s"), run->program->command);
        run->ends[0] = one[0];
        output = one[1];
        if (pipe2(other, O_CLOEXEC) < 0)
                return error_errno(err, errno, _("cannot run %s"), run->program->command);
        run->ends[1] = other[0];
        complaints = other[1];
        options.output_descriptor = output;
        options.error_descriptor = complaints;
        r = child_start(argv, &options, &run->pid, err);
        if (r == 0)
                (void)setpgid(run->pid, run->pid); /* as it does itself: whoever is first */
        return r;
}

/* 1 when there is something more to come, 0 at its end, -E2BIG or another errno. */
static int take(int fd, struct buffer *kept)
{
        char bytes[CHUNK];
        ssize_t n = read(fd, bytes, sizeof(bytes));

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 1 : -errno;
        return n == 0 ? 0 : buffer_append(kept, bytes, (size_t)n) < 0 ? -E2BIG : 1;
}

/* What it left behind has no business any more. */
static void notice_end(struct run *run)
{
        siginfo_t info = { .si_pid = 0 };

        if (run->ended || waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != run->pid)
                return;
        run->ended = true;
        kill(-run->pid, SIGKILL);
}

/* Until it has ended and nobody has its output any more. */
static int follow(struct run *run)
{
        while (!run->ended || run->ends[0] >= 0 || run->ends[1] >= 0) {
                struct pollfd fds[2] = { { .fd = run->ends[0], .events = POLLIN }, { .fd = run->ends[1], .events = POLLIN } };

                if (clock_monotonic_ms() >= run->deadline)
                        return -ETIMEDOUT;
                if (poll(fds, LENGTH(fds), SLICE_MS) < 0 && errno != EINTR)
                        return -errno;
                for (size_t i = 0; i < LENGTH(fds); i++) {
                        int r = fds[i].revents ? take(run->ends[i], run->kept[i]) : 1;

                        if (r < 0)
                                return r;
                        if (r == 0)
                                fd_close(&run->ends[i]);
                }
                notice_end(run);
        }
        return 0;
}

static int tell(const struct run *run, int r, struct error *err)
{
        const char *command = run->program->command;

        if (r == -ETIMEDOUT)
                return error_set(err, r, _("\"%s\" took longer than %lld ms and was ended"), command,
                                 (long long)run->program->timeout_ms);
        if (r == -E2BIG)
                return error_set(err, r, _("\"%s\" printed more than %zu bytes and was ended"), command, run->kept[0]->maximum);
        return error_errno(err, -r, _("cannot follow \"%s\""), command);
}

int program_run(const struct program *program, struct buffer *said, struct buffer *complained, struct error *err)
{
        struct run run = { .program = program, .ends = { -1, -1 }, .kept = { said, complained },
                           .deadline = clock_monotonic_ms() + program->timeout_ms };
        int r = start(&run, err), status;

        if (r == 0) {
                r = follow(&run);
                if (r < 0)
                        kill(-run.pid, SIGKILL);
                status = child_wait(run.pid, program->command, r < 0 ? NULL : err);
                r = r < 0 ? tell(&run, r, err) : status;
        }
        fd_close(&run.ends[0]);
        fd_close(&run.ends[1]);
        return r;
}

void program_words(const struct buffer *text, char words[static PROGRAM_WORDS])
{
        _cleanup_(buffer_done) struct buffer escaped = BUFFER_INIT(PROGRAM_WORDS - 1);
        const char *bytes = buffer_text(text);
        size_t end = text->length, begin;

        while (end > 0 && strchr("\r\n\t ", bytes[end - 1]))
                end--;
        begin = end;
        while (begin > 0 && bytes[begin - 1] != '\n')
                begin--;
        (void)text_escape(&escaped, bytes + begin, end - begin); /* its beginning, if it is longer */
        snprintf(words, PROGRAM_WORDS, "%s", buffer_text(&escaped));
}
