/*
 * agent_verbs.c - the closed list of what the controller may ask a server for.
 *
 * None of these names a folder (but in a mutable area), a URL, a key or a command: those are this server's own
 * configuration. So whoever has
 * taken the controller can at worst have a server pull what a release key signed, stop its web server, or take it off
 * the stage; he cannot put a byte of his own in front of a visitor.
 */
#include "cli/agent_verbs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"
#include "ipc/sandbox.h"
#include "probe/page.h"
#include "traffic/agent_site.h"
#include "traffic/agent_stage.h"

#define SECOND  INT64_C(1000)
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define ARGUMENTS 64
#define VANTAGE_BYTES (UINT64_C(512) << 20)

/* ---- who is there ---- */

static int add(struct agent_call *call, json_t *more, struct error *err)
{
        int r = more ? json_object_update(call->result, more) : -1;

        json_decref(more);
        return r < 0 ? error_memory(err) : 0;
}

static int hello(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const struct agent_verb *list = site->asker ? agent_peer_verbs : agent_verbs;
        json_t *verbs = json_array();

        for (size_t i = 0; i < (site->asker ? agent_peer_verb_count : agent_verb_count); i++)
                json_array_append_new(verbs, json_string(list[i].name));
        return add(call,
                   json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:s, s:o}", "protocol", AGENT_PROTOCOL, "version",
                             UNDERSTUDY_VERSION, "server", site->server->name, "role",
                             config_role_name((enum config_role)site->server->role), "site", site->config->site,
                             "serial", (json_int_t)site->config->serial, "config", site->digest, "verbs", verbs),
                   err);
}

static json_int_t nanoseconds(clockid_t clock)
{
        struct timespec now;

        clock_gettime(clock, &now);
        return (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int tell_clock(struct agent_call *call, struct error *err)
{
        char boot_id[CLOCK_BOOT_ID_SIZE];

        clock_boot_id(boot_id);
        return add(call,
                   json_pack("{s:I, s:I, s:s}", "realtime_ns", nanoseconds(CLOCK_REALTIME), "monotonic_ns",
                             nanoseconds(CLOCK_MONOTONIC), "boot_id", boot_id),
                   err);
}

/* [{"interface": "eth0", "address": "192.0.2.11", "up": true}], loopback's own left out. */
static json_t *list_addresses(void)
{
        json_t *list = json_array();
        struct ifaddrs *all = NULL;

        if (getifaddrs(&all) < 0)
                return list;
        for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
                const void *bytes = NULL;
                char text[INET6_ADDRSTRLEN];

                if (!one->ifa_addr)
                        continue;
                if (one->ifa_addr->sa_family == AF_INET)
                        bytes = &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
                else if (one->ifa_addr->sa_family == AF_INET6)
                        bytes = &((const struct sockaddr_in6 *)(const void *)one->ifa_addr)->sin6_addr;
                if (bytes && inet_ntop(one->ifa_addr->sa_family, bytes, text, sizeof(text)))
                        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "interface", one->ifa_name, "address",
                                                              text, "up", (one->ifa_flags & IFF_UP) != 0));
        }
        freeifaddrs(all);
        return list;
}

static int facts(struct agent_call *call, struct error *err)
{
        struct utsname names;

        if (uname(&names) < 0)
                return error_errno(err, errno, _("cannot tell what machine this is"));
        return add(call,
                   json_pack("{s:s, s:s, s:s, s:I, s:o}", "host", names.nodename, "kernel", names.release, "machine",
                             names.machine, "uptime_s", nanoseconds(CLOCK_BOOTTIME) / 1000000000, "addresses",
                             list_addresses()),
                   err);
}

/* ---- trees ---- */

static int docroot(const struct agent_site *site, const char **ret_dest, struct error *err)
{
        *ret_dest = config_root_dest(site->server, "docroot");
        return *ret_dest ? 0 : error_usage(err, _("server %s has no docroot in its configuration"), site->server->name);
}

