/*
 * stage.h - building the fresh trees beside the old ones.
 *
 * Every inode is new. Contents come from the live tree (by reflink, copy or, for large trees, link), from what an
 * interrupted pull had built, and from the repository; whatever the source, each file's bytes are proven while or after
 * they are in place. Nobody else can reach the staged tree: it stands in a 0700 folder of ours.
 */
#ifndef TREE_STAGE_H
#define TREE_STAGE_H

#include "base/error.h"
#include "tree/pull_run.h"

struct stage;

int stage_new(struct pull_run *run, struct stage **ret_stage, struct error *err);
void stage_free(struct stage *stage);

/* Builds all roots of run, up to and including the sync to disk. On failure what is there stays, for stage_discard() or
 * the next run. */
int stage_build(struct stage *stage, struct error *err);

/* Removes the staged trees and sibling folders. */
void stage_discard(struct pull_run *run);

/*
 * After the exchange, when the old names are out of reach: whether every file that was taken over by link is still what
 * was verified (nobody can write it, and nobody did). 0: yes; -ESTALE: no, pull again by copy.
 */
int stage_check_links(struct stage *stage, struct error *err);

#endif
