/* steps.c - the table of steps: which act, which undo, which look. */
#include "steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "steps_private.h"

#define PULL_MS     (30 * 60 * INT64_C(1000))
#define STALL_MS    INT64_C(60000) /* without a sign of progress of what works on a tree */
#define HUNG_MS     INT64_C(10000) /* after that, for the looks */
#define WEB_MS      INT64_C(60000)
#define QUICK_MS    INT64_C(3000)
#define RETRY_MS    500          /* the longest pause before a server is tried again: less than any look waits */
#define DEAF_MS     INT64_C(100) /* for the old one to hear that it is to leave, in a failover */
#define PAUSE_MS    100 /* between two counts of connections */
#define PROBE_TRIES 100 /* a server that was just let in may take a moment */
#define PROBE_PAUSE_MS 20

/* ---- asking agents ---- */

const struct config_server *steps_server(const struct steps *steps, enum steps_side side)
{
        return side == STEPS_FROM ? steps->from : side == STEPS_TO ? steps->to : steps->database;
}

static int find_agent(struct steps *steps, enum steps_side side, struct error *err)
{
        const struct config_server *server = steps_server(steps, side);
        const struct steps_options *options = &steps->options;

        if (!server->ssh)
                return error_usage(err, _("server %s has no ssh in the configuration, so its agent cannot be asked"),
                                   server->name);
        if (!steps->agents[side] && options->agent) {
                steps->agents[side] = options->agent(options->context, server);
                steps->lent[side] = steps->agents[side] != NULL;
        }
        if (steps->agents[side])
                return 0;
        return agent_client_new(&(struct agent_client_options){ .name = server->name,
                                                                .destination = server->ssh,
                                                                .ssh_config = options->config->ssh_config,
                                                                .ssh = options->ssh,
                                                                .retry_ms = RETRY_MS,
                                                                .keep = true },
                                &steps->agents[side], err);
}

/* In a failover the old one is believed dead: it is asked once, shortly, and what it does not hear its lease does. */
static bool is_believed_dead(const struct steps *steps, enum steps_side side)
{
        return side == STEPS_FROM && steps->options.move->kind == MOVE_FAILOVER;
}

static int ask(struct steps *steps, enum steps_side side, struct agent_client_question *question, json_t **ret_result,
               struct error *err)
{
        const struct config_server *server = steps_server(steps, side);
        int r = find_agent(steps, side, err);

        if (r == 0 && is_believed_dead(steps, side)) {
                steps->deaf = steps->deaf || (steps->lent[side] && !agent_client_is_connected(steps->agents[side]));
                question->deadline_ms = question->deadline_ms < DEAF_MS ? question->deadline_ms : DEAF_MS;
                if (steps->deaf)
                        r = error_set(err, -EHOSTUNREACH, _("%s does not answer, which is why the site moves"), server->name);
        }
        if (r < 0) {
                json_decref(question->arguments);
                return r;
        }
        question->client = steps->agents[side];
        agent_client_ask_all(question, 1);
        r = question->result ? 0 : question->error.code;
        steps->deaf = steps->deaf || (is_believed_dead(steps, side) && r == -ETIMEDOUT);
        if (r < 0) {
                if (err)
                        *err = question->error;
                error_prefix(err, "%s: %s", server->name, question->verb); /* (returns 0 where nobody wants the words) */
                return r;
        }
        if (ret_result)
                *ret_result = question->result;
        else
                json_decref(question->result);
        return 0;
}

int steps_ask(struct steps *steps, enum steps_side side, const char *verb, json_t *arguments, int64_t deadline_ms,
              json_t **ret_result, struct error *err)
{
        struct agent_client_question question = { .verb = verb, .arguments = arguments, .deadline_ms = deadline_ms };

        return ask(steps, side, &question, ret_result, err);
}

int steps_ask_long(struct steps *steps, enum steps_side side, const char *verb, json_t **ret_result, struct error *err)
{
        struct agent_client_question question = { .verb = verb, .deadline_ms = PULL_MS,
                                                  .stall_ms = steps->hung[side] ? HUNG_MS : STALL_MS };
        const int r = ask(steps, side, &question, ret_result, err);

        steps->hung[side] = r == -ETIMEDOUT;
        return r;
}

