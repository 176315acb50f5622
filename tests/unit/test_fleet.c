/* rules.c, naming.c, fleet.c - every rule: what breaks it, and nothing else does. */
#include "tests.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/naming.h"
#include "fleet/register.h"
#include "fleet/rules.h"

#define NOW  INT64_C(1247000000) /* 2009-07-07 */
#define HOUR 3600
#define DAY  (24 * HOUR)

/* What an agent of a server in order says. */
#define FACTS(build, digest, rest)                                                                                     \
        "{\"build\": {\"name\": \"" build "\"}, \"packages\": {\"digest\": \"" digest "\", \"verified\": true,"        \
        " \"altered\": 0}, \"host_keys\": [\"SHA256:host\"], \"keys\": [{\"user\": \"root\", \"fingerprint\":"         \
        " \"SHA256:controller\", \"comment\": \"controller\", \"forced\": true, \"seen\": 1}],"                        \
        " \"users\": [{\"name\": \"root\", \"uid\": 0}]" rest "}"
#define TREE ", \"trees\": [{\"dest\": \"/var/www\", \"eligible\": true, \"verified\": 1246999000}]"

/* Two web servers, three analysis servers and a database, all of the in-house build. */
static const struct {
        const char *name, *address;
        enum config_role role;
        const char *facts;
} servers[] = {
        {"web1",       "192.0.2.1",  CONFIG_PRODUCTION, FACTS("house-3", "aa", TREE)},
        { "web2",      "192.0.2.2",  CONFIG_STANDBY,    FACTS("house-3", "aa", TREE)},
        { "db1",       "192.0.2.9",  CONFIG_DATABASE,   FACTS("house-3", "bb", "")  },
        { "analysis1", "192.0.2.21", CONFIG_ANALYSIS,   FACTS("house-3", "cc", "")  },
        { "analysis2", "192.0.2.22", CONFIG_ANALYSIS,   FACTS("house-3", "cc", "")  },
        { "analysis3", "192.0.2.23", CONFIG_ANALYSIS,   FACTS("house-3", "cc", "")  },
};

static void set_facts(struct fleet_server *server, const char *text)
{
        struct error error = ERROR_NONE;
        struct facts facts;

        if (facts_read(text, strlen(text), &facts, &error) < 0)
                fail_msg("%s", error.text);
        if (server->facts)
                facts_done(server->facts);
        else
                server->facts = memory_new(1, sizeof(facts));
        *server->facts = facts;
        server->facts_s = server->asked_s = NOW - HOUR;
}

static void add_item(struct fleet_server *server, enum fleet_item_kind kind, const char *text, int64_t time_s)
{
        struct fleet_item *item;

        assert_int_equal(memory_grow(&server->items, server->item_count, sizeof(*server->items)), 0);
        item = &server->items[server->item_count++];
        *item = (struct fleet_item){ .kind = kind, .time_s = time_s };
        snprintf(item->text, sizeof(item->text), "%s", text);
}

static struct fleet make_fleet(void)
{
        struct fleet fleet = { .servers = memory_new(LENGTH(servers), sizeof(struct fleet_server)) };

        assert_non_null(fleet.servers);
        for (size_t i = 0; i < LENGTH(servers); i++) {
                struct fleet_server *server = &fleet.servers[fleet.count++];

                *server = (struct fleet_server){ .role = servers[i].role,
                                                 .origin = FLEET_IN_HOUSE,
                                                 .owner = "operations",
                                                 .build = "house-3",
                                                 .build_since_s = NOW - 300 * DAY };
                snprintf(server->name, sizeof(server->name), "%s", servers[i].name);
                add_item(server, FLEET_ADDRESS, servers[i].address, NOW - 300 * DAY);
                add_item(server, FLEET_HOST_KEY, "SHA256:host", NOW - 300 * DAY);
                add_item(server, FLEET_KEY, "SHA256:controller", NOW - 300 * DAY);
                set_facts(server, servers[i].facts);
        }
        return fleet;
}

