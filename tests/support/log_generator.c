/*
 * log_generator.c LINES [SEED [DAYS]] - a realistic access log in combined format on standard output, for tests and
 * measurements. Shares no code with the product; the same arguments give the same bytes.
 *
 * Visitors come and go: each one takes some pages with their pictures, with pauses of seconds to hours, and some come
 * back after days. There are robots, scanners, campaigns, search engines, odd user agents with quotes in them, IPv6,
 * and lines that are slightly out of order, as servers write them.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACTIVE_MAXIMUM 8192 /* visitors at the same time */
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

static uint64_t state;

static uint64_t draw(uint64_t below)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state * UINT64_C(0x2545f4914f6cdd1d) >> 20) % below;
}

/* Small numbers much more often than large ones. */
static uint64_t skewed(uint64_t below)
{
        uint64_t most = 1 + draw(below);

        return draw(1 + draw(most));
}

static const char *const browsers[] = {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%u.0.0.0 "
        "Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%u.1 "
        "Safari/605.1.15",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_%u like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
        "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; Pixel %u) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile "
        "Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%u.0) Gecko/20100101 Firefox/%u.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:%u.0) Gecko/20100101 Firefox/115.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 "
        "Safari/537.36 Edg/%u.0.0.0",
        "Mozilla/5.0 (iPad; CPU OS 16_%u like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 "
        "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 13; SM-T%u) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/22.0 "
        "Chrome/111.0.0.0 Safari/537.36",
        "Mozilla/5.0 (compatible; \\\"quoted\\\" %u)",
};

static const char *const robots[] = {
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "curl/7.88.1",
        "python-requests/2.31.0",
        "UptimeRobot/2.0",
};

static const char *const referrers[] = {
        "https://www.google.com/",          "https://www.google.co.jp/search?q=understudy",
        "https://www.bing.com/search?q=a",  "https://duckduckgo.com/",
        "http://news.example.net/story/%u", "https://forum.example.net/t/%u",
        "android-app://com.example/",       "https://social.example/@user%u",
};

static const char *const pictures[] = {
        "/css/site.css", "/js/app.js", "/js/vendor.min.js", "/img/logo.svg", "/fonts/text.woff2", "/favicon.ico",
};

static const char *const scans[] = {
        "/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php", "/xmlrpc.php", "/cgi-bin/%2e%2e/bin/sh",
};

struct visitor {
        char address[48];
        char agent[200];
        unsigned int kind;    /* 0: a person, 1: a robot, 2: a scanner */
        unsigned int left;    /* requests */
        uint64_t next;        /* seconds */
        char referrer[120];   /* of the next page */
        unsigned int page;    /* that he is on */
        unsigned int pending; /* pictures of it */
};

static struct visitor visitors[ACTIVE_MAXIMUM];
static size_t active;

static void come(struct visitor *visitor, uint64_t now)
{
        uint64_t who = skewed(2000000), chance = draw(100);
        uint64_t bits = who * UINT64_C(0x9e3779b97f4a7c15) >> 16;

        memset(visitor, 0, sizeof(*visitor));
        if (draw(12) == 0)
                snprintf(visitor->address, sizeof(visitor->address), "2001:db8:%x::%x", (unsigned int)(bits & 0xffff),
                         (unsigned int)(bits >> 16 & 0xffff));
        else
                snprintf(visitor->address, sizeof(visitor->address), "%u.%u.%u.%u", (unsigned int)(1 + bits % 223),
                         (unsigned int)(bits >> 8 & 255), (unsigned int)(bits >> 16 & 255),
                         (unsigned int)(bits >> 24 & 255));
        visitor->kind = chance < 85 ? 0 : chance < 97 ? 1 : 2;
        visitor->left = 1 + (unsigned int)skewed(60);
        visitor->next = now + draw(60);
        if (visitor->kind == 0) {
                unsigned int version = 90 + (unsigned int)(who % 37);

                snprintf(visitor->agent, sizeof(visitor->agent), browsers[who % COUNT(browsers)], version, version);
        } else {
                snprintf(visitor->agent, sizeof(visitor->agent), "%s",
                         visitor->kind == 1 ? robots[who % COUNT(robots)]
                         : draw(2)          ? "-"
                                            : "masscan/1.3");
        }
        visitor->page = (unsigned int)skewed(5000);
        if (draw(3) == 0)
                snprintf(visitor->referrer, sizeof(visitor->referrer), referrers[draw(COUNT(referrers))],
                         (unsigned int)skewed(500));
        else
                snprintf(visitor->referrer, sizeof(visitor->referrer), "-");
}

