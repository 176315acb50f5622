/*
 * tally_limit.c - what gives when memory is short: rare names are put together as "(other)", and only a part of the
 * visitors is followed.
 *
 * Which visitors are followed is decided by their hash, so it is the same ones whoever counts what; numbers of visitors
 * and hosts come from sketches then, which saw all of them. The summary says all this.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"
#include "analyze/tally_private.h"
#include "base/memory.h"

#define LEVEL_MAXIMUM 24
#define LEAST_NAMES   (2U << 20) /* an empty table is not folded for ever */

static uint64_t visitor_bytes(const struct tally *tally)
{
        uint64_t bytes = 0;

        for (size_t i = 0; i < VISITOR_SHARDS; i++)
                bytes += visitors_bytes(&tally->shards[i]);
        bytes += tally->reached.capacity * sizeof(*tally->reached.list);
        return bytes;
}

static uint64_t visitor_count(const struct tally *tally)
{
        uint64_t count = 0;

        for (size_t i = 0; i < VISITOR_SHARDS; i++)
                count += visitors_count(&tally->shards[i]);
        return count;
}

int tally_sketch(struct tally *tally, struct error *err)
{
        if (tally->sketches)
                return 0;
        tally->sketches = memory_new(1, sizeof(*tally->sketches));
        if (!tally->sketches)
                return error_memory(err);
        for (size_t shard = 0; shard < VISITOR_SHARDS; shard++) {
                for (uint32_t i = 0; i < visitors_count(&tally->shards[shard]); i++) {
                        const struct visitor *visitor = visitors_at(&tally->shards[shard], i);
                        const struct name *agent = name_table_by_id(&tally->names, visitor->agent);
                        uint64_t address = visitor_address_hash(tally, &tally->shards[shard], visitor);
                        uint64_t key = visitor_key(address, agent->hash, visitor_day(visitor));

                        sketch_add(&tally->sketches->hosts, address);
                        if (!visitor->visited)
                                continue;
                        sketch_add(&tally->sketches->visitors, key);
                        if (!agent->agent.bot)
                                sketch_add(&tally->sketches->people, key);
                }
        }
        return 0;
}

/* Everything moves into a fresh tally, but for what is given up; then they change places. */
int tally_shrink(struct tally *tally, unsigned int level, uint64_t fold, struct error *err)
{
        _cleanup_(tally_freep) struct tally *fresh = NULL;
        struct tally kept;
        int r = level ? tally_sketch(tally, err) : 0;

        if (r == 0)
                r = tally_new(&tally->options, &fresh, err);
        if (r < 0)
                return r;
        fresh->level = level;
        r = tally_take(fresh, tally, fold, err);
        if (r < 0)
                return r;
        fresh->folded += fold;
        fresh->sketches = tally->sketches;
        tally->sketches = NULL;
        kept = *tally;
        *tally = *fresh;
        *fresh = kept;
        return 0;
}

/* So many hits that the names with more of them take at most half of what names may take. */
static uint64_t fold_for(const struct tally *tally, uint64_t room)
{
        for (uint64_t fold = 1;; fold *= 2) {
                const struct name *name;
                uint64_t bytes = 0;

                for (uint32_t id = 0; (name = name_table_next(&tally->names, &id));)
                        if (name->hits > fold)
                                bytes += sizeof(*name) + name->length + 2 * sizeof(struct name_slot) +
                                         2 * sizeof(struct name *);
                if (bytes <= room / 2)
                        return fold;
        }
}

void tally_limit(struct tally *tally, uint64_t memory_bytes)
{
        tally->options.memory_bytes = memory_bytes;
}

static uint64_t bytes_of(const struct tally *tally)
{
        return name_table_bytes(&tally->names) + visitor_bytes(tally);
}

/* What shrinks is copied, tables grow into one of twice their size, and a run has buffers: that is the rest. */
static uint64_t room_of(const struct tally *tally)
{
        return tally->options.memory_bytes / 3;
}

int tally_check_limit(struct tally *tally, struct error *err)
{
        const uint64_t room = room_of(tally);
        bool more = visitor_bytes(tally) > room / 2;
        int r = 0;

        tally->until_check = CHECK_LINES;
        if (!room || bytes_of(tally) <= room)
                return 0;
        /* Names that followed visitors have are not folded: where that brings too little, fewer are followed. */
        do {
                const uint64_t names = name_table_bytes(&tally->names);
                const uint64_t fold = names > room / 2 && names > LEAST_NAMES ? fold_for(tally, room / 2) : 0;

                more = more && tally->level < LEVEL_MAXIMUM && visitor_count(tally) > 1000;
                if (!more && !fold)
                        return 0;
                r = tally_shrink(tally, tally->level + more, fold, err);
                more = true;
        } while (r == 0 && bytes_of(tally) > room / 4 * 3 && tally->level < LEVEL_MAXIMUM && visitor_count(tally) > 1000);
        return r;
}
