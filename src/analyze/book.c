/* book.c - records of visitors by their hash, and what a page adds to them. */
#include "book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/book_private.h"
#include "base/memory.h"

#define OLD_BITS     5 /* DIMENSION_BITS of version 1 */
#define DAY_MS       (24 * HOUR_MS)
#define FIRST_SLOTS  256
#define TIME_MASK    ((1U << 27) - 1)

struct book *book_new(uint64_t limit_bytes)
{
        struct book *book = memory_new(1, sizeof(*book));

        if (!book)
                return NULL;
        book->limit_bytes = limit_bytes;
        book->slots = memory_new(FIRST_SLOTS, sizeof(*book->slots));
        book->addresses = memory_new(FIRST_SLOTS, sizeof(*book->addresses));
        book->mask = book->address_mask = FIRST_SLOTS - 1;
        if (!book->slots || !book->addresses || visitors_init(&book->visitors, NULL) < 0) {
                book_free(book);
                return NULL;
        }
        return book;
}

void book_free(struct book *book)
{
        if (!book)
                return;
        for (size_t i = 0; i < book->count; i++)
                free(book->records[i]->seen);
        visitors_done(&book->visitors);
        arena_done(&book->arena);
        free(book->records);
        free(book->slots);
        free(book->addresses);
        free(book);
}

uint64_t book_bytes(const struct book *book)
{
        return sizeof(*book) + book->arena.bytes + book->seen_bytes + (book->mask + 1) * sizeof(*book->slots) +
               (book->address_mask + 1) * sizeof(*book->addresses) + book->count * sizeof(struct record *) +
               visitors_bytes(&book->visitors);
}

/* ---------------------------------------------------------------- tables; what is looked up is random already */

static uint64_t key_hash(const uint8_t key[static BOOK_KEY_SIZE])
{
        uint64_t hash;

        memcpy(&hash, key, sizeof(hash));
        return hash;
}

static bool grow_slots(struct book *book)
{
        size_t mask = book->mask * 2 + 1;
        uint32_t *slots = memory_new(mask + 1, sizeof(*slots));

        if (!slots)
                return false;
        for (size_t i = 0; i < book->count; i++) {
                size_t at = (size_t)key_hash(book->records[i]->who.key) & mask;

                while (slots[at])
                        at = (at + 1) & mask;
                slots[at] = (uint32_t)i + 1;
        }
        free(book->slots);
        book->slots = slots;
        book->mask = mask;
        return true;
}

/* NULL in *ret_record: he is not known, and not followed. */
static int find_record(struct book *book, const uint8_t key[static BOOK_KEY_SIZE], struct record **ret_record)
{
        size_t at = (size_t)key_hash(key) & book->mask;
        struct record *record;

        for (; book->slots[at]; at = (at + 1) & book->mask) {
                record = book->records[book->slots[at] - 1];
                if (memcmp(record->who.key, key, BOOK_KEY_SIZE) == 0) {
                        *ret_record = record;
                        return 0;
                }
        }
        *ret_record = NULL;
        if (book->limit_bytes && book->count >= FIRST_SLOTS && book_bytes(book) > book->limit_bytes)
                return 0;
        if (book->count >= UINT32_MAX - 1 || memory_grow(&book->records, book->count, sizeof(struct record *)) < 0)
                return -ENOMEM;
        record = arena_take(&book->arena, sizeof(*record));
        if (!record)
                return -ENOMEM;
        memset(record, 0, sizeof(*record));
        memcpy(record->who.key, key, BOOK_KEY_SIZE);
        book->records[book->count++] = record;
        if (book->count * 2 > book->mask) {
                if (!grow_slots(book))
                        return -ENOMEM;
        } else {
                book->slots[at] = (uint32_t)book->count;
        }
        *ret_record = record;
        return 0;
}

static bool add_address(struct book *book, uint64_t address, bool *ret_new)
{
        size_t at;

        address |= 1; /* 0 is an empty place; one bit of 64 is given for it */
        if (book->address_count * 2 > book->address_mask) {
                size_t mask = book->address_mask * 2 + 1;
                uint64_t *addresses = memory_new(mask + 1, sizeof(*addresses));

                if (!addresses)
                        return false;
                for (size_t i = 0; i <= book->address_mask; i++) {
                        if (!book->addresses[i])
                                continue;
                        at = (size_t)(book->addresses[i] >> 8) & mask;
                        while (addresses[at])
                                at = (at + 1) & mask;
                        addresses[at] = book->addresses[i];
                }
                free(book->addresses);
                book->addresses = addresses;
                book->address_mask = mask;
        }
        for (at = (size_t)(address >> 8) & book->address_mask; book->addresses[at];
             at = (at + 1) & book->address_mask) {
                *ret_new = book->addresses[at] != address;
                if (!*ret_new)
                        return true;
        }
        book->addresses[at] = address;
        book->address_count++;
        *ret_new = true;
        return true;
}

