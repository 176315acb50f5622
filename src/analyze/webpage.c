/* webpage.c - the page as a whole: its head with the policy, the largest figures, the order of its parts. */
#include "webpage.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/webpage_private.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "crypto/digest.h"

/* ---------------------------------------------------------------- small things */

void webpage_count_cell(struct html *html, uint64_t number)
{
        char text[COUNT_TEXT_SIZE];

        html_markup(html, "<td>%s</td>", count_text(number, text));
}

void webpage_bytes_cell(struct html *html, uint64_t bytes)
{
        char whole[COUNT_TEXT_SIZE], text[COUNT_TEXT_SIZE];

        html_markup(html, "<td title=\"");
        html_words(html, _("%s bytes"), count_text(bytes, whole));
        html_markup(html, "\">%s</td>", bytes_text(bytes, text));
}

double webpage_percent(uint64_t part, uint64_t whole)
{
        return whole ? (double)part * 100 / (double)whole : 0;
}

void webpage_share_cell(struct html *html, uint64_t part, uint64_t whole)
{
        double percent = webpage_percent(part, whole);

        if (part && percent < 0.05)
                html_markup(html, "<td class=\"spare\">&lt;&thinsp;0.1&nbsp;%%</td>");
        else
                html_markup(html, "<td class=\"spare\">%.1f&nbsp;%%</td>", percent);
}

void webpage_column_title(struct html *html, const char *words, bool spare)
{
        html_markup(html, "<th scope=\"col\" class=\"number%s\">", spare ? " spare" : "");
        html_words(html, "%s", words);
        html_markup(html, "</th>");
}

void webpage_bar(struct html *html, uint64_t first, uint64_t second, uint64_t most)
{
        double from = webpage_percent(first, most), more = webpage_percent(second, most);

        html_markup(html, "<svg class=\"bar\" aria-hidden=\"true\" focusable=\"false\">");
        if (first)
                html_markup(html, "<rect class=\"people\" width=\"%.2f%%\" height=\"100%%\"/>", from);
        if (second)
                html_markup(html, "<rect class=\"bots\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"100%%\"/>", from, more);
        html_markup(html, "</svg>");
}

const struct approximate *webpage_approximate(const struct summary *summary, const char *figure)
{
        for (size_t i = 0; i < summary->approximate_count; i++)
                if (text_equal(summary->approximate[i].figure, figure))
                        return &summary->approximate[i];
        return NULL;
}

/* ---------------------------------------------------------------- the head */

/* "2015-05-17 10:05" */
static void time_words(int64_t us, char text[static CLOCK_TEXT_SIZE])
{
        clock_format_utc(clock_floor(us, 1000000), text);
        if (strlen(text) > 16) {
                text[10] = ' ';
                text[16] = '\0';
        }
}

/* Whose log it is, as far as is known. */
static void put_site(struct html *html, const struct summary *summary)
{
        if (summary->own_host_count == 0) {
                html_words(html, "%s", _("Access report"));
                return;
        }
        html_text(html, summary->own_hosts[0], strlen(summary->own_hosts[0]));
        if (summary->own_host_count > 1)
                html_words(html, _(" and %zu more hosts"), summary->own_host_count - 1);
}

static int put_head(struct html *html, const struct summary *summary, struct error *err)
{
        _cleanup_(buffer_done) struct buffer hash = BUFFER_INIT(64);
        struct digest digest;
        int r = digest_of_bytes(webpage_style, strlen(webpage_style), &digest, err);

        if (r < 0)
                return r;
        if (text_base64(&hash, digest.bytes, sizeof(digest.bytes)) < 0)
                return error_memory(err);
        html_markup(html, "<!doctype html>\n<html lang=\"");
        html_words(html, "%s", _("en")); /* the language of these words */
        html_markup(
                html,
                "\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; "
                "img-src data:; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<meta name=\"referrer\" content=\"no-referrer\">\n"
                "<meta name=\"robots\" content=\"noindex\">\n"
                /* A browser would ask for /favicon.ico otherwise. */
                "<link rel=\"icon\" href=\"data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 "
                "16 "
                "16'%%3E%%3Cpath fill='%%232a6fb0' d='M2 9h3v5H2zm4.5-4h3v9h-3zM11 2h3v12h-3z'/%%3E%%3C/svg%%3E\">\n"
                "<title>",
                buffer_text(&hash));
        put_site(html, summary);
        if (summary->own_host_count) {
                html_markup(html, " \xe2\x80\x93 ");
                html_words(html, "%s", _("Access report"));
        }
        html_markup(html, "</title>\n<style>%s</style>\n</head>\n", webpage_style);
        return 0;
}

