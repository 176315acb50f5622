/*
 * json_line.h - access logs in JSON: the project's own nginx log_format and its beacon's, Caddy's, Traefik's (private
 * to accesslog; see format.h).
 */
#ifndef ACCESSLOG_JSON_LINE_H
#define ACCESSLOG_JSON_LINE_H

#include "accesslog/format.h"

/* LOG_BEACON, LOG_UNDERSTUDY_JSON, LOG_CADDY_JSON or LOG_TRAEFIK_JSON by the keys that are there, LOG_UNKNOWN when it
 * is no line of these. */
enum log_format_kind json_line_parse(const char *line, size_t length, char *scratch, struct log_line *ret_line);

#endif