static struct seen_name *seen_place(struct seen_name *seen, unsigned int power, uint32_t token)
{
        size_t mask = ((size_t)1 << power) - 1, at = (token * 0x9e3779b1U >> 5) & mask;

        while (seen[at].token && seen[at].token != token)
                at = (at + 1) & mask;
        return &seen[at];
}

static bool seen_grow(struct book *book, struct record *record)
{
        unsigned int power = record->seen_power ? record->seen_power + 1U : 2;
        struct seen_name *seen = power < 27 ? memory_new((size_t)1 << power, sizeof(*seen)) : NULL;

        if (!seen)
                return false;
        book->seen_bytes += sizeof(*seen) << power;
        if (record->seen_power) {
                for (size_t i = 0; i < (size_t)1 << record->seen_power; i++)
                        if (record->seen[i].token)
                                *seen_place(seen, power, record->seen[i].token) = record->seen[i];
                book->seen_bytes -= sizeof(*seen) << record->seen_power;
                free(record->seen);
        }
        record->seen = seen;
        record->seen_power = (uint8_t)power;
        return true;
}

/* *ret_new: the hours in which he had not seen it. */
static bool saw(struct book *book, struct record *record, uint32_t token, uint32_t hours, uint32_t *ret_new)
{
        struct seen_name *place;

        if ((!record->seen_power || (record->seen_count + 1) * 4 > 3U << record->seen_power) &&
            !seen_grow(book, record))
                return false;
        place = seen_place(record->seen, record->seen_power, token);
        if (!place->token) {
                place->token = token;
                record->seen_count++;
        }
        *ret_new = hours & ~place->hours;
        place->hours |= hours;
        return true;
}

/* ---------------------------------------------------------------- reading pages */

struct cursor {
        const uint8_t *at, *end;
        bool bad, old;
};

static uint64_t get_number(struct cursor *cursor)
{
        uint64_t number = 0;

        for (unsigned int shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
                uint8_t byte = *cursor->at++;

                number |= (uint64_t)(byte & 127) << shift;
                if (!(byte & 128))
                        return number;
        }
        cursor->bad = true;
        return 0;
}

static uint32_t get_below(struct cursor *cursor, uint64_t limit)
{
        uint64_t number = get_number(cursor);

        cursor->bad |= number >= limit;
        return cursor->bad ? 0 : (uint32_t)number;
}

static bool get_bytes(struct cursor *cursor, void *bytes, size_t length)
{
        if (cursor->bad || (size_t)(cursor->end - cursor->at) < length) {
                cursor->bad = true;
                return false;
        }
        memcpy(bytes, cursor->at, length);
        cursor->at += length;
        return true;
}

static bool get_visit(struct cursor *cursor, struct visit *ret_visit)
{
        uint32_t start = get_below(cursor, DAY_MS), left = DAY_MS - start;
        struct visit visit = { .start = start & TIME_MASK };
        uint64_t entry, exit;

        visit.end = (start + get_below(cursor, left)) & TIME_MASK;
        visit.pages = get_below(cursor, VISIT_PAGES_MAXIMUM + 1) & VISIT_PAGES_MAXIMUM;
        if (visit.pages) {
                visit.entry_time = (start + get_below(cursor, left)) & TIME_MASK;
                visit.exit_time = (start + get_below(cursor, left)) & TIME_MASK;
                visit.entry = get_below(cursor, UINT32_MAX);
                visit.exit = get_below(cursor, UINT32_MAX);
                visit.source = get_below(cursor, UINT32_MAX);
                visit.campaign = get_below(cursor, UINT32_MAX);
                entry = get_number(cursor);
                exit = get_number(cursor);
                cursor->bad |= (entry | exit) >> POSITION_BITS != 0;
                visit.entry_low = (uint32_t)entry;
                visit.entry_high = (uint16_t)(entry >> 32);
                visit.exit_low = (uint32_t)exit;
                visit.exit_high = (uint16_t)(exit >> 32);
        }
        *ret_visit = visit;
        return !cursor->bad;
}

