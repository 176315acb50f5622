#include "lookout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define RETRY_MS    1000  /* the longest pause before an agent is tried again */
#define ARBITER_MS  250   /* how often each is asked */
#define STANDING_MS 1500
#define AGAIN_MS    20    /* between two questions to the second vantage point */
#define ANSWER_MS   3000
#define READY_MS    10000 /* how often those who are asked at the first failure are asked before: their processes are warm then */
#define HEAL_MS     (30 * 60 * INT64_C(1000))
#define STANDBY_MS  10000 /* what is known of the stand-by and the arbiter is that old at the most */
#define FRESH_MS    1000  /* the same for the site, at least */

/* A question that is asked again and again. */
struct question {
        bool asked;        /* and not answered yet */
        int64_t asked_ms;  /* when it was asked last */
        int64_t known_ms;  /* when that was asked to which the answer is known; 0: never */
};

struct lookout {
        struct lookout_options options;
        const struct config_server *production, *standby, *database;
        struct agent_client *agents[3]; /* of these */
        struct observer *observer;
        struct observer_sight sight;
        uint64_t failures;
        int64_t suspected_ms; /* when the first of these failures was over */
        int64_t moved_ms;     /* what was seen and asked before says nothing of the site as it is now */
        struct question arbiter, standing, vantage, fence, healing;
        struct failover_sight known; /* its ages are not used */
        int64_t verified_at;         /* seconds since 1970 */
        json_t *said;                /* by the stand-by of its trees, to the question `standing` */
        int64_t flips[CONFIG_CHECKS_MAXIMUM]; /* when, monotonic ms */
        size_t flip_count;
};

/* ---- questions ---- */

static void ask(struct question *question, struct agent_client *client, const char *verb, json_t *arguments, int64_t deadline_ms,
                agent_answer_function *answer, struct lookout *lookout)
{
        if (question->asked) {
                json_decref(arguments);
                return;
        }
        question->asked_ms = clock_monotonic_ms();
        question->asked = agent_client_send(client, verb, arguments, deadline_ms, NULL, answer, lookout, NULL, NULL) == 0;
}

/* What was asked before `since_ms` was answered in another world. */
static bool answered(struct question *question, bool known, int64_t since_ms)
{
        question->asked = false;
        known = known && question->asked_ms >= since_ms;
        if (known)
                question->known_ms = question->asked_ms;
        return known;
}

static int64_t age_of(const struct question *question, int64_t now)
{
        return question->known_ms ? now - question->known_ms : -1;
}

static const char *text_of(const json_t *object, const char *member)
{
        const char *text = json_string_value(json_object_get(object, member));

        return text ? text : "";
}

static void hear_arbiter(void *context, const json_t *result, const struct error *err _unused_)
{
        struct lookout *lookout = context;
        const json_t *flips = json_object_get(result, "flips");
        const char *production = lookout->production->name;

        if (!answered(&lookout->arbiter, result != NULL, lookout->moved_ms))
                return;
        lookout->known.home = text_equal(text_of(result, "holder"), production) &&
                              (text_equal(text_of(result, "stage"), production) || !*text_of(result, "stage"));
        lookout->flip_count = 0;
        for (size_t i = 0; i < json_array_size(flips) && i < LENGTH(lookout->flips); i++)
                lookout->flips[lookout->flip_count++] =
                        clock_monotonic_ms() - (int64_t)json_integer_value(json_array_get(flips, i)) * 1000;
}

/* When the tree was last compared; one under a guard that finds nothing is compared all the time. */
static int64_t verified_of(const json_t *tree)
{
        int64_t when = 0;

        if (json_is_object(json_object_get(tree, "guard")))
                return clock_now();
        return clock_parse_utc(text_of(tree, "verified"), &when) < 0 ? 0 : when;
}

