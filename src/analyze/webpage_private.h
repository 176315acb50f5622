/* webpage_private.h - the parts of the page, for webpage*.c alone. */
#ifndef ANALYZE_WEBPAGE_PRIVATE_H
#define ANALYZE_WEBPAGE_PRIVATE_H

#include "analyze/series.h"
#include "analyze/webpage.h"

/* data/webpage.css; webpage_style.c is made of it by the build. */
extern const char webpage_style[];

/* Plots of what happened when, and the same as a table. */
void webpage_series(struct html *html, const struct series *series);

/* The hours of the week. */
void webpage_week(struct html *html, const struct week *week);

/* The lists: pages, where people came from, what they used, bots, virtual hosts and goals. Sections without a row are
 * left out. */
void webpage_lists(struct html *html, const struct summary *summary);

/* Statuses, methods, response times. */
void webpage_answers(struct html *html, const struct summary *summary);

/* What was read, what could not be, what is not exact, and what is meant by what. */
void webpage_about(struct html *html, const struct webpage *page, const struct summary *summary);

/* ---------------------------------------------------------------- small things that all parts write */

/* "<td>1,234</td>" */
void webpage_count_cell(struct html *html, uint64_t number);

/* "<td>2.7 GB</td>", the bytes in its title. */
void webpage_bytes_cell(struct html *html, uint64_t bytes);

/* "<td>12.3 %</td>" that may be left out where there is no room. */
void webpage_share_cell(struct html *html, uint64_t part, uint64_t whole);

/* "<th>Words</th>" of a column of numbers; `spare`: of shares. */
void webpage_column_title(struct html *html, const char *words, bool spare);

/* A bar behind a name: `first` and behind it `second`, of `most`. */
void webpage_bar(struct html *html, uint64_t first, uint64_t second, uint64_t most);

/* "10.4", in percent of `whole`. */
double webpage_percent(uint64_t part, uint64_t whole);

/* How far this figure may be off ("visitors", "rows.visits"), NULL when it is exact. */
const struct approximate *webpage_approximate(const struct summary *summary, const char *figure);

#endif
