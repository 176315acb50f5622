/*
 * init.c - understudy init: asks what a site is, and writes its configuration.
 *
 * What is not said by an option is asked for on a terminal; without one it is an error, so that a script knows. What is
 * written is read back by the same parser as everywhere before it is put in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/site_file.h"

#define ANSWER_SIZE 512

enum question {
        SITE,
        PRODUCTION,
        PRODUCTION_ADDRESS,
        STANDBY,
        STANDBY_ADDRESS,
        INTERFACE,
        DOCROOT,
        SERVICE,
        URL,
        EXPECT,
        DATABASE,
        DATABASE_ADDRESS,
        REPO,
        PUB,
        QUESTIONS
};

/* In the order in which they are asked. A fallback "" may stay empty; NULL: there is none. */
static const struct {
        const char *option, *words, *fallback;
} questions[QUESTIONS] = {
        [SITE] = {"site",                              N_("name of the site, of a-z, 0-9 and '-'"),                NULL},
        [PRODUCTION] = { "production",                 N_("production server, as ssh reaches it (root@web1)"),     NULL},
        [PRODUCTION_ADDRESS] = { "production-address", N_("its own address"),                                      NULL},
        [STANDBY] = { "standby",                       N_("stand-by server, as ssh reaches it (root@web2)"),       NULL},
        [STANDBY_ADDRESS] = { "standby-address",       N_("its own address"),                                      NULL},
        [INTERFACE] = { "interface",                   N_("network interface that carries the service address"),   "eth0"},
        [DOCROOT] = { "docroot",                       N_("docroot on both"),                                      "/var/www/html"},
        [SERVICE] = { "service",                       N_("service address with its network (192.0.2.10/24)"),     NULL},
        [URL] = { "url",                               N_("URL of a page by which one sees that the site lives"),  NULL},
        [EXPECT] = { "expect",                         N_("text that is in that page"),                            ""},
        [DATABASE] = { "database",                     N_("database server, as ssh reaches it; empty: none"),      ""},
        [DATABASE_ADDRESS] = { "database-address",     N_("its own address"),                                      NULL},
        [REPO] = { "repo",                             N_("URL of the repository of releases"),                    NULL},
        [PUB] = { "pub",                               N_("file of the public key on each server"),                "/etc/understudy/release.pub"},
};

struct request {
        struct common common;
        const char *path;
        bool given[QUESTIONS];
        char answers[QUESTIONS][ANSWER_SIZE];
};

/* ---- answers ---- */

/* It is going to stand in double quotes. */
static int take(struct request *request, size_t i, const char *text, struct error *err)
{
        size_t length = strlen(text);

        if (length >= ANSWER_SIZE || !text_is_printable(text, length) || strpbrk(text, "\"\\$"))
                return error_usage(err, _("--%s: a value has no quote, backslash or '$', and at most %d bytes"),
                                   questions[i].option, ANSWER_SIZE - 1);
        snprintf(request->answers[i], ANSWER_SIZE, "%s", text);
        request->given[i] = true;
        return 0;
}

static int ask(struct request *request, size_t i, struct error *err)
{
        char line[ANSWER_SIZE];
        const char *fallback = questions[i].fallback;

        for (;;) {
                if (fallback && *fallback)
                        fprintf(stderr, "%s [%s]: ", _(questions[i].words), fallback);
                else
                        fprintf(stderr, "%s: ", _(questions[i].words));
                if (!fgets(line, sizeof(line), stdin))
                        return error_usage(err, _("the questions ended before the answers; nothing was written"));
                line[strcspn(line, "\n")] = '\0';
                if (*line || fallback)
                        return take(request, i, *line ? line : fallback, err);
        }
}

static bool has_database(const struct request *request)
{
        return request->answers[DATABASE][0] != '\0';
}

