/* webpage_lists.c - one table for each dimension of the summary, the first rows open, the others to be unfolded. */
#include <inttypes.h>
#include <string.h>

#include "analyze/webpage_private.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"

#define ROWS_OPEN 10

enum share { SHARE_NONE, SHARE_HITS, SHARE_VISITS };

struct list {
        enum dimension_kind kind;
        const char *title, *names; /* of the list, of its first column */
        enum share share;          /* of what a row is told in percent */
        bool visits_first;         /* hits are visits here */
        bool visitors, bytes;
};

struct part {
        const char *id, *title;
        const struct list *lists;
        size_t count;
};

static const struct list pages[] = {
        {DIMENSION_PAGES,      N_("Most requested pages"),            N_("Path"), SHARE_HITS,   false, true,  true },
        { DIMENSION_ENTRY,     N_("First page of visit"),             N_("Path"), SHARE_VISITS, true,  true,  false},
        { DIMENSION_EXIT,      N_("Last page of visit"),              N_("Path"), SHARE_VISITS, true,  true,  false},
        { DIMENSION_NOT_FOUND, N_("Not found (404 and 410)"),         N_("Path"), SHARE_NONE,   false, false, true },
        { DIMENSION_ASSETS,    N_("Pictures, style sheets, scripts"), N_("Path"), SHARE_HITS,   false, true,  true },
        { DIMENSION_GOALS,     N_("Goals"),                           N_("Goal"), SHARE_NONE,   false, true,  false},
        { DIMENSION_HOSTS,     N_("Virtual hosts"),                   N_("Host"), SHARE_HITS,   false, true,  true },
};

static const struct list sources[] = {
        {DIMENSION_REFERRERS,       N_("Came from"),           N_("Host"),                       SHARE_NONE, false, true, false},
        { DIMENSION_SEARCH,         N_("Search engines"),      N_("Name"),                       SHARE_NONE, false, true, false},
        { DIMENSION_REFERRER_PAGES, N_("Pages that led here"), N_("Address"),                    SHARE_NONE, false, true, false},
        { DIMENSION_CAMPAIGNS,      N_("Campaigns"),           N_("Campaign / source / medium"), SHARE_NONE, false, true, false},
};

static const struct list clients[] = {
        {DIMENSION_BROWSERS,   N_("Browsers"),  N_("Name"),    SHARE_HITS, false, true, false},
        { DIMENSION_SYSTEMS,   N_("Systems"),   N_("Name"),    SHARE_HITS, false, true, false},
        { DIMENSION_DEVICES,   N_("Devices"),   N_("Name"),    SHARE_HITS, false, true, false},
        { DIMENSION_COUNTRIES, N_("Countries"), N_("Country"), SHARE_HITS, false, true, false},
};

static const struct list robots[] = {
        {DIMENSION_BOTS, N_("Bots by name"), N_("Name"), SHARE_HITS, false, false, true},
};

static const struct list actions[] = {
        {DIMENSION_EVENTS,      N_("Events"),             N_("Name"),     SHARE_NONE, false, true, false},
        { DIMENSION_PROPERTIES, N_("Events in detail"),   N_("Property"), SHARE_NONE, false, true, false},
        { DIMENSION_OUTBOUND,   N_("Links that led out"), N_("Address"),  SHARE_NONE, false, true, false},
};

static const struct part parts[] = {
        {"pages",    N_("Pages"),                      pages,   LENGTH(pages)  },
        { "sources", N_("Where they came from"),       sources, LENGTH(sources)},
        { "clients", N_("Browsers, systems, devices"), clients, LENGTH(clients)},
};

/* ---------------------------------------------------------------- rows */

/* Some names are ours and not the log's. */
static const char *own_word(enum dimension_kind kind, const struct row *row)
{
        static const char *const words[] = {
                N_("other"), N_("desktop"),      N_("mobile"),  N_("tablet"),
                N_("bot"),   N_("text browser"), N_("console"), N_("unknown"),
        };

        if (kind != DIMENSION_BROWSERS && kind != DIMENSION_SYSTEMS && kind != DIMENSION_DEVICES &&
            kind != DIMENSION_BOTS && kind != DIMENSION_COUNTRIES)
                return NULL;
        for (size_t i = 0; i < LENGTH(words); i++)
                if (text_equal(row->name, words[i]))
                        return _(words[i]);
        return NULL;
}

