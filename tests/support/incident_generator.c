/*
 * incident_generator.c FOLDER REQUESTS ACCOUNTS SEED [combined] - plays an incident and writes what its operator would
 * have: access logs of three servers, login records, what a guard saw; and, apart from these, the truth. Shares no code
 * with the product; the same arguments give the same bytes.
 *
 * FOLDER/webN.T.log      logs, rotated every six hours of the server's own clock, which is off
 * FOLDER/logins.csv      login records by the database's clock
 * FOLDER/intervals       server path last_good first_bad last_bad first_good bad_size good_size
 * FOLDER/clocks          server offset error
 * FOLDER/truth           account exposed attributable: who got a byte of a planted file, known from the bytes that were
 *                        sent; whether a session tag or a login near that time leads to him
 *
 * Planted files come and go on two servers. Browsers keep copies and ask whether they still hold (by ETag), some get
 * them packed, in parts, or not to the end; a cache in one server answers with what it holds; one request in a few
 * hundred takes half a minute; four in ten visitors share an address, one in five refuses the tag.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEGIN_S      INT64_C(1772323200) /* 2026-03-01 */
#define SPAN_S       INT64_C(259200)
#define ROTATE_S     21600
#define SERVERS      3
#define CACHED_S     600
#define NEAR_S       39600
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t state;

static uint64_t draw(uint64_t below)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state * UINT64_C(0x2545f4914f6cdd1d) >> 20) % below;
}

static bool chance(unsigned int percent)
{
        return draw(100) < percent;
}

/* ---- the site ---- */

enum file { SCRIPT, LOGIN, FILES };
static const struct {
        const char *path;
        unsigned int good, bad;
} files[FILES] = { { "/js/app.js", 48213, 48977 }, { "/login.html", 5120, 5333 } };

/* When which file was a planted one, seconds from the beginning. */
static const struct {
        unsigned int server;
        enum file file;
        double from, to;
        int before, after, early, late; /* how far off what was seen is */
} planted[] = {
        {1,  SCRIPT, 40000.3,  61000.7,  120, 30, 20, 90 },
        { 1, SCRIPT, 90500.1,  93000.2,  600, 5,  5,  300},
        { 2, LOGIN,  120000.9, 160000.5, 60,  60, 60, 60 },
        { 0, LOGIN,  200000.4, 200900.6, 30,  10, 10, 30 },
};

static bool is_bad(unsigned int server, enum file file, double at)
{
        for (size_t i = 0; i < COUNT(planted); i++)
                if (planted[i].server == server && planted[i].file == file && at >= planted[i].from && at < planted[i].to)
                        return true;
        return false;
}

static const double offsets[SERVERS] = { 3.5, -7.25, 0.4 };
#define DATABASE_OFFSET 1.2

/* ---- visitors ---- */

static const char *const agents[] = {
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0)",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.1 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
        "Evil \\\"<script>alert(1)</script> agent",
};

struct account {
        uint32_t address;
        uint8_t agent;
        bool tagged, exposed, attributable;
        int8_t copy[FILES]; /* -1: none, 0: the genuine one, 1 + n: what was planted at server n */
        int32_t login, pending; /* seconds; -1: never */
};

static struct account *accounts;
static uint64_t account_count;
static FILE *logs[SERVERS], *logins;
static int64_t rotated[SERVERS];
static const char *folder;
static bool combined;
static uint64_t lines;

static FILE *open_file(const char *name)
{
        char path[4096];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "w");
        if (!file) {
                perror(path);
                exit(3);
        }
        setvbuf(file, NULL, _IOFBF, 1 << 20);
        return file;
}

static void make_accounts(void)
{
        accounts = calloc(account_count, sizeof(*accounts));
        if (!accounts)
                exit(3);
        for (uint64_t i = 0; i < account_count; i++) {
                struct account *account = &accounts[i];

                account->address = chance(40) ? 0x0a000000U + (uint32_t)(i / 40) : 0xc6000000U + (uint32_t)i;
                account->agent = (uint8_t)draw(COUNT(agents));
                account->tagged = !chance(20);
                account->login = account->pending = -1;
                memset(account->copy, -1, sizeof(account->copy));
                if (account->tagged) /* logged in a week ago, and stayed so */
                        fprintf(logins, "%" PRId64 ",user%" PRIu64 ",,,t%016" PRIx64 "\n", BEGIN_S - 604800, i,
                                i * UINT64_C(0x9e3779b97f4a7c15));
        }
}