static int complete(struct request *request, struct error *err)
{
        bool asks = isatty(STDIN_FILENO);

        for (size_t i = 0; i < QUESTIONS; i++) {
                int r = 0;

                if (request->given[i] || (i == DATABASE_ADDRESS && !has_database(request)))
                        continue;
                if (asks)
                        r = ask(request, i, err);
                else if (questions[i].fallback)
                        r = take(request, i, questions[i].fallback, err);
                else
                        r = error_usage(err, _("say --%s VALUE: %s"), questions[i].option, _(questions[i].words));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the file ---- */

/* "root@web1.example.org" -> "web1"; a number, or what is no name, is `fallback`. */
static void short_name(const char *ssh, const char *fallback, char name[static 64])
{
        const char *host = strrchr(ssh, '@');
        size_t length;

        host = host ? host + 1 : text_starts(ssh, "ssh://") ? ssh + 6 : ssh;
        length = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-");
        if (length == 0 || length > 63 || *host == '-' || (*host >= '0' && *host <= '9'))
                snprintf(name, 64, "%s", fallback);
        else
                snprintf(name, 64, "%.*s", (int)length, host);
}

static int write_server(const struct request *request, struct buffer *text, const char *name, const char *role,
                        enum question ssh, enum question address)
{
        bool web = address != DATABASE_ADDRESS;
        int r = buffer_printf(text,
                              "server \"%s\" {\n"
                              "        role = %s\n"
                              "        ssh = \"%s\"\n"
                              "        addresses = {\"%s\"}\n",
                              name, role, request->answers[ssh], request->answers[address]);

        if (r == 0 && web)
                r = buffer_printf(text,
                                  "        interface = \"%s\"\n"
                                  "        roots = {\"docroot=%s\"}\n"
                                  "        web_start = \"systemctl start nginx\"\n"
                                  "        web_stop = \"systemctl stop nginx\"\n"
                                  "        web_reload = \"systemctl reload nginx\"\n",
                                  request->answers[INTERFACE], request->answers[DOCROOT]);
        return r == 0 ? buffer_append_text(text, "}\n\n") : r;
}

static int write_rest(const struct request *request, struct buffer *text, const char *database)
{
        int r = buffer_printf(text, "service {\n        addresses = {\"%s\"}\n}\n\n", request->answers[SERVICE]);

        if (r == 0 && has_database(request))
                r = buffer_printf(text,
                                  "# Look at these: they are Debian's.\n"
                                  "database {\n"
                                  "        kind = postgresql\n"
                                  "        host = %s\n"
                                  "        connection = \"host=/run/postgresql user=postgres dbname=postgres\"\n"
                                  "        hba_file = /etc/postgresql/15/main/pg_hba.conf\n"
                                  "}\n\n",
                                  database);
        if (r == 0)
                r = buffer_printf(text, "check \"front\" {\n        url = \"%s\"\n", request->answers[URL]);
        if (r == 0 && request->answers[EXPECT][0])
                r = buffer_printf(text, "        expect = \"%s\"\n", request->answers[EXPECT]);
        if (r == 0)
                r = buffer_printf(text,
                                  "}\n\n"
                                  "repository {\n"
                                  "        url = \"%s\"\n"
                                  "        pub = \"%s\"\n"
                                  "}\n",
                                  request->answers[REPO], request->answers[PUB]);
        return r;
}

static int write_text(const struct request *request, struct buffer *text)
{
        char production[64], standby[64], database[64] = "";
        int r;

        short_name(request->answers[PRODUCTION], "production", production);
        short_name(request->answers[STANDBY], "standby", standby);
        short_name(request->answers[DATABASE], "database", database);
        if (text_equal(production, standby)) {
                snprintf(production, sizeof(production), "production");
                snprintf(standby, sizeof(standby), "standby");
        }
        if (text_equal(database, production) || text_equal(database, standby))
                snprintf(database, sizeof(database), "database");
        r = buffer_printf(text,
                          "# understudy.conf(5); every key is explained in /usr/share/understudy/site.conf.\n"
                          "site = \"%s\"\n"
                          "serial = 1\n\n",
                          request->answers[SITE]);
        if (r == 0)
                r = write_server(request, text, production, "production", PRODUCTION, PRODUCTION_ADDRESS);
        if (r == 0)
                r = write_server(request, text, standby, "standby", STANDBY, STANDBY_ADDRESS);
        if (r == 0 && has_database(request))
                r = write_server(request, text, database, "database", DATABASE, DATABASE_ADDRESS);
        return r == 0 ? write_rest(request, text, database) : r;
}

static int make(const struct request *request)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CONFIG_FILE_MAXIMUM);
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct error error = ERROR_NONE;
        int r = write_text(request, &text);

        if (r < 0) {
                error_memory(&error);
                return command_fail(&error);
        }
        if (config_parse(buffer_text(&text), text.length, request->path, &file.problems, &file.config, &error) < 0)
                return site_file_fail(&file, &error);
        r = file_create(AT_FDCWD, request->path, text.data, text.length, 0644, &error);
        if (r == -EEXIST)
                error_refuse(&error, _("%s is there already, and is not overwritten; move it away, or edit it"),
                             request->path);
        if (r < 0)
                return command_fail(&error);
        if (request->common.json)
                return command_print_json(json_pack("{s:o, s:s}", "config",
                                                    command_json_name(request->path, strlen(request->path)), "site",
                                                    file.config->site));
        if (!request->common.quiet)
                printf(_("%s is written. Look through it, then: understudy check --config %s\n"), request->path,
                       request->path);
        return EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        static struct request request;
        struct option options[QUESTIONS + 1] = { { NULL, 0, NULL, 0 } };
        struct error error = ERROR_NONE;
        int code;

        memset(&request, 0, sizeof(request));
        for (int i = 0; i < QUESTIONS; i++)
                options[i] = (struct option){ questions[i].option, required_argument, NULL, OPTION_COMMAND + i };
        while ((code = command_option(
                        argc, argv, &command_init, options,
                        N_("Asks what the site is and writes its configuration to FILE, which must not be there yet.\n"
                           "What an option says is not asked for; without a terminal all must be said.\n"
                           "\n"
                           "  --site NAME                   the site's name\n"
                           "  --production SSH              the production server, as ssh reaches it\n"
                           "  --production-address ADDRESS  its own address\n"
                           "  --standby SSH                 the stand-by\n"
                           "  --standby-address ADDRESS     its own address\n"
                           "  --interface NAME              that carries the service address (eth0)\n"
                           "  --docroot FOLDER              on both (/var/www/html)\n"
                           "  --service ADDRESS/LENGTH      the address that visitors use\n"
                           "  --url URL                     a page by which one sees that the site lives\n"
                           "  --expect TEXT                 what is in it\n"
                           "  --database SSH                the database server, if there is one\n"
                           "  --database-address ADDRESS    its own address\n"
                           "  --repo URL                    the repository of releases\n"
                           "  --pub FILE                    the public key on each server\n"),
                        &request.common)) != -1) {
                if (code < OPTION_COMMAND || code >= OPTION_COMMAND + QUESTIONS)
                        return EXIT_USAGE;
                if (take(&request, (size_t)(code - OPTION_COMMAND), optarg, &error) < 0)
                        return command_fail(&error);
        }
        if (argc - optind != 1)
                return command_usage(&command_init, _("name one file to write, as /etc/understudy/site.conf"));
        request.path = argv[optind];
        if (complete(&request, &error) < 0)
                return command_fail(&error);
        return make(&request);
}

const struct command command_init = {
        .name = "init",
        .run = run,
        .synopsis = "init FILE [--site NAME] [--production SSH] [--production-address ADDRESS] [--standby SSH] "
                    "[--standby-address ADDRESS] [--interface NAME] [--docroot FOLDER] [--service ADDRESS/LENGTH] "
                    "[--url URL] [--expect TEXT] [--database SSH] [--database-address ADDRESS] [--repo URL] [--pub FILE]",
        .summary = N_("ask what the site is, and write its configuration"),
};
