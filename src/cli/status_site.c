#include "cli/status_site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "carry/book.h"
#include "cli/coordination.h"
#include "cli/fleet_view.h"
#include "cli/left.h"
#include "cli/site_file.h"
#include "traffic/agent_client.h"
#include "traffic/failover.h"
#include "tree/state.h"

#define ANSWER_MS 5000
#define CELL_SIZE 200

/* One server as it answered; what it did not answer stays empty, and `words` says why. */
struct row {
        const struct config_server *server;
        const char *address, *place; /* borrowed from the answers */
        bool keeper, answers, eligible, differs;
        int64_t verified_at;
        json_int_t release;
        char obstacle[CELL_SIZE], words[CELL_SIZE];
        json_t *look, *status;
};

struct site_view {
        const struct config *config;
        json_t *arbiter, *fence;
        char words[CELL_SIZE]; /* why there is none */
        bool runs;     /* one controller: it does, on this machine */
        bool left;     /* the last move left something to be done */
        char leader[COORDINATOR_NAME_SIZE], leader_words[CELL_SIZE]; /* several: whose leads, or why that is not known */
        struct carry_book carried; /* time is 0 when mutable areas never were */
        struct row rows[CONFIG_SERVERS_MAXIMUM];
        size_t count;
};

/* ---- asking ---- */

static json_t *ask(struct agent_client *client, const char *verb, char words[static CELL_SIZE])
{
        struct error error = ERROR_NONE;
        json_t *result = NULL;

        if (agent_client_call(client, verb, NULL, ANSWER_MS, NULL, NULL, &result, &error) < 0)
                snprintf(words, CELL_SIZE, "%.*s", CELL_SIZE - 1, error.text);
        return result;
}

static struct agent_client *open_agent(const struct config *config, const struct config_server *server,
                                       char words[static CELL_SIZE])
{
        struct agent_client *client = NULL;
        struct error error = ERROR_NONE;

        if (!server->ssh || agent_client_new(&(struct agent_client_options){ .name = server->name,
                                                                             .destination = server->ssh,
                                                                             .ssh_config = config->ssh_config },
                                             &client, &error) < 0)
                snprintf(words, CELL_SIZE, "%.*s", CELL_SIZE - 1, server->ssh ? error.text : _("it has no ssh in the configuration"));
        return client;
}

static const char *text_of(const json_t *object, const char *member)
{
        const char *text = json_string_value(json_object_get(object, member));

        return text ? text : "";
}

/* Every tree of the server must be fit; the first that is not says why. */
static void judge_trees(struct row *row)
{
        const json_t *trees = json_object_get(json_object_get(row->status, "output"), "trees");

        row->eligible = json_array_size(trees) > 0;
        row->verified_at = INT64_MAX;
        if (!row->eligible)
                snprintf(row->obstacle, sizeof(row->obstacle), "%s", _("it was never pulled"));
        for (size_t i = 0; i < json_array_size(trees); i++) {
                const json_t *tree = json_array_get(trees, i);
                int64_t when = 0;

                row->release = json_integer_value(json_object_get(tree, "release"));
                if (json_is_object(json_object_get(tree, "guard")))
                        when = clock_now();
                else if (clock_parse_utc(text_of(tree, "verified"), &when) < 0)
                        when = 0;
                row->verified_at = when < row->verified_at ? when : row->verified_at;
                if (json_is_true(json_object_get(tree, "eligible")))
                        continue;
                row->eligible = false;
                row->differs = json_is_false(json_object_get(tree, "genuine")) && *text_of(tree, "verified");
                snprintf(row->obstacle, sizeof(row->obstacle), "%.*s", CELL_SIZE - 1, text_of(tree, "obstacle"));
        }
}

static void look_at_server(struct site_view *view, const struct config_server *server)
{
        struct row *row = &view->rows[view->count++];
        struct agent_client *client;

        row->server = server;
        client = open_agent(view->config, server, row->words);
        if (client)
                row->look = ask(client, "address-look", row->words);
        if (row->look)
                row->status = ask(client, "status", row->words);
        agent_client_free(client);
        row->answers = row->look && row->status;
        row->address = text_of(json_array_get(json_object_get(row->look, "addresses"), 0), "place");
        row->keeper = json_is_true(json_object_get(row->look, "keeper"));
        if (row->status)
                judge_trees(row);
}

static void look_at_database(struct site_view *view)
{
        const struct config_database *database = &view->config->database;
        const struct config_server *host = database->present ? config_find_server(view->config, database->host) : NULL;
        struct agent_client *client = host ? open_agent(view->config, host, view->words) : NULL;

        if (client)
                view->arbiter = ask(client, "arbiter", view->words);
        if (view->arbiter)
                view->fence = ask(client, "fence-look", view->words);
        agent_client_free(client);
}

static const json_t *member_of(const json_t *answer, const char *server)
{
        const json_t *members = json_object_get(answer, "members");

        for (size_t i = 0; i < json_array_size(members); i++)
                if (text_equal(text_of(json_array_get(members, i), "server"), server))
                        return json_array_get(members, i);
        return NULL;
}

