/*
 * analyze_json.c - a summary as the JSON object of the contract:
 * {"lines", "invalid", "hits", "bytes", "hosts", "visitors", "status", "pages", ..., "approximate"}.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/analyze.h"
#include "cli/command.h"

static json_t *whole(uint64_t number)
{
        return json_integer((json_int_t)number);
}

static json_t *time_json(int64_t us)
{
        char text[CLOCK_TEXT_SIZE];

        clock_format_utc(clock_floor(us, 1000000), text);
        return json_string(text);
}

/* {"hits", "visitors", ...} into an object that has the row's name already. */
static int set_figures(json_t *object, const struct figures *figures, bool visits)
{
        return json_object_set_new(object, "hits", whole(figures->hits)) |
               json_object_set_new(object, "visitors", whole(figures->visitors)) |
               (visits ? json_object_set_new(object, "visits", whole(figures->visits)) : 0) |
               json_object_set_new(object, "bytes", whole(figures->bytes)) |
               json_object_set_new(object, "bot_hits", whole(figures->bot_hits)) |
               json_object_set_new(object, "errors", whole(figures->errors));
}

static const char *key_of(enum dimension_kind kind)
{
        switch (kind) {
        case DIMENSION_PAGES:
        case DIMENSION_ASSETS:
        case DIMENSION_NOT_FOUND:
        case DIMENSION_ENTRY:
        case DIMENSION_EXIT: return "path";
        default: return "name";
        }
}

static json_t *dimension_json(enum dimension_kind kind, const struct dimension *dimension)
{
        json_t *rows = json_array();

        for (size_t i = 0; rows && i < dimension->count; i++) {
                const struct row *row = &dimension->rows[i];
                json_t *object = json_object();

                if (json_object_set_new(object, key_of(kind), command_json_name(row->name, row->name_length)) |
                    set_figures(object, &row->figures, dimension_has_visits(kind))) {
                        json_decref(object);
                        json_decref(rows);
                        return NULL;
                }
                json_array_append_new(rows, object);
        }
        return rows;
}

/* {"200": 1, ...}: all of them, whatever --top says. */
static json_t *status_json(const struct summary *summary)
{
        json_t *object = json_object();

        for (size_t i = 0; i < summary->status_count; i++) {
                char code[8];

                snprintf(code, sizeof(code), "%03u", summary->statuses[i].code);
                json_object_set_new(object, code, whole(summary->statuses[i].hits));
        }
        return object;
}

static json_t *intervals_json(const struct interval *intervals, size_t count)
{
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++) {
                json_t *object = json_object();

                json_object_set_new(object, "start", time_json(intervals[i].start * 1000000));
                set_figures(object, &intervals[i].figures, true);
                json_object_set_new(object, "human_visitors", whole(intervals[i].human_visitors));
                json_array_append_new(array, object);
        }
        return array;
}

static json_t *durations_json(const struct summary *summary)
{
        json_t *classes = json_array();

        for (size_t i = 0; i < summary->duration_class_count; i++) {
                const struct duration_class *class = &summary->duration_classes[i];
                bool last = class->upto_us == UINT64_MAX;

                json_array_append_new(classes,
                                      json_pack("{s:o, s:I}", "upto", last ? json_null() : whole(class->upto_us),
                                                "hits", (json_int_t) class->hits));
        }
        return json_pack("{s:I, s:I, s:I, s:o}", "p50", (json_int_t)summary->duration_p50_us, "p95",
                         (json_int_t)summary->duration_p95_us, "p99", (json_int_t)summary->duration_p99_us, "classes",
                         classes);
}

static json_t *approximate_json(const struct summary *summary)
{
        json_t *array = json_array();

        for (size_t i = 0; i < summary->approximate_count; i++) {
                const struct approximate *one = &summary->approximate[i];

                json_array_append_new(array, json_pack("{s:s, s:f, s:s}", "figure", one->figure, "error", one->error,
                                                       "reason", one->reason));
        }
        return array;
}

json_t *analyze_replaced_json(const struct replaced_salts *salts)
{
        json_t *array = json_array();

        for (size_t i = 0; i < salts->count; i++) {
                char day[CLOCK_TEXT_SIZE], time[CLOCK_TEXT_SIZE];

                clock_format_utc(salts->items[i].day * 86400, day);
                clock_format_utc(salts->items[i].time, time);
                day[10] = '\0';
                json_array_append_new(array, json_pack("{s:s, s:s}", "day", day, "found", time));
        }
        return array;
}

static json_t *samples_json(const struct summary *summary)
{
        json_t *array = json_array();

        for (size_t i = 0; i < summary->sample_count; i++)
                json_array_append_new(
                        array, json_pack("{s:o, s:s}", "file",
                                         command_json_name(summary->samples[i].file, strlen(summary->samples[i].file)),
                                         "line", summary->samples[i].line));
        return array;
}

static json_t *texts_json(const char *const *texts, size_t count)
{
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++)
                json_array_append_new(array, command_json_name(texts[i], strlen(texts[i])));
        return array;
}

