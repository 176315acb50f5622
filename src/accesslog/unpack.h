/*
 * unpack.h - a descriptor as a stream of bytes: as it is, gzip (RFC 1952, several members) or zstd (RFC 8878, several
 * frames), by its first bytes. For access logs source.h is the way; other logs are read by this.
 */
#ifndef ACCESSLOG_UNPACK_H
#define ACCESSLOG_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct unpack;

/* Reads the first bytes; `fd` stays the caller's. */
int unpack_new(int fd, const char *name, struct unpack **ret_unpack, struct error *err);
void unpack_free(struct unpack *unpack);

bool unpack_is_plain(const struct unpack *unpack);

/* Up to `length` bytes, 0 at the end, negative with words when they can't be read or are damaged or cut off. */
ssize_t unpack_read(struct unpack *unpack, char *bytes, size_t length, struct error *err);

/* Bytes of the file that were used so far. */
uint64_t unpack_used(const struct unpack *unpack);

#endif
