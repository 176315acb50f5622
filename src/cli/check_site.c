#include "check_site.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/coordination.h"
#include "traffic/agent_client.h"
#include "traffic/steps.h"

#define ANSWER_MS 10000

struct asking {
        const struct machine_report *report;
        const struct site_file *file;
        const struct config_server *server;
        struct agent_client *client;
        unsigned int holders; /* of the service address */
};

static void tell(const struct asking *asking, enum finding_result result, const char *format, ...) _printf_(3, 4);
static void tell(const struct asking *asking, enum finding_result result, const char *format, ...)
{
        char words[ERROR_TEXT_SIZE];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(words, sizeof(words), format, arguments);
        va_end(arguments);
        asking->report->finding(asking->report->context, asking->server->name, result, words);
}

/* NULL after the finding. The caller releases. */
static json_t *ask(const struct asking *asking, const char *verb)
{
        struct error error = ERROR_NONE;
        json_t *result = NULL;

        if (agent_client_call(asking->client, verb, NULL, ANSWER_MS, NULL, NULL, &result, &error) < 0)
                tell(asking, FINDING_PROBLEM, "%s", error.text);
        return result;
}

/* ---- one server ---- */

static void check_hello(const struct asking *asking)
{
        const json_t *hello = agent_client_hello(asking->client);
        const char *version = json_string_value(json_object_get(hello, "version"));
        const char *config = json_string_value(json_object_get(hello, "config"));
        char digest[DIGEST_HEX_SIZE];

        digest_hex(&asking->file->digest, digest);
        if (!version || !text_equal(version, UNDERSTUDY_VERSION))
                tell(asking, FINDING_WARNING, _("it has understudy %s, this machine %s; install the same"),
                     version ? version : "?", UNDERSTUDY_VERSION);
        if (!config || !text_equal(config, digest))
                tell(asking, FINDING_PROBLEM,
                     _("it has another configuration (serial %lld) than this one (serial %lld); copy this one there"),
                     (long long)json_integer_value(json_object_get(hello, "serial")),
                     (long long)asking->file->config->serial);
        else
                tell(asking, FINDING_OK, _("its agent answers, with this configuration"));
}

static int64_t wall_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The other clock was read somewhere between asking and the answer: half of that is what cannot be known. */
static void check_clock(const struct asking *asking)
{
        int64_t before = wall_ms(), after, skew, unsure;
        json_t *clock = ask(asking, "clock");

        if (!clock)
                return;
        after = wall_ms();
        unsure = (after - before) / 2;
        skew = json_integer_value(json_object_get(clock, "realtime_ns")) / 1000000 - (before + unsure);
        json_decref(clock);
        if (skew > asking->file->config->limits.clock_skew_ms + unsure ||
            -skew > asking->file->config->limits.clock_skew_ms + unsure)
                tell(asking, FINDING_PROBLEM, _("its clock differs by %lld ms, more than clock_skew allows; run chrony "
                                                "or ntpd on both"),
                     (long long)skew);
}

static bool has_address(const json_t *facts, const struct config_address *address, const char **ret_interface)
{
        const json_t *list = json_object_get(facts, "addresses");

        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *one = json_array_get(list, i);
                const char *text = json_string_value(json_object_get(one, "address"));

                if (text && text_equal(text, address->text)) {
                        *ret_interface = json_string_value(json_object_get(one, "interface"));
                        return true;
                }
        }
        return false;
}

static bool has_interface(const json_t *facts, const char *name)
{
        const json_t *list = json_object_get(facts, "addresses");

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *text = json_string_value(json_object_get(json_array_get(list, i), "interface"));

                if (text && text_equal(text, name))
                        return true;
        }
        return false;
}

static void check_facts(struct asking *asking)
{
        const struct config_addresses *service = &asking->file->config->service.addresses;
        const struct config_server *server = asking->server;
        const char *interface = NULL;
        json_t *facts = ask(asking, "facts");
        bool holds = false;

        if (!facts)
                return;
        for (size_t i = 0; i < server->addresses.count; i++)
                if (!has_address(facts, &server->addresses.items[i], &interface))
                        tell(asking, FINDING_PROBLEM, _("it does not have the address %s that the configuration gives it"),
                             server->addresses.items[i].text);
        if (server->interface && !has_interface(facts, server->interface))
                tell(asking, FINDING_PROBLEM, _("it has no network interface %s with an address"), server->interface);
        for (size_t i = 0; i < service->count; i++)
                holds = has_address(facts, &service->items[i], &interface) || holds;
        asking->holders += holds;
        if (holds)
                tell(asking, FINDING_OK, _("it has the service address, on %s"), interface);
        json_decref(facts);
}

