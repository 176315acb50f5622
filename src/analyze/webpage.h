/*
 * webpage.h - a summary as one HTML page that stands by itself: no script, nothing that is fetched, plots as inline
 * SVG.
 *
 * It works from a file, from a mail and behind a web server, in light and dark, from 360 pixels on and on paper. Its
 * Content-Security-Policy allows the one style sheet that is in it, by its hash, and nothing else. Every figure of the
 * summary that it shows stands in it as text, the largest ones with the key of --json as their id.
 *
 *     struct html html = HTML_INIT(WEBPAGE_MAXIMUM);
 *     r = webpage_write(&page, &summary, &html, &error);
 */
#ifndef ANALYZE_WEBPAGE_H
#define ANALYZE_WEBPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/summary.h"
#include "base/error.h"
#include "base/html.h"

#define WEBPAGE_MAXIMUM (64U << 20) /* a browser has no joy with more */
#define WEBPAGE_ROWS    1000        /* of a list; a summary may have more of them */

/* What a page tells besides the summary. */
struct webpage {
        const char *const *files; /* as they were named */
        size_t file_count;
        const char *command; /* as it was typed */
        int64_t made;        /* when; seconds since 1970 */
        const char *damage;  /* why not all could be read; NULL: all was */
        bool without_bots;   /* they were left out of the figures */
};

/* -E2BIG when the page would be larger than the maximum of `html`. */
int webpage_write(const struct webpage *page, const struct summary *summary, struct html *html, struct error *err);

#endif
