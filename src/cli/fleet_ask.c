/*
 * fleet_ask.c - the facts: every agent asked at once, over the control channel that there is; and the names in DNS.
 *
 * When that is there, each is asked for its clock, over a connection that stands: the answer's time lies between question
 * and answer, and that is how exact it is.
 *
 * Three verbs make the facts of a server: `inventory`, `facts` (its addresses) and `status` (its trees). They are one
 * object that is kept as it came, with its SHA-256 in the journal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/fleet.h"
#include "crypto/digest.h"
#include "journal/record.h"
#include "traffic/agent_client.h"
#include "traffic/dns.h"

#define INVENTORY_MS (14 * 60 * INT64_C(1000))
#define QUICK_MS     INT64_C(30000)
#define DNS_MS       3000

/* One server while it is asked. */
struct asked {
        const char *name;
        struct agent_client *client; /* NULL: it cannot be asked */
        json_t *facts;
        unsigned int waiting;
        struct error failure; /* the first one */
        int64_t clock_asked_us;
        struct register_clock clock; /* time_s 0: not measured */
};

/* ---- answers ---- */

static void fail(struct asked *asked, const struct error *why)
{
        if (!asked->failure.code)
                asked->failure = *why;
}

static void take_inventory(void *context, const json_t *result, const struct error *err)
{
        struct asked *asked = context;

        asked->waiting--;
        if (result)
                json_object_update(asked->facts, (json_t *)(uintptr_t)result);
        else
                fail(asked, err);
}

static void take_addresses(void *context, const json_t *result, const struct error *err)
{
        struct asked *asked = context;
        const json_t *list = json_object_get(result, "addresses");
        json_t *addresses = json_array();

        asked->waiting--;
        if (!result)
                fail(asked, err);
        for (size_t i = 0; i < json_array_size(list) && i < FACTS_MEMBERS; i++)
                json_array_append(addresses, json_object_get(json_array_get(list, i), "address"));
        json_object_set_new(asked->facts, "addresses", addresses);
}

/* {"dest", "eligible", "verified"} of each tree. */
static void take_trees(void *context, const json_t *result, const struct error *err)
{
        struct asked *asked = context;
        const json_t *list = json_object_get(json_object_get(result, "output"), "trees");
        json_t *trees = json_array();

        asked->waiting--;
        if (!result)
                fail(asked, err);
        for (size_t i = 0; i < json_array_size(list) && i < FACTS_MEMBERS; i++) {
                const json_t *tree = json_array_get(list, i);
                const char *dest = json_string_value(json_object_get(tree, "dest"));
                const char *verified = json_string_value(json_object_get(tree, "verified"));
                int64_t verified_s = 0;

                if (verified && clock_parse_utc(verified, &verified_s) < 0)
                        verified_s = 0;
                json_array_append_new(trees, json_pack("{s:s, s:b, s:I}", "dest", dest ? dest : "?", "eligible",
                                                       json_is_true(json_object_get(tree, "eligible")), "verified",
                                                       (json_int_t)verified_s));
        }
        json_object_set_new(asked->facts, "trees", trees);
}

/* ---- asking ---- */

static int begin(const struct fleet_request *request, struct asked *asked, struct error *err)
{
        static const struct {
                const char *verb;
                int64_t deadline_ms;
                agent_answer_function *take;
        } questions[] = {
                {"inventory", INVENTORY_MS, take_inventory},
                { "facts",    QUICK_MS,     take_addresses},
                { "status",   QUICK_MS,     take_trees    },
        };
        const struct config_server *server = config_find_server(request->file.config, asked->name);
        struct agent_client_options options = { .name = asked->name, .ssh_config = request->file.config->ssh_config };
        int r;

        if (!server || !server->ssh)
                return error_set(&asked->failure, -ENOENT,
                                 _("the configuration has no ssh for it, so it cannot be asked")),
                       0;
        options.destination = server->ssh;
        r = agent_client_new(&options, &asked->client, err);
        for (size_t i = 0; i < LENGTH(questions) && r == 0; i++) {
                r = agent_client_send(asked->client, questions[i].verb, NULL, questions[i].deadline_ms, NULL,
                                      questions[i].take, asked, NULL, err);
                asked->waiting += r == 0;
        }
        return r;
}

static void take_clock(void *context, const json_t *result, const struct error *err _unused_)
{
        struct asked *asked = context;
        const json_t *told = json_object_get(result, "realtime_ns");
        const int64_t now_us = record_now_us(), took_us = now_us - asked->clock_asked_us;

        asked->waiting--;
        if (!json_is_integer(told) || took_us < 0) /* our own was set meanwhile */
                return;
        asked->clock = (struct register_clock){ now_us / 1000000,
                                                json_integer_value(told) / 1000 - (asked->clock_asked_us + took_us / 2),
                                                took_us / 2 + 1000 };
}

static int ask_clocks(struct asked *all, size_t count, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++) {
                if (!all[i].client || all[i].failure.code)
                        continue;
                all[i].clock_asked_us = record_now_us();
                r = agent_client_send(all[i].client, "clock", NULL, QUICK_MS, NULL, take_clock, &all[i], NULL, err);
                all[i].waiting += r == 0;
                agent_client_tick(all[i].client); /* it goes out now, not when something else wakes the loop */
        }
        return r;
}

static unsigned int still_waiting(const struct asked *all, size_t count)
{
        unsigned int waiting = 0;

        for (size_t i = 0; i < count; i++)
                waiting += all[i].waiting > 0;
        return waiting;
}

