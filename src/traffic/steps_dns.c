/* steps_dns.c - the names of the site: from one server's own addresses to the other's. The controller asks DNS itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "dns.h"
#include "steps_private.h"

#define CHANGE_MS    10000
#define ASK_MS       2000
#define RESTORE_MS   INT64_C(20000) /* for a server to come back that is to give out the usual TTL */
#define AGAIN_MS     500
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
        if (r == 0 && !dns->tsig_key)
                return error_usage(err, _("the configuration has no tsig_key for the zone %s"), dns->zone);
        return r < 0 ? r : read_key(zone, dns->tsig_key, err);
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

/* Ends at the first that fails; `all`: goes on with the others, as an undo must, and gives the first failure. */
static int each(struct steps *steps, uint64_t ttl, bool all, each_function *function, void *context, struct error *err)
{
        static const int families[] = { AF_INET, AF_INET6 };
        const struct config *config = steps->options.config;
        int failed = 0;

        for (size_t i = 0; i < config->dns.names.count; i++)
                for (size_t f = 0; f < LENGTH(families); f++) {
                        struct dns_records from, to;
                        struct error *words = failed ? NULL : err;
                        int r = records_of(steps->from, config->dns.names.items[i], families[f], ttl, &from, words);

                        if (r == 0)
                                r = records_of(steps->to, config->dns.names.items[i], families[f], ttl, &to, words);
                        if (r == 0 && from.count && to.count)
                                r = function(context, &from, &to, words);
                        failed = failed ? failed : r;
                        if (r < 0 && !all)
                                return r;
                }
        return failed;
}

static void server_text(const struct dns_server *server, char text[static PEER_ADDRESS_TEXT])
{
        peer_address_text(&server->address, text);
}

/* Until every authoritative server shows it, for a resolver may ask any of them. Nothing is built on it before. */
static int spread(const struct zone *zone, const struct dns_records *wanted, int64_t settle_ms, struct error *err)
{
        enum dns_seen seen[DNS_SERVERS];
        char text[PEER_ADDRESS_TEXT];
        size_t behind, i = 0;
        int r = dns_wait(&zone->zone, wanted, (int)settle_ms, seen, &behind, err);

        if (r < 0 || behind == 0)
                return r;
        while (i + 1 < zone->zone.server_count && seen[i] == DNS_SEEN_SAME)
                i++;
        server_text(&zone->servers[i], text);
        if (seen[i] == DNS_SEEN_SILENT)
                return error_set(err, -ETIMEDOUT, _("%s was changed, but the authoritative server %s does not answer"),
                                 wanted->name, text);
        return error_set(err, -ETIMEDOUT, _("%s was changed, but the authoritative server %s still answers as before; does it "
                                            "get the zone's changes?"), wanted->name, text);
}

/* ---- the values ---- */

struct change {
        struct zone zone;
        int64_t settle_ms;
        bool undo;
};

static int change_one(void *context, const struct dns_records *from, const struct dns_records *to, struct error *err)
{
        const struct change *change = context;

        return dns_change(&change->zone.zone, change->undo ? to : from, change->undo ? from : to, CHANGE_MS, err);
}

static int wait_one(void *context, const struct dns_records *from, const struct dns_records *to, struct error *err)
{
        const struct change *change = context;

        return spread(&change->zone, change->undo ? from : to, change->settle_ms, err);
}

/* All names at the primary first: one that a secondary does not get must not keep the others from being changed, or back. */
int steps_dns(struct steps *steps, bool undo, struct error *err)
{
        const struct config_dns *dns = &steps->options.config->dns;
        struct change change = { .settle_ms = dns->settle_ms, .undo = undo };
        int r = zone_of(steps->options.config, &change.zone, err);

        if (r == 0)
                r = each(steps, dns->move_ttl, undo, change_one, &change, err);
        return r < 0 ? r : each(steps, dns->move_ttl, false, wait_one, &change, err);
}

