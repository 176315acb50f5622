/*
 * area.h - a mutable area of this server for the agent's verbs: what is in it, its bytes, and what comes from another server.
 *
 * Which areas there are, where they lie and what may be in them is said by the release in place, whose signature is checked
 * each time it is read; a request names an area and a path in it, no more. The rules are applied here, on the server that
 * receives: before a byte is visible it has been compared with its SHA-256 and judged by its name and its first bytes. What
 * comes is written beside its place under a name of our own, owned by root, synced, and renamed.
 *
 * The folder belongs to the application, or to whoever has taken that: below its descriptor no link is followed, no mount
 * crossed, and what is replaced is looked at again after it was exchanged.
 *
 *     STATE/carry/ID/lock        one at a time changes or looks through the area
 *     STATE/carry/ID/index       what the last look found, so that what has not changed is not read again
 *     STATE/carry/ID/incoming/   parts of files that are on their way, by SHA-256: a cut connection goes on where it was
 *     STATE/carry/ID/kept/       what was deleted or lost its name, by SHA-256; `log` says what each was
 */
#ifndef CARRY_AREA_H
#define CARRY_AREA_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/error.h"
#include "carry/entry.h"
#include "crypto/key.h"

#define CARRY_CHUNK      30000                   /* bytes of a file in one request, which may be 64 KiB long */
#define CARRY_CHUNK_TEXT (CARRY_CHUNK / 3 * 4)   /* the same in base64 */
#define CARRY_KEPT_DAYS  30                      /* what was moved aside is there for so long */
#define CARRY_REFUSALS   100                     /* that are named in an answer; all are counted */
#define CARRY_HELD       64                      /* files that wait to be put into their places together */
#define CARRY_AREA_NAME  (CARRY_NAME_MAXIMUM + 100)

struct carry_held;

/* Where this server's trees and their state are. */
struct carry_site {
        const char *state;
        const char *dest; /* of the docroot, under which the state is kept */
        const struct public_key *pub;
};

struct carry_area {
        int folder;         /* of the area */
        int state;          /* STATE/carry/ID */
        int lock;           /* held; -1: not */
        struct carry_held *held; /* hold.c; NULL: none */
        unsigned int allow; /* enum allow bits of the release */
        uid_t uid;          /* of the folder: folders that are made on the way to a file get it */
        gid_t gid;
        dev_t device;       /* of what the release in place is remembered in: another one after each pull */
        ino_t inode;
        char remembered[PATH_MAX];
        char name[CARRY_AREA_NAME];
};

#define CARRY_AREA_NONE { .folder = -1, .state = -1, .lock = -1 }

/* Adds "ROOT:PATH" of every area of the release in place to the array; none when nothing was ever pulled. */
int carry_areas(const struct carry_site *site, json_t *array, struct error *err);

/* -ENOENT when the release has no such area; what stands in its place (nothing, a link) has words, too. */
int carry_area_open(const struct carry_site *site, const char *name, struct carry_area *area, struct error *err);
void carry_area_close(struct carry_area *area);

/* For a process that keeps it open from one request to the next. */
void carry_area_unlock(struct carry_area *area);

/* Is it still this one, by the same release? */
bool carry_area_is(const struct carry_area *area, const char *name);

/*
 * Looks through the area: {"scan": N, "buckets": [digest, ...], "files", "bytes", "refused": N, "refusals": [{"path",
 * "why"}]}. Contents are read but for files that this server remembers with the same inode, size, mtime and ctime, the last
 * change of which was over when they were read.
 */
int carry_scan(struct carry_area *area, json_t *result, struct error *err);

/* {"entries": [...], "more": false}: a page of a bucket as that scan found it, behind the path `after` ("" from the start).
 * -ESTALE: there was another scan. */
int carry_list(const struct carry_area *area, uint64_t scan, unsigned int bucket, const char *after, json_t *result,
               struct error *err);

/* {"outcome": "done", "data": base64}: up to CARRY_CHUNK bytes; "gone" when it is no file any more. */
int carry_read(const struct carry_area *area, const char *path, uint64_t offset, json_t *result, struct error *err);

/* What a file or folder is to be, and what is there now: "none", "folder", or the SHA-256 of a file. */
struct carry_wanted {
        struct carry_entry entry;
        const char *expected;
        uint64_t offset;
        const uint8_t *bytes;
        size_t length;
        bool hold; /* may wait for carry_settle() */
};

/*
 * {"outcome": O, "have": N}: "more", N bytes of it are here; "done", it stands in its place; "changed", what is there is not
 * what is expected, or what came is not what was announced: nothing was done. Refused (-EPERM) with the rule that it breaks.
 */
int carry_write(struct carry_area *area, const struct carry_wanted *wanted, json_t *result, struct error *err);

/*
 * Many small files cost a disk mostly their syncs, of which one for many of them is as good. So carry_write() with `hold` may
 * answer "held" for a file where nothing is yet: it lies beside its place, whole and proven, under a name of ours, and this puts
 * all of them into their places: {"outcomes": [O, ...]}, "done" or "changed" as above, in the order in which they were held.
 * None is seen before its content is on the disk, and none is "done" before its name is. When the area is closed or looked
 * through before, they are dropped. What takes the place of a file never waits: somebody could write into that meanwhile.
 */
int carry_settle(struct carry_area *area, json_t *result, struct error *err);

/* Moves a file aside, removes an empty folder: {"outcome": "done"}; "changed"; "left": the folder is not empty. */
int carry_keep(struct carry_area *area, const char *path, const char *expected, json_t *result, struct error *err);

#endif
