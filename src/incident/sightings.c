/* sightings.c - which record of the journal means what. */
#include "sightings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "accesslog/scan.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "incident/intern.h"
#include "journal/reader.h"
#include "journal/record.h"

#define TEXTS_MAXIMUM 1000000
#define DESTS_MAXIMUM 1000
#define EXAMINED_US   INT64_C(60000000) /* when an examination began is not written down: it takes less than that */

/* What is under way on one DEST of one server. */
struct dest_state {
        uint32_t server, dest; /* numbers of their texts */
        int64_t watched_since;
        int64_t run_since; /* when the pull or verification began that is under way; TIME_NEVER: none */
};

struct sighting_reader {
        struct intern texts;
        struct dest_state *dests;
        size_t dest_count;
};

void sightings_done(struct sightings *sightings)
{
        if (sightings->reader) {
                intern_done(&sightings->reader->texts);
                free(sightings->reader->dests);
        }
        free(sightings->reader);
        free(sightings->list);
        *sightings = (struct sightings){ 0 };
}

static int start(struct sightings *sightings, struct error *err)
{
        if (sightings->reader)
                return 0;
        sightings->reader = memory_new(1, sizeof(*sightings->reader));
        return sightings->reader ? intern_init(&sightings->reader->texts, TEXTS_MAXIMUM, err) : error_memory(err);
}

static const char *get(const json_t *record, const char *key)
{
        const char *text = json_string_value(json_object_get(record, key));

        return text ? text : "";
}

static int keep_text(struct sightings *sightings, const char *text, const char **ret_text, struct error *err)
{
        uint32_t number = 0;
        size_t length;
        int r = intern_add(&sightings->reader->texts, text, strlen(text), &number, err);

        if (r == 0)
                *ret_text = intern_text(&sightings->reader->texts, number, &length);
        return r;
}

static int find_dest(struct sightings *sightings, const json_t *record, struct dest_state **ret_dest, struct error *err)
{
        struct sighting_reader *reader = sightings->reader;
        uint32_t server = 0, dest = 0;
        int r = intern_add(&reader->texts, get(record, "server"), strlen(get(record, "server")), &server, err);

        if (r == 0)
                r = intern_add(&reader->texts, get(record, "dest"), strlen(get(record, "dest")), &dest, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < reader->dest_count; i++)
                if (reader->dests[i].server == server && reader->dests[i].dest == dest) {
                        *ret_dest = &reader->dests[i];
                        return 0;
                }
        if (reader->dest_count == DESTS_MAXIMUM)
                return error_set(err, -E2BIG, _("the journal tells of more than %d folders"), DESTS_MAXIMUM);
        if (memory_grow(&reader->dests, reader->dest_count, sizeof(*reader->dests)) < 0)
                return error_memory(err);
        *ret_dest = &reader->dests[reader->dest_count++];
        **ret_dest = (struct dest_state){ server, dest, TIME_OPEN, TIME_NEVER };
        return 0;
}

static int add(struct sightings *sightings, const struct dest_state *dest, const struct sighting *seen,
               const char *path, struct error *err)
{
        struct sighting sighting = *seen;
        size_t length;
        int r;

        if (sightings->count == SIGHTINGS_MAXIMUM)
                return error_set(err, -E2BIG, _("the journal tells of more than %d differences"), SIGHTINGS_MAXIMUM);
        if (memory_grow(&sightings->list, sightings->count, sizeof(*sightings->list)) < 0)
                return error_memory(err);
        sighting.watched_since = dest->watched_since;
        r = path ? keep_text(sightings, path, &sighting.path, err) : 0;
        if (r < 0)
                return r;
        sighting.server = intern_text(&sightings->reader->texts, dest->server, &length);
        sighting.dest = intern_text(&sightings->reader->texts, dest->dest, &length);
        sightings->list[sightings->count++] = sighting;
        return 0;
}

/* ---- bad ones ---- */

/* The path as visitors ask for it. */
static int to_visitors_path(const json_t *record, struct buffer *out)
{
        const char *path = get(record, "path"), *root = get(record, "root"), *area = get(record, "area");

        if (!text_equal(root, "docroot") && *root && !*area)
                return buffer_append_text(out, "/*");
        if (*area || text_equal(path, "."))
                return buffer_append_text(out, "/*"); /* an area's own path may differ from where it is linked */
        if (buffer_append_byte(out, '/') < 0 || text_unescape(out, path, strlen(path)) < 0)
                return -ENOMEM;
        return text_ends(path, "/") ? buffer_append_byte(out, '*') : 0;
}

