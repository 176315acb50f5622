/* book.c - records of visitors by their hash, what a page adds to them, and what that changes in the figures. */
#include "book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define PAGE_VERSION 2
#define OLD_BITS     5 /* DIMENSION_BITS of version 1 */
#define HOUR_MS      (3600U * 1000)
#define DAY_MS       (24 * HOUR_MS)
#define FIRST_SLOTS  256
#define TIME_MASK    ((1U << 27) - 1)

struct seen_name {
        uint32_t token; /* 0: empty */
        uint32_t hours;
};

struct record {
        struct book_visitor who;
        struct visitor visits; /* only the visits of it are used */
        struct seen_name *seen;
        uint32_t seen_count;
        uint8_t seen_power; /* 0: none yet */
};

struct book {
        struct visitors visitors; /* holds visits beyond each one's first */
        struct arena arena;
        struct record **records;
        size_t count;
        uint32_t *slots; /* index + 1 */
        size_t mask;
        uint64_t *addresses; /* 0: empty */
        size_t address_mask, address_count;
        uint64_t seen_bytes; /* of what all have seen */
        uint64_t limit_bytes;
};

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

/* ---------------------------------------------------------------- what changes in the figures */

static const struct delta one_visitor = { .visitors = 1 };

/* A figure of the visitor as a whole and of what his agent is. */
static void add_who(struct deltas *deltas, unsigned int bucket, const struct book_visitor *who,
                    const struct delta *delta)
{
        deltas_add(deltas, bucket, STORE_TOTAL, 0, delta);
        if (!who->bot)
                deltas_add(deltas, bucket, STORE_PEOPLE, 0, delta);
        deltas_add(deltas, bucket, DIMENSION_BROWSERS, who->browser, delta);
        deltas_add(deltas, bucket, DIMENSION_SYSTEMS, who->platform, delta);
        deltas_add(deltas, bucket, DIMENSION_DEVICES, who->device, delta);
        if (who->bot)
                deltas_add(deltas, bucket, DIMENSION_BOTS, who->bot, delta);
}

static void add_hours(struct deltas *deltas, const struct book_visitor *who, uint32_t before, uint32_t hours)
{
        if (!before && hours)
                add_who(deltas, BUCKET_DAY, who, &one_visitor);
        for (unsigned int hour = 0; hour < 24; hour++) {
                if (!((hours & ~before) >> hour & 1))
                        continue;
                add_who(deltas, hour, who, &one_visitor);
                deltas_add(deltas, BUCKET_DAY, DIMENSION_HOURS, deltas->hours[hour], &one_visitor);
        }
}

static void add_seen(struct deltas *deltas, uint32_t token, uint32_t hours)
{
        for (unsigned int bucket = 0; hours >> bucket; bucket++)
                if (hours >> bucket & 1)
                        deltas_visitor(deltas, bucket, token & ((1U << DIMENSION_BITS) - 1), token >> DIMENSION_BITS);
}

/* Whether no visit before this one in the list (that begins in the same hour, for an hour's figures) has the same page
 * at the same end. */
static bool is_first_of(const struct book *book, const struct record *record, const struct visit *visit,
                        unsigned int bucket, bool entry)
{
        for (const struct visit *other = visitor_first(&record->visits); other != visit;
             other = visitors_next_visit(&book->visitors, other))
                if (other->pages && (entry ? other->entry == visit->entry : other->exit == visit->exit) &&
                    (bucket == BUCKET_DAY || other->start / HOUR_MS == bucket))
                        return false;
        return true;
}

