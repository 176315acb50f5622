/*
 * beacon.h - what the tag on a page sends (data/visits.js) and nginx logs (data/nginx-beacon-http.conf).
 *
 * The log's line is JSON with what the server knows: {"b":1,"ts":"1780000000.123","ip":...,"m":"POST","origin":...,
 * "ref":...,"ua":...,"body":...}. The body is what the browser says, as a query: e (what: v view, n navigation, e
 * event, o outbound link, w web vitals), u (the page's address), r (where from), n (name of the event, or where the
 * link leads), l, c, i (LCP and INP in milliseconds, CLS in thousandths); names of two letters and more are properties
 * of an event. A line without a body is the pixel's: the page is the Referer.
 *
 * Everything in it may be made up by whoever sent it: it is parsed as such, and a page that is not of the origin which
 * the browser names makes the line invalid.
 */
#ifndef ACCESSLOG_BEACON_H
#define ACCESSLOG_BEACON_H

#include <stdbool.h>
#include <stddef.h>

#include "accesslog/line.h"

#define BEACON_LINE_MAXIMUM  (LOG_LINE_MAXIMUM / 2) /* the other half of the scratch is for what is decoded */
#define BEACON_VALUE_MAXIMUM 512                    /* of a name, a property: what is longer is cut */
#define BEACON_SHORT(length) ((length) < BEACON_VALUE_MAXIMUM ? (length) : BEACON_VALUE_MAXIMUM)

/* Makes a page view of the line, or an event: path, query, host, referrer, event. `scratch` holds as many bytes as the
 * body has. False when it makes no sense. */
bool beacon_fill(struct log_line *line, struct span origin, struct span body, char *scratch);

/*
 * The fields of a body one after the other, still percent-encoded (scan_decode()):
 *
 *     for (struct span rest = line->details; beacon_next(&rest, &name, &value);)
 */
bool beacon_next(struct span *rest, struct span *ret_name, struct span *ret_value);

/* The next property of an event as "event: key=value"; those with a name of one letter are the beacon's own. Only the
 * first BEACON_PROPERTIES_MAXIMUM are looked at: that is the caller's to count. */
#define BEACON_PROPERTIES_MAXIMUM 16
#define BEACON_PROPERTY_MAXIMUM   (3 * BEACON_VALUE_MAXIMUM + 8)
bool beacon_property(struct span *rest, struct span event, char text[static BEACON_PROPERTY_MAXIMUM],
                     size_t *ret_length);

/* The measured vitals that a line tells; false for one that it does not have, and for one that says nothing: nothing was
 * painted, nobody touched anything. */
#define BEACON_VITAL_MAXIMUM 999999999
enum beacon_vital { VITAL_LCP, VITAL_CLS, VITAL_INP, VITAL_COUNT };
bool beacon_vital(const struct log_line *line, enum beacon_vital vital, uint64_t *ret_value);

#endif
