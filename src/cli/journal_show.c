/*
 * journal_show.c - understudy journal show: records chosen by time, kind and path, and followed.
 *
 * The order is that in which records were written, whatever their clock said. A clock that was set back makes times
 * that are older than those before them; so --since begins with the first record that is that young and --until ends
 * with the last one that is that old, and nothing between them is left out.
 */
#include "cli/journal_show.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/i18n.h"
#include "base/text.h"
#include "journal/reader.h"

#define FOLLOW_PAUSE_NS 250000000
#define FOLLOW_LINES    10
#define BACK_STEP       UINT64_C(4096) /* records that are looked at together on the way back from the end */

struct state {
        const struct journal_show *show;
        uint64_t first, end; /* what the times leave, and how far it was shown */
        uint64_t found;      /* of those that are wanted, while counting back */
        uint64_t *places;    /* ring of the last of them; NULL: print */
        bool printing;
        char newest[RECORD_TIME_SIZE]; /* of what was printed last */
        int status;
};

/* ---- which ones ---- */

/* At PATH, or below it; PATH as the record has it, or absolute. */
static bool is_at(const char *path, const char *wanted)
{
        size_t length = strlen(wanted);

        while (length > 1 && wanted[length - 1] == '/')
                length--;
        return path && strncmp(path, wanted, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool path_matches(const json_t *record, const char *wanted)
{
        const char *path = json_string_value(json_object_get(record, "path"));
        const char *dest = json_string_value(json_object_get(record, "dest"));
        char whole[8192];

        if (*wanted != '/')
                return is_at(path, wanted);
        if (path && dest && snprintf(whole, sizeof(whole), "%s/%s", dest, path) < (int)sizeof(whole))
                return is_at(whole, wanted);
        return is_at(path, wanted) || is_at(dest, wanted);
}

static bool is_wanted(const struct journal_show *show, const json_t *record)
{
        if (show->kind && !text_equal(json_string_value(json_object_get(record, "kind")), show->kind))
                return false;
        return !show->path || path_matches(record, show->path);
}

/* ---- one record ---- */

/* Of one that was gone before it could be asked only the number is known, or nothing. */
static void print_process(const json_t *process)
{
        const char *exe = json_string_value(json_object_get(process, "exe"));
        const json_t *pid = json_object_get(process, "pid"), *uid = json_object_get(process, "uid");

        if (exe)
                printf("; %s", exe);
        if (json_integer_value(pid) > 0)
                printf("%s pid %" JSON_INTEGER_FORMAT, exe ? "," : ";", json_integer_value(pid));
        if (json_is_integer(uid))
                printf(", uid %" JSON_INTEGER_FORMAT, json_integer_value(uid));
}

static void print_text(struct state *state, const json_t *record)
{
        const char *time = json_string_value(json_object_get(record, "time"));
        const char *action = json_string_value(json_object_get(record, "action"));

        if (strcmp(time, state->newest) < 0 && strncmp(time, state->newest, 19) != 0)
                printf(_("-- the clock was set back: from %s to %s --\n"), state->newest, time);
        snprintf(state->newest, sizeof(state->newest), "%s", time);
        printf("%s  %s  %-16s %s", time, json_string_value(json_object_get(record, "server")),
               json_string_value(json_object_get(record, "kind")), json_string_value(json_object_get(record, "what")));
        if (action)
                printf(" [%s]", action);
        printf(" (%s", json_string_value(json_object_get(record, "actor")));
        print_process(json_object_get(record, "process"));
        puts(")");
}

static int on_record(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err)
{
        struct state *state = context;
        struct error error = ERROR_NONE;
        json_t *record = NULL;

        if (sequence >= state->end)
                return 1;
        if (record_parse(bytes, length, sequence, &record, &error) < 0) { /* its bytes may be anything: not shown */
                if (state->printing) {
                        fprintf(stderr, "understudy: %s\n", error.text);
                        state->status = EXIT_FOUND;
                }
                return 0;
        }
        if (is_wanted(state->show, record)) {
                if (!state->printing)
                        state->places[state->found++ % state->show->lines] = sequence;
                else if (state->show->common->json)
                        printf("%.*s\n", (int)length, bytes);
                else
                        print_text(state, record);
        }
        json_decref(record);
        return ferror(stdout) ? error_errno(err, EIO, _("cannot write the result to standard output")) : 0;
}

/* ---- where to begin and to end ---- */

static int on_time(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err _unused_)
{
        struct state *state = context;
        json_t *record = NULL;
        const char *time;

        if (record_parse(bytes, length, sequence, &record, NULL) < 0)
                return 0;
        time = json_string_value(json_object_get(record, "time"));
        if (state->first == UINT64_MAX && strcmp(time, state->show->since) >= 0)
                state->first = sequence;
        if (!*state->show->until || strcmp(time, state->show->until) <= 0)
                state->end = sequence + 1;
        json_decref(record);
        return 0;
}

static int choose_range(struct state *state, struct journal_reader *reader, struct error *err)
{
        uint64_t size = journal_reader_checkpoint(reader)->size;
        int r;

        state->first = 0;
        state->end = size;
        if (!*state->show->since && !*state->show->until)
                return 0;
        state->first = UINT64_MAX;
        state->end = 0;
        r = journal_read(reader, 0, on_time, state, err);
        if (state->first > size)
                state->first = size;
        if (!*state->show->until)
                state->end = size;
        return r;
}

/* The last ones only: looks at the records in steps from the end back, until enough are found. */
static int choose_last(struct state *state, struct journal_reader *reader, struct error *err)
{
        uint64_t lines = state->show->lines, end = state->end, low = state->end;
        uint64_t *places;
        int r = 0;

        if (lines == UINT64_MAX)
                return 0;
        if (lines == 0) {
                state->first = state->end;
                return 0;
        }
        places = calloc(lines, sizeof(*places));
        if (!places)
                return error_memory(err);
        for (uint64_t left = lines; left > 0 && low > state->first && r == 0;) {
                uint64_t high = low;

                low = high - state->first > BACK_STEP ? high - BACK_STEP : state->first;
                state->places = places;
                state->found = 0;
                state->end = high;
                r = journal_read(reader, low, on_record, state, err);
                if (state->found >= left) { /* the ring has the last `lines` of this step, oldest at `found` */
                        low = places[(state->found - left) % lines];
                        break;
                }
                left -= state->found;
        }
        state->first = low;
        state->end = end;
        state->places = NULL;
        free(places);
        return r;
}

/* ---- following ---- */

/* Shows what came since. 0, or negative with words when the journal is not what it was. */
static int show_more(struct state *state, const char *origin, struct error *err)
{
        _cleanup_(journal_reader_closep) struct journal_reader *reader = NULL;
        int r = journal_reader_open(state->show->folder, &reader, err);
        uint64_t size;

        if (r < 0)
                return r;
        size = journal_reader_checkpoint(reader)->size;
        if (size < state->end || !text_equal(journal_reader_checkpoint(reader)->origin, origin))
                return error_set(err, -EBADMSG,
                                 _("the journal %s was cut or replaced while it was followed; 'understudy journal "
                                   "verify' tells more"),
                                 state->show->folder);
        if (size == state->end)
                return 0;
        state->first = state->end;
        state->end = size;
        r = journal_read(reader, state->first, on_record, state, err);
        fflush(stdout);
        return r;
}

static int follow(struct state *state, const char *origin, struct error *err)
{
        int r;

        fflush(stdout);
        while ((r = show_more(state, origin, err)) == 0)
                nanosleep(&(struct timespec){ .tv_nsec = FOLLOW_PAUSE_NS }, NULL);
        return r;
}

int journal_show(const struct journal_show *wanted)
{
        _cleanup_(journal_reader_closep) struct journal_reader *reader = NULL;
        struct journal_show show = *wanted;
        struct state state = { .show = &show };
        struct error error = ERROR_NONE;
        int r = journal_reader_open(show.folder, &reader, &error);

        if (show.follow && show.lines == UINT64_MAX && !*show.since)
                show.lines = FOLLOW_LINES;
        if (r == 0)
                r = choose_range(&state, reader, &error);
        if (r == 0)
                r = choose_last(&state, reader, &error);
        state.printing = true;
        if (r == 0 && state.first < state.end)
                r = journal_read(reader, state.first, on_record, &state, &error);
        if (r == 0 && show.follow)
                r = follow(&state, journal_reader_checkpoint(reader)->origin, &error);
        return r < 0 ? command_fail(&error) : state.status;
}
