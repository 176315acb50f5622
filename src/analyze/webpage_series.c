/* webpage_series.c - plots over time, and the hours of the week. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "analyze/webpage_private.h"
#include "base/count.h"
#include "base/i18n.h"

#define WIDEST_BAR 6 /* percent of the plot */

/* One plot: bars of two parts above one another. */
struct plot {
        const char *key, *title;
        const char *class;
        uint64_t (*first)(const struct interval *interval);
        uint64_t (*second)(const struct interval *interval); /* NULL: there is one part */
        bool bytes;
};

static uint64_t people(const struct interval *interval)
{
        return interval->human_visitors;
}

static uint64_t bot_visitors(const struct interval *interval)
{
        return interval->figures.visitors - interval->human_visitors;
}

/* With --without-bots the hits have none. */
static uint64_t human_hits(const struct interval *interval)
{
        return interval->figures.hits - interval->figures.bot_hits;
}

static uint64_t bot_hits(const struct interval *interval)
{
        return interval->figures.bot_hits;
}

static uint64_t bytes(const struct interval *interval)
{
        return interval->figures.bytes;
}

static uint64_t errors(const struct interval *interval)
{
        return interval->figures.errors;
}

static const struct plot plots[] = {
        {"visitors", N_("Visitors"),             "people", people,     bot_visitors, false},
        { "hits",    N_("Requests"),             "people", human_hits, bot_hits,     false},
        { "bytes",   N_("Data sent"),            "bytes",  bytes,      NULL,         true },
        { "errors",  N_("Errors (4xx and 5xx)"), "errors", errors,     NULL,         false},
};

static const char *step_words(const struct series *series)
{
        switch (series->step) {
        case STEP_HOUR: return _("by hour, UTC");
        case STEP_DAY: return _("by day, UTC");
        case STEP_MONTH: return _("by month, UTC");
        default: return series->years == 1 ? _("by year, UTC") : _("by some years each, UTC");
        }
}

/* Short enough for an axis: 800, 20k, 1.5M; sizes with their unit. */
static void axis_words(char *text, size_t size, uint64_t value, bool is_bytes)
{
        static const char units[] = " kMGTPE";
        double number = (double)value;
        size_t unit = 0;

        while (number >= (is_bytes ? 1000 : 10000) && unit + 1 < sizeof(units) - 1) {
                number /= 1000;
                unit++;
        }
        snprintf(text, size, "%.4g%s%.*s%s", number, is_bytes ? " " : "", unit > 0, units + unit, is_bytes ? "B" : "");
}

static const char *value_words(const struct plot *plot, uint64_t value, char text[static COUNT_TEXT_SIZE])
{
        return plot->bytes ? bytes_text(value, text) : count_text(value, text);
}

static uint64_t value_of(const struct plot *plot, const struct interval *interval)
{
        return plot->first(interval) + (plot->second ? plot->second(interval) : 0);
}

static size_t find_most(const struct plot *plot, const struct series *series)
{
        size_t most = 0;

        for (size_t i = 1; i < series->count; i++)
                if (value_of(plot, &series->intervals[i]) > value_of(plot, &series->intervals[most]))
                        most = i;
        return most;
}

static void put_part(struct html *html, const char *class, double x, double width, double bottom, double height)
{
        if (height > 0)
                html_markup(html, "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.2f%%\" height=\"%.2f%%\"/>",
                            class, x, width, 100 - bottom - height, height);
}

static void put_column(struct html *html, const struct plot *plot, const struct series *series, size_t column,
                       uint64_t scale)
{
        const struct interval *interval = &series->intervals[column];
        uint64_t first = plot->first(interval), second = plot->second ? plot->second(interval) : 0;
        double width = 100.0 / (double)series->count, x = width * (double)column;
        double bar = width * 0.8 < WIDEST_BAR ? width * 0.8 : WIDEST_BAR;
        char label[SERIES_LABEL_BYTES], all[COUNT_TEXT_SIZE], part[COUNT_TEXT_SIZE];

        series_label(series, column, label);
        html_markup(html, "<g><title>%s: %s", label, value_words(plot, first + second, all));
        if (plot->second)
                html_words(html, _(" (people %s, bots %s)"), value_words(plot, first, part),
                           value_words(plot, second, all));
        html_markup(html, "</title><rect class=\"hit\" x=\"%.3f%%\" width=\"%.3f%%\" height=\"100%%\"/>", x, width);
        put_part(html, plot->class, x + (width - bar) / 2, bar, 0, webpage_percent(first, scale));
        put_part(html, "bots", x + (width - bar) / 2, bar, webpage_percent(first, scale),
                 webpage_percent(second, scale));
        html_markup(html, "</g>\n");
}