/* The register's rules, as `switch` and the controller ask them. */
static void ask_register(struct site_view *view, const char *state_directory)
{
        for (size_t i = 0; i < view->count; i++) {
                struct row *row = &view->rows[i];
                struct error error = ERROR_NONE;

                if (!row->eligible || fleet_admits(state_directory, view->config, row->server->name, &error) == 0)
                        continue;
                row->eligible = false;
                snprintf(row->obstacle, sizeof(row->obstacle), "%.*s", CELL_SIZE - 1, error.text);
        }
}

/* Who would move the site. */
static void look_at_controllers(struct site_view *view, const char *state)
{
        _cleanup_(coordinator_freep) struct coordinator *coordinator = NULL;
        struct error error = ERROR_NONE;

        view->runs = coordination_runs(state);
        if (coordination_open(view->config, false, &coordinator, &error) < 0 ||
            (coordinator && coordinator_leader(coordinator, view->leader, &error) < 0))
                snprintf(view->leader_words, CELL_SIZE, "%.*s", CELL_SIZE - 1, error.text);
}

static bool nobody_leads(const struct site_view *view)
{
        return view->config->etcd.present && !*view->leader;
}

static void look(struct site_view *view)
{
        look_at_database(view);
        for (size_t i = 0; i < view->config->server_count; i++) {
                const struct config_server *server = &view->config->servers[i];

                if (server->role == CONFIG_PRODUCTION || server->role == CONFIG_STANDBY)
                        look_at_server(view, server);
        }
        for (size_t i = 0; i < view->count; i++)
                view->rows[i].place = text_of(member_of(view->fence ? view->fence : view->arbiter, view->rows[i].server->name),
                                              "place");
}

static void done(struct site_view *view)
{
        carry_book_close(&view->carried);
        for (size_t i = 0; i < view->count; i++) {
                json_decref(view->rows[i].look);
                json_decref(view->rows[i].status);
        }
        json_decref(view->arbiter);
        json_decref(view->fence);
}

/* ---- judging ---- */

static const struct row *row_of(const struct site_view *view, enum config_role role)
{
        for (size_t i = 0; i < view->count; i++)
                if (view->rows[i].server->role == (int)role)
                        return &view->rows[i];
        return NULL;
}

/* The same rules as the controller's, on what was just seen. */
static struct failover_decision readiness(const struct site_view *view)
{
        const struct config_limits *limits = &view->config->limits;
        const struct row *standby = row_of(view, CONFIG_STANDBY), *production = row_of(view, CONFIG_PRODUCTION);
        const json_t *flips = json_object_get(view->arbiter, "flips");
        const struct failover_policy policy = { .standby_ms = ANSWER_MS, .verified_ms = limits->verified_ms,
                                                .hold_down_ms = limits->hold_down_ms, .flips = limits->flips,
                                                .heal = view->config->on_tamper.failover == CONFIG_HEAL };
        struct failover_sight sight = { .arbiter_age_ms = view->arbiter ? 0 : -1, .since_flip_ms = -1 };

        sight.home = production && text_equal(text_of(view->arbiter, "holder"), production->server->name);
        sight.database = view->fence ? VIEW_GOOD : VIEW_BAD;
        if (standby && standby->answers) {
                sight.standby = standby->eligible ? STANDING_ELIGIBLE : standby->differs ? STANDING_DIFFERS : STANDING_NOT;
                sight.verified_age_ms = (clock_now() - standby->verified_at) * 1000;
                if (sight.verified_age_ms < 0 && -sight.verified_age_ms <= limits->clock_skew_ms)
                        sight.verified_age_ms = 0;
        }
        for (size_t i = 0; i < json_array_size(flips); i++) {
                sight.since_flip_ms = (int64_t)json_integer_value(json_array_get(flips, i)) * 1000;
                sight.flips += sight.since_flip_ms < limits->flips_window_ms;
        }
        return failover_readiness(&sight, &policy);
}

/* ---- showing ---- */

static void show_row(const struct row *row)
{
        printf("%-14s %-11s %-9s %-9s %-7s ", row->server->name, config_role_name((enum config_role)row->server->role),
               *row->address ? row->address : "?", *row->place ? row->place : "?", row->keeper ? _("runs") : row->look ? "-" : "?");
        if (!row->answers)
                printf(_("? - %s\n"), row->words);
        else if (row->eligible)
                printf(_("yes, release %lld\n"), (long long)row->release);
        else
                printf(_("no - %s\n"), row->obstacle);
}

static void show_controllers(const struct site_view *view)
{
        if (!view->config->etcd.present)
                fputs(view->runs ? _("\nThe controller runs on this machine.\n") : _("\nNo controller runs on this machine.\n"), stdout);
        else if (*view->leader)
                printf(_("\nThe controller on %s leads.\n"), view->leader);
        else if (*view->leader_words)
                printf(_("\nWhich controller leads is not known: %s\n"), view->leader_words);
        else
                fputs(_("\nNo controller leads.\n"), stdout);
}

