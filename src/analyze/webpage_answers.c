/* webpage_answers.c - how requests were answered: classes of statuses, each status, methods, response times. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/webpage_private.h"
#include "base/count.h"
#include "base/i18n.h"

#define CLASSES 6 /* of statuses: by the first digit; 0 is all that is none */

static const char *const class_words[CLASSES] = {
        N_("other"),
        N_("1xx: information"),
        N_("2xx: answered"),
        N_("3xx: elsewhere, or not changed"),
        N_("4xx: refused or not there"),
        N_("5xx: the server failed"),
};

/* "850 us" with the letter for micro, "12 ms", "1.2 s" */
#define DURATION_TEXT_SIZE 32

static const char *duration_text(uint64_t us, char text[static DURATION_TEXT_SIZE])
{
        if (us < 1000)
                snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 " \xc2\xb5s", us);
        else if (us < 1000000)
                snprintf(text, DURATION_TEXT_SIZE, "%.3g ms", (double)us / 1000);
        else
                snprintf(text, DURATION_TEXT_SIZE, "%.*f s", us < 10000000 && us % 1000000, (double)us / 1000000);
        return text;
}

static void begin_table(struct html *html, const char *id, const char *title, const char *names)
{
        html_markup(html, "<section class=\"card\" id=\"%s\"><h3>", id);
        html_words(html, "%s", title);
        html_markup(html, "</h3>\n<table class=\"list\" data-list=\"%s\"><caption>", id);
        html_words(html, "%s", title);
        html_markup(html, "</caption><thead><tr><th scope=\"col\">");
        html_words(html, "%s", names);
        html_markup(html, "</th>");
        webpage_column_title(html, _("Requests"), false);
        webpage_column_title(html, _("Share"), true);
        html_markup(html, "</tr></thead><tbody>\n");
}

static void end_table(struct html *html)
{
        html_markup(html, "</tbody></table></section>\n");
}

/* One strip of all requests. */
static void put_strip(struct html *html, const uint64_t classes[static CLASSES], uint64_t all)
{
        double x = 0;

        html_markup(html, "<svg class=\"strip\" aria-hidden=\"true\">");
        for (unsigned int i = 0; i < CLASSES; i++) {
                double width = webpage_percent(classes[i], all);

                if (classes[i])
                        html_markup(html, "<rect class=\"class%u\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"100%%\"/>", i,
                                    x, width);
                x += width;
        }
        html_markup(html, "</svg>\n");
}

static void put_classes(struct html *html, const struct summary *summary)
{
        uint64_t classes[CLASSES] = { 0 }, all = 0;

        for (size_t i = 0; i < summary->status_count; i++) {
                unsigned int class = summary->statuses[i].code / 100;

                classes[class < CLASSES ? class : 0] += summary->statuses[i].hits;
                all += summary->statuses[i].hits;
        }
        if (!all)
                return;
        html_markup(html, "<section class=\"card\" id=\"classes\"><h3>");
        html_words(html, "%s", _("Kinds of answers"));
        html_markup(html, "</h3>\n");
        put_strip(html, classes, all);
        html_markup(html, "<table class=\"list\" data-list=\"classes\"><caption>");
        html_words(html, "%s", _("Kinds of answers"));
        html_markup(html, "</caption><thead><tr><th scope=\"col\">");
        html_words(html, "%s", _("Status"));
        html_markup(html, "</th>");
        webpage_column_title(html, _("Requests"), false);
        webpage_column_title(html, _("Share"), true);
        html_markup(html, "</tr></thead><tbody>\n");
        for (unsigned int i = 1; i <= CLASSES; i++) {
                unsigned int class = i % CLASSES;

                if (!classes[class])
                        continue;
                html_markup(html,
                            "<tr><th scope=\"row\"><svg class=\"swatch\" aria-hidden=\"true\"><rect class=\"class%u\" "
                            "width=\"100%%\" height=\"100%%\"/></svg>",
                            class);
                html_words(html, "%s", _(class_words[class]));
                html_markup(html, "</th>");
                webpage_count_cell(html, classes[class]);
                webpage_share_cell(html, classes[class], all);
                html_markup(html, "</tr>\n");
        }
        end_table(html);
}