static void hear_standing(void *context, const json_t *result, const struct error *err _unused_)
{
        struct lookout *lookout = context;
        const json_t *trees = json_object_get(json_object_get(result, "output"), "trees");
        enum failover_standing standing = json_array_size(trees) ? STANDING_ELIGIBLE : STANDING_NOT;
        int64_t verified_at = INT64_MAX;

        if (!answered(&lookout->standing, result != NULL, 0))
                return;
        for (size_t i = 0; i < json_array_size(trees); i++) {
                const json_t *tree = json_array_get(trees, i);
                const int64_t when = verified_of(tree);

                verified_at = when < verified_at ? when : verified_at;
                if (json_is_true(json_object_get(tree, "eligible")))
                        continue;
                if (standing != STANDING_NOT)
                        standing = json_is_false(json_object_get(tree, "genuine")) && *text_of(tree, "verified") ?
                                           STANDING_DIFFERS : STANDING_NOT;
        }
        if (lookout->standby->standby_rest == CONFIG_POWERED_OFF)
                standing = STANDING_NOT;
        lookout->known.standby = standing;
        lookout->verified_at = verified_at;
        json_decref(lookout->said);
        lookout->said = json_incref((json_t *)(uintptr_t)result);
}

static void hear_vantage(void *context, const json_t *result, const struct error *err _unused_)
{
        struct lookout *lookout = context;

        if (answered(&lookout->vantage, result != NULL, lookout->suspected_ms))
                lookout->known.there = json_is_true(json_object_get(result, "good")) ? VIEW_GOOD : VIEW_BAD;
}

/* A host that does not answer is the arbiter's silence; one that says that the database does not is what is asked for. */
static void hear_fence(void *context, const json_t *result, const struct error *err)
{
        struct lookout *lookout = context;
        const bool known = result || (err->code != -ECONNRESET && err->code != -EBUSY);

        if (answered(&lookout->fence, known, lookout->suspected_ms))
                lookout->known.database = result ? VIEW_GOOD : VIEW_BAD;
}

static void hear_healing(void *context, const json_t *result _unused_, const struct error *err _unused_)
{
        struct lookout *lookout = context;

        (void)answered(&lookout->healing, true, 0);
        lookout->standing.asked_ms = 0;
}

void lookout_suspect(struct lookout *lookout)
{
        const int64_t now = clock_monotonic_ms();

        if (now - lookout->vantage.asked_ms >= AGAIN_MS)
                ask(&lookout->vantage, lookout->agents[1], "vantage", NULL, ANSWER_MS, hear_vantage, lookout);
        if (now - lookout->fence.asked_ms >= AGAIN_MS * 10)
                ask(&lookout->fence, lookout->agents[2], "fence-look", NULL, ANSWER_MS, hear_fence, lookout);
        if (lookout->standing.asked_ms < lookout->suspected_ms && !lookout->healing.asked)
                ask(&lookout->standing, lookout->agents[1], "status", NULL, ANSWER_MS, hear_standing, lookout);
        agent_client_tick(lookout->agents[1]); /* now, and not at the next turn */
        agent_client_tick(lookout->agents[2]);
}

void lookout_heal(struct lookout *lookout)
{
        if (clock_monotonic_ms() - lookout->healing.asked_ms >= STANDBY_MS)
                ask(&lookout->healing, lookout->agents[1], "pull", NULL, HEAL_MS, hear_healing, lookout);
}

/* ---- the observer ---- */

static int start_observer(struct lookout *lookout, struct error *err)
{
        const struct config *config = lookout->options.config;
        const bool by_address = config->service.present && (config->move.failover & CONFIG_BY_ADDRESS);
        const struct observer_options options = { .config = config,
                                                  .address = by_address ? config->service.addresses.items[0].text :
                                                                          lookout->production->addresses.items[0].text,
                                                  .probe = lookout->options.probe,
                                                  .context = lookout->options.context };

        return observer_start(&options, &lookout->observer, err);
}

/* What the others saw before the first failure confirms nothing. */
static void suspect(struct lookout *lookout, int64_t at_ms)
{
        lookout->suspected_ms = at_ms;
        lookout->vantage.known_ms = lookout->fence.known_ms = 0;
        lookout->vantage.asked_ms = lookout->fence.asked_ms = 0;
}

static void read_observer(struct lookout *lookout)
{
        struct observer_sight sight;
        int r;

        while ((r = observer_read(lookout->observer, &sight)) == 1) {
                if (sight.at_ms < lookout->moved_ms)
                        continue;
                if (sight.failing >= 0 && lookout->failures == 0)
                        suspect(lookout, sight.at_ms);
                lookout->failures = sight.failing < 0 ? 0 : lookout->failures + 1;
                lookout->sight = sight;
        }
        if (r < 0) { /* killed, most likely: what it saw grows old until the next one has looked */
                observer_free(lookout->observer);
                lookout->observer = NULL;
                lookout->failures = 0;
        }
        if (!lookout->observer)
                (void)start_observer(lookout, NULL);
}