static struct fleet_findings judge(const struct fleet *fleet, const struct fleet_hit *hits, size_t count)
{
        const struct fleet_question question = { .now_s = NOW, .stale_s = DAY, .hits = hits, .hit_count = count };
        struct fleet_findings findings = { 0 };
        struct error error = ERROR_NONE;

        if (fleet_judge(fleet, &question, &findings, &error) < 0)
                fail_msg("%s", error.text);
        return findings;
}

/* Exactly this one, about this server (NULL: about nobody), once or more. */
static void finds_only(const struct fleet *fleet, const struct fleet_hit *hits, size_t count, enum fleet_rule rule,
                       const char *server)
{
        struct fleet_findings findings = judge(fleet, hits, count);

        if (findings.count == 0)
                fail_msg("%s was not found", fleet_rule_name(rule));
        for (size_t i = 0; i < findings.count; i++) {
                if (findings.list[i].rule != rule)
                        fail_msg("instead of %s: %s %s", fleet_rule_name(rule), fleet_rule_name(findings.list[i].rule),
                                 findings.list[i].what);
                assert_string_equal(findings.list[i].server, server ? server : "");
                assert_true(*findings.list[i].what != '\0');
        }
        if (server)
                assert_int_equal(fleet_obstacle(&findings, server) != NULL, fleet_rule_shuts_out(rule));
        assert_null(fleet_obstacle(&findings, "web9"));
        assert_true(*fleet_rule_remedy(rule) != '\0');
        fleet_findings_done(&findings);
}

static void a_fleet_in_order_has_no_finding(void **state _unused_)
{
        struct fleet fleet = make_fleet();
        struct fleet_findings findings = judge(&fleet, NULL, 0);

        if (findings.count)
                fail_msg("%s %s", findings.list[0].server, findings.list[0].what);
        fleet_findings_done(&findings);
        fleet_done(&fleet);
}

/* ---- one thing wrong each ---- */

static void outsource(struct fleet_server *server)
{
        server->origin = FLEET_OUTSOURCED;
}
static void forget_origin(struct fleet_server *server)
{
        server->origin = FLEET_UNKNOWN;
}
static void other_build(struct fleet_server *server)
{
        set_facts(server, FACTS("old-1", "cc", ""));
}
static void alter(struct fleet_server *server)
{
        set_facts(server,
                  "{\"build\": {\"name\": \"house-3\"}, \"packages\": {\"digest\": \"cc\", \"verified\": true,"
                  " \"altered\": 2, \"files\": [\"/usr/sbin/nginx: content\"]}, \"host_keys\": [\"SHA256:host\"]}");
}
static void never_asked(struct fleet_server *server)
{
        facts_done(server->facts);
        free(server->facts);
        server->facts = NULL;
        server->facts_s = 0;
}
static void did_not_answer(struct fleet_server *server)
{
        snprintf(server->failure, sizeof(server->failure), "connection refused");
}
static void long_ago(struct fleet_server *server)
{
        server->facts_s = NOW - 2 * DAY;
}
static void from_the_future(struct fleet_server *server)
{
        server->facts_s = NOW + HOUR;
}
static void packages_unverified(struct fleet_server *server)
{
        set_facts(server, "{\"build\": {\"name\": \"house-3\"}, \"packages\": {\"digest\": \"cc\"}, \"host_keys\":"
                          " [\"SHA256:host\"], \"problems\": [\"no dpkg\"]}");
}
static void tree_differs(struct fleet_server *server)
{
        set_facts(server, FACTS("house-3", "aa", ", \"trees\": [{\"dest\": \"/var/www\", \"verified\": 1246999000}]"));
}
static void tree_long_ago(struct fleet_server *server)
{
        set_facts(server,
                  FACTS("house-3", "aa",
                        ", \"trees\": [{\"dest\": \"/var/www\", \"eligible\": true, \"verified\": 1246900000}]"));
}
static void no_tree(struct fleet_server *server)
{
        set_facts(server, FACTS("house-3", "aa", ""));
}
static void other_host_key(struct fleet_server *server)
{
        snprintf(server->items[1].text, sizeof(server->items[1].text), "SHA256:another");
}
static void no_host_key(struct fleet_server *server)
{
        set_facts(server,
                  "{\"build\": {\"name\": \"house-3\"}, \"packages\": {\"digest\": \"cc\", \"verified\": true}}");
}
static void contractors_key(struct fleet_server *server)
{
        snprintf(server->items[2].text, sizeof(server->items[2].text), "SHA256:gone");
}
static void contract_over(struct fleet_server *server)
{
        snprintf(server->contractor, sizeof(server->contractor), "builders");
        server->contract_end_s = NOW - DAY;
}
static void second_root(struct fleet_server *server)
{
        set_facts(server, "{\"build\": {\"name\": \"house-3\"}, \"packages\": {\"digest\": \"cc\", \"verified\": true},"
                          " \"host_keys\": [\"SHA256:host\"], \"users\": [{\"name\": \"toor\", \"uid\": 0}]}");
}
static void candidate(struct fleet_server *server)
{
        snprintf(server->replaces, sizeof(server->replaces), "analysis1");
}
static void no_owner(struct fleet_server *server)
{
        *server->owner = '\0';
}
static void endless_contract(struct fleet_server *server)
{
        snprintf(server->contractor, sizeof(server->contractor), "builders");
}
static void opens_the_database(struct fleet_server *server)
{
        set_facts(server, FACTS("house-3", "bb",
                                ", \"names\": [{\"source\": \"database\", \"where\": \"pg_hba.conf:9\", \"address\": "
                                "\"192.0.2.0/24\"}]"));
}