int steps_ask_both(struct steps *steps, const char *verb, json_t *to, json_t *from, int64_t deadline_ms, struct error *err)
{
        struct agent_client_question questions[] = { { .verb = verb, .arguments = to, .deadline_ms = deadline_ms },
                                                     { .verb = verb, .arguments = from, .deadline_ms = deadline_ms } };
        static const enum steps_side sides[] = { STEPS_TO, STEPS_FROM };
        int r = 0;

        for (size_t i = 0; i < LENGTH(sides) && r == 0; i++) {
                r = find_agent(steps, sides[i], err);
                questions[i].client = steps->agents[sides[i]];
        }
        if (r < 0) {
                json_decref(to);
                json_decref(from);
                return r;
        }
        agent_client_ask_all(questions, LENGTH(questions));
        for (size_t i = 0; i < LENGTH(sides); i++) {
                json_decref(questions[i].result);
                if (questions[i].result || r < 0)
                        continue;
                r = questions[i].error.code;
                if (err)
                        *err = questions[i].error;
                error_prefix(err, "%s: %s", steps_server(steps, sides[i])->name, verb);
        }
        return r;
}

static void ignore_answer(void *context _unused_, const json_t *result _unused_, const struct error *err _unused_)
{
}

/* Says it and does not wait: for what the other one may well not hear, and nothing depends on. */
static int tell(struct steps *steps, enum steps_side side, const char *verb, json_t *arguments, struct error *err)
{
        int r = find_agent(steps, side, err);

        if (r < 0) {
                json_decref(arguments);
                return r;
        }
        r = agent_client_send(steps->agents[side], verb, arguments, DEAF_MS, NULL, ignore_answer, NULL, NULL, err);
        if (r == 0)
                agent_client_tick(steps->agents[side]);
        return r;
}

/* ---- trees ---- */

/* The `output` of a command that the agent ran: a member of it is true. */
static bool output_is(const json_t *result, const char *member)
{
        return json_is_true(json_object_get(json_object_get(result, "output"), member));
}

static enum event prove_look(struct steps *steps, enum steps_side side, struct error *err)
{
        json_t *result = NULL;
        bool genuine;

        if (steps_ask_long(steps, side, "verify", &result, err) < 0)
                return EVENT_SEEN_NOTHING;
        genuine = output_is(result, "genuine");
        json_decref(result);
        steps->proven = steps->proven || (genuine && side == STEPS_TO);
        if (genuine)
                return EVENT_SEEN_WANTED;
        error_set(err, -EPERM, _("%s is not equal to its release; 'understudy verify' there shows what differs"),
                  steps_server(steps, side)->name);
        return EVENT_SEEN_BEFORE;
}

/* By policy a tampered stand-by is healed for a planned move, or refused: then it is only looked at. */
static int prove(struct steps *steps, enum steps_side side, struct error *err)
{
        int r = side == STEPS_TO ? steps_power_on(steps, err) : 0;

        if (r < 0)
                return r;
        if (side == STEPS_TO && steps->options.config->on_tamper.planned == CONFIG_REFUSE &&
            prove_look(steps, side, err) != EVENT_SEEN_WANTED)
                return err->code;
        return steps_ask_long(steps, side, "pull", NULL, err);
}

/*
 * Before it is given visitors. The journal says that it was proven, by a process that has ended since: a crash may be as long ago
 * as a night, and nobody was looking. A failover has no time for it, and goes by what is known (lookout.h).
 */
static enum event proven_look(struct steps *steps, struct error *err)
{
        if (steps->proven || steps->options.move->kind == MOVE_FAILOVER)
                return EVENT_SEEN_WANTED;
        return prove_look(steps, STEPS_TO, err);
}

/* ---- the web server of the one that comes ---- */

static int web(struct steps *steps, const char *action, struct error *err)
{
        return steps_ask(steps, STEPS_TO, "web", json_pack("{s:s}", "action", action), WEB_MS, NULL, err);
}

static bool rests(const struct steps *steps)
{
        return steps->to->standby_rest != CONFIG_RUNNING;
}

static int prepare(struct steps *steps, bool undo, struct error *err)
{
        if (!rests(steps))
                return 0;
        return web(steps, undo ? "stop" : "start", err);
}

/* ---- pages ---- */

/* Every check of the configuration, at that address; NULL: by name. */
static enum event probe(struct steps *steps, const char *address, unsigned int tries, struct error *err)
{
        const struct config *config = steps->options.config;

