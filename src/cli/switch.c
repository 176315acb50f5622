/* switch.c - understudy switch and return: the planned move of the site to another server, and back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/carry.h"
#include "cli/command.h"
#include "cli/coordination.h"
#include "cli/fleet_view.h"
#include "cli/left.h"
#include "cli/site_file.h"
#include "probe/page.h"
#include "traffic/steps.h"
#include "tree/state.h"

enum { OPTION_PLAN = OPTION_COMMAND, OPTION_RESUME, OPTION_UNDO, OPTION_FINISH, OPTION_PUB, OPTION_RESET };

#define FATE_SIZE 1500

static const struct option options[] = {
        {"plan",    no_argument,       NULL, OPTION_PLAN  },
        { "resume", no_argument,       NULL, OPTION_RESUME},
        { "undo",   no_argument,       NULL, OPTION_UNDO  },
        { "finish", no_argument,       NULL, OPTION_FINISH},
        { "pub",    required_argument, NULL, OPTION_PUB   },
        { "allow-reset", no_argument,  NULL, OPTION_RESET },
        { NULL,     0,                 NULL, 0            },
};

struct request {
        struct common common;
        const struct command *command;
        const char *server, *pub_path;
        bool plan, resume, undo, finish, reset, home; /* home: back to the production server */
        int64_t started_ms;
        struct coordinator *coordinator; /* NULL: the site has one controller */
        struct move move;
};

/* ---- what a person sees ---- */

/* One line for each step, when it is done; what went wrong with it above. */
static void progress(void *context, const struct machine *machine, enum action action, const struct error *err)
{
        const struct request *request = context;
        const double seconds = (double)(clock_monotonic_ms() - request->started_ms) / 1000;

        if (request->common.quiet)
                return;
        if (err && err->code)
                fprintf(stderr, "understudy: %s: %s\n", step_name(machine->at), err->text);
        if (action == ACTION_RECORD_INTENT && request->common.verbose)
                fprintf(stderr, "  %8.3f s  %s ...\n", seconds, step_name(machine->at));
        if (action == ACTION_RECORD_DONE)
                fprintf(stderr, "  %8.3f s  %s%s\n", seconds, step_name(machine->at), machine->back ? _(": undone") : "");
        if (action == ACTION_RECORD_LEFT)
                fprintf(stderr, "  %8.3f s  %s%s\n", seconds, step_name(machine->at), _(": left, the move goes on without it"));
}

static int new_epoch(void *context, const char *holder, uint64_t seen, uint64_t *ret_epoch, struct error *err)
{
        const struct request *request = context;

        return coordinator_epoch(request->coordinator, &request->move, holder, seen, ret_epoch, err);
}

static int probe(void *context _unused_, const struct config_check *check, const char *address, struct error *err)
{
        const struct page_request page = { .url = check->url, .address = address, .status = check->status,
                                           .expect = check->expect, .timeout_ms = check->timeout_ms };

        return page_probe(&page, err);
}

/* How much there is to carry over, seen now; what cannot be seen is said. NULL: there is nothing to say. */
static json_t *plan_carrying(const struct request *request, struct steps *steps)
{
        _cleanup_(carry_result_done) struct carry_result result = { 0 };
        char there[COUNT_TEXT_SIZE], back[COUNT_TEXT_SIZE];
        struct error error = ERROR_NONE;
        json_t *json;

        if (steps_carry_ahead(steps, &result, &error) < 0) {
                if (!request->common.json)
                        printf("%-12s   %s: %s\n", "", _("how much is not known"), error.text);
                return json_pack("{s:s}", "unknown", error.text);
        }
        json = carry_result_json(&result);
        bytes_text(result.to_rest_bytes, there);
        bytes_text(result.to_stage_bytes, back);
        if (!request->common.json && result.areas)
                printf(_("%-12s   %llu files, %s; back %llu files, %s; %llu break the rules and stay where they are\n"), "",
                       (unsigned long long)result.to_rest, there, (unsigned long long)result.to_stage, back,
                       (unsigned long long)result.refused);
        return json;
}