static void check_trees(const struct asking *asking)
{
        json_t *status = ask(asking, "status");
        const json_t *trees = json_object_get(json_object_get(status, "output"), "trees");
        const char *docroot = config_root_dest(asking->server, "docroot");
        bool found = false;

        if (!status)
                return;
        for (size_t i = 0; i < json_array_size(trees); i++) {
                const json_t *tree = json_array_get(trees, i);
                const char *dest = json_string_value(json_object_get(tree, "dest"));
                const char *obstacle = json_string_value(json_object_get(tree, "obstacle"));

                if (!dest || !docroot || !text_equal(dest, docroot))
                        continue;
                found = true;
                if (json_is_true(json_object_get(tree, "eligible")))
                        tell(asking, FINDING_OK, _("%s is release %lld, and visitors may be sent there"), dest,
                             (long long)json_integer_value(json_object_get(tree, "release")));
                else
                        tell(asking, FINDING_PROBLEM, _("visitors may not be sent to %s: %s"), dest,
                             obstacle ? obstacle : "?");
        }
        if (!found)
                tell(asking, FINDING_PROBLEM, _("%s was never pulled there; pull it on the server, the first time "
                                                "with --adopt"),
                     docroot);
        json_decref(status);
}

/* Who holds the service's address must let go of it by himself. */
static void check_keeper(const struct asking *asking)
{
        json_t *look = asking->file->config->service.present && asking->server->interface ? ask(asking, "address-look") : NULL;

        if (look && !json_is_true(json_object_get(look, "keeper")))
                tell(asking, FINDING_WARNING, _("no keeper runs there, so it would not drop the service's address by itself; "
                                                "start understudy-keeper"));
        json_decref(look);
}

/* The arbiter of every move. */
static void check_arbiter(const struct asking *asking)
{
        const char *database = asking->file->config->database.present ? asking->file->config->database.host : "";
        json_t *arbiter = text_equal(asking->server->name, database) ? ask(asking, "arbiter") : NULL;
        const char *stage = json_string_value(json_object_get(arbiter, "stage"));

        if (arbiter)
                tell(asking, FINDING_OK, _("it knows who is on stage: %s"), stage && *stage ? stage : _("nobody"));
        json_decref(arbiter);
}

/* The fence is only as good as what it may do there. */
static void check_database(const struct asking *asking)
{
        const struct config_database *database = &asking->file->config->database;
        json_t *said = database->present && text_equal(asking->server->name, database->host) ? ask(asking, "database") : NULL;
        const json_t *remarks = json_object_get(said, "remarks");
        const char *kind = json_string_value(json_object_get(said, "kind"));

        if (said)
                tell(asking, FINDING_OK, _("the fence can ask %s who is connected"), kind ? kind : "?");
        for (size_t i = 0; i < json_array_size(remarks); i++) {
                const char *remark = json_string_value(json_array_get(remarks, i));

                tell(asking, FINDING_WARNING, "%s", remark ? remark : "?");
        }
        json_decref(said);
}

static void check_server(struct asking *asking)
{
        const struct agent_client_options options = { .name = asking->server->name,
                                                      .destination = asking->server->ssh,
                                                      .ssh_config = asking->file->config->ssh_config };
        struct error error = ERROR_NONE;
        json_t *answer;

        if (agent_client_new(&options, &asking->client, &error) < 0) {
                tell(asking, FINDING_PROBLEM, "%s", error.text);
                return;
        }
        answer = ask(asking, "clock"); /* the way is open after this: the second one is measured */
        if (answer) {
                check_hello(asking);
                check_clock(asking);
                check_facts(asking);
                check_arbiter(asking);
                check_database(asking);
                if (asking->server->role == CONFIG_PRODUCTION || asking->server->role == CONFIG_STANDBY) {
                        check_keeper(asking);
                        check_trees(asking);
                }
        }
        json_decref(answer);
        agent_client_free(asking->client);
        asking->client = NULL;
}

