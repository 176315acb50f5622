/*
 * traffic_driver.c - a caller of src/traffic's drivers, as the switch is one. Ends in the error's status, with its
 * sentence on standard error.
 *
 *     traffic_driver address look|take|drop|probe|hold INTERFACE ADDRESS [probe=MS] [force] [valid=S] [time=MS] [began]
 *     traffic_driver fence FOLDER CONNINFO LISTEN PORT NAME=ADDRESS... -- begin HOLDER
 *             | claim SEEN EPOCH HOLDER [planned] | shut EPOCH NAME [die=STEP] | admit EPOCH NAME [overlap] | restore
 *             | look | remarks               (CONNINFO is libpq's, or "mariadb:WORDS")
 *     traffic_driver dns ZONE KEY ALGORITHM SECRET TIMEOUT SERVER... -- ask SERVER NAME | change NAME TTL OLD NEW
 *             | ttl NAME TTL | wait NAME TTL VALUES        (values with commas between; the first server is the
 * primary) traffic_driver gap ADDRESS TIME_MS      echo requests every millisecond: "REPLIES LONGEST_GAP_US"
 *     traffic_driver web ADDRESS PORT answers|start|stop|reload [COMMAND]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "traffic/address.h"
#include "traffic/claim.h"
#include "traffic/dns.h"
#include "traffic/fence.h"
#include "traffic/fence_mariadb.h"
#include "traffic/fence_postgres.h"
#include "traffic/web.h"

#define HOLD_DOWN_S 60
#define FLIPS       3
#define WINDOW_S    3600

_Noreturn static void wrong_use(void)
{
        fprintf(stderr, "traffic_driver: wrong use, see its source\n");
        exit(EXIT_USAGE);
}

static uint64_t number(const char *text)
{
        uint64_t value = 0;

        if (!text || text_parse_u64(text, strlen(text), UINT32_MAX, &value) < 0)
                wrong_use();
        return value;
}

/* The value of NAME=VALUE among the arguments, or NULL. */
static const char *option(char *arguments[], const char *name)
{
        size_t length = strlen(name);

        for (; *arguments; arguments++)
                if (strncmp(*arguments, name, length) == 0 && (*arguments)[length] == '=')
                        return *arguments + length + 1;
        return NULL;
}

static bool flag(char *arguments[], const char *name)
{
        for (; *arguments; arguments++)
                if (text_equal(*arguments, name))
                        return true;
        return false;
}

static int count_of(char *arguments[])
{
        int count = 0;

        while (arguments[count])
                count++;
        return count;
}

/* ---------------------------------------------------------------- address */

static int address_hold(const struct address *address, int64_t time_ms, struct error *err)
{
        int64_t end = clock_monotonic_ms() + time_ms;
        struct claim *claim = NULL;
        int r = claim_open(address, 60000, &claim, err);

        while (r >= 0 && clock_monotonic_ms() < end) {
                struct pollfd one = { .fd = claim_fd(claim), .events = POLLIN };
                struct claim_rival rival;
                char mac[NEIGHBOUR_MAC_TEXT];
                int wait = claim_wait_ms(claim);

                (void)poll(&one, 1, wait < 50 ? wait : 50);
                r = claim_tick(claim, &rival, err);
                if (r > 0) {
                        neighbour_mac_text(&rival.mac, mac);
                        printf("%s %s\n", rival.claim == NEIGHBOUR_HOLDS ? "holds" : "wants", mac);
                        fflush(stdout);
                }
        }
        claim_close(claim);
        return r < 0 ? r : 0;
}

static int address_do(const char *what, const struct address *address, char *more[], struct error *err)
{
        static const char *const places[] = { "nowhere", "here", "elsewhere", "unusable" };
        struct address_options options = { .force = flag(more, "force") };
        enum address_place place = ADDRESS_NOWHERE;
        struct neighbour_mac mac;
        char text[NEIGHBOUR_MAC_TEXT];
        int r;

        if (option(more, "probe"))
                options.probe_ms = (int)number(option(more, "probe"));
        if (option(more, "valid"))
                options.valid_s = (unsigned int)number(option(more, "valid"));
        if (flag(more, "began")) { /* in the process that acts, as an agent's, which is not started for it */
                printf("%" PRId64 "\n", clock_monotonic_ms());
                fflush(stdout);
        }
        if (text_equal(what, "take"))
                return address_take(address, &options, err);
        if (text_equal(what, "drop"))
                return address_drop(address, err);
        if (text_equal(what, "hold"))
                return address_hold(address, (int64_t)number(option(more, "time")), err);
        if (text_equal(what, "probe")) {
                r = address_probe(address, options.probe_ms, &mac, err);
                neighbour_mac_text(&mac, text);
                printf("%s\n", r > 0 ? text : "nobody");
                return r;
        }
        r = address_look(address, &place, err);
        printf("%s\n", places[place]);
        return r;
}

