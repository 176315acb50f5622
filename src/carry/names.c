/* names.c - a bucket of a batch: its lists are laid beside each other, and what was decided of each name is done. */
#include <errno.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "carry/area.h"
#include "carry/merge.h"
#include "carry/round_parts.h"

#define SLOW_BYTES 10000 /* of a file in a millisecond, at the least, where it is copied or read as a whole */
#define SETTLE_MS  (5 * 60 * INT64_C(1000)) /* a disk that is busy with others' bytes */
#define STALLS     3  /* answers in a row that bring a file no further */

static bool is_outcome(const json_t *answer, const char *outcome)
{
        const char *said = json_string_value(json_object_get(answer, "outcome"));

        return said && text_equal(said, outcome);
}

static int get_list(const struct carry_work *work, const struct carry_side *side, const struct carry_sight *sight,
                    unsigned int bucket, struct carry_list *list, struct error *err)
{
        bool more = true;
        int r = 0;

        while (r == 0 && more) {
                const struct carry_entry *last = list->count ? &list->entries[list->count - 1] : NULL;
                const size_t before = list->count;
                json_t *answer = NULL, *after = last ? carry_path_json(last->path, last->path_length) : json_string("");

                r = carry_ask(side, "area-list", json_pack("{s:s, s:I, s:i, s:o}", "area", work->area, "scan",
                                                           (json_int_t)sight->scan, "bucket", (int)bucket, "after", after),
                              QUICK_MS, &answer, err);
                if (r == 0)
                        r = carry_list_parse(list, bucket, json_object_get(answer, "entries"), err);
                more = json_is_true(json_object_get(answer, "more"));
                if (r == 0 && more && list->count == before)
                        r = carry_not_understood(side, err);
                json_decref(answer);
        }
        if (r < 0)
                error_prefix(err, "%s", side->name);
        return r;
}

/* ---- one name ---- */

enum end { END_DONE, END_LEFT, END_REFUSED, END_HELD };

static void expected_text(const struct carry_entry *there, char text[static DIGEST_HEX_SIZE])
{
        if (there && there->type == CARRY_FILE)
                digest_hex(&there->digest, text);
        else
                snprintf(text, DIGEST_HEX_SIZE, "%s", there ? "folder" : "none");
}

static int64_t time_for(const struct carry_entry *entry)
{
        return QUICK_MS + (int64_t)(entry->size / SLOW_BYTES);
}

/* What comes in one piece. */
static bool may_wait(const struct carry_entry *entry)
{
        return entry->type == CARRY_FILE && entry->size <= CARRY_CHUNK;
}

static json_t *write_arguments(const struct carry_work *work, const struct carry_entry *entry, const char *expected, uint64_t offset,
                               json_t *data)
{
        json_t *arguments = carry_entry_json(entry);

        if (!arguments || json_object_set_new(arguments, "area", json_string(work->area)) < 0 ||
            json_object_set_new(arguments, "expect", json_string(expected)) < 0 ||
            json_object_set_new(arguments, "offset", json_integer((json_int_t)offset)) < 0 ||
            (data && json_object_set(arguments, "data", data) < 0) ||
            (may_wait(entry) && json_object_set_new(arguments, "hold", json_true()) < 0)) {
                json_decref(arguments);
                return NULL;
        }
        return arguments;
}

/* A piece of it; *ret_data stays NULL when it is not there any more. */
static int read_piece(const struct carry_work *work, const struct carry_side *from, const struct carry_entry *entry, uint64_t offset,
                      json_t **ret_data, struct error *err)
{
        json_t *answer = NULL, *path = carry_path_json(entry->path, entry->path_length), *data;
        int r = carry_ask(from, "area-read",
                          json_pack("{s:s, s:o, s:I}", "area", work->area, "path", path, "offset", (json_int_t)offset), QUICK_MS,
                          &answer, err);

        if (r < 0)
                return r;
        data = json_object_get(answer, "data");
        if (is_outcome(answer, "done") && (!json_is_string(data) || json_string_length(data) > CARRY_CHUNK_TEXT))
                r = carry_not_understood(from, err);
        else if (is_outcome(answer, "done"))
                *ret_data = json_incref(data);
        json_decref(answer);
        return r;
}

