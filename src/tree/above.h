/*
 * above.h - what lies above a tree and steers the web server in it: Apache obeys .htaccess files in every folder from
 * the root of the file system down, where it allows overrides. None of them is part of a release, so they are no
 * differences, and pull never touches them; but somebody must be told.
 */
#ifndef TREE_ABOVE_H
#define TREE_ABOVE_H

#include <stdbool.h>

#include "base/error.h"

/* Looks in `folder`, the one above the tree, and in all above that. True when there is such a file: what to tell a
 * person is in `sentence` then. */
bool above_steers(int folder, const char *tree, char sentence[static ERROR_TEXT_SIZE]);

#endif
