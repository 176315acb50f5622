/*
 * finding.h - an alert as JSON for machines: an OCSF Detection Finding (class 2004, schema 1.3.0,
 * https://schema.ocsf.io).
 *
 * What OCSF has a place for stands there: severity_id, time (milliseconds), message, count, start_time, end_time,
 * device.hostname, resources (the tree), evidences[] with file (path, hashes), process (pid, file.path, cmd_line, user)
 * and src_endpoint. The rest is in `unmapped`: kind, site, group, details as in the journal, the lines of a collected
 * group. metadata.uid is the message's id, the same at every try.
 *
 * Pure. Appends one line of ASCII JSON (\u escapes) without newline.
 */
#ifndef NOTIFY_FINDING_H
#define NOTIFY_FINDING_H

#include "base/buffer.h"
#include "notify/message.h"

int finding_render(const struct message *message, struct buffer *out);

/* A heartbeat: OCSF's Base Event (class 0), activity_name "heartbeat". `status` (an object, or NULL) goes into
 * unmapped. */
int finding_heartbeat(const char *id, const char *server, int64_t time_us, int64_t interval_s, const json_t *status,
                      struct buffer *out);

#endif
