#include "feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accesslog/beacon.h"
#include "accesslog/format.h"
#include "analyze/agents.h"
#include "analyze/bots.h"
#include "analyze/classify.h"
#include "analyze/hash.h"
#include "analyze/store_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "spread/row.h"
#include "spread/visitor.h"

#define DAY_MS        INT64_C(86400000)
#define AGENTS_CACHED 8192 /* of one agent in each place */
#define DAYS_CACHED   32
#define MARKS_MAXIMUM (1U << 20) /* bytes, of one event */

/* What an agent is, in the bytes of a row. */
struct agent {
        char *text; /* NULL: empty; owned */
        size_t length;
        uint64_t number; /* no other text had it */
        struct buffer row;
};

struct day {
        int32_t day;
        bool salted;
        uint8_t salt[SALT_SIZE];
};

struct feed {
        struct spool *spool;
        struct salts *salts;
        const struct spread_shards *shards;
        struct feed_options options;
        struct bots *bots;
        struct agent *agents; /* AGENTS_CACHED */
        uint64_t agents_seen;
        struct visitors_recent *recent;
        struct day days[DAYS_CACHED];
        size_t day_count, last_day;
        char *scratch; /* for log_parse() */
        struct buffer row, marks;
        uint64_t pending, invalid, unsalted;
};

/* ---------------------------------------------------------------- making */

void feed_free(struct feed *feed)
{
        if (!feed)
                return;
        for (size_t i = 0; feed->agents && i < AGENTS_CACHED; i++) {
                free(feed->agents[i].text);
                buffer_done(&feed->agents[i].row);
        }
        free(feed->agents);
        bots_free(feed->bots);
        memory_wipe(feed->days, sizeof(feed->days));
        free(feed->scratch);
        visitors_recent_free(feed->recent);
        buffer_done(&feed->row);
        buffer_done(&feed->marks);
        free(feed);
}

int feed_new(struct spool *spool, struct salts *salts, const struct spread_shards *shards,
             const struct feed_options *options, struct feed **ret_feed, struct error *err)
{
        struct feed *feed = memory_new(1, sizeof(*feed));
        int r;

        if (!feed)
                return error_memory(err);
        hash_start();
        feed->spool = spool;
        feed->salts = salts;
        feed->shards = shards;
        feed->options = *options;
        feed->row = (struct buffer)BUFFER_INIT(2 * ROW_BYTES_MAXIMUM);
        feed->marks = (struct buffer)BUFFER_INIT(MARKS_MAXIMUM);
        feed->scratch = memory_new(1, LOG_LINE_MAXIMUM);
        feed->agents = memory_new(AGENTS_CACHED, sizeof(*feed->agents));
        r = feed->scratch && feed->agents && visitors_recent_new(options->site, &feed->recent) == 0
                    ? bots_load(options->bot_list, &feed->bots, err)
                    : error_memory(err);
        if (r < 0) {
                feed_free(feed);
                return r;
        }
        *ret_feed = feed;
        return 0;
}

/* ---------------------------------------------------------------- agents */

static int put_agent(struct feed *feed, struct agent *agent)
{
        uint16_t platform = agent_system(agent->text, agent->length);
        uint16_t bot = bots_find(feed->bots, agent->text, agent->length);
        uint16_t device = bot ? DEVICE_BOT : agent_device(agent->text, agent->length, platform);
        const char *const words[] = { agent_browser_name(agent_browser(agent->text, agent->length)),
                                      agent_system_name(platform), agent_device_name(device),
                                      bot ? bots_name(feed->bots, bot) : "" };
        int r = 0;

        agent->row.maximum = 4096;
        buffer_clear(&agent->row);
        for (size_t i = 0; i < LENGTH(words) && r == 0; i++)
                r = row_put_text(&agent->row, words[i], strlen(words[i]));
        return r;
}

