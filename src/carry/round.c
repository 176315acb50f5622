#include "carry/round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/i18n.h"
#include "base/text.h"
#include "carry/area.h"
#include "carry/round_parts.h"

#define SCAN_MS    (60 * 60 * INT64_C(1000))
#define BUSY_TRIES 50 /* another connection's request to the same area */
#define BUSY_MS    200
#define PASSES     20 /* over one area, as long as each gets further: folders are emptied before they are removed */
#define IDLE       2  /* of them in a row that get no further: what was changed just now is looked at once more */

void carry_result_done(struct carry_result *result)
{
        json_decref(result->notes);
        *result = (struct carry_result){ 0 };
}

/* ---- asking ---- */

int carry_ask(const struct carry_side *side, const char *verb, json_t *arguments, int64_t deadline_ms, json_t **ret_result,
              struct error *err)
{
        int r = -EBUSY;

        if (!arguments)
                return error_memory(err);
        for (int i = 0; i < BUSY_TRIES && r == -EBUSY; i++) {
                if (i)
                        nanosleep(&(struct timespec){ .tv_nsec = BUSY_MS * 1000000L }, NULL);
                r = side->ask(side->context, verb, json_incref(arguments), deadline_ms, ret_result, err);
        }
        json_decref(arguments);
        return r;
}

int carry_not_understood(const struct carry_side *side, struct error *err)
{
        return error_set(err, -EBADMSG, _("the agent of %s answered about a mutable area what cannot be"), side->name);
}

/* ---- one area ---- */

int carry_add_note(struct carry_result *result, const char *what, const char *server, const char *area, json_t *path,
                   const char *why, struct error *err)
{
        json_t *note;

        if (!path)
                return error_memory(err);
        if (json_array_size(result->notes) >= CARRY_NOTES) {
                json_decref(path);
                return 0;
        }
        note = json_pack("{s:s, s:s, s:s, s:o, s:s}", "what", what, "server", server, "area", area, "path", path, "why", why);
        return !note || json_array_append_new(result->notes, note) < 0 ? error_memory(err) : 0;
}

static int note_refusals(struct carry_result *result, const char *server, const char *area, const json_t *answer,
                         struct error *err)
{
        const json_t *refusals = json_object_get(answer, "refusals");
        int r = 0;

        for (size_t i = 0; i < json_array_size(refusals) && i < CARRY_NOTES && r == 0; i++) {
                const char *path = json_string_value(json_object_get(json_array_get(refusals, i), "path"));
                const char *why = json_string_value(json_object_get(json_array_get(refusals, i), "why"));

                if (path && why && strlen(path) <= CARRY_NAME_MAXIMUM && strlen(why) < ERROR_TEXT_SIZE)
                        r = carry_add_note(result, "refused", server, area, json_string(path), why, err);
        }
        return r;
}

static int look_at(const struct carry_side *side, const char *area, struct carry_sight *sight, json_t **ret_answer, struct error *err)
{
        json_t *answer = NULL;
        const json_t *buckets;
        int r = carry_ask(side, "area-scan", json_pack("{s:s}", "area", area), SCAN_MS, &answer, err);

        if (r < 0)
                return r;
        buckets = json_object_get(answer, "buckets");
        if (json_array_size(buckets) != CARRY_BUCKETS)
                r = carry_not_understood(side, err);
        for (size_t i = 0; i < CARRY_BUCKETS && r == 0; i++) {
                const char *hex = json_string_value(json_array_get(buckets, i));

                if (!hex || digest_parse(hex, strlen(hex), &sight->buckets[i]) < 0)
                        r = carry_not_understood(side, err);
        }
        sight->scan = (uint64_t)json_integer_value(json_object_get(answer, "scan"));
        sight->files = (uint64_t)json_integer_value(json_object_get(answer, "files"));
        sight->bytes = (uint64_t)json_integer_value(json_object_get(answer, "bytes"));
        sight->refused = (uint64_t)json_integer_value(json_object_get(answer, "refused"));
        if (r == 0 && ret_answer)
                *ret_answer = answer;
        else
                json_decref(answer);
        return r;
}

/* ---- an area ---- */

