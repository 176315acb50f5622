/* withdraw.c - understudy withdraw: this server off the stage, at once, and back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/journal_sink.h"
#include "cli/standing.h"
#include "tree/state.h"

enum { OPTION_REASON = OPTION_COMMAND, OPTION_PORT, OPTION_BACK, OPTION_AGAIN };

static const struct option options[] = {
        {"reason", required_argument, NULL, OPTION_REASON},
        { "port",  required_argument, NULL, OPTION_PORT  },
        { "back",  no_argument,       NULL, OPTION_BACK  },
        { "again", no_argument,       NULL, OPTION_AGAIN },
        { NULL,    0,                 NULL, 0            },
};

struct request {
        struct common common;
        const char *state, *reason;
        bool back, again, damaged; /* damaged: what is remembered cannot be understood */
        struct filter_ports ports; /* none: those of before, or the usual */
        struct withdrawal withdrawal;
        struct journal_sink journal;
        bool tell_unsaved;    /* it is in force, but not on the disk */
        struct error unsaved; /* why */
};

/* ---- what both ways share ---- */

static json_t *details(const struct request *request)
{
        const struct stage stage = { .withdrawal = request->withdrawal, .looked = false };
        json_t *json = request->withdrawal.present ? stage_json(&stage) : NULL;

        if (!json)
                return NULL;
        (void)json_object_del(json, "refused"); /* it is what the record says */
        (void)json_object_del(json, "actor");   /* the record's own is who says this */
        json_object_set_new(json, "withdrawn_by", json_string(request->withdrawal.actor));
        return json;
}

/* The kernel's answer, not nft's exit status, says what is in force. */
static int expect(const struct filter_ports *ports, enum filter_sight wanted, struct error *err)
{
        enum filter_sight sight = FILTER_BROKEN;
        int r = filter_look(ports, &sight, err);

        if (r == 0 && sight != wanted)
                r = error_set(err, -EIO,
                              _("the packet filter took the rules, but the kernel does not have them as they were "
                                "written; look at nft list ruleset"));
        return r;
}

static int show(const struct request *request, bool changed)
{
        struct stage stage;

        stage_look(request->state, &stage);
        if (request->common.json) {
                int status = command_print_json(
                        json_pack("{s:o, s:b}", "withdrawn", stage_json(&stage), "changed", changed));

                if (status != EXIT_DONE)
                        return status;
        } else if (!request->common.quiet) {
                stage_show(&stage);
                if (!stage_obstacle(&stage))
                        puts(changed ? _("This server is on stage again.") : _("This server was not withdrawn."));
        }
        return EXIT_DONE;
}

/* ---- off the stage ---- */

/* What is to be remembered: said again, a withdrawal keeps its time, and what is not said anew. */
static int compose(struct request *request, const struct withdrawal *before, struct error *err)
{
        struct withdrawal *withdrawal = &request->withdrawal;
        _cleanup_(buffer_done) struct buffer reason = BUFFER_INIT(WITHDRAWAL_REASON_SIZE - 1);

        *withdrawal = *before;
        withdrawal->present = true;
        if (!withdrawal->since)
                withdrawal->since = clock_now();
        if (request->ports.count)
                withdrawal->ports = request->ports;
        else if (!withdrawal->ports.count)
                withdrawal->ports = filter_web_ports;
        if (request->reason) {
                if (text_escape(&reason, request->reason, strlen(request->reason)) < 0)
                        return error_usage(err, _("--reason is too long"));
                snprintf(withdrawal->reason, sizeof(withdrawal->reason), "%s", buffer_text(&reason));
        }
        if (!*withdrawal->actor)
                journal_actor(withdrawal->actor, sizeof(withdrawal->actor));
        return 0;
}

/*
 * A disk that is full keeps nobody on stage: the filter is set all the same, and the exit status says that a restart of
 * the machine would undo it.
 */
static int close_stage(struct request *request, struct error *err)
{
        int r;

        request->tell_unsaved = withdrawal_write(request->state, &request->withdrawal, &request->unsaved) < 0;
        r = filter_close(&request->withdrawal.ports, err);
        return r < 0 ? r : expect(&request->withdrawal.ports, FILTER_CLOSED, err);
}

