/* webpage_about.c - what was read, what could not be, what is not exact, and what is meant by what. */
#include <inttypes.h>
#include <string.h>

#include "analyze/webpage_private.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"

#define FILES_OPEN 8

static void begin_card(struct html *html, const char *id, const char *title)
{
        html_markup(html, "<section class=\"card\" id=\"%s\"><h3>", id);
        html_words(html, "%s", title);
        html_markup(html, "</h3>\n");
}

/* ---------------------------------------------------------------- what was read */

static void put_count(struct html *html, const char *words, const char *key, uint64_t number)
{
        char text[COUNT_TEXT_SIZE];

        html_markup(html, "<div><dt>");
        html_words(html, "%s", words);
        html_markup(html, "</dt><dd><data id=\"%s\" value=\"%" PRIu64 "\">%s</data></dd></div>\n", key, number,
                    count_text(number, text));
}

static void put_texts(struct html *html, const char *words, const char *const *texts, size_t count)
{
        char text[COUNT_TEXT_SIZE];

        html_markup(html, "<div><dt>");
        html_words(html, "%s", words);
        html_markup(html, "</dt><dd>");
        for (size_t i = 0; i < count; i++) {
                if (i == FILES_OPEN && count > FILES_OPEN + 1) {
                        html_markup(html, "<details><summary>");
                        html_words(html, _("%s more"), count_text(count - i, text));
                        html_markup(html, "</summary>");
                }
                html_name(html, texts[i], strlen(texts[i]));
                html_markup(html, "<br>");
        }
        html_markup(html, "%s</dd></div>\n", count > FILES_OPEN + 1 ? "</details>" : "");
}

static void put_read(struct html *html, const struct webpage *page, const struct summary *summary)
{
        begin_card(html, "read", _("What was read"));
        html_markup(html, "<dl class=\"facts\">\n");
        put_texts(html, _("Logs"), page->files, page->file_count);
        put_texts(html, _("Formats"), summary->formats, summary->format_count);
        put_count(html, _("Lines"), "lines", summary->lines);
        put_count(html, _("that fit no format"), "invalid", summary->invalid);
        put_count(html, _("blank, or comments"), "empty", summary->empty);
        put_count(html, _("outside of the time asked for"), "outside", summary->outside);
        if (summary->own_host_count)
                put_texts(html,
                          summary->own_hosts_guessed ? _("The site itself (a guess; --own says it)")
                                                     : _("The site itself"),
                          summary->own_hosts, summary->own_host_count);
        html_markup(html, "</dl>");
        if (page->without_bots) {
                html_markup(html, "<p>");
                html_words(html, "%s", _("Bots were left out of all figures but their own (--without-bots)."));
                html_markup(html, "</p>");
        }
        html_markup(html, "</section>\n");
}

static void put_samples(struct html *html, const struct summary *summary)
{
        if (!summary->sample_count)
                return;
        begin_card(html, "samples", _("Lines that fit no format"));
        html_markup(html, "<p>");
        html_words(html, "%s",
                   _("The first of them, each up to 200 bytes, as they were logged; they may hold addresses of "
                     "visitors."));
        html_markup(html, "</p>\n<ol class=\"lines\">");
        for (size_t i = 0; i < summary->sample_count; i++) {
                const struct invalid_sample *sample = &summary->samples[i];
                _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(4096);

                html_markup(html, "<li><small>");
                html_text(html, sample->file, strlen(sample->file));
                html_markup(html, "</small><code>");
                /* The sample is escaped already; its bytes show themselves again here. */
                if (text_unescape(&line, sample->line, strlen(sample->line)) == 0)
                        html_text(html, buffer_text(&line), line.length);
                html_markup(html, "</code></li>\n");
        }
        html_markup(html, "</ol></section>\n");
}

/* ---------------------------------------------------------------- what is not exact */

