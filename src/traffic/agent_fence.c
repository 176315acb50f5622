/* agent_fence.c - the fence of the database's host, for the agent there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_site.h"
#include "agent_stage.h"
#include "barrier.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "fence.h"
#include "fence_mariadb.h"
#include "fence_postgres.h"

#define FOLDER "fence" /* in the state */

static const char *const fence_actions[] = { "begin", "claim", "close", "open", "stage", "restore", NULL };
const struct agent_argument agent_fence_arguments[] = {
        { "action",  AGENT_WORD,   true,  0,                  fence_actions },
        { "epoch",   AGENT_NUMBER, false, INT64_MAX,          NULL          },
        { "seen",    AGENT_NUMBER, false, INT64_MAX,          NULL          },
        { "server",  AGENT_TEXT,   false, PEER_NAME_SIZE - 1, NULL          },
        { "planned", AGENT_FLAG,   false, 0,                  NULL          },
        { "overlap", AGENT_FLAG,   false, 0,                  NULL          },
        { NULL,      AGENT_FLAG,   false, 0,                  NULL          },
};

/* What the drivers need, made from the configuration. */
struct fence_host {
        struct fence_setup setup;
        struct peer peers[PEER_HOSTS];
        uint16_t port;
        struct fence_postgres postgres; /* one of the two */
        struct fence_mariadb mariadb;
};

/* The connection to the database, which outlives a verb: the next one is done by the same process. */
static struct postgres *warm_postgres;
static struct mariadb *warm_mariadb;

static void host_done(struct fence_host *host)
{
        warm_postgres = host->postgres.postgres;
        warm_mariadb = host->mariadb.mariadb;
        fd_close(&host->setup.folder);
}