/* What a planned move would ask before it begins: of DNS, or of the programs that move. */
static void check_move(const struct machine_report *report, const struct config *config)
{
        const struct config_server *standby = config_first_of(config, CONFIG_STANDBY);
        _cleanup_(steps_freep) struct steps *steps = NULL;
        const bool by_exec = config->move.planned & CONFIG_BY_EXEC;
        struct steps_options options = { .config = config };
        struct error error = ERROR_NONE;
        struct move move;
        int r;

        if (!standby || !config->database.present || !(config->move.planned & ~CONFIG_BY_ADDRESS))
                return;
        r = steps_plan(config, MOVE_PLANNED, standby->name, &move, &error);
        options.move = &move;
        if (r == 0)
                r = steps_new(&options, &steps, &error);
        if (r == 0)
                r = steps_ready(steps, &error);
        if (r < 0)
                report->finding(report->context, by_exec ? "exec" : "dns", FINDING_PROBLEM, error.text);
        else if (by_exec)
                report->finding(report->context, "exec", FINDING_OK, _("the program that looks sees one of the two servers on stage"));
        else
                report->finding(report->context, "dns", FINDING_OK,
                                _("every authoritative server names one of the two servers, and the key may change that"));
}

/* ---- several controllers ---- */

struct members {
        const struct machine_report *report;
        char cluster[sizeof(((struct coordinator_member *)NULL)->cluster)], version[sizeof(((struct coordinator_member *)NULL)->version)];
        size_t answer; /* how many */
};

static void check_member(struct members *members, const char *url, const struct coordinator_member *member)
{
        const struct machine_report *report = members->report;
        char words[ERROR_TEXT_SIZE] = "";

        if (members->answer++ == 0) {
                snprintf(members->cluster, sizeof(members->cluster), "%s", member->cluster);
                snprintf(members->version, sizeof(members->version), "%s", member->version);
        }
        if (!text_equal(member->cluster, members->cluster))
                snprintf(words, sizeof(words), _("%s belongs to another cluster than the members before it"), url);
        if (*words) {
                report->finding(report->context, "etcd", FINDING_PROBLEM, words);
                return;
        }
        if (!member->led)
                snprintf(words, sizeof(words), _("%s does not reach the majority of its cluster"), url);
        else if (!text_equal(member->version, members->version))
                snprintf(words, sizeof(words), _("%s has etcd %s, a member before it %s; that is for an upgrade only"), url,
                         member->version, members->version);
        if (*words)
                report->finding(report->context, "etcd", FINDING_WARNING, words);
}

/* Each member by itself, and then what all of them together are for. */
static void check_etcd(const struct machine_report *report, const struct config *config)
{
        _cleanup_(coordinator_freep) struct coordinator *coordinator = NULL;
        struct members members = { .report = report };
        char words[ERROR_TEXT_SIZE], leader[COORDINATOR_NAME_SIZE];
        struct error error = ERROR_NONE;
        int r = coordination_open(config, false, &coordinator, &error);

        if (r == 0 && !coordinator)
                return;
        for (size_t i = 0; i < config->etcd.endpoints.count && r == 0; i++) {
                struct coordinator_member member;

                if (coordinator_member(coordinator, i, &member, &error) < 0)
                        report->finding(report->context, "etcd", FINDING_WARNING, error.text);
                else
                        check_member(&members, config->etcd.endpoints.items[i], &member);
        }
        if (r == 0)
                r = coordinator_leader(coordinator, leader, &error);
        if (r < 0) {
                snprintf(words, sizeof(words), _("etcd decides nothing now, so no controller moves the site: %.*s"), ERROR_TEXT_SIZE / 2,
                         error.text);
                report->finding(report->context, "etcd", FINDING_PROBLEM, words);
                return;
        }
        snprintf(words, sizeof(words), *leader ? _("%zu of %zu members answer; the controller on %s leads") :
                                                 _("%zu of %zu members answer; no controller leads yet"), members.answer,
                 config->etcd.endpoints.count, leader);
        report->finding(report->context, "etcd", FINDING_OK, words);
}

void check_site(const struct machine_report *report, const struct site_file *file)
{
        const struct config *config = file->config;
        struct asking asking = { .report = report, .file = file };

        for (size_t i = 0; i < config->server_count; i++) {
                asking.server = &config->servers[i];
                if (asking.server->ssh)
                        check_server(&asking);
        }
        check_move(report, config);
        check_etcd(report, config);
        if (!config->service.present || asking.holders == 1)
                return;
        if (asking.holders == 0)
                report->finding(report->context, "service", FINDING_WARNING,
                                _("no server that answers has the service address"));
        else
                report->finding(report->context, "service", FINDING_PROBLEM,
                                _("more than one server has the service address; take it from all but one"));
}
