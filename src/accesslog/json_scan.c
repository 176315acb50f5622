/* json_scan.c - a strict walk of one JSON object. */
#include "json_scan.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"

struct scan {
        const char *at, *end;
        char *scratch; /* where the next decoded string goes */
        json_scalar_function *scalar;
        void *context;
        struct span keys[JSON_DEPTH_MAXIMUM];
        unsigned int depth;
};

static void skip_space(struct scan *s)
{
        while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' || *s->at == '\n'))
                s->at++;
}

static bool take(struct scan *s, char c)
{
        skip_space(s);
        if (s->at == s->end || *s->at != c)
                return false;
        s->at++;
        return true;
}

static bool take_hex(struct scan *s, int digits, uint32_t *ret_value)
{
        uint32_t value = 0;

        for (int i = 0; i < digits; i++) {
                int digit = s->at < s->end ? text_hex_digit(*s->at) : -1;

                if (digit < 0)
                        return false;
                value = value << 4 | (uint32_t)digit;
                s->at++;
        }
        *ret_value = value;
        return true;
}

/* A code point as UTF-8; at most as long as its escape was. */
static void put_utf8(struct scan *s, uint32_t point)
{
        if (point < 0x80) {
                *s->scratch++ = (char)point;
        } else if (point < 0x800) {
                *s->scratch++ = (char)(0xc0 | point >> 6);
                *s->scratch++ = (char)(0x80 | (point & 0x3f));
        } else if (point < 0x10000) {
                *s->scratch++ = (char)(0xe0 | point >> 12);
                *s->scratch++ = (char)(0x80 | (point >> 6 & 0x3f));
                *s->scratch++ = (char)(0x80 | (point & 0x3f));
        } else {
                *s->scratch++ = (char)(0xf0 | point >> 18);
                *s->scratch++ = (char)(0x80 | (point >> 12 & 0x3f));
                *s->scratch++ = (char)(0x80 | (point >> 6 & 0x3f));
                *s->scratch++ = (char)(0x80 | (point & 0x3f));
        }
}

static bool take_unicode(struct scan *s)
{
        uint32_t point, low;

        if (!take_hex(s, 4, &point))
                return false;
        if (point >= 0xd800 && point <= 0xdbff && s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u') {
                const char *kept = s->at;

                s->at += 2;
                if (take_hex(s, 4, &low) && low >= 0xdc00 && low <= 0xdfff)
                        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
                else
                        s->at = kept;
        }
        if (point >= 0xd800 && point <= 0xdfff) /* half a pair: U+FFFD, as decoders do */
                point = 0xfffd;
        put_utf8(s, point);
        return true;
}

static bool take_escape(struct scan *s)
{
        static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
        const char *found;
        uint32_t byte;
        char c;

        if (s->at == s->end)
                return false;
        c = *s->at++;
        if (c == 'u')
                return take_unicode(s);
        if (c == 'x') {
                if (!take_hex(s, 2, &byte))
                        return false;
                *s->scratch++ = (char)byte;
                return true;
        }
        found = c ? strchr(names, c) : NULL;
        if (!found)
                return false;
        *s->scratch++ = bytes[found - names];
        return true;
}

#ifdef __SSE2__
/* Which of sixteen bytes end a plain string: a quote, a backslash, or below 0x20. */
static inline unsigned int special_of_sixteen(const char *at)
{
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        const __m128i quotes = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                            _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));

        return (unsigned int)_mm_movemask_epi8(_mm_or_si128(low, quotes));
}
#endif

/* The first byte that a string cannot have as it is; `end` when there is none. */
static inline const char *find_special(const char *at, const char *end)
{
#ifdef __SSE2__
        for (; end - at >= 16; at += 16) {
                const unsigned int found = special_of_sixteen(at);

                if (found)
                        return at + __builtin_ctz(found);
        }
#endif
        while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
                at++;
        return at;
}

/* The inside of a string, behind its opening quote. Bytes below 0x20 are not allowed raw (RFC 8259 section 7). */
static bool take_string(struct scan *s, struct span *ret_value)
{
        const char *begin = s->at;
        char *decoded = s->scratch;

        s->at = find_special(s->at, s->end);
        if (s->at < s->end && *s->at == '"') { /* the usual case: nothing to decode */
                *ret_value = (struct span){ begin, (uint32_t)(s->at++ - begin) };
                return true;
        }
        memcpy(s->scratch, begin, (size_t)(s->at - begin));
        s->scratch += s->at - begin;
        while (s->at < s->end && *s->at != '"') {
                char c = *s->at++;

                if ((unsigned char)c < 0x20)
                        return false;
                if (c != '\\')
                        *s->scratch++ = c;
                else if (!take_escape(s))
                        return false;
        }
        if (s->at == s->end)
                return false;
        s->at++;
        *ret_value = (struct span){ decoded, (uint32_t)(s->scratch - decoded) };
        return true;
}

