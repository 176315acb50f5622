/*
 * controller.c - understudy controller: looks at the site all the time, and moves it to the stand-by when it must.
 *
 * lookout.h sees, failover.h decides, conductor.h does; this is the loop between them, and what is said about it. One
 * controller, by default on the database's host; or several, of which etcd lets one lead. When it is down nobody moves, and nobody leaves the stage: the leases are
 * the keepers' and the arbiter's.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/controller_alerts.h"
#include "cli/controller_carry.h"
#include "cli/coordination.h"
#include "cli/fleet_view.h"
#include "cli/site_file.h"
#include "probe/page.h"
#include "traffic/holder.h"
#include "traffic/lookout.h"
#include "traffic/steps.h"
#include "tree/state.h"

#define MOVING_MS  1000  /* a move that is under way is looked for again after this */
#define PAUSE_MS   10000 /* after a move that could not be made */
#define RESTORE_MS 10000 /* for the database's host, at the start */
#define ACT_MS     30000 /* the longest that a step waits for an answer */
#define REGISTER_MS 5000 /* so old may be what the register said */

enum { OPTION_PUB = OPTION_COMMAND };

static const struct option options[] = {
        {"pub", required_argument, NULL, OPTION_PUB},
        { NULL, 0,                 NULL, 0         },
};

struct controller {
        struct common common;
        struct controller_alerts *alerts;
        struct controller_carry carry;
        const char *pub_path;
        const struct config *config;
        struct lookout *lookout;
        struct coordinator *coordinator; /* NULL: this is the only controller */
        const struct move *move;         /* that is being made */
        bool leads, settled; /* settled: what is done first by whoever leads is done */
        bool heir;           /* of a move whose controller is gone, which must not be taken back */
        int signals;
        int64_t moving_until; /* a move was under way; looked for again then */
        int64_t pause_until;  /* no move before */
        int64_t began_ms;    /* the move's, for its lines */
        struct failover_decision last;
        bool told;
        bool shut_out;       /* a rule of the register shuts the stand-by out */
        int64_t register_at; /* when that was asked; 0: never */
};

/* ---- what is said ---- */

static void note(void *context _unused_, const char *sentence)
{
        fprintf(stderr, "understudy: %s\n", sentence);
}

/* Once for each change. */
static void tell(struct controller *controller, const struct failover_decision *decision)
{
        const char *words = lookout_words(controller->lookout);
        char contacts[SITE_FILE_CONTACTS];
        const bool same = controller->told && controller->last.verdict == decision->verdict &&
                          controller->last.why == decision->why;

        if (decision->why == WHY_SUSPECTED || decision->why == WHY_UNCONFIRMED) /* in between; what comes of it is told */
                return;
        controller->told = true;
        controller->last = *decision;
        site_file_contacts(controller->config, contacts);
        if (!same && decision->verdict == FAILOVER_CALL) {
                char sentence[ALERT_WHAT_MAXIMUM];

                snprintf(sentence, sizeof(sentence), _("the site has failed and is not moved to its stand-by: %s%s%s%s"),
                         failover_why_text(decision->why), *words ? ": " : "", words, contacts);
                controller_alerts_tell(controller->alerts, ALERT_CRITICAL, "failover_refused", sentence);
        }
        if (same || controller->common.quiet)
                return;
        fprintf(stderr, "understudy: %s%s: %s%s%s\n", decision->verdict == FAILOVER_CALL ? _("a person is needed") :
                decision->verdict == FAILOVER_MOVE ? _("the site moves to its stand-by") :
                decision->verdict == FAILOVER_HEAL ? _("the stand-by is pulled") : _("nobody moves"),
                decision->verdict == FAILOVER_CALL ? contacts : "", failover_why_text(decision->why), *words ? ": " : "", words);
}

