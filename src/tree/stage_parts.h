/*
 * stage_parts.h - what the files of stage share: items of work and the three ways to fill one.
 */
#ifndef TREE_STAGE_PARTS_H
#define TREE_STAGE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "manifest/entry.h"
#include "tree/copy.h"
#include "tree/pull_run.h"
#include "tree/stage.h"

#define STAGE_THREADS_MAXIMUM 8
#define STAGE_CHUNK           4096  /* files that are handed to the workers at once */
#define STAGE_HELD_MAXIMUM    16384 /* leases on linked files that are held at a time; a quarter of the descriptors at most */

/* A file (or folder) of the new tree that is still to be filled. */
struct stage_item {
        struct pull_root *root;
        char *path; /* owned by the list it is in */
        enum entry_type type;
        uint32_t mode, uid, gid;
        int64_t size, time;
        struct digest digest;
        bool in_live; /* the live tree should have this content at this path */
        bool has_old; /* the release in place has another file at this path: a base for a difference */
        struct digest old_digest;
        int64_t old_size;
        bool done;
};

struct stage_list {
        struct stage_item *items;
        size_t count, capacity;
};

struct stage_flush;

struct stage {
        struct pull_run *run;
        unsigned int threads;
        struct copier *copiers[STAGE_THREADS_MAXIMUM];
        struct stage_list jobs;    /* the chunk that the workers fill */
        struct stage_list missing; /* what no source here had */
        struct stage_list folders; /* of all roots, parents first */
        atomic_size_t next_job;
        atomic_bool failed;
        atomic_bool clone;           /* the file system can share blocks, as far as we know */
        bool link;                   /* unchanged files are given a second name */
        atomic_bool linked;          /* some were */
        atomic_bool lost;            /* the lease on a linked file: it will not be what was proven */
        atomic_ullong written;       /* bytes that are on their way to the disk, or there */
        struct stage_flush *flusher; /* NULL until there is something worth it */
        pthread_mutex_t mutex;
        int *held; /* linked files, each under its lease until the clock has moved on; room for held_room */
        size_t held_count, held_room;
        struct error error; /* the first one, of any worker */
        uint64_t done, total;
};

/* An item of an entry, and back (borrowing its path). 0 or -ENOMEM. */
int stage_item_init(struct stage_item *item, const struct entry *entry, struct pull_root *root);
void stage_item_entry(const struct stage_item *item, struct entry *ret_entry);
void stage_item_done(struct stage_item *item);

/* Appends; the list takes what the item owns on success. 0 or -ENOMEM. */
int stage_list_add(struct stage_list *list, const struct stage_item *item);
void stage_list_done(struct stage_list *list);

void stage_progress(struct stage *stage, const char *what, uint64_t done);

/* Opens the item's file in the new tree for writing, making it. */
int stage_create(const struct stage_item *item, int flags, struct error *err);

/* Gives it owner, mode, attributes and time. */
int stage_apply(const struct stage_item *item, int fd, struct error *err);
/* The same for anything else in the new tree of a root. */
int stage_apply_entry(const struct pull_root *root, int fd, const struct entry *entry,
                      const struct attributes *attributes, struct error *err);

/* work(member) for each of `count` members of `size` bytes, at most STAGE_THREADS_MAXIMUM, and at least for the first: that one
 * here, each other in a thread of its own, or here as well where none could be had. */
void stage_in_threads(void *(*work)(void *), void *members, size_t size, unsigned int count);

/* The workers fill stage->jobs, each taking the next one, from the live tree and from what an interrupted pull left.
 * What neither had is in stage->missing then. */
int stage_run_jobs(struct stage *stage, struct error *err);

/* So many bytes more were written: from time to time they are sent to the disk, in the background (stage_flush.c). Any
 * thread. */
void stage_written(struct stage *stage, uint64_t bytes);

/* Ends that, before the sync that counts. */
void stage_flush_end(struct stage *stage);

/* Tries a file below a folder as the source; item->done says whether it was the content. */
int stage_copy_from(struct stage *stage, struct copier *copier, struct stage_item *item, int folder, const char *path,
                    struct error *err);

/* How unchanged files are taken over, when the sibling folders are there. stage_link.c has these. */
void stage_choose_way(struct stage *stage);

/* Takes the live file over without reading it, if it was proven and is unchanged; item->done says whether. */
int stage_take_live(struct stage *stage, struct stage_item *item, struct error *err);

/* Gives the leases on linked files back, when a change from then on has another ctime than the link. */
void stage_release_links(struct stage *stage);

/* Fills everything in stage->missing: from other paths of the live tree, from the repository, from each other
 * (stage_fetch.c). */
int stage_fetch(struct stage *stage, struct error *err);

#endif