static void set_totals(json_t *object, const struct summary *summary)
{
        const struct {
                const char *key;
                uint64_t value;
        } totals[] = {
                {"lines",             summary->lines           },
                { "invalid",          summary->invalid         },
                { "empty",            summary->empty           },
                { "outside",          summary->outside         },
                { "hits",             summary->totals.hits     },
                { "bytes",            summary->totals.bytes    },
                { "hosts",            summary->hosts           },
                { "visitors",         summary->totals.visitors },
                { "visits",           summary->totals.visits   },
                { "bounces",          summary->bounces         },
                { "visit_seconds",    summary->visit_seconds   },
                { "page_views",       summary->page_views      },
                { "errors",           summary->totals.errors   },
                { "bot_hits",         summary->totals.bot_hits },
                { "human_hits",       summary->human_hits      },
                { "human_visitors",   summary->human_visitors  },
                { "human_visits",     summary->human_visits    },
                { "human_bounces",    summary->human_bounces   },
                { "human_page_views", summary->human_page_views},
        };

        for (size_t i = 0; i < LENGTH(totals); i++)
                json_object_set_new(object, totals[i].key, whole(totals[i].value));
        json_object_set_new(object, "first", summary->totals.hits ? time_json(summary->first_us) : json_null());
        json_object_set_new(object, "last", summary->totals.hits ? time_json(summary->last_us) : json_null());
}

/* The log beside the beacon. */
static json_t *reconciled_json(const struct reconciled *reconciled)
{
        json_t *object = json_pack("{s:I, s:I, s:I, s:I}", "log_views", (json_int_t)reconciled->log_views,
                                   "beacon_views", (json_int_t)reconciled->beacon_views, "navigations",
                                   (json_int_t)reconciled->navigations, "pixels", (json_int_t)reconciled->pixels);
        json_t *pages = json_array();

        if (reconciled->matched) {
                json_object_set_new(object, "visitors_in_both", whole(reconciled->both_visitors));
                json_object_set_new(object, "visitors_in_log_alone", whole(reconciled->log_visitors));
                json_object_set_new(object, "visitors_in_beacon_alone", whole(reconciled->beacon_visitors));
        }
        for (size_t i = 0; i < reconciled->page_count; i++) {
                const struct reconciled_page *page = &reconciled->pages[i];

                json_array_append_new(pages, json_pack("{s:o, s:I, s:I}", "path",
                                                       command_json_name(page->name, page->name_length), "log_views",
                                                       (json_int_t)page->log_views, "beacon_views",
                                                       (json_int_t)page->beacon_views));
        }
        json_object_set_new(object, "pages", pages);
        return object;
}

json_t *analyze_vitals_json(const struct summary *summary)
{
        static const char *const keys[] = { "lcp_ms", "cls_thousandths", "inp_ms" };
        json_t *object = json_object();

        for (size_t i = 0; i < LENGTH(keys); i++)
                if (summary->vitals[i].count)
                        json_object_set_new(object, keys[i],
                                            json_pack("{s:I, s:I}", "p75", (json_int_t)summary->vitals[i].p75, "views",
                                                      (json_int_t)summary->vitals[i].count));
        return object;
}

static json_t *funnels_json(const struct summary *summary)
{
        json_t *funnels = json_array();

        for (size_t i = 0; i < summary->funnel_count; i++) {
                const struct funnel_result *funnel = &summary->funnels[i];
                json_t *steps = json_array();

                for (size_t k = 0; k < funnel->count; k++)
                        json_array_append_new(
                                steps,
                                json_pack("{s:o, s:I, s:I}", "goal",
                                          command_json_name(funnel->steps[k].goal, strlen(funnel->steps[k].goal)),
                                          "visitors", (json_int_t)funnel->steps[k].visitors, "human_visitors",
                                          (json_int_t)funnel->steps[k].human_visitors));
                json_array_append_new(funnels,
                                      json_pack("{s:o, s:o}", "name",
                                                command_json_name(funnel->name, strlen(funnel->name)), "steps", steps));
        }
        return funnels;
}

static void set_beacon(json_t *object, const struct summary *summary)
{
        json_object_set_new(object, "source", json_string(summary->from_beacon ? "beacon" : "log"));
        if (summary->from_beacon) {
                json_object_set_new(object, "navigations", whole(summary->navigations));
                json_object_set_new(object, "pixels", whole(summary->pixels));
                json_object_set_new(object, "web_vitals", analyze_vitals_json(summary));
        }
        if (summary->reconciled)
                json_object_set_new(object, "reconciled", reconciled_json(summary->reconciled));
        if (summary->beacon)
                json_object_set_new(object, "beacon", analyze_json(summary->beacon, NULL));
}

json_t *analyze_json(const struct summary *summary, const struct error *damage)
{
        json_t *object = json_object();

        if (!object)
                return NULL;
        set_totals(object, summary);
        json_object_set_new(object, "status", status_json(summary));
        for (unsigned int kind = 0; kind < DIMENSION_COUNT; kind++) {
                const struct dimension *dimension = &summary->dimensions[kind];
                json_t *rows = dimension_json((enum dimension_kind)kind, dimension);

                json_object_set_new(object, dimension_name((enum dimension_kind)kind), rows);
        }
        json_object_set_new(object, "hours", intervals_json(summary->hours, summary->hour_count));
        json_object_set_new(object, "days", intervals_json(summary->days, summary->day_count));
        if (summary->durations)
                json_object_set_new(object, "duration_us", durations_json(summary));
        json_object_set_new(object, "formats", texts_json(summary->formats, summary->format_count));
        json_object_set_new(object, "own_hosts", texts_json(summary->own_hosts, summary->own_host_count));
        json_object_set_new(object, "own_hosts_guessed", json_boolean(summary->own_hosts_guessed));
        json_object_set_new(object, "samples", samples_json(summary));
        json_object_set_new(object, "funnels", funnels_json(summary));
        set_beacon(object, summary);
        json_object_set_new(object, "salts_replaced", analyze_replaced_json(&summary->replaced_salts));
        json_object_set_new(object, "complete", json_boolean(damage == NULL));
        json_object_set_new(object, "approximate", approximate_json(summary));
        return object;
}