/* What becomes of connections that stand: a word for --json, and a sentence. Asks the servers, changes nothing. */
static const char *fate_of_connections(struct steps *steps, const struct move *move, char sentence[static FATE_SIZE])
{
        struct error error = ERROR_NONE;
        int r;

        if (!(move->by & MOVE_BY_ADDRESS))
                snprintf(sentence, FATE_SIZE, _("they stay with %s until they end"), move->from);
        else if (!(move->by & MOVE_KEEPS))
                snprintf(sentence, FATE_SIZE, _("they break, which --allow-reset allows"));
        if (!(move->by & MOVE_KEEPS))
                return move->by & MOVE_BY_ADDRESS ? "reset" : "kept";
        r = steps_keeps_connections(steps, &error);
        if (r == 1) {
                snprintf(sentence, FATE_SIZE, _("they stay with %s until they end, if %s, which is powered off now, can hand them "
                                                "on; else the move is taken back"), move->from, move->to);
                return "unknown";
        }
        if (r == 0) {
                snprintf(sentence, FATE_SIZE, _("they stay with %s until they end, or are drained no longer"), move->from);
                return "kept";
        }
        snprintf(sentence, FATE_SIZE, error.status == EXIT_REFUSED ?
                 _("they cannot be kept, and the move is refused without --allow-reset: %s") :
                 _("it could not be found out whether they can be kept: %s"), error.text);
        return error.status == EXIT_REFUSED ? "refused" : "unknown";
}

static int show_plan(const struct request *request, const struct config *config, const struct move *move)
{
        const struct steps_options choices = { .config = config, .move = move, .state = state_directory(request->common.state) };
        _cleanup_(steps_freep) struct steps *steps = NULL;
        struct error error = ERROR_NONE;
        char sentence[FATE_SIZE] = "";
        json_t *list, *carrying = NULL;
        struct machine machine;
        const char *fate;

        if (steps_new(&choices, &steps, &error) < 0)
                return command_fail(&error);
        fate = fate_of_connections(steps, move, sentence);
        list = json_array();
        machine_begin(&machine, move->kind, move->by);
        for (enum step step = machine_after(&machine, STEPS); step != STEPS; step = machine_after(&machine, step)) {
                char change[STEPS_WORDS], undo[STEPS_WORDS];
                const bool back = machine_undoable(&machine, step);

                steps_describe(config, move, step, change, undo);
                if (step == STEP_CARRY && request->common.json)
                        carrying = plan_carrying(request, steps);
                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "step", step_name(step), "change", change, "undo",
                                                      undo, "undoable", back));
                if (request->common.json)
                        continue;
                printf("%-12s %s\n", step_name(step), change);
                if (step == STEP_CARRY)
                        carrying = plan_carrying(request, steps);
                if (undo[0] && back)
                        printf("%-12s   %s: %s\n", "", _("undo"), undo);
                if (step == STEP_FENCE)
                        printf("%-12s   %s\n", "", _("from here on only forward"));
        }
        if (!request->common.json) {
                printf(_("established connections: %s\n"), sentence);
                json_decref(list);
                json_decref(carrying);
                return EXIT_DONE;
        }
        return command_print_json(json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "from", move->from, "to", move->to, "established",
                                            fate, "why", sentence, "steps", list, "carry", carrying ? carrying : json_null()));
}

static int tell_end(const struct request *request, const struct config *config, const struct move *move,
                    const struct machine *machine, enum action action, const struct error *err)
{
        char contacts[SITE_FILE_CONTACTS];
        const char *outcome = action == ACTION_STOP ? "stopped" : action == ACTION_REFUSE ? "refused" :
                              machine->back                                               ? "undone" :
                                                                                            "done";
        int status = action != ACTION_FINISH ? EXIT_REFUSED : machine->back ? EXIT_FOUND : EXIT_DONE;

        if (request->common.json)
                (void)command_print_json(json_pack("{s:s, s:s, s:s, s:s}", "from", move->from, "to", move->to, "outcome",
                                                   outcome, "step", machine->at == STEPS ? "" : step_name(machine->at)));
        site_file_contacts(config, contacts);
        if (action == ACTION_STOP)
                fprintf(stderr, _("understudy: the move stopped at %s, and a person is needed%s: %s. When that is mended: "
                                  "'understudy switch --resume', or '--undo'\n"), step_name(machine->at), contacts, err->text);
        else if (action == ACTION_REFUSE)
                fprintf(stderr, _("understudy: it is too late to undo this move: %s is being shut out of the database; "
                                  "'understudy switch --resume' goes on\n"), move->from);
        else if (!request->common.quiet && !request->common.json)
                printf(machine->back ? _("the move is undone: %s is on stage as before\n") : _("%s is on stage\n"),
                       machine->back ? move->from : move->to);
        return status;
}

static int tell_there(const struct request *request, const struct move *move)
{
        if (request->common.json)
                return command_print_json(json_pack("{s:s, s:s, s:s, s:s}", "from", move->from, "to", move->to, "outcome", "there",
                                                    "step", ""));
        if (!request->common.quiet)
                printf(_("%s is on stage already: nothing was done\n"), move->to);
        return EXIT_DONE;
}

/* ---- the move ---- */

/* What broke a rule since the move began is sent no visitors. From the fence on there is no way back, and a site with
 * nobody on stage helps no one: then it goes on. */