static void put_ticks(struct html *html, const struct series *series)
{
        struct series_tick ticks[SERIES_TICKS];
        size_t count = series_ticks(series, ticks);

        for (size_t i = 0; i < count; i++) {
                double x = ((double)ticks[i].column + 0.5) * 100 / (double)series->count;
                const char *anchor = x < 7 ? "start" : x > 93 ? "end" : "middle";

                html_markup(html, "<text x=\"%.2f%%\" y=\"155\" text-anchor=\"%s\">%s</text>", x, anchor,
                            ticks[i].label);
        }
}

/* The scale stands in a drawing of its own: everything else can be as wide as there is room, and no letter is
 * stretched. */
static void put_scale(struct html *html, const struct plot *plot, uint64_t scale)
{
        static const unsigned int heights[] = { 14, 74, 134 };

        html_markup(html, "<svg class=\"scale\" aria-hidden=\"true\">");
        for (unsigned int i = 0; i < 3; i++) {
                char text[COUNT_TEXT_SIZE];

                axis_words(text, sizeof(text), i == 0 ? scale : i == 1 ? scale / 2 : 0, plot->bytes);
                html_markup(html, "<text x=\"100%%\" y=\"%u\" text-anchor=\"end\">%s</text>", heights[i], text);
        }
        html_markup(html, "</svg>");
}

static void put_plot(struct html *html, const struct plot *plot, const struct series *series)
{
        size_t most = find_most(plot, series);
        uint64_t value = value_of(plot, &series->intervals[most]), scale = series_scale(value);
        char label[SERIES_LABEL_BYTES], text[COUNT_TEXT_SIZE];

        series_label(series, most, label);
        html_markup(html, "<figure class=\"card\"><figcaption><h3>");
        html_words(html, "%s", _(plot->title));
        html_markup(html, "</h3><p id=\"most-%s\">", plot->key);
        if (value)
                html_words(html, _("most: %s, %s"), value_words(plot, value, text), label);
        else
                html_words(html, "%s", _("none"));
        html_markup(html, "</p></figcaption>\n<div class=\"plot\">");
        put_scale(html, plot, scale);
        html_markup(html,
                    "<svg class=\"columns\" role=\"img\" aria-labelledby=\"plot-%s\" aria-describedby=\"most-%s\">",
                    plot->key, plot->key);
        html_markup(html, "<title id=\"plot-%s\">", plot->key);
        html_words(html, "%s, %s", _(plot->title), step_words(series));
        html_markup(html, "</title>\n<svg y=\"10\" width=\"100%%\" height=\"120\">"
                          "<line class=\"grid\" x2=\"100%%\" y1=\".5\" y2=\".5\"/><line class=\"grid\" x2=\"100%%\" "
                          "y1=\"60\" y2=\"60\"/>\n");
        for (size_t i = 0; i < series->count; i++)
                put_column(html, plot, series, i, scale);
        html_markup(html, "</svg><line class=\"base\" x2=\"100%%\" y1=\"130\" y2=\"130\"/>");
        put_ticks(html, series);
        html_markup(html, "</svg></div></figure>\n");
}

