/* analyze_query_show.c - the answer to a question as JSON, CSV and words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/analyze_query.h"
#include "cli/columns.h"

const char *const query_metrics[METRIC_COUNT] = { "hits", "visitors", "visits", "bytes", "bot_hits", "errors" };

static const struct figures *find_before(const struct store_answer *before, const struct store_row *row)
{
        static const struct figures none;

        for (size_t i = 0; before && i < before->count; i++)
                if (before->rows[i].name_length == row->name_length &&
                    memcmp(before->rows[i].name, row->name, row->name_length) == 0)
                        return &before->rows[i].figures;
        return &none;
}

static void time_text(int span, int64_t start, char text[static CLOCK_TEXT_SIZE])
{
        clock_format_utc(span == SPAN_HOUR  ? start * 3600
                         : span == SPAN_DAY ? start * 86400
                                            : store_month_begin(start) * 86400,
                         text);
        if (span != SPAN_HOUR)
                text[span == SPAN_DAY ? 10 : 7] = '\0';
}

static const char *span_name(int span)
{
        return span == SPAN_HOUR ? "hour" : span == SPAN_DAY ? "day" : "month";
}

static json_t *metrics_json(const struct query_request *request, const struct figures *figures, json_t *object)
{
        for (size_t i = 0; i < request->metric_count; i++)
                json_object_set_new(object, query_metrics[request->metrics[i]],
                                    json_integer((json_int_t)store_metric(figures, request->metrics[i])));
        return object;
}

static json_t *hour_json(int64_t hour)
{
        char text[CLOCK_TEXT_SIZE];

        clock_format_utc(hour * 3600, text);
        return json_string(text);
}

static int show_json(const struct query_request *request, const struct store_answer *answer,
                     const struct store_answer *before, const struct ask_who *servers)
{
        static const char *const visitors[] = { "different", "sum_of_days", "sum_of_hours" };
        json_t *object = json_object(), *rows = json_array();
        char text[CLOCK_TEXT_SIZE];

        json_object_set_new(object, "from", hour_json(answer->from_hour));
        json_object_set_new(object, "to", hour_json(answer->until_hour));
        if (before) {
                json_object_set_new(object, "before_from", hour_json(before->from_hour));
                json_object_set_new(object, "before_to", hour_json(before->until_hour));
        }
        if (servers) {
                json_object_set_new(object, "servers", servers_json(servers));
                json_object_set_new(object, "salts", json_string(request->salts_apart ? "of_each_sender" : "shared"));
        }
        json_object_set_new(object, "salts_replaced", analyze_replaced_json(&answer->replaced_salts));
        json_object_set_new(object, "visitors_are", json_string(visitors[answer->visitors]));
        json_object_set_new(object, "names", json_integer((json_int_t)answer->names));
        for (size_t i = 0; i < answer->count; i++) {
                const struct store_row *row = &answer->rows[i];
                json_t *one = json_object();

                if (request->list)
                        json_object_set_new(one, request->list, command_json_name(row->name, row->name_length));
                if (request->query.span != QUERY_ONCE) {
                        time_text(request->query.span, row->start, text);
                        json_object_set_new(one, span_name(request->query.span), json_string(text));
                }
                metrics_json(request, &row->figures, one);
                if (before)
                        json_object_set_new(one, "before",
                                            metrics_json(request, find_before(before, row), json_object()));
                json_array_append_new(rows, one);
        }
        json_object_set_new(object, "rows", rows);
        return command_print_json(object);
}

static int show_csv(const struct query_request *request, const struct store_answer *answer, const struct store_answer *before)
{
        char text[CLOCK_TEXT_SIZE];

        if (request->list)
                printf("%s,", request->list);
        if (request->query.span != QUERY_ONCE)
                printf("%s,", span_name(request->query.span));
        for (size_t i = 0; i < request->metric_count; i++)
                printf("%s%s", query_metrics[request->metrics[i]], i + 1 < request->metric_count ? "," : "");
        for (size_t i = 0; before && i < request->metric_count; i++)
                printf(",before_%s", query_metrics[request->metrics[i]]);
        puts("\r");
        for (size_t i = 0; i < answer->count; i++) {
                const struct store_row *row = &answer->rows[i];

                if (request->list && analyze_csv_name(stdout, row->name, row->name_length) == 0)
                        putchar(',');
                if (request->query.span != QUERY_ONCE) {
                        time_text(request->query.span, row->start, text);
                        printf("%s,", text);
                }
                for (size_t k = 0; k < request->metric_count; k++)
                        printf("%" PRIu64 "%s", store_metric(&row->figures, request->metrics[k]),
                               k + 1 < request->metric_count ? "," : "");
                for (size_t k = 0; before && k < request->metric_count; k++)
                        printf(",%" PRIu64, store_metric(find_before(before, row), request->metrics[k]));
                puts("\r");
        }
        return ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

static void show_words(const struct store_answer *answer, const struct store_answer *before)
{
        char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];

        clock_format_utc(answer->from_hour * 3600, from);
        clock_format_utc(answer->until_hour * 3600, to);
        printf(_("From %s to %s"), from, to);
        if (before) {
                clock_format_utc(before->from_hour * 3600, from);
                clock_format_utc(before->until_hour * 3600, to);
                printf(_("; in brackets from %s to %s"), from, to);
        }
        putchar('\n');
        if (answer->visitors == VISITORS_SUM_OF_DAYS)
                puts(_("Visitors are those of each day, added up: who came on two days is counted twice."));
        else if (answer->visitors == VISITORS_SUM_OF_HOURS)
                puts(_("Visitors are those of each hour and day, added up: at most so many."));
        analyze_print_replaced(stdout, &answer->replaced_salts);
        if (before)
                analyze_print_replaced(stdout, &before->replaced_salts);
        putchar('\n');
}

static int show_text(const struct query_request *request, const struct store_answer *answer,
                     const struct store_answer *before)
{
        char text[CLOCK_TEXT_SIZE], number[COUNT_TEXT_SIZE];
        unsigned int width = before ? 24 : 14;

        show_words(answer, before);
        for (size_t i = 0; i < request->metric_count; i++)
                print_right(stdout, query_metrics[request->metrics[i]], width);
        putchar('\n');
        for (size_t i = 0; i < answer->count; i++) {
                const struct store_row *row = &answer->rows[i];
                _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(1U << 20);

                for (size_t k = 0; k < request->metric_count; k++) {
                        char cell[2 * COUNT_TEXT_SIZE + 4], other[COUNT_TEXT_SIZE];
                        uint64_t value = store_metric(&row->figures, request->metrics[k]);

                        if (before)
                                snprintf(
                                        cell, sizeof(cell), "%s (%s)", count_text(value, number),
                                        count_text(store_metric(find_before(before, row), request->metrics[k]), other));
                        else
                                snprintf(cell, sizeof(cell), "%s", count_text(value, number));
                        print_right(stdout, cell, width);
                }
                if (request->query.span != QUERY_ONCE) {
                        time_text(request->query.span, row->start, text);
                        printf("  %s", text);
                }
                if (request->list && text_escape(&name, row->name, row->name_length) == 0)
                        printf("  %s", buffer_text(&name));
                putchar('\n');
        }
        return ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

int query_show_vitals(const struct query_request *request, const struct summary *summary, const struct ask_who *servers)
{
        char words[VITAL_WORDS_SIZE];

        if (request->common.json)
                return command_print_json(servers ? json_pack("{s:o, s:o}", "servers", servers_json(servers), "web_vitals",
                                                              analyze_vitals_json(summary))
                                                  : json_pack("{s:o}", "web_vitals", analyze_vitals_json(summary)));
        if (servers)
                servers_print(stdout, servers);
        for (unsigned int vital = 0; vital < LENGTH(summary->vitals); vital++)
                if (summary_vital_words(summary, vital, words))
                        puts(words);
        return ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

int query_show_funnel(const struct query_request *request, const struct ask_step steps[], const struct ask_who *servers)
{
        char number[COUNT_TEXT_SIZE];
        json_t *list = json_array();

        for (size_t i = 0; i < request->step_count && request->common.json; i++)
                json_array_append_new(list, json_pack("{s:o, s:I, s:I}", "goal",
                                                      command_json_name(request->steps[i], strlen(request->steps[i])),
                                                      "visitors", (json_int_t)steps[i].visitors, "human_visitors",
                                                      (json_int_t)steps[i].human_visitors));
        if (request->common.json)
                return command_print_json(json_pack("{s:o, s:o}", "servers", servers_json(servers), "funnel", list));
        json_decref(list);
        servers_print(stdout, servers);
        puts(_("Visitors of each day, added up, who got so far; and those of them that are people:"));
        for (size_t i = 0; i < request->step_count; i++) {
                _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(1U << 20);

                print_right(stdout, count_text(steps[i].visitors, number), 14);
                print_right(stdout, count_text(steps[i].human_visitors, number), 14);
                printf("  %s\n", text_escape(&name, request->steps[i], strlen(request->steps[i])) == 0 ? buffer_text(&name) : "");
        }
        return ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

int query_show(const struct query_request *request, const struct store_answer *answer,
               const struct store_answer *before, const struct ask_who *servers)
{
        if (request->common.json)
                return show_json(request, answer, before, servers);
        if (!request->csv)
                return show_text(request, answer, before);
        analyze_print_replaced(stderr, &answer->replaced_salts); /* a table has no room for words */
        if (before)
                analyze_print_replaced(stderr, &before->replaced_salts);
        return show_csv(request, answer, before);
}
