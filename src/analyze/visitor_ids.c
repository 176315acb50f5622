/*
 * visitor_ids.c - what a visitor saw: a set of ids of names.
 *
 * Ids below NAME_LOW (statuses, methods, the pictures that every page has) are bits. The others are 16-bit units, most
 * of them one, written as UTF-16 writes characters: an id from 0x8000 on takes two, a leading one of 0xc000 and more
 * and a trailing one of 0x8000 to 0xbfff. A unit of 0 is empty, and so are all behind it. Some are in the record, more
 * in a block; whoever saw still more has a hash table of his own, in which all of his ids are.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/visitors_private.h"
#include "base/memory.h"

/* visitor.room: 0: in place alone; 1 to ID_BLOCKS: and a block; else a table, whose index is `further`. */
#define ROOM_TABLE (ID_BLOCKS + 1)

#define BLOCK_UNITS(room) (4U << (room)) /* 8, 16, 32, 64 */

struct id_table {
        uint32_t count;
        uint32_t mask;
        uint32_t ids[];
};

void visitor_ids_init(struct visitors *visitors)
{
        for (uint32_t room = 1; room <= ID_BLOCKS; room++)
                pool_init(&visitors->blocks[room - 1], BLOCK_UNITS(room) * (uint32_t)sizeof(uint16_t));
}

void visitor_ids_done(struct visitors *visitors)
{
        for (size_t i = 0; i < ID_BLOCKS; i++)
                pool_done(&visitors->blocks[i]);
        for (uint32_t i = 0; i < visitors->table_count; i++)
                free(visitors->tables[i]);
        free(visitors->tables);
}

static uint16_t *block_of(const struct visitors *visitors, const struct visitor *visitor)
{
        return pool_at(&visitors->blocks[visitor->room - 1], visitor->further);
}

/* ---------------------------------------------------------------- tables */

static size_t table_place(const struct id_table *table, uint32_t id)
{
        size_t at = (id * 0x9e3779b1U >> 7) & table->mask;

        while (table->ids[at] && table->ids[at] != id)
                at = (at + 1) & table->mask;
        return at;
}

static struct id_table *table_new(struct visitors *visitors, uint32_t slots)
{
        struct id_table *table = memory_new(1, sizeof(*table) + slots * sizeof(uint32_t));

        if (table) {
                table->mask = slots - 1;
                visitors->table_bytes += sizeof(*table) + slots * sizeof(uint32_t);
        }
        return table;
}

static struct id_table *table_grow(struct visitors *visitors, struct id_table *old)
{
        struct id_table *table = old->mask < 1U << 30 ? table_new(visitors, (old->mask + 1) * 2) : NULL;

        if (!table)
                return NULL;
        for (size_t i = 0; i <= old->mask; i++)
                if (old->ids[i])
                        table->ids[table_place(table, old->ids[i])] = old->ids[i];
        table->count = old->count;
        visitors->table_bytes -= sizeof(*old) + (old->mask + 1) * sizeof(uint32_t);
        free(old);
        return table;
}

static bool add_to_table(struct visitors *visitors, uint32_t number, uint32_t id)
{
        struct id_table *table = visitors->tables[number];
        size_t at = table_place(table, id);

        if (table->ids[at])
                return true;
        if (table->count * 2 > table->mask) {
                table = table_grow(visitors, table);
                if (!table)
                        return false;
                visitors->tables[number] = table;
                at = table_place(table, id);
        }
        table->ids[at] = id;
        table->count++;
        return true;
}

/* ---------------------------------------------------------------- units */

static uint32_t units_room(const struct visitor *visitor)
{
        return IDS_IN_PLACE + (visitor->room ? BLOCK_UNITS(visitor->room) : 0);
}

static uint16_t read_unit(const struct visitors *visitors, const struct visitor *visitor, uint32_t at)
{
        if (at < IDS_IN_PLACE)
                return visitor->ids[at];
        return at < units_room(visitor) ? block_of(visitors, visitor)[at - IDS_IN_PLACE] : 0;
}

static void write_unit(const struct visitors *visitors, struct visitor *visitor, uint32_t at, uint32_t unit)
{
        if (at < IDS_IN_PLACE)
                visitor->ids[at] = (uint16_t)unit;
        else
                block_of(visitors, visitor)[at - IDS_IN_PLACE] = (uint16_t)unit;
}

/* The id that begins at unit `at`, which moves behind it; 0 at the end. */
static uint32_t read_id(const struct visitors *visitors, const struct visitor *visitor, uint32_t *at)
{
        uint32_t unit = read_unit(visitors, visitor, *at);

        if (!unit)
                return 0;
        ++*at;
        if (unit < 0x8000)
                return unit;
        return (unit & 0x3fff) << 14 | (read_unit(visitors, visitor, (*at)++) & 0x3fffU);
}