static int add_seen_names(struct book *book, struct record *record, struct cursor *cursor, struct deltas *deltas)
{
        uint64_t count = get_number(cursor);

        for (; count && !cursor->bad; count--) {
                uint32_t token = get_below(cursor, UINT64_C(1) << 32), hours = get_below(cursor, 1U << BUCKETS),
                         fresh = 0;

                if (cursor->old)
                        token = book_token(token & ((1U << OLD_BITS) - 1), token >> OLD_BITS);
                if (cursor->bad || !token)
                        return -EBADMSG;
                if (record && !saw(book, record, token, hours, &fresh))
                        return -ENOMEM;
                if (deltas && fresh)
                        book_add_seen(deltas, token, fresh);
        }
        return cursor->bad ? -EBADMSG : 0;
}

static int add_all_visits(struct book *book, struct record *record, struct cursor *cursor, struct deltas *deltas)
{
        uint64_t count = get_number(cursor);
        struct visit_change change;
        int r = 0;

        if (count > 48 || cursor->bad) /* more do not fit into a day */
                return -EBADMSG;
        if (!count)
                return 0;
        memset(&change, 0, sizeof(change));
        if (record && deltas)
                book_add_visits(book, deltas, record, -1, &change);
        for (; count && r == 0; count--) {
                struct visit visit;

                if (!get_visit(cursor, &visit))
                        r = -EBADMSG;
                else if (record && !visitor_visit(&book->visitors, &record->visits, &visit))
                        r = -ENOMEM;
        }
        if (r == 0 && record && deltas) {
                book_add_visits(book, deltas, record, 1, &change);
                book_add_visit_change(deltas, &record->who, &change);
        }
        return r;
}

static int add_visitor(struct book *book, struct cursor *cursor, struct deltas *deltas,
                       void (*unfollowed)(void *, const uint8_t[static BOOK_KEY_SIZE]), void *context)
{
        struct book_visitor who;
        struct record *record;
        int r;

        if (!get_bytes(cursor, who.key, sizeof(who.key)))
                return -EBADMSG;
        who.hours = get_below(cursor, 1U << 24);
        who.browser = get_below(cursor, UINT32_MAX);
        who.platform = get_below(cursor, UINT32_MAX);
        who.device = get_below(cursor, UINT32_MAX);
        who.bot = get_below(cursor, UINT32_MAX);
        if (cursor->bad)
                return -EBADMSG;
        r = find_record(book, who.key, &record);
        if (r < 0)
                return r;
        if (record) {
                uint32_t before = record->who.hours;

                record->who = who;
                record->who.hours |= before;
                if (deltas)
                        book_add_hours(deltas, &who, before, who.hours);
        } else if (unfollowed) {
                unfollowed(context, who.key);
        }
        r = add_seen_names(book, record, cursor, deltas);
        return r < 0 ? r : add_all_visits(book, record, cursor, deltas);
}

static int add_addresses(struct book *book, struct cursor *cursor, struct deltas *deltas)
{
        uint64_t count = get_number(cursor), address;

        for (; count && get_bytes(cursor, &address, sizeof(address)); count--) {
                bool fresh;

                if (!add_address(book, address, &fresh))
                        return -ENOMEM;
                if (fresh && deltas)
                        deltas_add(deltas, BUCKET_DAY, STORE_ADDRESSES, 0, &book_one_visitor);
        }
        return cursor->bad ? -EBADMSG : 0;
}

int book_add(struct book *book, const void *page, size_t length, struct deltas *deltas,
             void (*unfollowed)(void *context, const uint8_t key[static BOOK_KEY_SIZE]), void *context)
{
        struct cursor cursor = { page, (const uint8_t *)page + length, false, false };
        unsigned int version = length ? *cursor.at++ : 0;
        int r = version >= 1 && version <= BOOK_PAGE_VERSION ? 0 : -EBADMSG;

        cursor.old = version == 1;
        if (r == 0)
                r = add_addresses(book, &cursor, deltas);
        while (r == 0 && cursor.at < cursor.end)
                r = add_visitor(book, &cursor, deltas, unfollowed, context);
        if (deltas)
                deltas_settle(deltas);
        return r;
}