static int pass(struct carry_work *work, struct carry_sums *sums, bool first, struct error *err)
{
        const struct carry_round *round = work->round;
        json_t *stage = NULL, *rest = NULL;
        int r = look_at(&round->stage, work->area, &work->stage, &stage, err);

        if (r == 0)
                r = look_at(&round->rest, work->area, &work->rest, &rest, err);
        if (r == 0 && first) {
                work->result->files += work->stage.files;
                work->result->bytes += work->stage.bytes;
                work->result->refused += work->stage.refused + work->rest.refused;
                r = note_refusals(work->result, round->stage.name, work->area, stage, err);
                if (r == 0)
                        r = note_refusals(work->result, round->rest.name, work->area, rest, err);
        }
        json_decref(stage);
        json_decref(rest);
        if (r == 0 && work->stage.files == 0 && work->stage.refused == 0 && carry_sums_count(sums) > 0 && work->rest.files > 0)
                r = error_refuse(err, _("the mutable area %s of %s is empty, and was not when it was carried over last: is it "
                                        "mounted? If it is meant to be empty, put a file there, or empty that of %s, too"),
                                 work->area, round->stage.name, round->rest.name);
        for (unsigned int i = 0; i < CARRY_BUCKETS && r == 0; i++)
                r = carry_merge_bucket(work, sums, i, err);
        return r;
}

static int carry_one(struct carry_book *book, const struct carry_round *round, const char *area, struct carry_result *result,
                     struct error *err)
{
        struct carry_work *work = calloc(1, sizeof(*work));
        struct carry_sums sums = { .folder = -1 };
        unsigned int idle = 0;
        uint64_t left = 0;
        int r = work ? carry_sums_open(book, area, &sums, err) : error_memory(err);

        for (unsigned int i = 0; i < PASSES && r == 0; i++) {
                work->round = round;
                work->result = result;
                work->area = area;
                work->deeds = 0;
                left = result->left;
                r = pass(work, &sums, i == 0, err);
                idle = work->deeds ? 0 : idle + 1;
                if (round->look || result->left == left || idle == IDLE || i + 1 == PASSES)
                        break;
                result->left = left; /* the next pass sees it again */
        }
        if (!round->look && sums.folder >= 0) {
                int saved = carry_sums_save(&sums, r < 0 ? NULL : err);

                r = r < 0 ? r : saved;
        }
        carry_sums_close(&sums);
        if (work)
                free(work->fates);
        free(work);
        return r;
}

/* ---- all of them ---- */

static int get_areas(const struct carry_side *side, json_t **ret_areas, struct error *err)
{
        json_t *answer = NULL, *areas;
        int r = carry_ask(side, "areas", json_object(), QUICK_MS, &answer, err);

        if (r < 0)
                return r;
        areas = json_object_get(answer, "areas");
        for (size_t i = 0; i < json_array_size(areas) && r == 0; i++) {
                const char *name = json_string_value(json_array_get(areas, i));

                if (!name || strlen(name) >= CARRY_AREA_NAME)
                        r = carry_not_understood(side, err);
        }
        if (r == 0)
                *ret_areas = json_is_array(areas) ? json_incref(areas) : json_array();
        json_decref(answer);
        return r;
}

/* Whose release has an area that the other's has not: it is carried when both have it. */
static bool has_area(const json_t *areas, const char *name)
{
        for (size_t i = 0; i < json_array_size(areas); i++)
                if (text_equal(json_string_value(json_array_get(areas, i)), name))
                        return true;
        return false;
}

int carry_round(struct carry_book *book, const struct carry_round *round, struct carry_result *ret_result, struct error *err)
{
        json_t *stage = NULL, *rest = NULL;
        int r = get_areas(&round->stage, &stage, err);

        *ret_result = (struct carry_result){ .notes = json_array() };
        if (r == 0)
                r = get_areas(&round->rest, &rest, err);
        for (size_t i = 0; i < json_array_size(stage) && r == 0; i++) {
                const char *area = json_string_value(json_array_get(stage, i));

                if (!has_area(rest, area)) {
                        ret_result->left++;
                        continue;
                }
                ret_result->areas++;
                r = carry_one(book, round, area, ret_result, err);
        }
        json_decref(stage);
        json_decref(rest);
        return r;
}

int carry_look(struct carry_book *book, const struct carry_side *rest, struct error *err)
{
        struct carry_sums sums = { .folder = -1 };
        json_t *areas = NULL;
        bool same = true;
        int r = get_areas(rest, &areas, err);

        for (size_t i = 0; i < json_array_size(areas) && r == 0 && same; i++) {
                const char *area = json_string_value(json_array_get(areas, i));
                struct carry_sight sight;

                r = carry_sums_open(book, area, &sums, err);
                if (r == 0)
                        r = look_at(rest, area, &sight, NULL, err);
                for (size_t k = 0; k < CARRY_BUCKETS && r == 0; k++)
                        same = same && digest_equal(&sight.buckets[k], &sums.buckets[k]);
                carry_sums_close(&sums);
        }
        json_decref(areas);
        return r < 0 ? r : same;
}
