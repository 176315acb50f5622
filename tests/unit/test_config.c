/* config.c, read.c, rules.c - the example is what the manual promises, and each thing that is wrong is told at its line
 * with what to write. */
#include "tests.h"

#include <arpa/inet.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"
#include "config/schema.h"

static char *example; /* data/site.conf */

static int read_example(void **state _unused_)
{
        struct buffer text = BUFFER_INIT(CONFIG_FILE_MAXIMUM);
        struct error error = ERROR_NONE;
        const char *source = getenv("SOURCE");
        char path[512];

        snprintf(path, sizeof(path), "%s/data/site.conf", source ? source : "..");
        if (file_read(AT_FDCWD, path, &text, &error) < 0) {
                print_error("%s\n", error.text);
                return -1;
        }
        example = buffer_steal(&text);
        return 0;
}

static int forget_example(void **state _unused_)
{
        free(example);
        return 0;
}

static struct config *parse(const char *text)
{
        _cleanup_(buffer_done) struct buffer problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM);
        struct config *config = NULL;
        struct error error = ERROR_NONE;

        if (config_parse(text, strlen(text), "site.conf", &problems, &config, &error) < 0)
                fail_msg("%s\n%s", error.text, buffer_text(&problems));
        assert_int_equal(problems.length, 0);
        return config;
}

static void the_example_says_what_it_says(void **state _unused_)
{
        _cleanup_(config_freep) struct config *config = parse(example);
        const struct config_server *web2 = config_find_server(config, "web2");

        assert_string_equal(config->site, "example");
        assert_int_equal(config->serial, 1);
        assert_null(config->ssh_config);
        assert_int_equal(config->server_count, 3);
        assert_ptr_equal(config_first_of(config, CONFIG_STANDBY), web2);
        assert_string_equal(web2->ssh, "root@web2.example.org");
        assert_int_equal(web2->addresses.count, 2);
        assert_string_equal(web2->addresses.items[1].text, "2001:db8::12");
        assert_int_equal(web2->addresses.items[1].family, AF_INET6);
        assert_string_equal(config_root_dest(web2, "nginx"), "/etc/nginx");
        assert_null(config_root_dest(web2, "php"));
        assert_string_equal(config_role_name(web2->role), "standby");
        assert_int_equal(config->move.planned, CONFIG_BY_ADDRESS | CONFIG_BY_DNS);
        assert_int_equal(config->move.failover, CONFIG_BY_ADDRESS);
        assert_int_equal(config->service.addresses.items[0].prefix, 24);
        assert_int_equal(config->service.ports.items[1], 443);
        assert_int_equal(config->dns.servers.count, 2);
        assert_string_equal(config->dns.names.items[1], "example.org");
        assert_int_equal(config->database.port, 5432);
        assert_int_equal(config->checks[0].interval_ms, 100);
        assert_int_equal(config->limits.drain_ms, 300000);
        assert_int_equal(config->limits.flips_window_ms, 86400000);
        assert_int_equal(config->on_tamper.planned, CONFIG_HEAL);
        assert_int_equal(config->on_tamper.failover, CONFIG_REFUSE);
        assert_null(config_find_server(config, "web3"));
}

static const char smallest[] = "site = s\n"
                               "server \"a\" { role = production ssh = a addresses = {192.0.2.1}\n"
                               "  roots = {\"docroot=/srv\"} interface = eth0 }\n"
                               "server \"b\" { role = standby ssh = b addresses = {192.0.2.2}\n"
                               "  roots = {\"docroot=/srv\"} interface = eth0 }\n"
                               "service { addresses = {192.0.2.9/24} }\n"
                               "check \"c\" { url = \"http://example.org/\" }\n"
                               "repository { url = /repo pub = /pub }\n";