static void exposed(struct account *account, double at)
{
        account->exposed = true;
        if (account->tagged || (account->login >= 0 && at - account->login < NEAR_S))
                account->attributable = true;
        else
                account->pending = (int32_t)at;
}

/* ---- lines ---- */

struct answer {
        const char *method, *path, *cache;
        unsigned int status, bytes;
        bool packed, range, complete;
};

static void month_name(time_t seconds, char text[static 40])
{
        struct tm tm;

        gmtime_r(&seconds, &tm);
        strftime(text, 40, "%d/%b/%Y:%H:%M:%S +0000", &tm);
}

static void rotate(unsigned int server, double clock)
{
        int64_t turn = (int64_t)clock / ROTATE_S;
        char name[64];

        if (logs[server] && turn <= rotated[server])
                return;
        if (logs[server])
                fclose(logs[server]);
        rotated[server] = turn;
        snprintf(name, sizeof(name), "web%u.%02" PRId64 ".log", server + 1, turn + 1);
        logs[server] = open_file(name);
}

static void write_line(uint64_t who, unsigned int server, double at, double took, const struct answer *answer)
{
        const struct account *account = &accounts[who];
        double clock = at + took + offsets[server];
        uint32_t a = account->address;
        char tag[32] = "", time[40];

        if (clock < 0)
                clock = 0;
        rotate(server, clock);
        lines++;
        if (account->tagged)
                snprintf(tag, sizeof(tag), "t%016" PRIx64, who * UINT64_C(0x9e3779b97f4a7c15));
        if (combined) {
                month_name((time_t)(BEGIN_S + (int64_t)clock), time);
                fprintf(logs[server], "%u.%u.%u.%u - - [%s] \"%s %s HTTP/1.1\" %u %u \"-\" \"%s\"\n", a >> 24,
                        a >> 16 & 255, a >> 8 & 255, a & 255, time, answer->method, answer->path, answer->status,
                        answer->bytes, agents[account->agent]);
                return;
        }
        fprintf(logs[server],
                "{\"ts\":\"%.3f\",\"rt\":\"%.3f\",\"ip\":\"%u.%u.%u.%u\",\"m\":\"%s\",\"uri\":\"%s\",\"p\":\"HTTP/1.1\","
                "\"st\":\"%u\",\"bb\":\"%u\",\"ce\":\"%s\",\"rng\":\"%s\",\"ok\":\"%s\",\"up\":\"%s\",\"tag\":\"%s\","
                "\"ref\":\"https://shop%u.example/x\",\"ua\":\"%s\"}\n",
                (double)BEGIN_S + clock, took, a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255, answer->method,
                answer->path, answer->status, answer->bytes, answer->packed ? "gzip" : "",
                answer->range ? "bytes=1000-" : "", answer->complete ? "OK" : "", answer->cache, tag,
                (unsigned int)(who % 5), agents[account->agent]);
}

/* ---- requests ---- */

static double duration(void)
{
        return draw(400) == 0 ? 5.0 + (double)draw(25000) / 1000 : 0.001 + (double)draw(300) / 1000;
}

/* What this server has: 0 the genuine one, else its planted one. A cache tells what was there some minutes ago. */
static int8_t version_of(unsigned int server, enum file file, double at, bool *ret_cached)
{
        *ret_cached = server == 1 && file == SCRIPT && chance(10);
        if (*ret_cached)
                at -= (double)draw(CACHED_S);
        return is_bad(server, file, at) ? (int8_t)(1 + server) : 0;
}

static void get_file(uint64_t who, unsigned int server, double at, enum file file)
{
        struct account *account = &accounts[who];
        bool cached;
        int8_t version = version_of(server, file, at, &cached);
        struct answer answer = { .method = "GET", .path = files[file].path, .cache = cached ? "HIT" : "MISS",
                                 .status = 200, .complete = true };

        answer.bytes = version ? files[file].bad : files[file].good;
        if (chance(2)) {
                answer.path = file == SCRIPT ? "/js/../js/%61pp.js" : "//login.html";
        }
        if (chance(1)) {
                answer.method = "HEAD";
                answer.bytes = 0;
                write_line(who, server, at, duration(), &answer);
                return;
        }
        if (account->copy[file] == version && chance(70)) { /* it still holds */
                answer.status = 304;
                answer.bytes = 0;
                if (version)
                        exposed(account, at);
                write_line(who, server, at, duration(), &answer);
                return;
        }
        if (chance(30)) {
                answer.packed = true;
                answer.bytes = answer.bytes * 35 / 100;
        } else if (chance(1)) {
                answer.status = 206;
                answer.range = true;
                answer.bytes -= 1000;
        }
        if (chance(2)) {
                answer.complete = false;
                answer.bytes = (unsigned int)draw(answer.bytes);
        }
        if (version && answer.bytes)
                exposed(account, at);
        if (answer.complete && answer.status == 200)
                account->copy[file] = version;
        write_line(who, server, at, duration(), &answer);
}

