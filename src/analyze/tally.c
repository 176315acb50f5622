/* tally.c - one line after the other: the path that every line of every log takes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/agents.h"
#include "analyze/classify.h"
#include "analyze/hash.h"
#include "analyze/tally_private.h"
#include "base/memory.h"

#define DAY_MS  (INT64_C(86400) * 1000)
#define HOUR_MS (3600 * 1000)

int tally_new(const struct tally_options *options, struct tally **ret_tally, struct error *err)
{
        struct tally *tally = memory_new(1, sizeof(*tally));
        int r;

        if (!tally)
                return error_memory(err);
        assert(options->goal_count <= GOALS_MAXIMUM);
        tally->options = *options;
        tally->until_check = CHECK_LINES;
        r = name_table_init(&tally->names, err);
        for (size_t i = 0; i < VISITOR_SHARDS && r == 0; i++)
                r = visitors_init(&tally->shards[i], err);
        if (r == 0)
                r = bots_load(options->bot_list, &tally->bots, err);
        if (r == 0 && !(tally->histogram = memory_new(1, sizeof(*tally->histogram))))
                r = error_memory(err);
        if (r == 0 && !(tally->samples = memory_new(SAMPLES_MAXIMUM, sizeof(*tally->samples))))
                r = error_memory(err);
        if (r < 0) {
                tally_free(tally);
                return r;
        }
        *ret_tally = tally;
        return 0;
}

void tally_free(struct tally *tally)
{
        if (!tally)
                return;
        name_table_done(&tally->names);
        for (size_t i = 0; i < VISITOR_SHARDS; i++)
                visitors_done(&tally->shards[i]);
        bots_free(tally->bots);
        free(tally->hours.slots);
        free(tally->histogram);
        free(tally->sketches);
        free(tally->samples);
        free(tally);
}

void tally_freep(struct tally **tally)
{
        tally_free(*tally);
}

/* ---------------------------------------------------------------- hours */

static struct hour *hour_slot(struct hour *slots, size_t mask, int64_t hour)
{
        size_t at = (size_t)(hash_mix((uint64_t)hour ^ hash_key[1], hash_key[2])) & mask;

        while (slots[at].used && slots[at].hour != hour)
                at = (at + 1) & mask;
        return &slots[at];
}

static bool hours_grow(struct hours *hours)
{
        size_t mask = hours->slots ? hours->mask * 2 + 1 : 1023;
        struct hour *slots = memory_new(mask + 1, sizeof(*slots));

        if (!slots)
                return false;
        for (size_t i = 0; hours->slots && i <= hours->mask; i++)
                if (hours->slots[i].used)
                        *hour_slot(slots, mask, hours->slots[i].hour) = hours->slots[i];
        free(hours->slots);
        hours->slots = slots;
        hours->mask = mask;
        return true;
}

struct hour *hours_at(struct hours *hours, int64_t hour)
{
        struct hour *found;

        if (hours->last && hours->last->hour == hour)
                return hours->last;
        if ((!hours->slots || hours->count * 2 > hours->mask) && !hours_grow(hours))
                return NULL;
        found = hour_slot(hours->slots, hours->mask, hour);
        if (!found->used) {
                found->used = true;
                found->hour = hour;
                hours->count++;
        }
        hours->last = found;
        return found;
}

/* ---------------------------------------------------------------- names */

static uint32_t goals_of(const struct tally *tally, const struct name *path)
{
        uint32_t goals = 0;

        for (size_t i = 0; i < tally->options.goal_count; i++) {
                const char *wanted = tally->options.goals[i].path;
                size_t length = strlen(wanted);
                bool prefix = length && wanted[length - 1] == '*';

                length -= prefix;
                if ((prefix ? path->length >= length : path->length == length) &&
                    memcmp(path->text, wanted, length) == 0)
                        goals |= 1U << i;
        }
        return goals;
}

static struct name *get_path(struct tally *tally, struct span path, uint64_t hash)
{
        struct name *name = name_table_get_hashed(&tally->names, NAME_PATH, path.text, path.length, hash);

