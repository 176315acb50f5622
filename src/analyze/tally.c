/* tally.c - one line after the other: the path that every line of every log takes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/classify.h"
#include "analyze/hash.h"
#include "analyze/tally_private.h"
#include "base/clock.h"
#include "base/memory.h"

#define DAY_MS  (INT64_C(86400) * 1000)
#define HOUR_MS (3600 * 1000)

int tally_new(const struct tally_options *options, struct tally **ret_tally, struct error *err)
{
        struct tally *tally = memory_new(1, sizeof(*tally));
        int r;

        if (!tally)
                return error_memory(err);
        assert(options->goal_count <= GOALS_MAXIMUM && options->funnel_count <= FUNNELS_MAXIMUM);
        tally->options = *options;
        tally->until_check = CHECK_LINES;
        r = name_table_init(&tally->names, err);
        for (size_t i = 0; i < VISITOR_SHARDS && r == 0; i++)
                r = visitors_init(&tally->shards[i], err);
        if (r == 0 && !options->bots)
                r = bots_load(options->bot_list, &tally->own_bots, err);
        tally->bots = options->bots ? options->bots : tally->own_bots;
        if (r == 0 && !(tally->histogram = memory_new(1, sizeof(*tally->histogram))))
                r = error_memory(err);
        if (r == 0 && options->countries && !(tally->countries = memory_new(COUNTRY_MEMORY, sizeof(*tally->countries))))
                r = error_memory(err);
        for (size_t i = 0; i < options->funnel_count; i++)
                for (size_t k = 0; k < options->funnels[i].count; k++)
                        tally->funnel_goals |= UINT32_C(1) << options->funnels[i].steps[k];
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
        bots_free(tally->own_bots);
        free(tally->hours.slots);
        free(tally->histogram);
        free(tally->countries);
        reached_done(&tally->reached);
        for (size_t i = 0; i < VITAL_COUNT; i++)
                free(tally->vitals[i]);
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

static void count(struct name *name, const struct hit *hit)
{
        name->hits++;
        name->bytes += hit->line->bytes;
        name->bot_hits += hit->bot;
        name->errors += hit->error;
}

/* Of visitors those with an answer other than 4xx. */
bool hit_count_seen(struct name *name, const struct hit *hit)
{
        if (!name)
                return false;
        count(name, hit);
        return !hit->counted || !hit->visitor || visitor_saw(hit->shard, hit->visitor, name->id);
}

bool hit_count_goals(struct tally *tally, const struct hit *hit, uint32_t goals)
{
        const struct reached reached = { .visitor = hit->key,
                                         .position = hit->position,
                                         .goals = goals,
                                         .time = hit->time & ((1U << 27) - 1),
                                         .bot = hit->bot };

        for (size_t i = 0; i < GOALS_MAXIMUM && goals >> i; i++) {
                const char *goal = tally->options.goals[i].name;

                if (goals >> i & 1 &&
                    !hit_count_seen(name_table_get(&tally->names, NAME_GOAL, goal, strlen(goal)), hit))
                        return false;
        }
        return !(goals & tally->funnel_goals) || !hit->visitor || reached_add(&tally->reached, &reached);
}

/* The address's country, asked for once while its requests follow each other. */
static bool count_country(struct tally *tally, const struct hit *hit)
{
        struct country_memory *memory = &tally->countries[hit->address_hash % COUNTRY_MEMORY];
        char code[COUNTRY_SIZE];

        if (!memory->name || memory->address_hash != hit->address_hash) {
                const char *text =
                        !hit->named && countries_find(tally->options.countries, hit->address, code) ? code : "unknown";

                memory->name = name_table_get(&tally->names, NAME_COUNTRY, text, strlen(text));
                memory->address_hash = hit->address_hash;
        }
        return hit_count_seen(memory->name, hit);
}

static bool count_path(struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;
        struct name *name = hit->path;

        if (!hit_count_seen(name, hit))
                return false;
        if (line->status == 404 || line->status == 410) {
                name->path.missing++;
                name->path.missing_bots += hit->bot;
                name->path.missing_bytes += line->bytes;
        }
        return !name->path.goals || hit->error || hit_count_goals(tally, hit, name->path.goals);
}

static bool count_referrer(struct tally *tally, struct hit *hit)
{
        struct span text = hit->line->referrer;
        struct name *host, *page;
        int r = hit_referrer_host(tally, text, hit->path->path.asset, &host);

        if (r <= 0)
                return r == 0;
        if (hit->path->path.asset) {
                host->referrer.asset_hits++;
                return true;
        }
        page = name_table_get_hashed(&tally->names, NAME_REFERRER_PAGE, text.text, hit->page_length, hit->page_hash);
        if (!hit_count_seen(host, hit) || !hit_count_seen(page, hit))
                return false;
        page->referrer.host = host->id;
        hit->source = host->id;
        return !host->referrer.search || hit_count_seen(name_table_by_id(&tally->names, host->referrer.search), hit);
}