static bool changes_pages(const char *difference)
{
        static const char *const kinds[] = { "content", "extra", "type", "link", "mount" };

        for (size_t i = 0; i < LENGTH(kinds); i++)
                if (text_equal(difference, kinds[i]))
                        return true;
        return false;
}

static int take_bad(struct sightings *sightings, const struct dest_state *dest, const json_t *record,
                    struct sighting *seen, struct error *err)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(2 * INTERN_TEXT_MAXIMUM);
        struct digest digest;
        const char *found = get(record, "found"), *evidence = get(record, "evidence");

        if (!changes_pages(get(record, "difference")))
                return 0;
        if (to_visitors_path(record, &path) < 0) /* longer than any web server takes */
                return 0;
        if (digest_parse(found, strlen(found), &digest) == 0 || digest_parse(evidence, strlen(evidence), &digest) == 0)
                digest_hex(&digest, seen->digest);
        return add(sightings, dest, seen, buffer_text(&path), err);
}

/* ---- all records ---- */

static int take_good(struct sightings *sightings, const struct dest_state *dest, struct sighting *seen,
                     struct error *err)
{
        seen->good = true;
        return add(sightings, dest, seen, NULL, err);
}

static int take_guard(struct sightings *sightings, struct dest_state *dest, const json_t *record, const char *kind,
                      struct sighting *seen, struct error *err)
{
        if (text_equal(kind, "guard_started"))
                dest->watched_since = seen->to;
        else if (text_equal(kind, "guard_stopped") || text_equal(kind, "guard_gap"))
                dest->watched_since = TIME_OPEN;
        else if (text_equal(kind, "finding")) {
                seen->refused = !text_equal(get(record, "action"), "observed");
                return take_bad(sightings, dest, record, seen, err);
        } else if (text_equal(kind, "examined") && json_is_true(json_object_get(record, "genuine"))) {
                seen->from -= EXAMINED_US;
                return take_good(sightings, dest, seen, err);
        }
        return 0;
}

static int take_run(struct sightings *sightings, struct dest_state *dest, const json_t *record, const char *kind,
                    struct sighting *seen, struct error *err)
{
        int64_t since = dest->run_since;

        if (text_equal(kind, "pull_started") || text_equal(kind, "verify_started")) {
                dest->run_since = seen->to;
                return 0;
        }
        if (since != TIME_NEVER && since < seen->from)
                seen->from = since;
        if (text_equal(kind, "difference"))
                return take_bad(sightings, dest, record, seen, err);
        if (text_equal(kind, "pull_finished") ||
            (text_equal(kind, "verify_finished") && json_is_true(json_object_get(record, "genuine")))) {
                dest->run_since = TIME_NEVER;
                return take_good(sightings, dest, seen, err);
        }
        if (text_equal(kind, "verify_finished") || text_equal(kind, "pull_failed") || text_equal(kind, "verify_failed"))
                dest->run_since = TIME_NEVER;
        return 0;
}

int sightings_take(struct sightings *sightings, const struct json_t *record, struct error *err)
{
        const char *time = get(record, "time"), *kind = get(record, "kind");
        struct sighting seen = { .number = (uint64_t)json_integer_value(json_object_get(record, "sequence")) };
        struct dest_state *dest = NULL;
        int r = start(sightings, err);

        if (r < 0 || !scan_time(time, strlen(time), &seen.to))
                return r;
        seen.from = seen.to;
        if (text_equal(kind, "events_lost")) { /* about all that this guard watches */
                for (size_t i = 0; i < sightings->reader->dest_count; i++)
                        sightings->reader->dests[i].watched_since = TIME_OPEN;
                return 0;
        }
        if (!*get(record, "dest"))
                return 0;
        r = find_dest(sightings, record, &dest, err);
        if (r == 0)
                r = take_guard(sightings, dest, record, kind, &seen, err);
        return r < 0 ? r : take_run(sightings, dest, record, kind, &seen, err);
}

static int on_record(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err)
{
        json_t *record = NULL;
        int r = record_parse(bytes, length, sequence, &record, err);

        if (r < 0)
                return r;
        r = sightings_take(context, record, err);
        json_decref(record);
        return r;
}

int sightings_read(struct sightings *sightings, const char *journal, struct error *err)
{
        _cleanup_(journal_reader_closep) struct journal_reader *reader = NULL;
        int r = journal_reader_open(journal, &reader, err);

        return r < 0 ? r : journal_read(reader, 0, on_record, sightings, err);
}
