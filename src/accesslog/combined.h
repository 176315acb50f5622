/*
 * combined.h - the common and combined formats of Apache and nginx (private to accesslog; see format.h).
 */
#ifndef ACCESSLOG_COMBINED_H
#define ACCESSLOG_COMBINED_H

#include "accesslog/format.h"

/*
 * LOG_COMMON, LOG_COMBINED or LOG_VHOST_COMBINED, as the line itself says; LOG_UNKNOWN when it is none of them. Exact
 * on hostile lines: the quoted fields of a line are whatever a client sent. Apache writes \" for a quote and nginx
 * \x22; older servers and many tools write it bare, so a quote ends a field only where what follows fits the format.
 */
enum log_format_kind combined_parse(const char *line, size_t length, struct log_line *ret_line);

/* The same without the shortcut for the lines that nobody meddled with: for tests. `ret_line` is zeroed. */
enum log_format_kind combined_parse_any(const char *line, size_t length, struct log_line *ret_line);

#endif
