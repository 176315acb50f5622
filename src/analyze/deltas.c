/* deltas.c - a table by (bucket, dimension, name). */
#include "deltas.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"
#include "base/memory.h"

#define FIRST_SLOTS 1024
#define USED        (UINT64_C(1) << 63)

void deltas_done(struct deltas *deltas)
{
        free(deltas->slots);
        deltas->slots = NULL;
        deltas->mask = deltas->count = 0;
        memset(deltas->ahead, 0, sizeof(deltas->ahead));
}

void deltas_clear(struct deltas *deltas)
{
        if (deltas->slots)
                memset(deltas->slots, 0, (deltas->mask + 1) * sizeof(*deltas->slots));
        memset(deltas->ahead, 0, sizeof(deltas->ahead));
        deltas->count = 0;
        deltas->failed = false;
}

static size_t place_of(size_t mask, uint64_t key)
{
        return (size_t)hash_mix(key, UINT64_C(0x9e3779b97f4a7c15)) & mask;
}

static struct delta_slot *look(struct delta_slot *slots, size_t mask, uint64_t key)
{
        size_t at = place_of(mask, key);

        while (slots[at].key && slots[at].key != key)
                at = (at + 1) & mask;
        return &slots[at];
}

static bool grow(struct deltas *deltas)
{
        size_t mask = deltas->slots ? deltas->mask * 2 + 1 : FIRST_SLOTS - 1;
        struct delta_slot *slots = memory_new(mask + 1, sizeof(*slots));

        if (!slots)
                return false;
        for (size_t i = 0; deltas->slots && i <= deltas->mask; i++)
                if (deltas->slots[i].key)
                        *look(slots, mask, deltas->slots[i].key) = deltas->slots[i];
        free(deltas->slots);
        deltas->slots = slots;
        deltas->mask = mask;
        return true;
}

static uint64_t key_of(unsigned int bucket, unsigned int dimension, uint32_t name)
{
        return USED | (uint64_t)bucket << 40 | (uint64_t)dimension << 32 | name;
}

/* NULL without memory, which is noted. */
static struct delta_slot *slot_of(struct deltas *deltas, uint64_t key)
{
        struct delta_slot *slot;

        if ((!deltas->slots || deltas->count * 2 > deltas->mask) && !grow(deltas)) {
                deltas->failed = true;
                return NULL;
        }
        slot = look(deltas->slots, deltas->mask, key);
        deltas->count += !slot->key;
        slot->key = key;
        return slot;
}

void deltas_add(struct deltas *deltas, unsigned int bucket, unsigned int dimension, uint32_t name,
                const struct delta *delta)
{
        struct delta_slot *slot = slot_of(deltas, key_of(bucket, dimension, name));

        if (!slot)
                return;
        slot->delta.hits += delta->hits;
        slot->delta.visitors += delta->visitors;
        slot->delta.visits += delta->visits;
        slot->delta.bytes += delta->bytes;
        slot->delta.bot_hits += delta->bot_hits;
        slot->delta.errors += delta->errors;
}

static void take_ahead(struct deltas *deltas, unsigned int at)
{
        struct delta_slot *slot = deltas->ahead[at] ? slot_of(deltas, deltas->ahead[at]) : NULL;

        deltas->ahead[at] = 0;
        if (slot)
                slot->delta.visitors++;
}

void deltas_visitor(struct deltas *deltas, unsigned int bucket, unsigned int dimension, uint32_t name)
{
        uint64_t key = key_of(bucket, dimension, name);
        unsigned int at = deltas->ahead_next++ % DELTAS_AHEAD;

        take_ahead(deltas, at);
        deltas->ahead[at] = key;
        if (deltas->slots)
                __builtin_prefetch(&deltas->slots[place_of(deltas->mask, key)], 1);
}

void deltas_settle(struct deltas *deltas)
{
        for (unsigned int i = 0; i < DELTAS_AHEAD; i++)
                take_ahead(deltas, i);
}