static void progress(void *context, const struct machine *machine, enum action action, const struct error *err)
{
        const struct controller *controller = context;

        if (controller->coordinator)
                coordinator_alive(controller->coordinator, ACT_MS);
        const double seconds = (double)(clock_monotonic_ms() - controller->began_ms) / 1000;

        if (err && err->code)
                fprintf(stderr, "understudy: %s: %s\n", step_name(machine->at), err->text);
        if (action == ACTION_RECORD_INTENT && controller->common.verbose)
                fprintf(stderr, "  %8.3f s  %s ...\n", seconds, step_name(machine->at));
        if (action == ACTION_RECORD_DONE || action == ACTION_RECORD_LEFT)
                fprintf(stderr, "  %8.3f s  %s%s\n", seconds, step_name(machine->at),
                        action == ACTION_RECORD_LEFT ? _(": left, the move goes on without it") :
                        machine->back                ? _(": undone") : "");
}

/* The epoch is the revision of etcd in which this move wrote who is to be on stage. */
static int new_epoch(void *context, const char *holder, uint64_t seen, uint64_t *ret_epoch, struct error *err)
{
        const struct controller *controller = context;

        return coordinator_epoch(controller->coordinator, controller->move, holder, seen, ret_epoch, err);
}

static int probe(void *context _unused_, const struct config_check *check, const char *address, struct error *err)
{
        const struct page_request page = { .url = check->url, .address = address, .status = check->status,
                                           .expect = check->expect, .timeout_ms = check->timeout_ms };

        return page_probe(&page, err);
}

static struct agent_client *lend(void *context, const struct config_server *server)
{
        const struct controller *controller = context;

        return lookout_agent(controller->lookout, server);
}

static int standing(void *context, const json_t **ret_result)
{
        const struct controller *controller = context;

        return lookout_standing(controller->lookout, ret_result);
}

/* ---- moving ---- */

/* With the move that is under way: 1, or 0 when there is none. -EBUSY: a person makes one just now. */
static int open_ledger(const struct controller *controller, struct ledger **ret_ledger, struct move *move,
                       struct machine *machine, struct error *err)
{
        const struct ledger_options ledger_options = { .state = state_directory(controller->common.state),
                                                       .actor = "controller",
                                                       .program = "/proc/self/exe",
                                                       .note = note };
        int r = ledger_open(&ledger_options, ret_ledger, err);

        return r < 0 ? r : ledger_current(*ret_ledger, move, machine, err);
}

/* What stopped before anything was done is taken back at once: it must not be in the way of the next one. */
static bool is_harmless(const struct move *move, const struct machine *machine)
{
        return move->kind == MOVE_FAILOVER && !machine->back &&
               (machine->at == STEP_STILL_CLEAN || machine->at == STEP_CLAIM);
}

static void tell_end(struct controller *controller, const struct move *move, const struct machine *machine,
                     enum action action, const struct error *why)
{
        char sentence[ALERT_WHAT_MAXIMUM], contacts[SITE_FILE_CONTACTS];
        const bool stopped = action == ACTION_STOP;

        site_file_contacts(controller->config, contacts);
        if (stopped)
                snprintf(sentence, sizeof(sentence), _("the move stopped at %s, and a person is needed%s: %s. When that is "
                                                       "mended: 'understudy switch --resume', or '--undo'"),
                         step_name(machine->at), contacts, why->text);
        else
                snprintf(sentence, sizeof(sentence), machine->back ? _("the move is undone: %s is on stage as before") :
                                                                     _("%s is on stage"),
                         machine->back ? move->from : move->to);
        note(NULL, sentence);
        controller_alerts_tell(controller->alerts, ALERT_CRITICAL, stopped ? "failover_stopped" :
                               machine->back ? "failover_undone" : "failover_done", sentence);
}

static int prepare(struct controller *controller, const struct move *move, struct steps **ret_steps, struct error *err)
{
        const struct steps_options choices = { .config = controller->config, .move = move, .agent = lend, .probe = probe,
                                               .standing = standing,
                                               .epoch = controller->coordinator ? new_epoch : NULL,
                                               .progress = progress, .context = controller };

        controller->move = move;
        controller->began_ms = clock_monotonic_ms();
        controller_carry_stop(&controller->carry);
        return steps_new(&choices, ret_steps, err);
}

