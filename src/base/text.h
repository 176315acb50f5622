/*
 * text.h - bytes to words and back: strict numbers, hex, base64, names that hold any byte.
 *
 * Parsers here accept exactly one spelling of a value: no sign, no leading space, no leading zero, nothing behind it.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buffer.h"

/* Decimal, no leading zeros, at most `maximum`; 0 or -EINVAL / -ERANGE. `length` bytes of `text` must all belong to it.
 */
int text_parse_u64(const char *text, size_t length, uint64_t maximum, uint64_t *ret_value);

/* Octal digits only (a leading 0 is allowed), at most `maximum`. */
int text_parse_octal(const char *text, size_t length, uint64_t maximum, uint64_t *ret_value);

/* Lower-case hex of `length` bytes into `hex` (2 * length + 1 bytes, NUL-terminated). */
void text_hex(const void *bytes, size_t length, char *hex);

/* Exactly 2 * length lower-case digits into `length` bytes; 0 or -EINVAL. */
int text_unhex(const char *hex, size_t hex_length, void *bytes, size_t length);

/* 0 to 15, of either case; -1 when it is no digit. */
static inline int text_hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Standard base64 with padding (RFC 4648 section 4), appended. */
int text_base64(struct buffer *buffer, const void *bytes, size_t length);

/* Strict decoding (no white space, canonical padding bits); 0, -EINVAL, -E2BIG past `maximum`. */
int text_unbase64(const char *text, size_t length, void *bytes, size_t maximum, size_t *ret_length);

/*
 * A name for people and for JSON: valid UTF-8 as it is; a byte that is not, a control character (C0, DEL, C1), what nobody
 * sees but what changes the text around it (Unicode's format characters: bidi controls, zero width) and the backslash as
 * \ooo. The result is always valid UTF-8. text_unescape() is its inverse.
 */
int text_escape(struct buffer *buffer, const char *name, size_t length);
int text_unescape(struct buffer *buffer, const char *text, size_t length);

/* Length in bytes of the valid UTF-8 sequence at `text` (1 to 4), 0 when there is none (overlong forms and surrogates
 * are none). */
size_t text_utf8_length(const char *text, size_t length);

/* Whether one letter of UTF-8, of `length` bytes, can go to a terminal as it is: no control character, and none that nobody
 * sees but what changes the text around it. */
bool text_letter_shown(const char *letter, size_t length);

/* Valid UTF-8 without control characters (C0, DEL, C1) and format characters but the two joiners: it can go to a terminal
 * or a line of a log as it is. */
bool text_is_printable(const char *text, size_t length);

static inline bool text_equal(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Whether an absolute path, without "." and doubled slashes, is `outer` or lies below it. */
bool text_path_inside(const char *inner, const char *outer);

/* Cuts the next line out of [*cursor, end): *ret_line, *ret_length without the newline; false at the end. */
bool text_next_line(const char **cursor, const char *end, const char **ret_line, size_t *ret_length);

#endif