static int may_go_on(const struct request *request, const struct config *config, const struct move *move,
                     const struct machine *machine, struct error *err)
{
        int r = 0;

        if (!request->undo && !machine->back && machine->at != STEPS && machine_undoable(machine, machine->at))
                r = fleet_admits(state_directory(request->common.state), config, move->to, err);
        return r < 0 ? error_prefix(err, _("the move to %s does not go on ('understudy switch --undo' takes it back)"),
                                    move->to)
                     : 0;
}

static int plan(const struct request *request, const struct config *config, struct move *ret_move, struct error *err)
{
        int r = steps_plan(config, MOVE_PLANNED, request->server, ret_move, err);

        if (r == 0 && request->reset)
                ret_move->by &= ~(unsigned int)MOVE_KEEPS;
        return r;
}

static int find_move(const struct request *request, const struct config *config, struct ledger *ledger, struct move *move,
                     struct machine *machine, struct error *err)
{
        const bool going_on = request->resume || request->undo;
        int r = ledger_current(ledger, move, machine, err);

        if (r < 0)
                return r;
        if (going_on && r == 0)
                return error_refuse(err, _("no move is under way"));
        if (going_on) {
                r = coordination_resume(request->coordinator, ledger, move, machine, err);
                return r < 0 ? r : may_go_on(request, config, move, machine, err);
        }
        if (r == 1)
                return error_refuse(err, _("the move from %s to %s has not ended; 'understudy switch --resume' goes on with it, "
                                           "'--undo' takes it back"), move->from, move->to);
        r = plan(request, config, move, err);
        if (r == 0)
                r = fleet_admits(state_directory(request->common.state), config, move->to, err);
        if (r < 0)
                return r;
        machine_begin(machine, move->kind, move->by);
        return 0;
}

/* A new move is in the journal from here on. One that would break connections which it should keep never is. 1: there is
 * nothing to be moved. */
static int begin(const struct request *request, struct ledger *ledger, struct steps *steps, struct move *move,
                 struct machine *machine, struct error *err)
{
        int r = steps_arbiter_answers(steps, err);

        if (r == 0)
                r = steps_is_there(steps) ? 1 : steps_ready(steps, err);
        if (r < 0)
                return error_prefix(err, _("the move was not begun"));
        if (r == 1)
                return r;
        r = move->by & MOVE_KEEPS ? steps_keeps_connections(steps, err) : 0;
        if (r < 0)
                return error_prefix(err, _("established connections cannot be kept ('--allow-reset' moves and breaks them)"));
        r = ledger_begin(ledger, move, err);
        return r < 0 ? r : coordination_begin(request->coordinator, ledger, move, machine, NULL, err);
}

static void note(void *context _unused_, const char *sentence)
{
        fprintf(stderr, "understudy: %s\n", sentence);
}

/* One controller, and somebody who does not know of it: of two moves the one that claimed last counts. */
static int go_on(struct request *request, struct ledger *ledger, struct steps *steps, const struct move *move,
                 struct machine *machine, struct error *err)
{
        int r = request->coordinator || request->undo || machine->back ? 0 : steps_overtaken(steps, machine, err);

        if (r == 0)
                return 0;
        if (machine_undoable(machine, machine->at)) {
                fprintf(stderr, _("understudy: the move to %s was overtaken, and is taken back: %s\n"), move->to, err->text);
                request->undo = true;
                return 0;
        }
        coordination_overtaken(ledger, move, machine);
        return error_prefix(err, _("the move to %s was overtaken, and is over"), move->to);
}

static int make(struct request *request, const struct config *config, struct error *err)
{
        const struct ledger_options ledger_options = { .state = state_directory(request->common.state), .actor = "switch",
                                                .program = "/proc/self/exe", .note = note };
        _cleanup_(ledger_closep) struct ledger *ledger = NULL;
        _cleanup_(steps_freep) struct steps *steps = NULL;
        _cleanup_(coordinator_freep) struct coordinator *coordinator = NULL;
        struct steps_options choices = { .config = config, .state = state_directory(request->common.state), .probe = probe,
                                         .begins = !request->resume && !request->undo, .progress = progress,
                                         .context = request };
        struct move *move = &request->move;
        struct machine machine;
        struct stage stage;
        enum action action;
        int r = coordination_open(config, false, &coordinator, err);

        request->coordinator = coordinator;
        if (r == 0)
                r = ledger_open(&ledger_options, &ledger, err);
        if (r == 0)
                r = find_move(request, config, ledger, move, &machine, err);
        choices.move = move;
        choices.epoch = coordinator ? new_epoch : NULL;
        if (r == 0)
                r = steps_new(&choices, &steps, err);
        if (r == 0)
                r = request->resume || request->undo ? go_on(request, ledger, steps, move, &machine, err) :
                                                       begin(request, ledger, steps, move, &machine, err);
        if (r < 0)
                return r;
        if (r == 1) {
                if (left_make_up(ledger, config, err) < 0)
                        note(NULL, err->text);
                return tell_there(request, move);
        }
        stage = steps_stage(steps);
        r = conduct(ledger, move, &machine, request->undo ? EVENT_UNDO : EVENT_BEGIN, &stage, &action, err);
        if (r < 0)
                return r;
        coordination_end(coordinator, move, action);
        return tell_end(request, config, move, &machine, action, err);
}

