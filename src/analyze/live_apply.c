/* live_apply.c - what a tally of one hour and site found goes into its day: figures of names, and a page of visitors.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/agents.h"
#include "analyze/live_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "crypto/blake2b.h"

/* What a name of the tally is in the store. */
struct renamed {
        union {
                struct {
                        uint32_t hour, day; /* ids; they differ when only one of the two lists is full */
                        unsigned int dimension;
                } name;
                struct {
                        uint32_t browser, platform, device, bot;
                } agent;
        };
};

struct apply {
        struct live *live;
        struct live_day *day;
        const struct tally *tally;
        const struct live_site *site;
        unsigned int hour;
        struct renamed *names; /* by the tally's ids */
        const uint8_t *salt;
        struct buffer plain; /* what is hashed */
        struct buffer page;
        struct error *err;
};

/* ---------------------------------------------------------------- names */

static void add(struct apply *apply, unsigned int dimension, const struct renamed *name, const struct delta *delta)
{
        deltas_add(&apply->day->deltas, apply->hour, dimension, name->name.hour, delta);
        deltas_add(&apply->day->deltas, BUCKET_DAY, dimension, name->name.day, delta);
}

static struct delta delta_of(const struct name *name)
{
        return (struct delta){ .hits = (int64_t)name->hits,
                               .bytes = (int64_t)name->bytes,
                               .bot_hits = (int64_t)name->bot_hits,
                               .errors = (int64_t)name->errors };
}

static int find_ids(struct apply *apply, const struct name *name, unsigned int dimension)
{
        struct renamed *renamed = &apply->names[name->id];
        bool rare = dimension <= DIMENSION_ASSETS && name->errors == name->hits;
        int r = live_day_name(apply->live, apply->day, apply->hour, dimension, name->text, name->length, rare,
                              &renamed->name.hour, apply->err);

        renamed->name.dimension = dimension;
        return r < 0 ? r
                     : live_day_name(apply->live, apply->day, BUCKET_DAY, dimension, name->text, name->length, rare,
                                     &renamed->name.day, apply->err);
}

/* One of the fixed lists that agents fall into. */
static int group(struct apply *apply, unsigned int dimension, const char *text, const struct delta *delta,
                 uint32_t *ret_id)
{
        int r = store_name(apply->live->store, dimension, text, strlen(text), true, ret_id, apply->err);

        if (r < 0)
                return r;
        deltas_add(&apply->day->deltas, apply->hour, dimension, *ret_id, delta);
        deltas_add(&apply->day->deltas, BUCKET_DAY, dimension, *ret_id, delta);
        return 0;
}

static int add_agent(struct apply *apply, const struct name *name)
{
        struct renamed *renamed = &apply->names[name->id];
        const struct delta delta = delta_of(name);
        int r = group(apply, DIMENSION_BROWSERS, agent_browser_name(name->agent.browser), &delta,
                      &renamed->agent.browser);

        if (r == 0)
                r = group(apply, DIMENSION_SYSTEMS, agent_system_name(name->agent.platform), &delta,
                          &renamed->agent.platform);
        if (r == 0)
                r = group(apply, DIMENSION_DEVICES, agent_device_name(name->agent.device), &delta,
                          &renamed->agent.device);
        if (r == 0 && name->agent.bot)
                r = group(apply, DIMENSION_BOTS, bots_name(apply->tally->bots, name->agent.bot), &delta,
                          &renamed->agent.bot);
        return r;
}

static int add_path(struct apply *apply, const struct name *name, const struct delta *delta)
{
        const struct delta missing = { .hits = name->path.missing,
                                       .bytes = (int64_t)name->path.missing_bytes,
                                       .bot_hits = name->path.missing_bots,
                                       .errors = name->path.missing };
        int r = find_ids(apply, name, name->path.asset ? DIMENSION_ASSETS : DIMENSION_PAGES);

        if (r < 0)
                return r;
        add(apply, apply->names[name->id].name.dimension, &apply->names[name->id], delta);
        if (missing.hits)
                add(apply, DIMENSION_NOT_FOUND, &apply->names[name->id], &missing);
        return 0;
}

static int add_referrer(struct apply *apply, const struct name *name, const struct delta *delta)
{
        int r = find_ids(apply, name, DIMENSION_REFERRERS);

        if (r < 0)
                return r;
        if (delta->hits)
                add(apply, DIMENSION_REFERRERS, &apply->names[name->id], delta);
        if (name->referrer.asset_hits)
                add(apply, STORE_EMBEDDING, &apply->names[name->id],
                    &(struct delta){ .hits = (int64_t)name->referrer.asset_hits });
        return 0;
}

