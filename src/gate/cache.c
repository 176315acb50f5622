/* cache.c - a hash table of inodes over an array of descriptors. */

#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "lease.h"

#define SWEEP_SLOTS 4096 /* in one step */
#define SWEEP_FILES 64

void cache_init(struct cache *cache, int group, struct known *files, size_t size, int32_t *buckets, size_t bucket_count,
                size_t limit)
{
        *cache = (struct cache){ .files = files,
                                 .buckets = buckets,
                                 .mask = bucket_count - 1,
                                 .events = FAN_OPEN_PERM | GATE_PRE_ACCESS,
                                 .flushes = 1,
                                 .size = size,
                                 .sweep = size,
                                 .limit = limit,
                                 .group = group };
        for (size_t i = 0; i < bucket_count; i++)
                buckets[i] = -1;
}

static int32_t *bucket_of(const struct cache *cache, uint64_t device, uint64_t inode)
{
        uint64_t mixed = (inode ^ device << 40) * 0x9e3779b97f4a7c15; /* who chooses inodes cannot choose many */

        return &cache->buckets[mixed >> 20 & cache->mask];
}

struct known *cache_find(struct cache *cache, uint64_t device, uint64_t inode)
{
        for (int32_t i = *bucket_of(cache, device, inode); i >= 0; i = cache->files[i].next)
                if (cache->files[i].inode == inode && cache->files[i].device == device)
                        return &cache->files[i];
        return NULL;
}

struct known *cache_at(struct cache *cache, int fd)
{
        return fd >= 0 && (size_t)fd < cache->size && cache->files[fd].used ? &cache->files[fd] : NULL;
}

int cache_descriptor(const struct cache *cache, const struct known *known)
{
        return (int)(known - cache->files);
}

bool cache_marked(const struct cache *cache, const struct known *known)
{
        return known->marked == cache->flushes;
}

void cache_unmark(struct cache *cache, struct known *known)
{
        if (known->marked == cache->flushes) /* ENOENT: a modification took it */
                (void)fanotify_mark(cache->group, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, cache->events,
                                    cache_descriptor(cache, known), NULL);
        known->marked = 0;
}

void cache_mark(struct cache *cache, struct known *known)
{
        const unsigned int flags = FAN_MARK_ADD | FAN_MARK_IGNORED_MASK;
        const int fd = cache_descriptor(cache, known);
        int r = fanotify_mark(cache->group, flags, cache->events, fd, NULL);

        if (r < 0 && errno == EINVAL && cache->events != FAN_OPEN_PERM) {
                cache->events = FAN_OPEN_PERM; /* this kernel, or this group, does not ask before each read */
                r = fanotify_mark(cache->group, flags, cache->events, fd, NULL);
        }
        if (r == 0) { /* else it is asked again: slower, as safe */
                known->marked = cache->flushes;
                cache->marks++;
        }
}

void cache_flush(struct cache *cache)
{
        if (cache->marks == 0)
                return;
        (void)fanotify_mark(cache->group, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL); /* of inodes alone */
        cache->flushes++;
        cache->marks = 0;
}

void cache_drop(struct cache *cache, struct known *known)
{
        const int fd = cache_descriptor(cache, known);
        int32_t *link = bucket_of(cache, known->device, known->inode);

        cache_unmark(cache, known);
        lease_drop(fd);
        close(fd);
        while (*link != fd)
                link = &cache->files[*link].next;
        *link = known->next;
        known->used = false;
        cache->count--;
}

/* Second chance: the hand passes over who was opened since it came by last. (Opens of marked files are not seen.) */
static void evict(struct cache *cache)
{
        for (;;) {
                struct known *known = &cache->files[cache->hand];

                cache->hand = (cache->hand + 1) % cache->size;
                if (!known->used)
                        continue;
                if (!known->recent) {
                        cache_drop(cache, known);
                        return;
                }
                known->recent = false;
        }
}

struct known *cache_add(struct cache *cache, int fd, const struct known *what)
{
        struct known *known = cache_find(cache, what->device, what->inode);
        int32_t *bucket = bucket_of(cache, what->device, what->inode);

        if (known)
                cache_drop(cache, known);
        else if (cache->count >= cache->limit)
                evict(cache);
        known = &cache->files[fd];
        *known = *what;
        known->used = true;
        known->recent = false;
        known->marked = 0;
        known->parting_ms = 0;
        known->next = *bucket;
        *bucket = fd;
        cache->count++;
        return known;
}

bool cache_counts(const struct cache *cache, const struct known *known)
{
        return known->generation >= cache->minimum[known->tree];
}

void cache_forget(struct cache *cache, uint32_t tree, uint64_t before)
{
        if (cache->minimum[tree] >= before)
                return;
        cache->minimum[tree] = before;
        cache_flush(cache);
        cache->sweep = 0;
}

bool cache_sweep(struct cache *cache)
{
        int dropped = 0;

        for (int i = 0; i < SWEEP_SLOTS && dropped < SWEEP_FILES && cache->sweep < cache->size; i++) {
                struct known *known = &cache->files[cache->sweep++];

                if (known->used && !cache_counts(cache, known)) {
                        cache_drop(cache, known);
                        dropped++;
                }
        }
        return cache->sweep < cache->size;
}