/* Whether one of `count` units (a multiple of four) is this one, four at a time. */
static bool has_unit(const uint16_t *units, size_t count, uint16_t unit)
{
        const uint64_t ones = UINT64_C(0x0001000100010001), tops = UINT64_C(0x8000800080008000);

        for (size_t i = 0; i < count; i += 4) {
                uint64_t four;

                memcpy(&four, units + i, sizeof(four));
                four ^= unit * ones;
                if ((four - ones) & ~four & tops) /* some unit was equal */
                        return true;
        }
        return false;
}

static bool has_id(const struct visitors *visitors, const struct visitor *visitor, uint32_t id)
{
        uint32_t found;

        if (id < 0x8000)
                return has_unit(visitor->ids, IDS_IN_PLACE, (uint16_t)id) ||
                       (visitor->room &&
                        has_unit(block_of(visitors, visitor), BLOCK_UNITS(visitor->room), (uint16_t)id));
        for (uint32_t at = 0; (found = read_id(visitors, visitor, &at));)
                if (found == id)
                        return true;
        return false;
}

static bool move_to_table(struct visitors *visitors, struct visitor *visitor)
{
        struct id_table *table = table_new(visitors, 256);
        uint32_t number = visitors->table_count, id;

        if (!table || memory_grow(&visitors->tables, number, sizeof(struct id_table *)) < 0) {
                free(table);
                return false;
        }
        for (uint32_t at = 0; (id = read_id(visitors, visitor, &at)); table->count++)
                table->ids[table_place(table, id)] = id;
        pool_give(&visitors->blocks[visitor->room - 1], visitor->further);
        visitors->tables[visitors->table_count++] = table;
        visitor->further = number;
        visitor->room = ROOM_TABLE;
        return true;
}

/* A block of twice the size with the same units. */
static bool grow(struct visitors *visitors, struct visitor *visitor)
{
        uint32_t room = visitor->room, number;
        size_t old_bytes = room ? BLOCK_UNITS(room) * sizeof(uint16_t) : 0;
        char *block;

        if (room == ID_BLOCKS)
                return move_to_table(visitors, visitor);
        block = pool_take(&visitors->blocks[room], &number);
        if (!block)
                return false;
        if (room) {
                memcpy(block, block_of(visitors, visitor), old_bytes);
                pool_give(&visitors->blocks[room - 1], visitor->further);
        }
        memset(block + old_bytes, 0, BLOCK_UNITS(room + 1) * sizeof(uint16_t) - old_bytes);
        visitor->room = (room + 1) & 7;
        visitor->further = number;
        return true;
}

static uint32_t first_empty(const struct visitors *visitors, const struct visitor *visitor)
{
        uint32_t at = 0, room = units_room(visitor) - IDS_IN_PLACE;
        const uint16_t *block;

        while (at < IDS_IN_PLACE && visitor->ids[at])
                at++;
        if (at < IDS_IN_PLACE || !room)
                return at;
        block = block_of(visitors, visitor);
        for (at = 0; at < room && block[at]; at++)
                ;
        return IDS_IN_PLACE + at;
}

static bool ids_add(struct visitors *visitors, struct visitor *visitor, uint32_t id)
{
        uint32_t at, units = id < 0x8000 ? 1 : 2;

        if (visitor->room == ROOM_TABLE)
                return add_to_table(visitors, visitor->further, id);
        if (has_id(visitors, visitor, id))
                return true;
        at = first_empty(visitors, visitor);
        if (at + units > units_room(visitor))
                return grow(visitors, visitor) && ids_add(visitors, visitor, id);
        if (units == 2)
                write_unit(visitors, visitor, at + 1, 0x8000 | (id & 0x3fff));
        write_unit(visitors, visitor, at, units == 2 ? 0xc000 | id >> 14 : id);
        return true;
}

/* ---------------------------------------------------------------- for others */

bool visitor_saw(struct visitors *visitors, struct visitor *visitor, uint32_t id)
{
        if (id < NAME_LOW) {
                visitor->low[id >> 5] |= 1U << (id & 31);
                return true;
        }
        return ids_add(visitors, visitor, id);
}

uint32_t visitor_seen(const struct visitors *visitors, const struct visitor *visitor, uint32_t *at)
{
        uint32_t place, id;

        while (*at < NAME_LOW) {
                uint32_t left = visitor->low[*at >> 5] >> (*at & 31);

                id = *at + (left ? (uint32_t)__builtin_ctz(left) : 0);
                *at = left ? id + 1 : (*at | 31) + 1;
                if (left)
                        return id;
        }
        place = *at - NAME_LOW;
        if (visitor->room != ROOM_TABLE) {
                id = read_id(visitors, visitor, &place);
        } else {
                const struct id_table *table = visitors->tables[visitor->further];

                for (id = 0; id == 0 && place <= table->mask; place++)
                        id = table->ids[place];
        }
        *at = place + NAME_LOW;
        return id;
}
