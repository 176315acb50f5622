/* visitors.c - records of visitors and their visits. */
#include "visitors.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"
#include "base/memory.h"

#define FIRST_SLOTS   256
#define CHUNK_RECORDS 256
#define LINEAR_POWER  5 /* blocks up to 32 ids are searched through, larger ones are tables */

int visitors_init(struct visitors *visitors, struct error *err)
{
        memset(visitors, 0, sizeof(*visitors));
        visitors->slots = memory_new(FIRST_SLOTS, sizeof(*visitors->slots));
        if (!visitors->slots)
                return error_memory(err);
        visitors->mask = FIRST_SLOTS - 1;
        visitors->more_count = 1;
        return 0;
}

void visitors_done(struct visitors *visitors)
{
        arena_done(&visitors->arena);
        for (uint32_t i = 0; i < visitors->chunk_count; i++)
                free(visitors->chunks[i]);
        free(visitors->chunks);
        free(visitors->slots);
        free(visitors->more);
        memset(visitors, 0, sizeof(*visitors));
}

/* ---------------------------------------------------------------- the table */

static bool grow_slots(struct visitors *visitors)
{
        size_t mask = visitors->mask * 2 + 1;
        uint64_t *slots = memory_new(mask + 1, sizeof(*slots));

        if (!slots)
                return false;
        for (size_t i = 0; i <= visitors->mask; i++) {
                size_t at;

                if (!visitors->slots[i])
                        continue;
                at = (size_t)(visitors->slots[i] >> 32) & mask;
                while (slots[at])
                        at = (at + 1) & mask;
                slots[at] = visitors->slots[i];
        }
        free(visitors->slots);
        visitors->slots = slots;
        visitors->mask = mask;
        return true;
}

static bool add_chunk(struct visitors *visitors)
{
        if (visitors->chunk_count == visitors->chunk_capacity) {
                uint32_t capacity = visitors->chunk_capacity ? visitors->chunk_capacity * 2 : 16;
                struct visitor **chunks = memory_resize(visitors->chunks, capacity, sizeof(struct visitor *));

                if (!chunks)
                        return false;
                visitors->chunks = chunks;
                visitors->chunk_capacity = capacity;
        }
        visitors->chunks[visitors->chunk_count] = memory_resize(NULL, CHUNK_RECORDS, sizeof(struct visitor));
        if (!visitors->chunks[visitors->chunk_count])
                return false;
        visitors->chunk_count++;
        return true;
}

struct visitor *visitors_get(struct visitors *visitors, const uint8_t address[static 16], bool named, uint32_t agent,
                             int32_t day, uint64_t key)
{
        size_t at;
        struct visitor *visitor;

        key >>= 32; /* the lower half says who is followed when memory is short: it is equal then */

        for (at = (size_t)key & visitors->mask; visitors->slots[at]; at = (at + 1) & visitors->mask) {
                if (visitors->slots[at] >> 32 != key)
                        continue;
                visitor = visitors_at(visitors, (uint32_t)visitors->slots[at] - 1);
                if (visitor->agent == agent && visitor->day == day && (visitor->named != 0) == named &&
                    memcmp(visitor->address, address, 16) == 0)
                        return visitor;
        }
        if (visitors->count == UINT32_MAX - 1)
                return NULL;
        if (visitors->count == visitors->chunk_count * CHUNK_RECORDS && !add_chunk(visitors))
                return NULL;
        if ((size_t)visitors->count * 2 > visitors->mask) {
                if (!grow_slots(visitors))
                        return NULL;
                for (at = (size_t)key & visitors->mask; visitors->slots[at]; at = (at + 1) & visitors->mask)
                        ;
        }
        visitor = visitors_at(visitors, visitors->count++);
        memset(visitor, 0, sizeof(*visitor));
        memcpy(visitor->address, address, 16);
        visitor->named = named;
        visitor->agent = agent;
        visitor->day = day;
        visitors->slots[at] = key << 32 | visitors->count;
        return visitor;
}

