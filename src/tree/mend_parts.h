/* mend_parts.h - what mend.c and mend_settle.c share. */
#ifndef TREE_MEND_PARTS_H
#define TREE_MEND_PARTS_H

#include "tree/look.h"
#include "tree/mend.h"
#include "tree/mend_plan.h"
#include "tree/stage.h"

struct mend_name {
        struct place *place;
        struct pull_root *root;    /* NULL when it is a killed run's */
        char path[PATH_MAX];       /* raw, below the root */
        uint64_t inode;            /* of the fresh one; 0: there is none */
        enum mend_step step;       /* with a root, as are: */
        const struct entry *entry; /* of the index */
        struct look look;          /* what was seen */
};

struct mend {
        struct pull_run *run;
        int64_t time;
        struct mend_name *names; /* room for PULL_MEND_NAMES */
        size_t count;
        struct index *index[RELEASE_ROOTS_MAXIMUM]; /* by root, when it was needed */
        struct stage *stage;
};

/* Splits a path at its last slash: the folder ("." for none), and the name in `path`. */
const char *mend_split(const char *path, char folder[static PATH_MAX]);

/* mend.json, on the disk. */
int mend_record(const struct mend *mend, struct error *err);
int mend_drop_record(const struct mend *mend, struct error *err);

/* Fresh inodes that did not get to their places go; all else in SIBLING/mend becomes evidence, and then it and the
 * record are gone. */
int mend_settle(struct mend *mend, struct error *err);

#endif