static void each_rule_is_found_alone(void **state _unused_)
{
        static const struct {
                const char *server;
                void (*breaks)(struct fleet_server *server);
                enum fleet_rule rule;
        } cases[] = {
                {"analysis2",  outsource,           FLEET_NOT_MANAGED     },
                { "analysis2", forget_origin,       FLEET_NOT_MANAGED     },
                { "analysis2", other_build,         FLEET_OTHER_BUILD     },
                { "analysis2", alter,               FLEET_ALTERED         },
                { "analysis2", never_asked,         FLEET_STALE           },
                { "analysis2", did_not_answer,      FLEET_STALE           },
                { "analysis2", long_ago,            FLEET_STALE           },
                { "analysis2", from_the_future,     FLEET_STALE           },
                { "analysis2", packages_unverified, FLEET_STALE           },
                { "web2",      tree_differs,        FLEET_NOT_VERIFIED    },
                { "web2",      tree_long_ago,       FLEET_NOT_VERIFIED    },
                { "web1",      no_tree,             FLEET_NOT_VERIFIED    },
                { "analysis2", other_host_key,      FLEET_HOST_KEY_DIFFERS},
                { "analysis2", no_host_key,         FLEET_HOST_KEY_DIFFERS},
                { "analysis2", contractors_key,     FLEET_UNKNOWN_KEY     },
                { "analysis2", contract_over,       FLEET_CONTRACT_OVER   },
                { "analysis2", second_root,         FLEET_SECOND_ROOT     },
                { "analysis2", candidate,           FLEET_NOT_TAKEN_OVER  },
                { "analysis2", no_owner,            FLEET_NOBODYS         },
                { "analysis2", endless_contract,    FLEET_NOBODYS         },
                { "db1",       opens_the_database,  FLEET_OPEN_TO_NETWORK },
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct fleet fleet = make_fleet();

                cases[i].breaks(fleet_find(&fleet, cases[i].server));
                finds_only(&fleet, NULL, 0, cases[i].rule, cases[i].server);
                fleet_done(&fleet);
        }
}

static void a_database_may_be_outsourced_until_it_serves(void **state _unused_)
{
        struct fleet fleet = make_fleet();
        struct fleet_server *database = fleet_find(&fleet, "db1");
        struct fleet_findings findings;

        outsource(database);
        findings = judge(&fleet, NULL, 0);
        assert_int_equal(findings.count, 0);
        fleet_findings_done(&findings);
        set_facts(database,
                  FACTS("house-3", "bb",
                        ", \"listening\": [{\"protocol\": \"tcp\", \"address\": \"0.0.0.0\", \"port\": 80}]"));
        finds_only(&fleet, NULL, 0, FLEET_NOT_MANAGED, "db1");
        set_facts(database,
                  FACTS("house-3", "bb",
                        ", \"listening\": [{\"protocol\": \"tcp\", \"address\": \"127.0.0.1\", \"port\": 80}]"));
        findings = judge(&fleet, NULL, 0);
        assert_int_equal(findings.count, 0);
        fleet_findings_done(&findings);
        fleet_done(&fleet);
}

