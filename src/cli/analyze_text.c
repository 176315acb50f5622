/* analyze_text.c - a summary for a terminal of 80 columns. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/columns.h"

#define NAME_COLUMNS 40
#define BAR_COLUMNS  60
#define BAR_ROWS     31 /* days that are shown one by one */

static void print_number(FILE *out, const char *label, uint64_t number)
{
        char text[COUNT_TEXT_SIZE];

        fprintf(out, "  ");
        print_padded(out, label, 24);
        fprintf(out, " %14s", count_text(number, text));
}

static void print_line(FILE *out, const char *label, uint64_t number)
{
        print_number(out, label, number);
        fputc('\n', out);
}

/* Two figures a line: all, and of them people. */
static void print_pair(FILE *out, const char *label, uint64_t all, uint64_t people)
{
        char text[COUNT_TEXT_SIZE];

        print_number(out, label, all);
        fprintf(out, " %14s\n", count_text(people, text));
}

static void print_span(FILE *out, const struct summary *summary)
{
        char first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];

        clock_format_utc(summary->first_us / 1000000, first);
        clock_format_utc(summary->last_us / 1000000, last);
        fprintf(out, _("From %s to %s\n\n"), first, last);
}

static void print_totals(FILE *out, const struct summary *summary)
{
        char bytes[COUNT_TEXT_SIZE];

        fprintf(out, "  ");
        print_padded(out, "", 24);
        print_right(out, _("all"), 15);
        print_right(out, _("people"), 15);
        fputc('\n', out);
        print_pair(out, _("visitors"), summary->totals.visitors, summary->human_visitors);
        print_pair(out, _("visits"), summary->totals.visits, summary->human_visits);
        print_pair(out, _("page views"), summary->page_views, summary->human_page_views);
        print_pair(out, _("visits of one page"), summary->bounces, summary->human_bounces);
        print_pair(out, _("requests"), summary->totals.hits, summary->human_hits);
        print_number(out, _("client addresses"), summary->hosts);
        fprintf(out, "\n  ");
        print_padded(out, _("sent"), 24);
        fprintf(out, " %14s\n", bytes_text(summary->totals.bytes, bytes));
        print_number(out, _("errors (4xx and 5xx)"), summary->totals.errors);
        fprintf(out, "\n");
        if (summary->durations)
                fprintf(out,
                        _("  Half of the requests took up to %.1f ms, 95 of 100 up to %.1f ms, 99 up to %.1f ms.\n"),
                        (double)summary->duration_p50_us / 1000, (double)summary->duration_p95_us / 1000,
                        (double)summary->duration_p99_us / 1000);
}

static void print_days(FILE *out, const struct summary *summary)
{
        size_t first = summary->day_count > BAR_ROWS ? summary->day_count - BAR_ROWS : 0;
        uint64_t most = 1;

        if (summary->day_count < 2)
                return;
        for (size_t i = first; i < summary->day_count; i++)
                if (summary->days[i].figures.visitors > most)
                        most = summary->days[i].figures.visitors;
        fprintf(out, "\n%s\n", first ? _("Visitors of the last 31 days") : _("Visitors of each day"));
        for (size_t i = first; i < summary->day_count; i++) {
                uint64_t visitors = summary->days[i].figures.visitors;
                char day[CLOCK_TEXT_SIZE], text[COUNT_TEXT_SIZE];

                clock_format_utc(summary->days[i].start, day);
                fprintf(out, "  %.10s %11s ", day, count_text(visitors, text));
                for (uint64_t k = 0; k < visitors * (BAR_COLUMNS - 8) / most; k++)
                        fputc('#', out);
                fputc('\n', out);
        }
}

static void print_titles(FILE *out, bool visits)
{
        print_right(out, _("requests"), 12);
        print_right(out, _("visitors"), 12);
        if (visits)
                print_right(out, _("visits"), 12);
        fputc('\n', out);
}

static void print_dimension(FILE *out, const struct summary *summary, enum dimension_kind kind, const char *title)
{
        const struct dimension *dimension = &summary->dimensions[kind];
        bool visits = dimension_has_visits(kind);
        size_t shown = 0;

        for (size_t i = 0; i < dimension->count; i++) {
                const struct row *row = &dimension->rows[i];
                _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(1U << 20);
                char hits[COUNT_TEXT_SIZE], people[COUNT_TEXT_SIZE];

                if (text_escape(&name, row->name, row->name_length) < 0)
                        continue;
                if (shown++ == 0) {
                        fputc('\n', out);
                        print_padded(out, title, NAME_COLUMNS + 2);
                        print_titles(out, visits);
                }
                fputs("  ", out);
                print_padded(out, name.length ? buffer_text(&name) : "-", NAME_COLUMNS);
                fprintf(out, " %11s %11s", count_text(row->figures.hits, hits),
                        count_text(row->figures.visitors, people));
                if (visits)
                        fprintf(out, " %11s", count_text(row->figures.visits, hits));
                fputc('\n', out);
        }
        if (shown && dimension->total > dimension->count)
                fprintf(out, _("  ... of %" PRIu64 "; --top N shows more\n"), dimension->total);
}

void analyze_print_replaced(FILE *out, const struct replaced_salts *salts)
{
        char words[REPLACED_WORDS_SIZE];

        for (size_t i = 0; i < salts->count; i++) {
                summary_replaced_words(&salts->items[i], words);
                fprintf(out, "%s\n", words);
        }
}

