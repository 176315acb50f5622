/* journal_sink.c - a command's thin way to the journal. */
#include "cli/journal_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "journal/journal.h"

static void say(void *context, const char *sentence)
{
        (void)context;
        progress_end();
        fprintf(stderr, "understudy: %s\n", sentence);
}

static void fail(struct journal_sink *sink, const struct error *err)
{
        struct error error = *err;

        if (sink->failed)
                return;
        error_prefix(&error, _("this is not written in the journal"));
        say(NULL, error.text);
        sink->failed = true;
}

void journal_sink_open(struct journal_sink *sink, const char *state_directory, bool quietly)
{
        struct journal_options options = { .program = "/proc/self/exe", .note = say };
        struct error error = ERROR_NONE;
        char path[PATH_MAX];
        int r;

        sink->journal = NULL;
        sink->failed = false;
        sink->differences = 0;
        if ((size_t)snprintf(path, sizeof(path), "%s/journal", state_directory) >= sizeof(path))
                return; /* no state is there either: the command says so */
        r = journal_open(path, &options, &sink->journal, &error);
        if (r < 0 && !(quietly && (r == -EACCES || r == -EPERM || r == -EROFS)))
                fail(sink, &error);
}

void journal_sink_close(struct journal_sink *sink)
{
        journal_close(sink->journal);
        sink->journal = NULL;
}

void journal_actor(char *actor, size_t size)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(32);
        uint64_t login = UINT32_MAX;

        if (file_read(AT_FDCWD, "/proc/self/loginuid", &text, NULL) == 0)
                (void)text_parse_u64(buffer_text(&text), text.length, UINT32_MAX, &login);
        if (login == UINT32_MAX || login == geteuid())
                snprintf(actor, size, "uid %u", geteuid());
        else
                snprintf(actor, size, "uid %u, logged in as uid %u", geteuid(), (unsigned int)login);
}

void journal_sink_add(struct journal_sink *sink, const char *kind, const struct digest *evidence, json_t *details,
                      const char *format, ...)
{
        char what[8192], actor[JOURNAL_ACTOR_SIZE];
        struct journal_record record = {
                .actor = actor, .kind = kind, .what = what, .evidence = evidence, .details = details
        };
        struct error error = ERROR_NONE;
        va_list arguments;

        if (sink->journal) {
                va_start(arguments, format);
                vsnprintf(what, sizeof(what), format, arguments);
                va_end(arguments);
                journal_actor(actor, sizeof(actor));
                if (journal_append(sink->journal, &record, NULL, &error) < 0)
                        fail(sink, &error);
        }
        json_decref(details);
}

static json_t *text_or_null(const char *text)
{
        return text ? command_json_name(text, strlen(text)) : json_null();
}

void journal_sink_difference(struct journal_sink *sink, const char *dest, const struct difference *difference)
{
        const char *kind = difference_kind_name(difference->kind);
        struct digest evidence;
        bool known = difference->kind == DIFFERENCE_CONTENT && difference->found &&
                     digest_parse(difference->found, strlen(difference->found), &evidence) == 0;

        if (!sink->journal || ++sink->differences > JOURNAL_SINK_DIFFERENCES)
                return;
        journal_sink_add(sink, "difference", known ? &evidence : NULL,
                         json_pack("{s:o, s:o, s:s, s:s, s:o, s:o}", "dest", text_or_null(dest), "path",
                                   command_json_name(difference->path, difference->path_length), "difference", kind,
                                   "root", difference->root ? difference->root : "docroot", "expected",
                                   text_or_null(difference->expected), "found", text_or_null(difference->found)),
                         "%s differs from its release: %s", difference->path, kind);
}

void journal_sink_commit(struct journal_sink *sink)
{
        struct error error = ERROR_NONE;

        if (sink->journal && journal_commit(sink->journal, &error) < 0)
                fail(sink, &error);
}
