/*
 * entry.h - what a mutable area holds, as one server tells another: names, what they are, and the SHA-256 of their bytes.
 *
 * The names of an area are spread over CARRY_BUCKETS by their hash, and each bucket has a digest: two servers whose digests
 * are equal hold the same, and nothing of that bucket is listed. A list is of one bucket, sorted by path_compare(). What
 * breaks the rules of the area stands in it as CARRY_REFUSED, so that it is not taken for something that was deleted, and
 * in no digest.
 *
 * A list comes from another server, which may be an intruder's: parsing has limits, is pure, and is fuzzed.
 */
#ifndef CARRY_ENTRY_H
#define CARRY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "manifest/entry.h"

#define CARRY_BUCKETS         256
#define CARRY_BUCKET_MAXIMUM  100000                /* names in one of them */
#define CARRY_FILE_MAXIMUM    (UINT64_C(16) << 30)  /* bytes; a sparse file of terabytes costs its maker nothing */
#define CARRY_NAME_MAXIMUM    (4 * ENTRY_PATH_MAXIMUM) /* bytes of a path as text_escape() writes it */

enum carry_type { CARRY_FILE, CARRY_FOLDER, CARRY_REFUSED };

struct carry_entry {
        char *path; /* raw bytes, relative to the area; owned */
        size_t path_length;
        enum carry_type type;
        uint32_t mode, uid, gid;
        uint64_t size;        /* files */
        int64_t time;         /* files: of modification, seconds; given to the copy, and decides nothing */
        struct digest digest; /* files */
};

struct carry_list {
        struct carry_entry *entries;
        size_t count;
};

#define CARRY_LIST_EMPTY { NULL, 0 }

void carry_list_done(struct carry_list *list);

/* A copy of the entry behind the others: 0, -ENOMEM, -E2BIG. */
int carry_list_add(struct carry_list *list, const struct carry_entry *entry);

unsigned int carry_bucket(const char *path, size_t length);

/* The same thing: type, mode, owner and content. What is refused is never the same. */
bool carry_same(const struct carry_entry *one, const struct carry_entry *other);

/* Adds the entry to the digest of its bucket; nothing for one that is refused. 0 or -EIO. */
int carry_digest_add(struct hasher *hasher, const struct carry_entry *entry);

/* Of a whole list. */
int carry_list_digest(const struct carry_list *list, struct digest *ret_digest, struct error *err);

/* {"path", "type": "file|folder|refused", "mode": "0644", "uid", "gid", "size", "time", "sha256"}; NULL for lack of memory. */
json_t *carry_entry_json(const struct carry_entry *entry);

/* "file", "folder", "refused". */
const char *carry_type_name(enum carry_type type);

/*
 * Adds a page of entries to the list of a bucket, behind what it has: -EBADMSG for what cannot be (a path that leads out, is
 * not in order or of another bucket, a mode with setuid, a member too many), -E2BIG past CARRY_BUCKET_MAXIMUM.
 */
int carry_list_parse(struct carry_list *list, unsigned int bucket, const json_t *page, struct error *err);

/* An escaped path, as it stands in requests and answers, into raw bytes (owned by the caller): -EBADMSG when it is not one,
 * is the area itself, or has a part that cannot be a name. */
int carry_path_parse(const char *text, char **ret_path, size_t *ret_length, struct error *err);

/* A path for an answer; NULL for lack of memory. */
json_t *carry_path_json(const char *path, size_t length);

#endif
