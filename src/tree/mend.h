/*
 * mend.h - putting the names right that a guard found, before the whole tree is compared.
 *
 * To build and compare a whole fresh tree takes a second; who tampered with one page is served until then, or the page
 * is refused. So a pull asks the guard which names differ (options->differing), and puts those right first: each gets a
 * fresh inode, built beside the tree and proven like any file of a fresh tree, and the two are exchanged in one step.
 * Nothing that stands is written to. Then the web server is reloaded, what came out is kept as evidence, and the pull
 * goes on as ever: it compares the whole, and builds the fresh tree if anything still differs.
 *
 * A mend proves nothing. The server is not eligible, and nothing is called healed, before the comparison has ended.
 *
 *     SIBLING/mend/PATH     the fresh inode; after its exchange what stood at PATH
 *     STATE/dest/X/mend.json    which names and which fresh inodes, on disk before the first exchange
 *
 * An inode of mend.json that is still in SIBLING/mend was not exchanged; anything else there is evidence. A mend that was
 * killed is settled by the next pull, which does not go on with it but asks and looks anew.
 */
#ifndef TREE_MEND_H
#define TREE_MEND_H

#include "base/error.h"
#include "tree/pull_run.h"

/*
 * 0 also when nothing was mended, for whatever reason: what differs then the comparison finds. Negative when names were
 * exchanged and what came out could not be kept: the next pull goes on there.
 */
int mend(struct pull_run *run, struct error *err);

/* What a killed run left of a mend, before anything else is done to the trees. */
int mend_settle_interrupted(struct pull_run *run, struct error *err);

#endif