/* One request to the receiver; what its rules refuse is an end, and no failure. */
static int write_piece(struct carry_work *work, const struct carry_side *to, const struct carry_entry *entry, const char *expected,
                       uint64_t *offset, json_t *data, bool *ret_ended, enum end *ret_end, struct error *err)
{
        struct error refusal = ERROR_NONE;
        json_t *answer = NULL;
        int r = carry_ask(to, "area-write", write_arguments(work, entry, expected, *offset, data), time_for(entry), &answer,
                          &refusal);

        if (r == -EPERM) {
                *ret_ended = true;
                *ret_end = END_REFUSED;
                work->result->refused++;
                return carry_add_note(work->result, "refused", to->name, work->area,
                                      carry_path_json(entry->path, entry->path_length), refusal.text, err);
        }
        if (r < 0) {
                if (err)
                        *err = refusal;
                return r;
        }
        *ret_ended = !is_outcome(answer, "more");
        *ret_end = is_outcome(answer, "done") ? END_DONE : is_outcome(answer, "held") ? END_HELD : END_LEFT;
        *offset = (uint64_t)json_integer_value(json_object_get(answer, "have"));
        json_decref(answer);
        return 0;
}

/* From there to here, a piece at a time: the receiver says how much it has, also of an earlier attempt. */
static int copy(struct carry_work *work, const struct carry_side *from, const struct carry_side *to, const struct carry_entry *entry,
                const struct carry_entry *replaced, enum end *ret_end, struct error *err)
{
        char expected[DIGEST_HEX_SIZE];
        uint64_t offset = 0;
        unsigned int stalls = 0;
        bool ended = false;
        int r = 0;

        expected_text(replaced, expected);
        *ret_end = END_LEFT;
        while (r == 0 && !ended && stalls < STALLS) {
                const uint64_t before = offset;
                json_t *data = NULL;

                if (entry->type == CARRY_FILE && entry->size > 0) {
                        r = read_piece(work, from, entry, offset, &data, err);
                        if (r < 0 || !data)
                                return r;
                }
                r = write_piece(work, to, entry, expected, &offset, data, &ended, ret_end, err);
                json_decref(data);
                if (!ended && offset > entry->size)
                        return carry_not_understood(to, err);
                stalls = offset > before ? 0 : stalls + 1;
        }
        return r;
}

static int keep(struct carry_work *work, const struct carry_entry *entry, enum end *ret_end, struct error *err)
{
        const struct carry_side *rest = &work->round->rest;
        json_t *answer = NULL, *path = carry_path_json(entry->path, entry->path_length);
        char expected[DIGEST_HEX_SIZE];
        int r;

        expected_text(entry, expected);
        r = carry_ask(rest, "area-keep", json_pack("{s:s, s:o, s:s}", "area", work->area, "path", path, "expect", expected),
                      time_for(entry), &answer, err);
        if (r < 0)
                return r;
        *ret_end = is_outcome(answer, "done") ? END_DONE : END_LEFT;
        work->result->kept += *ret_end == END_DONE && entry->type == CARRY_FILE;
        json_decref(answer);
        return 0;
}

static void count_copy(struct carry_work *work, const struct carry_entry *entry, bool to_stage)
{
        struct carry_result *result = work->result;

        if (entry->type != CARRY_FILE)
                return;
        if (to_stage) {
                result->to_stage++;
                result->to_stage_bytes += entry->size;
        } else {
                result->to_rest++;
                result->to_rest_bytes += entry->size;
        }
        if (work->round->progress)
                work->round->progress(work->round->context, result->to_rest + result->to_stage,
                                      result->to_rest_bytes + result->to_stage_bytes);
}