static void log_in(uint64_t who, unsigned int server, double at)
{
        struct account *account = &accounts[who];
        struct answer answer = { .method = "POST", .path = "/login", .cache = "", .status = 302, .complete = true };
        uint32_t a = account->address;

        account->login = (int32_t)at;
        if (account->pending >= 0 && at - account->pending < NEAR_S)
                account->attributable = true;
        write_line(who, server, at, 0.05, &answer);
        fprintf(logins, "%.3f,user%" PRIu64 ",%u.%u.%u.%u,\"%s\",", (double)BEGIN_S + at + DATABASE_OFFSET, who, a >> 24,
                a >> 16 & 255, a >> 8 & 255, a & 255,
                account->agent == 4 ? "Evil \"\"<script>alert(1)</script> agent" : agents[account->agent]);
        if (account->tagged)
                fprintf(logins, "t%016" PRIx64, who * UINT64_C(0x9e3779b97f4a7c15));
        fputc('\n', logins);
}

static void visit(double at)
{
        uint64_t who = chance(50) ? draw(account_count) : draw(1 + account_count / 20);
        unsigned int server = (unsigned int)draw(SERVERS);
        struct answer answer = { .method = "GET", .cache = "", .status = 200, .bytes = 9000, .complete = true };
        char path[40];

        if (chance(4)) {
                log_in(who, server, at);
                return;
        }
        if (chance(5)) {
                get_file(who, server, at, LOGIN);
                return;
        }
        snprintf(path, sizeof(path), "/p/%u.html", (unsigned int)draw(500));
        answer.path = path;
        write_line(who, server, at, 0.02, &answer);
        if (accounts[who].copy[SCRIPT] < 0 || chance(10))
                get_file(who, (unsigned int)draw(SERVERS), at + 0.2, SCRIPT);
}

/* ---- what is known ---- */

static void write_known(void)
{
        FILE *out = open_file("intervals"), *truth = open_file("truth"), *clocks = open_file("clocks");

        for (size_t i = 0; i < COUNT(planted); i++) {
                int64_t from = BEGIN_S + (int64_t)planted[i].from, to = BEGIN_S + (int64_t)planted[i].to;

                fprintf(out, "web%u %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %u %u\n", planted[i].server + 1,
                        files[planted[i].file].path, from - planted[i].before, from + 1 + planted[i].after,
                        to - planted[i].early, to + 1 + planted[i].late, files[planted[i].file].bad,
                        files[planted[i].file].good);
        }
        fclose(out);
        for (unsigned int server = 0; server < SERVERS; server++)
                fprintf(clocks, "web%u %.2f 0.5\n", server + 1, offsets[server] + 0.2);
        fprintf(clocks, "logins %.2f 0.5\n", DATABASE_OFFSET);
        fclose(clocks);
        for (uint64_t i = 0; i < account_count; i++)
                if (accounts[i].exposed)
                        fprintf(truth, "user%" PRIu64 " %d\n", i, accounts[i].attributable);
        fclose(truth);
}

int main(int argc, char *argv[])
{
        uint64_t wanted;

        if (argc < 5) {
                fprintf(stderr, "usage: incident_generator FOLDER REQUESTS ACCOUNTS SEED [combined]\n");
                return 2;
        }
        folder = argv[1];
        wanted = strtoull(argv[2], NULL, 10);
        account_count = strtoull(argv[3], NULL, 10);
        state = strtoull(argv[4], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        combined = argc > 5;
        logins = open_file("logins.csv");
        fputs("time,account,address,agent,tag\n", logins);
        make_accounts();
        for (uint64_t i = 0; lines < wanted; i++)
                visit((double)i * (double)SPAN_S / ((double)wanted * 0.8));
        for (unsigned int server = 0; server < SERVERS; server++)
                if (logs[server])
                        fclose(logs[server]);
        fclose(logins);
        write_known();
        return 0;
}
