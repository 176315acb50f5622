#include "text.h"

#include <errno.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int text_parse_u64(const char *text, size_t length, uint64_t maximum, uint64_t *ret_value)
{
        uint64_t value = 0;

        if (length == 0 || (length > 1 && text[0] == '0'))
                return -EINVAL;
        for (size_t i = 0; i < length; i++) {
                unsigned int digit = (unsigned int)(unsigned char)text[i] - '0';

                if (digit > 9)
                        return -EINVAL;
                if (value > (UINT64_MAX - digit) / 10)
                        return -ERANGE;
                value = value * 10 + digit;
        }
        if (value > maximum)
                return -ERANGE;
        *ret_value = value;
        return 0;
}

int text_parse_octal(const char *text, size_t length, uint64_t maximum, uint64_t *ret_value)
{
        uint64_t value = 0;

        if (length == 0)
                return -EINVAL;
        for (size_t i = 0; i < length; i++) {
                unsigned int digit = (unsigned int)(unsigned char)text[i] - '0';

                if (digit > 7)
                        return -EINVAL;
                if (value > (UINT64_MAX >> 3))
                        return -ERANGE;
                value = value << 3 | digit;
        }
        if (value > maximum)
                return -ERANGE;
        *ret_value = value;
        return 0;
}

void text_hex(const void *bytes, size_t length, char *hex)
{
        const unsigned char *p = bytes;

        for (size_t i = 0; i < length; i++) {
                hex[2 * i] = hex_digits[p[i] >> 4];
                hex[2 * i + 1] = hex_digits[p[i] & 15];
        }
        hex[2 * length] = '\0';
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -1;
}

int text_unhex(const char *hex, size_t hex_length, void *bytes, size_t length)
{
        unsigned char *p = bytes;

        if (hex_length != 2 * length)
                return -EINVAL;
        for (size_t i = 0; i < length; i++) {
                int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EINVAL;
                p[i] = (unsigned char)(high << 4 | low);
        }
        return 0;
}