static void show(const struct site_view *view, const struct failover_decision *ready)
{
        const char *stage = text_of(view->arbiter, "stage");

        if (view->arbiter)
                printf(_("%s: %s is on stage, in epoch %lld\n\n"), view->config->site, *stage ? stage : _("nobody"),
                       (long long)json_integer_value(json_object_get(view->arbiter, "epoch")));
        else
                printf(_("%s: who is on stage is not known: %s\n\n"), view->config->site, view->words);
        printf("%-14s %-11s %-9s %-9s %-7s %s\n", _("server"), _("role"), _("address"), _("database"), _("keeper"), _("eligible"));
        for (size_t i = 0; i < view->count; i++)
                show_row(&view->rows[i]);
        if (view->carried.time)
                printf(_("\nMutable areas were carried over %lld s ago: %llu files on stage, %llu that break the rules.\n"),
                       (long long)(clock_now() - view->carried.time), (unsigned long long)view->carried.files,
                       (unsigned long long)view->carried.refused);
        show_controllers(view);
        if (view->left)
                printf(_("\nTo be done: %s.\n"), left_words());
        if (ready->verdict == FAILOVER_MOVE && nobody_leads(view))
                printf(_("\nIf production failed now, the site would NOT move: %s.\n"), _("no controller leads"));
        else if (ready->verdict == FAILOVER_MOVE)
                printf(_("\nIf production failed now, the site would move to the stand-by.\n"));
        else
                printf(_("\nIf production failed now, the site would NOT move: %s.\n"), failover_why_text(ready->why));
}

static json_t *place_json(const struct site_view *view, const struct row *row)
{
        const json_t *member = member_of(view->fence, row->server->name);

        return member ? json_deep_copy(member) : *row->place ? json_pack("{s:s}", "place", row->place) : json_null();
}

/* null: they never were. */
static json_t *carried_json(const struct carry_book *book)
{
        char time[CLOCK_TEXT_SIZE];

        if (!book->time)
                return json_null();
        clock_format_utc(book->time, time);
        return json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I}", "time", time, "seconds_ago", (json_int_t)(clock_now() - book->time),
                         "stage", book->stage, "files", (json_int_t)book->files, "bytes", (json_int_t)book->bytes, "refused",
                         (json_int_t)book->refused, "conflicts", (json_int_t)book->conflicts);
}

static json_t *controllers_json(const struct site_view *view)
{
        if (!view->config->etcd.present)
                return json_pack("{s:b}", "runs", view->runs);
        return json_pack("{s:b, s:s, s:s}", "runs", view->runs, "leads", view->leader, "why", view->leader_words);
}

static int print(const struct site_view *view, const struct failover_decision *ready)
{
        const bool moves = ready->verdict == FAILOVER_MOVE, led = !nobody_leads(view);
        json_t *list = json_array();

        for (size_t i = 0; i < view->count; i++) {
                const struct row *row = &view->rows[i];

                json_array_append_new(
                        list, json_pack("{s:s, s:s, s:b, s:s, s:s, s:b, s:o, s:b, s:s, s:I}", "server", row->server->name, "role",
                                        config_role_name((enum config_role)row->server->role), "answers", row->answers, "why",
                                        row->words, "address", row->address, "keeper", row->keeper, "database",
                                        place_json(view, row), "eligible", row->eligible, "obstacle", row->obstacle, "release",
                                        row->release));
        }
        return command_print_json(json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:{s:b, s:s, s:s}}", "site", view->config->site, "stage",
                                            text_of(view->arbiter, "stage"), "holder", text_of(view->arbiter, "holder"),
                                            "epoch", json_integer_value(json_object_get(view->arbiter, "epoch")), "servers", list,
                                            "carried", carried_json(&view->carried), "controller", controllers_json(view), "left",
                                            view->left ? json_pack("[s]", step_name(STEP_RESTORE_TTL)) : json_array(), "failover",
                                            "ready", moves && led, "why",
                                            moves && !led ? "no_leader" : failover_why_name(ready->why), "text",
                                            moves && !led ? _("no controller leads") : failover_why_text(ready->why)));
}

int status_site(const struct common *common, const char *pub_path)
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct site_view view = { .carried = CARRY_BOOK_NONE };
        struct failover_decision ready;
        struct error error = ERROR_NONE;
        int status = EXIT_DONE;

        if (site_file_open(&file, common, pub_path, &error) < 0)
                return site_file_fail(&file, &error);
        view.config = file.config;
        if (carry_book_read(&view.carried, state_directory(common->state), NULL) < 0)
                view.carried.time = 0;
        look(&view);
        look_at_controllers(&view, state_directory(common->state));
        ask_register(&view, state_directory(common->state));
        view.left = left_behind(state_directory(common->state));
        ready = readiness(&view);
        if (common->json)
                status = print(&view, &ready);
        else if (!common->quiet)
                show(&view, &ready);
        done(&view);
        if (status != EXIT_DONE)
                return status;
        return ready.verdict == FAILOVER_MOVE && !nobody_leads(&view) && !view.left ? EXIT_DONE : EXIT_FOUND;
}