static void add_pages(const struct book *book, struct deltas *deltas, const struct record *record,
                      const struct visit *visit, unsigned int bucket, int64_t sign)
{
        int64_t bot = record->who.bot ? sign : 0;
        struct delta end = { .hits = sign, .visits = sign, .bot_hits = bot };
        const struct delta one_visit = { .visits = sign };
        uint32_t search;

        end.visitors = is_first_of(book, record, visit, bucket, true) ? sign : 0;
        deltas_add(deltas, bucket, DIMENSION_ENTRY, visit->entry, &end);
        end.visitors = is_first_of(book, record, visit, bucket, false) ? sign : 0;
        deltas_add(deltas, bucket, DIMENSION_EXIT, visit->exit, &end);
        if (visit->source) {
                deltas_add(deltas, bucket, DIMENSION_REFERRERS, visit->source, &one_visit);
                search = deltas->search_of(deltas->context, visit->source);
                if (search)
                        deltas_add(deltas, bucket, DIMENSION_SEARCH, search, &one_visit);
        }
        if (visit->campaign)
                deltas_add(deltas, bucket, DIMENSION_CAMPAIGNS, visit->campaign, &one_visit);
}

/* What changes in the figures of all visits of a visitor; mostly he goes on with one, and nothing does but its length.
 */
struct visit_change {
        int64_t visits[BUCKETS], bounces[BUCKETS], ms[BUCKETS];
};

/* All that the visits of a visitor are in the figures, once more or (sign -1) no more. They belong to the hour in which
 * they begin. */
static void add_visits(const struct book *book, struct deltas *deltas, const struct record *record, int64_t sign,
                       struct visit_change *change)
{
        for (const struct visit *visit = visitor_first(&record->visits); visit;
             visit = visitors_next_visit(&book->visitors, visit)) {
                unsigned int hour = visit->start / HOUR_MS;

                for (unsigned int i = 0; i < 2; i++) {
                        unsigned int bucket = i ? BUCKET_DAY : hour;

                        change->visits[bucket] += sign;
                        change->ms[bucket] += sign * ((int64_t)visit->end - visit->start);
                        change->bounces[bucket] += visit->pages == 1 ? sign : 0;
                        if (visit->pages)
                                add_pages(book, deltas, record, visit, bucket, sign);
                }
        }
}

static void add_visit_change(struct deltas *deltas, const struct book_visitor *who, const struct visit_change *change)
{
        for (unsigned int bucket = 0; bucket < BUCKETS; bucket++) {
                const struct delta visits = { .visits = change->visits[bucket] };
                const struct delta bounces = { .hits = change->bounces[bucket],
                                               .bot_hits = who->bot ? change->bounces[bucket] : 0 };

                if (visits.visits) {
                        add_who(deltas, bucket, who, &visits);
                        if (bucket < BUCKET_DAY)
                                deltas_add(deltas, BUCKET_DAY, DIMENSION_HOURS, deltas->hours[bucket], &visits);
                }
                if (change->ms[bucket])
                        deltas_add(deltas, bucket, STORE_VISIT_MS, 0, &(struct delta){ .hits = change->ms[bucket] });
                if (bounces.hits)
                        deltas_add(deltas, bucket, STORE_BOUNCES, 0, &bounces);
        }
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
                        add_seen(deltas, token, fresh);
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
                add_visits(book, deltas, record, -1, &change);
        for (; count && r == 0; count--) {
                struct visit visit;

                if (!get_visit(cursor, &visit))
                        r = -EBADMSG;
                else if (record && !visitor_visit(&book->visitors, &record->visits, &visit))
                        r = -ENOMEM;
        }
        if (r == 0 && record && deltas) {
                add_visits(book, deltas, record, 1, &change);
                add_visit_change(deltas, &record->who, &change);
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
                        add_hours(deltas, &who, before, who.hours);
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
                        deltas_add(deltas, BUCKET_DAY, STORE_ADDRESSES, 0, &one_visitor);
        }
        return cursor->bad ? -EBADMSG : 0;
}

int book_add(struct book *book, const void *page, size_t length, struct deltas *deltas,
             void (*unfollowed)(void *context, const uint8_t key[static BOOK_KEY_SIZE]), void *context)
{
        struct cursor cursor = { page, (const uint8_t *)page + length, false, false };
        unsigned int version = length ? *cursor.at++ : 0;
        int r = version >= 1 && version <= PAGE_VERSION ? 0 : -EBADMSG;

        cursor.old = version == 1;
        if (r == 0)
                r = add_addresses(book, &cursor, deltas);
        while (r == 0 && cursor.at < cursor.end)
                r = add_visitor(book, &cursor, deltas, unfollowed, context);
        if (deltas)
                deltas_settle(deltas);
        return r;
}

