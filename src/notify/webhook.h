/*
 * webhook.h - the head of a webhook's POST: Standard Webhooks 1.0 (https://www.standardwebhooks.com), so that receivers
 * check it with libraries that exist for most languages, or with openssl(1):
 *
 *     webhook-id: ID                     the delivery's id, the same at every try
 *     webhook-timestamp: SECONDS         of this try
 *     webhook-signature: v1,BASE64       HMAC-SHA-256 over "ID.SECONDS.BODY"
 *
 * The receiver takes the bytes of the body as they came, computes the HMAC, compares it in constant time, refuses a
 * timestamp that is more than five minutes from its own clock, and remembers the ids of that span: a replay is one that
 * it knows. A second delivery of one id (after a crash of ours in the middle) is answered with 2xx and dropped.
 *
 * The key is a file of the operator's: "whsec_" and base64 (24 to 64 bytes), or else its bytes as they are without the
 * newline at the end (16 to 4096).
 */
#ifndef NOTIFY_WEBHOOK_H
#define NOTIFY_WEBHOOK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define WEBHOOK_KEY_MAXIMUM 4096

struct webhook_key {
        size_t length; /* 0: none, the POST is not signed */
        unsigned char bytes[WEBHOOK_KEY_MAXIMUM];
};

/* The content of a key file. The words do not repeat it. */
int webhook_key_parse(const char *text, size_t length, const char *path, struct webhook_key *ret_key,
                      struct error *err);

/* Reads it; a file that others may read is refused with the chmod that helps. */
int webhook_key_read(const char *path, struct webhook_key *ret_key, struct error *err);

/* Appends the header lines, each with CRLF at its end. */
int webhook_head(const char *id, int64_t seconds, const struct webhook_key *key, const void *body, size_t length,
                 struct buffer *out, struct error *err);

#endif
