/*
 * names.h - the names of a DEST that were found to differ and that a pull may put right by themselves (tree/mend.h).
 *
 * Found, handed out to a pull that asked, forgotten when that says that it is done. More than fit, or one that is no
 * single name, make the list useless until it is cleared: then a fresh tree is built.
 */
#ifndef GUARD_NAMES_H
#define GUARD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "tree/pull.h"

struct names {
        struct {
                uint64_t hash;         /* the caller's, of tree and path */
                struct pull_name name;
                bool handed;
        } of[PULL_MEND_NAMES];
        size_t count;
        bool useless;
};

/* "" is the tree itself, which is not mended. One that is there already stays there once. */
void names_add(struct names *names, uint64_t hash, const char *root, const char *path);

/* The lines of an answer (handover.h); none when the list is useless, or does not fit. */
void names_hand_out(struct names *names, struct buffer *text);

/* The names that were handed out are put right: calls back with the hash of each, and forgets it. */
void names_mended(struct names *names, void (*each)(void *context, uint64_t hash), void *context);

void names_clear(struct names *names);

#endif
