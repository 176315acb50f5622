/* agent_run.c - other programs for a verb: this same one, and the commands of the configuration. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/agent_verbs.h"
#include "cli/command.h"
#include "traffic/agent_site.h"

#define ARGUMENTS_MAXIMUM 64
#define SIGN_MS           2000 /* between two signs of life of a program that says nothing */
#define LINE_MAXIMUM      (ERROR_TEXT_SIZE + 100)
#define COMMAND_OUTPUT    (64U << 10)
#define OUTPUT_MAXIMUM    (200U << 10) /* bytes of JSON that fit into an answer with what is around them */

/* What it wrote to standard error: progress is passed on, the last sentence is kept. */
struct listener {
        struct agent_call *call;
        char line[LINE_MAXIMUM], last[LINE_MAXIMUM];
        size_t used;
        pid_t pid;
        unsigned long long work;     /* as work_of() */
        char what[80];               /* what it told of itself last */
        unsigned long long done, total;
};

static void take_line(struct listener *listener)
{
        static const char prefix[] = "understudy: ";
        const char *line = listener->line;
        unsigned long long done = 0, total = 0;
        int at = 0;

        listener->line[listener->used] = '\0';
        listener->used = 0;
        if (sscanf(line, PROGRESS_LINE "%llu %llu %n", &done, &total, &at) == 2 && at > 0) {
                snprintf(listener->what, sizeof(listener->what), "%s", line + at);
                listener->done = done;
                listener->total = total;
                agent_progress(listener->call, listener->what, done, total);
                return;
        }
        if (*line && (text_starts(line, prefix) || !*listener->last))
                snprintf(listener->last, sizeof(listener->last), "%s",
                         line + (text_starts(line, prefix) ? sizeof(prefix) - 1 : 0));
}

/* What the program has used of the processor and read or written so far; 0: that cannot be seen. */
static unsigned long long work_of(pid_t pid)
{
        unsigned long long user = 0, kernel = 0, in = 0, out = 0;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);
        char path[64];
        const char *at;

        snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
        at = file_read(AT_FDCWD, path, &text, NULL) == 0 ? strrchr(buffer_text(&text), ')') : NULL;
        if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
                return 0;
        buffer_clear(&text);
        snprintf(path, sizeof(path), "/proc/%ld/io", (long)pid);
        if (file_read(AT_FDCWD, path, &text, NULL) == 0)
                (void)sscanf(buffer_text(&text), "rchar: %llu wchar: %llu", &in, &out);
        return user + kernel + in + out;
}

/* Until there is something to be read. A program that is at one large file for long tells nothing meanwhile, and is not taken for one
 * that hangs: what it told last is told again as long as it works. */
static void wait_for_it(struct listener *listener, int fd)
{
        struct pollfd one = { .fd = fd, .events = POLLIN };
        unsigned long long work;

        while (poll(&one, 1, SIGN_MS) == 0) {
                work = work_of(listener->pid);
                if (work != listener->work)
                        agent_progress(listener->call, listener->what, listener->done, listener->total);
                listener->work = work;
        }
}

static void listen_to(struct listener *listener, int fd)
{
        char bytes[1024];
        ssize_t n;

        do {
                wait_for_it(listener, fd);
                n = read(fd, bytes, sizeof(bytes));
                for (ssize_t i = 0; i < n; i++) {
                        if (bytes[i] == '\n')
                                take_line(listener);
                        else if (listener->used < LINE_MAXIMUM - 1)
                                listener->line[listener->used++] = bytes[i];
                }
        } while (n > 0 || (n < 0 && errno == EINTR));
        if (listener->used)
                take_line(listener);
}

/* The end of the program: what it printed and with what status. */
static int take_end(struct agent_call *call, const char *name, int status, int output, const char *last,
                    struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(OUTPUT_MAXIMUM);
        json_t *json = NULL;
        int r;

        if (status == EXIT_USAGE)
                return error_usage(err, "%s", *last ? last : name);
        if (status == EXIT_REFUSED)
                return error_refuse(err, "%s", *last ? last : name);
        if (status != EXIT_DONE && status != EXIT_FOUND)
                return error_set(err, -EIO, "%s",
                                 *last ? last : _("the program that did it ended without a word of why"));
        r = lseek(output, 0, SEEK_SET) < 0 ? -errno : read_to_end(output, &text);
        if (r == -E2BIG)
                json = json_pack("{s:b}", "omitted", 1); /* its status says what matters */
        else if (r == 0)
                json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        if (!json)
                return error_set(err, -EBADMSG, _("what '%s' printed is no JSON"), name);
        if (json_object_set_new(call->result, "output", json) < 0 ||
            json_object_set_new(call->result, "status", json_integer(status)) < 0)
                return error_memory(err);
        return 0;
}

int agent_run_program(struct agent_call *call, const char *const argv[], struct error *err)
{
        const struct agent_site *site = call->context;
        _cleanup_(fd_closep) int output = memfd_create("output", MFD_CLOEXEC), said = -1, error_end = -1;
        const char *whole[ARGUMENTS_MAXIMUM + 6] = { site->program };
        struct listener listener = { .call = call, .what = "working" };
        struct child_options options = { .input = -1 };
        size_t n = 1;
        int ends[2], r;
        pid_t pid;

        if (output < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return error_errno(err, errno, _("cannot run %s"), argv[0]);
        said = ends[0];
        error_end = ends[1];
        for (size_t i = 0; i < ARGUMENTS_MAXIMUM && argv[i]; i++)
                whole[n++] = argv[i];
        whole[n++] = "--json";
        whole[n++] = "--state";
        whole[n++] = site->state;
        setenv(PROGRESS_VARIABLE, "lines", 1);
        options.output_descriptor = output;
        options.error_descriptor = error_end;
        r = child_start(whole, &options, &pid, err);
        if (r < 0)
                return r;
        fd_close(&error_end);
        listener.pid = pid;
        listen_to(&listener, said);
        r = child_wait(pid, site->program, err);
        return r < 0 ? r : take_end(call, argv[0], r, output, listener.last, err);
}

int agent_run_command(const char *key, const char *command, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COMMAND_OUTPUT);
        const char *const argv[] = { "/bin/sh", "-c", command, NULL };
        /* Not a pipe: a daemon that the command leaves behind holds it open. */
        _cleanup_(fd_closep) int output = memfd_create("output", MFD_CLOEXEC);
        const struct child_options options = { .input = -1, .output_descriptor = output, .error_descriptor = output };
        const char *last;
        pid_t pid;
        int r;

        if (output < 0)
                return error_errno(err, errno, _("cannot run %s"), key);
        r = child_start(argv, &options, &pid, err);
        if (r == 0)
                r = child_wait(pid, argv[0], err);
        if (r <= 0)
                return r;
        if (lseek(output, 0, SEEK_SET) == 0)
                (void)read_to_end(output, &text); /* more than that: the words are cut */
        while (text.length && strchr(" \n\r", text.data[text.length - 1]))
                text.data[--text.length] = '\0';
        last = strrchr(buffer_text(&text), '\n');
        last = last ? last + 1 : buffer_text(&text);
        return error_set(err, -EIO, _("%s (%.200s) ended with status %d: %.300s"), key, command, r,
                         *last ? last : _("it printed nothing"));
}