static int add_name(struct apply *apply, const struct name *name)
{
        static const unsigned int dimensions[NAME_KINDS] = {
                [NAME_REFERRER_PAGE] = DIMENSION_REFERRER_PAGES,
                [NAME_SEARCH] = DIMENSION_SEARCH,
                [NAME_CAMPAIGN] = DIMENSION_CAMPAIGNS,
                [NAME_HOST] = DIMENSION_HOSTS,
                [NAME_STATUS] = DIMENSION_STATUS,
                [NAME_METHOD] = DIMENSION_METHODS,
                [NAME_GOAL] = DIMENSION_GOALS,
                [NAME_COUNTRY] = DIMENSION_COUNTRIES,
                [NAME_EVENT] = STORE_EVENTS,
                [NAME_PROPERTY] = STORE_PROPERTIES,
                [NAME_OUTBOUND] = STORE_OUTBOUND,
        };
        const struct delta delta = delta_of(name);
        int r;

        switch ((enum name_kind)name->kind) {
        case NAME_CLIENT: return 0;
        case NAME_AGENT: return add_agent(apply, name);
        case NAME_PATH: return add_path(apply, name, &delta);
        case NAME_REFERRER_HOST: return add_referrer(apply, name, &delta);
        default:
                r = find_ids(apply, name, dimensions[name->kind]);
                if (r == 0)
                        add(apply, dimensions[name->kind], &apply->names[name->id], &delta);
                return r;
        }
}

