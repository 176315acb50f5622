/*
 * pull_run.h - what the parts of pull share: one pull under way, and the places of its roots.
 *
 * Only src/tree/pull*.c, place.c, stage*.c, exchange.c, settle.c, evidence.c, mend*.c, areas.c and namespaces.c include this.
 */
#ifndef TREE_PULL_RUN_H
#define TREE_PULL_RUN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "manifest/companion.h"
#include "manifest/inode.h"
#include "manifest/release.h"
#include "manifest/trust.h"
#include "tree/evidence.h"
#include "tree/proven.h"
#include "tree/pull.h"
#include "tree/source.h"
#include "tree/state.h"

#define PLACE_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

/* Names in the sibling folder. */
#define STAGED_NAME   "new"  /* the tree that is being built; after the exchange for a moment the old one */
#define PARKED_NAME   "old"  /* the old tree, until its evidence is taken */
#define MENDED_NAME   "mend" /* mend.h: single names that are made anew; what stood there, once they are exchanged */
#define LEFTOVER_NAME "left" /* a tree that an interrupted pull was building: a source of contents, no more */
/* "stuck.N": what is left of an old tree that could not be removed (a read-only subvolume, a swap file in use). */

/*
 * Where one root lives: the folder above DEST, the sibling folder beside it, and what stands at DEST. Everything below
 * is reached through these descriptors; the path is for words.
 */
struct place {
        char name[RELEASE_NAME_SIZE];
        char folder[PATH_MAX];   /* DEST, absolute */
        char base[NAME_MAX + 1]; /* its last part */
        char real[PATH_MAX];     /* DEST, with no link in the folders above it */
        int parent;              /* the folder above */
        char sibling_name[NAME_MAX + 1];
        int sibling;        /* -1: not made yet */
        bool exists;        /* something stands at DEST */
        struct statx found; /* what it is; meaningful if it exists */
        int live;           /* opened, when it is a folder; else -1 */
        int staged;         /* the new tree's folder; -1: not built */
        uint64_t staged_inode;
        bool exchanged;
        bool parked; /* the old tree has PARKED_NAME by now */
};

void place_init(struct place *place);
void place_done(struct place *place);

/* Opens the parent and looks at what stands at DEST. Makes nothing. A mount point is refused (4). */
int place_open(struct place *place, const char *name, const char *folder, struct error *err);

/* Looks again at what stands at DEST (after an exchange). */
int place_look(struct place *place, struct error *err);

/* Makes or opens the sibling folder: ours, 0700, on the parent's file system, else refused (4). `make` false: -ENOENT
 * when there is none. */
int place_sibling(struct place *place, bool make, struct error *err);

/* Makes the name PARKED_NAME free. What cannot be removed is put aside as "stuck.N": an intruder must not be able to
 * stop the next pull with it. */
int place_clear_parked(struct place *place, struct error *err);

/* Tries again to remove what was put aside; how many are left. */
unsigned int place_remove_stuck(struct place *place);

/* Removes the sibling folder when it is empty; anything else stays. */
void place_sibling_done(struct place *place);

/* One root of the wanted release, on its way. */
struct pull_root {
        const struct release_root *released; /* in run->release */
        struct place place;
        bool known;                            /* this root was pulled to this folder before */
        char name_manifest[RELEASE_FILE_SIZE]; /* its file name, for words */
        int leftover;                          /* the tree that an interrupted pull was building; -1: none */
        int manifest;                          /* of the wanted release; checked against its digest */
        uint64_t entries;                      /* of it: files, folders and links */
        struct companion companion;
        int kept_manifest; /* of the release in place, checked; -1: none */
        struct companion kept_companion;
        struct verify_result before;
        bool compared;
        struct proven proven; /* live files that the comparison proved under a lease */
        struct proven linked; /* those that have a second name in the new tree, as they were right after that */
};

struct pull_run {
        struct state *state;
        const struct pull_options *options;
        struct pull_result *result;
        struct repository *repository;
        struct trust *trust;
        struct release release;
        struct choice choice;
        int kept_next;     /* STATE/dest/X/kept.next */
        bool kept_differs; /* kept/ is not, byte for byte, what kept.next/ has */
        bool same_release; /* the wanted one is the one in place */
        struct pull_root roots[RELEASE_ROOTS_MAXIMUM];
        size_t root_count;
        struct evidence *evidence; /* NULL until something differed */
        bool mending;              /* mend.json is there: the evidence is needed, whatever becomes of the run */
        struct stage *stage;
        struct pull_root *comparing; /* the one whose live tree is being compared */
        bool again;                  /* a file that was taken over by link is not what was verified any more */
        int reload;                  /* what came of the reload command: 0, or negative with the error */
        struct error reload_error;
        int64_t started;             /* seconds since 1970 */
};

/* A sentence for the person at the terminal. */
void pull_note(const struct pull_run *run, const char *format, ...) _printf_(2, 3);

/* The web server is reloaded as soon as the new tree is live: what it still holds open of the old one is served until
 * then, and the evidence and the removal can wait. That it failed is said at the end. */
void pull_reload(struct pull_run *run);

/* ---- areas.c: what the site itself writes ---- */

/* No area may lie in a tree that is exchanged, nor in the sibling folder of one: refused (4). Before anything is made.
 */
int areas_check(const struct pull_run *run, struct error *err);

/* Makes the folders that the links of mutable areas lead to, where they lie beside the tree. */
int areas_make(struct pull_run *run, struct pull_root *root, struct error *err);

/* Copies ignored paths from the live tree into the staged one, as far as their rules allow. */
int areas_carry_over(struct pull_run *run, struct pull_root *root, struct error *err);

/* ---- namespaces.c: who would go on serving the old tree ---- */

/* Web servers in another mount namespace, made by root, to whom the tree at `place` is a mount of its own: refused
 * (4). */
int namespaces_check(const struct place *place, struct error *err);

/* After the exchange: any that still see the inode `old` at DEST: refused (4), the caller exchanges back. */
int namespaces_check_exchanged(const struct place *place, const struct statx *old, struct error *err);

/* At the end, when servers were reloaded: any that still see something else over the tree, or the old one in the
 * namespace of an unprivileged user: refused (4), with the new tree in place. */
int namespaces_check_seen(const struct place *place, struct error *err);

/* ---- exchange.c ---- */

/* Runs the operator's test on the staged trees, standing at their final places in a private mount namespace. */
int exchange_check(struct pull_run *run, struct error *err);

/* Exchanges all roots in order; after a failure those that were exchanged already are exchanged back. */
int exchange_all(struct pull_run *run, struct error *err);

/* Exchanges one place whose staged tree stands ready; used by the recovery, too. */
int exchange_place(struct place *place, struct error *err);

int hook_run(const char *what, const char *command, struct error *err);

/* ---- settle.c ---- */

/* Finishes or undoes what a crashed run left, by looking at what is there. */
int settle_interrupted(struct pull_run *run, struct error *err);

/* Where DEST is exact, nothing in the sibling folder is of use any more: what a removal that failed left is removed. */
void settle_clean_up(struct pull_run *run, struct place *place);

/* Keeps what differed of the old tree, or of what a mend took out, which is called `parked` in the sibling folder; mounts in
 * it are noted and detached. */
int settle_take_evidence(struct pull_run *run, struct place *place, const char *parked, struct error *err);
/* Puts the evidence, if there is any, in its place. */
int settle_finish_evidence(struct pull_run *run, const struct evidence_head *head, struct error *err);

/* After the exchange: kept files, state, evidence, removal of the old trees. Each step may be done already. */
int settle(struct pull_run *run, struct place *places[], size_t count, struct error *err);

#endif