static bool is_in_force(const struct request *request, const struct withdrawal *before)
{
        enum filter_sight sight = FILTER_OPEN;

        return before->present && !request->damaged && !request->reason && !request->ports.count &&
               filter_look(&before->ports, &sight, NULL) == 0 && sight == FILTER_CLOSED;
}

static int withdraw(struct request *request, const struct withdrawal *before, struct error *err)
{
        int r;

        if (is_in_force(request, before))
                return show(request, false);
        r = compose(request, before, err);
        if (r < 0)
                return command_fail(err);
        journal_sink_open(&request->journal, request->state, false);
        if (request->again)
                journal_sink_add(&request->journal, "withdraw_lost", NULL, details(request),
                                 "this server is withdrawn, but the packet filter did not refuse visitors");
        journal_sink_add(&request->journal, "withdraw_started", NULL, details(request),
                         "this server is taken off the stage%s%s", *request->withdrawal.reason ? ": " : "",
                         request->withdrawal.reason);
        journal_sink_commit(&request->journal);
        r = close_stage(request, err);
        if (r < 0)
                journal_sink_add(&request->journal, "withdraw_failed", NULL, details(request), "%s", err->english);
        else
                journal_sink_add(&request->journal, "withdrawn", NULL, details(request),
                                 "the packet filter refuses visitors, which was read back from the kernel");
        journal_sink_commit(&request->journal);
        if (r < 0) {
                error_prefix(err, _("visitors may still reach this server"));
                return command_fail(err);
        }
        if (request->tell_unsaved) {
                error_prefix(&request->unsaved, _("visitors are refused, but only until this machine is restarted"));
                return command_fail(&request->unsaved);
        }
        return show(request, true);
}

/* At boot, and whenever somebody flushed the packet filter. */
static int again(struct request *request, const struct withdrawal *before, struct error *err)
{
        if (before->present)
                return withdraw(request, before, err);
        return show(request, false);
}

/* ---- back ---- */

struct look {
        const struct request *request;
        unsigned int trees;
};

static int look_at_tree(void *context, const char *dest)
{
        struct look *look = context;
        struct standing standing;
        struct error error = ERROR_NONE;
        const char *obstacle;
        int r = standing_look(look->request->state, dest, &standing, &error);

        if (r < 0) {
                command_fail(&error);
                return r;
        }
        look->trees++;
        obstacle = standing_obstacle_since(&standing, look->request->withdrawal.since);
        if (obstacle) {
                r = error_refuse(&error, _("this server stays withdrawn, for %s is not eligible: %s"), dest, obstacle);
                command_fail(&error);
        }
        standing_done(&standing);
        return r;
}

/* EXIT_DONE when every tree may be visited; what could not be checked counts as bad. */
static int check_trees(const struct request *request)
{
        struct look look = { .request = request };
        struct error error = ERROR_NONE;
        int r = state_list(request->state, look_at_tree, &look, &error);

        if (r == -EPERM && !error.code)
                return EXIT_REFUSED; /* it was said */
        if (r < 0)
                return error.code ? command_fail(&error) : EXIT_FAILED;
        if (look.trees > 0)
                return EXIT_DONE;
        error_refuse(
                &error,
                _("this server stays withdrawn, for no tree was ever pulled here: pull one, or take the table away "
                  "by hand: nft delete table inet %s, rm %s/withdrawn.json"),
                FILTER_TABLE, request->state);
        return command_fail(&error);
}

static int open_stage(struct request *request, struct error *err)
{
        int r = filter_open(err);

        if (r == 0)
                r = expect(&request->withdrawal.ports, FILTER_OPEN, err);
        return r < 0 ? r : withdrawal_remove(request->state, err);
}

