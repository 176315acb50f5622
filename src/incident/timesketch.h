/*
 * timesketch.h - an event of a timeline as a line of JSON for Timesketch (https://timesketch.org, "JSONL"): message,
 * datetime, timestamp_desc, and our own members source, act, server, account, address, path, file and line.
 */
#ifndef INCIDENT_TIMESKETCH_H
#define INCIDENT_TIMESKETCH_H

#include "base/buffer.h"
#include "incident/timeline.h"

#define TIMESKETCH_LINE 65536 /* bytes that a line can have */

/* Appends the line with its newline. There may be a million of them: no object is made of it. -ENOMEM, -E2BIG. */
int timesketch_write(const struct timeline *timeline, const struct timeline_event *event, struct buffer *out);

#endif