static void print_time(uint64_t now)
{
        static uint64_t shown = UINT64_MAX;
        static char text[40];

        if (now != shown) {
                time_t seconds = (time_t)now;
                struct tm fields;

                gmtime_r(&seconds, &fields);
                strftime(text, sizeof(text), "[%d/%b/%Y:%H:%M:%S +0000]", &fields);
                shown = now;
        }
        fputs(text, stdout);
}

static void print_path(unsigned int page)
{
        switch (page % 5) {
        case 0: printf(page ? "/articles/%u/" : "/", page); break;
        case 1: printf("/shop/item-%u.html", page); break;
        case 2: printf("/docs/guide/%u", page); break;
        case 3: printf("/blog/2026/%02u/entry-%u", page % 12 + 1, page); break;
        default: printf("/download/%u.pdf", page); break;
        }
}

static unsigned int status_of(const struct visitor *visitor)
{
        uint64_t chance = draw(1000);

        if (visitor->kind == 2)
                return chance < 950 ? 404 : 403;
        return chance < 850   ? 200
               : chance < 930 ? 304
               : chance < 965 ? 301
               : chance < 990 ? 404
               : chance < 996 ? 500
                              : 206;
}

static void request(struct visitor *visitor, uint64_t now)
{
        unsigned int status = status_of(visitor);
        uint64_t bytes = status == 304 ? 0 : 200 + skewed(200000);

        printf("%s - - ", visitor->address);
        print_time(now);
        if (visitor->pending) {
                visitor->pending--;
                printf(" \"GET %s HTTP/1.1\" %u ", pictures[draw(COUNT(pictures))], status);
                printf(bytes ? "%" PRIu64 : "-", bytes);
                fputs(" \"https://www.understudy.example", stdout);
                print_path(visitor->page);
                printf("\" \"%s\"\n", visitor->agent);
                return;
        }
        if (visitor->kind == 2) {
                printf(" \"GET %s HTTP/1.1\" %u %" PRIu64 " \"-\" \"%s\"\n", scans[draw(COUNT(scans))], status, bytes,
                       visitor->agent);
                return;
        }
        printf(draw(40) ? " \"GET " : " \"POST ");
        print_path(visitor->page);
        if (draw(30) == 0)
                printf("?utm_source=news%u&utm_medium=mail&utm_campaign=summer%%20%u", (unsigned int)draw(4),
                       (unsigned int)draw(3));
        else if (draw(10) == 0)
                printf("?id=%u", (unsigned int)draw(100000));
        printf(" HTTP/1.1\" %u ", status);
        printf(bytes ? "%" PRIu64 : "-", bytes);
        printf(" \"%s\" \"%s\"\n", visitor->referrer, visitor->agent);
        visitor->pending = visitor->kind == 0 ? (unsigned int)draw(COUNT(pictures) + 1) : 0;
}

static void go_on(struct visitor *visitor, uint64_t now)
{
        if (visitor->pending) {
                visitor->next = now + draw(2);
                return;
        }
        snprintf(visitor->referrer, sizeof(visitor->referrer), "https://understudy.example/shop/item-%u.html",
                 visitor->page);
        visitor->page = (unsigned int)skewed(5000);
        visitor->next = now + 1 + (draw(40) ? skewed(300) : 1500 + draw(600));
}

int main(int argc, char *argv[])
{
        uint64_t lines = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
        uint64_t days = argc > 3 ? strtoull(argv[3], NULL, 10) : 7;
        uint64_t begin = UINT64_C(1780272000); /* 2026-06-01 */

        state = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        if (!days)
                days = 1;
        setvbuf(stdout, NULL, _IOFBF, 1 << 20);
        /* So many that each one makes a request a minute or so. */
        active = (size_t)(lines * 60 / (days * 86400));
        active = active < 8 ? 8 : active > ACTIVE_MAXIMUM ? ACTIVE_MAXIMUM : active;
        for (size_t i = 0; i < active; i++)
                come(&visitors[i], begin);
        for (uint64_t line = 0; line < lines; line++) {
                uint64_t now = begin + line * days * 86400 / lines;
                struct visitor *visitor = &visitors[draw(active)];

                /* One who is due; else whoever was drawn is taken a little early or late. */
                for (int tries = 0; visitor->next > now && tries < 16; tries++)
                        visitor = &visitors[draw(active)];
                request(visitor, now - (draw(20) ? 0 : draw(4)));
                if (visitor->left-- <= 1 && !visitor->pending)
                        come(visitor, now);
                else
                        go_on(visitor, now);
                if (visitor->left == 0)
                        visitor->left = 1;
        }
        return fflush(stdout) == 0 ? 0 : 1;
}