struct sight {
        struct zone zone;
        size_t asked, silent, before, wanted;
        char new_at[PEER_ADDRESS_TEXT], old_at[PEER_ADDRESS_TEXT]; /* the first server of each; "": none */
};

/* Counts, and remembers where it was first. */
static void count(size_t *number, char at[static PEER_ADDRESS_TEXT], const struct dns_server *server)
{
        if ((*number)++ == 0)
                server_text(server, at);
}

static int look_one(void *context, const struct dns_records *from, const struct dns_records *to, struct error *err)
{
        struct sight *sight = context;

        for (size_t i = 0; i < sight->zone.zone.server_count; i++) {
                struct dns_records found;

                sight->asked++;
                if (dns_ask(&sight->zone.servers[i], to->name, to->family, ASK_MS, &found, err) < 0)
                        sight->silent++;
                else if (dns_same_values(&found, to))
                        count(&sight->wanted, sight->new_at, &sight->zone.servers[i]);
                else if (dns_same_values(&found, from))
                        count(&sight->before, sight->old_at, &sight->zone.servers[i]);
        }
        return 0;
}

enum event steps_dns_look(struct steps *steps, struct error *err)
{
        struct sight sight = { 0 };

        if (zone_of(steps->options.config, &sight.zone, err) < 0 || each(steps, 0, false, look_one, &sight, err) < 0 ||
            sight.silent || !sight.asked)
                return EVENT_SEEN_NOTHING;
        if (sight.wanted == sight.asked)
                return EVENT_SEEN_WANTED;
        if (sight.before == sight.asked)
                return EVENT_SEEN_BEFORE;
        if (sight.wanted && sight.before)
                error_set(err, -EBUSY, _("the authoritative server %s names %s, and %s names %s; does the zone get from the one to "
                                         "the other?"),
                          sight.new_at, steps->to->name, sight.old_at, steps->from->name);
        else
                error_set(err, -EBUSY, _("of %zu answers of the authoritative servers %zu name %s and %zu name %s"), sight.asked,
                          sight.wanted, steps->to->name, sight.before, steps->from->name);
        return EVENT_SEEN_PART;
}

/* ---- the TTL ---- */

struct setting {
        struct zone zone;
        int64_t settle_ms;
        uint32_t ttl;
        bool lower;
        int64_t patience_ms; /* with servers that cannot be asked */
        uint32_t longest; /* that a server gave out: a resolver may still have it */
};

static int longest_one(void *context, const struct dns_records *from, const struct dns_records *to _unused_,
                       struct error *err)
{
        struct setting *setting = context;

        for (size_t i = 0; i < setting->zone.zone.server_count; i++) {
                struct dns_records found;
                int r = dns_ask(&setting->zone.servers[i], from->name, from->family, ASK_MS, &found, err);

                if (r < 0)
                        return r;
                if (found.ttl > setting->longest)
                        setting->longest = found.ttl;
        }
        return 0;
}

/* A TTL that is longer already is the operator's own, and is not shortened by giving the usual one back. */
static int set_one(void *context, const struct dns_records *from, const struct dns_records *to _unused_, struct error *err)
{
        const struct setting *setting = context;
        struct dns_records now;
        int r = dns_ask(&setting->zone.zone.primary, from->name, from->family, ASK_MS, &now, err);

        if (r < 0 || (!setting->lower && now.ttl >= setting->ttl))
                return r;
        return dns_set_ttl(&setting->zone.zone, from->name, from->family, setting->ttl, CHANGE_MS, &now, err);
}

/* As it is at the primary now. */
static int shown_one(void *context, const struct dns_records *from, const struct dns_records *to _unused_, struct error *err)
{
        const struct setting *setting = context;
        struct dns_records now;
        int r = dns_ask(&setting->zone.zone.primary, from->name, from->family, ASK_MS, &now, err);

        return r < 0 ? r : spread(&setting->zone, &now, setting->settle_ms, err);
}

