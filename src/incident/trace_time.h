/* trace_time.h - the times of logs, at the start of a line (private to trace.c). Pure. */
#ifndef INCIDENT_TRACE_TIME_H
#define INCIDENT_TRACE_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* "2009-07-06T09:00:00.123456+09:00", "2009-07-06 09:00:00.123 UTC": moves *at behind it, and behind a zone in letters.
 * `end` is the line's. */
bool trace_time_iso(const char **at, const char *end, int64_t *ret_us);

/* "Jul  6 09:00:00", in the year that is nearest to about_us. */
bool trace_time_syslog(const char **at, const char *end, int64_t about_us, int64_t *ret_us);

/* "Mon Jul  6 09:00:00 2009". */
bool trace_time_ctime(const char **at, const char *end, int64_t *ret_us);

#endif
