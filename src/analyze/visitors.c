/* visitors.c - records of visitors and their visits. */
#include "visitors.h"

#include <assert.h>
#include <string.h>

#include "analyze/chunk.h"
#include "analyze/visitors_private.h"

#define FIRST_SLOTS   1024 /* a page */
#define VISITORS_MOST (1U << 31)
#define TIME_MASK     ((1U << 27) - 1)

static uint32_t *new_slots(size_t count)
{
        uint32_t *slots = chunk_take(count * sizeof(*slots));

        return slots ? memset(slots, 0, count * sizeof(*slots)) : NULL;
}

int visitors_init(struct visitors *visitors, struct error *err)
{
        memset(visitors, 0, sizeof(*visitors));
        pool_init(&visitors->records, sizeof(struct visitor));
        pool_init(&visitors->visits, sizeof(struct visit));
        pool_init(&visitors->addresses, 16);
        visitor_ids_init(visitors);
        visitors->slots = new_slots(FIRST_SLOTS);
        if (!visitors->slots)
                return error_memory(err);
        visitors->mask = FIRST_SLOTS - 1;
        return 0;
}

void visitors_done(struct visitors *visitors)
{
        pool_done(&visitors->records);
        pool_done(&visitors->visits);
        pool_done(&visitors->addresses);
        visitor_ids_done(visitors);
        visitors_unfind(visitors);
        memset(visitors, 0, sizeof(*visitors));
}

void visitors_unfind(struct visitors *visitors)
{
        chunk_give(visitors->slots, (visitors->mask + 1) * sizeof(*visitors->slots));
        visitors->slots = NULL;
        visitors->mask = 0;
}

/* ---------------------------------------------------------------- the table */

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

void visitor_address(const struct visitors *visitors, const struct visitor *visitor, uint8_t ret_address[static 16])
{
        switch ((enum client_kind)visitor->kind) {
        case CLIENT_IPV4:
                memcpy(ret_address, mapped, sizeof(mapped));
                memcpy(ret_address + 12, &visitor->address, 4);
                break;
        case CLIENT_IPV6: memcpy(ret_address, pool_at(&visitors->addresses, visitor->address), 16); break;
        case CLIENT_NAMED:
                memset(ret_address, 0, 16);
                memcpy(ret_address, &visitor->address, 4);
                break;
        }
}

static enum client_kind kind_of(const uint8_t address[static 16], bool named)
{
        return named ? CLIENT_NAMED : memcmp(address, mapped, sizeof(mapped)) == 0 ? CLIENT_IPV4 : CLIENT_IPV6;
}

static bool has_address(const struct visitors *visitors, const struct visitor *visitor, enum client_kind kind,
                        const uint8_t address[static 16])
{
        if (visitor->kind != kind)
                return false;
        if (kind == CLIENT_IPV6)
                return memcmp(pool_at(&visitors->addresses, visitor->address), address, 16) == 0;
        return memcmp(&visitor->address, kind == CLIENT_IPV4 ? address + 12 : address, 4) == 0;
}

static bool set_address(struct visitors *visitors, struct visitor *visitor, enum client_kind kind,
                        const uint8_t address[static 16])
{
        uint32_t number = 0;
        void *bytes;

        visitor->kind = (uint32_t)kind & 3;
        if (kind != CLIENT_IPV6) {
                memcpy(&visitor->address, kind == CLIENT_IPV4 ? address + 12 : address, 4);
                return true;
        }
        bytes = pool_take(&visitors->addresses, &number);
        if (!bytes)
                return false;
        memcpy(bytes, address, 16);
        visitor->address = number;
        return true;
}

static void put(uint32_t *slots, size_t mask, uint32_t hash, uint32_t index)
{
        size_t at = hash & mask;

        while (slots[at])
                at = (at + 1) & mask;
        slots[at] = (hash & ~(uint32_t)mask) | (index + 1);
}

static bool grow_slots(struct visitors *visitors)
{
        size_t mask = visitors->mask * 2 + 1;
        uint32_t *slots = new_slots(mask + 1);

        if (!slots)
                return false;
        for (uint32_t i = 0; i < visitors_count(visitors); i++) {
                const struct visitor *visitor = visitors_at(visitors, i);
                uint8_t address[16];

                visitor_address(visitors, visitor, address);
                put(slots, mask,
                    visitors_hash(address, visitor->kind == CLIENT_NAMED, visitor->agent, visitor_day(visitor)), i);
        }
        chunk_give(visitors->slots, (visitors->mask + 1) * sizeof(*slots));
        visitors->slots = slots;
        visitors->mask = mask;
        return true;
}

static struct visitor *add_visitor(struct visitors *visitors, enum client_kind kind, const uint8_t address[static 16],
                                   uint32_t agent, uint32_t day_code, uint32_t hash)
{
        struct visitor *visitor;
        uint32_t index;

        if (visitors_count(visitors) >= VISITORS_MOST ||
            (((size_t)visitors_count(visitors) + 1) * 4 > visitors->mask * 3 && !grow_slots(visitors)))
                return NULL;
        visitor = pool_take(&visitors->records, &index);
        if (!visitor)
                return NULL;
        memset(visitor, 0, sizeof(*visitor));
        visitor->agent = agent;
        visitor->day_code = day_code & ((1U << 25) - 1);
        if (!set_address(visitors, visitor, kind, address))
                return NULL;
        put(visitors->slots, visitors->mask, hash, index);
        return visitor;
}

