/* proven.c - a set of inodes with their ctimes. */
#include "tree/proven.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void proven_init(struct proven *proven)
{
        memset(proven, 0, sizeof(*proven));
        pthread_mutex_init(&proven->mutex, NULL);
}

void proven_done(struct proven *proven)
{
        free(proven->inodes);
        proven->inodes = NULL;
        proven->count = proven->capacity = 0;
        pthread_mutex_destroy(&proven->mutex);
}

static int grow(struct proven *proven)
{
        size_t capacity = proven->capacity ? proven->capacity * 2 : 1024;
        struct proven_inode *inodes = memory_resize(proven->inodes, capacity, sizeof(*inodes));

        if (!inodes)
                return -ENOMEM;
        proven->inodes = inodes;
        proven->capacity = capacity;
        return 0;
}

int proven_add(struct proven *proven, const struct statx *stx)
{
        int r = 0;

        pthread_mutex_lock(&proven->mutex);
        if (proven->count == proven->capacity)
                r = grow(proven);
        if (r == 0)
                proven->inodes[proven->count++] =
                        (struct proven_inode){ stx->stx_ino, stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec };
        proven->sorted = false;
        pthread_mutex_unlock(&proven->mutex);
        return r;
}

static int compare_inodes(const void *a, const void *b)
{
        const struct proven_inode *one = a, *other = b;

        return one->inode < other->inode ? -1 : one->inode > other->inode;
}

void proven_sort(struct proven *proven)
{
        if (proven->count > 0)
                qsort(proven->inodes, proven->count, sizeof(*proven->inodes), compare_inodes);
        proven->sorted = true;
}

enum proven_state proven_look(const struct proven *proven, const struct statx *stx)
{
        const struct proven_inode key = { .inode = stx->stx_ino };
        const struct proven_inode *found;

        assert(proven->sorted || proven->count == 0);
        if (proven->count == 0)
                return PROVEN_UNKNOWN;
        found = bsearch(&key, proven->inodes, proven->count, sizeof(*proven->inodes), compare_inodes);
        if (!found)
                return PROVEN_UNKNOWN;
        return found->seconds == stx->stx_ctime.tv_sec && found->nanoseconds == stx->stx_ctime.tv_nsec ? PROVEN_SAME
                                                                                                       : PROVEN_CHANGED;
}