static void print_notes(FILE *out, const struct summary *summary)
{
        char text[COUNT_TEXT_SIZE];

        fprintf(out, "\n");
        if (summary->own_hosts_guessed && summary->own_host_count)
                fprintf(out,
                        _("The log does not say whose it is. Taken for the site itself (--own HOST):\n"
                          "  %s\n"),
                        summary->own_hosts[0]);
        analyze_print_replaced(out, &summary->replaced_salts);
        for (size_t i = 0; i < summary->approximate_count; i++)
                fprintf(out, _("Not exact: %s, within %.2f %%: %s.\n"), summary->approximate[i].figure,
                        summary->approximate[i].error * 100, _(summary->approximate[i].reason));
        if (summary->invalid)
                fprintf(out, _("%s lines fit no format and were not counted. Some of them:\n"),
                        count_text(summary->invalid, text));
        for (size_t i = 0; i < summary->sample_count && i < 3; i++)
                fprintf(out, "  %.74s\n", summary->samples[i].line);
        fprintf(out, _("A visitor is a client address and a browser on one day (UTC) that got an answer\n"
                       "other than 4xx; a visit ends after 30 minutes without a request. Bots are those\n"
                       "who say so.\n"));
}

static void print_funnels(FILE *out, const struct summary *summary)
{
        for (size_t i = 0; i < summary->funnel_count; i++) {
                const struct funnel_result *funnel = &summary->funnels[i];
                char text[COUNT_TEXT_SIZE];

                fputc('\n', out);
                print_padded(out, _("Goals one after the other"), NAME_COLUMNS + 2);
                print_right(out, _("visitors"), 24);
                print_right(out, _("people"), 12);
                fputc('\n', out);
                for (size_t k = 0; k < funnel->count; k++) {
                        fputs("  ", out);
                        print_padded(out, funnel->steps[k].goal, NAME_COLUMNS + 12);
                        fprintf(out, " %11s", count_text(funnel->steps[k].visitors, text));
                        fprintf(out, " %11s\n", count_text(funnel->steps[k].human_visitors, text));
                }
        }
}

static void print_vitals(FILE *out, const struct summary *summary)
{
        for (unsigned int i = 0; i < LENGTH(summary->vitals); i++) {
                char words[VITAL_WORDS_SIZE];

                if (summary_vital_words(summary, i, words))
                        fprintf(out, "  %s\n", words);
        }
}

/* What the beacon saw of the same visits, and of what no log has. */
static void print_beacon(FILE *out, const struct summary *summary)
{
        static const enum dimension_kind kinds[] = { DIMENSION_EVENTS, DIMENSION_PROPERTIES, DIMENSION_OUTBOUND };
        static const char *const titles[] = { N_("Events"), N_("Events in detail"), N_("Links that led out") };
        const struct reconciled *reconciled = summary->reconciled;

        if (!reconciled)
                return;
        fprintf(out, "\n%s\n", _("Log and beacon beside each other (people; never added)"));
        print_line(out, _("page views in the log"), reconciled->log_views);
        print_line(out, _("page views of the beacon"), reconciled->beacon_views);
        print_line(out, _("further without loading"), reconciled->navigations);
        if (reconciled->matched) {
                print_line(out, _("visitors in both"), reconciled->both_visitors);
                print_line(out, _("in the log alone"), reconciled->log_visitors);
                print_line(out, _("in the beacon alone"), reconciled->beacon_visitors);
        }
        print_vitals(out, summary->beacon);
        for (size_t i = 0; i < LENGTH(kinds); i++)
                print_dimension(out, summary->beacon, kinds[i], _(titles[i]));
}

void analyze_print(FILE *out, const struct summary *summary)
{
        static const struct {
                enum dimension_kind kind;
                const char *title;
        } shown[] = {
                {DIMENSION_PAGES,       N_("Pages")              },
                { DIMENSION_ENTRY,      N_("First page of visit")},
                { DIMENSION_EXIT,       N_("Last page of visit") },
                { DIMENSION_REFERRERS,  N_("Came from")          },
                { DIMENSION_SEARCH,     N_("Search engines")     },
                { DIMENSION_CAMPAIGNS,  N_("Campaigns")          },
                { DIMENSION_GOALS,      N_("Goals")              },
                { DIMENSION_EVENTS,     N_("Events")             },
                { DIMENSION_PROPERTIES, N_("Events in detail")   },
                { DIMENSION_OUTBOUND,   N_("Links that led out") },
                { DIMENSION_BROWSERS,   N_("Browsers")           },
                { DIMENSION_SYSTEMS,    N_("Systems")            },
                { DIMENSION_DEVICES,    N_("Devices")            },
                { DIMENSION_COUNTRIES,  N_("Countries")          },
                { DIMENSION_BOTS,       N_("Bots")               },
                { DIMENSION_HOSTS,      N_("Virtual hosts")      },
                { DIMENSION_STATUS,     N_("Status")             },
                { DIMENSION_NOT_FOUND,  N_("Not found")          },
        };

        if (summary->totals.hits)
                print_span(out, summary);
        print_totals(out, summary);
        print_days(out, summary);
        for (size_t i = 0; i < LENGTH(shown); i++)
                print_dimension(out, summary, shown[i].kind, _(shown[i].title));
        print_funnels(out, summary);
        if (summary->from_beacon)
                print_vitals(out, summary);
        print_beacon(out, summary);
        print_notes(out, summary);
}