        if (name && name->fresh) {
                name->path.asset = path_is_asset(path.text, path.length);
                name->path.goals = goals_of(tally, name);
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

/* The host that a referrer names: 1; 0 when it is no URL; -1 without memory. */
static int get_referrer_host(struct tally *tally, struct span text, bool asset, struct name **ret_host)
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

static struct name *get_status(struct tally *tally, unsigned int status)
{
        char text[4] = { (char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10) };

        if (!tally->statuses[status])
                tally->statuses[status] = name_table_get(&tally->names, NAME_STATUS, text, 3);
        return tally->statuses[status];
}

static struct name *get_method(struct tally *tally, struct span method)
{
        struct name *last = tally->method;

        if (last && last->length == method.length && memcmp(last->text, method.text, method.length) == 0)
                return last;
        return tally->method = name_table_get(&tally->names, NAME_METHOD, method.text, method.length);
}

/* ---------------------------------------------------------------- one line */

/* What is known of the line that is being counted. */
struct hit {
        const struct log_line *line;
        struct visitors *shard;
        struct visitor *visitor; /* NULL: not followed, for lack of memory */
        struct name *agent, *path;
        bool bot, error, counted, page_view; /* counted: not answered with 4xx */
        uint32_t source, campaign;
        int32_t day;   /* since 1970 */
        uint32_t time; /* milliseconds of the day */
        bool named;    /* the client was logged by name */
        uint8_t address[16];
        uint64_t address_hash, key;
};

static void count(struct name *name, const struct hit *hit)
{
        name->hits++;
        name->bytes += hit->line->bytes;
        name->bot_hits += hit->bot;
        name->errors += hit->error;
}

/* Counts the line under a name; of visitors those with an answer other than 4xx. */
static bool count_seen(struct name *name, const struct hit *hit)
{
        if (!name)
                return false;
        count(name, hit);
        return !hit->counted || !hit->visitor || visitor_saw(hit->shard, hit->visitor, name->id);
}

static bool count_path(struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;
        struct name *name = hit->path;

        if (!count_seen(name, hit))
                return false;
        if (line->status == 404 || line->status == 410) {
                name->path.missing++;
                name->path.missing_bots += hit->bot;
                name->path.missing_bytes += line->bytes;
        }
        for (size_t i = 0; name->path.goals >> i; i++) {
                const char *goal = tally->options.goals[i].name;

                if (name->path.goals >> i & 1 && !hit->error &&
                    !count_seen(name_table_get(&tally->names, NAME_GOAL, goal, strlen(goal)), hit))
                        return false;
        }
        return true;
}

static bool count_referrer(struct tally *tally, struct hit *hit)
{
        struct span text = hit->line->referrer;
        struct name *host, *page;
        int r = get_referrer_host(tally, text, hit->path->path.asset, &host);

        if (r <= 0)
                return r == 0;
        if (hit->path->path.asset) {
                host->referrer.asset_hits++;
                return true;
        }
        page = name_table_get(&tally->names, NAME_REFERRER_PAGE, text.text, referrer_page_length(text));
        if (!count_seen(host, hit) || !count_seen(page, hit))
                return false;
        page->referrer.host = host->id;
        hit->source = host->id;
        return !host->referrer.search || count_seen(name_table_by_id(&tally->names, host->referrer.search), hit);
}

static bool count_campaign(struct tally *tally, struct hit *hit)
{
        char text[CAMPAIGN_MAXIMUM];
        size_t length = hit->line->query.length ? campaign_of(hit->line->query, text) : 0;
        struct name *name;

        if (!length || hit->path->path.asset)
                return true;
        name = name_table_get(&tally->names, NAME_CAMPAIGN, text, length);
        if (!count_seen(name, hit))
                return false;
        hit->campaign = name->id;
        return true;
}

static bool is_page_view(const struct hit *hit)
{
        const struct log_line *line = hit->line;
        bool answered = !(line->present & LOG_HAS_STATUS) || line->status / 100 == 2 || line->status == 304;
        struct span method = line->method;

        return hit->path && !hit->path->path.asset && answered &&
               ((method.length == 3 && memcmp(method.text, "GET", 3) == 0) ||
                (method.length == 4 && memcmp(method.text, "POST", 4) == 0));
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

/* False without memory; hit->visitor stays NULL when he is not followed. */
static bool find_visitor(struct tally *tally, struct hit *hit)
{
        if (tally->level && !is_one_to_follow(tally, hit, hit->address_hash, hit->key))
                return true;
        hit->visitor = visitors_get(hit->shard, hit->address, hit->named, hit->agent->id, hit->day,
                                    visitors_hash(hit->address, hit->named, hit->agent->id, hit->day));
        return hit->visitor != NULL;
}

/*
 * Finds what the line names. Tables are larger than the processor's caches: all places are asked for before the first
 * one is looked at.
 */
static bool find_all(struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;
        uint64_t agent = name_hash(NAME_AGENT, line->agent.text, line->agent.length);
        uint64_t path = 0;

        name_table_prefetch(&tally->names, agent);
        if (line->method.length) {
                path = name_hash(NAME_PATH, line->path.text, line->path.length);
                name_table_prefetch(&tally->names, path);
        }
        if (!find_client(tally, hit))
                return false;
        hit->shard = &tally->shards[shard_of(hit->address_hash)];
        hit->key = visitor_key(hit->address_hash, agent, hit->day);
        hit->agent = get_agent(tally, line->agent, agent);
        if (!hit->agent)
                return false;
        hit->bot = hit->agent->agent.bot != 0;
        visitors_prefetch(hit->shard, visitors_hash(hit->address, hit->named, hit->agent->id, hit->day));
        if (line->method.length && !(hit->path = get_path(tally, line->path, path)))
                return false;
        return (hit->bot && tally->options.bots_apart) || find_visitor(tally, hit);
}

static bool count_names(struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;

        if ((line->present & LOG_HAS_STATUS) && !count_seen(get_status(tally, line->status % 1000), hit))
                return false;
        if (line->host.length &&
            !count_seen(name_table_get(&tally->names, NAME_HOST, line->host.text, line->host.length), hit))
                return false;
        if (!line->method.length)
                return true; /* a TLS hello, "-": nothing that has a path */
        return count_seen(get_method(tally, line->method), hit) && count_path(tally, hit) &&
               count_referrer(tally, hit) && count_campaign(tally, hit);
}

static void count_totals(struct tally *tally, const struct hit *hit, struct hour *hour)
{
        const struct log_line *line = hit->line;

        if (tally->hits == 0 || line->time_us < tally->first_us)
                tally->first_us = line->time_us;
        if (tally->hits == 0 || line->time_us > tally->last_us)
                tally->last_us = line->time_us;
        tally->hits++;
        tally->bytes += line->bytes;
        tally->errors += hit->error;
        tally->bot_hits += hit->bot;
        tally->page_views += hit->page_view;
        tally->bot_page_views += hit->page_view && hit->bot;
        hour->figures.hits++;
        hour->figures.bytes += line->bytes;
        hour->figures.bot_hits += hit->bot;
        hour->figures.errors += hit->error;
        if (line->present & LOG_HAS_DURATION && line->duration_us >= 0) {
                histogram_add(tally->histogram, (uint64_t)line->duration_us);
                tally->durations = true;
        }
}

/* Divides towards minus infinity: a log may be from before 1970. */
static int64_t floor_divide(int64_t value, int64_t by)
{
        return value / by - (value % by < 0);
}

static bool count_hit(struct tally *tally, struct hit *hit, uint64_t position)
{
        struct visit_request request;
        struct hour *hour = hours_at(&tally->hours, (int64_t)hit->day * 24 + hit->time / HOUR_MS);

        if (!hour || !count_names(tally, hit))
                return false;
        hit->page_view = is_page_view(hit);
        count_totals(tally, hit, hour);
        if (!hit->counted || !hit->visitor)
                return true;
        request = (struct visit_request){
                .time = hit->time,
                .page = hit->page_view,
                .path = hit->page_view ? hit->path->id : 0,
                .source = hit->source,
                .campaign = hit->campaign,
                .position = position,
        };
        return visitor_request(hit->shard, hit->visitor, &request);
}

int tally_add(struct tally *tally, const struct log_line *line, uint64_t position, struct error *err)
{
        struct hit hit = { .line = line };
        int64_t ms = floor_divide(line->time_us, 1000), day = floor_divide(ms, DAY_MS);

        tally->lines++;
        tally->formats |= 1U << line->format;
        if ((tally->options.from_us && line->time_us < tally->options.from_us) ||
            (tally->options.until_us && line->time_us >= tally->options.until_us)) {
                tally->outside++;
                return 0;
        }
        hit.day = (int32_t)day;
        hit.time = (uint32_t)(ms - day * DAY_MS);
        hit.counted = line->status / 100 != 4;
        hit.error = line->status / 100 == 4 || line->status / 100 == 5;
        if (!find_all(tally, &hit))
                return error_memory(err);
        count(hit.agent, &hit);
        if (hit.bot && tally->options.bots_apart)
                tally->bot_hits++;
        else if (!count_hit(tally, &hit, position))
                return error_memory(err);
        return --tally->until_check ? 0 : tally_check_limit(tally, err);
}

/* ---------------------------------------------------------------- other lines */

void tally_sample(struct tally *tally, const struct sample *sample)
{
        size_t at = tally->sample_count;

        while (at > 0 && tally->samples[at - 1].position > sample->position)
                at--;
        if (at == SAMPLES_MAXIMUM)
                return;
        if (tally->sample_count < SAMPLES_MAXIMUM)
                tally->sample_count++;
        memmove(tally->samples + at + 1, tally->samples + at, (tally->sample_count - at - 1) * sizeof(*sample));
        tally->samples[at] = *sample;
}

void tally_invalid(struct tally *tally, const char *file, const char *line, size_t length, uint64_t position)
{
        struct sample sample = { .position = position, .file = file };

        tally->lines++;
        tally->invalid++;
        sample.length = length < SAMPLE_BYTES ? length : SAMPLE_BYTES;
        memcpy(sample.line, line, sample.length);
        tally_sample(tally, &sample);
}

void tally_empty(struct tally *tally)
{
        tally->lines++;
        tally->empty++;
}