static void packages_that_differ_shut_nobody_out(void **state _unused_)
{
        struct fleet fleet = make_fleet();
        struct fleet_findings findings;

        set_facts(fleet_find(&fleet, "web2"), FACTS("house-3", "a2", TREE));
        findings = judge(&fleet, NULL, 0);
        assert_int_equal(findings.count, 2); /* each of the two is told of the other */
        for (size_t i = 0; i < findings.count; i++)
                assert_int_equal(findings.list[i].rule, FLEET_PACKAGES_DIFFER);
        assert_null(fleet_obstacle(&findings, "web2"));
        fleet_findings_done(&findings);
        fleet_done(&fleet);
}

/* ---- 2009 ---- */

/* The first analysis server was moved to the in-house build; the second and third were not. Each is found by what the
 * register says, by what the machine says if the register were wrong, and by who sends to it if it were forgotten
 * there. */
static void the_forgotten_servers_of_2009(void **state _unused_)
{
        static const char *const forgotten[] = { "analysis2", "analysis3" };
        struct fleet fleet = make_fleet();
        struct fleet_findings findings;

        for (size_t i = 0; i < LENGTH(forgotten); i++) {
                struct fleet_server *server = fleet_find(&fleet, forgotten[i]);

                server->origin = FLEET_OUTSOURCED;
                snprintf(server->build, sizeof(server->build), "vendor-1");
                server->build_since_s = NOW - 900 * DAY;
                set_facts(server, FACTS("", "dd", ""));
        }
        findings = judge(&fleet, NULL, 0);
        assert_null(fleet_obstacle(&findings, "analysis1"));
        for (size_t i = 0; i < LENGTH(forgotten); i++) {
                bool managed = true, behind = false;

                for (size_t j = 0; j < findings.count; j++) {
                        if (!text_equal(findings.list[j].server, forgotten[i]))
                                continue;
                        managed = managed && findings.list[j].rule != FLEET_NOT_MANAGED;
                        behind = behind || findings.list[j].rule == FLEET_BUILD_BEHIND;
                }
                assert_false(managed);
                assert_true(behind);
                assert_non_null(fleet_obstacle(&findings, forgotten[i]));
        }
        fleet_findings_done(&findings);
        fleet_done(&fleet);
}

static void a_server_that_only_an_upstream_knows(void **state _unused_)
{
        static const char *const sources[] = { "upstream", "dns", "database", "filter" };

        for (size_t i = 0; i < LENGTH(sources); i++) {
                struct fleet fleet = make_fleet();
                char text[1000];

                snprintf(text, sizeof(text),
                         FACTS("house-3", "aa",
                               ", \"names\": [{\"source\": \"%s\", \"where\": \"x\", \"address\": "
                               "\"192.0.2.24\"}]" TREE),
                         sources[i]);
                set_facts(fleet_find(&fleet, "web1"), text);
                finds_only(&fleet, NULL, 0, FLEET_NOT_REGISTERED, NULL);
                fleet_done(&fleet);
        }
}

static void a_retired_server_that_is_still_named(void **state _unused_)
{
        struct fleet fleet = make_fleet();
        struct fleet_server *server = fleet_find(&fleet, "analysis3");
        const char *text =
                "{\"names\": [{\"source\": \"dns\", \"where\": \"a.example.org\", \"address\": \"192.0.2.23\"}]}";
        struct fleet_findings findings;

        server->retired_s = NOW - DAY;
        outsource(server); /* of which nothing else is asked any more */
        findings = judge(&fleet, NULL, 0);
        assert_int_equal(findings.count, 0);
        fleet_findings_done(&findings);
        assert_int_equal(facts_read(text, strlen(text), &fleet.named, NULL), 0);
        finds_only(&fleet, NULL, 0, FLEET_STILL_NAMED, "analysis3");
        fleet_done(&fleet);
}

