/*
 * scan.h - the small readers that all line formats share: addresses, times, request lines, numbers.
 *
 * All are strict about what they take and never read behind `length`; none allocates.
 */
#ifndef ACCESSLOG_SCAN_H
#define ACCESSLOG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "accesslog/line.h"

static inline struct span span_of(const char *begin, const char *end)
{
        return (struct span){ begin, (uint32_t)(end - begin) };
}

#ifdef __SSE2__
/* Which of the sixteen bytes are one of two characters, as bits. */
static inline unsigned int scan_sixteen(const char *at, __m128i all_a, __m128i all_b)
{
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);

        return (unsigned int)_mm_movemask_epi8(
                _mm_or_si128(_mm_cmpeq_epi8(bytes, all_a), _mm_cmpeq_epi8(bytes, all_b)));
}
#endif

/* The first of two characters; `end` when neither is there. */
static inline const char *scan_either(const char *at, const char *end, char a, char b)
{
#ifdef __SSE2__
        if (end - at >= 16) {
                const __m128i all_a = _mm_set1_epi8(a), all_b = _mm_set1_epi8(b);
                unsigned int found;

                for (; end - at > 16; at += 16)
                        if ((found = scan_sixteen(at, all_a, all_b)))
                                return at + __builtin_ctz(found);
                at = end - 16; /* some of these again */
                found = scan_sixteen(at, all_a, all_b);
                return found ? at + __builtin_ctz(found) : end;
        }
#endif
        while (at < end && *at != a && *at != b)
                at++;
        return at;
}

/* A field that was logged as "-" is there and empty. */
struct span scan_field(const char *begin, const char *end);

/* The client's address; sets text and binary form. A port behind it ("192.0.2.1:4711", "[2001:db8::1]:443") is left
 * out. */
void scan_address(const char *text, size_t length, struct log_line *line);

/* "17/May/2015:10:05:03 +0000" (month names in any case) or RFC 3339 "2015-05-17T10:05:03.123+02:00", "2015-05-17
 * 10:05:03"; all of `length`. */
bool scan_time(const char *text, size_t length, int64_t *ret_time_us);

/* Days of the proleptic Gregorian calendar since 1970-01-01. */
int64_t scan_days(int year, unsigned int month, unsigned int day);

/* Seconds, at most 11 digits of them, with an optional fraction ("1431857103.123") into microseconds. */
bool scan_seconds(const char *text, size_t length, int64_t *ret_us);

/* Digits only, not more than fit any way they are read. */
#define SCAN_NUMBER_DIGITS 18
bool scan_number(const char *text, size_t length, uint64_t *ret_number);

/* Percent-decoded and with spaces for "+", as in queries; what is longer than `room` is cut. */
size_t scan_decode(struct span text, char *out, size_t room);

/* "GET /path?query HTTP/1.1" into its parts. What is no request (a TLS hello, "-") has no method, and the whole of it
 * is the path. */
void scan_request(struct span request, struct log_line *line);

/* Cuts a target at its '?' and '#'. */
void scan_target(struct span target, struct log_line *line);

#endif
