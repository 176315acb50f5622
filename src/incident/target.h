/*
 * target.h - which requests are about a path: the same file has many names in a URL (private to incident).
 *
 * "/%6Cogin.html", "//login.html" and "/x/../login.html" are /login.html for every web server, and so is "/docs/" for
 * docs/index.html. A request is normalised only where it could be such a name; most are compared as they are.
 */
#ifndef INCIDENT_TARGET_H
#define INCIDENT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TARGET_PATH_MAXIMUM 2048 /* a longer one is none that matters but to a prefix */
#define TARGET_NONE         UINT16_MAX
#define TARGETS_MAXIMUM     10000

/* What a path of a request means: an entry of the caller's list. */
struct targets {
        struct target_name *names; /* owned */
        size_t count;
        uint32_t *slots; /* index + 1 of the exact names by hash */
        uint32_t mask;
        size_t *prefixes; /* of those that end in '*' */
        size_t prefix_count;
        uint64_t lengths[TARGET_PATH_MAXIMUM / 64 + 1]; /* bits: names with this length are there */
};

struct target_name {
        char *text; /* owned; without the '*' */
        size_t length;
        uint16_t value; /* the caller's */
        bool prefix;
};

/* Adds a path (with '*' at its end: all below) and what it means; of a path that is there already the first counts.
 * "/docs/index.html" adds "/docs/" as well. */
int targets_add(struct targets *targets, const char *path, uint16_t value, struct error *err);
void targets_done(struct targets *targets);

/* Its value (of several prefixes that of the longest), TARGET_NONE when the request is about none of them. `path` is that of a request, without its query. */
uint16_t targets_find(const struct targets *targets, const char *path, size_t length);

/* "%XX" decoded, doubled slashes and dot segments taken out (RFC 3986, 5.2.4), as nginx and Apache do; the length, or
 * 0 when it is longer than TARGET_PATH_MAXIMUM. */
size_t target_normalise(const char *path, size_t length, char out[static TARGET_PATH_MAXIMUM]);

#endif