static void put_name(struct html *html, enum dimension_kind kind, const struct row *row)
{
        const char *word = own_word(kind, row);

        if (word)
                html_words(html, "%s", word);
        else if (row->name_length)
                html_name(html, row->name, row->name_length);
        else
                html_markup(html, "\xe2\x80\x93");
}

static void put_row(struct html *html, const struct list *list, const struct summary *summary, const struct row *row)
{
        const struct figures *figures = &row->figures;
        uint64_t most = summary->dimensions[list->kind].rows[0].figures.hits;

        html_markup(html, "<tr><th scope=\"row\">");
        webpage_bar(html, figures->hits - figures->bot_hits, figures->bot_hits, most);
        put_name(html, list->kind, row);
        html_markup(html, "</th>");
        webpage_count_cell(html, figures->hits);
        if (list->share != SHARE_NONE)
                webpage_share_cell(html, figures->hits,
                                   list->share == SHARE_HITS ? summary->totals.hits : summary->totals.visits);
        if (list->visitors)
                webpage_count_cell(html, figures->visitors);
        if (dimension_has_visits(list->kind) && !list->visits_first)
                webpage_count_cell(html, figures->visits);
        if (list->bytes)
                webpage_bytes_cell(html, figures->bytes);
        html_markup(html, "</tr>\n");
}

static void put_titles(struct html *html, const struct list *list, bool visitors_approximate)
{
        const char *mark = visitors_approximate ? "\xe2\x89\x88 " : "";

        html_markup(html, "<thead><tr><th scope=\"col\">");
        html_words(html, "%s", _(list->names));
        html_markup(html, "</th><th scope=\"col\" class=\"number\">");
        html_words(html, "%s%s", list->visits_first ? mark : "", list->visits_first ? _("Visits") : _("Requests"));
        html_markup(html, "</th>");
        if (list->share != SHARE_NONE)
                webpage_column_title(html, _("Share"), true);
        if (list->visitors) {
                html_markup(html, "<th scope=\"col\" class=\"number\">");
                html_words(html, "%s%s", mark, _("Visitors"));
                html_markup(html, "</th>");
        }
        if (dimension_has_visits(list->kind) && !list->visits_first) {
                html_markup(html, "<th scope=\"col\" class=\"number\">");
                html_words(html, "%s%s", mark, _("Visits"));
                html_markup(html, "</th>");
        }
        if (list->bytes)
                webpage_column_title(html, _("Data sent"), false);
        html_markup(html, "</tr></thead>");
}

/* Paths and addresses, which want a line of their own where there is little room. */
static bool has_long_names(enum dimension_kind kind)
{
        switch (kind) {
        case DIMENSION_PAGES:
        case DIMENSION_ASSETS:
        case DIMENSION_NOT_FOUND:
        case DIMENSION_ENTRY:
        case DIMENSION_EXIT:
        case DIMENSION_REFERRER_PAGES:
        case DIMENSION_PROPERTIES:
        case DIMENSION_OUTBOUND:
        case DIMENSION_CAMPAIGNS: return true;
        default: return false;
        }
}

static void put_rows(struct html *html, const struct list *list, const struct summary *summary, size_t from, size_t to)
{
        html_markup(html, "<table class=\"list%s\" data-list=\"%s\"><caption>",
                    has_long_names(list->kind) ? " long" : "", dimension_name(list->kind));
        html_words(html, "%s", _(list->title));
        html_markup(html, "</caption>");
        put_titles(html, list, webpage_approximate(summary, "rows.visitors") != NULL);
        html_markup(html, "<tbody>\n");
        for (size_t i = from; i < to; i++)
                put_row(html, list, summary, &summary->dimensions[list->kind].rows[i]);
        html_markup(html, "</tbody></table>\n");
}

