/* judge.c - grades and folds. */
#include "judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- times ---- */

static struct clock_offset clock_of(const struct clock_offset *clock, int64_t unknown_us)
{
        return clock->known ? *clock : (struct clock_offset){ 0, unknown_us, true };
}

/* By the server's own clock. */
static void local_span(const struct response *response, int64_t request_us, int64_t *ret_from_us, int64_t *ret_to_us)
{
        bool timed = response->flags & RESPONSE_HAS_DURATION;
        int64_t took = timed ? ((int64_t)response->duration_ms + 1) * 1000 : request_us;
        int64_t grain = response->flags & RESPONSE_FRACTION ? 1000 : 1000000;

        *ret_from_us = response->time_us - took;
        *ret_to_us = response->time_us + grain;
        if (!(timed && response->flags & RESPONSE_END_TIME))
                *ret_to_us += took;
}

void exposure_span(const struct response *response, const struct clock_offset *clock, int64_t request_us,
                   int64_t clock_unknown_us, int64_t *ret_from_us, int64_t *ret_to_us)
{
        struct clock_offset c = clock_of(clock, clock_unknown_us);

        local_span(response, request_us, ret_from_us, ret_to_us);
        *ret_from_us -= c.offset_us + c.error_us;
        *ret_to_us += c.error_us - c.offset_us;
}

/* By the clock that the interval's times are of. */
static void span_for(const struct judge *judge, const struct response *response, const struct interval *interval,
                     int64_t *ret_from_us, int64_t *ret_to_us)
{
        const struct exposure_options *options = judge->options;
        const struct exposure_server *server = &options->servers[response->server];

        if (interval->own_clock && strcmp(interval->server, server->name) == 0) {
                local_span(response, options->request_us, ret_from_us, ret_to_us);
                return;
        }
        exposure_span(response, &server->clock, options->request_us, options->clock_unknown_us, ret_from_us, ret_to_us);
        if (!interval->own_clock)
                return;
        for (size_t i = 0; i < options->server_count; i++)
                if (strcmp(options->servers[i].name, interval->server) == 0) {
                        struct clock_offset c = clock_of(&options->servers[i].clock, options->clock_unknown_us);

                        *ret_from_us += c.offset_us - c.error_us;
                        *ret_to_us += c.offset_us + c.error_us;
                }
}

/* ---- what a visitor holds ---- */

static bool holds(const struct judge *judge, uint16_t path)
{
        for (size_t i = 0; i < judge->visitor.held_count; i++)
                if (judge->visitor.held[i] == path)
                        return true;
        return judge->visitor.held_more;
}

static void hold(struct judge *judge, uint16_t path)
{
        if (holds(judge, path))
                return;
        if (judge->visitor.held_count == HELD_MAXIMUM)
                judge->visitor.held_more = true;
        else
                judge->visitor.held[judge->visitor.held_count++] = path;
}

static void drop(struct judge *judge, uint16_t path)
{
        for (size_t i = 0; i < judge->visitor.held_count; i++)
                if (judge->visitor.held[i] == path)
                        judge->visitor.held[i--] = judge->visitor.held[--judge->visitor.held_count];
}

static void begin_visitor(struct judge *judge, const struct response *response)
{
        memset(&judge->visitor, 0, sizeof(judge->visitor));
        judge->visitor.tag = response->tag;
        judge->visitor.address = response->address;
        judge->visitor.agent = response->agent;
}

static bool is_visitor(const struct judge *judge, const struct response *response)
{
        if (judge->visitor.tag || response->tag)
                return judge->visitor.tag == response->tag;
        return judge->visitor.address == response->address && judge->visitor.agent == response->agent;
}

/* ---- one answer ---- */

static struct grade_facts facts_of(const struct judge *judge, const struct response *response)
{
        unsigned int flags = response->flags;

        return (struct grade_facts){
                .bytes = response->bytes,
                .status = response->status,
                .sent = !(flags & RESPONSE_HAS_COMPLETE) ? SENT_UNKNOWN
                        : flags & RESPONSE_COMPLETE      ? SENT_WHOLE
                                                         : SENT_PART,
                .has_bytes = flags & RESPONSE_HAS_BYTES && response->bytes != GATHER_BYTES_LARGE,
                .has_columns = flags & RESPONSE_HAS_DURATION,
                .head = flags & RESPONSE_HEAD,
                .packed = flags & RESPONSE_PACKED,
                .range = flags & RESPONSE_RANGE,
                .cached = flags & RESPONSE_CACHED,
                .held = holds(judge, response->path),
        };
}

/* Best first; of two equal grades the first that was found. */
static struct verdict grade(const struct judge *judge, const struct response *response, size_t *ret_interval)
{
        const struct affected_path *path = &judge->affected->paths[response->path];
        const char *server = judge->options->servers[response->server].name;
        struct verdict best = { GRADE_NOT, REASON_OUTSIDE };

