/* steps_dns.c - the names of the site: from one server's own addresses to the other's. The controller asks DNS itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "dns.h"
#include "steps_private.h"

#define CHANGE_MS    10000
#define WAIT_MS      30000
#define ASK_MS       2000
#define KEY_MAXIMUM  4096 /* bytes of the key's file */

/* The zone as the drivers take it, with room for its texts. */
struct zone {
        struct dns_zone zone;
        struct dns_server servers[DNS_SERVERS];
        char key[KEY_MAXIMUM + 1];
};

/* "hmac-sha256:NAME:SECRET", one line, as `knsupdate -y` and `nsupdate -y` take it. */
static int read_key(struct zone *zone, const char *path, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEY_MAXIMUM);
        char *name, *secret;
        int r = file_read(AT_FDCWD, path, &text, err);

        if (r < 0)
                return r;
        memcpy(zone->key, buffer_text(&text), text.length + 1);
        zone->key[strcspn(zone->key, "\r\n")] = '\0';
        name = strchr(zone->key, ':');
        secret = name ? strchr(name + 1, ':') : NULL;
        if (!secret)
                return error_usage(err, _("%s is not a TSIG key; one line ALGORITHM:NAME:SECRET is needed, as "
                                          "hmac-sha256:understudy:c2VjcmV0"), path);
        *name = *secret = '\0';
        zone->zone.key = (struct dns_key){ .algorithm = zone->key, .name = name + 1, .secret = secret + 1 };
        return 0;
}

static int zone_of(const struct config *config, struct zone *zone, struct error *err)
{
        const struct config_dns *dns = &config->dns;
        int r = 0;

        *zone = (struct zone){ .zone = { .name = dns->zone, .servers = zone->servers } };
        for (size_t i = 0; i < dns->servers.count && i < DNS_SERVERS && r == 0; i++) {
                r = peer_address_parse(dns->servers.items[i].text, &zone->servers[i].address, err);
                zone->servers[i].port = (uint16_t)dns->port;
                zone->zone.server_count++;
        }
        if (r == 0 && zone->zone.server_count == 0)
                return error_usage(err, _("the configuration names no authoritative server of DNS"));
        zone->zone.primary = zone->servers[0];
        if (r == 0 && dns->tsig_key)
                r = read_key(zone, dns->tsig_key, err);
        return r;
}

/* What a name has when a server is on stage: that server's own addresses of the family. */
static int records_of(const struct config_server *server, const char *name, int family, uint64_t ttl,
                      struct dns_records *ret_records, struct error *err)
{
        *ret_records = (struct dns_records){ .family = family, .ttl = (uint32_t)ttl };
        if ((size_t)snprintf(ret_records->name, sizeof(ret_records->name), "%s", name) >= sizeof(ret_records->name))
                return error_usage(err, _("the name %s is too long for DNS"), name);
        for (size_t i = 0; i < server->addresses.count; i++) {
                int r;

                if (server->addresses.items[i].family != family || ret_records->count == DNS_VALUES)
                        continue;
                r = peer_address_parse(server->addresses.items[i].text, &ret_records->values[ret_records->count], err);
                if (r < 0)
                        return r;
                ret_records->count++;
        }
        return 0;
}

/* One pair of record sets for each name and family that both servers have. */
typedef int each_function(void *context, const struct dns_records *from, const struct dns_records *to, struct error *err);