/* ---- credentials ---- */

static void a_credential_older_than_the_incident(void **state _unused_)
{
        const struct fleet_hit hit = { .server = "web2", .number = 4, .time_s = NOW - 10 * DAY };
        struct fleet fleet = make_fleet();
        struct fleet_findings findings;

        add_item(fleet_find(&fleet, "web2"), FLEET_CREDENTIAL, "ftp upload", NOW - 5 * DAY); /* changed since */
        findings = judge(&fleet, &hit, 1);
        assert_int_equal(findings.count, 0);
        fleet_findings_done(&findings);
        /* The same one, not changed on a server that shares it. */
        add_item(fleet_find(&fleet, "web1"), FLEET_CREDENTIAL, "ftp upload", NOW - 50 * DAY);
        finds_only(&fleet, &hit, 1, FLEET_OLD_CREDENTIAL, "web1");
        /* One that the server which was hit never had is none of its. */
        add_item(fleet_find(&fleet, "db1"), FLEET_CREDENTIAL, "backup", NOW - 50 * DAY);
        finds_only(&fleet, &hit, 1, FLEET_OLD_CREDENTIAL, "web1");
        fleet_done(&fleet);
}

static void what_two_servers_share(void **state _unused_)
{
        struct fleet fleet = make_fleet();
        struct fleet_server *one = fleet_find(&fleet, "web1"), *other = fleet_find(&fleet, "db1");
        const char *what = NULL;

        snprintf(other->build, sizeof(other->build), "house-2");
        other->items[2].text[0] = 'x'; /* the controller's key */
        assert_null(fleet_shares(one, other, &what));
        snprintf(other->build, sizeof(other->build), "house-3");
        assert_string_equal(fleet_shares(one, other, &what), "build");
        assert_string_equal(what, "house-3");
        snprintf(one->contractor, sizeof(one->contractor), "builders");
        snprintf(other->contractor, sizeof(other->contractor), "builders");
        assert_string_equal(fleet_shares(one, other, &what), "contractor");
        add_item(one, FLEET_CREDENTIAL, "ftp", 1);
        add_item(other, FLEET_CREDENTIAL, "ftp", 2);
        assert_string_equal(fleet_shares(one, other, &what), "credential");
        fleet_done(&fleet);
}

/* ---- names ---- */

static void whose_an_address_is(void **state _unused_)
{
        static const struct {
                const char *text;
                enum naming naming;
        } cases[] = {
                {"192.0.2.1",              NAMING_SERVER },
                { "192.0.2.1/32",          NAMING_SERVER },
                { "192.0.2.0/24",          NAMING_NETWORK},
                { "0.0.0.0/0",             NAMING_NETWORK},
                { "::/0",                  NAMING_NETWORK},
                { "192.0.2.111",           NAMING_NOBODY },
                { "2001:db8::1",           NAMING_NOBODY },
                { "127.0.0.1",             NAMING_LOCAL  },
                { "127.0.0.0/8",           NAMING_LOCAL  },
                { "::1",                   NAMING_LOCAL  },
                { "::1/128",               NAMING_LOCAL  },
                { "fe80::1",               NAMING_LOCAL  },
                { "224.0.0.18",            NAMING_LOCAL  },
                { "0.0.0.0",               NAMING_LOCAL  },
                { "unix:/run/php.sock",    NAMING_LOCAL  },
                { "localhost",             NAMING_LOCAL  },
                { "",                      NAMING_LOCAL  },
                { "web1",                  NAMING_SERVER },
                { "web1.example.org",      NAMING_SERVER },
                { "web11.example.org",     NAMING_NOBODY },
                { "partner.example.com",   NAMING_NOBODY },
                { "192.0.2.1/33",          NAMING_NOBODY },
                { "192.0.2.1.example.org", NAMING_NOBODY },
        };
        struct fleet fleet = make_fleet();

        for (size_t i = 0; i < LENGTH(cases); i++) {
                const struct fleet_server *server = NULL;

                if (naming_of(&fleet, NULL, cases[i].text, &server) != cases[i].naming)
                        fail_msg("'%s'", cases[i].text);
                if (cases[i].naming == NAMING_SERVER)
                        assert_string_equal(server->name, "web1");
        }
        fleet_done(&fleet);
}