static const char *figure_words(const char *figure)
{
        static const struct {
                const char *figure, *words;
        } known[] = {
                {"visitors",       N_("visitors")          },
                { "hosts",         N_("client addresses")  },
                { "visits",        N_("visits")            },
                { "bounces",       N_("visits of one page")},
                { "visit_seconds", N_("length of visits")  },
                { "pages",         N_("names in lists")    },
                { "rows.visitors", N_("visitors of a row") },
                { "rows.visits",   N_("visits of a row")   },
                { "entry_pages",   N_("first pages")       },
                { "exit_pages",    N_("last pages")        },
                { "durations",     N_("response times")    },
                { "web_vitals",    N_("web vitals")        },
        };

        for (size_t i = 0; i < LENGTH(known); i++)
                if (text_equal(figure, known[i].figure))
                        return _(known[i].words);
        return figure;
}

static void put_exactness(struct html *html, const struct summary *summary)
{
        begin_card(html, "exact", _("How exact it is"));
        html_markup(html, "<p>");
        if (!summary->approximate_count)
                html_words(html, "%s", _("Every figure on this page is exact: counted one by one, nothing estimated."));
        else
                html_words(html, "%s", _("Every figure is exact but these (the error is one standard deviation):"));
        html_markup(html, "</p>\n");
        if (summary->approximate_count) {
                html_markup(html, "<ul id=\"approximate\">");
                for (size_t i = 0; i < summary->approximate_count; i++) {
                        const struct approximate *one = &summary->approximate[i];

                        html_markup(html, "<li data-figure=\"%s\"><strong>", one->figure);
                        html_words(html, "%s", figure_words(one->figure));
                        html_markup(html, "</strong> ");
                        html_words(html, _("within %.2f %%"), one->error * 100);
                        html_markup(html, "<br><small>");
                        html_words(html, "%s", _(one->reason));
                        html_markup(html, "</small></li>\n");
                }
                html_markup(html, "</ul>");
        }
        html_markup(html, "</section>\n");
}

/* ---------------------------------------------------------------- what is meant */

static void put_meaning(struct html *html)
{
        static const struct {
                const char *word, *meaning;
        } words[] = {
                {N_("Visitor"),
                 N_("a client address with one browser on one day (UTC) that got an answer other than 4xx. The "
                     "same person on three days is three visitors.")                                                     },
                { N_("Visit"),
                 N_("requests of a visitor that lie at most 30 minutes from the next; it ends with the day.")            },
                { N_("Page view"), N_("a GET or POST of a page that was answered with 2xx or 304.")                      },
                { N_("Page"),      N_("every path but those that end as pictures, style sheets, scripts, fonts, sound and "
                                 "video do; what stands behind a ? does not count. Paths that nobody ever got are left "
                                 "out of the list.")                                        },
                { N_("Bot"),       N_("who says so in the user agent; bots that pretend to be browsers count as people.")},
                { N_("Came from"), N_("the host of the Referer of requests for pages, without the site itself.")         },
                { N_("Error"),     N_("an answer with status 4xx or 5xx.")                                               },
        };

        begin_card(html, "meaning", _("What the words mean"));
        html_markup(html, "<dl class=\"meaning\">\n");
        for (size_t i = 0; i < LENGTH(words); i++) {
                html_markup(html, "<dt>");
                html_words(html, "%s", _(words[i].word));
                html_markup(html, "</dt><dd>");
                html_words(html, "%s", _(words[i].meaning));
                html_markup(html, "</dd>\n");
        }
        html_markup(html, "</dl><p class=\"note\">");
        html_words(html, "%s", _("All times are UTC. Addresses are only counted: none was stored."));
        html_markup(html, "</p></section>\n");
}

void webpage_about(struct html *html, const struct webpage *page, const struct summary *summary)
{
        html_markup(html, "<section id=\"part-about\"><h2>");
        html_words(html, "%s", _("How it counts"));
        html_markup(html, "</h2>\n<div class=\"cards\">\n");
        put_meaning(html);
        put_read(html, page, summary);
        put_exactness(html, summary);
        put_samples(html, summary);
        html_markup(html, "</div></section>\n");
}