static int status(struct agent_call *call, struct error *err)
{
        const char *const argv[] = { "status", NULL };

        return agent_run_program(call, argv, err);
}

static int check(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const char *argv[] = { "check", config_root_dest(site->server, "docroot"), NULL };

        return agent_run_program(call, argv, err);
}

/* "NAME=DEST" of the roots besides the docroot, behind --root. Their texts live as long as the process. */
static size_t add_roots(const struct agent_site *site, const char *argv[], size_t n)
{
        static char texts[CONFIG_ROOTS_MAXIMUM][CONFIG_TEXT_MAXIMUM + 1];

        for (size_t i = 0; i < site->server->roots.count; i++) {
                const struct config_root *root = &site->server->roots.items[i];

                if (text_equal(root->name, "docroot"))
                        continue;
                snprintf(texts[i], sizeof(texts[i]), "%s=%s", root->name, root->dest);
                argv[n++] = "--root";
                argv[n++] = texts[i];
        }
        return n;
}

static int verify(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const char *argv[ARGUMENTS] = { "verify" };
        size_t n = 2;
        int r = docroot(site, &argv[1], err);

        if (r < 0)
                return r;
        argv[n++] = "--pub";
        argv[n++] = site->config->repository.pub;
        n = add_roots(site, argv, n);
        argv[n] = NULL;
        return agent_run_program(call, argv, err);
}

static int pull(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        const char *argv[ARGUMENTS] = { "pull" };
        char release[32];
        size_t n = 2;
        int r = docroot(site, &argv[1], err);

        if (r < 0)
                return r;
        argv[n++] = "--repo";
        argv[n++] = site->config->repository.url;
        argv[n++] = "--pub";
        argv[n++] = site->config->repository.pub;
        n = add_roots(site, argv, n);
        if (site->server->web_check) {
                argv[n++] = "--check";
                argv[n++] = site->server->web_check;
        }
        if (site->server->web_reload) {
                argv[n++] = "--reload";
                argv[n++] = site->server->web_reload;
        }
        if (agent_number(call, "release", 0)) {
                snprintf(release, sizeof(release), "%" PRIu64, agent_number(call, "release", 0));
                argv[n++] = "--release";
                argv[n++] = release;
        }
        argv[n] = NULL;
        return agent_run_program(call, argv, err);
}

/* ---- the stage ---- */

static int withdraw(struct agent_call *call, struct error *err)
{
        const char *const argv[] = { "withdraw", "--reason", agent_text(call, "reason", ""), NULL };

        return agent_run_program(call, argv, err);
}

static int readmit(struct agent_call *call, struct error *err)
{
        const char *const argv[] = { "withdraw", "--back", NULL };

        return agent_run_program(call, argv, err);
}

static int web(struct agent_call *call, struct error *err)
{
        const struct config_server *server = ((const struct agent_site *)call->context)->server;
        const char *action = agent_text(call, "action", "");
        const char *command = text_equal(action, "start")  ? server->web_start
                              : text_equal(action, "stop") ? server->web_stop
                                                           : server->web_reload;
        char key[32];

        snprintf(key, sizeof(key), "web_%s", action);
        if (!command)
                return error_usage(err, _("server %s has no %s in its configuration"), server->name, key);
        return agent_run_command(key, command, err);
}

/* What pages say comes from outside; the process of a vantage ends with its answer. */
static int go_apart(struct error *err)
{
        const struct sandbox sandbox = { .network = true, .memory_bytes = VANTAGE_BYTES };
        static bool apart;
        int r = apart ? 0 : sandbox_enter(&sandbox, err);

        apart = r == 0;
        return r;
}

static void warm_vantage(void *context _unused_)
{
        if (page_prepare(NULL) == 0)
                (void)go_apart(NULL);
}

