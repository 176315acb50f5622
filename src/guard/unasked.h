/*
 * unasked.h - a tree seen through a mount of our own, about which the kernel asks nobody.
 *
 * A comparison reads every file, and under a closed gate each of them would be a question to it first: what is compared in
 * a second would take ten, and the web server's questions would wait among them. So the comparison reads through a clone of
 * the tree's mount (open_tree(2), OPEN_TREE_CLONE) on which the group has an ignore mark (fanotify_mark(2)). The clone is
 * attached nowhere: nobody else has files open through it, and nobody comes to it but by a descriptor of this process,
 * which only root can take. It shows what was mounted in the tree when it was made; those mounts have no mark of their own
 * and are asked about as ever.
 */
#ifndef GUARD_UNASKED_H
#define GUARD_UNASKED_H

#include <stdint.h>

/* A descriptor of the same folder in a new clone, for the caller to close; `group` has no say in these events of it. What
 * is open through the clone keeps it alive. -errno where the kernel makes none, as for a mount that may not be bound. */
int unasked_open(int group, uint64_t events, int folder);

#endif
