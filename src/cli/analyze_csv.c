/*
 * analyze_csv.c - a summary as CSV (RFC 4180): "figure,name,hits,visitors,visits,bytes,bot_hits,errors", one row for
 * each row of each list, for each hour and day, and one for each total (in the column hits). What a beacon counted
 * beside the log has "beacon." before its figures.
 */
#include <inttypes.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/analyze.h"

/* Spreadsheets take a field that begins with one of these for a formula, in Japan also in their full width. */
static bool is_formula(const char *name)
{
        static const char *const signs[] = { "=", "+", "-", "@", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20" };

        for (size_t i = 0; i < LENGTH(signs); i++)
                if (text_starts(name, signs[i]))
                        return true;
        return false;
}

int analyze_csv_name(FILE *out, const char *name, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(1U << 20);

        if (text_escape(&text, name, length) < 0)
                return -1;
        fputc('"', out);
        if (is_formula(buffer_text(&text)))
                fputc('\'', out);
        for (const char *at = buffer_text(&text); *at; at++) {
                if (*at == '"')
                        fputc('"', out);
                fputc(*at, out);
        }
        fputc('"', out);
        return 0;
}

/* `source`: "beacon." or nothing. */
static int put_row(FILE *out, const char *source, const char *figure, const char *name, size_t length,
                   const struct figures *figures, bool visits)
{
        fprintf(out, "%s%s,", source, figure);
        if (analyze_csv_name(out, name, length) < 0)
                return -1;
        fprintf(out, ",%" PRIu64 ",%" PRIu64 ",", figures->hits, figures->visitors);
        if (visits)
                fprintf(out, "%" PRIu64, figures->visits);
        fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\r\n", figures->bytes, figures->bot_hits, figures->errors);
        return 0;
}

static int put_intervals(FILE *out, const char *source, const char *figure, const struct interval *intervals,
                         size_t count)
{
        for (size_t i = 0; i < count; i++) {
                char start[CLOCK_TEXT_SIZE];

                clock_format_utc(intervals[i].start, start);
                if (put_row(out, source, figure, start, strlen(start), &intervals[i].figures, true) < 0)
                        return -1;
        }
        return 0;
}

static int put_summary(FILE *out, const char *source, const struct summary *summary)
{
        const struct {
                const char *name;
                uint64_t value;
        } totals[] = {
                {"lines",             summary->lines           },
                { "invalid",          summary->invalid         },
                { "hosts",            summary->hosts           },
                { "bounces",          summary->bounces         },
                { "visit_seconds",    summary->visit_seconds   },
                { "page_views",       summary->page_views      },
                { "human_hits",       summary->human_hits      },
                { "human_visitors",   summary->human_visitors  },
                { "human_visits",     summary->human_visits    },
                { "human_bounces",    summary->human_bounces   },
                { "human_page_views", summary->human_page_views},
                { "navigations",      summary->navigations     },
                { "pixels",           summary->pixels          },
        };

        if (put_row(out, source, "total", "all", 3, &summary->totals, true) < 0)
                return -1;
        for (size_t i = 0; i < LENGTH(totals); i++)
                fprintf(out, "%stotal,\"%s\",%" PRIu64 ",,,,,\r\n", source, totals[i].name, totals[i].value);
        for (unsigned int kind = 0; kind < DIMENSION_COUNT; kind++) {
                const struct dimension *dimension = &summary->dimensions[kind];

                for (size_t i = 0; i < dimension->count; i++)
                        if (put_row(out, source, dimension_name((enum dimension_kind)kind), dimension->rows[i].name,
                                    dimension->rows[i].name_length, &dimension->rows[i].figures,
                                    dimension_has_visits((enum dimension_kind)kind)) < 0)
                                return -1;
        }
        if (put_intervals(out, source, "hour", summary->hours, summary->hour_count) < 0)
                return -1;
        return put_intervals(out, source, "day", summary->days, summary->day_count);
}

int analyze_csv(FILE *out, const struct summary *summary)
{
        fputs("figure,name,hits,visitors,visits,bytes,bot_hits,errors\r\n", out);
        if (put_summary(out, "", summary) < 0)
                return -1;
        return summary->beacon ? put_summary(out, "beacon.", summary->beacon) : 0;
}