/* ---- facts ---- */

static void hostile_facts_are_refused(void **state _unused_)
{
        static const char *const texts[] = {
                "",
                "[]",
                "{\"build\": []}",
                "{\"build\": {\"name\": \"a\\u001b[2J\"}}",
                "{\"build\": {\"name\": \"a\\nb\"}}",
                "{\"users\": {}}",
                "{\"users\": [1]}",
                "{\"users\": [{\"uid\": -1}]}",
                "{\"users\": [{\"uid\": 0.5}]}",
                "{\"keys\": [{\"forced\": 1}]}",
                "{\"host_keys\": [1]}",
                "{\"problems\": \"x\"}",
                "{\"trees\": [{\"verified\": 99999999999999}]}",
                "{\"names\": [], \"names\": []}",
        };
        struct facts facts;

        for (size_t i = 0; i < LENGTH(texts); i++) {
                struct error error = ERROR_NONE;

                if (facts_read(texts[i], strlen(texts[i]), &facts, &error) != -EBADMSG)
                        fail_msg("%s", texts[i]);
                assert_true(*error.text != '\0');
        }
}

/* register_clock_between(): all that was measured around the time, and what a clock drifts. */
static void a_clock_is_as_exact_as_it_was_measured(void **state _unused_)
{
        static const struct register_clock measured[] = {
                { 1000, 0, 100 }, { 2000, 500, 100 }, { 9000, 90000000, 100 }, { 100000, 0, 100 },
        };
        struct register_file *file = NULL;
        struct register_clock clock;
        char path[TESTS_FOLDER_SIZE];

        close(tests_folder(path));
        assert_int_equal(register_open(path, true, &file, NULL), 0);
        assert_int_equal(register_clock_between(file, "web1", 0, 1, &clock, NULL), 0);
        for (size_t i = 0; i < LENGTH(measured); i++)
                assert_int_equal(register_put_clock(file, "web1", &measured[i], NULL), 0);
        assert_int_equal(register_clock_between(file, "web2", 1500, 1600, &clock, NULL), 0);
        assert_int_equal(register_clock_between(file, "web1", 1500, 1600, &clock, NULL), 1); /* between two */
        assert_int_equal(clock.offset_us, 250);
        assert_int_equal(clock.error_us, 350 + 1000 * 100);
        assert_int_equal(register_clock_between(file, "web1", 1500, 8000, &clock, NULL), 1); /* it was set meanwhile */
        assert_true(clock.offset_us - clock.error_us <= -100 && clock.offset_us + clock.error_us >= 90000100);
        assert_int_equal(register_clock_between(file, "web1", 200, 300, &clock, NULL), 1); /* nobody had measured yet */
        assert_true(clock.error_us >= 100 + 700 * 100);
        assert_int_equal(register_clock_between(file, "web1", 150000, 200000, &clock, NULL), 1); /* nor does anybody now */
        assert_true(clock.error_us >= 100 + 100000 * 100);
        register_close(file);
        tests_folder_remove(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_fleet_in_order_has_no_finding),
                cmocka_unit_test(each_rule_is_found_alone),
                cmocka_unit_test(a_database_may_be_outsourced_until_it_serves),
                cmocka_unit_test(packages_that_differ_shut_nobody_out),
                cmocka_unit_test(the_forgotten_servers_of_2009),
                cmocka_unit_test(a_server_that_only_an_upstream_knows),
                cmocka_unit_test(a_retired_server_that_is_still_named),
                cmocka_unit_test(a_credential_older_than_the_incident),
                cmocka_unit_test(what_two_servers_share),
                cmocka_unit_test(whose_an_address_is),
                cmocka_unit_test(hostile_facts_are_refused),
                cmocka_unit_test(a_clock_is_as_exact_as_it_was_measured),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
