/* Any bytes as text, as a name and in a sentence of a page: what comes out is valid UTF-8 without a control character,
 * and no letter of it can end an attribute or begin markup. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/html.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct html *html)
{
        const char *text = buffer_text(&html->text);
        size_t length = html->text.length;

        for (size_t at = 0; at < length;) {
                size_t n = text_utf8_length(text + at, length - at);

                if (n == 0 || strchr("<>\"'", text[at]) || (n == 1 && (unsigned char)text[at] < 0x20))
                        abort();
                at += n;
        }
}

/* Around a name stand tags of ours, one pair or two, and perhaps one attribute; nothing else is markup. */
static void check_name(const struct html *html)
{
        const char *text = buffer_text(&html->text);
        size_t opened = 0, quotes = 0;

        for (const char *at = text; *at; at++) {
                if (*at == '<' && strncmp(at, "<bdi", 4) != 0 && strncmp(at, "</bdi>", 6) != 0 &&
                    strncmp(at, "<b>", 3) != 0 && strncmp(at, "</b>", 4) != 0)
                        abort();
                opened += *at == '<';
                quotes += *at == '"';
        }
        if (!(opened == 2 && quotes == 0) && !(opened == 4 && quotes == 2))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data;
        struct html html = HTML_INIT(1U << 20);

        html_text(&html, text, size);
        if (html_end(&html, NULL) == 0)
                check(&html);
        html_done(&html);

        html = (struct html)HTML_INIT(1U << 20);
        html_name(&html, text, size);
        if (html_end(&html, NULL) == 0)
                check_name(&html);
        html_done(&html);
        return 0;
}
