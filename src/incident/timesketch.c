/* timesketch.c - the line, put together by hand. */
#include "incident/timesketch.h"

#include <string.h>

#include "base/text.h"
#include "journal/record.h"

/* A text as a string of JSON, without its quotes: escaped as text_escape(), then nothing but these two is left to do.
 */
static int put_text(struct buffer *out, const char *text, size_t length)
{
        size_t at = out->length, added, quotes = 0;
        int r = text_escape(out, text, length);

        for (size_t i = at; r == 0 && i < out->length; i++)
                quotes += out->data[i] == '"' || out->data[i] == '\\';
        if (r < 0 || !quotes)
                return r;
        added = out->length - at;
        r = buffer_reserve(out, quotes);
        if (r < 0)
                return r;
        out->length += quotes;
        out->data[out->length] = '\0';
        for (size_t from = at + added, to = out->length; to > from;) { /* from behind, in place */
                char c = out->data[--from];

                out->data[--to] = c;
                if (c == '"' || c == '\\')
                        out->data[--to] = '\\';
        }
        return 0;
}

static int put_member(const struct timeline *timeline, struct buffer *out, const char *name, uint32_t number)
{
        size_t length;
        const char *text = intern_text(&timeline->texts, number, &length);
        int r = buffer_append_text(out, name);

        return r < 0 ? r : put_text(out, text, length);
}

int timesketch_write(const struct timeline *timeline, const struct timeline_event *event, struct buffer *out)
{
        const char *source = trace_source_name(event->source), *act = trace_act_name(event->act);
        const char *file = timeline->files[event->file].path;
        char when[RECORD_TIME_SIZE];
        int r;

        record_format_time(event->time_us, when);
        r = buffer_printf(out, "{\"message\":\"%s %s: ", source, act);
        if (r == 0)
                r = put_member(timeline, out, "", event->account);
        if (r == 0)
                r = put_member(timeline, out, " ", event->path);
        if (r == 0)
                r = buffer_printf(out,
                                  "\",\"datetime\":\"%s\",\"timestamp_desc\":\"%s\",\"source\":\"%s\",\"act\":\"%s\"",
                                  when, act, source, act);
        if (r == 0)
                r = put_member(timeline, out, ",\"server\":\"", event->server);
        if (r == 0)
                r = put_member(timeline, out, "\",\"account\":\"", event->account);
        if (r == 0)
                r = put_member(timeline, out, "\",\"address\":\"", event->address);
        if (r == 0)
                r = put_member(timeline, out, "\",\"path\":\"", event->path);
        if (r == 0)
                r = buffer_append_text(out, "\",\"file\":\"");
        if (r == 0)
                r = put_text(out, file, strlen(file));
        return r < 0 ? r : buffer_printf(out, "\",\"line\":%u}\n", event->line);
}