int text_base64(struct buffer *buffer, const void *bytes, size_t length)
{
        const unsigned char *p = bytes;

        for (size_t i = 0; i < length; i += 3) {
                size_t n = length - i < 3 ? length - i : 3;
                uint32_t group = (uint32_t)p[i] << 16;
                char out[4];
                int r;

                if (n > 1)
                        group |= (uint32_t)p[i + 1] << 8;
                if (n > 2)
                        group |= p[i + 2];
                for (size_t k = 0; k < 4; k++)
                        out[k] = k <= n ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
                r = buffer_append(buffer, out, 4);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int base64_value(char c)
{
        const char *found = c ? strchr(base64_digits, c) : NULL;

        return found ? (int)(found - base64_digits) : -1;
}

int text_unbase64(const char *text, size_t length, void *bytes, size_t maximum, size_t *ret_length)
{
        unsigned char *out = bytes;
        size_t done = 0;

        if (length % 4)
                return -EINVAL;
        for (size_t i = 0; i < length; i += 4) {
                size_t padding = 0;
                uint32_t group = 0;

                if (i + 4 == length)
                        padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
                for (size_t k = 0; k < 4; k++) {
                        int value = k < 4 - padding ? base64_value(text[i + k]) : 0;

                        if (value < 0)
                                return -EINVAL;
                        group = group << 6 | (uint32_t)value;
                }
                if (padding && (group & (padding == 1 ? 0xffU : 0xffffU)))
                        return -EINVAL;
                for (size_t k = 0; k < 3 - padding; k++) {
                        if (done == maximum)
                                return -E2BIG;
                        out[done++] = (unsigned char)(group >> (16 - 8 * k));
                }
        }
        *ret_length = done;
        return 0;
}

size_t text_utf8_length(const char *text, size_t length)
{
        const unsigned char *p = (const unsigned char *)text;
        size_t n;

        if (length == 0)
                return 0;
        if (p[0] < 0x80)
                return 1;
        if (p[0] < 0xc2 || p[0] > 0xf4)
                return 0;
        n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
        if (length < n)
                return 0;
        for (size_t i = 1; i < n; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) /* overlong, surrogates */
                return 0;
        if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) /* overlong, above U+10FFFF */
                return 0;
        return n;
}

static bool is_control(const char *text, size_t n)
{
        const unsigned char *p = (const unsigned char *)text;

        return (n == 1 && (p[0] < 0x20 || p[0] == 0x7f)) || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

/* Characters of format (Unicode Cf) and separators: nobody sees them, and some turn the text around them. `n` bytes. */
static bool is_unseen(const char *text, size_t n)
{
        const unsigned char *p = (const unsigned char *)text;
        uint32_t point;

        switch (n) {
        case 2: point = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f); break;
        case 3: point = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f); break;
        case 4:
                point = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
                        (p[3] & 0x3f);
                break;
        default: return false;
        }
        return point == 0xad || point == 0x61c || point == 0x180e || (point >= 0x200b && point <= 0x200f) ||
               (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
               (point >= 0xfff9 && point <= 0xfffb) || (point >= 0xe0000 && point <= 0xe007f);
}

bool text_letter_shown(const char *letter, size_t length)
{
        return !is_control(letter, length) && !is_unseen(letter, length);
}

/* How many bytes stand for themselves from here on: nearly all names are of nothing else. */
static size_t plain_ascii(const char *text, size_t length)
{
        size_t n = 0;

        while (n < length && text[n] >= 0x20 && text[n] < 0x7f && text[n] != '\\')
                n++;
        return n;
}

int text_escape(struct buffer *buffer, const char *name, size_t length)
{
        size_t i = 0;

        while (i < length) {
                size_t n = plain_ascii(name + i, length - i);
                bool plain = n > 0;
                int r = 0;

                if (n == 0) {
                        n = text_utf8_length(name + i, length - i);
                        plain = n > 0 && name[i] != '\\' && !is_control(name + i, n) && !is_unseen(name + i, n);
                }
                if (n == 0)
                        n = 1;
                /* A text that is too long for the buffer fills it all the same: its beginning may be of use. */
                if (plain)
                        r = buffer_append_fitting(buffer, name + i, n);
                for (size_t k = 0; !plain && k < n && r == 0; k++)
                        r = buffer_printf(buffer, "\\%03o", (unsigned int)(unsigned char)name[i + k]);
                if (r < 0)
                        return r;
                i += n;
        }
        return 0;
}

int text_unescape(struct buffer *buffer, const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                uint64_t byte = (unsigned char)text[i];
                int r;

                if (text[i] == '\\') {
                        if (length - i < 4 || text_parse_octal(text + i + 1, 3, 0377, &byte) < 0)
                                return -EINVAL;
                        i += 3;
                }
                r = buffer_append_byte(buffer, (char)byte);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ZERO WIDTH NON-JOINER and JOINER: letters of some languages, and emoji, are joined by them. */
static bool is_joiner(const char *text, size_t n)
{
        return n == 3 && (memcmp(text, "\xe2\x80\x8c", 3) == 0 || memcmp(text, "\xe2\x80\x8d", 3) == 0);
}

bool text_is_printable(const char *text, size_t length)
{
        for (size_t i = 0; i < length;) {
                size_t n = text_utf8_length(text + i, length - i);

                if (n == 0 || is_control(text + i, n) || (is_unseen(text + i, n) && !is_joiner(text + i, n)))
                        return false;
                i += n;
        }
        return true;
}

bool text_starts(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
        size_t length = strlen(text), tail = strlen(suffix);

        return length >= tail && memcmp(text + length - tail, suffix, tail) == 0;
}

bool text_path_inside(const char *inner, const char *outer)
{
        size_t length = strlen(outer);

        if (length == 1) /* "/" */
                return true;
        return strncmp(inner, outer, length) == 0 && (inner[length] == '/' || inner[length] == '\0');
}

bool text_next_line(const char **cursor, const char *end, const char **ret_line, size_t *ret_length)
{
        const char *start = *cursor, *newline;

        if (start >= end)
                return false;
        newline = memchr(start, '\n', (size_t)(end - start));
        *ret_line = start;
        *ret_length = (size_t)((newline ? newline : end) - start);
        *cursor = newline ? newline + 1 : end;
        return true;
}
