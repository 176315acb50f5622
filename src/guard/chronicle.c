/* chronicle.c - whatever happens is written down first, then told. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "guard/alive.h"
#include "guard/guard_private.h"

#define CLOCK_STEP_S 3 /* what is more was no drift that ntpd corrects in small steps */
#define SETTLE_MS    20 /* a commit takes a few; a journal that another command has locked, or a slow disk, holds nobody up */
#define SENTENCE     (PATH_MAX + 2 * ERROR_TEXT_SIZE)

static void on_note(void *context, const char *sentence)
{
        const struct guard *guard = context;

        guard->options->say(guard->options->context, sentence);
}

int chronicle_open(struct guard *guard, struct error *err)
{
        const struct journal_options options = { .program = "/proc/self/exe", .note = on_note, .context = guard };
        char path[PATH_MAX];
        int r;

        if ((size_t)snprintf(path, sizeof(path), "%s/journal", guard->options->state_directory) >= sizeof(path))
                return error_usage(err, _("the state's path is too long"));
        r = journal_open(path, &options, &guard->journal, err);
        return r < 0 ? r : journal_start(guard->journal, err);
}

void chronicle_close(struct guard *guard)
{
        journal_close(guard->journal);
        guard->journal = NULL;
}

json_t *chronicle_name(const char *name, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(5 * PATH_MAX);

        return text_escape(&text, name, length) < 0 ? json_null() : json_stringn(buffer_text(&text), text.length);
}

static void write_record(struct guard *guard, const struct journal_record *record)
{
        struct error error = ERROR_NONE;

        if (!guard->journal || journal_append(guard->journal, record, &guard->ticket, &error) == 0)
                return;
        if (!guard->journal_failed)
                guard->options->say(guard->options->context, error.text);
        guard->journal_failed = true;
}

void chronicle_settle(struct guard *guard)
{
        struct pollfd events = { .fd = watch_fd(guard->watch), .events = POLLIN };

        if (guard->journal && poll(&events, 1, 0) == 0)
                (void)journal_wait_briefly(guard->journal, guard->ticket, SETTLE_MS);
}

void chronicle_both(struct guard *guard, const struct guarded *guarded, enum chronicle_news news, const char *kind,
                    const struct digest *evidence, json_t *details, const char *english, const char *told)
{
        json_t *all = details ? details : json_object();
        const char *dest = guarded ? guarded->site.state->dest : NULL;
        const struct journal_record record = {
                .actor = "guard", .kind = kind, .what = english, .evidence = evidence, .details = all
        };

        if (all && dest)
                json_object_set_new(all, "dest", chronicle_name(dest, strlen(dest)));
        write_record(guard, &record);
        guard->options->say(guard->options->context, told);
        if (news != CHRONICLE_QUIET)
                guard->options->news(guard->options->context, &(struct guard_news){ .urgent = news == CHRONICLE_URGENT,
                                                                                    .kind = kind,
                                                                                    .dest = dest,
                                                                                    .what = told,
                                                                                    .details = all });
        json_decref(all);
}

void chronicle(struct guard *guard, const struct guarded *guarded, enum chronicle_news news, const char *kind,
               const struct digest *evidence, json_t *details, const char *format, ...)
{
        char english[SENTENCE], told[SENTENCE];
        va_list arguments;

        assert(format);
        va_start(arguments, format);
        vsnprintf(english, sizeof(english), format, arguments);
        va_end(arguments);
        va_start(arguments, format);
        vsnprintf(told, sizeof(told), i18n_words(format), arguments);
        va_end(arguments);
        chronicle_both(guard, guarded, news, kind, evidence, details, english, told);
}

static void append_words(char sentence[static SENTENCE], const char *words)
{
        size_t length = strlen(sentence);

        snprintf(sentence + length, SENTENCE - length, ": %s", words);
}

void chronicle_failure(struct guard *guard, const struct guarded *guarded, const char *kind, json_t *details,
                       const struct error *error, const char *format, ...)
{
        char english[SENTENCE], told[SENTENCE];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(english, sizeof(english) - ERROR_TEXT_SIZE, format, arguments);
        va_end(arguments);
        append_words(english, error->english);
        va_start(arguments, format);
        vsnprintf(told, sizeof(told) - ERROR_TEXT_SIZE, i18n_words(format), arguments);
        va_end(arguments);
        append_words(told, error->text);
        chronicle_both(guard, guarded, CHRONICLE_URGENT, kind, NULL, details, english, told);
}

/* ---- clocks and gaps ---- */

void chronicle_clock(struct guard *guard)
{
        const int64_t wall_s = clock_now() - clock_monotonic_ms() / 1000,
                      by_s = guard->wall_s ? wall_s - guard->wall_s : 0;
        char now[CLOCK_TEXT_SIZE];

        guard->wall_s = wall_s;
        if (by_s > -CLOCK_STEP_S && by_s < CLOCK_STEP_S)
                return;
        clock_format_utc(clock_now(), now);
        chronicle(guard, NULL, CHRONICLE_TELL, "clock_set", NULL,
                  json_pack("{s:I, s:s}", "by_s", (json_int_t)by_s, "now", now),
                  by_s < 0 ? N_("the clock of this server was set back by %lld s, to %s: the order of records is the "
                                "journal's, not that of their times")
                           : N_("the clock of this server was set forward by %lld s, to %s"),
                  (long long)(by_s < 0 ? -by_s : by_s), now);
}

void chronicle_alive(struct guard *guard, bool stopping)
{
        for (size_t i = 0; i < guard->site_count; i++)
                (void)alive_write(guard->sites[i].site.state->folder, guard_mode_name(guard->options->mode), stopping);
}

static const char *gap_words(const struct alive *before, bool back)
{
        if (back)
                return N_("nobody guarded %s from %s to %s, by a clock that was set back meanwhile: it is compared "
                          "with its "
                          "release now");
        return before->stopped
                       ? N_("nobody guarded %s from %s (stopped) to %s: it is compared with its release now")
                       : N_("nobody guarded %s from %s (the guard died) to %s: it is compared with its release now");
}

/* Between the last sign of life of the guard before and now anything may have been served. */
void chronicle_gap(struct guard *guard, struct guarded *guarded)
{
        char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
        const int64_t now = clock_now();
        struct alive before = { 0 };

        if (alive_read(guarded->site.state->folder, &before) == -ENOENT)
                return; /* the first guard of this DEST */
        clock_format_utc(before.time, from);
        clock_format_utc(now, to);
        chronicle(guard, guarded, before.stopped ? CHRONICLE_QUIET : CHRONICLE_URGENT, "guard_gap", NULL,
                  json_pack("{s:s, s:s, s:b, s:b}", "from", from, "to", to, "stopped", before.stopped, "clock_back",
                            before.time > now),
                  gap_words(&before, before.time > now), guarded->site.state->dest, from, to);
}