static void put_list(struct html *html, const struct list *list, const struct summary *summary)
{
        const struct dimension *dimension = &summary->dimensions[list->kind];
        size_t count = dimension->count < WEBPAGE_ROWS ? dimension->count : WEBPAGE_ROWS;
        size_t open = count <= ROWS_OPEN + 2 ? count : ROWS_OPEN;
        char text[COUNT_TEXT_SIZE], shown[COUNT_TEXT_SIZE];

        if (!count)
                return;
        html_markup(html, "<section class=\"card\" id=\"%s\"><h3>", dimension_name(list->kind));
        html_words(html, "%s", _(list->title));
        html_markup(html, "</h3>\n");
        put_rows(html, list, summary, 0, open);
        if (count > open) {
                html_markup(html, "<details><summary>");
                html_words(html, _("%s more"), count_text(count - open, text));
                html_markup(html, "</summary>");
                put_rows(html, list, summary, open, count);
                html_markup(html, "</details>\n");
        }
        if (dimension->total > count) {
                html_markup(html, "<p class=\"note\">");
                html_words(html,
                           count < WEBPAGE_ROWS ? _("The first %s of %s; --top N takes more.")
                                                : _("The first %s of %s; --json and --csv have all."),
                           count_text(count, shown), count_text(dimension->total, text));
                html_markup(html, "</p>");
        }
        html_markup(html, "</section>\n");
}

/* ---------------------------------------------------------------- parts */

static void begin_part(struct html *html, const char *id, const char *title)
{
        html_markup(html, "<section id=\"part-%s\"><h2>", id);
        html_words(html, "%s", title);
        html_markup(html, "</h2>\n<div class=\"cards\">\n");
}

static void put_funnel(struct html *html, const struct funnel_result *funnel)
{
        uint64_t most = funnel->count ? funnel->steps[0].visitors : 0;

        html_markup(html, "<section class=\"card\"><h3>");
        html_words(html, "%s", _("Goals one after the other"));
        html_markup(html, "</h3>\n<table class=\"list\" data-funnel><caption>");
        html_name(html, funnel->name, strlen(funnel->name));
        html_markup(html, "</caption><thead><tr><th scope=\"col\">");
        html_words(html, "%s", _("Goal"));
        html_markup(html, "</th>");
        webpage_column_title(html, _("Visitors"), false);
        webpage_column_title(html, _("Share"), true);
        html_markup(html, "</tr></thead><tbody>\n");
        for (size_t i = 0; i < funnel->count; i++) {
                const struct funnel_step *step = &funnel->steps[i];

                html_markup(html, "<tr><th scope=\"row\">");
                webpage_bar(html, step->human_visitors, step->visitors - step->human_visitors, most);
                html_name(html, step->goal, strlen(step->goal));
                html_markup(html, "</th>");
                webpage_count_cell(html, step->visitors);
                webpage_share_cell(html, step->visitors, most);
                html_markup(html, "</tr>\n");
        }
        html_markup(html, "</tbody></table></section>\n");
}

static void put_part(struct html *html, const struct part *part, const struct summary *summary)
{
        size_t rows = 0;

        for (size_t i = 0; i < part->count; i++)
                rows += summary->dimensions[part->lists[i].kind].count;
        begin_part(html, part->id, _(part->title));
        for (size_t i = 0; i < part->count; i++)
                put_list(html, &part->lists[i], summary);
        for (size_t i = 0; part->lists == pages && i < summary->funnel_count; i++)
                put_funnel(html, &summary->funnels[i]);
        if (!rows) {
                html_markup(html, "<p class=\"note\">");
                html_words(html, "%s", _("The log says nothing about this."));
                html_markup(html, "</p>");
        }
        html_markup(html, "</div></section>\n");
}