/* ---------------------------------------------------------------- writing pages */

int book_page_number(struct buffer *page, uint64_t number)
{
        uint8_t bytes[10];
        size_t length = 0;

        for (; number > 127; number >>= 7)
                bytes[length++] = (uint8_t)(number | 128);
        bytes[length++] = (uint8_t)number;
        return buffer_append(page, bytes, length);
}

int book_page_begin(struct buffer *page, const uint64_t *addresses, size_t count)
{
        int r = buffer_append_byte(page, PAGE_VERSION);

        if (r == 0)
                r = book_page_number(page, count);
        return r == 0 && count ? buffer_append(page, addresses, count * sizeof(*addresses)) : r;
}

static int put_numbers(struct buffer *page, const uint64_t *numbers, size_t count)
{
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++)
                r = book_page_number(page, numbers[i]);
        return r;
}

int book_page_visitor(struct buffer *page, const struct book_visitor *visitor)
{
        const uint64_t numbers[] = { visitor->hours, visitor->browser, visitor->platform, visitor->device,
                                     visitor->bot };
        int r = buffer_append(page, visitor->key, sizeof(visitor->key));

        return r < 0 ? r : put_numbers(page, numbers, LENGTH(numbers));
}

int book_page_visit(struct buffer *page, const struct visit *visit)
{
        const uint64_t numbers[] = { visit->start,
                                     (uint32_t)visit->end - visit->start,
                                     visit->pages,
                                     (uint32_t)visit->entry_time - visit->start,
                                     (uint32_t)visit->exit_time - visit->start,
                                     visit->entry,
                                     visit->exit,
                                     visit->source,
                                     visit->campaign,
                                     (uint64_t)visit->entry_high << 32 | visit->entry_low,
                                     (uint64_t)visit->exit_high << 32 | visit->exit_low };

        return put_numbers(page, numbers, visit->pages ? LENGTH(numbers) : 3);
}

static int write_record(const struct book *book, const struct record *record, struct buffer *page)
{
        uint64_t visits = 0;
        int r = book_page_visitor(page, &record->who);

        if (r == 0)
                r = book_page_number(page, record->seen_count);
        for (size_t i = 0; record->seen_power && r == 0 && i < (size_t)1 << record->seen_power; i++) {
                const uint64_t numbers[] = { record->seen[i].token, record->seen[i].hours };

                if (record->seen[i].token)
                        r = put_numbers(page, numbers, LENGTH(numbers));
        }
        for (const struct visit *visit = visitor_first(&record->visits); visit;
             visit = visitors_next_visit(&book->visitors, visit))
                visits++;
        if (r == 0)
                r = book_page_number(page, visits);
        for (const struct visit *visit = visitor_first(&record->visits); visit && r == 0;
             visit = visitors_next_visit(&book->visitors, visit))
                r = book_page_visit(page, visit);
        return r;
}

int book_write(const struct book *book, size_t size,
               int (*write)(void *context, const void *page, size_t length, struct error *err), void *context,
               struct error *err)
{
        _cleanup_(buffer_done) struct buffer page = BUFFER_INIT(BOOK_PAGE_MAXIMUM);
        _cleanup_(memory_freep) uint64_t *addresses = memory_new(book->address_count + 1, sizeof(*addresses));
        size_t count = 0;
        int r;

        if (!addresses)
                return error_memory(err);
        for (size_t i = 0; i <= book->address_mask; i++)
                if (book->addresses[i])
                        addresses[count++] = book->addresses[i];
        r = book_page_begin(&page, addresses, count);
        for (size_t i = 0; i < book->count && r == 0; i++) {
                r = write_record(book, book->records[i], &page);
                if (r == 0 && page.length > size && i + 1 < book->count) {
                        r = write(context, page.data, page.length, err);
                        if (r < 0)
                                return r;
                        buffer_clear(&page);
                        r = book_page_begin(&page, NULL, 0);
                }
        }
        return r < 0 ? error_memory(err) : write(context, page.data, page.length, err);
}
