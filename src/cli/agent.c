/* agent.c - understudy agent: what sshd starts on a server for the controller, and the line that makes it do so. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/agent_verbs.h"
#include "cli/command.h"
#include "cli/site_file.h"
#include "tree/state.h"
#include "traffic/agent_site.h"

#define KEY_LINE_MAXIMUM 16384 /* bytes of a public key of ssh: the largest RSA keys have some 3,000 */

enum { OPTION_SERVER = OPTION_COMMAND, OPTION_PUB, OPTION_AUTHORIZE, OPTION_FROM, OPTION_FOR };

static const struct option options[] = {
        {"server",     required_argument, NULL, OPTION_SERVER   },
        { "pub",       required_argument, NULL, OPTION_PUB      },
        { "authorize", required_argument, NULL, OPTION_AUTHORIZE},
        { "from",      required_argument, NULL, OPTION_FROM     },
        { "for",       required_argument, NULL, OPTION_FOR      },
        { NULL,        0,                 NULL, 0               },
};

struct request {
        struct common common;
        const char *server, *pub_path, *key_path, *from, *asker;
        char program[PATH_MAX];
};

static int find_program(char program[static PATH_MAX], struct error *err)
{
        ssize_t length = readlink("/proc/self/exe", program, PATH_MAX - 1);

        if (length < 0)
                return error_errno(err, errno, _("cannot find out where this program lies"));
        program[length] = '\0';
        return 0;
}

/* ---- the line for authorized_keys ---- */

/* One word for sshd's options and for the shell that runs the command: nothing in it has a meaning for either. */
static bool is_plain(const char *text)
{
        return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@%,") ==
                                strlen(text);
}

/* "TYPE BASE64 [COMMENT]": one line, without options before it. */
static int read_key(const char *path, struct buffer *line, struct error *err)
{
        static const char *const types[] = { "ssh-ed25519 ", "sk-ssh-ed25519@openssh.com ", "ecdsa-sha2-nistp256 ",
                                             "ecdsa-sha2-nistp384 ", "ecdsa-sha2-nistp521 ",
                                             "sk-ecdsa-sha2-nistp256@openssh.com ", "ssh-rsa " };
        int r = file_read(AT_FDCWD, path, line, err);
        const char *key = NULL;
        size_t length;

        if (r < 0)
                return r;
        while (line->length && line->data[line->length - 1] == '\n')
                line->data[--line->length] = '\0';
        if (strstr(buffer_text(line), "PRIVATE KEY"))
                return error_usage(err, _("%s is a private key, which never leaves the controller; name %s.pub"), path,
                                   path);
        for (size_t i = 0; i < LENGTH(types); i++)
                if (text_starts(buffer_text(line), types[i]))
                        key = buffer_text(line) + strlen(types[i]);
        length = key ? strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=") : 0;
        if (length < 40 || (key[length] != ' ' && key[length] != '\0') ||
            !text_is_printable(buffer_text(line), line->length))
                return error_usage(err, _("%s is not a public key of ssh; name the .pub file that ssh-keygen made"),
                                   path);
        return 0;
}

static int authorize(const struct request *request)
{
        const char *const words[] = { request->program, request->common.config, request->server, request->pub_path,
                                      request->common.state, request->from, request->asker };
        _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(KEY_LINE_MAXIMUM);
        struct error error = ERROR_NONE;

        for (size_t i = 0; i < LENGTH(words); i++)
                if (words[i] && !is_plain(words[i]))
                        return command_usage(&command_agent,
                                             _("'%s' cannot stand in authorized_keys; use a name of letters, digits "
                                               "and / . _ -"),
                                             words[i]);
        if (*request->common.config != '/' || (request->pub_path && *request->pub_path != '/'))
                return command_usage(&command_agent, _("name the files with their absolute paths: sshd starts the "
                                                       "agent in the home folder"));
        if (read_key(request->key_path, &line, &error) < 0)
                return command_fail(&error);
        printf("restrict,");
        if (request->from)
                printf("from=\"%s\",", request->from);
        printf("command=\"%s agent --config %s --server %s", request->program, request->common.config, request->server);
        if (request->pub_path)
                printf(" --pub %s", request->pub_path);
        if (request->asker)
                printf(" --for %s", request->asker);
        if (request->common.state)
                printf(" --state %s", request->common.state);
        printf("\" %s\n", buffer_text(&line));
        return EXIT_DONE;
}

/* ---- the agent ---- */

static int serve(const struct request *request)
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct agent_site site = { .state = state_directory(request->common.state), .program = request->program,
                                   .asker = request->asker };
        char digest[DIGEST_HEX_SIZE];
        struct error error = ERROR_NONE;
        int r = site_file_open(&file, &request->common, request->pub_path, &error);

        if (r < 0)
                return site_file_fail(&file, &error);
        site.config = file.config;
        site.server = config_find_server(file.config, request->server);
        if (!site.server)
                return command_usage(NULL, _("there is no server '%s' in %s"), request->server,
                                     request->common.config);
        if (request->asker && !config_find_server(file.config, request->asker))
                return command_usage(NULL, _("there is no server '%s' in %s"), request->asker, request->common.config);
        digest_hex(&file.digest, digest);
        site.digest = digest;
        r = agent_serve(request->asker ? agent_peer_verbs : agent_verbs,
                        request->asker ? agent_peer_verb_count : agent_verb_count, &site, STDIN_FILENO, STDOUT_FILENO, &error);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        struct request request = { 0 };
        struct error error = ERROR_NONE;
        int code;

        while ((code = command_option(
                        argc, argv, &command_agent, options,
                        N_("Does on this server what the controller asks for, of a closed list. sshd starts it as a "
                           "forced command;\n"
                           "it speaks frames over standard input and output, and ends with the connection.\n"
                           "\n"
                           "  --config FILE        the site's configuration\n"
                           "  --server NAME        which of its servers this is\n"
                           "  --pub FILE           believe the configuration only if this key has signed it\n"
                           "  --authorize KEYFILE  print the line for authorized_keys that lets the owner of this\n"
                           "                       public key start the agent, and nothing else\n"
                           "  --from LIST          with --authorize: only from these addresses\n"
                           "  --for NAME           on the database's host: only the lease of that server, for its keeper;\n"
                           "                       where salts are made: for that analysis server or web server\n"),
                        &request.common)) != -1) {
                switch (code) {
                case OPTION_SERVER: request.server = optarg; break;
                case OPTION_PUB: request.pub_path = optarg; break;
                case OPTION_AUTHORIZE: request.key_path = optarg; break;
                case OPTION_FROM: request.from = optarg; break;
                case OPTION_FOR: request.asker = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc != optind)
                return command_usage(&command_agent, _("'%s' is one argument too many"), argv[optind]);
        if (!request.common.config || !request.server)
                return command_usage(&command_agent, _("say --config FILE and --server NAME"));
        if (find_program(request.program, &error) < 0)
                return command_fail(&error);
        if (!request.key_path && isatty(STDIN_FILENO))
                return command_usage(&command_agent, _("this is started by sshd for the controller; --authorize KEYFILE "
                                                       "prints the line that makes it so"));
        return request.key_path ? authorize(&request) : serve(&request);
}

const struct command command_agent = {
        .name = "agent",
        .run = run,
        .synopsis = "agent --config FILE --server NAME [--pub FILE] [--for NAME] [--authorize KEYFILE [--from LIST]]",
        .summary = N_("do on this server what the controller asks for"),
};
