/* carry.c - understudy carry: what the site itself wrote goes from the server on stage to the one that rests. */
#include "cli/carry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/count.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/site_file.h"
#include "traffic/agent_client.h"
#include "tree/state.h"

#define ANSWER_MS 5000
#define LOCK_MS   10000 /* for the controller's batch that is under way */

enum { OPTION_PLAN = OPTION_COMMAND, OPTION_PUB };

static const struct option options[] = {
        {"plan", no_argument,       NULL, OPTION_PLAN},
        { "pub", required_argument, NULL, OPTION_PUB },
        { NULL,  0,                 NULL, 0          },
};

/* ---- a batch ---- */

static int ask(void *context, const char *verb, json_t *arguments, int64_t deadline_ms, json_t **ret_result, struct error *err)
{
        return agent_client_call(context, verb, arguments, deadline_ms, NULL, NULL, ret_result, err);
}

static int open_agent(const struct config *config, const struct config_server *server, struct agent_client **ret_client,
                      struct error *err)
{
        if (!server->ssh)
                return error_usage(err, _("server %s has no ssh in the configuration, so its agent cannot be asked"), server->name);
        return agent_client_new(&(struct agent_client_options){ .name = server->name, .destination = server->ssh,
                                                                .ssh_config = config->ssh_config }, ret_client, err);
}

/* From the server on stage, over connections of its own. */
static int carry_between(const struct config *config, const struct config_server *stage, const struct config_server *rest,
                                struct carry_book *book, bool two_ways, bool look, struct carry_result *ret_result, struct error *err)
{
        _cleanup_(agent_client_freep) struct agent_client *there = NULL, *here = NULL;
        struct carry_round round = { .two_ways = two_ways, .look = look };
        int r = open_agent(config, stage, &there, err);

        if (r == 0)
                r = open_agent(config, rest, &here, err);
        if (r < 0)
                return r;
        round.stage = (struct carry_side){ stage->name, ask, there };
        round.rest = (struct carry_side){ rest->name, ask, here };
        return carry_round(book, &round, ret_result, err);
}

json_t *carry_result_json(const struct carry_result *result)
{
        return json_pack("{s:I, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I}, s:I, s:I, s:I, s:I, s:O}", "areas", (json_int_t)result->areas,
                         "files", (json_int_t)result->files, "bytes", (json_int_t)result->bytes, "to_rest", "files",
                         (json_int_t)result->to_rest, "bytes", (json_int_t)result->to_rest_bytes, "to_stage", "files",
                         (json_int_t)result->to_stage, "bytes", (json_int_t)result->to_stage_bytes, "kept",
                         (json_int_t)result->kept, "conflicts", (json_int_t)result->conflicts, "refused",
                         (json_int_t)result->refused, "left", (json_int_t)result->left, "notes", result->notes);
}

/* ---- who is on stage ---- */

static int find_stage(const struct config *config, const struct config_server **ret_stage, const struct config_server **ret_rest,
                      struct error *err)
{
        const struct config_server *production = config_first_of(config, CONFIG_PRODUCTION);
        const struct config_server *standby = config_first_of(config, CONFIG_STANDBY);
        const struct config_server *host = config->database.present ? config_find_server(config, config->database.host) : NULL;
        _cleanup_(agent_client_freep) struct agent_client *client = NULL;
        json_t *answer = NULL;
        const char *name;
        int r = 0;

        if (!production || !standby || !host)
                return error_usage(err, _("the configuration has not a production server, a stand-by, and a database with its host: "
                                          "who is on stage cannot be asked"));
        r = open_agent(config, host, &client, err);
        if (r == 0)
                r = agent_client_call(client, "arbiter", NULL, ANSWER_MS, NULL, NULL, &answer, err);
        if (r < 0)
                return r;
        name = json_string_value(json_object_get(answer, "stage"));
        if (!name || !*name)
                name = json_string_value(json_object_get(answer, "holder"));
        *ret_stage = name && text_equal(name, standby->name) ? standby : production;
        *ret_rest = *ret_stage == production ? standby : production;
        if (!name || !text_equal(name, (*ret_stage)->name))
                r = error_refuse(err, _("nobody is on stage, so it is not known from whom mutable areas are carried over"));
        json_decref(answer);
        return r;
}

/* ---- words ---- */

static void show_notes(const struct carry_result *result)
{
        for (size_t i = 0; i < json_array_size(result->notes); i++) {
                const json_t *note = json_array_get(result->notes, i);

                printf("%s %s %s/%s: %s\n", json_string_value(json_object_get(note, "server")),
                       text_equal(json_string_value(json_object_get(note, "what")), "conflict") ? _("conflict") : _("refused"),
                       json_string_value(json_object_get(note, "area")), json_string_value(json_object_get(note, "path")),
                       _(json_string_value(json_object_get(note, "why"))));
        }
}

