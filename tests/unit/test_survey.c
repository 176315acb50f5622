/* survey_parse.c - what dpkg, sshd, the kernel, nginx, PostgreSQL, MariaDB and nftables say, as facts. register.c keeps them. */
#include "tests.h"

#include <stdlib.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "fleet/facts.h"
#include "fleet/register.h"
#include "fleet/survey_parse.h"

/* The members NAME of all objects in a list, each with a space before it. */
static const char *members(const json_t *list, const char *name)
{
        static char text[4000];

        *text = '\0';
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *one = json_array_get(list, i), *value = name ? json_object_get(one, name) : one;

                if (json_is_integer(value))
                        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d",
                                 (int)json_integer_value(value));
                else
                        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", json_string_value(value));
        }
        return text;
}

static void dpkg_names_what_is_altered(void **state _unused_)
{
        static const char text[] =
                "??5??????   /usr/sbin/nginx\n??5?????? c /etc/nginx/nginx.conf\nmissing     /usr/bin/a b\n"
                "missing   c /etc/gone\ndpkg: warning: something\n";
        json_t *files = json_array();

        assert_int_equal(survey_dpkg_verify(text, strlen(text), files), 2);
        assert_string_equal(members(files, NULL), " /usr/sbin/nginx: content /usr/bin/a b: missing");
        json_decref(files);
}

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIGjkVvo0uJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0"

static void keys_have_ssh_keygens_fingerprint(void **state _unused_)
{
        static const char text[] = "# comment\n\nssh-ed25519 " KEY " ops@example.org\n"
                                   "restrict,command=\"understudy agent --x \\\"y z\\\"\" ssh-ed25519 " KEY "\n"
                                   "ssh-ed25519 nonsense\nfrom=\"10.0.0.1\" ssh-ed25519 " KEY " a \033[31mb\n";
        json_t *keys = json_array();

        survey_authorized_keys(text, strlen(text), "root", 7, keys);
        assert_int_equal(json_array_size(keys), 3);
        assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 0), "fingerprint")),
                            "SHA256:0NubnVguh2TZRCn7J+KhGiYIH6/p4sd5u5fTeftXxGc");
        assert_false(json_is_true(json_object_get(json_array_get(keys, 0), "forced")));
        assert_true(json_is_true(json_object_get(json_array_get(keys, 1), "forced")));
        assert_string_equal(members(keys, "comment"), " ops@example.org  a \\033[31mb");
        json_decref(keys);
}

static void only_what_listens_is_a_port(void **state _unused_)
{
        static const char text[] =
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
                "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
                "   1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105\n"
                "   2: 0100007F:1539 0100007F:9999 01 00000000:00000000 00:00000000 00000000   105\n";
        json_t *list = json_array();

        survey_sockets(text, strlen(text), "tcp", list);
        assert_string_equal(members(list, "address"), " 0.0.0.0 127.0.0.1");
        assert_string_equal(members(list, "port"), " 80 5432");
        json_decref(list);
}

static void nginx_names_its_upstreams(void **state _unused_)
{
        static const char text[] =
                "http {\n  upstream analysis { server 192.0.2.21:8080 weight=2; server 192.0.2.22; # server "
                "192.0.2.99;\n"
                "    server [2001:db8::7]:80; server unix:/run/a.sock; }\n"
                "  server { listen 80; server_name example.org;\n    location / { proxy_pass http://analysis; }\n"
                "    location /b { proxy_pass \"http://old.example.org:81/x\"; }\n"
                "    location /c { fastcgi_pass unix:/run/php.sock; proxy_pass http://$host; }\n  }\n}\n";
        json_t *names = json_array(), *upstreams = json_array();

        survey_nginx(text, strlen(text), "/etc/nginx/nginx.conf", names, upstreams);
        survey_drop_upstreams(names, upstreams);
        assert_string_equal(members(names, "address"), " 192.0.2.21 192.0.2.22 2001:db8::7 old.example.org");
        assert_string_equal(json_string_value(json_object_get(json_array_get(names, 0), "where")),
                            "/etc/nginx/nginx.conf:2");
        json_decref(names);
        json_decref(upstreams);
}

static void postgresql_names_whom_it_lets_in(void **state _unused_)
{
        static const char text[] =
                "# host all all 192.0.2.9/32 md5\nlocal all all peer\n"
                "host all all 192.0.2.1/32 scram-sha-256\nhostssl \"a b\" app 192.0.2.2 255.255.255.255 md5\n"
                "host all all 192.0.2.3/32 reject\nhost all all 192.0.2.4 255.255.255.255 reject\n"
                "host all all 10.0.0.0 255.0.0.0 trust\nhost all all samehost trust\nhost all all all md5\n"
                "host all all web5.example.org md5\nhost all\n";
        json_t *names = json_array();

        survey_hba(text, strlen(text), "pg_hba.conf", names);
        assert_string_equal(members(names, "address"),
                            " 192.0.2.1/32 192.0.2.2/32 10.0.0.0/8 0.0.0.0/0 web5.example.org");
        json_decref(names);
}