/* Says no, rather than nothing: then it says so again. */
static bool was_heard(int r)
{
        return r != -ETIMEDOUT && r != -ECONNREFUSED && r != -ECONNRESET && r != -EHOSTUNREACH && r != -ENETUNREACH && r != -ENETDOWN;
}

/* Giving the usual one back is worth a while: what cannot be asked now is mostly there again soon. */
static int set_all(struct steps *steps, struct setting *setting, struct error *err)
{
        const int64_t end = clock_monotonic_ms() + setting->patience_ms;
        int r = each(steps, 0, !setting->lower, set_one, setting, err);

        while (r < 0 && !was_heard(r) && clock_monotonic_ms() < end) {
                nanosleep(&(struct timespec){ .tv_nsec = AGAIN_MS * 1000000L }, NULL);
                r = each(steps, 0, !setting->lower, set_one, setting, err);
        }
        return r;
}

static int set_ttl(struct steps *steps, struct setting *setting, struct error *err)
{
        int r = set_all(steps, setting, err);

        return r < 0 ? r : each(steps, 0, false, shown_one, setting, err);
}

/* Of all tries of the step together. */
static int64_t patience(struct steps *steps)
{
        const int64_t now = clock_monotonic_ms();

        if (!steps->restore_until)
                steps->restore_until = now + RESTORE_MS;
        return steps->restore_until - now;
}

/*
 * Lower: afterwards no resolver has the records with the longer life any more, counted from when the last server gave it up.
 * When all of them had given it up before, nobody knows since when, and the drain takes the longer time.
 */
int steps_ttl(struct steps *steps, bool lower, struct error *err)
{
        const struct config_dns *dns = &steps->options.config->dns;
        struct setting setting = { .settle_ms = dns->settle_ms, .lower = lower, .patience_ms = lower ? 0 : patience(steps),
                                   .ttl = (uint32_t)(lower ? dns->move_ttl : dns->ttl) };
        int r = zone_of(steps->options.config, &setting.zone, err);

        if (r == 0 && lower)
                r = each(steps, 0, false, longest_one, &setting, err);
        if (setting.longest > steps->longest_ttl)
                steps->longest_ttl = setting.longest;
        if (r == 0)
                r = set_ttl(steps, &setting, err);
        if (r == 0 && lower && !steps->waited && steps->longest_ttl > setting.ttl) {
                clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_sec = steps->longest_ttl }, NULL);
                steps->waited = true;
        }
        return r;
}

struct ages {
        struct zone zone;
        uint64_t move_ttl, ttl;
        size_t asked, silent, low, high;
        char low_at[PEER_ADDRESS_TEXT], high_at[PEER_ADDRESS_TEXT]; /* the first server of each; "": none */
};

static int age_one(void *context, const struct dns_records *from, const struct dns_records *to _unused_, struct error *err)
{
        struct ages *ages = context;

        for (size_t i = 0; i < ages->zone.zone.server_count; i++) {
                struct dns_records found;

                ages->asked++;
                if (dns_ask(&ages->zone.servers[i], from->name, from->family, ASK_MS, &found, err) < 0) {
                        ages->silent++;
                        continue;
                }
                if (found.count && found.ttl <= ages->move_ttl)
                        count(&ages->low, ages->low_at, &ages->zone.servers[i]);
                if (found.count && found.ttl >= ages->ttl)
                        count(&ages->high, ages->high_at, &ages->zone.servers[i]);
        }
        return 0;
}

/* Where both are the same time, it is as it should be in either direction. */
enum event steps_ttl_look(struct steps *steps, bool lower, bool undo, struct error *err)
{
        const struct config_dns *dns = &steps->options.config->dns;
        struct ages ages = { .move_ttl = dns->move_ttl, .ttl = dns->ttl };
        const bool low_wanted = lower != undo;