/* Has the files that wait put into their places. One of which nothing is said was not. */
static int settle(struct carry_work *work, struct error *err)
{
        const struct carry_side *side = work->held_by_stage ? &work->round->stage : &work->round->rest;
        const json_t *outcomes;
        json_t *answer = NULL;
        int r = 0;

        if (work->held_count)
                r = carry_ask(side, "area-settle", json_pack("{s:s}", "area", work->area), SETTLE_MS, &answer, err);
        if (r < 0)
                return r;
        outcomes = json_object_get(answer, "outcomes");
        for (size_t i = 0; i < work->held_count; i++) {
                const char *outcome = json_string_value(json_array_get(outcomes, i));
                struct carry_fate *fate = &work->fates[work->held[i]];
                const bool done = json_array_size(outcomes) == work->held_count && outcome && text_equal(outcome, "done");

                if (done)
                        count_copy(work, fate->then, work->held_by_stage);
                else
                        fate->then = fate->before;
                work->deeds += done;
                work->result->left += !done;
        }
        work->held_count = 0;
        json_decref(answer);
        return 0;
}

static int do_copy(struct carry_work *work, bool to_stage, const struct carry_entry *entry, const struct carry_entry *replaced,
                   enum end *ret_end, struct error *err)
{
        const struct carry_side *stage = &work->round->stage, *rest = &work->round->rest;
        int r = 0;

        *ret_end = END_DONE;
        if (!work->round->look)
                r = to_stage ? copy(work, rest, stage, entry, replaced, ret_end, err)
                             : copy(work, stage, rest, entry, replaced, ret_end, err);
        if (r == 0 && *ret_end == END_DONE)
                count_copy(work, entry, to_stage);
        return r;
}

static int do_keep(struct carry_work *work, const struct carry_entry *entry, bool conflict, enum end *ret_end, struct error *err)
{
        int r = 0;

        *ret_end = END_DONE;
        if (work->round->look)
                work->result->kept += entry->type == CARRY_FILE;
        else
                r = keep(work, entry, ret_end, err);
        if (r < 0 || *ret_end != END_DONE || !conflict)
                return r;
        work->result->conflicts++;
        return carry_add_note(work->result, "conflict", work->round->rest.name, work->area,
                              carry_path_json(entry->path, entry->path_length),
                              N_("both sides wrote it: the one on stage has the name, the other's was moved aside"), err);
}

/* Does what was decided; *ret_agreed is what both have then, NULL for nothing. *ret_held: it is not settled yet. */
static int perform(struct carry_work *work, const struct carry_verdict *verdict, const struct carry_entry *stage,
                   const struct carry_entry *rest, const struct carry_entry *agreed, const struct carry_entry **ret_agreed,
                   bool *ret_held, struct error *err)
{
        const struct carry_entry *then = NULL;
        enum end end = END_DONE;
        int r = 0;

        switch (verdict->deed) {
        case CARRY_AGREE: *ret_agreed = stage; return 0;
        case CARRY_FORGET: *ret_agreed = NULL; return 0;
        case CARRY_LEAVE: *ret_agreed = rest && rest->type != CARRY_REFUSED ? rest : agreed; return 0;
        case CARRY_TO_REST:
                then = stage;
                r = do_copy(work, false, stage, rest, &end, err);
                break;
        case CARRY_TO_STAGE:
                then = rest;
                r = do_copy(work, true, rest, stage, &end, err);
                break;
        case CARRY_KEEP: r = do_keep(work, rest, verdict->conflict, &end, err); break;
        case CARRY_REPLACE:
                then = stage;
                r = do_keep(work, rest, verdict->conflict, &end, err);
                if (r == 0 && end == END_DONE)
                        r = do_copy(work, false, stage, NULL, &end, err);
                break;
        }
        if (r < 0)
                return r;
        work->deeds += end == END_DONE;
        work->result->left += end == END_LEFT;
        *ret_held = end == END_HELD;
        *ret_agreed = end == END_DONE || end == END_HELD ? then : agreed;
        return 0;
}