static void mariadb_names_whom_it_lets_in(void **state _unused_)
{
        static const char *const hosts[] = { "192.0.2.1", "2001:db8::1", "192.0.2.0/255.255.255.0", "192.0.2.%", "192.0.2.1_", "10.%",
                                             "%", "", "1921.0.%", "web5.example.org", "%.example.org", "10.1.2.3/255.0" };
        json_t *names = json_array();

        for (size_t i = 0; i < LENGTH(hosts); i++)
                survey_mariadb("app", hosts[i], names);
        assert_string_equal(members(names, "address"),
                            " 192.0.2.1 2001:db8::1 192.0.2.0/24 192.0.2.0/24 192.0.2.0/24 10.0.0.0/8 0.0.0.0/0 0.0.0.0/0 0.0.0.0/0 "
                            "web5.example.org 0.0.0.0/0 10.1.2.3/255.0");
        assert_string_equal(json_string_value(json_object_get(json_array_get(names, 3), "where")), "'app'@'192.0.2.%'");
        json_decref(names);
}

static void the_filter_names_whom_it_accepts(void **state _unused_)
{
        static const char text[] =
                "{\"nftables\": [{\"set\": {\"name\": \"web\", \"elem\": [\"192.0.2.1\", {\"elem\": {\"val\": "
                "\"192.0.2.2\"}}]}},"
                "{\"rule\": {\"table\": \"t\", \"chain\": \"in\", \"expr\": [{\"match\": {\"op\": \"==\", \"left\":"
                " {\"payload\": {\"protocol\": \"ip\", \"field\": \"saddr\"}}, \"right\": \"@web\"}}, {\"accept\": "
                "null}]}},"
                "{\"rule\": {\"table\": \"t\", \"chain\": \"in\", \"expr\": [{\"match\": {\"op\": \"==\", \"left\":"
                " {\"payload\": {\"protocol\": \"ip\", \"field\": \"saddr\"}}, \"right\": {\"set\": [\"192.0.2.3\","
                " {\"prefix\": {\"addr\": \"10.0.0.0\", \"len\": 8}}]}}}, {\"accept\": null}]}},"
                "{\"rule\": {\"table\": \"t\", \"chain\": \"in\", \"expr\": [{\"match\": {\"op\": \"==\", \"left\":"
                " {\"payload\": {\"protocol\": \"ip\", \"field\": \"saddr\"}}, \"right\": \"203.0.113.66\"}}, "
                "{\"drop\": null}]}}]}";
        json_t *ruleset = json_loads(text, 0, NULL), *names = json_array();

        assert_non_null(ruleset);
        survey_nftables(ruleset, names);
        assert_string_equal(members(names, "address"), " 192.0.2.1 192.0.2.2 192.0.2.3 10.0.0.0/8");
        json_decref(ruleset);
        json_decref(names);
}

/* ---- the register ---- */

static void the_register_keeps_what_was_entered(void **state _unused_)
{
        static const char facts[] = "{\"build\": {\"name\": \"house-3\"}}";
        struct fleet_server server = { .name = "web1",
                                       .role = CONFIG_PRODUCTION,
                                       .origin = FLEET_IN_HOUSE,
                                       .owner = "o'p; --",
                                       .build_since_s = 5,
                                       .added_s = 6 };
        struct fleet_item item = { .kind = FLEET_CREDENTIAL, .text = "ftp", .time_s = 9 };
        char path[TESTS_FOLDER_SIZE];
        struct register_file *file = NULL;
        struct fleet fleet;
        int folder = tests_folder(path);

        assert_int_equal(register_open(path, false, &file, NULL), -ENOENT);
        assert_int_equal(register_open(path, true, &file, NULL), 0);
        server.items = &item;
        server.item_count = 1;
        assert_int_equal(register_put(file, &server, NULL), 0);
        item.time_s = 3; /* never goes back */
        assert_int_equal(register_put(file, &server, NULL), 0);
        assert_int_equal(register_put_facts(file, "web1", facts, "", 100, NULL), 0);
        assert_int_equal(register_put_facts(file, "web1", NULL, "no answer", 200, NULL), 0);
        assert_int_equal(register_put_facts(file, "", "{\"names\": []}", "", 300, NULL), 0);
        register_close(file);

        assert_int_equal(register_open(path, false, &file, NULL), 0);
        assert_int_equal(register_load(file, &fleet, NULL), 0);
        assert_int_equal(fleet.count, 1);
        assert_string_equal(fleet.servers[0].owner, "o'p; --");
        assert_int_equal(fleet.servers[0].items[0].time_s, 9);
        assert_string_equal(fleet.servers[0].facts->build, "house-3"); /* the last answer stays ... */
        assert_int_equal(fleet.servers[0].facts_s, 100);
        assert_string_equal(fleet.servers[0].failure, "no answer"); /* ... and that there was none since */
        assert_int_equal(fleet.named_s, 300);
        fleet_done(&fleet);
        assert_int_equal(register_remove_item(file, "web1", FLEET_CREDENTIAL, "ftp", NULL), 0);
        assert_int_equal(register_load(file, &fleet, NULL), 0);
        assert_int_equal(fleet.servers[0].item_count, 0);
        fleet_done(&fleet);
        register_close(file);
        close(folder);
        tests_folder_remove(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(dpkg_names_what_is_altered),
                cmocka_unit_test(keys_have_ssh_keygens_fingerprint),
                cmocka_unit_test(only_what_listens_is_a_port),
                cmocka_unit_test(nginx_names_its_upstreams),
                cmocka_unit_test(postgresql_names_whom_it_lets_in),
                cmocka_unit_test(mariadb_names_whom_it_lets_in),
                cmocka_unit_test(the_filter_names_whom_it_accepts),
                cmocka_unit_test(the_register_keeps_what_was_entered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
