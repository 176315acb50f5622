/* html.c - escaping. */
#include "html.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "i18n.h"
#include "text.h"

#define NAME_CHARACTERS 96 /* of a name, at most: */
#define NAME_HEAD       64 /* so many of its beginning */
#define NAME_TAIL       24 /* and so many of its end */
#define TITLE_BYTES     2000

void html_done(struct html *html)
{
        buffer_done(&html->text);
}

int html_end(const struct html *html, struct error *err)
{
        if (html->code == -E2BIG)
                return error_set(err, -E2BIG, _("the page would be larger than %zu MB"), html->text.maximum >> 20);
        return html->code ? error_memory(err) : 0;
}

static void keep(struct html *html, int code)
{
        if (html->code == 0)
                html->code = code;
}

static void append(struct html *html, const char *bytes, size_t length)
{
        if (html->code == 0)
                keep(html, buffer_append(&html->text, bytes, length));
}

static int print(struct buffer *buffer, const char *format, va_list arguments)
{
        va_list again;
        int length, r;

        va_copy(again, arguments);
        length = vsnprintf(NULL, 0, format, again);
        va_end(again);
        if (length < 0)
                return -EINVAL;
        r = buffer_reserve(buffer, (size_t)length);
        if (r < 0)
                return r;
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
        buffer->length += (size_t)length;
        return 0;
}

void html_markup(struct html *html, const char *format, ...)
{
        va_list arguments;

        if (html->code)
                return;
        va_start(arguments, format);
        keep(html, print(&html->text, format, arguments));
        va_end(arguments);
}

/* ---------------------------------------------------------------- escaping */

/* UTF-8 in which nothing is left that does not show itself. */
static void append_escaped(struct html *html, const char *text, size_t length)
{
        size_t done = 0;

        for (size_t i = 0; i < length; i++) {
                const char *entity = NULL;

                switch (text[i]) {
                case '&': entity = "&amp;"; break;
                case '<': entity = "&lt;"; break;
                case '>': entity = "&gt;"; break;
                case '"': entity = "&quot;"; break;
                case '\'': entity = "&#39;"; break;
                default: continue;
                }
                append(html, text + done, i - done);
                append(html, entity, strlen(entity));
                done = i + 1;
        }
        append(html, text + done, length - done);
}

void html_words(struct html *html, const char *format, ...)
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(html->text.maximum);
        va_list arguments;

        if (html->code)
                return;
        va_start(arguments, format);
        keep(html, print(&words, format, arguments));
        va_end(arguments);
        append_escaped(html, buffer_text(&words), words.length);
}

void html_text(struct html *html, const char *text, size_t length)
{
        _cleanup_(buffer_done) struct buffer plain = BUFFER_INIT(html->text.maximum);

        if (html->code)
                return;
        keep(html, text_escape(&plain, text, length));
        append_escaped(html, buffer_text(&plain), plain.length);
}

/* ---------------------------------------------------------------- names */

/* Where the character with this number begins; the length when there are fewer. The text is UTF-8. */
static size_t offset_of(const char *text, size_t length, size_t character)
{
        size_t at = 0;

        while (at < length && character-- > 0)
                at += text_utf8_length(text + at, length - at);
        return at;
}

static size_t characters_of(const char *text, size_t length)
{
        size_t count = 0;

        for (size_t at = 0; at < length; count++)
                at += text_utf8_length(text + at, length - at);
        return count;
}

static void put_title(struct html *html, const char *text, size_t length)
{
        size_t cut = length;

        if (length > TITLE_BYTES) /* back to where a character begins */
                for (cut = TITLE_BYTES; cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80; cut--)
                        ;
        append_escaped(html, text, cut);
        if (cut < length)
                html_words(html, _("... (%zu bytes)"), length);
}

void html_name(struct html *html, const char *name, size_t length)
{
        _cleanup_(buffer_done) struct buffer plain = BUFFER_INIT(html->text.maximum);
        const char *text;
        size_t count;

        if (html->code)
                return;
        keep(html, text_escape(&plain, name, length));
        text = buffer_text(&plain);
        count = characters_of(text, plain.length);
        if (count <= NAME_CHARACTERS) {
                html_markup(html, "<bdi>");
                append_escaped(html, text, plain.length);
        } else {
                size_t head = offset_of(text, plain.length, NAME_HEAD);
                size_t tail = offset_of(text, plain.length, count - NAME_TAIL);

                html_markup(html, "<bdi title=\"");
                put_title(html, text, plain.length);
                html_markup(html, "\">");
                append_escaped(html, text, head);
                html_markup(html, "<b>\xe2\x80\xa6</b>");
                append_escaped(html, text + tail, plain.length - tail);
        }
        html_markup(html, "</bdi>");
}