static int each(struct steps *steps, uint64_t ttl, each_function *function, void *context, struct error *err)
{
        static const int families[] = { AF_INET, AF_INET6 };
        const struct config *config = steps->options.config;

        for (size_t i = 0; i < config->dns.names.count; i++)
                for (size_t f = 0; f < LENGTH(families); f++) {
                        struct dns_records from, to;
                        int r = records_of(steps->from, config->dns.names.items[i], families[f], ttl, &from, err);

                        if (r == 0)
                                r = records_of(steps->to, config->dns.names.items[i], families[f], ttl, &to, err);
                        if (r == 0 && from.count && to.count)
                                r = function(context, &from, &to, err);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* ---- the values ---- */

struct change {
        struct zone zone;
        bool undo;
};

static int change_one(void *context, const struct dns_records *from, const struct dns_records *to, struct error *err)
{
        const struct change *change = context;
        const struct dns_records *wanted = change->undo ? from : to;
        enum dns_seen seen[DNS_SERVERS];
        size_t behind;
        int r = dns_change(&change->zone.zone, change->undo ? to : from, wanted, CHANGE_MS, err);

        return r < 0 ? r : dns_wait(&change->zone.zone, wanted, WAIT_MS, seen, &behind, err);
}

int steps_dns(struct steps *steps, bool undo, struct error *err)
{
        struct change change = { .undo = undo };
        int r = zone_of(steps->options.config, &change.zone, err);

        return r < 0 ? r : each(steps, steps->options.config->dns.move_ttl, change_one, &change, err);
}

struct sight {
        struct zone zone;
        size_t asked, silent, before, wanted;
};

static int look_one(void *context, const struct dns_records *from, const struct dns_records *to, struct error *err)
{
        struct sight *sight = context;

        for (size_t i = 0; i < sight->zone.zone.server_count; i++) {
                struct dns_records found;

                sight->asked++;
                if (dns_ask(&sight->zone.servers[i], to->name, to->family, ASK_MS, &found, err) < 0)
                        sight->silent++;
                else if (dns_same_values(&found, to))
                        sight->wanted++;
                else if (dns_same_values(&found, from))
                        sight->before++;
        }
        return 0;
}

enum event steps_dns_look(struct steps *steps, struct error *err)
{
        struct sight sight = { 0 };

        if (zone_of(steps->options.config, &sight.zone, err) < 0 || each(steps, 0, look_one, &sight, err) < 0 ||
            sight.silent || !sight.asked)
                return EVENT_SEEN_NOTHING;
        if (sight.wanted == sight.asked)
                return EVENT_SEEN_WANTED;
        if (sight.before == sight.asked)
                return EVENT_SEEN_BEFORE;
        error_set(err, -EBUSY, _("of %zu answers of the authoritative servers %zu name %s and %zu name %s"), sight.asked,
                  sight.wanted, steps->to->name, sight.before, steps->from->name);
        return EVENT_SEEN_PART;
}

/* ---- the TTL ---- */

struct lowering {
        struct zone zone;
        uint32_t ttl, longest; /* longest: that a resolver may still have */
};

static int lower_one(void *context, const struct dns_records *from, const struct dns_records *to _unused_,
                     struct error *err)
{
        struct lowering *lowering = context;
        struct dns_records before, now;
        enum dns_seen seen[DNS_SERVERS];
        size_t behind;
        int r = dns_set_ttl(&lowering->zone.zone, from->name, from->family, lowering->ttl, CHANGE_MS, &before, err);

        if (r < 0)
                return r;
        if (before.ttl > lowering->longest)
                lowering->longest = before.ttl;
        now = before;
        now.ttl = lowering->ttl;
        return dns_wait(&lowering->zone.zone, &now, WAIT_MS, seen, &behind, err);
}

/* Afterwards no resolver has the records with the longer life any more, if `wait`. */
int steps_ttl(struct steps *steps, uint64_t ttl, bool wait, struct error *err)
{
        struct lowering lowering = { .ttl = (uint32_t)ttl };
        int r = zone_of(steps->options.config, &lowering.zone, err);

        if (r == 0)
                r = each(steps, 0, lower_one, &lowering, err);
        /* After a crash the old TTL is known no more, only the usual one. */
        if (r == 0 && wait && lowering.longest > ttl)
                clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_sec = lowering.longest }, NULL);
        return r;
}

struct ages {
        struct zone zone;
        uint64_t wanted, before;
        size_t asked, silent, as_wanted, as_before;
};

static int age_one(void *context, const struct dns_records *from, const struct dns_records *to _unused_, struct error *err)
{
        struct ages *ages = context;

        for (size_t i = 0; i < ages->zone.zone.server_count; i++) {
                struct dns_records found;

                ages->asked++;
                if (dns_ask(&ages->zone.servers[i], from->name, from->family, ASK_MS, &found, err) < 0)
                        ages->silent++;
                else if (found.ttl == ages->wanted)
                        ages->as_wanted++;
                else if (found.ttl == ages->before)
                        ages->as_before++;
        }
        return 0;
}

enum event steps_ttl_look(struct steps *steps, uint64_t wanted, uint64_t before, struct error *err)
{
        struct ages ages = { .wanted = wanted, .before = before };

        if (zone_of(steps->options.config, &ages.zone, err) < 0 || each(steps, 0, age_one, &ages, err) < 0 ||
            ages.silent || !ages.asked)
                return EVENT_SEEN_NOTHING;
        if (ages.as_wanted == ages.asked)
                return EVENT_SEEN_WANTED;
        if (ages.as_before == ages.asked)
                return EVENT_SEEN_BEFORE;
        error_set(err, -EBUSY, _("the authoritative servers do not agree on the TTL of the site's names"));
        return EVENT_SEEN_PART;
}