static int parse(int argc, char *argv[], struct request *request, const char *help)
{
        int code;

        while ((code = command_option(argc, argv, request->command, options, help, &request->common)) != -1) {
                switch (code) {
                case OPTION_PLAN: request->plan = true; break;
                case OPTION_RESUME: request->resume = true; break;
                case OPTION_UNDO: request->undo = true; break;
                case OPTION_FINISH: request->finish = true; break;
                case OPTION_RESET: request->reset = true; break;
                case OPTION_PUB: request->pub_path = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (request->plan + request->resume + request->undo + request->finish > 1)
                return command_usage(request->command, _("--plan, --resume, --undo and --finish exclude each other"));
        if (request->reset && (request->resume || request->undo || request->finish))
                return command_usage(request->command, _("--allow-reset is for a move that begins"));
        if (!request->common.config)
                return command_usage(request->command, _("--config FILE is needed: the configuration of the site"));
        return EXIT_DONE;
}

static int run_request(struct request *request)
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct error error = ERROR_NONE;
        const struct config_server *production;
        struct move move;
        int r = site_file_open(&file, &request->common, request->pub_path, &error);

        if (r < 0)
                return site_file_fail(&file, &error);
        production = config_first_of(file.config, CONFIG_PRODUCTION);
        if (request->home)
                request->server = production ? production->name : "";
        request->started_ms = clock_monotonic_ms();
        if (request->finish)
                return left_finish(&request->common, file.config);
        if (request->plan)
                r = plan(request, file.config, &move, &error);
        if (request->plan)
                return r < 0 ? command_fail(&error) : show_plan(request, file.config, &move);
        r = make(request, file.config, &error);
        return r < 0 ? command_fail(&error) : r;
}

static int run_switch(int argc, char *argv[])
{
        struct request request = { .command = &command_switch };
        int status = parse(argc, argv, &request,
                           N_("Moves the site to SERVER, step by step, each seen to be done before the next, and each undone\n"
                              "when a later one fails.\n\n"
                              "      --plan     show the steps, what each changes and how it would be undone; change nothing\n"
                              "      --resume   go on with a move that was interrupted or stopped\n"
                              "      --undo     take it back, as long as that is possible\n"
                              "      --finish   do what the last move had to leave: the TTL of the site's names\n"
                              "      --allow-reset\n"
                              "                 move also where established connections cannot be kept, and break them\n"
                              "      --pub FILE the configuration must be signed by this key\n"));

        if (status != EXIT_DONE)
                return status;
        if (request.resume || request.undo || request.finish) {
                if (optind != argc)
                        return command_usage(&command_switch, _("--resume, --undo and --finish take no server: the journal has it"));
        } else if (optind + 1 != argc) {
                return command_usage(&command_switch, _("name the server that is to be on stage"));
        } else {
                request.server = argv[optind];
        }
        return run_request(&request);
}

static int run_return(int argc, char *argv[])
{
        struct request request = { .command = &command_return, .home = true };
        int status = parse(argc, argv, &request,
                           N_("Moves the site back to its production server: the same steps as 'switch'.\n\n"
                              "      --plan     show the steps; change nothing\n"
                              "      --resume   go on with a move that was interrupted or stopped\n"
                              "      --undo     take it back, as long as that is possible\n"
                              "      --allow-reset\n"
                              "                 move also where established connections cannot be kept, and break them\n"
                              "      --pub FILE the configuration must be signed by this key\n"));

        if (status != EXIT_DONE)
                return status;
        if (optind != argc)
                return command_usage(&command_return, _("the production server is the configuration's; name none"));
        return run_request(&request);
}

const struct command command_switch = { "switch", run_switch, "switch SERVER --config FILE [--plan|--resume|--undo|--finish] [--allow-reset]",
                                        N_("move the site to another server") };
const struct command command_return = { "return", run_return, "return --config FILE [--plan|--resume|--undo] [--allow-reset]",
                                        N_("move the site back to its production server") };
