/*
 * tally_find.c - what a line names, found in steps: tables are larger than the processor's caches, so that each place
 * is asked for some lines before it is looked at.
 */
#include <string.h>

#include "accesslog/beacon.h"
#include "analyze/agents.h"
#include "analyze/classify.h"
#include "analyze/tally_private.h"

/* ---------------------------------------------------------------- names */

uint32_t goals_of(const struct goal *list, size_t count, const char *text, size_t text_length)
{
        uint32_t goals = 0;

        for (size_t i = 0; i < count; i++) {
                const char *wanted = list[i].path;
                size_t length = strlen(wanted);
                bool prefix = length && wanted[length - 1] == '*';

                length -= prefix;
                if ((prefix ? text_length >= length : text_length == length) && memcmp(text, wanted, length) == 0)
                        goals |= 1U << i;
        }
        return goals;
}

uint32_t goals_of_event(const struct goal *list, size_t count, struct span event)
{
        static const char prefix[] = "event:"; /* --goal NAME=event:EVENT */
        char text[sizeof(prefix) + BEACON_VALUE_MAXIMUM];
        size_t length = sizeof(prefix) - 1;

        memcpy(text, prefix, length);
        memcpy(text + length, event.text, event.length);
        return goals_of(list, count, text, length + event.length);
}

static struct name *get_path(struct tally *tally, struct span path, uint64_t hash)
{
        struct name *name = name_table_get_hashed(&tally->names, NAME_PATH, path.text, path.length, hash);

        if (name && name->fresh) {
                name->path.asset = path_is_asset(path.text, path.length);
                name->path.goals =
                        goals_of(tally->options.goals, tally->options.goal_count, name->text, name->length);
                name->fresh = false;
                if (name->path.asset)
                        name_table_favour(&tally->names, name);
        }
        return name;
}

static struct name *get_agent(struct tally *tally, struct span agent, uint64_t hash)
{
        struct name *name = name_table_get_hashed(&tally->names, NAME_AGENT, agent.text, agent.length, hash);

        if (name && name->fresh) {
                name->agent.browser = agent_browser(name->text, name->length);
                name->agent.platform = agent_system(name->text, name->length);
                name->agent.bot = bots_find(tally->bots, name->text, name->length);
                name->agent.device =
                        name->agent.bot ? DEVICE_BOT : agent_device(name->text, name->length, name->agent.platform);
                name->fresh = false;
        }
        return name;
}

static struct name *make_referrer_host(struct tally *tally, const struct referrer *referrer)
{
        struct name *name = name_table_get(&tally->names, NAME_REFERRER_HOST, referrer->host, referrer->host_length);

        if (name && name->fresh) {
                const char *engine = search_engine(referrer->host, referrer->host_length);
                const struct name *search;

                name_table_favour(&tally->names, name);
                search = engine ? name_table_get(&tally->names, NAME_SEARCH, engine, strlen(engine)) : NULL;
                if (engine && !search)
                        return NULL;
                name->referrer.search = search ? search->id : 0;
                name->fresh = false;
        }
        return name;
}

static bool is_remembered(const struct referrer_memory *memory, struct span text)
{
        return memory->host && text.length > memory->length && memcmp(text.text, memory->begin, memory->length) == 0 &&
               text.text[memory->length] == '/';
}

int hit_referrer_host(struct tally *tally, struct span text, bool asset, struct name **ret_host)
{
        struct referrer_memory *memory = &tally->referrers[asset];
        struct referrer referrer;

        if (is_remembered(memory, text)) {
                *ret_host = memory->host;
                return 1;
        }
        if (!text.length || !referrer_split(text, &referrer))
                return 0;
        *ret_host = make_referrer_host(tally, &referrer);
        if (!*ret_host)
                return -1;
        if (referrer.begin_length <= sizeof(memory->begin)) {
                memcpy(memory->begin, text.text, referrer.begin_length);
                memory->length = referrer.begin_length;
                memory->host = *ret_host;
        }
        return 1;
}

/* Whether to follow this visitor; if not all are, he is put into the sketches. */
static bool is_one_to_follow(struct tally *tally, const struct hit *hit, uint64_t address_hash, uint64_t key)
{
        sketch_add(&tally->sketches->hosts, address_hash);
        if (hit->counted) {
                sketch_add(&tally->sketches->visitors, key);
                if (!hit->bot)
                        sketch_add(&tally->sketches->people, key);
        }
        return is_followed(key, tally->level);
}

/* Which client it is: its address or, of one that was logged by name, that name's id. False without memory. */
static bool find_client(struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;
        const struct name *client;

        if (line->address.numeric) {
                memcpy(hit->address, line->address.bytes, sizeof(hit->address));
                hit->address_hash = hash_address(line->address.bytes);
                return true;
        }
        client = name_table_get(&tally->names, NAME_CLIENT, line->address_text.text, line->address_text.length);
        if (!client)
                return false;
        hit->named = true;
        memcpy(hit->address, &client->id, sizeof(client->id));
        hit->address_hash = client->hash;
        return true;
}

/* ---------------------------------------------------------------- in steps */

void hit_ask(const struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;

        hit->agent_hash = name_hash(NAME_AGENT, line->agent.text, line->agent.length);
        name_table_prefetch(&tally->names, hit->agent_hash);
        if (line->method.length) {
                hit->path_hash = name_hash(NAME_PATH, line->path.text, line->path.length);
                name_table_prefetch(&tally->names, hit->path_hash);
        }
}

void hit_ask_names(const struct tally *tally, const struct hit *hit)
{
        name_table_prefetch_name(&tally->names, hit->agent_hash);
        if (hit->line->method.length)
                name_table_prefetch_name(&tally->names, hit->path_hash);
}

static void ask_page(const struct tally *tally, struct hit *hit)
{
        struct span referrer = hit->line->referrer;

        if (!hit->path || hit->path->path.asset || !referrer.length)
                return;
        hit->page_length = (uint32_t)referrer_page_length(referrer);
        hit->page_hash = name_hash(NAME_REFERRER_PAGE, referrer.text, hit->page_length);
        name_table_prefetch(&tally->names, hit->page_hash);
}

bool hit_find(struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;

        hit->agent = get_agent(tally, line->agent, hit->agent_hash);
        if (!hit->agent || !find_client(tally, hit) ||
            (line->method.length && !(hit->path = get_path(tally, line->path, hit->path_hash))))
                return false;
        hit->bot = hit->agent->agent.bot != 0;
        hit->shard = &tally->shards[shard_of(hit->address_hash)];
        hit->key = visitor_key(hit->address_hash, hit->agent_hash, hit->day);
        hit->visitor_hash = visitors_hash(hit->address, hit->named, hit->agent->id, hit->day);
        visitors_prefetch(hit->shard, hit->visitor_hash);
        ask_page(tally, hit);
        return true;
}

void hit_ask_visitor(const struct tally *tally, const struct hit *hit)
{
        visitors_prefetch_record(hit->shard, hit->visitor_hash);
        if (hit->page_length)
                name_table_prefetch_name(&tally->names, hit->page_hash);
}

bool hit_find_visitor(struct tally *tally, struct hit *hit)
{
        if (tally->level && !is_one_to_follow(tally, hit, hit->address_hash, hit->key))
                return true;
        hit->visitor = visitors_get(hit->shard, hit->address, hit->named, hit->agent->id, hit->day, hit->visitor_hash);
        return hit->visitor != NULL;
}
