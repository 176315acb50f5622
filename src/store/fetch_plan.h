/*
 * fetch_plan.h - from which pack each wanted object comes, and in which ranges a pack is read. Pure: data to data.
 */
#ifndef STORE_FETCH_PLAN_H
#define STORE_FETCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "store/pack.h"

/* A wanted object as the helper keeps it. */
struct plan_object {
        struct digest object;
        uint64_t size;
        struct digest base;
        uint64_t base_size; /* PLAN_NO_BASE: none */
        uint64_t offset;    /* where it lies in that pack */
        uint64_t stored;    /* bytes of it there */
        uint32_t index;     /* the caller's number for it */
        uint32_t pack;      /* where it was located; PLAN_NOWHERE at first */
        bool delta;         /* as a difference from base */
        bool done;          /* it was delivered */
};

#define PLAN_NO_BASE UINT64_MAX
#define PLAN_NOWHERE UINT32_MAX

/* By digest, so that indexes (sorted, too) are merged in one pass. */
void plan_sort_objects(struct plan_object *objects, size_t count);

/* Locates what this index has: whole objects that are located nowhere yet, and differences (when `deltas`) where the
 * base is at hand and fewer bytes have to come. An index that says another size than the release's manifest lies:
 * -EBADMSG with words. Returns how many are located nowhere still. */
int plan_locate(struct plan_object *objects, size_t count, const struct pack_index *index, uint32_t pack, bool deltas,
                size_t *ret_missing, struct error *err);

/* The objects that come from `pack`, by offset; the caller frees *ret_order. */
int plan_order(const struct plan_object *objects, size_t count, uint32_t pack, uint32_t **ret_order, size_t *ret_count,
               struct error *err);

/* The gap up to which two ranges are read as one, so that no more than `maximum` requests are made (or the smallest
 * power of two that comes near), at least FETCH_GAP. */
uint64_t plan_gap(const struct plan_object *objects, const uint32_t *order, size_t count, size_t maximum);

/* The end of the range that begins with order[first]; *ret_next is the first object behind it. */
uint64_t plan_range(const struct plan_object *objects, const uint32_t *order, size_t count, size_t first, uint64_t gap,
                    size_t *ret_next);

#endif