/* ---------------------------------------------------------------- what was seen */

static size_t table_place(const uint32_t *table, unsigned int power, uint32_t id)
{
        size_t mask = ((size_t)1 << power) - 1, at = (id * 0x9e3779b1U >> 7) & mask;

        while (table[at] && table[at] != id)
                at = (at + 1) & mask;
        return at;
}

static size_t ids_room(const struct visitor *visitor)
{
        return visitor->power ? (size_t)1 << visitor->power : IDS_INLINE;
}

/* A block of twice the size with the same ids; from LINEAR_POWER + 1 on it is a table, half of it empty. */
static bool ids_grow(struct arena *arena, struct visitor *visitor)
{
        unsigned int power = visitor->power ? visitor->power + 1U : 4;
        const uint32_t *old = visitor->power ? visitor->ids.block : visitor->ids.in_place;
        uint32_t *block = power < 28 ? arena_take_class(arena, power + 2) : NULL;
        size_t filled = 0;

        if (!block)
                return false;
        memset(block, 0, sizeof(*block) << power);
        for (size_t i = 0; i < ids_room(visitor); i++)
                if (old[i])
                        block[power > LINEAR_POWER ? table_place(block, power, old[i]) : filled++] = old[i];
        if (visitor->power)
                arena_give_class(arena, visitor->ids.block, visitor->power + 2U);
        visitor->ids.block = block;
        visitor->power = power & 63;
        return true;
}

static bool add_to_table(struct arena *arena, struct visitor *visitor, uint32_t id)
{
        size_t at = table_place(visitor->ids.block, visitor->power, id);

        if (visitor->ids.block[at])
                return true;
        if ((size_t)visitor->id_count * 2 >= ids_room(visitor)) {
                if (!ids_grow(arena, visitor))
                        return false;
                at = table_place(visitor->ids.block, visitor->power, id);
        }
        visitor->ids.block[at] = id;
        visitor->id_count++;
        return true;
}

static bool ids_add(struct arena *arena, struct visitor *visitor, uint32_t id)
{
        uint32_t *list = visitor->power ? visitor->ids.block : visitor->ids.in_place;

        if (visitor->power > LINEAR_POWER)
                return add_to_table(arena, visitor, id);
        for (uint32_t i = 0; i < visitor->id_count; i++)
                if (list[i] == id)
                        return true;
        if (visitor->id_count == ids_room(visitor))
                return ids_grow(arena, visitor) && ids_add(arena, visitor, id);
        list[visitor->id_count++] = id;
        return true;
}

bool visitor_saw(struct visitors *visitors, struct visitor *visitor, uint32_t id)
{
        if (id < NAME_LOW) {
                visitor->low |= UINT64_C(1) << id;
                return true;
        }
        return ids_add(&visitors->arena, visitor, id);
}

uint32_t visitor_seen(const struct visitor *visitor, uint32_t *at)
{
        const uint32_t *list = visitor->power ? visitor->ids.block : visitor->ids.in_place;
        size_t room = ids_room(visitor);

        while (*at < NAME_LOW) {
                uint32_t id = (*at)++;

                if (visitor->low >> id & 1)
                        return id;
        }
        while (*at - NAME_LOW < room) {
                uint32_t id = list[(*at)++ - NAME_LOW];

                if (id)
                        return id;
        }
        return 0;
}

/* ---------------------------------------------------------------- visits */

static bool is_before(uint32_t time_a, uint64_t position_a, uint32_t time_b, uint64_t position_b)
{
        return time_a != time_b ? time_a < time_b : position_a < position_b;
}

/* Takes the pages of `from` into `into`, which it is a part of. */
static void join_pages(struct visit *into, const struct visit *from)
{
        if (!from->pages)
                return;
        if (!into->pages || is_before(from->entry_time, from->entry_position, into->entry_time, into->entry_position)) {
                into->entry_time = from->entry_time;
                into->entry_position = from->entry_position;
                into->entry = from->entry;
                into->source = from->source;
                into->campaign = from->campaign;
        }
        if (!into->pages || is_before(into->exit_time, into->exit_position, from->exit_time, from->exit_position)) {
                into->exit_time = from->exit_time;
                into->exit_position = from->exit_position;
                into->exit = from->exit;
        }
        into->pages += from->pages;
}