/* The servers that ever stand on the stage: production and stand-bys. */
static int add_peers(const struct config *config, struct fence_host *host, struct error *err)
{
        for (size_t i = 0; i < config->server_count; i++) {
                const struct config_server *server = &config->servers[i];
                struct peer *peer = &host->peers[host->setup.peer_count];

                if (server->role != CONFIG_PRODUCTION && server->role != CONFIG_STANDBY)
                        continue;
                if (host->setup.peer_count == PEER_HOSTS || strlen(server->name) >= sizeof(peer->name))
                        return error_usage(err, _("too many servers for one database, or a name longer than %d bytes: %s"),
                                           PEER_NAME_SIZE - 1, server->name);
                host->setup.peer_count++;
                memcpy(peer->name, server->name, strlen(server->name) + 1);
                for (size_t j = 0; j < server->addresses.count; j++) {
                        int r = peer_add(peer, server->addresses.items[j].text, err);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* Where the web servers go: this host's first IPv4 address. */
static int find_listen(const struct config_server *server, struct peer_address *ret_address, struct error *err)
{
        for (size_t i = 0; i < server->addresses.count; i++)
                if (server->addresses.items[i].family == AF_INET)
                        return peer_address_parse(server->addresses.items[i].text, ret_address, err);
        return error_usage(err, _("server %s has no IPv4 address in its configuration; the fence is proven by a connection to "
                                  "it"), server->name);
}

int agent_fence_folder(const char *state, struct error *err)
{
        char path[PATH_MAX];
        int fd;

        if ((size_t)snprintf(path, sizeof(path), "%s/" FOLDER, state) >= sizeof(path))
                return error_set(err, -ENAMETOOLONG, _("the path of the state folder is too long: %s"), state);
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, _("cannot make %s"), path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, _("cannot open %s"), path) : fd;
}

static void set_database(const struct config_database *database, struct fence_host *host)
{
        if (database->kind == CONFIG_MARIADB) {
                host->mariadb.options = (struct mariadb_options){ .connection = database->connection, .folder = -1, .port = host->port };
                host->setup.database = &fence_database_mariadb;
                host->setup.context = &host->mariadb;
                return;
        }
        host->postgres.options = (struct postgres_options){ .conninfo = database->connection,
                                                            .run_as = geteuid() == 0 ? "postgres" : NULL,
                                                            .hba_file = database->hba_file,
                                                            .port = host->port };
        host->setup.database = &fence_database_postgres;
        host->setup.context = &host->postgres;
}

static int host_open(const struct agent_site *site, struct fence_host *host, struct error *err)
{
        const struct config_database *database = &site->config->database;
        const struct config_limits *limits = &site->config->limits;
        int r;

        *host = (struct fence_host){ .setup = { .folder = -1 }, .postgres.postgres = warm_postgres, .mariadb.mariadb = warm_mariadb };
        if (!database->present || !text_equal(database->host, site->server->name))
                return error_usage(err, _("%s is not the database's host in this configuration"), site->server->name);
        host->port = (uint16_t)database->port;
        host->setup = (struct fence_setup){ .folder = -1,
                                            .peers = host->peers,
                                            .ports = &host->port,
                                            .port_count = 1,
                                            .limits = { .hold_down_s = limits->hold_down_ms / 1000,
                                                        .flips = (unsigned int)limits->flips,
                                                        .window_s = limits->flips_window_ms / 1000 },
                                            .lease_take_ms = limits->lease_take_ms };
        set_database(database, host);
        r = add_peers(site->config, host, err);
        if (r == 0)
                r = find_listen(site->server, &host->postgres.options.listen, err);
        if (r == 0)
                r = host->setup.folder = agent_fence_folder(site->state, err);
        host->mariadb.options.listen = host->postgres.options.listen;
        host->mariadb.options.folder = host->setup.folder;
        return r < 0 ? r : 0;
}

void agent_fence_warm(void *context)
{
        struct fence_host host;

        if (host_open(context, &host, NULL) == 0) {
                (void)barrier_prepare(NULL);
                if (host.setup.database == &fence_database_postgres)
                        fence_postgres_warm(&host.postgres);
                else
                        fence_mariadb_warm(&host.mariadb);
        }
        host_done(&host);
}

static int tell_proof(struct agent_call *call, const struct fence_proof *proof, struct error *err)
{
        json_t *told = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "sockets_ended", (json_int_t)proof->sockets_ended,
                                 "sessions_ended", (json_int_t)proof->sessions_ended, "sockets", (json_int_t)proof->sockets,
                                 "sessions", (json_int_t)proof->sessions, "holders", (json_int_t)proof->holders, "filter",
                                 proof->filter, "took_ms", (json_int_t)proof->took_ms);

        return json_object_set_new(call->result, "proof", told) < 0 ? error_memory(err) : 0;
}

static int act(struct agent_call *call, const struct fence_setup *setup, struct error *err)
{
        const char *action = agent_text(call, "action", ""), *server = agent_text(call, "server", "");
        const uint64_t epoch = agent_number(call, "epoch", 0);
        struct fence_proof proof = { 0 };
        int r;

        if (text_equal(action, "restore"))
                return fence_restore(setup, err);
        if (text_equal(action, "begin"))
                return fence_begin(setup, server, err);
        if (text_equal(action, "claim"))
                return fence_claim(setup,
                                   &(struct fence_claim){ .seen = agent_number(call, "seen", 0),
                                                          .epoch = epoch,
                                                          .holder = server,
                                                          .planned = agent_flag(call, "planned") },
                                   NULL, err);
        if (text_equal(action, "open"))
                return fence_admit(setup, epoch, server, agent_flag(call, "overlap"), err);
        if (text_equal(action, "stage"))
                return fence_stage(setup, epoch, server, err);
        r = fence_shut_out(setup, epoch, server, &proof, err);
        return r < 0 ? r : tell_proof(call, &proof, err);
}

int agent_fence(struct agent_call *call, struct error *err)
{
        struct fence_host host;
        int r = host_open(call->context, &host, err);

        if (r == 0)
                r = act(call, &host.setup, err);
        host_done(&host);
        return r;
}

static int tell_view(struct agent_call *call, const struct fence_setup *setup, const struct fence_view *view,
                     struct error *err)
{
        json_t *members = json_array();

        for (size_t i = 0; i < setup->peer_count; i++)
                json_array_append_new(members,
                                      json_pack("{s:s, s:s, s:I, s:I}", "server", setup->peers[i].name, "place",
                                                fence_place_name(fence_place_of(&view->state, setup->peers[i].name)),
                                                "sockets", (json_int_t)view->sockets[i], "sessions",
                                                (json_int_t)view->sessions[i]));
        if (json_object_set_new(call->result, "members", members) < 0 ||
            json_object_set_new(call->result, "epoch", json_integer((json_int_t)view->state.epoch)) < 0 ||
            json_object_set_new(call->result, "holder", json_string(view->state.holder)) < 0 ||
            json_object_set_new(call->result, "stage", json_string(view->state.stage)) < 0 ||
            json_object_set_new(call->result, "filter", json_boolean(view->filter)) < 0)
                return error_memory(err);
        return 0;
}

int agent_fence_look(struct agent_call *call, struct error *err)
{
        struct fence_host host;
        struct fence_view view;
        int r = host_open(call->context, &host, err);

        if (r == 0)
                r = fence_look(&host.setup, &view, err);
        if (r == 0)
                r = tell_view(call, &host.setup, &view, err);
        host_done(&host);
        return r;
}

static void add_remark(void *context, const char *sentence)
{
        json_array_append_new(context, json_string(sentence));
}

int agent_database(struct agent_call *call, struct error *err)
{
        json_t *remarks = json_array();
        struct fence_host host;
        int r = host_open(call->context, &host, err);

        if (r == 0)
                r = host.setup.database->connect(host.setup.context, err);
        if (r == 0 && host.setup.database->remarks)
                r = host.setup.database->remarks(host.setup.context, host.peers, host.setup.peer_count, add_remark, remarks, err);
        if (r == 0 && (json_object_set_new(call->result, "kind", json_string(host.setup.database->name)) < 0 ||
                       json_object_set(call->result, "remarks", remarks) < 0))
                r = error_memory(err);
        json_decref(remarks);
        host_done(&host);
        return r;
}
