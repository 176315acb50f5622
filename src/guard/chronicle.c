/* chronicle.c - whatever happens is written down first, then told. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "guard/guard_private.h"

#define ALIVE_FILE    "guard.json"
#define ALIVE_MAXIMUM 1024
#define SENTENCE      (PATH_MAX + 2 * ERROR_TEXT_SIZE)

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

        if (!guard->journal || journal_append(guard->journal, record, NULL, &error) == 0)
                return;
        if (!guard->journal_failed)
                guard->options->say(guard->options->context, error.text);
        guard->journal_failed = true;
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

/* ---- gaps ---- */

void chronicle_alive(struct guard *guard, bool stopping)
{
        char boot_id[CLOCK_BOOT_ID_SIZE], text[ALIVE_MAXIMUM];

        clock_boot_id(boot_id);
        for (size_t i = 0; i < guard->site_count; i++) {
                const struct guarded *guarded = &guard->sites[i];
                int n = snprintf(text, sizeof(text),
                                 "{\"alive\": %" PRId64
                                 ", \"boot\": \"%s\", \"pid\": %d, \"mode\": \"%s\", \"stopped\": %s}\n",
                                 clock_now(), boot_id, (int)getpid(), guard_mode_name(guard->options->mode),
                                 stopping ? "true" : "false");

                (void)file_replace(guarded->site.state->folder, ALIVE_FILE, text, (size_t)n, 0600, NULL);
        }
}

/* Between the last sign of life of the guard before and now anything may have been served. */
void chronicle_gap(struct guard *guard, struct guarded *guarded)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(ALIVE_MAXIMUM);
        char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
        json_t *before;
        json_int_t alive;
        bool stopped;

        if (file_read(guarded->site.state->folder, ALIVE_FILE, &text, NULL) < 0)
                return; /* the first guard of this DEST */
        before = json_loadb(buffer_text(&text), text.length, 0, NULL);
        alive = json_integer_value(json_object_get(before, "alive"));
        stopped = json_is_true(json_object_get(before, "stopped"));
        json_decref(before);
        clock_format_utc(alive, from);
        clock_format_utc(clock_now(), to);
        chronicle(guard, guarded, stopped ? CHRONICLE_QUIET : CHRONICLE_URGENT, "guard_gap", NULL,
                  json_pack("{s:s, s:s, s:b}", "from", from, "to", to, "stopped", stopped),
                  stopped ? N_("nobody guarded %s from %s (stopped) to %s: it is compared with its release now")
                          : N_("nobody guarded %s from %s (the guard died) to %s: it is compared with its release now"),
                  guarded->site.state->dest, from, to);
}