static int wait_for_all(const struct fleet_request *request, struct asked *all, size_t count, struct error *err)
{
        _cleanup_(memory_freep) struct pollfd *fds = memory_new(count * AGENT_CLIENT_POLLS, sizeof(*fds));
        unsigned int waiting;

        if (!fds)
                return error_memory(err);
        while ((waiting = still_waiting(all, count)) > 0) {
                nfds_t used = 0;
                int least = 60000;

                progress_show(&request->common, _("asking servers"), count - waiting, count);
                for (size_t i = 0; i < count; i++) {
                        int wait_ms;

                        if (!all[i].waiting)
                                continue;
                        used += agent_client_poll(all[i].client, fds + used);
                        wait_ms = agent_client_wait_ms(all[i].client);
                        if (wait_ms >= 0 && wait_ms < least)
                                least = wait_ms;
                }
                if (poll(fds, used, least) < 0 && errno != EINTR)
                        return error_errno(err, errno, _("cannot wait for the agents"));
                for (size_t i = 0; i < count; i++)
                        if (all[i].client)
                                agent_client_tick(all[i].client);
        }
        progress_end();
        return 0;
}

/* ---- DNS ---- */

static void ask_name(const struct config_dns *dns, const char *name, int family, json_t *names, json_t *problems)
{
        struct dns_records records = { .count = 0 };
        struct error error = ERROR_NONE;
        struct dns_server server = { .port = (uint16_t)dns->port };

        if (peer_address_parse(dns->servers.items[0].text, &server.address, &error) < 0 ||
            dns_ask(&server, name, family, DNS_MS, &records, &error) < 0) {
                json_array_append_new(problems, json_string(error.text));
                return;
        }
        for (size_t i = 0; i < records.count; i++) {
                char text[PEER_ADDRESS_TEXT];

                peer_address_text(&records.values[i], text);
                json_array_append_new(names,
                                      json_pack("{s:s, s:s, s:s}", "source", "dns", "where", name, "address", text));
        }
}

static json_t *ask_dns(const struct config *config)
{
        json_t *names = json_array(), *problems = json_array();

        for (size_t i = 0;
             config->dns.present && config->dns.driver == CONFIG_DNS_RFC2136 && i < config->dns.names.count; i++) {
                ask_name(&config->dns, config->dns.names.items[i], AF_INET, names, problems);
                ask_name(&config->dns, config->dns.names.items[i], AF_INET6, names, problems);
        }
        return json_pack("{s:o, s:o}", "names", names, "problems", problems);
}

/* ---- keeping ---- */

/* Only what can be read again is kept; the rest is a failure of that server. */
static int keep(struct fleet_request *request, struct register_file *file, struct asked *asked, struct error *err)
{
        const char *subject = *asked->name ? asked->name : "dns";
        _cleanup_(memory_freep) char *text = NULL;
        struct facts facts;
        struct digest digest;
        char failure[FLEET_TEXT_SIZE];
        int r = 0;

        if (!asked->failure.code) {
                text = json_dumps(asked->facts, JSON_COMPACT | JSON_SORT_KEYS);
                r = !text ? error_memory(&asked->failure) : facts_read(text, strlen(text), &facts, &asked->failure);
                if (r == 0)
                        facts_done(&facts);
        }
        snprintf(failure, sizeof(failure), "%.*s", (int)sizeof(failure) - 1, asked->failure.text);
        if (asked->failure.code) {
                journal_sink_add(&request->journal, "fleet_silent", NULL, json_pack("{s:s}", "subject", subject),
                                 "%s was asked for its facts and gave none", subject);
                return register_put_facts(file, asked->name, NULL, failure, clock_now(), err);
        }
        r = digest_of_bytes(text, strlen(text), &digest, err);
        if (r == 0 && asked->clock.time_s) {
                journal_sink_add(&request->journal, "fleet_clock", NULL,
                                 json_pack("{s:s, s:I, s:I}", "subject", subject, "offset_us",
                                           (json_int_t)asked->clock.offset_us, "error_us",
                                           (json_int_t)asked->clock.error_us),
                                 "the clock of %s was measured", subject);
                r = register_put_clock(file, asked->name, &asked->clock, err);
        }
        if (r < 0)
                return r;
        journal_sink_add(&request->journal, "fleet_facts", &digest, json_pack("{s:s}", "subject", subject),
                         "%s was asked for its facts", subject);
        return register_put_facts(file, asked->name, text, "", clock_now(), err);
}

static void done(struct asked *all, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                agent_client_free(all[i].client);
                json_decref(all[i].facts);
        }
}

int fleet_ask(struct fleet_request *request, struct register_file *file, const struct fleet_server *const *servers,
              size_t count, bool named, struct error *err)
{
        _cleanup_(memory_freep) struct asked *all = memory_new(count + 1, sizeof(*all));
        int r = 0;

        if (!all)
                return error_memory(err);
        for (size_t i = 0; i < count && r == 0; i++) {
                all[i] = (struct asked){ .name = servers[i]->name, .facts = json_object() };
                r = begin(request, &all[i], err);
        }
        if (r == 0)
                r = wait_for_all(request, all, count, err);
        if (r == 0)
                r = ask_clocks(all, count, err);
        if (r == 0)
                r = wait_for_all(request, all, count, err);
        if (r == 0 && named)
                all[count] = (struct asked){ .name = "", .facts = ask_dns(request->file.config) };
        for (size_t i = 0; i < count + named && r == 0; i++)
                r = keep(request, file, &all[i], err);
        journal_sink_commit(&request->journal);
        done(all, count + 1);
        return r;
}
