/*
 * pages.h - which pages of a site include a path: what stands in the src= and href= of their HTML.
 *
 * A simple scan, which takes too many rather than too few: comments and scripts are looked at like everything else. It
 * does not see what a script or a style sheet loads; name such pages by hand.
 */
#ifndef INCIDENT_PAGES_H
#define INCIDENT_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PAGES_FILE_MAXIMUM (16U << 20) /* larger files are no pages */
#define PAGES_DEPTH        64

/* Pure. Whether the HTML, as served at `page` ("/docs/a.html"), includes `path` ("/js/app.js"). */
bool pages_include(const char *html, size_t length, const char *page, const char *path);

/* Calls back with the path of each .html, .htm, .xhtml and .php file below `folder` that includes `path`. */
int pages_find(const char *folder, const char *path, int (*each)(void *context, const char *page, struct error *err),
               void *context, struct error *err);

#endif