static void the_rest_has_defaults(void **state _unused_)
{
        _cleanup_(config_freep) struct config *config = parse(smallest);

        assert_int_equal(config->serial, 1);
        assert_int_equal(config->move.planned, CONFIG_BY_ADDRESS);
        assert_int_equal(config->service.ports.count, 2);
        assert_int_equal(config->service.ports.items[0], 80);
        assert_int_equal(config->service.announce_ms, 60000);
        assert_false(config->dns.present);
        assert_false(config->database.present);
        assert_int_equal(config->checks[0].status, 200);
        assert_true(config->limits.lease_self_ms < config->limits.lease_take_ms);
        assert_int_equal(config->servers[1].standby_rest, CONFIG_RUNNING);
        assert_int_equal(config->on_tamper.planned, CONFIG_HEAL);
}

/* The library has a meaning for these; here a text is what it looks like. */
static void texts_are_taken_as_they_are_written(void **state _unused_)
{
        _cleanup_(memory_freep) char *text = NULL;
        _cleanup_(config_freep) struct config *config = NULL;

        assert_true(asprintf(&text,
                             "contacts = {\"# no comment // nor \\\"this\\\" /* \", \"back\\\\slash; {a, b}\", "
                             "\"\xe6\x97\xa5\"} # \" $HOME '\n%s",
                             smallest) > 0);
        config = parse(text);
        assert_int_equal(config->contacts.count, 3);
        assert_string_equal(config->contacts.items[0], "# no comment // nor \"this\" /* ");
        assert_string_equal(config->contacts.items[1], "back\\slash; {a, b}");
        assert_string_equal(config->contacts.items[2], "\xe6\x97\xa5");
}

/*
 * What is refused: `with` put into the example instead of `what` (behind `after`, when that is not its first place), and
 * words that the problem at that line must have. `line`: how far below the place the problem is told.
 */
enum { OF_FILE = -1, ANYWHERE = -2 };

