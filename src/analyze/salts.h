/*
 * salts.h - one random salt for each day, which makes a visitor of (site, address, browser): kept in a file that only
 * its owner can read, and destroyed 48 hours after it was made.
 *
 * What is in the store cannot be traced back to an address by whoever lacks the salt, and by nobody any more when it
 * is gone. A day whose salt is gone can have no further visitors; it never gets another salt.
 */
#ifndef ANALYZE_SALTS_H
#define ANALYZE_SALTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define SALT_SIZE    32
#define SALT_SECONDS (48 * 60 * 60)

struct salts;

/* The file may be missing. One that others can read, or that is no regular file of ours, is refused. */
int salts_open(const char *path, struct salts **ret_salts, struct error *err);
void salts_free(struct salts *salts);

/* The salt of a day (since 1970 UTC); NULL when there is none. Borrowed until the next call of another function. */
const uint8_t *salts_find(const struct salts *salts, int32_t day);

/* Makes it; when this returns 0 it is on the disk. */
int salts_make(struct salts *salts, int32_t day, int64_t now, struct error *err);

/* One that was made elsewhere, at this time of our clock (salts_share.h). */
int salts_put(struct salts *salts, int32_t day, int64_t made, const uint8_t bytes[static SALT_SIZE], struct error *err);

/* When that of a day was made; 0 when there is none. */
int64_t salts_made(const struct salts *salts, int32_t day);

/* The latest day that has one; false: none has. */
bool salts_newest(const struct salts *salts, int32_t *ret_day);

/*
 * What is kept of a salt to know it again: HMAC-SHA256 of a fixed text under it, cut to 64 bits. It says nothing of the
 * salt, which has 256 random bits, and nothing of an address: to try one, the salt is needed (SECURITY.md).
 */
#define SALT_CHECK_SIZE 8
int salt_check(const uint8_t bytes[static SALT_SIZE], uint8_t ret_check[static SALT_CHECK_SIZE], struct error *err);

/* The salt of this day is not the one that its visitors were counted with before: to be told, once. */
void salts_note_replaced(struct salts *salts, int32_t day);

/* The next one of those that was not told yet. */
bool salts_next_replaced(struct salts *salts, int32_t *ret_day);

/* Destroys those that are too old, here and in the file. True in *ret_any when there was one. */
int salts_expire(struct salts *salts, int64_t now, bool *ret_any, struct error *err);

#endif
