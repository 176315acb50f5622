/*
 * html.h - writing HTML: the one place where text from outside becomes part of a page.
 *
 * Three ways in, told apart by name: html_markup() takes markup that stands in the source, and numbers; html_words()
 * takes sentences, whatever is put into them; html_text() and html_name() take bytes that strangers sent. The last
 * three escape & < > " ', so that their output can stand between tags and in a quoted attribute, and nowhere else: a
 * page of ours has no script and no style that text could get into.
 *
 * What fails (memory, the page's maximum) is kept; nothing is written any more, and html_end() says so.
 *
 *     struct html html = HTML_INIT(64U << 20);
 *     html_markup(&html, "<p title=\"");
 *     html_text(&html, agent, length);
 *     html_markup(&html, "\">");
 *     html_words(&html, "%s requests", count_text(hits, text));
 *     r = html_end(&html, &error);
 */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include <stddef.h>

#include "attributes.h"
#include "buffer.h"
#include "error.h"

struct html {
        struct buffer text;
        int code; /* 0, or the negative errno of what failed first */
};

#define HTML_INIT(maximum_bytes)                                                                                       \
        {                                                                                                              \
                BUFFER_INIT(maximum_bytes), 0                                                                          \
        }

void html_done(struct html *html);

/* 0 when all was written; else words about the page that is too large (-E2BIG) or the memory. */
int html_end(const struct html *html, struct error *err);

/* Markup as it is. `format` is a literal, and no %s of it is text that was not made by us. */
void html_markup(struct html *html, const char *format, ...) _printf_(2, 3);

/* A sentence, escaped as a whole. */
void html_words(struct html *html, const char *format, ...) _printf_(2, 3);

/* Bytes of any kind: markup escaped; control characters, bytes that are not UTF-8 and the backslash as \ooo (as
 * text_escape()), and so is what nobody sees but what changes the text around it (bidi controls, zero width). */
void html_text(struct html *html, const char *text, size_t length);

/*
 * The same for a name in a list: isolated, so that its direction stays its own; a long one with its middle left out and
 * the whole name (of a very long one the first 2,000 bytes) in the title.
 */
void html_name(struct html *html, const char *name, size_t length);

#endif
