/*
 * canonical.h - the one spelling of signed JSON: sorted keys, indented by one space, integers only, a newline at the
 * end.
 *
 * A text is parsed, written again and compared byte by byte, so that a signed value has exactly one text and no reader
 * can understand it differently: duplicate keys, escapes, other spacing and fractions all fail there. The getters below
 * then check what the values are. Parsers of a format call canonical_parse(), canonical_keys() and a getter for each
 * key.
 */
#ifndef MANIFEST_CANONICAL_H
#define MANIFEST_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"

/* `what` names the file in the words. -EBADMSG when the text is not canonical JSON, or longer than `maximum`. */
int canonical_parse(const char *text, size_t length, size_t maximum, const char *what, json_t **ret_value,
                    struct error *err);

/* Appends the canonical text. `value` NULL means that it could not be built: no memory. */
int canonical_format(const json_t *value, struct buffer *out, struct error *err);

/* True when `value` is an object that has exactly these keys. */
bool canonical_keys(const json_t *value, const char *const keys[], size_t count);

/* Each returns 0, or -EBADMSG (without words) when the member is not there or is something else. */
int canonical_integer(const json_t *object, const char *key, uint64_t minimum, uint64_t maximum, uint64_t *ret_value);
int canonical_string(const json_t *object, const char *key, const char **ret_text); /* borrowed from object */
int canonical_digest(const json_t *object, const char *key, struct digest *ret_digest);
int canonical_time(const json_t *object, const char *key, int64_t *ret_seconds);
int canonical_time_or_empty(const json_t *object, const char *key, int64_t *ret_seconds); /* "" is 0 */

/* Values to build with; NULL for lack of memory, which json_pack() with "o" passes on. */
json_t *canonical_from_digest(const struct digest *digest);
json_t *canonical_from_time(int64_t seconds);
json_t *canonical_from_time_or_empty(int64_t seconds);

#endif