static const struct {
        const char *after, *what, *with;
        int line;
        const char *words;
} refused[] = {
        /* spelling */
        { "", "site = example", "site = $SITE", 0, "environment" },
        { "", "site = example", "site = \"${HOME}\"", 0, "environment" },
        { "", "site = example", "site = 'example'", 0, "double quotes" },
        { "", "site = example", "site = example;", 0, "leave it out" },
        { "", "site = example", "site = ex\rample", 0, "control character" },
        { "", "site = example", "site = \"ex\tample\"", 0, "control character" },
        { "", "site = example", "site = \"\xff\"", 0, "UTF-8" },
        { "", "site = example", "site = \xc3\xa9", 0, "double quotes" },
        { "", "site = example", "site = \"ex\\x0aample\"", 0, "no other escape" },
        { "", "site = example", "site = \"ex\\", 0, "no other escape" },
        { "", "site = example", "site = \"example", 0, "close it" },
        { "", "site = example", "site = example // it is", 0, "comments begin with '#'" },
        { "", "site = example", "/* site */", 0, "comments begin with '#'" },
        { "", "url = \"https://repo.example.org/repo\"", "url = https://repo.example.org/repo", 0, "double quotes" },
        { "", "ports = {80, 443}", "ports += {80}", 0, "double quotes" },
        { "", "site = example", "include(\"/etc/passwd\")", 0, "double quotes" },
        /* syntax */
        { "", "site = example", "siet = example", 0, "there is: site, serial" },
        { "", "site = example", "site = \"a\" \"\"", 0, "an empty text (\"\") stands where a name is expected" },
        { "", "role = production", "rolle = production", 0, "there is: role, ssh" },
        { "", "site = example", "site example", 0, "write KEY = VALUE" },
        { "", "move {", "move \"x\" {", 0, "write KEY = VALUE" },
        { "", "server \"web1\" {", "server {", 0, "write KEY = VALUE" },
        { "", "ports = {80, 443}", "ports = {80 443}", 0, "write KEY = VALUE" },
        { "", "site = example", "}", 0, "write KEY = VALUE" },
        { "", "server \"web2\"", "server \"web1\"", 0, "duplicate title" },
        { "", "site = example", "site = example \"move|planned\" = dns", 0, "belongs into its section" },
        /* once */
        { "", "serial = 1", "serial = 1\nserial = 2", 1, "first in line" },
        { "", "ports = {80, 443}", "ports = {80, 443}\nports = {80}", 1, "first in line" },
        { "", "# For powered_off", "role = standby # For powered_off", 0, "first in line" },
        { "", "kind = postgresql", "kind = postgresql\nuser = portal", 1, "with all its users; leave it out" },
        { "", "kind = postgresql", "kind = postgresql\ndatabase = portal", 1, "no key any more" },
        { "", "kind = postgresql", "kind = postgresql\nreload = true", 1, "no key any more" },
        { "", "driver = nftables", "driver = nftables\ntable = other", 1, "no key any more" },
        { "", "filter {", "move { }\nfilter {", 0, "second time" },
        /* numbers, durations, words */
        { "", "serial = 1", "serial = 010", 0, "without leading zeros" },
        { "", "serial = 1", "serial = 0x10", 0, "decimal number" },
        { "", "serial = 1", "serial = 0", 0, "from 1 to" },
        { "", "serial = 1", "serial = -1", 0, "decimal number" },
        { "", "serial = 1", "serial = \"\"", 0, "decimal number" },
        { "", "serial = 1", "serial = 18446744073709551617", 0, "from 1 to 999999999" },
        { "", "ports = {80, 443}", "ports = {80, 65536}", 0, "from 1 to 65535" },
        { "", "drain = 5m", "drain = 300", 0, "500ms, 10s, 5m" },
        { "", "drain = 5m", "drain = 05m", 0, "500ms, 10s, 5m" },
        { "", "drain = 5m", "drain = 2d", 0, "from 1s to 1d" },
        { "", "drain = 5m", "drain = 5ms", 0, "from 1s to 1d" },
        { "", "role = production", "role = Production", 0, "one of production, standby" },
        { "", "planned = both", "planned = yes", 0, "one of address, dns, both" },
        { "", "standby_rest = running", "standby_rest = sleeping", 0, "running, web_stopped, powered_off" },
        /* names, paths, URLs, addresses */
        { "", "site = example", "site = Example", 0, "site = example" },
        { "", "site = example", "site = ../example", 0, "a name of a-z" },
        { "", "server \"web1\"", "server \"web 1\"", 0, "a name of a-z" },
        { "", "tsig_key = /etc/understudy/tsig.key", "tsig_key = tsig.key", 0, "absolute path" },
        { "", "tsig_key = /etc/understudy/tsig.key", "tsig_key = /etc/../tsig.key", 0, "absolute path" },
        { "", "tsig_key = /etc/understudy/tsig.key", "tsig_key = \"/etc//tsig.key\"", 0, "absolute path" },
        { "", "pub = /etc/understudy/release.pub", "pub = /", 0, NULL },
        { "", "url = \"https://www.example.org/login/\"", "url = \"ftp://www.example.org/\"", 0, "http" },
        { "", "url = \"https://www.example.org/login/\"", "url = \"https://u:p@www.example.org/\"", 0, "password" },
        { "", "url = \"https://repo.example.org/repo\"", "url = repo", 0, "absolute path" },
        { "", "ssh = \"root@web1.example.org\"", "ssh = \"-oProxyCommand=x\"", 0, "as ssh takes it" },
        { "", "ssh = \"root@web1.example.org\"", "ssh = \"root@-oProxyCommand=x\"", 0, "as ssh takes it" },
        { "", "ssh = \"root@web1.example.org\"", "ssh = \"web1 rm\"", 0, "as ssh takes it" },
        { "", "ssh = \"root@web1.example.org\"", "ssh = \"\"", 0, "as ssh takes it" },
        { "", "{\"192.0.2.11\", \"2001:db8::11\"}", "{\"192.0.2.011\"}", 0, "no leading zeros" },
        { "", "{\"192.0.2.11\", \"2001:db8::11\"}", "{\"web1\"}", 0, "192.0.2.10" },
        { "", "{\"192.0.2.11\", \"2001:db8::11\"}", "{\"192.0.2.11/24\"}", 0, "192.0.2.10" },
        { "", "{\"192.0.2.11\", \"2001:db8::11\"}", "{\"2001:db8:::11\"}", 0, "2001:db8::10" },
        { "", "{\"192.0.2.10/24\", \"2001:db8::10/64\"}", "{\"192.0.2.10\"}", 0, "length of its network" },
        { "", "{\"192.0.2.10/24\", \"2001:db8::10/64\"}", "{\"192.0.2.10/33\"}", 0, "length of its network" },
        { "", "{\"192.0.2.10/24\", \"2001:db8::10/64\"}", "{\"192.0.2.10/0\"}", 0, "length of its network" },
        { "", "interface = eth0", "interface = \"eth0 up\"", 0, "network interface" },
        { "", "interface = eth0", "interface = much-too-long-for-one", 0, "network interface" },
        { "", "zone = example.org", "zone = example.org.", 0, "without a dot at its end" },
        { "", "zone = example.org", "zone = -x.org", 0, "whole name" },
        { "", "zone = example.org", "zone = example..org", 0, "whole name" },
        { "", "\"docroot=/var/www/html\"", "\"/var/www/html\"", 0, "NAME=FOLDER" },
        { "", "\"docroot=/var/www/html\"", "\"docroot=html\"", 0, "NAME=FOLDER" },
        { "", "expect = \"Control panel\"", "expect = \"\"", 0, "empty" },
        /* what is missing */
        { "", "site = example", "", OF_FILE, "the file has no site" },
        { "", "role = production", "", ANYWHERE, "no role" },
        { "", "ssh = \"root@web1.example.org\"", "", ANYWHERE, "ssh = \"root@web1\"" },
        { "", "addresses = {\"192.0.2.20\"}", "", ANYWHERE, "addresses = {" },
        { "", "interface = eth0", "", ANYWHERE, "interface = eth0" },
        { "", "roots = {\"docroot=/var/www/html\", \"nginx=/etc/nginx\"}", "roots = {\"nginx=/etc/nginx\"}", 0,
          "no docroot" },
        { "", "        hba_file = /etc/postgresql/15/main/pg_hba.conf\n", "", ANYWHERE, "needs hba_file" },
        { "", "        connection = \"host=/run/postgresql user=postgres dbname=postgres\"\n", "", ANYWHERE,
          "for its administrator" },
        { "", "kind = postgresql", "kind = exec", 0, "write one of postgresql, mariadb" },
        { "", "driver = rfc2136", "driver = exec", 0, "write one of rfc2136" },
        { "", "        look = /usr/local/sbin/who-is-on-stage\n", "", ANYWHERE, "the section exec has no look" },
        { "", "look = /usr/local/sbin/who-is-on-stage", "look = /usr/local/sbin/move-stage", 0, "finds out another way" },
        { "", "        tsig_key = /etc/understudy/tsig.key\n", "", OF_FILE, "needs a key that signs" },
        { "", "driver = nftables", "driver = exec", 0, "write one of nftables" },
        { "", "        zone = example.org\n", "", ANYWHERE, "the section dns has no zone" },
        { "", "        url = \"https://repo.example.org/repo\"\n", "", ANYWHERE, "the section repository has no url" },
        /* what does not fit together */
        { "", "role = standby", "role = production", 0, "a site has one" },
        { "", "role = standby", "role = analysis", OF_FILE, "there is no stand-by" },
        { "", "role = production", "role = standby", OF_FILE, "there is no production server" },
        { "role = database", "addresses = {\"192.0.2.20\"}", "addresses = {\"192.0.2.11\"}", 0, "is there twice" },
        { "", "addresses = {\"192.0.2.20\"}", "addresses = {\"192.0.2.10\"}", 0, "is there twice" },
        { "", "{\"192.0.2.10/24\", \"2001:db8::10/64\"}", "{\"192.0.2.10/24\", \"192.0.2.10/25\"}", 0,
          "is there twice" },
        { "", "\"nginx=/etc/nginx\"", "\"docroot=/etc/nginx\"", 0, "the same name" },
        { "", "\"nginx=/etc/nginx\"", "\"nginx=/var/www/html/nginx\"", 0, "lies in" },
        { "", "standby_rest = running", "standby_rest = powered_off", ANYWHERE, "no power_on" },
        { "role = production", "web_check = \"nginx -t\"", "standby_rest = running", 0, "is for a stand-by" },
        { "", "host = db1", "host = db2", 0, "there is no server db2" },
        { "", "host = db1", "host = web1", 0, "cannot be the one that shuts out" },
        { "", "names = {www.example.org, example.org}", "names = {www.example.com}", 0, "does not lie in the zone" },
        { "", "names = {www.example.org, example.org}", "names = {wwwexample.org}", 0, "does not lie in the zone" },
        { "", "move_ttl = 5", "move_ttl = 301", 0, "longer than ttl" },
        { "", "lease_take = 300ms", "lease_take = 200ms", 0, "two servers could hold the address" },
        { "", "timeout = 100ms", "timeout = 2s", 0, "ten intervals" },
};

