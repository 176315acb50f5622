/*
 * value.h - times and names as values of JSON, for everything that tells of an incident.
 */
#ifndef INCIDENT_VALUE_H
#define INCIDENT_VALUE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* "2009-07-06T09:00:00Z"; null for 0, TIME_NEVER and TIME_OPEN. A new reference, as the next. */
json_t *value_time(int64_t time_us);

/* Any bytes, as text_escape() writes them. NULL without memory, or when it is longer than 64 KiB then. */
json_t *value_name(const char *name, size_t length);

#endif