static int make(struct controller *controller, struct ledger *ledger, struct steps *steps, const struct move *move,
                struct machine *machine, struct error *err)
{
        const struct stage stage = steps_stage(steps);
        enum action action;
        int r = conduct(ledger, move, machine, EVENT_BEGIN, &stage, &action, err);

        if (r == 0 && action == ACTION_STOP && !controller->heir && is_harmless(move, machine)) {
                fprintf(stderr, "understudy: %s\n", err->text);
                r = conduct(ledger, move, machine, EVENT_UNDO, &stage, &action, err);
        }
        if (r < 0)
                return r;
        coordination_end(controller->coordinator, move, action);
        tell_end(controller, move, machine, action, err);
        return action == ACTION_FINISH && !machine->back ? 0 : -EAGAIN;
}

/* `old`: a move whose controller is gone, which this one takes the place of; NULL: none. */
static void fail_over(struct controller *controller, const struct move *old)
{
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        _cleanup_(steps_freep) struct steps *steps = NULL;
        struct error error = ERROR_NONE;
        struct machine machine;
        struct move move, other;
        int r = 0;

        if (controller->coordinator && !old && coordinator_move(controller->coordinator, &other, NULL, &error) == 1) {
                controller->moving_until = clock_monotonic_ms() + MOVING_MS;
                return;
        }
        r = steps_plan(controller->config, MOVE_FAILOVER, old ? old->to : lookout_standby(controller->lookout)->name, &move,
                           &error);

        if (r == 0)
                r = prepare(controller, &move, &steps, &error);
        if (r == 0)
                r = open_ledger(controller, &ledger, &other, &machine, &error);
        if (r == 1 || r == -EBUSY) { /* whoever makes it decides */
                controller->moving_until = clock_monotonic_ms() + MOVING_MS;
                return;
        }
        if (r == 0) {
                machine_begin(&machine, move.kind, move.by);
                r = ledger_begin(ledger, &move, &error);
        }
        if (r == 0)
                r = coordination_begin(controller->coordinator, ledger, &move, &machine, old, &error);
        controller->heir = old != NULL;
        if (r == 0)
                r = make(controller, ledger, steps, &move, &machine, &error);
        if (r == 0)
                lookout_moved(controller->lookout);
        if (r < 0 && r != -EAGAIN)
                fprintf(stderr, "understudy: %s\n", error.text);
        if (r < 0)
                controller->pause_until = clock_monotonic_ms() + PAUSE_MS;
}

/* A failover that a controller before this one began is ended: half of it is worse than either. */
static void resume(struct controller *controller)
{
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        _cleanup_(steps_freep) struct steps *steps = NULL;
        struct error error = ERROR_NONE;
        struct machine machine;
        struct move move;
        int r = open_ledger(controller, &ledger, &move, &machine, &error);

        controller->heir = false;
        if (r == 1 && move.kind == MOVE_FAILOVER && coordination_resume(controller->coordinator, ledger, &move, &machine, &error) < 0) {
                fprintf(stderr, "understudy: %s\n", error.text);
                return;
        }
        if (r == 1 && move.kind == MOVE_FAILOVER && !machine.back) {
                fprintf(stderr, _("understudy: the failover from %s to %s goes on\n"), move.from, move.to);
                r = prepare(controller, &move, &steps, &error);
                if (r == 0)
                        r = make(controller, ledger, steps, &move, &machine, &error);
        }
        if (r < 0 && r != -EBUSY && r != -EAGAIN)
                fprintf(stderr, "understudy: %s\n", error.text);
}

/* Nobody pulls a stand-by that a person is moving the site to. */
static void heal(struct controller *controller)
{
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        struct machine machine;
        struct move move;

        if (open_ledger(controller, &ledger, &move, &machine, NULL) == 0)
                lookout_heal(controller->lookout);
        else
                controller->moving_until = clock_monotonic_ms() + MOVING_MS;
}