static int back(struct request *request, const struct withdrawal *before, struct error *err)
{
        enum filter_sight sight = FILTER_OPEN;
        int status, r;

        if (!before->present && (filter_look(&filter_web_ports, &sight, err) < 0 || sight == FILTER_OPEN))
                return err->code ? command_fail(err) : show(request, false);
        request->withdrawal = *before;
        status = check_trees(request);
        journal_sink_open(&request->journal, request->state, false);
        journal_sink_add(&request->journal, status == EXIT_DONE ? "back_started" : "back_refused", NULL,
                         details(request),
                         status == EXIT_DONE ? "this server is put on stage again: every tree is genuine"
                                             : "this server stays off the stage: a tree is not eligible");
        journal_sink_commit(&request->journal);
        if (status != EXIT_DONE)
                return status;
        r = open_stage(request, err);
        if (r < 0)
                journal_sink_add(&request->journal, "back_failed", NULL, details(request), "%s", err->english);
        else
                journal_sink_add(&request->journal, "back", NULL, details(request),
                                 "the packet filter lets visitors in, which was read back from the kernel");
        journal_sink_commit(&request->journal);
        return r < 0 ? command_fail(err) : show(request, true);
}

/* ---- arguments ---- */

static int act(struct request *request)
{
        struct withdrawal before = { .present = false };
        struct error error = ERROR_NONE;
        _cleanup_(fd_closep) int lock = withdrawal_lock(request->state, &error);
        int r, status;

        if (lock < 0 && (lock == -EBUSY || request->back))
                return command_fail(&error);
        r = withdrawal_read(request->state, &before, &error);
        if (r < 0) {
                int failed = command_fail(&error);

                if (request->back)
                        return failed;
                before = (struct withdrawal){ .present = true, .ports = filter_web_ports };
                request->damaged = true;
        }
        error = ERROR_NONE;
        if (request->back)
                status = back(request, &before, &error);
        else
                status = request->again ? again(request, &before, &error) : withdraw(request, &before, &error);
        journal_sink_close(&request->journal);
        return status;
}

static int parse_option(struct request *request, int code, struct error *err)
{
        switch (code) {
        case OPTION_REASON: request->reason = *optarg ? optarg : NULL; return 0;
        case OPTION_PORT: return filter_port_add(&request->ports, optarg, err);
        case OPTION_BACK: request->back = true; return 0;
        case OPTION_AGAIN: request->again = true; return 0;
        }
        return error_usage(err, _("this option is not known"));
}

static int check_server(const char *server)
{
        char name[256] = "";

        (void)gethostname(name, sizeof(name) - 1);
        if (text_equal(server, name) || text_equal(server, "localhost"))
                return EXIT_DONE;
        return command_usage(&command_withdraw,
                             _("this server is %s; a server is withdrawn on itself: ssh %s understudy withdraw"), name,
                             server);
}

static int run(int argc, char *argv[])
{
        static struct request request;
        struct error error = ERROR_NONE;
        int code;

        memset(&request, 0, sizeof(request));
        while ((code = command_option(
                        argc, argv, &command_withdraw, options,
                        N_("Takes this server off the stage at once: the packet filter refuses visitors, new ones and "
                           "those whose\n"
                           "connections stand, until --back; also after a restart of the machine.\n"
                           "\n"
                           "  --reason TEXT       why; kept, shown by status, and written into the journal\n"
                           "  --port PORT[/udp]   refuse this port instead of 80/tcp, 443/tcp and 443/udp; may be "
                           "repeated\n"
                           "  --back              on stage again, if every tree of this server was verified since\n"
                           "  --again             in force again if the server is withdrawn: at boot\n"),
                        &request.common)) != -1) {
                if (code == '?')
                        return EXIT_USAGE;
                if (parse_option(&request, code, &error) < 0)
                        return command_fail(&error);
        }
        if (argc - optind > 1 || (request.back && request.again) ||
            ((request.back || request.again) && (request.reason || request.ports.count)))
                return command_usage(&command_withdraw,
                                     _("name one server at most; --back and --again go with no other option"));
        request.state = state_directory(request.common.state);
        code = optind < argc ? check_server(argv[optind]) : EXIT_DONE;
        return code != EXIT_DONE ? code : act(&request);
}

const struct command command_withdraw = {
        .name = "withdraw",
        .run = run,
        .synopsis = "withdraw [SERVER] [--reason TEXT] [--port PORT[/tcp|/udp] ...] | --back | --again",
        .summary = N_("take this server off the stage at once, and put it back"),
};