static int add_names(struct apply *apply)
{
        const struct name *name;

        for (uint32_t id = 0; (name = name_table_next(&apply->tally->names, &id));) {
                int r = add_name(apply, name);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---------------------------------------------------------------- visitors */

/* The client's address, or its name, after salt and site: the beginning of what is hashed. */
static int put_client(struct apply *apply, char kind, const struct visitors *shard, const struct visitor *visitor)
{
        struct buffer *plain = &apply->plain;
        const struct name *client;
        uint32_t length, id;
        uint8_t address[16];
        int r;

        buffer_clear(plain);
        r = buffer_append(plain, apply->salt, SALT_SIZE);
        if (r == 0)
                r = buffer_append_byte(plain, kind);
        length = (uint32_t)apply->site->length;
        if (r == 0)
                r = buffer_append(plain, &length, sizeof(length));
        if (r == 0 && length)
                r = buffer_append(plain, apply->site->name, length);
        if (r == 0)
                r = buffer_append_byte(plain, visitor->kind == CLIENT_NAMED ? 'n' : 'a');
        if (r < 0)
                return r;
        visitor_address(shard, visitor, address);
        if (visitor->kind != CLIENT_NAMED)
                return buffer_append(plain, address, sizeof(address));
        memcpy(&id, address, sizeof(id));
        client = name_table_by_id(&apply->tally->names, id);
        length = client->length;
        r = buffer_append(plain, &length, sizeof(length));
        return r == 0 && length ? buffer_append(plain, client->text, length) : r;
}

static int hash_address_of(struct apply *apply, const struct visitors *shard, const struct visitor *visitor,
                           uint64_t *ret_address)
{
        int r = put_client(apply, 'c', shard, visitor);

        if (r == 0)
                blake2b(apply->plain.data, apply->plain.length, (uint8_t *)ret_address, sizeof(*ret_address));
        return r;
}

static int hash_visitor(struct apply *apply, const struct visitors *shard, const struct visitor *visitor,
                        uint8_t key[static BOOK_KEY_SIZE])
{
        const struct name *agent = name_table_by_id(&apply->tally->names, visitor->agent);
        int r = put_client(apply, 'v', shard, visitor);

        if (r == 0 && agent->length)
                r = buffer_append(&apply->plain, agent->text, agent->length);
        if (r == 0)
                blake2b(apply->plain.data, apply->plain.length, key, BOOK_KEY_SIZE);
        return r;
}

static int put_addresses(struct apply *apply)
{
        _cleanup_(memory_freep) uint64_t *addresses = NULL;
        size_t count = 0, at = 0;
        int r = 0;

        for (size_t shard = 0; shard < VISITOR_SHARDS; shard++)
                count += visitors_count(&apply->tally->shards[shard]);
        addresses = memory_new(count + 1, sizeof(*addresses));
        if (!addresses)
                return -ENOMEM;
        for (size_t i = 0; i < VISITOR_SHARDS; i++) {
                const struct visitors *shard = &apply->tally->shards[i];

                for (uint32_t k = 0; k < visitors_count(shard) && r == 0; k++)
                        r = hash_address_of(apply, shard, visitors_at(shard, k), &addresses[at++]);
        }
        return r < 0 ? r : book_page_begin(&apply->page, addresses, count);
}

static int put_token(struct apply *apply, unsigned int dimension, uint32_t id, uint32_t hours)
{
        int r = book_page_number(&apply->page, book_token(dimension, id));

        return r < 0 ? r : book_page_number(&apply->page, hours);
}

static int put_seen(struct apply *apply, const struct visitors *shard, const struct visitor *visitor)
{
        const uint32_t hour = 1U << apply->hour, day = 1U << BUCKET_DAY;
        uint64_t count = 0;
        uint32_t id;
        int r;

        for (uint32_t at = 0; (id = visitor_seen(shard, visitor, &at));)
                count += apply->names[id].name.hour == apply->names[id].name.day ? 1 : 2;
        r = book_page_number(&apply->page, count);
        for (uint32_t at = 0; r == 0 && (id = visitor_seen(shard, visitor, &at));) {
                const struct renamed *name = &apply->names[id];

                if (name->name.hour == name->name.day) {
                        r = put_token(apply, name->name.dimension, name->name.day, hour | day);
                        continue;
                }
                r = put_token(apply, name->name.dimension, name->name.day, day);
                if (r == 0)
                        r = put_token(apply, name->name.dimension, name->name.hour, hour);
        }
        return r;
}

static int put_visits(struct apply *apply, const struct visitors *shard, const struct visitor *visitor)
{
        uint64_t count = 0;
        int r;

        for (const struct visit *visit = visitor_first(visitor); visit; visit = visitors_next_visit(shard, visit))
                count++;
        r = book_page_number(&apply->page, count);
        for (const struct visit *visit = visitor_first(visitor); visit && r == 0;
             visit = visitors_next_visit(shard, visit)) {
                struct visit renamed = *visit;

                renamed.entry = apply->names[visit->entry].name.day;
                renamed.exit = apply->names[visit->exit].name.day;
                renamed.source = apply->names[visit->source].name.day; /* 0 stays 0 */
                renamed.campaign = apply->names[visit->campaign].name.day;
                r = book_page_visit(&apply->page, &renamed);
        }
        return r;
}

/* His goals are those of his key, which are one behind the other. */
static int put_goals(struct apply *apply, const struct visitors *shard, const struct visitor *visitor,
                     const uint8_t book_key[static BOOK_KEY_SIZE])
{
        const struct reached_list *reached = &apply->tally->reached;
        const struct name *agent = name_table_by_id(&apply->tally->names, visitor->agent);
        uint64_t key = visitor_key(visitor_address_hash(apply->tally, shard, visitor), agent->hash,
                                   visitor_day(visitor));
        size_t first = 0, end = reached->count, count = 0;

        while (first < end) {
                size_t middle = first + (end - first) / 2;

                if (reached->list[middle].visitor < key)
                        first = middle + 1;
                else
                        end = middle;
        }
        while (first + count < reached->count && reached->list[first + count].visitor == key)
                count++;
        return count ? live_funnels_add(apply->live, apply->day, book_key, reached->list + first, count, apply->err) : 0;
}

static int put_visitor(struct apply *apply, const struct visitors *shard, const struct visitor *visitor)
{
        const struct renamed *agent = &apply->names[visitor->agent];
        struct book_visitor who = { .hours = visitor_hours(shard, visitor),
                                    .browser = agent->agent.browser,
                                    .platform = agent->agent.platform,
                                    .device = agent->agent.device,
                                    .bot = agent->agent.bot };
        int r = hash_visitor(apply, shard, visitor, who.key);

        if (r == 0 && apply->tally->reached.count)
                r = put_goals(apply, shard, visitor, who.key);
        if (r == 0)
                r = book_page_visitor(&apply->page, &who);
        if (r == 0)
                r = put_seen(apply, shard, visitor);
        return r < 0 ? r : put_visits(apply, shard, visitor);
}

static int add_visitors(struct apply *apply)
{
        int r;

        apply->salt = salts_find(apply->live->salts, apply->day->day);
        if (!apply->salt)
                return error_set(apply->err, -ENOKEY, _("the salt of an open day is gone"));
        r = put_addresses(apply);
        for (size_t i = 0; i < VISITOR_SHARDS && r == 0; i++) {
                const struct visitors *shard = &apply->tally->shards[i];

                for (uint32_t k = 0; k < visitors_count(shard) && r == 0; k++)
                        if (visitors_at(shard, k)->visited)
                                r = put_visitor(apply, shard, visitors_at(shard, k));
        }
        if (r == -ENOMEM || r == -E2BIG) /* the others have their words */
                return error_memory(apply->err);
        return r < 0 ? r : live_day_page(apply->live, apply->day, &apply->page, apply->err);
}

/* ---------------------------------------------------------------- all of it */

/* False without memory. */
static bool add_vitals(struct apply *apply)
{
        struct live_day *day = apply->day;

        for (unsigned int vital = 0; vital < VITAL_COUNT; vital++) {
                if (!apply->tally->vitals[vital])
                        continue;
                if (!day->vitals[vital] && !(day->vitals[vital] = memory_new(1, sizeof(struct histogram))))
                        return false;
                histogram_join(day->vitals[vital], apply->tally->vitals[vital]);
                day->vitals_changed = true;
        }
        return true;
}

static void add_totals(struct apply *apply)
{
        const struct tally *tally = apply->tally;
        struct deltas *deltas = &apply->day->deltas;
        const struct delta total = { .hits = (int64_t)tally->hits,
                                     .bytes = (int64_t)tally->bytes,
                                     .bot_hits = (int64_t)tally->bot_hits,
                                     .errors = (int64_t)tally->errors };
        const struct delta views = { .hits = (int64_t)tally->page_views, .bot_hits = (int64_t)tally->bot_page_views };
        const struct delta navigations = { .hits = (int64_t)tally->navigations,
                                           .bot_hits = (int64_t)tally->bot_navigations };
        const struct delta pixels = { .hits = (int64_t)tally->pixels, .bot_hits = (int64_t)tally->bot_pixels };
        const struct delta late = { .hits = (int64_t)tally->hits };

        for (unsigned int i = 0; i < 2; i++) {
                unsigned int bucket = i ? BUCKET_DAY : apply->hour;

                deltas_add(deltas, bucket, STORE_TOTAL, 0, &total);
                deltas_add(deltas, bucket, STORE_VIEWS, 0, &views);
                if (tally->navigations)
                        deltas_add(deltas, bucket, STORE_NAVIGATIONS, 0, &navigations);
                if (tally->pixels)
                        deltas_add(deltas, bucket, STORE_PIXELS, 0, &pixels);
                if (apply->day->closed)
                        deltas_add(deltas, bucket, STORE_LATE, 0, &late);
        }
        deltas_add(deltas, BUCKET_DAY, DIMENSION_HOURS, deltas->hours[apply->hour], &total);
        if (tally->durations) {
                histogram_join(apply->day->took, tally->histogram);
                apply->day->took_changed = true;
        }
}

static int touch_site(const struct apply *apply)
{
        sqlite3_stmt *statement;

        if (!apply->tally->hits) /* nothing but events of a beacon */
                return 0;
        statement = store_statement(apply->live->store, STATEMENT_TOUCH_SITE, apply->err);
        if (!statement)
                return -EIO;
        sqlite3_bind_int64(statement, 1, apply->site->id);
        sqlite3_bind_int64(statement, 2, apply->tally->first_us);
        sqlite3_bind_int64(statement, 3, apply->tally->last_us);
        sqlite3_bind_int64(statement, 4, apply->tally->formats);
        return store_run(apply->live->store, statement, apply->err);
}

int live_apply(struct live *live, const struct live_part *part, struct error *err)
{
        int64_t day = clock_floor(part->hour, 24);
        struct apply apply = { .live = live,
                               .tally = part->tally,
                               .site = &live->sites[part->site],
                               .hour = (unsigned int)(part->hour - day * 24),
                               .plain = BUFFER_INIT(4 * LOG_LINE_MAXIMUM),
                               .page = BUFFER_INIT(BOOK_PAGE_MAXIMUM),
                               .err = err };
        int r = live_day_get(live, part->site, (int32_t)day, &apply.day, err);

        if (r < 0)
                return r;
        apply.names = memory_new(part->tally->names.next, sizeof(*apply.names));
        r = apply.names ? add_names(&apply) : error_memory(err);
        if (r == 0) {
                add_totals(&apply);
                r = add_vitals(&apply) ? touch_site(&apply) : error_memory(err);
        }
        reached_sort(&part->tally->reached);
        if (r == 0 && !apply.day->closed)
                r = add_visitors(&apply);
        if (apply.plain.data)
                memory_wipe(apply.plain.data, apply.plain.capacity);
        buffer_done(&apply.plain);
        buffer_done(&apply.page);
        free(apply.names);
        return r;
}