/* ---- a bucket ---- */

/* The first path that is next in any of the lists, and the entries that have it. */
static bool next_path(struct carry_list *const lists[3], size_t at[3], const struct carry_entry *ret_entries[3])
{
        const struct carry_entry *least = NULL;

        for (size_t i = 0; i < 3; i++) {
                const struct carry_entry *entry = at[i] < lists[i]->count ? &lists[i]->entries[at[i]] : NULL;

                if (entry && (!least || path_compare(entry->path, entry->path_length, least->path, least->path_length) < 0))
                        least = entry;
        }
        for (size_t i = 0; least && i < 3; i++) {
                const struct carry_entry *entry = at[i] < lists[i]->count ? &lists[i]->entries[at[i]] : NULL;
                const bool has = entry && path_compare(entry->path, entry->path_length, least->path, least->path_length) == 0;

                ret_entries[i] = has ? entry : NULL;
                at[i] += has;
        }
        return least != NULL;
}

static int one_name(struct carry_work *work, const struct carry_entry *const entries[3], struct error *err)
{
        const struct carry_verdict verdict = carry_decide(entries[0], entries[1], entries[2], work->round->two_ways);
        const bool to_stage = verdict.deed == CARRY_TO_STAGE;
        const bool copies = to_stage || verdict.deed == CARRY_TO_REST || verdict.deed == CARRY_REPLACE;
        struct carry_fate fate = { .before = entries[2] };
        bool held = false;
        int r = 0;

        if (work->held_count == CARRY_HELD || (work->held_count && copies && work->held_by_stage != to_stage))
                r = settle(work, err);
        if (r == 0)
                r = perform(work, &verdict, entries[0], entries[1], entries[2], &fate.then, &held, err);
        if (r == 0 && memory_grow(&work->fates, work->fate_count, sizeof(work->fates[0])) < 0)
                r = error_memory(err);
        if (r < 0)
                return r;
        if (held) {
                work->held_by_stage = to_stage;
                work->held[work->held_count++] = work->fate_count;
        }
        work->fates[work->fate_count++] = fate;
        return 0;
}

static int merge_lists(struct carry_work *work, struct carry_list *stage, struct carry_list *rest, struct carry_list *agreed,
                       struct carry_list *then, struct error *err)
{
        struct carry_list *const lists[3] = { stage, rest, agreed };
        const struct carry_entry *entries[3];
        size_t at[3] = { 0, 0, 0 };
        int r = 0;

        work->fate_count = work->held_count = 0;
        while (r == 0 && next_path(lists, at, entries))
                r = one_name(work, entries, err);
        if (r == 0)
                r = settle(work, err);
        for (size_t i = 0; i < work->fate_count && r == 0; i++)
                if (work->fates[i].then && carry_list_add(then, work->fates[i].then) < 0)
                        r = error_memory(err);
        return r;
}

int carry_merge_bucket(struct carry_work *work, struct carry_sums *sums, unsigned int bucket, struct error *err)
{
        _cleanup_(carry_list_done) struct carry_list stage = CARRY_LIST_EMPTY, rest = CARRY_LIST_EMPTY;
        _cleanup_(carry_list_done) struct carry_list agreed = CARRY_LIST_EMPTY, then = CARRY_LIST_EMPTY;
        int r;

        if (digest_equal(&work->stage.buckets[bucket], &work->rest.buckets[bucket]) &&
            digest_equal(&work->stage.buckets[bucket], &sums->buckets[bucket]))
                return 0;
        r = get_list(work, &work->round->stage, &work->stage, bucket, &stage, err);
        if (r == 0)
                r = get_list(work, &work->round->rest, &work->rest, bucket, &rest, err);
        if (r == 0)
                r = carry_sums_list(sums, bucket, &agreed, err);
        if (r == 0)
                r = merge_lists(work, &stage, &rest, &agreed, &then, err);
        return r < 0 || work->round->look ? r : carry_sums_set(sums, bucket, &then, err);
}