static bool count_campaign(struct tally *tally, struct hit *hit)
{
        char text[CAMPAIGN_MAXIMUM];
        size_t length = hit->line->query.length ? campaign_of(hit->line->query, text) : 0;
        struct name *name;

        if (!length || hit->path->path.asset)
                return true;
        name = name_table_get(&tally->names, NAME_CAMPAIGN, text, length);
        if (!hit_count_seen(name, hit))
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

static bool count_names(struct tally *tally, struct hit *hit)
{
        const struct log_line *line = hit->line;

        if ((line->present & LOG_HAS_STATUS) && !hit_count_seen(get_status(tally, line->status % 1000), hit))
                return false;
        if (line->host.length &&
            !hit_count_seen(name_table_get(&tally->names, NAME_HOST, line->host.text, line->host.length), hit))
                return false;
        if (tally->countries && !count_country(tally, hit))
                return false;
        if (!line->method.length)
                return true; /* a TLS hello, "-": nothing that has a path */
        return hit_count_seen(get_method(tally, line->method), hit) && count_path(tally, hit) &&
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
        if (line->beacon) {
                tally->navigations += line->beacon == BEACON_NAVIGATION;
                tally->bot_navigations += line->beacon == BEACON_NAVIGATION && hit->bot;
                tally->pixels += line->beacon == BEACON_PIXEL;
                tally->bot_pixels += line->beacon == BEACON_PIXEL && hit->bot;
        }
        hour->figures.hits++;
        hour->figures.bytes += line->bytes;
        hour->figures.bot_hits += hit->bot;
        hour->figures.errors += hit->error;
        if (line->present & LOG_HAS_DURATION && line->duration_us >= 0) {
                histogram_add(tally->histogram, (uint64_t)line->duration_us);
                tally->durations = true;
        }
}

static bool count_hit(struct tally *tally, struct hit *hit)
{
        struct visit_request request;
        struct hour *hour = hours_at(&tally->hours, (int64_t)hit->day * 24 + hit->time / HOUR_MS);

        if (!hour || !count_names(tally, hit))
                return false;
        hit->page_view = is_page_view(hit);
        if (hit->page_view && !hit->bot && hit->line->beacon != BEACON_NAVIGATION)
                hit->path->path.people_views++;
        count_totals(tally, hit, hour);
        if (!hit->counted || !hit->visitor)
                return true;
        request = (struct visit_request){
                .time = hit->time,
                .page = hit->page_view,
                .path = hit->page_view ? hit->path->id : 0,
                .source = hit->source,
                .campaign = hit->campaign,
                .position = hit->position,
        };
        return visitor_request(hit->shard, hit->visitor, &request);
}

static bool count_line(struct tally *tally, struct hit *hit)
{
        if (tally->until_check)
                tally->until_check--;
        if (hit->line->beacon >= BEACON_EVENT)
                return (hit->bot && tally->options.bots_apart) || hit_count_action(tally, hit);
        count(hit->agent, hit);
        if (!hit->bot || !tally->options.bots_apart)
                return hit_find_visitor(tally, hit) && count_hit(tally, hit);
        tally->bot_hits++;
        return true;
}

/* ---------------------------------------------------------------- lines on their way */

#define STEPS 5

/* The next step with a line; false without memory. */
static bool take_step(struct tally *tally, struct hit *hit)
{
        switch (hit->step++) {
        case 0: hit_ask(tally, hit); return true;
        case 1: hit_ask_names(tally, hit); return true;
        case 2: return hit_find(tally, hit);
        case 3: hit_ask_visitor(tally, hit); return true;
        default: return count_line(tally, hit);
        }
}

/* False when the line lies outside of the span that was asked for. */
static bool begin_hit(struct tally *tally, const struct log_line *line, uint64_t position, struct hit *ret_hit)
{
        int64_t ms = clock_floor(line->time_us, 1000), day = clock_floor(ms, DAY_MS);

        tally->lines++;
        tally->formats |= 1U << line->format;
        if ((tally->options.from_us && line->time_us < tally->options.from_us) ||
            (tally->options.until_us && line->time_us >= tally->options.until_us)) {
                tally->outside++;
                return false;
        }
        *ret_hit = (struct hit){
                .line = line,
                .position = position,
                .day = (int32_t)day,
                .time = (uint32_t)(ms - day * DAY_MS),
                .counted = line->status / 100 != 4,
                .error = line->status / 100 == 4 || line->status / 100 == 5,
        };
        return true;
}

struct log_line *tally_line(struct tally *tally)
{
        return &tally->queue.lines[tally->queue.end % TALLY_AHEAD];
}

int tally_push(struct tally *tally, uint64_t position, struct error *err)
{
        struct queue *queue = &tally->queue;
        struct hit *hit = &queue->hits[queue->end % TALLY_AHEAD];

        if (!begin_hit(tally, tally_line(tally), position, hit))
                return 0;
        queue->end++;
        for (unsigned int i = queue->begin; i != queue->end; i++)
                if (!take_step(tally, &queue->hits[i % TALLY_AHEAD]))
                        return error_memory(err);
        if (queue->hits[queue->begin % TALLY_AHEAD].step == STEPS)
                queue->begin++;
        return tally->until_check ? 0 : tally_flush(tally, err);
}

int tally_flush(struct tally *tally, struct error *err)
{
        struct queue *queue = &tally->queue;

        for (; queue->begin != queue->end; queue->begin++) {
                struct hit *hit = &queue->hits[queue->begin % TALLY_AHEAD];

                while (hit->step < STEPS)
                        if (!take_step(tally, hit))
                                return error_memory(err);
        }
        return tally->until_check ? 0 : tally_check_limit(tally, err);
}

int tally_add(struct tally *tally, const struct log_line *line, uint64_t position, struct error *err)
{
        struct hit hit;

        if (!begin_hit(tally, line, position, &hit))
                return 0;
        while (hit.step < STEPS)
                if (!take_step(tally, &hit))
                        return error_memory(err);
        return tally->until_check ? 0 : tally_flush(tally, err);
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