static void put_statuses(struct html *html, const struct summary *summary)
{
        uint64_t most = 0;

        for (size_t i = 0; i < summary->status_count; i++)
                if (summary->statuses[i].hits > most)
                        most = summary->statuses[i].hits;
        if (!most)
                return;
        begin_table(html, "status", _("Each status"), _("Status"));
        for (size_t i = 0; i < summary->status_count; i++) {
                html_markup(html, "<tr><th scope=\"row\">");
                webpage_bar(html, summary->statuses[i].hits, 0, most);
                html_markup(html, "%03u</th>", summary->statuses[i].code);
                webpage_count_cell(html, summary->statuses[i].hits);
                webpage_share_cell(html, summary->statuses[i].hits, summary->totals.hits);
                html_markup(html, "</tr>\n");
        }
        end_table(html);
}

static void put_methods(struct html *html, const struct summary *summary)
{
        const struct dimension *methods = &summary->dimensions[DIMENSION_METHODS];

        if (!methods->count)
                return;
        begin_table(html, "methods", _("Methods"), _("Method"));
        for (size_t i = 0; i < methods->count && i < WEBPAGE_ROWS; i++) {
                const struct row *row = &methods->rows[i];

                html_markup(html, "<tr><th scope=\"row\">");
                webpage_bar(html, row->figures.hits, 0, methods->rows[0].figures.hits);
                html_name(html, row->name, row->name_length);
                html_markup(html, "</th>");
                webpage_count_cell(html, row->figures.hits);
                webpage_share_cell(html, row->figures.hits, summary->totals.hits);
                html_markup(html, "</tr>\n");
        }
        end_table(html);
}

static void put_durations(struct html *html, const struct summary *summary)
{
        uint64_t most = 0, all = 0;
        char half[DURATION_TEXT_SIZE], most_of[DURATION_TEXT_SIZE], nearly[DURATION_TEXT_SIZE];

        if (!summary->durations)
                return;
        for (size_t i = 0; i < summary->duration_class_count; i++) {
                all += summary->duration_classes[i].hits;
                if (summary->duration_classes[i].hits > most)
                        most = summary->duration_classes[i].hits;
        }
        begin_table(html, "durations", _("Response times"), _("Up to"));
        for (size_t i = 0; i < summary->duration_class_count; i++) {
                const struct duration_class *class = &summary->duration_classes[i];

                html_markup(html, "<tr><th scope=\"row\">");
                webpage_bar(html, class->hits, 0, most);
                html_words(html, "%s",
                           class->upto_us == UINT64_MAX ? _("longer") : duration_text(class->upto_us, half));
                html_markup(html, "</th>");
                webpage_count_cell(html, class->hits);
                webpage_share_cell(html, class->hits, all);
                html_markup(html, "</tr>\n");
        }
        html_markup(html, "</tbody></table><p class=\"note\">");
        html_words(html, _("Half of the requests took up to %s, 95 of 100 up to %s, 99 up to %s."),
                   duration_text(summary->duration_p50_us, half), duration_text(summary->duration_p95_us, most_of),
                   duration_text(summary->duration_p99_us, nearly));
        html_markup(html, "</p></section>\n");
}

void webpage_answers(struct html *html, const struct summary *summary)
{
        html_markup(html, "<section id=\"part-answers\"><h2>");
        html_words(html, "%s", _("Answers"));
        html_markup(html, "</h2>\n<div class=\"cards\">\n");
        put_classes(html, summary);
        put_statuses(html, summary);
        put_methods(html, summary);
        put_durations(html, summary);
        html_markup(html, "</div></section>\n");
}
