/*
 * format.h - which format a log has, and parsing its lines.
 *
 * Recognised without configuration: common, combined, vhost_combined (Debian's other_vhosts_access.log), the project's
 * own JSON log_format and its beacon's, Caddy's and Traefik's JSON, IIS/W3C extended (its #Fields line travels in the
 * format), and quoted-line exports (each line in double quotes, inner quotes doubled). A format is chosen by trying
 * them on a sample; the one that fits most lines wins; a file may change its format in the middle (a new #Fields line,
 * an operator's edit): lines that don't fit are tried with the others before they are invalid.
 *
 *     struct log_format format;
 *     log_format_detect(sample, length, &format);
 *     if (log_parse(&format, line, length, &parsed)) ...
 */
#ifndef ACCESSLOG_FORMAT_H
#define ACCESSLOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "accesslog/line.h"

enum log_format_kind {
        LOG_UNKNOWN,
        LOG_COMMON,
        LOG_COMBINED,
        LOG_VHOST_COMBINED,
        LOG_UNDERSTUDY_JSON,
        LOG_CADDY_JSON,
        LOG_TRAEFIK_JSON,
        LOG_W3C,
        LOG_QUOTED, /* combined inside of quotes */
        LOG_BEACON, /* what data/nginx-beacon-http.conf logs: see beacon.h */
        LOG_FORMATS
};

#define LOG_W3C_FIELDS_MAXIMUM 64

struct log_format {
        enum log_format_kind kind;
        uint8_t w3c_fields[LOG_W3C_FIELDS_MAXIMUM]; /* private to w3c.c */
        unsigned int w3c_count;
};

const char *log_format_name(enum log_format_kind kind); /* "combined", ...: never translated */

/* Chooses by up to 1,000 lines of the sample; LOG_UNKNOWN when not one line fits anything. */
void log_format_detect(const char *sample, size_t length, struct log_format *ret_format);

enum log_parsed {
        LOG_INVALID = 0, /* fits no format */
        LOG_OK = 1,
        LOG_DIRECTIVE = 2, /* a comment or a #Fields line: not a hit, not invalid; `format` may have changed */
        LOG_EMPTY = 3,     /* nothing but white space */
};

/*
 * Parses one line (without its newline; a CR at the end is fine). Tries format->kind first, then the others. The spans
 * point into `line`, but for JSON strings with escapes and doubled quotes, which are decoded into `scratch`
 * (LOG_LINE_MAXIMUM bytes, the caller's, valid until its next call).
 */
enum log_parsed log_parse(struct log_format *format, const char *line, size_t length, char *scratch,
                          struct log_line *ret_line);

#endif