/* ---- the loop ---- */

/* A stand-by that breaks a rule of the register is sent no visitors, by nobody. */
static void ask_register(struct controller *controller, int64_t now, struct failover_sight *sight)
{
        const struct config_server *standby = config_first_of(controller->config, CONFIG_STANDBY);

        if (standby && (!controller->register_at || now - controller->register_at >= REGISTER_MS)) {
                controller->register_at = now;
                controller->shut_out = fleet_admits(state_directory(controller->common.state), controller->config,
                                                    standby->name, NULL) < 0;
        }
        if (controller->shut_out && sight->standby == STANDING_ELIGIBLE)
                sight->standby = STANDING_NOT;
}

/* A failover whose controller is gone, and that does not wait for a person. False: etcd could not be asked for it. */
static bool inherit(struct controller *controller)
{
        struct error error = ERROR_NONE;
        struct move move;
        bool waits = false;
        int r = coordinator_move(controller->coordinator, &move, &waits, &error);

        if (r < 0)
                fprintf(stderr, "understudy: %s\n", error.text);
        if (r <= 0 || waits || move.kind != MOVE_FAILOVER)
                return r >= 0;
        fprintf(stderr, _("understudy: the failover from %s to %s, whose controller is gone, goes on here\n"), move.from, move.to);
        fail_over(controller, &move);
        return true;
}

static void decide(struct controller *controller)
{
        struct failover_policy policy;
        struct failover_sight sight;
        struct failover_decision decision;
        const int64_t now = clock_monotonic_ms();

        lookout_policy(controller->lookout, &policy);
        lookout_sight(controller->lookout, &sight);
        sight.moving = now < controller->moving_until;
        ask_register(controller, now, &sight);
        decision = failover_decide(&sight, &policy);
        if (decision.verdict == FAILOVER_MOVE && now < controller->pause_until)
                return;
        tell(controller, &decision);
        if (sight.failures && decision.verdict != FAILOVER_MOVE)
                lookout_suspect(controller->lookout);
        if (decision.verdict == FAILOVER_HEAL)
                heal(controller);
        else if (decision.verdict == FAILOVER_MOVE)
                fail_over(controller, NULL);
}

static void hear_servers(struct controller *controller)
{
        for (size_t i = 0; i < controller->config->server_count; i++) {
                const struct config_server *server = &controller->config->servers[i];
                const struct agent_client *client = lookout_agent(controller->lookout, server);

                if (client)
                        controller_alerts_hear(controller->alerts, server, agent_client_is_connected(client));
        }
}

static void restore_fence(struct controller *controller);

/* What is done first by whoever may move the site; false: not all of it could be. */
static bool lead(struct controller *controller)
{
        restore_fence(controller);
        resume(controller);
        return !controller->coordinator || inherit(controller);
}

/* Whether this controller may move the site now. */
static bool leads(struct controller *controller)
{
        bool now;

        if (!controller->coordinator)
                return true;
        coordinator_alive(controller->coordinator, 0);
        now = coordinator_leads(controller->coordinator);
        if (now != controller->leads) {
                controller->leads = now;
                controller->settled = false;
                note(NULL, now ? _("this controller leads") : _("this controller does not lead any more"));
        }
        if (now && !controller->settled) {
                coordinator_alive(controller->coordinator, ACT_MS);
                controller->settled = lead(controller);
        }
        return now && controller->settled;
}

