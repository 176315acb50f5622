/* teller.c - a program that tells the witnesses. */
#include "teller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "journal/files.h"

#define PAUSE_MS      1000  /* between two */
#define RETRY_MS      60000 /* after one that failed */
#define LIMIT_MS      60000 /* longest that one may run while nobody waits; it has limits of its own below that */
#define FINISH_MS     10000 /* longest that closing a journal is held up */
#define WORDS_MAXIMUM 8192

static void say(const struct teller *teller, const char *sentence)
{
        if (teller->note)
                teller->note(teller->context, sentence);
}

/* Lines that begin as every command's complaints do, without that beginning. */
static void say_lines(struct teller *teller, const char *words, size_t words_length)
{
        const char *cursor = words, *end = words + words_length, *line;
        struct error sentence = ERROR_NONE;
        char said[sizeof(teller->said)];
        size_t length;

        snprintf(said, sizeof(said), "%.*s", (int)words_length, words);
        if (text_equal(said, teller->said))
                return;
        memcpy(teller->said, said, sizeof(said));
        while (text_next_line(&cursor, end, &line, &length)) {
                static const char name[] = "understudy: ";
                size_t skip =
                        length > sizeof(name) - 1 && memcmp(line, name, sizeof(name) - 1) == 0 ? sizeof(name) - 1 : 0;

                error_set(&sentence, -EIO, "%.*s", (int)(length - skip), line + skip); /* escapes what must be */
                say(teller, sentence.text);
        }
}

static int outputs_together(void *context _unused_)
{
        return dup2(STDOUT_FILENO, STDERR_FILENO);
}

/* Only a journal with witnesses needs the program. */
static bool has_witnesses(const struct teller *teller)
{
        char path[PATH_MAX];

        return teller->program &&
               snprintf(path, sizeof(path), "%s/" JOURNAL_WITNESSES, teller->path) < (int)sizeof(path) &&
               access(path, F_OK) == 0;
}

static void start(struct teller *teller)
{
        const char *argv[] = { teller->program, "journal", "tell", "--quiet", "--dir", teller->path, NULL };
        struct child_options options = { .input = -1, .before_exec = outputs_together };
        _cleanup_(fd_closep) int reading = -1, writing = -1;
        struct error error = ERROR_NONE;
        int ends[2];

        teller->untold = false;
        teller->pause_ms = PAUSE_MS;
        teller->started_ms = clock_monotonic_ms();
        if (!has_witnesses(teller))
                return;
        if (pipe2(ends, O_CLOEXEC) < 0) {
                error_errno(&error, errno, _("cannot run %s"), teller->program);
                say(teller, error.text);
                return;
        }
        reading = ends[0];
        options.output_descriptor = writing = ends[1];
        if (child_start(argv, &options, &teller->pid, &error) < 0)
                say(teller, error.text);
        else
                teller->words = fd_steal(&reading);
}

static void reap(struct teller *teller)
{
        while (waitpid(teller->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        teller->pid = 0;
        fd_close(&teller->words);
}

/* Waits so long for its end; true when it has ended, and what it said was handed on. A pipe holds more than it may say,
 * so it never waits for us. */
static bool hear(struct teller *teller, int64_t timeout_ms)
{
        int64_t end = clock_monotonic_ms() + timeout_ms;
        siginfo_t info = { .si_pid = 0 };
        char words[WORDS_MAXIMUM];
        ssize_t length;

        while (waitid(P_PID, (id_t)teller->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
                if (clock_monotonic_ms() >= end)
                        return false;
                poll(NULL, 0, 5);
        }
        (void)fcntl(teller->words, F_SETFL, O_NONBLOCK); /* what it started may hold the pipe open */
        length = read(teller->words, words, sizeof(words));
        say_lines(teller, words, length > 0 ? (size_t)length : 0);
        reap(teller);
        if (info.si_code != CLD_EXITED || info.si_status != EXIT_DONE) {
                teller->untold = true;
                teller->pause_ms = RETRY_MS;
        }
        return true;
}

void teller_stop(struct teller *teller)
{
        if (teller->pid == 0 || hear(teller, 0))
                return;
        kill(teller->pid, SIGKILL);
        reap(teller);
        teller->untold = true;
}

void teller_step(struct teller *teller)
{
        if (teller->pid && !hear(teller, 0)) {
                if (clock_monotonic_ms() - teller->started_ms < LIMIT_MS)
                        return;
                teller_stop(teller);
                say(teller, _("telling the journal's witnesses took longer than a minute and was ended"));
        }
        if (teller->untold && clock_monotonic_ms() - teller->started_ms >= teller->pause_ms)
                start(teller);
}

void teller_finish(struct teller *teller)
{
        if (teller->untold && teller->pid)
                (void)hear(teller, FINISH_MS);
        if (teller->untold && !teller->pid)
                start(teller);
        if (teller->pid && !hear(teller, FINISH_MS)) {
                teller_stop(teller);
                say(teller, _("the journal's witnesses were not told within ten seconds; 'understudy journal tell' "
                              "tells them"));
        }
}