struct visitor *visitors_get(struct visitors *visitors, const uint8_t address[static 16], bool named, uint32_t agent,
                             int32_t day, uint32_t hash)
{
        uint32_t mask = (uint32_t)visitors->mask, day_code = (uint32_t)(day + VISITOR_DAY_MAXIMUM + 1);
        enum client_kind kind = kind_of(address, named);

        assert(day >= -VISITOR_DAY_MAXIMUM && day <= VISITOR_DAY_MAXIMUM);
        for (size_t at = hash & mask; visitors->slots[at]; at = (at + 1) & mask) {
                struct visitor *visitor;

                if ((visitors->slots[at] ^ hash) & ~mask)
                        continue;
                visitor = visitors_at(visitors, (visitors->slots[at] & mask) - 1);
                if (visitor->agent == agent && visitor->day_code == day_code &&
                    has_address(visitors, visitor, kind, address))
                        return visitor;
        }
        return add_visitor(visitors, kind, address, agent, day_code, hash);
}

/* ---------------------------------------------------------------- visits */

static uint64_t position_of(uint32_t low, uint16_t high)
{
        return (uint64_t)high << 32 | low;
}

static bool is_before(uint32_t time_a, uint64_t position_a, uint32_t time_b, uint64_t position_b)
{
        return time_a != time_b ? time_a < time_b : position_a < position_b;
}

static void take_entry(struct visit *into, const struct visit *from)
{
        into->entry_time = from->entry_time;
        into->entry_low = from->entry_low;
        into->entry_high = from->entry_high;
        into->entry = from->entry;
        into->source = from->source;
        into->campaign = from->campaign;
}

static void take_exit(struct visit *into, const struct visit *from)
{
        into->exit_time = from->exit_time;
        into->exit_low = from->exit_low;
        into->exit_high = from->exit_high;
        into->exit = from->exit;
}

/* Takes the pages of `from` into `into`, which it is a part of. */
static void join_pages(struct visit *into, const struct visit *from)
{
        uint32_t pages = (uint32_t)into->pages + from->pages;

        if (!from->pages)
                return;
        if (!into->pages || is_before(from->entry_time, position_of(from->entry_low, from->entry_high),
                                      into->entry_time, position_of(into->entry_low, into->entry_high)))
                take_entry(into, from);
        if (!into->pages || is_before(into->exit_time, position_of(into->exit_low, into->exit_high), from->exit_time,
                                      position_of(from->exit_low, from->exit_high)))
                take_exit(into, from);
        into->pages = (pages < VISIT_PAGES_MAXIMUM ? pages : VISIT_PAGES_MAXIMUM) & VISIT_PAGES_MAXIMUM;
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
        uint32_t number;
        struct visit *further = pool_take(&visitors->visits, &number);

        if (!further)
                return false;
        *further = *visit;
        further->next = visitor->visit.next;
        visitor->visit.next = number + 1;
        return true;
}

/* Takes the visit that `link` leads to out of the list. */
static void drop_visit(struct visitors *visitors, uint32_t *link)
{
        uint32_t number = *link - 1;

        const struct visit *visit = pool_at(&visitors->visits, number);

        *link = visit->next;
        pool_give(&visitors->visits, number);
}

/* The link that leads to a visit which is not the first. */
static uint32_t *link_to(const struct visitors *visitors, struct visitor *visitor, const struct visit *visit)
{
        uint32_t *link = &visitor->visit.next;

        for (struct visit *at; (at = pool_at(&visitors->visits, *link - 1)) != visit;)
                link = &at->next;
        return link;
}

/* What `grown` reaches now is part of it. */
static void join_neighbours(struct visitors *visitors, struct visitor *visitor, struct visit *grown)
{
        bool again = visitor->visit.next != 0;

        while (again) {
                uint32_t *link = &visitor->visit.next;

                again = false;
                while (*link) {
                        struct visit *other = pool_at(&visitors->visits, *link - 1);

                        if (other != grown && touches(grown, other)) {
                                join(grown, other);
                                drop_visit(visitors, link);
                                again = true;
                        } else {
                                link = &other->next;
                        }
                }
                if (grown != &visitor->visit && touches(grown, &visitor->visit)) {
                        /* The first visit takes the grown one in, which leaves the list. */
                        join(&visitor->visit, grown);
                        drop_visit(visitors, link_to(visitors, visitor, grown));
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
                at = visitors_next_visit(visitors, at);
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
        uint32_t time = request->time, low = (uint32_t)request->position;
        uint16_t high = (uint16_t)(request->position >> 32);
        struct visit visit = {
                .start = time & TIME_MASK,
                .end = time & TIME_MASK,
                .pages = request->page,
                .entry_time = time & TIME_MASK,
                .exit_time = time & TIME_MASK,
                .entry_low = low,
                .exit_low = low,
                .entry_high = high,
                .exit_high = high,
                .entry = request->path,
                .exit = request->path,
                .source = request->source,
                .campaign = request->campaign,
        };

        assert(request->position >> POSITION_BITS == 0);
        return visitor_visit(visitors, visitor, &visit);
}

#define HOUR_MS 3600000

/* A visit has no pause of an hour: it has a request in each hour from its first to its last. */
uint32_t visitor_hours(const struct visitors *visitors, const struct visitor *visitor)
{
        uint32_t hours = 0;

        for (const struct visit *visit = visitor_first(visitor); visit; visit = visitors_next_visit(visitors, visit))
                for (uint32_t hour = visit->start / HOUR_MS; hour <= visit->end / HOUR_MS; hour++)
                        hours |= 1U << hour;
        return hours;
}

uint64_t visitors_bytes(const struct visitors *visitors)
{
        uint64_t bytes = pool_bytes(&visitors->records) + pool_bytes(&visitors->visits) +
                         pool_bytes(&visitors->addresses) + visitors->table_bytes +
                         (visitors->mask + 1) * sizeof(*visitors->slots);

        for (size_t i = 0; i < ID_BLOCKS; i++)
                bytes += pool_bytes(&visitors->blocks[i]);
        return bytes;
}