        for (size_t i = 0; i < config->check_count; i++) {
                unsigned int left = tries;
                int r;

                while ((r = steps->options.probe(steps->options.context, &config->checks[i], address, err)) < 0 && --left)
                        nanosleep(&(struct timespec){ .tv_nsec = PROBE_PAUSE_MS * 1000000L }, NULL);
                if (r < 0)
                        return EVENT_SEEN_BEFORE;
        }
        return EVENT_SEEN_WANTED;
}

static enum event prepare_look(struct steps *steps, bool undo, struct error *err)
{
        struct error unanswered = ERROR_NONE;

        if (!rests(steps))
                return undo ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED;
        /* Without the database its pages may fail; that it answers at all is what was asked for. */
        if (probe(steps, steps->to->addresses.items[0].text, 1, &unanswered) == EVENT_SEEN_WANTED)
                return EVENT_SEEN_WANTED;
        switch (-unanswered.code) {
        case ECONNREFUSED:
                return EVENT_SEEN_BEFORE;
        case EHOSTUNREACH: /* silence is no answer: on the way to it nothing is known of what it does */
        case ENETUNREACH:
        case EHOSTDOWN:
        case ENETDOWN:
                if (err)
                        *err = unanswered;
                return EVENT_SEEN_NOTHING;
        default:
                return EVENT_SEEN_WANTED;
        }
}

static enum event site_look(struct steps *steps, struct error *err)
{
        const bool by_dns = steps->options.move->by & MOVE_BY_DNS;

        /* Where programs lead visitors is theirs to know: the page is fetched as its URL says. */
        if (steps->options.move->by & MOVE_BY_EXEC)
                return probe(steps, NULL, PROBE_TRIES, err);
        if (!by_dns && steps->options.config->service.present)
                return probe(steps, steps->options.config->service.addresses.items[0].text, PROBE_TRIES, err);
        return probe(steps, by_dns ? steps->to->addresses.items[0].text : NULL, PROBE_TRIES, err);
}

/* ---- draining ---- */

static int connections(struct steps *steps, size_t *ret_count, struct error *err)
{
        json_t *result = NULL;
        int r = steps_ask(steps, STEPS_FROM, "connections", NULL, QUICK_MS, &result, err);

        if (r == 0)
                *ret_count = (size_t)json_integer_value(json_object_get(result, "connections"));
        json_decref(result);
        return r;
}

/* Until there is none left, or the time is over. Where DNS moved, visitors may come for as long as resolvers remember. What
 * they were given there in the last moments should not be missing for long where they are now; the last batch gets it all. */
static int drain(struct steps *steps, struct error *err)
{
        const struct config *config = steps->options.config;
        const int64_t start = clock_monotonic_ms();
        int64_t least = 0;
        int r = steps_carry_draining(steps, err);

        if (steps->options.move->by & MOVE_BY_DNS)
                least = (int64_t)(steps->waited ? config->dns.move_ttl : config->dns.ttl) * 1000;
        if (steps->options.move->by & MOVE_BY_EXEC)
                least = (int64_t)config->exec.ttl * 1000;
        for (;;) {
                const int64_t spent = clock_monotonic_ms() - start;
                size_t count = 0;

                r = connections(steps, &count, err);
                if (spent >= least && ((r == 0 && count == 0) || spent >= config->limits.drain_ms)) {
                        steps->drained = true;
                        return 0;
                }
                nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
        }
}

static enum event drain_look(const struct steps *steps, bool undo)
{
        if (undo)
                return EVENT_SEEN_BEFORE; /* whoever comes is served again */
        return steps->drained ? EVENT_SEEN_WANTED : EVENT_SEEN_BEFORE;
}

/* ---- the table ---- */

/* What it does not hear its lease does. */
static int stop_old(struct steps *steps, struct error *err)
{
        return tell(steps, STEPS_FROM, "address", json_pack("{s:s}", "action", "drop"), err);
}

/* Does the step lead visitors to the one that comes? */
static bool opens(enum step step)
{
        return step == STEP_ADDRESS || step == STEP_DNS || step == STEP_EXEC;
}

