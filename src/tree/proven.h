/*
 * proven.h - inodes whose content was proven under a read lease, so that they need not be read again.
 *
 * An inode counts as unchanged since then when its ctime is the same and a read lease on it can be had again: every way
 * to change its bytes needs a descriptor opened for writing (none was open while it was hashed), and sets the ctime.
 * Inodes that had been changed within the last seconds are not taken up: a coarse clock could give a second change the
 * same ctime.
 */
#ifndef TREE_PROVEN_H
#define TREE_PROVEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct proven_inode {
        uint64_t inode;
        int64_t seconds; /* ctime */
        uint32_t nanoseconds;
};

/* Of one file system. */
struct proven {
        pthread_mutex_t mutex;
        struct proven_inode *inodes;
        size_t count, capacity;
        bool sorted;
};

void proven_init(struct proven *proven);
void proven_done(struct proven *proven);

/* Any thread, but not while others look up. 0 or -ENOMEM. */
int proven_add(struct proven *proven, const struct statx *stx);

/* Before the first look-up. */
void proven_sort(struct proven *proven);

enum proven_state {
        PROVEN_UNKNOWN, /* never taken up */
        PROVEN_CHANGED, /* another ctime */
        PROVEN_SAME,
};
enum proven_state proven_look(const struct proven *proven, const struct statx *stx);

#endif