        *ret_interval = 0;
        for (size_t i = 0; i < path->count; i++) {
                const struct interval *interval = &judge->options->intervals[path->links[i].interval];
                struct interval_times times = interval->times;
                struct grade_facts facts = facts_of(judge, response);
                struct verdict verdict;

                facts.page = path->links[i].page;
                if (!facts.page && strcmp(interval->server, server) != 0)
                        continue;
                if (facts.page)
                        facts.held = judge->visitor.held_count > 0;
                if (times.first_good != TIME_OPEN)
                        times.first_good += judge->options->held_open_us;
                span_for(judge, response, interval, &facts.from_us, &facts.to_us);
                verdict = grade_response(&times, judge->options->cache_us, &facts);
                if (verdict.grade > best.grade || (i == 0 && verdict.grade == best.grade)) {
                        best = verdict;
                        *ret_interval = path->links[i].interval;
                }
        }
        return best;
}

static int64_t middle_of(const struct judge *judge, const struct response *response)
{
        int64_t from, to;

        exposure_span(response, &judge->options->servers[response->server].clock, judge->options->request_us,
                      judge->options->clock_unknown_us, &from, &to);
        return from + (to - from) / 2;
}

/* ---- accounts ---- */

static struct verdict limit(struct verdict verdict, enum basis basis, bool first)
{
        enum grade most = basis == BASIS_TAG                             ? GRADE_CONFIRMED
                          : basis == BASIS_INFERRED                      ? GRADE_PROBABLE
                          : basis == BASIS_TAG_SHARED && first           ? GRADE_PROBABLE
                                                                         : GRADE_POSSIBLE;

        if (verdict.grade > most)
                verdict.grade = most;
        return verdict;
}

static int explain(struct judge *judge, const struct response *response, struct verdict verdict, enum basis basis,
                   size_t interval, struct error *err)
{
        struct exposure *out = judge->out;

        if (out->row_count == EXPOSURE_EVIDENCE) {
                out->rows_left_out++;
                return 0;
        }
        if (memory_grow(&out->rows, out->row_count, sizeof(*out->rows)) < 0)
                return error_memory(err);
        out->rows[out->row_count++] = (struct exposure_row){ *response, verdict, basis, interval };
        return 0;
}

static void fold(struct exposure_account *account, const struct response *response, struct verdict verdict,
                 enum basis basis, bool susceptible, bool live)
{
        if (!account->responses || response->time_us < account->first_us)
                account->first_us = response->time_us;
        if (!account->responses || response->time_us > account->last_us)
                account->last_us = response->time_us;
        account->responses++;
        account->susceptible = account->susceptible || susceptible;
        account->payload_live = account->payload_live || live;
        account->direct = account->direct || basis == BASIS_TAG;
        if (verdict.grade < account->grade || (verdict.grade == account->grade && basis <= account->basis))
                return;
        account->grade = verdict.grade;
        account->basis = basis;
        account->reason = verdict.reason;
}

static bool is_susceptible(const struct judge *judge, const struct response *response, bool logged_out)
{
        size_t length;
        const char *agent = intern_text(&judge->out->texts.agents, response->agent, &length);

        return judge->options->susceptible &&
               susceptible_holds(judge->options->susceptible, agent, length, response->status, logged_out);
}

static int give_to_accounts(struct judge *judge, const struct response *response, struct verdict verdict,
                            size_t interval, int64_t time_us, bool live, struct error *err)
{
        const struct candidates *candidates = &judge->candidates;
        int r = 0;

        for (size_t i = 0; i < candidates->count && r == 0; i++) {
                const struct candidate *candidate = &candidates->list[i];
                bool logged_out = login_index_logged_out(judge->logins, candidate->account, time_us,
                                                         judge->options->near_us);
                struct verdict own = limit(verdict, candidate->basis, i == 0);

                fold(&judge->accounts[candidate->account], response, own, candidate->basis,
                     is_susceptible(judge, response, logged_out), live);
                if (candidate->account == judge->explained)
                        r = explain(judge, response, own, candidate->basis, interval, err);
        }
        return r;
}

static int attribute(struct judge *judge, const struct response *response, struct verdict verdict, size_t interval,
                     struct error *err)
{
        const struct exposure_options *options = judge->options;
        struct exposure *out = judge->out;
        int64_t time_us = middle_of(judge, response);
        bool live = (options->payload_from_us || options->payload_to_us) && time_us >= options->payload_from_us &&
                    time_us <= options->payload_to_us;
        int r = login_index_candidates(judge->logins, response, time_us, options->near_us, &judge->candidates, err);

