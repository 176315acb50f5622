/* format.c - which format a line has: the one of the lines before it, else whichever fits. */
#include "format.h"

#include "accesslog/combined.h"
#include "accesslog/json_line.h"
#include "accesslog/w3c.h"
#include "base/attributes.h"
#include "base/text.h"

#define SAMPLE_LINES 1000

static const char *const format_names[] = {
        [LOG_UNKNOWN] = "unknown",
        [LOG_COMMON] = "common",
        [LOG_COMBINED] = "combined",
        [LOG_VHOST_COMBINED] = "vhost_combined",
        [LOG_UNDERSTUDY_JSON] = "understudy",
        [LOG_CADDY_JSON] = "caddy",
        [LOG_TRAEFIK_JSON] = "traefik",
        [LOG_W3C] = "w3c",
        [LOG_QUOTED] = "quoted",
        [LOG_BEACON] = "beacon",
};

/* In the order in which they are tried. LOG_COMBINED stands for all its three, LOG_UNDERSTUDY_JSON for all JSON. */
static const enum log_format_kind tried[] = { LOG_COMBINED, LOG_UNDERSTUDY_JSON, LOG_QUOTED, LOG_W3C };

const char *log_format_name(enum log_format_kind kind)
{
        return format_names[kind];
}

/* A whole line in double quotes, inner ones doubled, as spreadsheets and databases export it. */
static bool parse_quoted(const char *line, size_t length, char *scratch, struct log_line *ret_line)
{
        size_t out = 0;

        if (length < 2 || line[0] != '"' || line[length - 1] != '"')
                return false;
        for (size_t i = 1; i < length - 1; i++) {
                if (line[i] == '"') {
                        if (line[i + 1] != '"' || i + 1 == length - 1)
                                return false;
                        i++;
                }
                scratch[out++] = line[i];
        }
        return combined_parse(scratch, out, ret_line) != LOG_UNKNOWN;
}

/* The kind as which the line was understood; LOG_UNKNOWN when it is not of this one. */
static enum log_format_kind parse_as(enum log_format_kind kind, const struct log_format *format, const char *line,
                                     size_t length, char *scratch, struct log_line *ret_line)
{
        switch (kind) {
        case LOG_COMMON:
        case LOG_COMBINED:
        case LOG_VHOST_COMBINED: return combined_parse(line, length, ret_line);
        case LOG_UNDERSTUDY_JSON:
        case LOG_CADDY_JSON:
        case LOG_TRAEFIK_JSON:
        case LOG_BEACON: return *line == '{' ? json_line_parse(line, length, scratch, ret_line) : LOG_UNKNOWN;
        case LOG_W3C: return w3c_parse(format, line, length, scratch, ret_line) ? LOG_W3C : LOG_UNKNOWN;
        case LOG_QUOTED: return parse_quoted(line, length, scratch, ret_line) ? LOG_QUOTED : LOG_UNKNOWN;
        default: return LOG_UNKNOWN;
        }
}

static bool is_blank(const char *line, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
                        return false;
        return true;
}

enum log_parsed log_parse(struct log_format *format, const char *line, size_t length, char *scratch,
                          struct log_line *ret_line)
{
        enum log_format_kind kind;

        if (length && line[length - 1] == '\r')
                length--;
        if (length > LOG_LINE_MAXIMUM) /* before anything else: the rest of the line may not be here */
                return LOG_INVALID;
        if (is_blank(line, length))
                return LOG_EMPTY;
        if (*line == '#') {
                w3c_directive(format, line, length);
                return LOG_DIRECTIVE;
        }
        kind = parse_as(format->kind, format, line, length, scratch, ret_line);
        for (size_t i = 0; i < LENGTH(tried) && kind == LOG_UNKNOWN; i++)
                if (tried[i] != format->kind)
                        kind = parse_as(tried[i], format, line, length, scratch, ret_line);
        if (kind == LOG_UNKNOWN)
                return LOG_INVALID;
        ret_line->format = (uint8_t)kind;
        if (format->kind == LOG_UNKNOWN)
                format->kind = kind;
        return LOG_OK;
}

void log_format_detect(const char *sample, size_t length, struct log_format *ret_format)
{
        static _Thread_local char scratch[LOG_LINE_MAXIMUM];
        unsigned int votes[LENGTH(format_names)] = { 0 };
        const char *cursor = sample, *line;
        struct log_format format = { 0 };
        struct log_line parsed;
        size_t line_length;

        for (int i = 0; i < SAMPLE_LINES && text_next_line(&cursor, sample + length, &line, &line_length); i++) {
                format.kind = LOG_UNKNOWN;
                if (log_parse(&format, line, line_length, scratch, &parsed) == LOG_OK)
                        votes[parsed.format]++;
        }
        format.kind = LOG_UNKNOWN;
        for (size_t kind = 1; kind < LENGTH(votes); kind++)
                if (votes[kind] > votes[format.kind])
                        format.kind = (enum log_format_kind)kind;
        *ret_format = format;
}