static int act(void *context, enum step step, bool undo, struct error *err)
{
        struct steps *steps = context;

        if (opens(step) && !undo && proven_look(steps, err) != EVENT_SEEN_WANTED)
                return err->code;
        if ((step == STEP_DNS || step == STEP_EXEC) && steps_still_ours(steps, undo, err) < 0)
                return err->code;
        switch (step) {
        case STEP_CLAIM: return steps_claim(steps, undo, err);
        case STEP_LOWER_TTL: return steps_ttl(steps, !undo, err);
        case STEP_PROVE_OLD: return undo ? 0 : prove(steps, STEPS_FROM, err);
        case STEP_PROVE_NEW: return undo ? 0 : prove(steps, STEPS_TO, err);
        case STEP_PREPARE: return prepare(steps, undo, err);
        case STEP_CARRY: return steps_carry(steps, undo, err);
        case STEP_ADMIT: return undo ? steps_close(steps, STEPS_TO, err) : steps_open(steps, STEPS_TO, err);
        case STEP_STOP_OLD: return undo ? 0 : stop_old(steps, err);
        case STEP_RELAY: return steps_relay(steps, undo, err);
        case STEP_ADDRESS: return steps_address(steps, undo, err);
        case STEP_DNS: return steps_dns(steps, undo, err);
        case STEP_EXEC: return steps_exec(steps, undo, err);
        case STEP_DRAIN: return undo ? 0 : drain(steps, err);
        case STEP_FENCE: return undo ? steps_open(steps, STEPS_FROM, err) : steps_close(steps, STEPS_FROM, err);
        case STEP_RELAY_END: return undo ? 0 : steps_relay_end(steps, err);
        case STEP_CARRY_LAST: return steps_carry_last(steps, err);
        case STEP_RESTORE_TTL: return steps_ttl(steps, false, err);
        default: return 0; /* only looks, or (rest) gives back the ledger's lock, which its end does */
        }
}

static enum event still_clean_look(struct steps *steps, struct error *err)
{
        const enum event event = proven_look(steps, err);

        return event == EVENT_SEEN_WANTED ? steps_clean_look(steps, err) : event;
}

static enum event look(void *context, enum step step, bool undo, struct error *err)
{
        struct steps *steps = context;

        switch (step) {
        case STEP_CLAIM: return steps_claim_look(steps, undo, err);
        case STEP_LOWER_TTL: return steps_ttl_look(steps, true, undo, err);
        case STEP_PROVE_OLD: return undo ? EVENT_SEEN_BEFORE : prove_look(steps, STEPS_FROM, err);
        case STEP_PROVE_NEW: /* who is off says nothing: what the act complained of counts */
                return undo || steps_is_off(steps) ? EVENT_SEEN_BEFORE : prove_look(steps, STEPS_TO, err);
        case STEP_PREPARE: return prepare_look(steps, undo, err);
        case STEP_CARRY: return steps_carry_look(steps, undo, err);
        case STEP_ADMIT: return steps_fence_look(steps, STEPS_TO, true, err);
        case STEP_PROBE_NEW: return probe(steps, steps->to->addresses.items[0].text, PROBE_TRIES, err);
        case STEP_STILL_CLEAN: return still_clean_look(steps, err);
        case STEP_STOP_OLD: return undo ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED; /* the address's own look tells */
        case STEP_RELAY: return steps_relay_look(steps, true, err);
        case STEP_ADDRESS: return steps_address_look(steps, err);
        case STEP_DNS: return steps_dns_look(steps, err);
        case STEP_EXEC: return steps_exec_look(steps, err);
        case STEP_PROBE_SITE: return site_look(steps, err);
        case STEP_DRAIN: return drain_look(steps, undo);
        case STEP_FENCE: return steps_fence_look(steps, STEPS_FROM, false, err);
        case STEP_RELAY_END: return steps_relay_look(steps, false, err);
        case STEP_CARRY_LAST: return steps_carry_last_look(steps, err);
        case STEP_RESTORE_TTL: return steps_ttl_look(steps, false, undo, err);
        default: return undo ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED;
        }
}

static void progress(void *context, const struct machine *machine, enum action action, const struct error *err)
{
        struct steps *steps = context;

        if (steps->options.progress)
                steps->options.progress(steps->options.context, machine, action, err);
}

struct stage steps_stage(struct steps *steps)
{
        return (struct stage){ act, look, progress, steps };
}

/* ---- life ---- */