        if (r < 0)
                return r;
        out->payload_live += live;
        out->susceptible_responses += is_susceptible(judge, response, true);
        out->indirect_responses += judge->candidates.count != 1 || judge->candidates.list[0].basis != BASIS_TAG;
        if (judge->candidates.count)
                return give_to_accounts(judge, response, verdict, interval, time_us, live, err);
        out->unattributed_responses++;
        out->unattributed_susceptible += is_susceptible(judge, response, true);
        out->unattributed_visitors += !judge->visitor.counted;
        judge->visitor.counted = true;
        if (time_us < judge->first_unattributed_us)
                judge->first_unattributed_us = time_us;
        return 0;
}

static int count_embedder(struct exposure *out, const struct response *response, enum grade got, uint64_t (**by)[GRADES],
                          uint32_t *capacity, struct error *err)
{
        if (!response->embedder)
                return 0;
        if (response->embedder >= *capacity) {
                uint32_t more = out->texts.embedders.count;
                uint64_t(*counts)[GRADES] = memory_resize(*by, more, sizeof(*counts));

                if (!counts)
                        return error_memory(err);
                memset(counts + *capacity, 0, (more - *capacity) * sizeof(*counts));
                *by = counts;
                *capacity = more;
        }
        (*by)[response->embedder][got]++;
        return 0;
}

static int judge_one(struct judge *judge, const struct response *response, enum grade *ret_grade, struct error *err)
{
        size_t interval;
        struct verdict verdict = grade(judge, response, &interval);

        *ret_grade = verdict.grade;
        judge->out->responses[verdict.grade]++;
        if (verdict.grade > judge->visitor.grade)
                judge->visitor.grade = verdict.grade;
        if (verdict.grade > GRADE_NOT)
                hold(judge, response->path);
        else if (response->status == 200 && !(response->flags & RESPONSE_HEAD))
                drop(judge, response->path);
        return verdict.grade > GRADE_NOT ? attribute(judge, response, verdict, interval, err) : 0;
}

/* ---- all of them ---- */

/* By visitor, then by time. What has a tag is of its visitor, from wherever it came. */
static int compare(const void *left, const void *right)
{
        const struct response *a = left, *b = right;

        if (a->tag != b->tag)
                return a->tag < b->tag ? -1 : 1;
        if (!a->tag && a->address != b->address)
                return a->address < b->address ? -1 : 1;
        if (!a->tag && a->agent != b->agent)
                return a->agent < b->agent ? -1 : 1;
        if (a->time_us != b->time_us)
                return a->time_us < b->time_us ? -1 : 1;
        if (a->file != b->file)
                return a->file < b->file ? -1 : 1;
        return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int compare_embedders(const void *left, const void *right)
{
        const struct exposure_embedder *a = left, *b = right;
        uint64_t of_a = a->responses[1] + a->responses[2] + a->responses[3];
        uint64_t of_b = b->responses[1] + b->responses[2] + b->responses[3];

        if (of_a != of_b)
                return of_a > of_b ? -1 : 1;
        return a->embedder < b->embedder ? -1 : a->embedder > b->embedder;
}

static int list_embedders(struct exposure *out, uint64_t (*by)[GRADES], uint32_t capacity, struct error *err)
{
        for (uint32_t i = 1; i < capacity; i++) {
                if (!(by[i][GRADE_POSSIBLE] | by[i][GRADE_PROBABLE] | by[i][GRADE_CONFIRMED]))
                        continue;
                if (memory_grow(&out->embedders, out->embedder_count, sizeof(*out->embedders)) < 0)
                        return error_memory(err);
                out->embedders[out->embedder_count].embedder = i;
                memcpy(out->embedders[out->embedder_count++].responses, by[i], sizeof(by[i]));
        }
        if (out->embedder_count)
                qsort(out->embedders, out->embedder_count, sizeof(*out->embedders), compare_embedders);
        return 0;
}

int judge_all(struct judge *judge, struct gathered *gathered, struct error *err)
{
        uint64_t(*embedders)[GRADES] = NULL;
        uint32_t capacity = 0;
        bool begun = false;
        int r = 0;

        if (gathered->count)
                qsort(gathered->responses, gathered->count, sizeof(*gathered->responses), compare);
        for (size_t i = 0; i < gathered->count && r == 0; i++) {
                const struct response *response = &gathered->responses[i];
                enum grade got = GRADE_NOT;

                if (response->path == GATHER_LOGIN)
                        continue;
                if (!begun || !is_visitor(judge, response)) {
                        judge->out->visitors[judge->visitor.grade] += begun;
                        begin_visitor(judge, response);
                        begun = true;
                }
                r = judge_one(judge, response, &got, err);
                if (r == 0)
                        r = count_embedder(judge->out, response, got, &embedders, &capacity, err);
        }
        judge->out->visitors[judge->visitor.grade] += begun;
        if (r == 0)
                r = list_embedders(judge->out, embedders, capacity, err);
        free(embedders);
        return r;
}
