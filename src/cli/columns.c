/* columns.c - text in columns. */
#include "columns.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* Columns of a character: two for those of East Asia, none for marks that combine. Enough for names in a list. */
static unsigned int width_of(const char *text, size_t length)
{
        const unsigned char *p = (const unsigned char *)text;
        uint32_t point;

        if (length == 1)
                return 1;
        if (length == 2) {
                point = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
                return point >= 0x300 && point <= 0x36f ? 0 : 1;
        }
        if (length == 4)
                return 2;
        point = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        return (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
                               (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
                               (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) ||
                               (point >= 0xffe0 && point <= 0xffe6)
                       ? 2
                       : 1;
}

static unsigned int width_of_all(const char *text)
{
        unsigned int width = 0;

        while (*text) {
                size_t length = text_utf8_length(text, strlen(text));

                width += width_of(text, length ? length : 1);
                text += length ? length : 1;
        }
        return width;
}

void print_padded(FILE *out, const char *text, unsigned int columns)
{
        unsigned int whole = width_of_all(text), used = 0;
        unsigned int room = whole > columns ? columns - 1 : columns;

        while (*text) {
                size_t length = text_utf8_length(text, strnlen(text, 4));
                unsigned int width = width_of(text, length ? length : 1);

                if (used + width > room)
                        break;
                fwrite(text, 1, length ? length : 1, out);
                text += length ? length : 1;
                used += width;
        }
        if (*text) {
                fputc('~', out);
                used++;
        }
        while (used++ < columns)
                fputc(' ', out);
}

void print_right(FILE *out, const char *text, unsigned int columns)
{
        unsigned int whole = width_of_all(text);

        fprintf(out, "%*s%s", whole < columns ? (int)(columns - whole) : 0, "", text);
}
