/*
 * publish_parts.h - what the parts of publish() know of each other; nobody else includes it.
 *
 * publish.c              the order of the steps
 * publish_place.c        the repository's folder: lock, leftovers, the release before
 * publish_source.c       a source folder becomes a manifest and a companion
 * publish_rules.c        what a release may carry: refusals, attributes, notes
 * publish_fingerprint.c  did the source change while it was read?
 * publish_objects.c      contents go into packs, unless a listed pack has them already
 * publish_pack.c         a pack in the making, from its temporary names to its final ones
 * publish_compress.c     manifests as .zst and as differences
 * publish_release.c      releases/.new-... is filled, signed, read again, and becomes releases/N
 */
#ifndef STORE_PUBLISH_PARTS_H
#define STORE_PUBLISH_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "manifest/companion.h"
#include "manifest/release.h"
#include "store/folder.h"
#include "store/pack.h"
#include "store/publish.h"

/* More packs than this in one release are put together into one. */
#define PUBLISH_PACKS_MAXIMUM 32

/* --- publish_place.c --- */

/* Names of what is being made begin with ".new-HOST.", so that a leftover of this machine is known as one. */
#define PUBLISH_TEMPORARY_SIZE 128

struct publish_place {
        struct folder repository; /* with its lock */
        int releases, packs;      /* descriptors */
};

#define PUBLISH_PLACE_NONE ((struct publish_place){ FOLDER_NONE, -1, -1 })

/* Makes what is not there, waits for the lock, removes what an interrupted run left. */
int publish_place_open(const char *path, struct publish_place *ret_place, struct error *err);
void publish_place_close(struct publish_place *place);

int publish_temporary_name(char name[static PUBLISH_TEMPORARY_SIZE], struct error *err);

/* The release before: number 0 when there is none. */
struct publish_previous {
        struct release release;
        struct digest digest; /* of its release.json; zero for none */
        bool vouched;         /* its signature is by a key that counts today */
        bool listed;          /* by a key of a keys.json that nobody has proven: not vouched for */
        int folder;           /* releases/N; -1: none */
        struct companion companions[RELEASE_ROOTS_MAXIMUM]; /* of its roots, in their order */
};

/* Looks for the newest release and checks it: its signature by `key` or by a key that the root key named, its manifests
 * later while they are read. Refuses (4) a key that may not sign here. */
int publish_previous_read(const struct publish_place *place, const struct publish_options *options,
                          struct publish_previous *ret_previous, struct error *err);
void publish_previous_done(struct publish_previous *previous);

/* --- publish_pack.c --- */

#define PUBLISH_PACK_NAME_SIZE (DIGEST_HEX_SIZE + 8)

/* The name of a pack or its index in the repository; `ending` is ".pack" or ".index". */
void publish_pack_file(const struct digest *id, const char *ending, char name[static PUBLISH_PACK_NAME_SIZE]);

struct publish_pack {
        const struct publish_place *place;
        char pack_name[PUBLISH_TEMPORARY_SIZE], index_name[PUBLISH_TEMPORARY_SIZE]; /* "": no such file */
        int fd;                     /* of the pack, open until it is dropped */
        struct pack_writer *writer; /* until it is finished */
        struct pack_index index;    /* from then on */
        struct release_pack listed; /* the same */
        bool wanted;                /* the new release lists it */
};

#define PUBLISH_PACK_NONE ((struct publish_pack){ .fd = -1 })

int publish_pack_begin(struct publish_pack *pack, const struct publish_place *place, bool delta, int level,
                       struct error *err);

/* Syncs it and writes its index; it is wanted then, unless it is empty. */
int publish_pack_finish(struct publish_pack *pack, uint64_t delta_base, struct error *err);

/* 1 when the repository has a pack of its name with another index: the same frames made from other bases. A release
 * that lists that index must find it, so the newcomer has to go. */
int publish_pack_name_taken(const struct publish_pack *pack, struct error *err);

/* Gives it its final names; `packs` is not synced yet. */
int publish_pack_place(struct publish_pack *pack, struct error *err);

/* Removes what has no final name. */
void publish_pack_drop(struct publish_pack *pack);

/* --- publish_objects.c --- */

struct publish_objects;

int publish_objects_new(const struct publish_place *place, const struct publish_previous *previous,
                        const struct publish_options *options, struct publish_objects **ret_objects, struct error *err);

/*
 * Takes care that the release has this object: it is in a pack of the release before, or goes into the new one from
 * `fd`. `base` is what the same path was before (NULL: nothing), for the delta pack.
 */
