/*
 * controller.c - understudy controller: looks at the site all the time, and moves it to the stand-by when it must.
 *
 * lookout.h sees, failover.h decides, controller_mover.h does; this is the loop between them, and what is said of a
 * decision. One controller, by default on the database's host; or several, of which etcd lets one lead. When it is down
 * nobody moves, and nobody leaves the stage: the leases are the keepers' and the arbiter's.
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
#include "cli/controller_left.h"
#include "cli/controller_mover.h"
#include "cli/coordination.h"
#include "cli/fleet_view.h"
#include "cli/site_file.h"
#include "traffic/holder.h"
#include "traffic/lookout.h"
#include "traffic/steps.h"
#include "tree/state.h"

#define RESTORE_MS  10000 /* for the database's host, at the start */
#define REGISTER_MS 5000  /* so old may be what the register said */

enum { OPTION_PUB = OPTION_COMMAND };

static const struct option options[] = {
        {"pub", required_argument, NULL, OPTION_PUB},
        { NULL, 0,                 NULL, 0         },
};

struct controller {
        struct common common;
        struct controller_alerts *alerts;
        struct controller_carry carry;
        struct controller_left left;
        const char *pub_path;
        const struct config *config;
        struct lookout *lookout;
        struct coordinator *coordinator; /* NULL: this is the only controller */
        struct controller_mover mover;
        bool leads, settled; /* settled: what is done first by whoever leads is done */
        int signals;
        struct failover_decision last;
        bool told;
        bool shut_out;       /* a rule of the register shuts the stand-by out */
        int64_t register_at; /* when that was asked; 0: never */
};

/* ---- what is said ---- */

/* Once for each change. */
static void tell(struct controller *controller, const struct failover_decision *decision)
{
        const char *words = lookout_words(controller->lookout);
        char contacts[SITE_FILE_CONTACTS];
        const bool same = controller->told && controller->last.verdict == decision->verdict &&
                          controller->last.why == decision->why;

        if (decision->why == WHY_SUSPECTED ||
            decision->why == WHY_UNCONFIRMED) /* in between; what comes of it is told */
                return;
        controller->told = true;
        controller->last = *decision;
        site_file_contacts(controller->config, contacts);
        if (!same && decision->verdict == FAILOVER_CALL) {
                char sentence[ALERT_WHAT_MAXIMUM];

                snprintf(sentence, sizeof(sentence),
                         _("the site has failed and is not moved to its stand-by: %s%s%s%s"),
                         failover_why_text(decision->why), *words ? ": " : "", words, contacts);
                controller_alerts_tell(controller->alerts, ALERT_CRITICAL, "failover_refused", sentence);
        }
        if (same || controller->common.quiet)
                return;
        fprintf(stderr, "understudy: %s%s: %s%s%s\n",
                decision->verdict == FAILOVER_CALL   ? _("a person is needed")
                : decision->verdict == FAILOVER_MOVE ? _("the site moves to its stand-by")
                : decision->verdict == FAILOVER_HEAL ? _("the stand-by is pulled")
                                                     : _("nobody moves"),
                decision->verdict == FAILOVER_CALL ? contacts : "", failover_why_text(decision->why),
                *words ? ": " : "", words);
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

static void decide(struct controller *controller)
{
        struct failover_policy policy;
        struct failover_sight sight;
        struct failover_decision decision;
        const int64_t now = clock_monotonic_ms();

        lookout_policy(controller->lookout, &policy);
        lookout_sight(controller->lookout, &sight);
        sight.moving = now < controller->mover.moving_until;
        ask_register(controller, now, &sight);
        decision = failover_decide(&sight, &policy);
        if (decision.verdict == FAILOVER_MOVE && now < controller->mover.pause_until)
                return;
        tell(controller, &decision);
        if (sight.failures && decision.verdict != FAILOVER_MOVE)
                lookout_suspect(controller->lookout);
        if (decision.verdict == FAILOVER_HEAL)
                controller_mover_heal(&controller->mover);
        else if (decision.verdict == FAILOVER_MOVE)
                controller_mover_fail_over(&controller->mover);
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

/* After a boot the packet filter is empty; what the state says is put in force again. */
static void restore_fence(struct controller *controller)
{
        const struct config_server *host = config_find_server(controller->config, controller->config->database.host);
        struct agent_client *client = lookout_agent(controller->lookout, host);
        struct error error = ERROR_NONE;
        json_t *result = NULL;

        if (agent_client_call(client, "fence", json_pack("{s:s}", "action", "restore"), RESTORE_MS, NULL, NULL, &result,
                              &error) < 0)
                fprintf(stderr, "understudy: %s\n", error.text);
        json_decref(result);
}

/* What is done first by whoever may move the site; false: not all of it could be. */
static bool lead(struct controller *controller)
{
        restore_fence(controller);
        controller_mover_resume(&controller->mover);
        return !controller->coordinator || controller_mover_inherit(&controller->mover);
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
                fprintf(stderr, "understudy: %s\n",
                        now ? _("this controller leads") : _("this controller does not lead any more"));
        }
        if (now && !controller->settled) {
                coordinator_alive(controller->coordinator, MOVER_ACT_MS);
                controller->settled = lead(controller);
        }
        return now && controller->settled;
}

static int turn(struct controller *controller, struct error *err)
{
        struct pollfd fds[2 + LOOKOUT_POLLS] = {
                {.fd = controller->signals, .events = POLLIN},
                controller_alerts_poll(controller->alerts)
        };
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
        controller_left_tick(&controller->left); /* whoever leads: what was left is in the journal here */
        return 1;
}

static int open_signals(struct error *err)
{
        int fd = command_signals();

        return fd < 0 ? error_errno(err, -fd, _("the controller cannot wait for signals")) : fd;
}

static int control(struct controller *controller)
{
        const struct lookout_options choices = { .config = controller->config, .probe = controller_mover_probe };
        _cleanup_(lookout_closep) struct lookout *lookout = NULL;
        _cleanup_(controller_alerts_closep) struct controller_alerts *alerts = NULL;
        _cleanup_(coordinator_freep) struct coordinator *coordinator = NULL;
        struct error error = ERROR_NONE;
        int r = controller_alerts_open(controller->config, state_directory(controller->common.state), &alerts, &error);

        controller->alerts = alerts;
        controller->carry = (struct controller_carry){ controller->common.config, controller->pub_path,
                                                       state_directory(controller->common.state),
                                                       controller->config->move.carry_every_ms };
        controller->left = (struct controller_left){ controller->common.config, controller->pub_path,
                                                     state_directory(controller->common.state) };
        holder_hurry();
        if (r == 0)
                r = lookout_open(&choices, &lookout, &error);
        controller->lookout = lookout;
        if (r == 0)
                r = coordination_open(controller->config, true, &coordinator, &error);
        controller->coordinator = coordinator;
        controller->mover = (struct controller_mover){ .state = state_directory(controller->common.state),
                                                       .config = controller->config,
                                                       .lookout = lookout,
                                                       .coordinator = coordinator,
                                                       .alerts = alerts,
                                                       .carry = &controller->carry,
                                                       .left = &controller->left,
                                                       .verbose = controller->common.verbose };
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
        controller_left_stop(&controller->left);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct controller controller = { .signals = -1 };
        struct error error = ERROR_NONE;
        int code, r;

        while ((code = command_option(
                        argc, argv, &command_controller, options,
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