/* Most requests come with an agent that came lately; what it is, is asked of the same functions as in the tally. */
static const struct agent *find_agent(struct feed *feed, struct span text)
{
        struct agent *agent = &feed->agents[hash_bytes(text.text, text.length, 0) % AGENTS_CACHED];
        char *copy;

        if (agent->text && agent->length == text.length &&
            (!text.length || memcmp(agent->text, text.text, text.length) == 0))
                return agent;
        copy = memory_copy(text.length ? text.text : "", text.length);
        if (!copy)
                return NULL;
        free(agent->text);
        agent->text = copy;
        agent->length = text.length;
        agent->number = ++feed->agents_seen;
        if (put_agent(feed, agent) == 0)
                return agent;
        free(agent->text);
        agent->text = NULL;
        return NULL;
}

/* ---------------------------------------------------------------- days and visitors */

static int share_salt(struct feed *feed, int32_t day, struct error *err)
{
        struct shared_salt shared;
        int r = feed->options.share(feed->options.share_context, day, &shared, err);

        if (r == 0)
                r = salts_put(feed->salts, day, clock_now() - shared.age_seconds, shared.bytes, err);
        memory_wipe(&shared, sizeof(shared));
        return r == -ESTALE ? 0 : r;
}

/* Made when the day is new. A day that had one and has none any more gets no other: no visitors then. NULL in *ret_salt. */
static int find_salt(struct feed *feed, int32_t day, const struct store_day *known, const uint8_t **ret_salt,
                     struct error *err)
{
        int r = 0;

        *ret_salt = known->closed ? NULL : salts_find(feed->salts, day);
        if (*ret_salt || known->known)
                return 0;
        r = feed->options.share ? share_salt(feed, day, err) : salts_make(feed->salts, day, clock_now(), err);
        if (r == 0)
                *ret_salt = salts_find(feed->salts, day);
        return r;
}

/* What is kept of it: one that is not the day's first is counted with, and told. */
static int know_salt(struct feed *feed, int32_t day, const struct store_day *known, const uint8_t salt[static SALT_SIZE],
                     struct error *err)
{
        uint8_t check[SALT_CHECK_SIZE];
        bool replaced = false;
        int r = store_day_compare(known, salt, check, &replaced, err);

        if (r < 0 || (known->checked && !replaced))
                return r;
        if (replaced)
                salts_note_replaced(feed->salts, day);
        return spool_know_day(feed->spool, day, check, replaced ? clock_now() : 0) == 0 ? 0 : error_memory(err);
}

static int salt_day(struct feed *feed, struct day *day, struct error *err)
{
        struct store_day known;
        const uint8_t *salt = NULL;
        int r = spool_day(feed->spool, day->day, &known, err);

        if (r == 0)
                r = find_salt(feed, day->day, &known, &salt, err);
        if (r < 0)
                return r;
        day->salted = salt != NULL;
        if (!salt)
                return known.known || spool_know_day(feed->spool, day->day, NULL, 0) == 0 ? 0 : error_memory(err);
        memcpy(day->salt, salt, sizeof(day->salt));
        return know_salt(feed, day->day, &known, salt, err);
}

static void forget_days(struct feed *feed)
{
        visitors_recent_forget(feed->recent);
        memory_wipe(feed->days, sizeof(feed->days));
        feed->day_count = feed->last_day = 0;
}

static int find_day(struct feed *feed, int32_t number, const struct day **ret_day, struct error *err)
{
        int r;

        for (size_t i = 0; i <= feed->day_count; i++) {
                size_t at = i ? i - 1 : feed->last_day; /* the same as of the line before, most of the time */

                if (at < feed->day_count && feed->days[at].day == number) {
                        feed->last_day = at;
                        *ret_day = &feed->days[at];
                        return 0;
                }
        }
        if (feed->day_count == DAYS_CACHED)
                forget_days(feed);
        feed->days[feed->day_count] = (struct day){ .day = number };
        r = salt_day(feed, &feed->days[feed->day_count], err);
        if (r < 0)
                return r;
        *ret_day = &feed->days[feed->day_count++];
        return 0;
}

/* ---------------------------------------------------------------- lines */