static bool touches(const struct visit *a, const struct visit *b)
{
        return (uint64_t)a->start <= (uint64_t)b->end + VISIT_GAP_MS &&
               (uint64_t)b->start <= (uint64_t)a->end + VISIT_GAP_MS;
}

static void join(struct visit *into, const struct visit *from)
{
        if (from->start < into->start)
                into->start = from->start;
        if (from->end > into->end)
                into->end = from->end;
        join_pages(into, from);
}

static bool add_visit(struct visitors *visitors, struct visitor *visitor, const struct visit *visit)
{
        struct visit *more = visitors->more;

        if (visitors->more_count >= visitors->more_capacity) {
                uint32_t capacity = visitors->more_capacity ? visitors->more_capacity * 2 : 64;

                more = capacity > visitors->more_capacity ? memory_resize(more, capacity, sizeof(*more)) : NULL;
                if (!more)
                        return false;
                visitors->more = more;
                visitors->more_capacity = capacity;
        }
        more[visitors->more_count] = *visit;
        more[visitors->more_count].next = visitor->visit.next;
        visitor->visit.next = visitors->more_count++;
        return true;
}

/* What `grown` reaches now is part of it. The record in `more` stays behind unused: a day has at most 48 visits. */
static void join_neighbours(struct visitors *visitors, struct visitor *visitor, struct visit *grown)
{
        bool again = visitor->visit.next != 0;

        while (again) {
                uint32_t *link = &visitor->visit.next;

                again = false;
                while (*link) {
                        struct visit *other = &visitors->more[*link];

                        if (other != grown && touches(grown, other)) {
                                join(grown, other);
                                *link = other->next;
                                again = true;
                        } else {
                                link = &other->next;
                        }
                }
                if (grown != &visitor->visit && touches(grown, &visitor->visit)) {
                        uint32_t next = visitor->visit.next;

                        /* The first visit takes the grown one in, which leaves the list. */
                        join(&visitor->visit, grown);
                        visitor->visit.next = next;
                        for (link = &visitor->visit.next; *link && &visitors->more[*link] != grown;
                             link = &visitors->more[*link].next)
                                ;
                        if (*link)
                                *link = grown->next;
                        grown = &visitor->visit;
                        again = true;
                }
        }
}

bool visitor_visit(struct visitors *visitors, struct visitor *visitor, const struct visit *visit)
{
        struct visit *at = &visitor->visit;

        if (!visitor->visited) {
                visitor->visit = *visit;
                visitor->visit.next = 0;
                visitor->visited = true;
                return true;
        }
        while (!touches(at, visit)) {
                if (!at->next)
                        return add_visit(visitors, visitor, visit);
                at = &visitors->more[at->next];
        }
        if (visit->start < at->start || visit->end > at->end) {
                join(at, visit);
                join_neighbours(visitors, visitor, at);
        } else {
                join_pages(at, visit);
        }
        return true;
}

bool visitor_request(struct visitors *visitors, struct visitor *visitor, const struct visit_request *request)
{
        struct visit visit = {
                .start = request->time,
                .end = request->time,
                .pages = request->page,
                .entry_time = request->time,
                .exit_time = request->time,
                .entry = request->path,
                .exit = request->path,
                .source = request->source,
                .campaign = request->campaign,
                .entry_position = request->position,
                .exit_position = request->position,
        };

        return visitor_visit(visitors, visitor, &visit);
}

uint64_t visitors_bytes(const struct visitors *visitors)
{
        return visitors->arena.bytes + (visitors->mask + 1) * sizeof(*visitors->slots) +
               (uint64_t)visitors->chunk_count * CHUNK_RECORDS * sizeof(struct visitor) +
               (uint64_t)visitors->more_capacity * sizeof(struct visit);
}
