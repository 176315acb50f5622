/*
 * keeper.c - understudy keeper: on a server that may stand on the stage, the process that renews its lease.
 *
 * It asks the arbiter, on the database's host, over two connections: one that breaks costs nothing. What it hears it tells
 * the holder (traffic/holder.h), which alone touches the address. It knows neither the controller nor the agent, and
 * nothing of either's being down reaches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/site_file.h"
#include "traffic/agent_client.h"
#include "traffic/grant.h"
#include "traffic/holder.h"
#include "traffic/service.h"
#include "tree/state.h"

#define LINES      2   /* connections to the arbiter */
#define ASKS       5   /* in the time of a lease */
#define RETRY_MS   400 /* the longest pause before a connection is tried again */

enum { OPTION_SERVER = OPTION_COMMAND, OPTION_PUB };

static const struct option options[] = {
        {"server", required_argument, NULL, OPTION_SERVER},
        { "pub",   required_argument, NULL, OPTION_PUB   },
        { NULL,    0,                 NULL, 0            },
};

struct request {
        struct common common;
        const char *server, *pub_path;
};

struct line {
        struct keeper_role *role;
        struct agent_client *client;
        char said[ERROR_TEXT_SIZE]; /* what was complained of, once */
};

/* An ask that is under way; asked_ms 0: free. */
struct ask {
        struct line *line;
        int64_t asked_ms;
};

struct keeper_role {
        const struct request *request;
        struct line lines[LINES];
        struct ask asks[LINES * ASKS * 2];
        struct holder *holder;
        struct holder_options hand;
        int signals;
        int64_t next_ms; /* when is asked again */
};

static void complain(struct line *line, const char *sentence)
{
        if (text_equal(line->said, sentence))
                return;
        snprintf(line->said, sizeof(line->said), "%s", sentence);
        fprintf(stderr, "understudy: %s\n", sentence);
}

/* ---- asking ---- */

static void hear(void *context, const json_t *result, const struct error *err)
{
        struct ask *ask = context;
        struct holder_word word = { .asked_ms = ask->asked_ms };

        ask->asked_ms = 0;
        if (!result) {
                complain(ask->line, err->text); /* silence is no refusal: the lease runs to its end */
                return;
        }
        ask->line->said[0] = '\0';
        word.granted = json_is_true(json_object_get(result, "granted"));
        word.epoch = (uint64_t)json_integer_value(json_object_get(result, "epoch"));
        holder_tell(ask->line->role->holder, &word);
}

static void ask_line(struct keeper_role *role, struct line *line)
{
        struct error error = ERROR_NONE;

        for (size_t i = 0; i < LENGTH(role->asks); i++) {
                struct ask *ask = &role->asks[i];

                if (ask->asked_ms)
                        continue;
                *ask = (struct ask){ line, grant_now_ms() };
                if (agent_client_send(line->client, "lease", NULL, role->hand.self_ms, NULL, hear, ask, NULL, &error) < 0) {
                        ask->asked_ms = 0;
                        complain(line, error.text);
                }
                return;
        }
}

static int turn(struct keeper_role *role, struct error *err)
{
        struct pollfd fds[2 + LINES * AGENT_CLIENT_POLLS];
        int64_t now = grant_now_ms();
        int wait = role->next_ms > now ? (int)(role->next_ms - now) : 0;
        size_t n = 2;

        fds[0] = (struct pollfd){ .fd = role->signals, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = holder_fd(role->holder), .events = POLLIN };
        for (size_t i = 0; i < LINES; i++) {
                int least = agent_client_wait_ms(role->lines[i].client);

                n += agent_client_poll(role->lines[i].client, fds + n);
                wait = least >= 0 && least < wait ? least : wait;
        }
        if (poll(fds, (nfds_t)n, wait) < 0 && errno != EINTR)
                return error_errno(err, errno, _("the keeper cannot wait"));
        if (fds[0].revents)
                return 0;
        holder_read(role->holder);
        now = grant_now_ms();
        if (now >= role->next_ms) {
                role->next_ms = now + role->hand.self_ms / ASKS;
                for (size_t i = 0; i < LINES; i++)
                        ask_line(role, &role->lines[i]);
        }
        for (size_t i = 0; i < LINES; i++)
                agent_client_tick(role->lines[i].client); /* sends it, and hears what came */
        if (holder_late_ms(role->holder, grant_now_ms()) < role->hand.self_ms)
                return 1;
        fprintf(stderr, "understudy: %s\n", _("the holder of the service's address did not answer: it is ended, and the "
                                              "address dropped"));
        return holder_replace(role->holder, err) < 0 ? -1 : 1;
}