static void set_referrer(struct spread_row *row, const struct log_line *line, struct referrer *referrer)
{
        if (!line->method.length || !line->referrer.length || !referrer_split(line->referrer, referrer))
                return;
        row->referrer = (struct span){ referrer->host, (uint32_t)referrer->host_length };
        if (row->asset)
                return; /* whose page it is embedded in */
        row->referrer_page = line->referrer;
        row->referrer_page.length = (uint32_t)referrer_page_length(line->referrer);
}

static void set_country(const struct feed *feed, struct spread_row *row, const struct log_line *line,
                        char code[static COUNTRY_SIZE])
{
        static const char unknown[] = "unknown";

        if (!feed->options.countries)
                return;
        row->country = (struct span){ unknown, sizeof(unknown) - 1 };
        if (line->address.numeric && countries_find(feed->options.countries, line->address.bytes, code))
                row->country = (struct span){ code, (uint32_t)strlen(code) };
}

static int put_mark(struct feed *feed, struct spread_row *row, char kind, const char *text, size_t length)
{
        row->mark_count++;
        return row_put_mark(&feed->marks, kind, text, length);
}

static int put_goals(struct feed *feed, struct spread_row *row, uint32_t goals)
{
        int r = 0;

        for (size_t i = 0; goals >> i && r == 0; i++)
                if (goals >> i & 1)
                        r = put_mark(feed, row, MARK_GOAL, feed->options.goals[i].name,
                                     strlen(feed->options.goals[i].name));
        return r;
}

static int put_beacon_event(struct feed *feed, struct spread_row *row, const struct log_line *line)
{
        const struct span event = { line->event.text, BEACON_SHORT(line->event.length) };
        struct span rest = line->details;
        char property[BEACON_PROPERTY_MAXIMUM];
        size_t length;
        int r = put_mark(feed, row, MARK_EVENT, event.text, event.length);

        if (r == 0)
                r = put_goals(feed, row, goals_of_event(feed->options.goals, feed->options.goal_count, event));
        for (unsigned int i = 0;
             r == 0 && i < BEACON_PROPERTIES_MAXIMUM && beacon_property(&rest, event, property, &length); i++)
                r = put_mark(feed, row, MARK_PROPERTY, property, length);
        return r;
}

static int put_vitals(struct feed *feed, struct spread_row *row, const struct log_line *line)
{
        char text[32];
        int r = 0;

        for (unsigned int vital = 0; vital < VITAL_COUNT && r == 0; vital++) {
                uint64_t value;

                if (beacon_vital(line, (enum beacon_vital)vital, &value))
                        r = put_mark(feed, row, MARK_VITAL, text,
                                     (size_t)snprintf(text, sizeof(text), "%u=%" PRIu64, vital, value));
        }
        return r;
}

/* What else it means, as in tally.c and tally_beacon.c. */
static int put_marks(struct feed *feed, struct spread_row *row, const struct log_line *line)
{
        bool error = line->status / 100 == 4 || line->status / 100 == 5;
        int r = 0;

        buffer_clear(&feed->marks);
        switch (line->beacon) {
        case BEACON_EVENT: r = put_beacon_event(feed, row, line); break;
        case BEACON_OUTBOUND:
                r = put_mark(feed, row, MARK_OUTBOUND, line->event.text, BEACON_SHORT(line->event.length));
                break;
        case BEACON_VITALS: r = put_vitals(feed, row, line); break;
        default:
                if (feed->options.goal_count && line->method.length && !error)
                        r = put_goals(feed, row,
                                      goals_of(feed->options.goals, feed->options.goal_count, line->path.text,
                                               line->path.length));
        }
        row->marks = (struct span){ feed->marks.data, (uint32_t)feed->marks.length };
        return r;
}

static uint16_t status_of(const struct log_line *line)
{
        if (!(line->present & LOG_HAS_STATUS))
                return 0;
        return line->status ? line->status : ROW_STATUS_000;
}

