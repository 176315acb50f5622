/* fetch_plan.c - which bytes of which packs bring all wanted objects for little. */

#include "fetch_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "store/fetch.h"

static int compare_objects(const void *a, const void *b)
{
        const struct plan_object *x = a, *y = b;

        return memcmp(x->object.bytes, y->object.bytes, DIGEST_SIZE);
}

void plan_sort_objects(struct plan_object *objects, size_t count)
{
        if (count > 1)
                qsort(objects, count, sizeof(*objects), compare_objects);
}

/* Whether the entry of this pack is better than what the object has so far. */
static bool improves(const struct plan_object *object, const struct pack_entry *entry, bool delta)
{
        if (delta && (object->base_size == PLAN_NO_BASE || !digest_equal(&object->base, &entry->base)))
                return false;
        return object->pack == PLAN_NOWHERE || (object->delta != delta && entry->stored < object->stored);
}

int plan_locate(struct plan_object *objects, size_t count, const struct pack_index *index, uint32_t pack, bool deltas,
                size_t *ret_missing, struct error *err)
{
        size_t at = 0, missing = 0;

        for (size_t i = 0; i < count; i++) {
                struct plan_object *object = &objects[i];
                const struct pack_entry *entry;
                char hex[DIGEST_HEX_SIZE];

                while (at < index->count &&
                       memcmp(index->entries[at].object.bytes, object->object.bytes, DIGEST_SIZE) < 0)
                        at++;
                entry = at < index->count ? &index->entries[at] : NULL;
                if (!object->done && entry && (deltas || !index->delta) &&
                    digest_equal(&entry->object, &object->object) && improves(object, entry, index->delta)) {
                        if (entry->size != object->size) {
                                digest_hex(&object->object, hex);
                                return error_set(err, -EBADMSG,
                                                 _("an index of the repository says that object %.16s has %llu bytes, "
                                                   "but the release says %llu"),
                                                 hex, (unsigned long long)entry->size,
                                                 (unsigned long long)object->size);
                        }
                        object->pack = pack;
                        object->delta = index->delta;
                        object->offset = entry->offset;
                        object->stored = entry->stored;
                }
                missing += !object->done && object->pack == PLAN_NOWHERE;
        }
        *ret_missing = missing;
        return 0;
}

static int compare_offsets(const void *a, const void *b, void *context)
{
        const struct plan_object *objects = context;
        uint64_t x = objects[*(const uint32_t *)a].offset, y = objects[*(const uint32_t *)b].offset;

        return x < y ? -1 : x > y;
}

int plan_order(const struct plan_object *objects, size_t count, uint32_t pack, uint32_t **ret_order, size_t *ret_count,
               struct error *err)
{
        size_t found = 0;
        uint32_t *order;

        for (size_t i = 0; i < count; i++)
                found += !objects[i].done && objects[i].pack == pack;
        order = memory_new(found ? found : 1, sizeof(*order));
        if (!order)
                return error_memory(err);
        found = 0;
        for (size_t i = 0; i < count; i++) {
                if (!objects[i].done && objects[i].pack == pack)
                        order[found++] = (uint32_t)i;
        }
        if (found > 1)
                qsort_r(order, found, sizeof(*order), compare_offsets, (void *)(uintptr_t)objects);
        *ret_order = order;
        *ret_count = found;
        return 0;
}

uint64_t plan_range(const struct plan_object *objects, const uint32_t *order, size_t count, size_t first, uint64_t gap,
                    size_t *ret_next)
{
        uint64_t end = objects[order[first]].offset + objects[order[first]].stored;
        size_t next = first + 1;

        while (next < count && objects[order[next]].offset - end < gap) {
                end = objects[order[next]].offset + objects[order[next]].stored;
                next++;
        }
        *ret_next = next;
        return end;
}

uint64_t plan_gap(const struct plan_object *objects, const uint32_t *order, size_t count, size_t maximum)
{
        uint64_t gap = FETCH_GAP;

        for (;; gap *= 2) {
                size_t ranges = 0;

                for (size_t next = 0; next < count; ranges++)
                        plan_range(objects, order, count, next, gap, &next);
                if (ranges <= maximum)
                        return gap;
        }
}