int steps_new(const struct steps_options *options, struct steps **ret_steps, struct error *err)
{
        const struct config *config = options->config;
        struct steps *steps = memory_new(1, sizeof(*steps));

        if (!steps)
                return error_memory(err);
        steps->options = *options;
        steps->book = (struct carry_book)CARRY_BOOK_NONE;
        steps->from = config_find_server(config, options->move->from);
        steps->to = config_find_server(config, options->move->to);
        steps->database = config->database.present ? config_find_server(config, config->database.host) : NULL;
        if (steps->from && steps->to && steps->database) {
                if (options->move->kind == MOVE_FAILOVER && options->agent && find_agent(steps, STEPS_TO, NULL) == 0 &&
                    agent_client_is_connected(steps->agents[STEPS_TO]))
                        steps_clean_ask(steps);
                *ret_steps = steps;
                return 0;
        }
        free(steps);
        return error_usage(err, _("the configuration has not both servers of the move, %s and %s, and a database with its "
                                  "host"), options->move->from, options->move->to);
}

/* By the looks of the steps that a move is made of, so that nothing of it is missing; a relay that was left is to be cleared. */
bool steps_is_there(struct steps *steps)
{
        const unsigned int by = steps->options.move->by;

        return steps_claim_look(steps, false, NULL) == EVENT_SEEN_WANTED &&
                steps_fence_look(steps, STEPS_TO, true, NULL) == EVENT_SEEN_WANTED &&
                steps_fence_look(steps, STEPS_FROM, false, NULL) == EVENT_SEEN_WANTED &&
                (!(by & MOVE_KEEPS) || steps_relay_look(steps, false, NULL) == EVENT_SEEN_WANTED) &&
                (!(by & MOVE_BY_ADDRESS) || steps_address_look(steps, NULL) == EVENT_SEEN_WANTED) &&
                (!(by & MOVE_BY_DNS) || steps_dns_look(steps, NULL) == EVENT_SEEN_WANTED) &&
                (!(by & MOVE_BY_EXEC) || steps_exec_look(steps, NULL) == EVENT_SEEN_WANTED);
}

int steps_ready(struct steps *steps, struct error *err)
{
        int r = steps->options.move->by & MOVE_BY_DNS ? steps_dns_ready(steps, err) : 0;

        return r == 0 && steps->options.move->by & MOVE_BY_EXEC ? steps_exec_ready(steps, err) : r;
}

void steps_free(struct steps *steps)
{
        if (!steps)
                return;
        steps_clean_forget(steps);
        carry_book_close(&steps->book);
        for (size_t i = 0; i < LENGTH(steps->agents); i++)
                if (!steps->lent[i])
                        agent_client_free(steps->agents[i]);
        free(steps);
}

void steps_freep(struct steps **steps)
{
        steps_free(*steps);
}

/* ---- the plan ---- */

int steps_plan(const struct config *config, enum move_kind kind, const char *to, struct move *ret_move, struct error *err)
{
        const struct config_server *there = config_find_server(config, to);
        const struct config_server *production = config_first_of(config, CONFIG_PRODUCTION);
        const struct config_server *standby = config_first_of(config, CONFIG_STANDBY);
        const struct config_server *from = there == production ? standby : production;
        const int by = kind == MOVE_PLANNED ? config->move.planned : config->move.failover;

        if (!there || (there->role != CONFIG_PRODUCTION && there->role != CONFIG_STANDBY))
                return error_usage(err, _("there is no server %s in the configuration that could be on stage; there are the "
                                          "production and stand-by servers of the file"), to);
        if (!from)
                return error_usage(err, _("the configuration has no other server that %s could take over from"), to);
        *ret_move = (struct move){ .kind = kind, .by = (by & CONFIG_BY_ADDRESS ? MOVE_BY_ADDRESS : 0U) |
                                                       (by & CONFIG_BY_DNS ? MOVE_BY_DNS : 0U) |
                                                       (by & CONFIG_BY_EXEC ? MOVE_BY_EXEC : 0U) };
        if (kind == MOVE_PLANNED && (by & CONFIG_BY_ADDRESS))
                ret_move->by |= MOVE_KEEPS;
        if ((size_t)snprintf(ret_move->from, sizeof(ret_move->from), "%s", from->name) >= sizeof(ret_move->from) ||
            (size_t)snprintf(ret_move->to, sizeof(ret_move->to), "%s", there->name) >= sizeof(ret_move->to))
                return error_usage(err, _("the names of servers must be shorter than %d bytes"), MOVE_NAME_SIZE);
        return 0;
}
