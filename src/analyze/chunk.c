/* chunk.c - regions that are cut from the front, and lists of pieces that were given back. */
#include "chunk.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/fault.h"

#define PAGE_BYTES   ((size_t)4096)
#define HUGE_BYTES   ((size_t)2 << 20)
#define REGION_BYTES (4 * HUGE_BYTES)
#define STEP_BYTES   ((size_t)256 << 10) /* are faulted in at once */
#define PIECE_PAGES  ((size_t)16)        /* larger pieces are mapped by themselves: tables that grow, each size once */

struct piece {
        struct piece *next;
};

/* At the front of each region. */
struct region {
        struct region *next;
        void *mapped;
};

static struct {
        pthread_mutex_t lock;
        struct region *regions;
        char *at, *ready, *end; /* of the newest region: free from `at`, in memory up to `ready` */
        struct piece *given[PIECE_PAGES + 1];
        size_t taken; /* pieces that are in use */
} chunks = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t round_up(size_t bytes, size_t to)
{
        return (bytes + to - 1) & ~(to - 1);
}

static void *map(size_t bytes)
{
        void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return mapped == MAP_FAILED ? NULL : mapped;
}

/* What is left of the region before stays unused: less than the piece that did not fit. */
static bool add_region(void)
{
        char *mapped = map(REGION_BYTES + HUGE_BYTES), *begin;
        struct region *region;

        if (!mapped)
                return false;
        begin = mapped + (round_up((uintptr_t)mapped, HUGE_BYTES) - (uintptr_t)mapped);
        madvise(begin, REGION_BYTES, MADV_HUGEPAGE); /* refused: then with small ones */
        region = (struct region *)(void *)begin;
        *region = (struct region){ chunks.regions, mapped };
        chunks.regions = region;
        chunks.at = begin + PAGE_BYTES;
        chunks.ready = begin;
        chunks.end = begin + REGION_BYTES;
        return true;
}

static void *cut(size_t bytes)
{
        char *piece;

        if (bytes > (size_t)(chunks.end - chunks.at) && !add_region())
                return NULL;
        piece = chunks.at;
        chunks.at += bytes;
        while (chunks.ready < chunks.at) {
                madvise(chunks.ready, STEP_BYTES, MADV_POPULATE_WRITE); /* an older kernel: one by one, when touched */
                chunks.ready += STEP_BYTES;
        }
        return piece;
}

void *chunk_take(size_t bytes)
{
        size_t pages = round_up(bytes, PAGE_BYTES) / PAGE_BYTES;
        void *piece;

        if (fault_point(FAULT_ALLOCATE) || bytes > SIZE_MAX / 2)
                return NULL;
        if (pages > PIECE_PAGES) {
                piece = map(pages * PAGE_BYTES);
                if (piece)
                        madvise(piece, pages * PAGE_BYTES, MADV_POPULATE_WRITE);
                return piece;
        }
        pthread_mutex_lock(&chunks.lock);
        piece = chunks.given[pages];
        if (piece)
                chunks.given[pages] = chunks.given[pages]->next;
        else
                piece = cut(pages * PAGE_BYTES);
        chunks.taken += piece != NULL;
        pthread_mutex_unlock(&chunks.lock);
        return piece;
}

static void unmap_all(void)
{
        while (chunks.regions) {
                struct region *region = chunks.regions;

                chunks.regions = region->next;
                munmap(region->mapped, REGION_BYTES + HUGE_BYTES);
        }
        chunks.at = chunks.ready = chunks.end = NULL;
        for (size_t i = 0; i <= PIECE_PAGES; i++)
                chunks.given[i] = NULL;
}

void chunk_give(void *chunk, size_t bytes)
{
        size_t pages = round_up(bytes, PAGE_BYTES) / PAGE_BYTES;
        struct piece *piece = chunk;

        if (!piece)
                return;
        if (pages > PIECE_PAGES) {
                munmap(chunk, pages * PAGE_BYTES);
                return;
        }
        pthread_mutex_lock(&chunks.lock);
        piece->next = chunks.given[pages];
        chunks.given[pages] = piece;
        if (--chunks.taken == 0)
                unmap_all();
        pthread_mutex_unlock(&chunks.lock);
}