/* The example with one thing changed; *ret_line is where. */
static char *change(size_t i, unsigned int *ret_line)
{
        const char *from = strstr(example, refused[i].after), *place = from ? strstr(from, refused[i].what) : NULL;
        char *text = NULL;

        if (!place)
                fail_msg("case %zu: the example has no '%s'", i, refused[i].what);
        *ret_line = 1;
        for (const char *p = example; p < place; p++)
                *ret_line += *p == '\n';
        assert_true(asprintf(&text, "%.*s%s%s", (int)(place - example), example, refused[i].with,
                             place + strlen(refused[i].what)) > 0);
        return text;
}

/* A line of problems that begins with "site.conf:LINE: " (0: without one) and has the words. */
static bool told(const char *problems, unsigned int line, const char *words)
{
        const char *cursor = problems, *end = problems + strlen(problems), *one = NULL;
        char start[64], text[2000];
        size_t length = 0;

        if (line)
                snprintf(start, sizeof(start), "site.conf:%u: ", line);
        else
                snprintf(start, sizeof(start), "site.conf: ");
        while (text_next_line(&cursor, end, &one, &length)) {
                snprintf(text, sizeof(text), "%.*s", (int)length, one);
                if (text_starts(text, start) && strstr(text, words))
                        return true;
        }
        return false;
}