/* {"good": false, "text": "..."}: each check of the configuration, at the service's address or by name. */
static int vantage(struct agent_call *call, struct error *err)
{
        const struct config *config = ((const struct agent_site *)call->context)->config;
        const char *address = config->service.present ? config->service.addresses.items[0].text : NULL;
        struct error seen = ERROR_NONE;
        int r = go_apart(err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < config->check_count && r == 0; i++) {
                const struct config_check *check = &config->checks[i];

                r = page_probe(&(struct page_request){ .url = check->url, .address = address, .status = check->status,
                                                       .expect = check->expect, .timeout_ms = check->timeout_ms },
                               &seen);
        }
        return add(call, json_pack("{s:b, s:s}", "good", r == 0, "text", seen.text), err);
}

/* ---- the table ---- */

static const char *const web_actions[] = { "start", "stop", "reload", NULL };

static const struct agent_argument pull_arguments[] = {
        {"release", AGENT_NUMBER, false, 999999999, NULL},
        { NULL,     AGENT_FLAG,   false, 0,         NULL},
};
static const struct agent_argument withdraw_arguments[] = {
        {"reason", AGENT_TEXT, true,  500, NULL},
        { NULL,    AGENT_FLAG, false, 0,   NULL},
};
static const struct agent_argument web_arguments[] = {
        {"action", AGENT_WORD, true,  0, web_actions},
        { NULL,    AGENT_FLAG, false, 0, NULL       },
};

