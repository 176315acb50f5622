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

#include "accesslog/line.h"

static inline struct span span_of(const char *begin, const char *end)
{
        return (struct span){ begin, (uint32_t)(end - begin) };
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

/* Digits only, at most 18 of them. */
bool scan_number(const char *text, size_t length, uint64_t *ret_number);

/* "GET /path?query HTTP/1.1" into its parts. What is no request (a TLS hello, "-") has no method, and the whole of it
 * is the path. */
void scan_request(struct span request, struct log_line *line);

/* Cuts a target at its '?' and '#'. */
void scan_target(struct span target, struct log_line *line);

#endif
