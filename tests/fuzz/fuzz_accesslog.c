/* Any bytes as access logs: nothing is read or written outside, every span lies within the line or the scratch, a line
 * is understood the same whichever format was met before. */
#include <stdlib.h>
#include <string.h>

#include "accesslog/beacon.h"
#include "accesslog/combined.h"
#include "accesslog/format.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char scratch[LOG_LINE_MAXIMUM], scratch_again[LOG_LINE_MAXIMUM];

static void check_span(struct span span, const char *line, size_t length)
{
        bool in_line = span.text >= line && span.text + span.length <= line + length;
        bool in_scratch = span.text >= scratch && span.text + span.length <= scratch + sizeof(scratch);

        if (span.length && !in_line && !in_scratch)
                abort();
}

static void check_line(const struct log_line *parsed, const char *line, size_t length)
{
        const struct span spans[] = { parsed->address_text, parsed->user,     parsed->request, parsed->query,
                                      parsed->protocol,     parsed->referrer, parsed->agent,   parsed->host,
                                      parsed->id,           parsed->etag,     parsed->range,   parsed->encoding,
                                      parsed->tag,          parsed->release,  parsed->event,   parsed->details };
        struct span rest = parsed->details, name, value;

        for (size_t i = 0; i < LENGTH(spans); i++)
                check_span(spans[i], line, length);
        if (!parsed->beacon) {
                check_span(parsed->method, line, length);
                check_span(parsed->path, line, length);
        } else if (parsed->path.length != 1) { /* "/" may be a constant, as its method is */
                check_span(parsed->path, line, length);
        }
        while (beacon_next(&rest, &name, &value)) {
                check_span(name, line, length);
                check_span(value, line, length);
        }
        if (parsed->status > 999)
                abort();
}

static bool is_same(struct span a, struct span b)
{
        return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

/* The shortcut for usual lines decides as the long way does. */
static void check_shortcut(const char *line, size_t length)
{
        struct log_line usual = { 0 }, any = { 0 };

        if (combined_parse(line, length, &usual) != combined_parse_any(line, length, &any) ||
            usual.status != any.status || usual.bytes != any.bytes || usual.time_us != any.time_us ||
            !is_same(usual.path, any.path) || !is_same(usual.query, any.query) || !is_same(usual.agent, any.agent) ||
            !is_same(usual.referrer, any.referrer) || !is_same(usual.method, any.method))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *cursor = (const char *)data, *line;
        struct log_format format = { 0 };
        struct log_line parsed, again;
        enum log_parsed result;
        size_t length;

        log_format_detect((const char *)data, size, &format);
        format = (struct log_format){ 0 };
        while (text_next_line(&cursor, (const char *)data + size, &line, &length)) {
                struct log_format other = format;

                if (length <= LOG_LINE_MAXIMUM)
                        check_shortcut(line, length);
                result = log_parse(&format, line, length, scratch, &parsed);

                if (result != LOG_OK)
                        continue;
                check_line(&parsed, line, length);
                other.kind = LOG_QUOTED;
                if (log_parse(&other, line, length, scratch_again, &again) != LOG_OK || again.status != parsed.status ||
                    again.time_us != parsed.time_us || !is_same(again.path, parsed.path) ||
                    !is_same(again.agent, parsed.agent))
                        abort();
        }
        return 0;
}