static void each_wrong_thing_is_told_at_its_line(void **state _unused_)
{
        for (size_t i = 0; i < LENGTH(refused); i++) {
                _cleanup_(buffer_done) struct buffer problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM);
                _cleanup_(config_freep) struct config *config = NULL;
                unsigned int line;
                _cleanup_(memory_freep) char *text = change(i, &line);
                struct error error = ERROR_NONE;
                int r = config_parse(text, strlen(text), "site.conf", &problems, &config, &error);

                if (!refused[i].words) { /* allowed, odd as it is */
                        assert_int_equal(r, 0);
                        continue;
                }
                if (r != -EINVAL || error.status != EXIT_USAGE)
                        fail_msg("'%s' was taken", refused[i].with);
                if (refused[i].line == ANYWHERE
                            ? !strstr(buffer_text(&problems), refused[i].words)
                            : !told(buffer_text(&problems),
                                    refused[i].line == OF_FILE ? 0 : line + (unsigned int)refused[i].line,
                                    refused[i].words))
                        fail_msg("'%s' at line %u%+d was told as:\n%s", refused[i].with, line, refused[i].line,
                                 buffer_text(&problems));
        }
}

static void all_that_is_wrong_is_told_at_once(void **state _unused_)
{
        static const char text[] = "site = S\n"
                                   "serial = 01\n"
                                   "server \"a\" { role = boss ssh = \"-x\" }\n"
                                   "move { planned = never }\n"
                                   "limits { drain = soon\n"
                                   "  flips = 0 }\n";
        _cleanup_(buffer_done) struct buffer problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM);
        struct config *config = NULL;
        struct error error = ERROR_NONE;

        assert_int_equal(config_parse(text, strlen(text), "site.conf", &problems, &config, &error), -EINVAL);
        assert_true(told(buffer_text(&problems), 1, "site"));
        assert_true(told(buffer_text(&problems), 2, "serial"));
        assert_true(told(buffer_text(&problems), 3, "role"));
        assert_true(told(buffer_text(&problems), 3, "ssh"));
        assert_true(told(buffer_text(&problems), 4, "planned"));
        assert_true(told(buffer_text(&problems), 5, "drain"));
        assert_true(told(buffer_text(&problems), 6, "flips"));
        assert_true(told(buffer_text(&problems), 0, "repository"));
        assert_non_null(strstr(error.text, "things wrong"));
}