static void put_table(struct html *html, const struct series *series)
{
        html_markup(html, "<details class=\"card\"><summary>");
        html_words(html, "%s", _("The same as a table"));
        html_markup(html, "</summary><div class=\"wide\"><table id=\"series\"><caption>");
        html_words(html, "%s", step_words(series));
        html_markup(html, "</caption><thead><tr><th scope=\"col\">");
        html_words(html, "%s", _("Time"));
        html_markup(html, "</th>");
        webpage_column_title(html, _("Visitors"), false);
        webpage_column_title(html, _("People"), false);
        webpage_column_title(html, _("Visits"), false);
        webpage_column_title(html, _("Requests"), false);
        webpage_column_title(html, _("Of bots"), false);
        webpage_column_title(html, _("Errors"), false);
        webpage_column_title(html, _("Data sent"), false);
        html_markup(html, "</tr></thead><tbody>\n");
        for (size_t i = 0; i < series->count; i++) {
                const struct interval *interval = &series->intervals[i];
                char label[SERIES_LABEL_BYTES];

                series_label(series, i, label);
                html_markup(html, "<tr><th scope=\"row\">%s</th>", label);
                webpage_count_cell(html, interval->figures.visitors);
                webpage_count_cell(html, interval->human_visitors);
                webpage_count_cell(html, interval->figures.visits);
                webpage_count_cell(html, interval->figures.hits);
                webpage_count_cell(html, interval->figures.bot_hits);
                webpage_count_cell(html, interval->figures.errors);
                webpage_bytes_cell(html, interval->figures.bytes);
                html_markup(html, "</tr>\n");
        }
        html_markup(html, "</tbody></table></div></details>\n");
}

void webpage_series(struct html *html, const struct series *series)
{
        html_markup(html, "<section id=\"part-time\"><h2>");
        html_words(html, "%s", _("Over time"));
        html_markup(html, " <small>");
        html_words(html, "%s", step_words(series));
        html_markup(html, "</small></h2>\n<div class=\"cards\">\n");
        for (size_t i = 0; i < LENGTH(plots); i++)
                put_plot(html, &plots[i], series);
        html_markup(html, "</div>\n");
        put_table(html, series);
        html_markup(html, "</section>\n");
}

/* ---------------------------------------------------------------- the week */

#define SHADES 9

static double people_an_hour(const struct week *week, size_t day, size_t hour)
{
        return week->hours[day][hour] ? (double)week->people[day][hour] / week->hours[day][hour] : 0;
}

static void put_hour(struct html *html, const struct week *week, size_t day, size_t hour, double most)
{
        double value = people_an_hour(week, day, hour);
        int shade = most > 0 && value > 0 ? 1 + (int)(value / most * (SHADES - 1)) : 0;

        if (!week->hours[day][hour]) {
                html_markup(html, "<td class=\"none\"></td>");
                return;
        }
        html_markup(html, "<td class=\"shade%d\"><span>%.*g</span></td>", shade, value < 10 ? 2 : 6,
                    value < 10 ? value : round(value));
}

void webpage_week(struct html *html, const struct week *week)
{
        static const char *const days[] = {
                N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun")
        };
        double most = 0;

        for (size_t day = 0; day < 7; day++)
                for (size_t hour = 0; hour < 24; hour++)
                        if (people_an_hour(week, day, hour) > most)
                                most = people_an_hour(week, day, hour);
        html_markup(html, "<section id=\"part-week\"><h2>");
        html_words(html, "%s", _("Hours of the week"));
        html_markup(html, " <small>");
        html_words(html, "%s", _("people in an hour on average, UTC"));
        html_markup(html, "</small></h2>\n<div class=\"card\"><table id=\"week\"><caption>");
        html_words(html, "%s", _("People in each hour of the week, on average"));
        html_markup(html, "</caption><thead><tr><td></td>");
        for (size_t hour = 0; hour < 24; hour++)
                html_markup(html, "<th scope=\"col\"><span>%02zu</span></th>", hour);
        html_markup(html, "</tr></thead><tbody>\n");
        for (size_t day = 0; day < 7; day++) {
                html_markup(html, "<tr><th scope=\"row\">");
                html_words(html, "%s", _(days[day]));
                html_markup(html, "</th>");
                for (size_t hour = 0; hour < 24; hour++)
                        put_hour(html, week, day, hour, most);
                html_markup(html, "</tr>\n");
        }
        html_markup(html, "</tbody></table></div></section>\n");
}