/* ---- the loop's parts ---- */

size_t lookout_poll(const struct lookout *lookout, struct pollfd *fds)
{
        size_t n = 0;

        if (lookout->observer)
                fds[n++] = (struct pollfd){ .fd = observer_fd(lookout->observer), .events = POLLIN };
        for (size_t i = 0; i < LENGTH(lookout->agents); i++)
                n += agent_client_poll(lookout->agents[i], fds + n);
        return n;
}

int lookout_wait_ms(const struct lookout *lookout)
{
        int wait = ARBITER_MS;

        for (size_t i = 0; i < LENGTH(lookout->agents); i++) {
                int least = agent_client_wait_ms(lookout->agents[i]);

                wait = least >= 0 && least < wait ? least : wait;
        }
        return wait;
}

void lookout_tick(struct lookout *lookout)
{
        const int64_t now = clock_monotonic_ms();

        if (now - lookout->arbiter.asked_ms >= ARBITER_MS)
                ask(&lookout->arbiter, lookout->agents[2], "arbiter", NULL, ANSWER_MS, hear_arbiter, lookout);
        if (now - lookout->standing.asked_ms >= STANDING_MS && !lookout->healing.asked)
                ask(&lookout->standing, lookout->agents[1], "status", NULL, ANSWER_MS, hear_standing, lookout);
        if (now - lookout->vantage.asked_ms >= READY_MS)
                ask(&lookout->vantage, lookout->agents[1], "vantage", NULL, ANSWER_MS, hear_vantage, lookout);
        if (now - lookout->fence.asked_ms >= READY_MS)
                ask(&lookout->fence, lookout->agents[2], "fence-look", NULL, ANSWER_MS, hear_fence, lookout);
        for (size_t i = 0; i < LENGTH(lookout->agents); i++)
                agent_client_tick(lookout->agents[i]);
        read_observer(lookout);
}

/* ---- what is known ---- */

void lookout_policy(const struct lookout *lookout, struct failover_policy *ret_policy)
{
        const struct config *config = lookout->options.config;
        const int32_t failing = lookout->sight.failing < 0 ? 0 : lookout->sight.failing;
        const struct config_check *check = &config->checks[failing];
        int64_t round = 0;

        for (size_t i = 0; i < config->check_count; i++)
                round += config->checks[i].timeout_ms;
        round = 2 * (round + check->interval_ms);
        *ret_policy = (struct failover_policy){ .failures = check->failures,
                                                .fresh_ms = round > FRESH_MS ? round : FRESH_MS,
                                                .standby_ms = STANDBY_MS,
                                                .verified_ms = config->limits.verified_ms,
                                                .hold_down_ms = config->limits.hold_down_ms,
                                                .flips = config->limits.flips,
                                                .heal = config->on_tamper.failover == CONFIG_HEAL };
}

/* What a server says of its last verification may be any number. */
static int64_t age_in_ms(int64_t now_s, int64_t then_s)
{
        int64_t age;

        return __builtin_sub_overflow(now_s, then_s, &age) || __builtin_mul_overflow(age, 1000, &age) ? INT64_MAX : age;
}

void lookout_sight(const struct lookout *lookout, struct failover_sight *ret_sight)
{
        const struct config_limits *limits = &lookout->options.config->limits;
        const int64_t now = clock_monotonic_ms();
        struct failover_sight sight = lookout->known;

        sight.here = !lookout->sight.at_ms ? VIEW_NONE : lookout->sight.failing < 0 ? VIEW_GOOD : VIEW_BAD;
        sight.here_age_ms = lookout->sight.at_ms ? now - lookout->sight.at_ms : -1;
        sight.failures = lookout->failures;
        sight.there_age_ms = age_of(&lookout->vantage, now);
        sight.database_age_ms = age_of(&lookout->fence, now);
        sight.arbiter_age_ms = age_of(&lookout->arbiter, now);
        sight.standby_age_ms = age_of(&lookout->standing, now);
        sight.verified_age_ms = age_in_ms(clock_now(), lookout->verified_at);
        if (sight.verified_age_ms < 0 && -sight.verified_age_ms <= limits->clock_skew_ms)
                sight.verified_age_ms = 0;
        sight.since_flip_ms = -1;
        for (size_t i = 0; i < lookout->flip_count; i++) {
                sight.since_flip_ms = now - lookout->flips[i];
                sight.flips += now - lookout->flips[i] < limits->flips_window_ms;
        }
        *ret_sight = sight;
}