        if (zone_of(steps->options.config, &ages.zone, err) < 0 || each(steps, 0, false, age_one, &ages, err) < 0 ||
            ages.silent || !ages.asked)
                return EVENT_SEEN_NOTHING;
        if ((low_wanted ? ages.low : ages.high) == ages.asked)
                return undo ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED;
        if ((low_wanted ? ages.high : ages.low) == ages.asked)
                return undo ? EVENT_SEEN_WANTED : EVENT_SEEN_BEFORE;
        if (ages.low && ages.high)
                error_set(err, -EBUSY, _("the authoritative servers %s and %s do not agree on the TTL of the site's names; does the "
                                         "zone get from the one to the other?"), ages.low_at, ages.high_at);
        else
                error_set(err, -EBUSY, _("the authoritative servers do not agree on the TTL of the site's names"));
        return EVENT_SEEN_PART;
}

int steps_restore_ttl(struct steps *steps, struct error *err)
{
        int r;

        steps->restore_until = clock_monotonic_ms(); /* whoever asks for it comes again */
        r = steps_ttl(steps, false, err);
        if (r == 0 && steps_ttl_look(steps, false, false, err) != EVENT_SEEN_WANTED)
                r = err && err->code ? err->code : error_set(err, -ETIMEDOUT, _("an authoritative server does not answer, so that it is "
                                                                               "not known which TTL it gives"));
        return r;
}

/* ---- before it begins ---- */

struct readiness {
        struct zone zone;
        const struct config_dns *dns;
};

static int check_one(const struct readiness *readiness, const struct dns_server *server, const struct dns_records *from,
                     const struct dns_records *to, struct error *err)
{
        char text[PEER_ADDRESS_TEXT], first[PEER_ADDRESS_TEXT] = "-";
        struct dns_records found;
        int r = dns_ask(server, from->name, from->family, ASK_MS, &found, err);

        if (r < 0)
                return r;
        server_text(server, text);
        if (found.count)
                peer_address_text(&found.values[0], first);
        if (!dns_same_values(&found, from) && !dns_same_values(&found, to))
                return error_refuse(err, _("at the authoritative server %s the name %s has %zu addresses, the first is %s: neither "
                                           "those of the one server nor those of the other in the configuration"),
                                    text, from->name, found.count, first);
        if (found.ttl > readiness->dns->ttl)
                return error_refuse(err, _("at the authoritative server %s the name %s has a TTL of %u s, longer than ttl = %llu in "
                                           "the configuration: resolvers would remember longer than a move waits; make them the "
                                           "same"),
                                    text, from->name, (unsigned int)found.ttl, (unsigned long long)readiness->dns->ttl);
        return 0;
}

/* An update that changes nothing shows that the key may: what is there is its prerequisite, and what it writes. */
static int try_key(const struct readiness *readiness, const struct dns_records *from, struct error *err)
{
        const struct dns_zone *zone = &readiness->zone.zone;
        struct dns_records now;
        enum dns_result result;
        int r = dns_ask(&zone->primary, from->name, from->family, ASK_MS, &now, err);

        return r < 0 ? r : dns_update(zone, &now, &now, CHANGE_MS, &result, err);
}

static int ready_one(void *context, const struct dns_records *from, const struct dns_records *to, struct error *err)
{
        const struct readiness *readiness = context;
        int r = 0;

        for (size_t i = 0; i < readiness->zone.zone.server_count && r == 0; i++)
                r = check_one(readiness, &readiness->zone.servers[i], from, to, err);
        return r < 0 ? r : try_key(readiness, from, err);
}

int steps_dns_ready(struct steps *steps, struct error *err)
{
        struct readiness readiness = { .dns = &steps->options.config->dns };
        int r = zone_of(steps->options.config, &readiness.zone, err);

        return r < 0 ? r : each(steps, 0, false, ready_one, &readiness, err);
}