static void too_much_is_refused(void **state _unused_)
{
        static char text[CONFIG_FILE_MAXIMUM + 2];
        _cleanup_(buffer_done) struct buffer problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer many = BUFFER_INIT(CONFIG_FILE_MAXIMUM);
        struct config *config = NULL;
        struct error error = ERROR_NONE;

        memset(text, '\n', sizeof(text) - 1);
        assert_int_equal(config_parse(text, sizeof(text) - 1, "site.conf", &problems, &config, &error), -EINVAL);
        assert_non_null(strstr(error.text, "longer than"));

        assert_int_equal(buffer_append_text(&many, smallest), 0);
        for (int i = 0; i < CONFIG_SERVERS_MAXIMUM; i++)
                assert_int_equal(buffer_printf(&many, "server \"x%d\" { role = analysis }\n", i), 0);
        assert_int_equal(buffer_append_text(&many, "contacts = {a"), 0);
        for (int i = 0; i < CONFIG_ALERTS_MAXIMUM; i++)
                assert_int_equal(buffer_append_text(&many, ",b"), 0);
        assert_int_equal(buffer_append_text(&many, "}\n"), 0);
        memset(text, 'x', CONFIG_TEXT_MAXIMUM + 1);
        assert_int_equal(buffer_printf(&many, "alerts = {%.*s}\n", CONFIG_TEXT_MAXIMUM + 1, text), 0);
        assert_int_equal(config_parse(buffer_text(&many), many.length, "site.conf", &problems, &config, &error),
                         -EINVAL);
        assert_non_null(strstr(buffer_text(&problems), "more than 32 sections server"));
        assert_non_null(strstr(buffer_text(&problems), "more than 16 values"));
        assert_non_null(strstr(buffer_text(&problems), "longer than 1000 bytes"));
        assert_null(config);
}

/* A key that nobody can read about is not there. */
static void every_key_is_in_the_example_and_the_manual(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer page = BUFFER_INIT(CONFIG_FILE_MAXIMUM);
        struct error error = ERROR_NONE;
        const char *source = getenv("SOURCE");
        char path[512], word[128];

        snprintf(path, sizeof(path), "%s/docs/man/understudy.conf.5", source ? source : "..");
        if (file_read(AT_FDCWD, path, &page, &error) < 0)
                fail_msg("%s", error.text);
        for (size_t i = 0; i < config_section_count; i++)
                for (size_t k = 0; k < config_sections[i].key_count; k++) {
                        const struct config_key *key = &config_sections[i].keys[k];

                        if (key->gone)
                                continue;
                        snprintf(word, sizeof(word), "%s = ", key->name);
                        if (!strstr(example, word))
                                fail_msg("data/site.conf has no '%s'", word);
                        snprintf(word, sizeof(word), ".It Cm %s", key->name);
                        if (!strstr(buffer_text(&page), word))
                                fail_msg("understudy.conf.5 has no '%s' (section %s)", word, config_sections[i].name);
                        for (const struct config_word *one = key->words; one && one->name; one++)
                                if (!strstr(buffer_text(&page), one->name))
                                        fail_msg("understudy.conf.5 has no '%s'", one->name);
                }
}

static void a_file_that_is_not_there(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM);
        struct config *config = NULL;
        struct error error = ERROR_NONE;

        assert_int_equal(config_read("/nonexistent/site.conf", &problems, &config, &error), -EINVAL);
        assert_non_null(strstr(error.text, "understudy init"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_example_says_what_it_says),
                cmocka_unit_test(the_rest_has_defaults),
                cmocka_unit_test(texts_are_taken_as_they_are_written),
                cmocka_unit_test(each_wrong_thing_is_told_at_its_line),
                cmocka_unit_test(all_that_is_wrong_is_told_at_once),
                cmocka_unit_test(too_much_is_refused),
                cmocka_unit_test(every_key_is_in_the_example_and_the_manual),
                cmocka_unit_test(a_file_that_is_not_there),
        };

        return cmocka_run_group_tests(tests, read_example, forget_example);
}
