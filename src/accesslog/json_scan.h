/*
 * json_scan.h - walks one JSON object (RFC 8259) and tells its scalars by path (private to accesslog).
 *
 * Access logs hold millions of lines with a dozen keys each, of which some are wanted; building a tree of each line
 * would cost more than everything else. Nothing is allocated; depth is bounded; the whole object is checked before the
 * line counts.
 */
#ifndef ACCESSLOG_JSON_SCAN_H
#define ACCESSLOG_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "accesslog/line.h"

#define JSON_DEPTH_MAXIMUM 8

enum json_type { JSON_TYPE_STRING, JSON_TYPE_NUMBER, JSON_TYPE_TRUE, JSON_TYPE_FALSE, JSON_TYPE_NULL };

/*
 * Called for each scalar. `keys` are the names on the way to it (of objects; an array adds none), `depth` their number.
 * A string value is decoded: without escapes it points into the line, else into the scratch. Returning false ends the
 * scan as invalid.
 */
typedef bool json_scalar_function(void *context, const struct span *keys, unsigned int depth, enum json_type type,
                                  struct span value);

/* True when all of `text` is one object. `scratch` holds at least `length` bytes. nginx's escape=json writes \xHH for
 * nothing, but logs of older versions do: it is taken as that byte. */
bool json_scan(const char *text, size_t length, char *scratch, json_scalar_function *scalar, void *context);

#endif