const struct agent_verb agent_verbs[] = {
        /* Says who answers, with what version and what configuration: nothing else is asked before. */
        {"hello",     NULL,               AGENT_AT_ONCE, SECOND,      hello     },
        /* For the difference of two clocks: what leases and journals are worth. Also a sign of life. */
        { "clock",    NULL,               AGENT_AT_ONCE, SECOND,      tell_clock},
        /* What the machine is, and which addresses it has: read back by others than those who set them. */
        { "facts",    NULL,               AGENT_BESIDE,  10 * SECOND, facts     },
        /* What it is built of, who may enter it, and whom its files name, for the register of servers. Reads what root can
         * read, but answers in names, fingerprints and ages: no secret, no hash of a password, no content of a file. */
        { "inventory", NULL,              AGENT_BESIDE,  15 * MINUTE, agent_inventory },
        /* May visitors be sent here, and why not. */
        { "status",   NULL,               AGENT_BESIDE,  10 * SECOND, status    },
        /* What of this machine is not ready: for `understudy check` on the controller. Changes nothing. */
        { "check",    NULL,               AGENT_BESIDE,  MINUTE,      check     },
        /* Is the tree equal to its release? Reads only; before anybody is sent here. */
        { "verify",   NULL,               AGENT_TREE,    2 * HOUR,    verify    },
        /* Makes the tree the signed release, from the configured repository, with the configured key: it cannot be
         * told what to fetch but for a number, which is never older than one accepted. A first pull, with --adopt, is
         * for a person on the server. */
        { "pull",     pull_arguments,     AGENT_TREE,    6 * HOUR,    pull      },
        /* Off the stage, at once, beside whatever else runs: the one thing that is always safe to ask for. */
        { "withdraw", withdraw_arguments, AGENT_BESIDE,  MINUTE,      withdraw  },
        /* On the stage again; the server itself refuses it for a tree that was not proven since. */
        { "readmit",  NULL,               AGENT_BESIDE,  MINUTE,      readmit   },
        /* A stand-by rests stopped and is started when it is proven; the commands are the configuration's. */
        { "web",      web_arguments,      AGENT_WEB,     2 * MINUTE,  web       },
        /* The service's address comes to this server or leaves it; which address and interface is configured here. It is not
         * taken while somebody else on the segment answers for it. */
        { "address", agent_address_arguments, AGENT_ADDRESS, 10 * SECOND, agent_address },
        /* Where that address is, read back another way. */
        { "address-look", NULL, AGENT_BESIDE, 5 * SECOND, agent_address_look },
        /* Established connections in a planned move: packets of the service's address and ports, and no others, are handed on
         * to another server of this configuration that answers on the same segment; or the address stays on the loopback
         * interface. All of it is taken back by `end`. */
        { "relay", agent_relay_arguments, AGENT_ADDRESS, 10 * SECOND, agent_relay },
        /* Whether that could be done, and whether it is. */
        { "relay-ready", agent_relay_arguments, AGENT_BESIDE, 5 * SECOND, agent_relay_ready },
        { "relay-look", agent_relay_look_arguments, AGENT_BESIDE, 5 * SECOND, agent_relay_look },
        /* How many visitors are still connected: a server that leaves the stage is drained first. */
        { "connections", NULL, AGENT_BESIDE, 5 * SECOND, agent_connections },
        /* Who may write to the database. Judged by this host's own rules and epoch: an older controller is refused, and
         * nobody is let in while another is not proven out. */
        { "fence", agent_fence_arguments, AGENT_DATABASE, MINUTE, agent_fence, agent_fence_warm, true },
        /* Whether the fence could do its work, and what the database's rules cannot shut out: for `understudy check`. Names
         * accounts, no secret. */
        { "database", NULL, AGENT_BESIDE, 10 * SECOND, agent_database },
        /* What the host's own rules know: epoch, who is on stage, leases. Reads a file. */
        { "arbiter", NULL, AGENT_AT_ONCE, SECOND, agent_arbiter },
        /* The site as a visitor sees it, from here: a second vantage point. Pages and addresses are the configuration's. */
        { "vantage", NULL, AGENT_BESIDE, MINUTE, vantage, warm_vantage },
        /* Which mutable areas the signed release in place has: names, no contents. */
        { "areas", NULL, AGENT_BESIDE, MINUTE, agent_areas, agent_carry_warm, true },
        /* What is in one: names and digests of what its rules allow, and of what they don't the name and the rule. */
        { "area-scan", agent_area_scan_arguments, AGENT_AREA, 2 * HOUR, agent_area_scan, agent_carry_warm, true },
        { "area-list", agent_area_list_arguments, AGENT_AREA, 5 * MINUTE, agent_area_list, agent_carry_warm, true },
        /* A piece of a file, for the other server. It is read below the area, through no link, and may be secret as uploads are:
         * a controller in the hands of an intruder sees them. */
        { "area-read", agent_area_read_arguments, AGENT_AREA, 5 * MINUTE, agent_area_read, agent_carry_warm, true },
        /* A piece of a file from the other server. It stays below the area; what the rules of the release in place refuse is
         * never visible, whoever sends it; and what is not as the sender has seen it stays as it is. */
        { "area-write", agent_area_write_arguments, AGENT_AREA, HOUR, agent_area_write, agent_carry_warm, true },
        /* Files that were written so far and wait, with one sync for all of them. */
        { "area-settle", agent_area_settle_arguments, AGENT_AREA, HOUR, agent_area_settle, agent_carry_warm, true },
        /* A file that the server on stage has not got any more is moved aside, where it is kept; nothing is deleted. */
        { "area-keep", agent_area_keep_arguments, AGENT_AREA, HOUR, agent_area_keep, agent_carry_warm, true },
        /* Who may write now, measured. */
        { "fence-look", NULL, AGENT_BESIDE, 10 * SECOND, agent_fence_look, agent_fence_warm, true },
};
const size_t agent_verb_count = LENGTH(agent_verbs);

const struct agent_verb agent_peer_verbs[] = {
        { "hello", NULL, AGENT_AT_ONCE, SECOND, hello },
        /* May the server whose keeper this is hold the service's address? Whoever has taken that server can keep its own
         * lease alive by asking, and nothing else: the database's fence does not ask him. */
        { "lease", NULL, AGENT_AT_ONCE, SECOND, agent_lease },
        /* The secret that makes a visitor of an address and a browser, for one day. Only the server that the configuration
         * names has it, and it gives it only to an analysis server that it finds proven itself, at that moment, and to a web
         * server that says it reads its logs only while it is proven. Not in the list of the controller, which needs none. */
        { "salt", agent_salt_arguments, AGENT_BESIDE, MINUTE, agent_salt },
};
const size_t agent_peer_verb_count = LENGTH(agent_peer_verbs);