static void show(const struct carry_result *result, const char *stage, const char *rest, bool plan)
{
        char there[COUNT_TEXT_SIZE], back[COUNT_TEXT_SIZE];

        if (result->areas == 0) {
                printf(_("the release has no mutable areas\n"));
                return;
        }
        show_notes(result);
        bytes_text(result->to_rest_bytes, there);
        bytes_text(result->to_stage_bytes, back);
        printf(plan ? _("to go from %s to %s: %llu files, %s\n") : _("gone from %s to %s: %llu files, %s\n"), stage, rest,
               (unsigned long long)result->to_rest, there);
        if (result->to_stage)
                printf(plan ? _("to go from %s to %s: %llu files, %s\n") : _("gone from %s to %s: %llu files, %s\n"), rest, stage,
                       (unsigned long long)result->to_stage, back);
        if (result->kept)
                printf(plan ? _("to be moved aside by %s: %llu files\n") : _("moved aside by %s: %llu files\n"), rest,
                       (unsigned long long)result->kept);
        if (result->left)
                printf(_("left for the next batch, because they were changed meanwhile or something was in the way: %llu\n"),
                       (unsigned long long)result->left);
}

/* ---- the command ---- */

struct request {
        struct common common;
        const char *pub_path;
        bool plan;
};

/* Both sides' writing is brought together once after a move; after a failover that is for the return, which has the one that
 * died proven before. */
static int choose_ways(const struct carry_book *book, const char *stage, bool *ret_two_ways, struct error *err)
{
        *ret_two_ways = !*book->stage;
        if (*book->stage && !text_equal(book->stage, stage))
                return error_refuse(err, _("%s came on stage by a failover: what %s had been given before is brought together with what "
                                           "%s has by 'understudy return'"), stage, book->stage, stage);
        return 0;
}

static int make(const struct request *request, const struct config *config, struct error *err)
{
        _cleanup_(carry_book_close) struct carry_book book = CARRY_BOOK_NONE;
        _cleanup_(carry_result_done) struct carry_result result = { 0 };
        const struct config_server *stage = NULL, *rest = NULL;
        bool two_ways = false;
        int r = carry_book_open(&book, state_directory(request->common.state), LOCK_MS, err);

        if (r == 0)
                r = find_stage(config, &stage, &rest, err);
        if (r < 0 || !stage || !rest)
                return r;
        r = choose_ways(&book, stage->name, &two_ways, err);
        if (r == 0)
                r = carry_between(config, stage, rest, &book, two_ways, request->plan, &result, err);
        book.areas = result.areas;
        book.files = result.files;
        book.bytes = result.bytes;
        book.refused = result.refused;
        book.conflicts = result.conflicts;
        if (r == 0 && !request->plan)
                r = carry_book_record(&book, result.left && two_ways ? "" : stage->name, err);
        if (r < 0)
                return r;
        if (request->common.json)
                (void)command_print_json(json_pack("{s:s, s:s, s:b, s:o}", "stage", stage->name, "rest", rest->name, "two_ways",
                                                   two_ways, "carried", carry_result_json(&result)));
        else if (!request->common.quiet)
                show(&result, stage->name, rest->name, request->plan);
        return result.refused || result.conflicts || result.left ? EXIT_FOUND : EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct request request = { 0 };
        struct error error = ERROR_NONE;
        int code, r;

        while ((code = command_option(argc, argv, &command_carry, options,
                                      N_("Carries what the site itself wrote (the mutable areas of its release) from the server on stage\n"
                                         "to the one that rests, under the rules of the release: one batch. The controller does it all\n"
                                         "the time.\n\n"
                                         "      --plan     show what would go; change nothing\n"
                                         "      --pub FILE the configuration must be signed by this key\n"),
                                      &request.common)) != -1) {
                switch (code) {
                case OPTION_PLAN: request.plan = true; break;
                case OPTION_PUB: request.pub_path = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc != optind)
                return command_usage(&command_carry, _("'%s' is one argument too many"), argv[optind]);
        if (!request.common.config)
                return command_usage(&command_carry, _("--config FILE is needed: the configuration of the site"));
        r = site_file_open(&file, &request.common, request.pub_path, &error);
        if (r < 0)
                return site_file_fail(&file, &error);
        r = make(&request, file.config, &error);
        return r < 0 ? command_fail(&error) : r;
}

const struct command command_carry = {
        .name = "carry",
        .run = run,
        .synopsis = "carry --config FILE [--plan] [--pub FILE]",
        .summary = N_("carry uploads over to the server that rests"),
};