static void put_navigation(struct html *html)
{
        static const struct {
                const char *id, *title;
        } parts[] = {
                {"time",     N_("Over time")    },
                { "pages",   N_("Pages")        },
                { "sources", N_("Came from")    },
                { "clients", N_("Browsers")     },
                { "robots",  N_("Bots")         },
                { "answers", N_("Answers")      },
                { "about",   N_("How it counts")},
        };

        html_markup(html, "<nav aria-label=\"");
        html_words(html, "%s", _("Parts of this page"));
        html_markup(html, "\"><ul>");
        for (size_t i = 0; i < LENGTH(parts); i++) {
                html_markup(html, "<li><a href=\"#part-%s\">", parts[i].id);
                html_words(html, "%s", _(parts[i].title));
                html_markup(html, "</a></li>");
        }
        html_markup(html, "</ul></nav>\n");
}

static void put_header(struct html *html, const struct summary *summary)
{
        char first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];

        html_markup(html, "<header>\n<h1>");
        put_site(html, summary);
        html_markup(html, "</h1>\n<p>");
        if (summary->totals.hits) {
                time_words(summary->first_us, first);
                time_words(summary->last_us, last);
                html_words(html,
                           summary->own_host_count ? _("Access report from %s to %s (UTC)") : _("From %s to %s (UTC)"),
                           first, last);
        } else {
                html_words(html, "%s", _("No request was found that could be counted."));
        }
        html_markup(html, "</p>\n");
        if (summary->totals.hits)
                put_navigation(html);
        html_markup(html, "</header>\n");
}

static void put_replaced_salts(struct html *html, const struct replaced_salts *salts)
{
        char words[REPLACED_WORDS_SIZE];

        for (size_t i = 0; i < salts->count; i++) {
                html_markup(html, "<p class=\"warning\" data-salt=\"%" PRId64 "\"><strong>", salts->items[i].day);
                summary_replaced_words(&salts->items[i], words);
                html_words(html, "%s", words);
                html_markup(html, "</strong> <a href=\"#exact\">");
                html_words(html, "%s", _("Which, and by how much"));
                html_markup(html, "</a></p>\n");
        }
}

/* What a reader must know before he believes a figure. */
static void put_warnings(struct html *html, const struct webpage *page, const struct summary *summary)
{
        char invalid[COUNT_TEXT_SIZE], lines[COUNT_TEXT_SIZE];
        bool limited = !summary->replaced_salts.count &&
                       (webpage_approximate(summary, "visitors") || webpage_approximate(summary, "pages"));

        if (page->damage) {
                html_markup(html, "<p class=\"warning\" id=\"incomplete\"><strong>");
                html_words(html, "%s", _("Not all could be read; this is what was."));
                html_markup(html, "</strong> ");
                html_text(html, page->damage, strlen(page->damage));
                html_markup(html, "</p>\n");
        }
        put_replaced_salts(html, &summary->replaced_salts);
        if (limited) {
                html_markup(html, "<p class=\"warning\"><strong>");
                html_words(html, "%s", _("Memory was short: figures with \xe2\x89\x88 are not exact."));
                html_markup(html, "</strong> <a href=\"#exact\">");
                html_words(html, "%s", _("Which, and by how much"));
                html_markup(html, "</a></p>\n");
        }
        if (summary->invalid) {
                html_markup(html, "<p class=\"warning\">");
                html_words(html, _("%s of %s lines fit no format and are in no figure."),
                           count_text(summary->invalid, invalid), count_text(summary->lines, lines));
                html_markup(html, " <a href=\"#part-about\">");
                html_words(html, "%s", _("Some of them"));
                html_markup(html, "</a></p>\n");
        }
}

/* ---------------------------------------------------------------- the largest figures */

static void begin_tile(struct html *html, const char *label)
{
        html_markup(html, "<div><dt>");
        html_words(html, "%s", label);
        html_markup(html, "</dt><dd class=\"figure\">");
}

static void put_figure(struct html *html, const struct summary *summary, const char *key, uint64_t number,
                       const char *approximate)
{
        const struct approximate *error = webpage_approximate(summary, approximate);
        char text[COUNT_TEXT_SIZE];

        if (error) {
                html_markup(html, "<abbr title=\"");
                html_words(html, _("within %.2f %%"), error->error * 100);
                html_markup(html, "\">\xe2\x89\x88</abbr>&nbsp;");
        }
        html_markup(html, "<data id=\"%s\" value=\"%" PRIu64 "\">%s</data>", key, number, count_text(number, text));
}