void lookout_moved(struct lookout *lookout)
{
        lookout->moved_ms = clock_monotonic_ms();
        lookout->known.home = false;
        lookout->failures = 0;
}

int lookout_standing(const struct lookout *lookout, const json_t **ret_result)
{
        const struct question *question = &lookout->standing;
        const int64_t since = lookout->suspected_ms;

        if (!lookout->failures || question->asked_ms < since || clock_monotonic_ms() - question->asked_ms > FRESH_MS)
                return -EAGAIN;
        if (question->asked)
                return 0;
        if (question->known_ms < since || !lookout->said)
                return -EAGAIN;
        *ret_result = lookout->said;
        return 1;
}

const char *lookout_words(const struct lookout *lookout)
{
        return lookout->sight.failing < 0 ? "" : lookout->sight.text;
}

const struct config_server *lookout_standby(const struct lookout *lookout)
{
        return lookout->standby;
}

struct agent_client *lookout_agent(const struct lookout *lookout, const struct config_server *server)
{
        return server == lookout->production ? lookout->agents[0] :
               server == lookout->standby    ? lookout->agents[1] :
               server == lookout->database   ? lookout->agents[2] :
                                               NULL;
}

/* ---- life ---- */

static int find_servers(struct lookout *lookout, struct error *err)
{
        const struct config *config = lookout->options.config;

        lookout->production = config_first_of(config, CONFIG_PRODUCTION);
        lookout->standby = config_first_of(config, CONFIG_STANDBY);
        lookout->database = config->database.present ? config_find_server(config, config->database.host) : NULL;
        if (!lookout->production || !lookout->standby || !lookout->database)
                return error_usage(err, _("a failover needs a production server, a stand-by, and a database with its host, in "
                                          "the configuration"));
        if (!lookout->production->ssh || !lookout->standby->ssh || !lookout->database->ssh)
                return error_usage(err, _("a failover needs ssh of the production server, the stand-by and the database's host, "
                                          "in the configuration"));
        if (!config->check_count)
                return error_usage(err, _("a failover needs a check of a page, in the configuration; write check \"front\" { url "
                                          "= ... expect = ... }"));
        if (!lookout->production->addresses.count)
                return error_usage(err, _("a failover needs the addresses of the production server, in the configuration"));
        return 0;
}

int lookout_open(const struct lookout_options *options, struct lookout **ret_lookout, struct error *err)
{
        _cleanup_(lookout_closep) struct lookout *lookout = memory_new(1, sizeof(*lookout));
        int r;

        if (!lookout)
                return error_memory(err);
        lookout->options = *options;
        lookout->sight.failing = -1;
        r = find_servers(lookout, err);
        for (size_t i = 0; i < LENGTH(lookout->agents) && r == 0; i++) {
                const struct config_server *const servers[] = { lookout->production, lookout->standby, lookout->database };

                r = agent_client_new(&(struct agent_client_options){ .name = servers[i]->name,
                                                                     .destination = servers[i]->ssh,
                                                                     .ssh_config = options->config->ssh_config,
                                                                     .retry_ms = RETRY_MS,
                                                                     .keep = true },
                                     &lookout->agents[i], err);
        }
        if (r == 0)
                r = start_observer(lookout, err);
        if (r < 0)
                return r;
        *ret_lookout = lookout;
        lookout = NULL;
        return 0;
}

void lookout_close(struct lookout *lookout)
{
        if (!lookout)
                return;
        observer_free(lookout->observer);
        for (size_t i = 0; i < LENGTH(lookout->agents); i++)
                agent_client_free(lookout->agents[i]);
        json_decref(lookout->said);
        free(lookout);
}

void lookout_closep(struct lookout **lookout)
{
        lookout_close(*lookout);
}