static bool take_word(struct scan *s, const char *word, enum json_type type)
{
        size_t length = strlen(word);

        if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
                return false;
        s->at += length;
        return s->scalar(s->context, s->keys, s->depth, type, (struct span){ s->at - length, (uint32_t)length });
}

static bool take_number(struct scan *s)
{
        const char *begin = s->at;

        while (s->at < s->end && (strchr("+-.eE", *s->at) ? *s->at != '\0' : *s->at >= '0' && *s->at <= '9'))
                s->at++;
        if (s->at == begin)
                return false;
        return s->scalar(s->context, s->keys, s->depth, JSON_TYPE_NUMBER,
                         (struct span){ begin, (uint32_t)(s->at - begin) });
}

static bool take_scalar(struct scan *s)
{
        struct span value;

        switch (*s->at) {
        case '"':
                s->at++;
                return take_string(s, &value) && s->scalar(s->context, s->keys, s->depth, JSON_TYPE_STRING, value);
        case 't': return take_word(s, "true", JSON_TYPE_TRUE);
        case 'f': return take_word(s, "false", JSON_TYPE_FALSE);
        case 'n': return take_word(s, "null", JSON_TYPE_NULL);
        default: return take_number(s);
        }
}

/* A key and its colon. */
static bool take_key(struct scan *s)
{
        return take(s, '"') && take_string(s, &s->keys[s->depth - 1]) && take(s, ':');
}

/*
 * Most lines are flat and without a space, {"key":"value","key":"value"}, as nginx writes them: these pairs are taken here,
 * up to whatever is another shape, where json_scan() goes on. False when the line is damaged.
 */
static bool take_flat(struct scan *s, bool *fresh)
{
        while (s->end - s->at > 4 && (*fresh ? *s->at == '"' : s->at[0] == ',' && s->at[1] == '"')) {
                const char *kept = s->at;
                char *kept_scratch = s->scratch;
                struct span value;

                s->at += *fresh ? 1 : 2;
                if (!take_string(s, &s->keys[0]))
                        return false;
                if (s->end - s->at < 2 || s->at[0] != ':' || s->at[1] != '"') {
                        s->at = kept;
                        s->scratch = kept_scratch;
                        return true;
                }
                s->at += 2;
                if (!take_string(s, &value) || !s->scalar(s->context, s->keys, 1, JSON_TYPE_STRING, value))
                        return false;
                *fresh = false;
        }
        return true;
}

/*
 * Containers are kept on a stack of closing brackets instead of in recursion. An array adds no level of keys, so that
 * "User-Agent":["x"] is found as User-Agent.
 */
bool json_scan(const char *text, size_t length, char *scratch, json_scalar_function *scalar, void *context)
{
        struct scan s = { .at = text, .end = text + length, .scratch = scratch, .scalar = scalar, .context = context };
        char closers[2 * JSON_DEPTH_MAXIMUM];
        size_t open = 0;
        bool fresh; /* right behind an opening bracket */

        if (!take(&s, '{'))
                return false;
        closers[open++] = '}';
        s.depth = 1;
        fresh = true;
        if (!take_flat(&s, &fresh))
                return false;
        while (open > 0) {
                skip_space(&s);
                if (s.at == s.end)
                        return false;
                if (*s.at == closers[open - 1]) {
                        s.at++;
                        if (closers[--open] == '}')
                                s.depth--;
                        fresh = false;
                        continue;
                }
                if (!fresh && !take(&s, ','))
                        return false;
                if (closers[open - 1] == '}' && !take_key(&s))
                        return false;
                skip_space(&s);
                if (s.at == s.end)
                        return false;
                fresh = *s.at == '{' || *s.at == '[';
                if (!fresh) {
                        if (!take_scalar(&s))
                                return false;
                        continue;
                }
                if (open == sizeof(closers) || (*s.at == '{' && s.depth == JSON_DEPTH_MAXIMUM))
                        return false;
                closers[open++] = *s.at == '{' ? '}' : ']';
                s.depth += *s.at == '{';
                s.at++;
        }
        skip_space(&s);
        return s.at == s.end;
}
