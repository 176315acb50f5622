/*
 * memory.h - allocation with a fault point, and frees for cleanup attributes.
 *
 * There is no "allocate or die": a long-running guard must survive a moment without memory. Everything that grows on
 * outside input is bounded by its owner; these functions only multiply safely.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

#include "attributes.h"

/* Zeroed memory for count elements, NULL when there is none (or count * size overflows). The caller frees. */
void *memory_new(size_t count, size_t size) _must_check_;

/* Resizes to count elements; on failure returns NULL and the old block stays valid. New bytes are not zeroed. */
void *memory_resize(void *block, size_t count, size_t size) _must_check_;

/*
 * Room for one more member behind the `count` of a list: `list` is the address of the pointer to its first member (NULL
 * at first), which is replaced. For lists that only grow by this: the room doubles when count is a power of two.
 * 0 or -ENOMEM (the list stays valid).
 */
int memory_grow(void *list, size_t count, size_t size) _must_check_;

/* A copy of `length` bytes with a NUL behind them; NULL when there is no memory. The caller frees. */
char *memory_copy(const void *bytes, size_t length) _must_check_;

/* A copy of a string. */
char *memory_string(const char *text) _must_check_;

/* Overwrites secrets so that the compiler cannot leave it out. */
void memory_wipe(void *bytes, size_t length);

/* For `_cleanup_(memory_freep) char *name = NULL;` */
static inline void memory_freep(void *pointer)
{
        void *block = *(void **)pointer;

        free(block);
}

#endif