/* ---- life ---- */

static int open_lock(const char *state, struct error *err)
{
        char path[PATH_MAX];
        int fd;

        if ((size_t)snprintf(path, sizeof(path), "%s/keeper.lock", state) >= sizeof(path))
                return error_set(err, -ENAMETOOLONG, _("the path of the state folder is too long: %s"), state);
        fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? error_errno(err, errno, _("cannot open %s"), path) : fd;
}

static int open_signals(struct error *err)
{
        int fd = command_signals();

        return fd < 0 ? error_errno(err, -fd, _("the keeper cannot wait for signals")) : fd;
}

static int prepare(struct keeper_role *role, const struct config *config, struct error *err)
{
        const struct config_server *server = config_find_server(config, role->request->server);
        const struct config_server *database = config->database.present ? config_find_server(config, config->database.host) : NULL;
        int r = 0;

        if (!server || (server->role != CONFIG_PRODUCTION && server->role != CONFIG_STANDBY))
                return error_usage(err, _("there is no server %s in the configuration that could be on stage"),
                                   role->request->server);
        if (!config->service.present || !database || !database->ssh)
                return error_usage(err, _("a keeper needs a service with an address, and a database whose host has ssh, in the "
                                          "configuration: there the lease is asked for"));
        role->hand = (struct holder_options){ .state = state_directory(role->request->common.state),
                                              .count = config->service.addresses.count,
                                              .self_ms = config->limits.lease_self_ms,
                                              .take_ms = config->limits.lease_take_ms,
                                              .announce_ms = config->service.announce_ms };
        for (size_t i = 0; i < role->hand.count && r == 0; i++)
                r = service_address(config, server, i, &role->hand.addresses[i], err);
        for (size_t i = 0; i < LINES; i++)
                role->lines[i].role = role;
        for (size_t i = 0; i < LINES && r == 0; i++)
                r = agent_client_new(&(struct agent_client_options){ .name = database->name,
                                                                     .destination = database->ssh,
                                                                     .ssh_config = config->ssh_config,
                                                                     .retry_ms = RETRY_MS,
                                                                     .keep = true },
                                     &role->lines[i].client, err);
        if (r == 0)
                r = role->hand.lock = open_lock(state_directory(role->request->common.state), err);
        if (r >= 0)
                r = holder_start(&role->hand, &role->holder, err);
        /* After the holder, which is not to have it: a keeper that is killed must leave the holder alone with its lease. */
        if (r == 0)
                r = role->signals = open_signals(err);
        return r < 0 ? r : 0;
}

static void done(struct keeper_role *role)
{
        for (size_t i = 0; i < LINES; i++)
                agent_client_free(role->lines[i].client);
        holder_free(role->holder);
}

static int keep(const struct request *request, const struct config *config)
{
        struct keeper_role role = { .request = request, .signals = -1 };
        struct error error = ERROR_NONE;
        int r;

        holder_hurry();
        r = prepare(&role, config, &error);
        if (r == 0) {
                puts("ready");
                fflush(stdout);
        }
        for (r = r < 0 ? r : 1; r > 0;)
                r = turn(&role, &error);
        if (r == 0)
                holder_tell(role.holder, &(struct holder_word){ .leave = true });
        done(&role);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        struct request request = { 0 };
        struct error error = ERROR_NONE;
        int code, r;

        while ((code = command_option(argc, argv, &command_keeper, options,
                                      N_("Renews the lease by which this server may hold the service's address, in the foreground;\n"
                                         "takes the address while the lease is granted, and drops it when it is not.\n\n"
                                         "  --config FILE  the site's configuration\n"
                                         "  --server NAME  which of its servers this is\n"
                                         "  --pub FILE     believe the configuration only if this key has signed it\n"),
                                      &request.common)) != -1) {
                switch (code) {
                case OPTION_SERVER: request.server = optarg; break;
                case OPTION_PUB: request.pub_path = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc != optind)
                return command_usage(&command_keeper, _("'%s' is one argument too many"), argv[optind]);
        if (!request.common.config || !request.server)
                return command_usage(&command_keeper, _("say --config FILE and --server NAME"));
        r = site_file_open(&file, &request.common, request.pub_path, &error);
        return r < 0 ? site_file_fail(&file, &error) : keep(&request, file.config);
}

const struct command command_keeper = {
        .name = "keeper",
        .run = run,
        .synopsis = "keeper --config FILE --server NAME [--pub FILE]",
        .summary = N_("renew this server's lease of the service's address"),
};