int publish_objects_add(struct publish_objects *objects, const struct digest *object, uint64_t size, int fd,
                        const char *name, const struct digest *base, struct error *err);

/* Finishes new pack, delta pack and, when too many packs would be listed, one full pack in their place; fills
 * release->packs. The manifests say what a full pack must have. */
int publish_objects_finish(struct publish_objects *objects, const int manifests[], size_t count,
                           struct release *release, struct error *err);

/* Gives the packs their names in the repository. */
int publish_objects_place(struct publish_objects *objects, struct error *err);

uint64_t publish_objects_new_count(const struct publish_objects *objects);
uint64_t publish_objects_stored(const struct publish_objects *objects); /* bytes of packs and indexes made */

void publish_objects_free(struct publish_objects *objects); /* removes what has no final name yet */
void publish_objects_freep(struct publish_objects **objects);

/* --- publish_source.c --- */

/* What is worth a word but no refusal. */
struct publish_oddities {
        uint64_t writable, suspicious;
        char first_writable[256], first_suspicious[256]; /* escaped paths */
};

struct publish_source {
        const struct publish_options *options;
        const struct publish_root *root;
        const struct publish_place *place;
        struct publish_objects *objects;
        int previous_manifest;         /* descriptor; -1: none */
        struct digest previous_digest; /* what it must hash to */
        int64_t created;               /* time of publishing */
        struct companion *companion;   /* declarations go in, attributes are added */
        struct publish_oddities *oddities;
        uint64_t *done; /* files read so far, all roots, for progress */
};

/* Writes the manifest to fd; fills digest, size, files and bytes of `ret_root`. */
int publish_source_read(const struct publish_source *source, int manifest, struct release_root *ret_root,
                        struct error *err);

/* --- publish_rules.c --- */

struct walk_item;
struct statx;

/* A path for words, which escape it; "." for the root. */
static inline const char *publish_shown(const char *path)
{
        return path[0] ? path : ".";
}

/* Refuses what no release may have, whatever was declared; `repository` is the look at the repository's own folder. */
int publish_refuse(const struct publish_source *source, const struct walk_item *item, const struct statx *repository,
                   struct error *err);

/* Refuses a link that leaves the tree and was not declared. */
int publish_refuse_link(const struct publish_source *source, const char *path, const char *target, struct error *err);

/* Looks for ACLs, capabilities and the like on an open file, folder or link (O_PATH): into the companion, or refused.
 */
int publish_attributes(const struct publish_source *source, int fd, bool is_link, const char *path, struct error *err);

/* Counts what looks odd. */
void publish_note(struct publish_oddities *oddities, const struct walk_item *item);

/* --- publish_fingerprint.c --- */

/* Of all names below a folder and their metadata but what is declared as mutable or ignored. */
int publish_fingerprint(int folder, const struct companion *companion, struct digest *ret_digest, struct error *err);

/* --- publish_compress.c --- */

/* NAME.zst beside NAME in a folder. */
int publish_compress(int folder, const char *name, struct error *err);

/* NAME.from-N.zst: NAME with `base` (a descriptor of its form in release N) as prefix; nothing when both together are
 * too large for a decoder's window. */
int publish_compress_from(int folder, const char *name, int base, uint64_t base_number, struct error *err);

/* --- publish_release.c --- */

/* The folder releases/.new-... while it is filled. */
struct publish_draft {
        const struct publish_place *place;
        char name[PUBLISH_TEMPORARY_SIZE]; /* "": not made yet */
        int folder;
};

#define PUBLISH_DRAFT_NONE ((struct publish_draft){ NULL, "", -1 })

int publish_draft_new(const struct publish_place *place, struct publish_draft *ret_draft, struct error *err);
void publish_draft_done(struct publish_draft *draft); /* removes it unless it became a release */

/* A file of the draft that is opened for writing and reading. */
int publish_draft_open(const struct publish_draft *draft, const char *name, struct error *err);
/* A whole file, synced. */
int publish_draft_write(const struct publish_draft *draft, const char *name, const struct buffer *text,
                        struct error *err);

/* Signs every manifest and companion that `release` names and release.json itself, reads back what was written as a
 * stranger would, and syncs all. */
int publish_draft_sign(const struct publish_draft *draft, const struct release *release, const struct secret_key *key,
                       struct error *err);

/* The one step that makes the release; then the hint `latest`. */
int publish_draft_release(struct publish_draft *draft, uint64_t number, struct error *err);

#endif