/* People large, all below; the same number once. */
static void put_people_tile(struct html *html, const struct summary *summary, const char *label, const char *key,
                            uint64_t all, uint64_t people, const char *approximate)
{
        char human[64], text[COUNT_TEXT_SIZE];

        snprintf(human, sizeof(human), "human_%s", key);
        begin_tile(html, label);
        put_figure(html, summary, human, people, approximate);
        html_markup(html, "</dd><dd><data id=\"%s\" value=\"%" PRIu64 "\">", key, all);
        html_words(html, _("%s with bots"), count_text(all, text));
        html_markup(html, "</data></dd></div>\n");
}

static void put_tiles(struct html *html, const struct summary *summary)
{
        const struct figures *totals = &summary->totals;
        char text[COUNT_TEXT_SIZE];

        html_markup(html, "<section aria-label=\"");
        html_words(html, "%s", _("The largest figures"));
        html_markup(html, "\"><dl class=\"tiles\">\n");
        put_people_tile(html, summary, _("Visitors"), "visitors", totals->visitors, summary->human_visitors,
                        "visitors");
        put_people_tile(html, summary, _("Visits"), "visits", totals->visits, summary->human_visits, "visits");
        put_people_tile(html, summary, _("Page views"), "page_views", summary->page_views, summary->human_page_views,
                        "");
        put_people_tile(html, summary, _("Requests"), "hits", totals->hits, summary->human_hits, "");
        put_people_tile(html, summary, _("Visits of one page"), "bounces", summary->bounces, summary->human_bounces,
                        "bounces");
        begin_tile(html, _("Client addresses"));
        put_figure(html, summary, "hosts", summary->hosts, "hosts");
        html_markup(html, "</dd><dd>");
        html_words(html, "%s", _("different ones"));
        html_markup(html, "</dd></div>\n");
        begin_tile(html, _("Data sent"));
        html_markup(html, "<data id=\"bytes\" value=\"%" PRIu64 "\">%s</data></dd><dd>", totals->bytes,
                    bytes_text(totals->bytes, text));
        html_words(html, _("%s a request"), bytes_text(totals->hits ? totals->bytes / totals->hits : 0, text));
        html_markup(html, "</dd></div>\n");
        begin_tile(html, _("Errors"));
        put_figure(html, summary, "errors", totals->errors, "");
        html_markup(html, "</dd><dd>");
        html_words(html, _("%.1f %% of requests"), webpage_percent(totals->errors, totals->hits));
        html_markup(html, "</dd></div>\n</dl>\n<p class=\"legend\"><span class=\"people\">");
        html_words(html, "%s", _("people"));
        html_markup(html, "</span> <span class=\"bots\">");
        html_words(html, "%s", _("bots"));
        html_markup(html, "</span> ");
        html_words(html, "%s", _("in all plots and bars; large figures are people."));
        html_markup(html, "</p></section>\n");
}

/* ---------------------------------------------------------------- the page */

static void put_footer(struct html *html, const struct webpage *page)
{
        char made[CLOCK_TEXT_SIZE];

        time_words(page->made * 1000000, made);
        html_markup(html, "<footer><p>");
        html_words(html, _("Made by Understudy %s on %s (UTC) with:"), UNDERSTUDY_VERSION, made);
        html_markup(html, "</p><pre>");
        html_text(html, page->command, strlen(page->command));
        html_markup(html, "</pre></footer>\n");
}

static int put_body(const struct webpage *page, const struct summary *summary, struct html *html, struct error *err)
{
        struct series series;
        struct week week;
        int r = series_make(summary, &series, err);

        if (r < 0)
                return r;
        week_make(summary, &week);
        html_markup(html, "<body>\n");
        put_header(html, summary);
        html_markup(html, "<main>\n");
        put_warnings(html, page, summary);
        put_tiles(html, summary);
        if (summary->totals.hits) {
                webpage_series(html, &series);
                if (summary->hour_count > 24)
                        webpage_week(html, &week);
                webpage_lists(html, summary);
                webpage_answers(html, summary);
        }
        webpage_about(html, page, summary);
        html_markup(html, "</main>\n");
        put_footer(html, page);
        html_markup(html, "</body>\n</html>\n");
        series_done(&series);
        return 0;
}

int webpage_write(const struct webpage *page, const struct summary *summary, struct html *html, struct error *err)
{
        int r = put_head(html, summary, err);

        if (r == 0)
                r = put_body(page, summary, html, err);
        return r < 0 ? r : html_end(html, err);
}