static int turn(struct controller *controller, struct error *err)
{
        struct pollfd fds[2 + LOOKOUT_POLLS] = { { .fd = controller->signals, .events = POLLIN },
                                                 controller_alerts_poll(controller->alerts) };
        size_t n = 2 + lookout_poll(controller->lookout, fds + 2);
        const int least = controller_alerts_wait_ms(controller->alerts);
        int wait = lookout_wait_ms(controller->lookout);
        bool first; /* of several, the one that moves the site */

        wait = least >= 0 && least < wait ? least : wait;
        if (poll(fds, (nfds_t)n, wait) < 0 && errno != EINTR)
                return error_errno(err, errno, _("the controller cannot wait"));
        if (fds[0].revents)
                return 0;
        lookout_tick(controller->lookout);
        first = leads(controller);
        if (first)
                decide(controller);
        hear_servers(controller);
        controller_alerts_tick(controller->alerts);
        if (first)
                controller_carry_tick(&controller->carry, controller->alerts);
        else
                controller_carry_stop(&controller->carry);
        return 1;
}

/* After a boot the packet filter is empty; what the state says is put in force again. */
static void restore_fence(struct controller *controller)
{
        const struct config_server *host = config_find_server(controller->config, controller->config->database.host);
        struct agent_client *client = lookout_agent(controller->lookout, host);
        struct error error = ERROR_NONE;
        json_t *result = NULL;

        if (agent_client_call(client, "fence", json_pack("{s:s}", "action", "restore"), RESTORE_MS, NULL, NULL, &result, &error) < 0)
                fprintf(stderr, "understudy: %s\n", error.text);
        json_decref(result);
}

static int open_signals(struct error *err)
{
        int fd = command_signals();

        return fd < 0 ? error_errno(err, -fd, _("the controller cannot wait for signals")) : fd;
}

static int control(struct controller *controller)
{
        const struct lookout_options choices = { .config = controller->config, .probe = probe, .context = controller };
        _cleanup_(lookout_closep) struct lookout *lookout = NULL;
        _cleanup_(controller_alerts_closep) struct controller_alerts *alerts = NULL;
        _cleanup_(coordinator_freep) struct coordinator *coordinator = NULL;
        struct error error = ERROR_NONE;
        int r = controller_alerts_open(controller->config, state_directory(controller->common.state), &alerts, &error);

        controller->alerts = alerts;
        controller->carry = (struct controller_carry){ controller->common.config, controller->pub_path,
                                                       state_directory(controller->common.state),
                                                       controller->config->move.carry_every_ms };
        holder_hurry();
        if (r == 0)
                r = lookout_open(&choices, &lookout, &error);
        controller->lookout = lookout;
        if (r == 0)
                r = coordination_open(controller->config, true, &coordinator, &error);
        controller->coordinator = coordinator;
        if (r == 0)
                r = controller->signals = open_signals(&error);
        if (r >= 0) {
                if (!controller->coordinator)
                        (void)lead(controller);
                coordination_mark(state_directory(controller->common.state));
                puts("ready");
                fflush(stdout);
                r = 1;
        }
        while (r > 0)
                r = turn(controller, &error);
        controller_carry_stop(&controller->carry);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct controller controller = { .signals = -1 };
        struct error error = ERROR_NONE;
        int code, r;

        while ((code = command_option(argc, argv, &command_controller, options,
                                      N_("Looks at the site all the time, in the foreground, and moves it to its stand-by when it\n"
                                         "fails as seen from here and from the stand-by, and the stand-by is proven genuine.\n\n"
                                         "  --config FILE  the site's configuration\n"
                                         "  --pub FILE     believe the configuration only if this key has signed it\n"),
                                      &controller.common)) != -1) {
                if (code != OPTION_PUB)
                        return EXIT_USAGE;
                controller.pub_path = optarg;
        }
        if (argc != optind)
                return command_usage(&command_controller, _("'%s' is one argument too many"), argv[optind]);
        if (!controller.common.config)
                return command_usage(&command_controller, _("--config FILE is needed: the configuration of the site"));
        r = site_file_open(&file, &controller.common, controller.pub_path, &error);
        if (r < 0)
                return site_file_fail(&file, &error);
        controller.config = file.config;
        return control(&controller);
}

const struct command command_controller = {
        .name = "controller",
        .run = run,
        .synopsis = "controller --config FILE [--pub FILE]",
        .summary = N_("watch the site, and move it to its stand-by when it fails"),
};
