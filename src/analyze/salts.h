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

/* Destroys those that are too old, here and in the file. True in *ret_any when there was one. */
int salts_expire(struct salts *salts, int64_t now, bool *ret_any, struct error *err);

#endif
