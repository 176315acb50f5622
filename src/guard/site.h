/*
 * site.h - one DEST under guard: its trees, and the release that they are compared with.
 *
 * The release comes from the state that the last pull left (its signatures are checked again), or from a pull that is
 * about to exchange. It is held by reference: an examination that runs in a thread keeps the one that it began with.
 */
#ifndef GUARD_SITE_H
#define GUARD_SITE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tree/index.h"
#include "tree/look.h"
#include "tree/reference.h"
#include "tree/state.h"

enum guard_mode {
        GUARD_OBSERVE, /* told and journaled */
        GUARD_REFUSE,  /* and what differs cannot be opened */
        GUARD_HEAL,    /* and a pull puts it right */
};

/* "observe", "refuse", "heal"; NULL for any other number. */
const char *guard_mode_name(enum guard_mode mode);
/* A usage error with the list of words. */
int guard_mode_parse(const char *word, enum guard_mode *ret_mode, struct error *err);

/* ---- a release in memory ---- */

struct site_release {
        atomic_int holders;
        struct reference *reference;
        struct index *index[RELEASE_ROOTS_MAXIMUM]; /* beside reference->roots */
};

/* Takes the reference over, also on failure. */
int site_release_new(struct reference *reference, struct site_release **ret_release, struct error *err);
struct site_release *site_release_hold(struct site_release *release);
void site_release_drop(struct site_release *release); /* NULL is fine */

/* The root of this name; RELEASE_ROOTS_MAXIMUM when there is none. */
size_t site_release_root(const struct site_release *release, const char *name);

/* ---- a tree ---- */

struct site_tree {
        unsigned int number; /* among all trees under guard: what gate and watch call it */
        /* The same for the gate alone: the tree that a pull has made ready, and the old one behind the exchange, in which
         * somebody may still have files open. Not for areas. */
        unsigned int staged_number, parked_number;
        bool area;           /* a mutable area: rules, no manifest */
        bool gone;           /* the release in place has it no more: nothing is asked of it, the number is free */
        bool fresh;          /* taken up by the last site_follow() */
        bool listed;         /* within it: seen */
        unsigned int allow;  /* of an area */
        char name[RELEASE_NAME_SIZE];
        char folder[PATH_MAX]; /* as configured, absolute */
        char real[PATH_MAX];   /* with no link in the folders above it */
        enum guard_mode mode;
        int root;       /* descriptor; -1: it is not there */
        uint64_t mount; /* statx mount id */
        uint64_t inode;
};

#define SITE_TREES 32 /* roots and areas of one DEST */

struct site {
        struct state *state; /* what was read at the start; its lock is given back */
        /* In place; of a pull that is about to exchange; before the last exchange. */
        struct site_release *release, *next, *previous;
        struct site_tree trees[SITE_TREES];
        size_t tree_count;
        uint64_t generation; /* of the trees in place; grows with each exchange */
};

/* What the trees of one guard share. */
struct site_plan {
        enum guard_mode (*mode_of)(const void *context, const char *root);
        const void *context;
        unsigned int next_number; /* of a tree */
};

/* Reads what the last pull of DEST left and opens its trees. A DEST that was never pulled is a usage error. */
int site_open(const char *state_directory, const char *dest, const struct public_key *pub, struct site_plan *plan,
              struct site *ret_site, struct error *err);
void site_close(struct site *site);

/*
 * Takes up the roots and mutable areas that the release in place has and the one before had not, with the rules that they
 * have now, and marks those as gone that it has no more. -E2BIG with words when there are too many: those that fit are
 * there.
 */
int site_follow(struct site *site, struct site_plan *plan, struct error *err);

/* Reads from the state where the roots lie now: 1 when that has changed, 0 when not, -EBUSY while a pull is at work. */
int site_read_roots(struct site *site, const char *state_directory, struct error *err);

/* Opens what stands at the trees' places now. A tree that is not there, or is something else, gets the descriptor -1. */
void site_look_again(struct site *site);
void site_look_again_at(struct site_tree *tree);

/* The tree with this number; NULL: it is another site's. */
struct site_tree *site_tree(struct site *site, unsigned int number);

/* What look_at() needs of a tree in the release in place; false for an area, and for a tree that is not there. */
bool site_look_tree(const struct site *site, const struct site_tree *tree, struct look_tree *ret_look);

/* The next release is the one in place from now on. */
void site_advance(struct site *site);

#endif