/* All, people and bots side by side. */
static void put_kinds(struct html *html, const struct summary *summary)
{
        const struct {
                const char *words;
                uint64_t all, people;
        } rows[] = {
                {_("Visitors"),            summary->totals.visitors, summary->human_visitors  },
                { _("Visits"),             summary->totals.visits,   summary->human_visits    },
                { _("Visits of one page"), summary->bounces,         summary->human_bounces   },
                { _("Page views"),         summary->page_views,      summary->human_page_views},
                { _("Requests"),           summary->totals.hits,     summary->human_hits      },
        };

        html_markup(html, "<section class=\"card\"><h3>");
        html_words(html, "%s", _("Bots beside people"));
        html_markup(html, "</h3>\n<table class=\"list\" id=\"kinds\"><caption>");
        html_words(html, "%s", _("Bots beside people"));
        html_markup(html, "</caption><thead><tr><td></td>");
        webpage_column_title(html, _("People"), false);
        webpage_column_title(html, _("Bots"), false);
        webpage_column_title(html, _("Bots' share"), true);
        html_markup(html, "</tr></thead><tbody>\n");
        for (size_t i = 0; i < LENGTH(rows); i++) {
                uint64_t bots = rows[i].all > rows[i].people ? rows[i].all - rows[i].people : 0;

                html_markup(html, "<tr><th scope=\"row\">");
                webpage_bar(html, rows[i].people, bots, rows[i].all);
                html_words(html, "%s", rows[i].words);
                html_markup(html, "</th>");
                webpage_count_cell(html, rows[i].people);
                webpage_count_cell(html, bots);
                webpage_share_cell(html, bots, rows[i].all);
                html_markup(html, "</tr>\n");
        }
        html_markup(html, "</tbody></table></section>\n");
}

/* Two figures side by side, and what is between them. */
static void put_pair(struct html *html, const char *words, uint64_t log, uint64_t beacon)
{
        html_markup(html, "<tr><th scope=\"row\">");
        html_words(html, "%s", words);
        html_markup(html, "</th>");
        webpage_count_cell(html, log);
        webpage_count_cell(html, beacon);
        html_markup(html, "</tr>\n");
}

/* The log beside the beacon. */
static void put_reconciled(struct html *html, const struct reconciled *reconciled)
{
        html_markup(html, "<section class=\"card\"><h3>");
        html_words(html, "%s", _("Log and beacon"));
        html_markup(html, "</h3>\n<table class=\"list long\" id=\"reconciled\"><caption>");
        html_words(html, "%s", _("The same page views of people, seen by both; never added"));
        html_markup(html, "</caption><thead><tr><td></td>");
        webpage_column_title(html, _("Log"), false);
        webpage_column_title(html, _("Beacon"), false);
        html_markup(html, "</tr></thead><tbody>\n");
        put_pair(html, _("All page views"), reconciled->log_views, reconciled->beacon_views);
        put_pair(html, _("Further ones without loading a page"), 0, reconciled->navigations);
        if (reconciled->matched)
                put_pair(html, _("Visitors whom the other has not"), reconciled->log_visitors,
                         reconciled->beacon_visitors);
        for (size_t i = 0; i < reconciled->page_count && i < ROWS_OPEN; i++) {
                const struct reconciled_page *page = &reconciled->pages[i];

                html_markup(html, "<tr><th scope=\"row\">");
                html_name(html, page->name, page->name_length);
                html_markup(html, "</th>");
                webpage_count_cell(html, page->log_views);
                webpage_count_cell(html, page->beacon_views);
                html_markup(html, "</tr>\n");
        }
        html_markup(html, "</tbody></table></section>\n");
}

static void put_vitals(struct html *html, const struct summary *beacon)
{
        for (unsigned int i = 0; i < LENGTH(beacon->vitals); i++) {
                char words[VITAL_WORDS_SIZE];

                if (!summary_vital_words(beacon, i, words))
                        continue;
                html_markup(html, "<p class=\"note\">");
                html_words(html, "%s", words);
                html_markup(html, "</p>\n");
        }
}

/* What only a beacon knows. */
static void put_beacon(struct html *html, const struct summary *summary)
{
        const struct summary *beacon = summary->beacon ? summary->beacon : summary;

        if (!beacon->from_beacon)
                return;
        begin_part(html, "beacon", _("In the browser"));
        if (summary->reconciled)
                put_reconciled(html, summary->reconciled);
        for (size_t i = 0; i < LENGTH(actions); i++)
                put_list(html, &actions[i], beacon);
        put_vitals(html, beacon);
        html_markup(html, "</div></section>\n");
}

void webpage_lists(struct html *html, const struct summary *summary)
{
        for (size_t i = 0; i < LENGTH(parts); i++)
                put_part(html, &parts[i], summary);
        put_beacon(html, summary);
        begin_part(html, "robots", _("Bots"));
        put_kinds(html, summary);
        for (size_t i = 0; i < LENGTH(robots); i++)
                put_list(html, &robots[i], summary);
        html_markup(html, "</div></section>\n");
}