static int run_address(char *arguments[], struct error *err)
{
        struct address address;
        int r;

        if (count_of(arguments) < 3)
                wrong_use();
        r = address_parse(arguments[2], arguments[1], &address, err);
        return r < 0 ? r : address_do(arguments[0], &address, arguments + 3, err);
}

/* ---------------------------------------------------------------- a visitor */

static int64_t now_us(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* An echo request of IPv4 (its checksum made here) or IPv6 (the kernel's). */
static void send_echo(int fd, const struct peer_address *to)
{
        struct sockaddr_in in = { .sin_family = AF_INET };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
        struct icmphdr echo = { .type = ICMP_ECHO, .checksum = (uint16_t)~ICMP_ECHO };
        struct icmp6_hdr echo6 = { .icmp6_type = ICMP6_ECHO_REQUEST };

        memcpy(&in.sin_addr, to->bytes, 4);
        memcpy(&in6.sin6_addr, to->bytes, 16);
        if (to->family == AF_INET)
                (void)sendto(fd, &echo, sizeof(echo), MSG_DONTWAIT, (struct sockaddr *)&in, sizeof(in));
        else
                (void)sendto(fd, &echo6, sizeof(echo6), MSG_DONTWAIT, (struct sockaddr *)&in6, sizeof(in6));
}

static bool is_reply(const uint8_t *packet, ssize_t length, int family)
{
        if (family == AF_INET)
                return length >= 28 && packet[20] == ICMP_ECHOREPLY;
        return length >= 8 && packet[0] == ICMP6_ECHO_REPLY;
}

static int run_gap(char *arguments[], struct error *err)
{
        struct peer_address to;
        int64_t last = now_us(), gap = 0, end, replies = 0;
        int fd, r;

        if (count_of(arguments) != 2)
                wrong_use();
        r = peer_address_parse(arguments[0], &to, err);
        if (r < 0)
                return r;
        end = last + (int64_t)number(arguments[1]) * 1000;
        fd = socket(to.family, SOCK_RAW | SOCK_CLOEXEC, to.family == AF_INET ? IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
        while (now_us() < end) {
                struct pollfd one = { .fd = fd, .events = POLLIN };
                uint8_t packet[256];

                send_echo(fd, &to);
                while (poll(&one, 1, 1) > 0) {
                        ssize_t length = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
                        int64_t now = now_us();

                        if (!is_reply(packet, length, to.family))
                                continue;
                        gap = now - last > gap ? now - last : gap;
                        last = now;
                        replies++;
                }
        }
        close(fd);
        gap = end - last > gap ? end - last : gap;
        printf("%" PRId64 " %" PRId64 "\n", replies, gap);
        return 0;
}

/* ---------------------------------------------------------------- fence */

static void die_at(void *context, enum fence_step step)
{
        if (*(enum fence_step *)context == step)
                raise(SIGKILL);
}

static void print_view(const struct fence_setup *setup, const struct fence_view *view)
{
        printf("{\"epoch\":%" PRIu64 ",\"holder\":\"%s\",\"filter\":%s,\"servers\":{", view->state.epoch,
               view->state.holder, view->filter ? "true" : "false");
        for (size_t i = 0; i < setup->peer_count; i++)
                printf("%s\"%s\":{\"place\":\"%s\",\"sockets\":%zu,\"sessions\":%zu}", i ? "," : "",
                       setup->peers[i].name, fence_place_name(fence_place_of(&view->state, setup->peers[i].name)),
                       view->sockets[i], view->sessions[i]);
        printf("}}\n");
}

static int fence_shut(struct fence_setup *setup, char *arguments[], struct error *err)
{
        static enum fence_step step;
        struct fence_proof proof = { 0 };
        int r;

        if (option(arguments, "die")) {
                step = (enum fence_step)number(option(arguments, "die"));
                setup->before = die_at;
                setup->before_context = &step;
        }
        r = fence_shut_out(setup, number(arguments[1]), arguments[2], &proof, err);
        printf("{\"ended\":{\"sockets\":%zu,\"sessions\":%zu},\"left\":{\"sockets\":%zu,\"sessions\":%zu,\"holders\":%"
               "zu},"
               "\"filter\":%s,\"ms\":%" PRId64 "}\n",
               proof.sockets_ended, proof.sessions_ended, proof.sockets, proof.sessions, proof.holders,
               proof.filter ? "true" : "false", proof.took_ms);
        return r;
}

static void print_remark(void *context _unused_, const char *sentence)
{
        printf("%s\n", sentence);
}

static int fence_remarks(struct fence_setup *setup, struct error *err)
{
        int r = setup->database->connect(setup->context, err);

        return r < 0 ? r : setup->database->remarks(setup->context, setup->peers, setup->peer_count, print_remark, NULL, err);
}

static int fence_do(struct fence_setup *setup, char *arguments[], struct error *err)
{
        const char *what = arguments[0];
        int count = count_of(arguments), r;
        struct fence_view view;

        if (text_equal(what, "restore"))
                return fence_restore(setup, err);
        if (text_equal(what, "remarks"))
                return fence_remarks(setup, err);
        if (text_equal(what, "look")) {
                r = fence_look(setup, &view, err);
                if (r == 0)
                        print_view(setup, &view);
                return r;
        }
        if (count >= 2 && text_equal(what, "begin"))
                return fence_begin(setup, arguments[1], err);
        if (count >= 4 && text_equal(what, "claim"))
                return fence_claim(setup,
                                   &(struct fence_claim){ number(arguments[1]), number(arguments[2]), arguments[3],
                                                          flag(arguments, "planned") },
                                   NULL, err);
        if (count >= 3 && text_equal(what, "shut"))
                return fence_shut(setup, arguments, err);
        if (count >= 3 && text_equal(what, "admit"))
                return fence_admit(setup, number(arguments[1]), arguments[2], flag(arguments, "overlap"), err);
        wrong_use();
}

static int run_fence(char *arguments[], struct error *err)
{
        static struct peer peers[PEER_HOSTS];
        uint16_t port = 0;
        struct fence_postgres postgres = { .options = { .run_as = "postgres" } };
        struct fence_mariadb mariadb = { .options = { .folder = -1 } };
        struct fence_setup setup = {
                .peers = peers,
                .ports = &port,
                .port_count = 1,
                .limits = {HOLD_DOWN_S, FLIPS, WINDOW_S},
                .database = &fence_database_postgres,
                .context = &postgres
        };
        int r;

        if (count_of(arguments) < 6)
                wrong_use();
        setup.folder = open(arguments[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        postgres.options.conninfo = arguments[1];
        port = postgres.options.port = (uint16_t)number(arguments[3]);
        r = peer_address_parse(arguments[2], &postgres.options.listen, err);
        if (text_starts(arguments[1], "mariadb:")) {
                mariadb.options = (struct mariadb_options){ .connection = arguments[1] + 8, .folder = setup.folder,
                                                            .listen = postgres.options.listen, .port = port };
                setup.database = &fence_database_mariadb;
                setup.context = &mariadb;
        }
        for (arguments += 4; r == 0 && *arguments && !text_equal(*arguments, "--"); arguments++) {
                const char *value = strchr(*arguments, '=');
                struct peer *peer = &peers[setup.peer_count];

                if (!value || value - *arguments >= PEER_NAME_SIZE)
                        wrong_use();
                memcpy(peer->name, *arguments, (size_t)(value - *arguments));
                r = peer_add(peer, value + 1, err);
                setup.peer_count++;
        }
        if (r < 0)
                return r;
        if (!*arguments || !arguments[1])
                wrong_use();
        r = fence_do(&setup, arguments + 1, err);
        fence_postgres_done(&postgres);
        fence_mariadb_done(&mariadb);
        return r;
}

/* ---------------------------------------------------------------- dns */

static struct dns_records records_of(const char *name, const char *ttl, char *values)
{
        struct dns_records records = { .family = AF_INET, .ttl = (uint32_t)number(ttl) };
        char *next;

        if (strlen(name) >= sizeof(records.name))
                wrong_use();
        memcpy(records.name, name, strlen(name));
        for (; values && *values; values = next) {
                next = strchr(values, ',');
                if (next)
                        *next++ = '\0';
                if (peer_address_parse(values, &records.values[records.count], NULL) < 0)
                        wrong_use();
                records.family = records.values[records.count++].family;
        }
        return records;
}

static void print_records(const struct dns_records *records)
{
        printf("%u", records->count ? records->ttl : 0);
        for (size_t i = 0; i < records->count; i++) {
                char text[PEER_ADDRESS_TEXT];

                peer_address_text(&records->values[i], text);
                printf(" %s", text);
        }
        printf("\n");
}

static int dns_do_wait(const struct dns_zone *zone, const struct dns_records *wanted, int timeout, struct error *err)
{
        static const char *const words[] = { "same", "other", "silent" };
        enum dns_seen seen[DNS_SERVERS];
        size_t behind = 0;
        int r = dns_wait(zone, wanted, timeout, seen, &behind, err);

        for (size_t i = 0; r == 0 && i < zone->server_count; i++)
                printf("%s ", words[seen[i]]);
        printf("%zu\n", behind);
        return r;
}

static int dns_do(const struct dns_zone *zone, int timeout, char *arguments[], struct error *err)
{
        int count = count_of(arguments), r;
        struct dns_records old, new;
        struct dns_server server;

        if (count == 3 && text_equal(arguments[0], "ask")) {
                r = dns_server_parse(arguments[1], &server, err);
                if (r == 0)
                        r = dns_ask(&server, arguments[2], AF_INET, timeout, &new, err);
        } else if (count == 5 && text_equal(arguments[0], "change")) {
                old = records_of(arguments[1], arguments[2], arguments[3]);
                new = records_of(arguments[1], arguments[2], arguments[4]);
                r = dns_change(zone, &old, &new, timeout, err);
        } else if (count == 3 && text_equal(arguments[0], "ttl")) {
                r = dns_set_ttl(zone, arguments[1], AF_INET, (uint32_t)number(arguments[2]), timeout, &new, err);
        } else if (count == 4 && text_equal(arguments[0], "wait")) {
                new = records_of(arguments[1], arguments[2], arguments[3]);
                return dns_do_wait(zone, &new, timeout, err);
        } else {
                wrong_use();
        }
        if (r == 0)
                print_records(&new);
        return r;
}

static int run_dns(char *arguments[], struct error *err)
{
        struct dns_server servers[DNS_SERVERS];
        struct dns_zone zone = { .servers = servers };
        int timeout, r = 0;

        if (count_of(arguments) < 8)
                wrong_use();
        zone.name = arguments[0];
        zone.key = (struct dns_key){ arguments[1], arguments[2], arguments[3] };
        timeout = (int)number(arguments[4]);
        for (arguments += 5; r == 0 && *arguments && !text_equal(*arguments, "--"); arguments++)
                r = dns_server_parse(*arguments, &servers[zone.server_count++], err);
        if (r < 0)
                return r;
        zone.primary = servers[0];
        if (!*arguments || !arguments[1])
                wrong_use();
        return dns_do(&zone, timeout, arguments + 1, err);
}

/* ---------------------------------------------------------------- web */

static int run_web(char *arguments[], struct error *err)
{
        struct web web = { .timeout_ms = 5000 };
        const char *what;
        int r;

        if (count_of(arguments) < 3)
                wrong_use();
        web.port = (uint16_t)number(arguments[1]);
        web.start = web.stop = web.reload = arguments[3];
        what = arguments[2];
        r = peer_address_parse(arguments[0], &web.address, err);
        if (r < 0)
                return r;
        if (text_equal(what, "start"))
                return web_start(&web, err);
        if (text_equal(what, "stop"))
                return web_stop(&web, err);
        if (text_equal(what, "reload"))
                return web_reload(&web, err);
        r = web_answers(&web, err);
        printf("%s\n", r > 0 ? "yes" : "no");
        return r;
}

int main(int argc, char *argv[])
{
        struct error error = ERROR_NONE;
        int r;

        if (argc < 3)
                wrong_use();
        if (text_equal(argv[1], "address"))
                r = run_address(argv + 2, &error);
        else if (text_equal(argv[1], "fence"))
                r = run_fence(argv + 2, &error);
        else if (text_equal(argv[1], "dns"))
                r = run_dns(argv + 2, &error);
        else if (text_equal(argv[1], "gap"))
                r = run_gap(argv + 2, &error);
        else if (text_equal(argv[1], "web"))
                r = run_web(argv + 2, &error);
        else
                wrong_use();
        if (r >= 0)
                return EXIT_DONE;
        fprintf(stderr, "%s\n", error.text);
        return error.status;
}