static int put_event(struct feed *feed, const struct log_line *line, const struct day *day, uint32_t ms,
                     struct error *err)
{
        const struct agent *agent = find_agent(feed, line->agent);
        char campaign[CAMPAIGN_MAXIMUM], country[COUNTRY_SIZE];
        struct referrer referrer;
        struct spread_row row = {
                .ms = ms,
                .source = line->beacon,
                .status = status_of(line),
                .bytes = line->bytes,
                .host = line->host,
                .method = line->method,
                .place = (uint32_t)feed->pending,
        };
        size_t shard;

        if (!agent || (day->salted && visitors_recent_find(feed->recent, day->day, day->salt, line, agent->number,
                                                           &row.visitor) < 0))
                return error_memory(err);
        row.agent = (struct span){ agent->row.data, (uint32_t)agent->row.length };
        if (line->method.length) {
                row.path = line->path;
                row.asset = path_is_asset(line->path.text, line->path.length);
        }
        set_referrer(&row, line, &referrer);
        if (line->method.length && line->query.length && !row.asset)
                row.campaign = (struct span){ campaign, (uint32_t)campaign_of(line->query, campaign) };
        set_country(feed, &row, line, country);
        buffer_clear(&feed->row);
        if (put_marks(feed, &row, line) < 0 || row_put(&feed->row, &row) < 0)
                return error_memory(err);
        shard = row.visitor ? spread_shard_of(row.visitor, feed->shards->count)
                            : (size_t)(feed->unsalted++ % feed->shards->count);
        return spool_put(feed->spool, shard, (uint16_t)day->day, &feed->row, err);
}

static int take_line(struct feed *feed, const struct log_line *line, struct error *err)
{
        int64_t ms = clock_floor(line->time_us, 1000), number = clock_floor(ms, DAY_MS);
        const struct day *day = NULL;
        int r;

        if (number < 0 || number > UINT16_MAX) { /* ClickHouse's Date: 1970 to 2149 */
                feed->invalid++;
                return 0;
        }
        r = find_day(feed, (int32_t)number, &day, err);
        return r < 0 ? r : put_event(feed, line, day, (uint32_t)(ms - number * DAY_MS), err);
}

int feed_block(struct feed *feed, const struct follow_block *block, struct error *err)
{
        const char *cursor = block->bytes, *end = block->bytes + block->length, *line;
        struct log_line parsed;
        size_t length;
        int r = 0;

        while (r == 0 && text_next_line(&cursor, end, &line, &length)) {
                feed->pending++;
                switch (log_parse(block->format, line, length, feed->scratch, &parsed)) {
                case LOG_OK: r = take_line(feed, &parsed, err); break;
                case LOG_INVALID: feed->invalid++; break;
                default: break;
                }
        }
        return r;
}

uint64_t feed_pending(const struct feed *feed)
{
        return feed->pending;
}

/* ---------------------------------------------------------------- keeping them */

void feed_drop(struct feed *feed, struct follow *follow)
{
        spool_drop(feed->spool);
        forget_days(feed);
        feed->pending = 0;
        follow_rewind(follow);
}

int feed_commit(struct feed *feed, struct follow *follow, struct error *err)
{
        struct follow_change change;
        size_t cursor = 0;
        int r;

        if (!feed->pending && !follow_changed(follow, &cursor, &change))
                return 0;
        r = spool_commit(feed->spool, follow, err);
        if (r < 0) {
                feed_drop(feed, follow);
                return r;
        }
        feed->pending = 0;
        follow_settle(follow);
        return 0;
}

static bool has_salt(const void *salts, int32_t day)
{
        return salts_find(salts, day) != NULL;
}

int feed_expire(struct feed *feed, int64_t now, struct error *err)
{
        bool any;
        int r = salts_expire(feed->salts, now, &any, err);

        forget_days(feed);
        return r < 0 ? r : spool_close_days(feed->spool, has_salt, feed->salts, err);
}

uint64_t feed_invalid(const struct feed *feed)
{
        return feed->invalid;
}
