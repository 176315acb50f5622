/*
 * notify_driver.c - a caller of src/notify, as the guard is one: posts what its standard input says.
 *
 *     notify_driver STATE [NAME=MS ...] TARGET...       NAME: window, first, last, giveup, try
 *
 * Lines, answered each by "ok" or "error WORDS" on standard output once it is done:
 *     post KIND GROUP WORDS     one alert ("-" as group: none)
 *     raw FILE                  one alert whose sentence is the file's bytes, and its path, too
 *     storm N GROUP             N alerts of a group, numbered
 *     beat                      the heartbeat
 *     wait MS                   ticks for that long
 *     drain MS                  until nothing waits: "ok", or "error" at the end of the time
 *     counters                  one line of JSON
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "notify/notify.h"

static void say(void *context, const char *sentence)
{
        (void)context;
        fprintf(stderr, "notify_driver: %s\n", sentence);
}

static void answer(int r, const struct error *error)
{
        if (r < 0)
                printf("error %s\n", error->text);
        else
                printf("ok\n");
        fflush(stdout);
}

static void tick_for(struct notify *notify, int64_t time_ms)
{
        int64_t end = clock_monotonic_ms() + time_ms;

        while (clock_monotonic_ms() < end) {
                struct pollfd one = { .fd = notify_fd(notify), .events = POLLIN };
                int64_t left = end - clock_monotonic_ms();
                int wait = notify_wait_ms(notify);

                (void)poll(&one, 1, wait >= 0 && wait < left ? wait : (int)left);
                notify_tick(notify);
        }
}

static int post(struct notify *notify, const char *kind, const char *group, const char *what, struct error *err)
{
        json_t *details =
                json_pack("{s:s, s:s, s:{s:i, s:s, s:i}, s:s}", "path", "login.html", "difference", "content",
                          "process", "pid", 4711, "exe", "/usr/sbin/vsftpd", "uid", 33, "address", "192.0.2.7");
        struct alert alert = { .severity = ALERT_CRITICAL,
                               .kind = kind,
                               .dest = "/var/www/html",
                               .what = what,
                               .group = text_equal(group, "-") ? NULL : group,
                               .details = details };
        int r = notify_post(notify, &alert, err);

        json_decref(details);
        return r;
}

static int post_file(struct notify *notify, const char *path, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(65536);
        struct alert alert = { .severity = ALERT_LOW, .kind = "raw" };
        int r = file_read(-100 /* AT_FDCWD */, path, &text, err);

        if (r < 0)
                return r;
        alert.what = alert.dest = alert.site = alert.server = alert.group = buffer_text(&text);
        return notify_post(notify, &alert, err);
}

static int storm(struct notify *notify, uint64_t count, const char *group, struct error *err)
{
        int r = 0, worst = 0;

        for (uint64_t i = 1; i <= count; i++) {
                char what[64];

                snprintf(what, sizeof(what), "finding number %" PRIu64, i);
                r = post(notify, "finding", group, what, err);
                worst = r < worst ? r : worst;
                notify_tick(notify);
        }
        return worst;
}

static void print_counters(struct notify *notify)
{
        struct notify_counters c;

        notify_counters(notify, &c);
        printf("{\"posted\":%" PRIu64 ",\"collected\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"delivered\":%" PRIu64
               ",\"failed\":%" PRIu64 ",\"retried\":%" PRIu64 ",\"queued\":%" PRIu64 ",\"undeliverable\":%" PRIu64
               "}\n",
               c.posted, c.collected, c.dropped, c.delivered, c.failed, c.retried, c.queued, c.undeliverable);
        fflush(stdout);
}

static void obey(struct notify *notify, char *line)
{
        struct error error = ERROR_NONE;
        char *words[4] = { line, NULL, NULL, NULL };

        for (int i = 1; i < 4 && words[i - 1]; i++) {
                words[i] = strchr(words[i - 1], ' ');
                if (words[i])
                        *words[i]++ = '\0';
        }
        if (text_equal(line, "post") && words[3])
                answer(post(notify, words[1], words[2], words[3], &error), &error);
        else if (text_equal(line, "raw") && words[1])
                answer(post_file(notify, words[1], &error), &error);
        else if (text_equal(line, "storm") && words[2])
                answer(storm(notify, strtoull(words[1], NULL, 10), words[2], &error), &error);
        else if (text_equal(line, "beat")) {
                json_t *status = json_pack("{s:b}", "genuine", 1);

                notify_heartbeat(notify, status);
                json_decref(status);
                answer(0, &error);
        } else if (text_equal(line, "wait") && words[1]) {
                tick_for(notify, (int64_t)strtoull(words[1], NULL, 10));
                answer(0, &error);
        } else if (text_equal(line, "drain") && words[1]) {
                int r = notify_drain(notify, (int64_t)strtoull(words[1], NULL, 10)) ? 0 : -1;

                answer(r, &error);
        } else if (text_equal(line, "counters"))
                print_counters(notify);
        else
                printf("error what?\n");
}

static bool take_option(const char *text, struct notify_options *options)
{
        const struct {
                const char *name;
                int64_t *value;
        } known[] = {
                {"window=",  &options->window_ms },
                { "first=",  &options->first_ms  },
                { "last=",   &options->last_ms   },
                { "giveup=", &options->give_up_ms},
                { "try=",    &options->try_ms    },
        };

        for (size_t i = 0; i < LENGTH(known); i++) {
                if (text_starts(text, known[i].name)) {
                        *known[i].value = (int64_t)strtoull(text + strlen(known[i].name), NULL, 10);
                        return true;
                }
        }
        return false;
}

int main(int argc, char *argv[])
{
        static struct notify_target targets[NOTIFY_TARGETS_MAXIMUM];
        struct notify_options options = { .note = say, .server = "web1.example.org" };
        struct notify *notify = NULL;
        struct error error = ERROR_NONE;
        char line[4096];
        size_t count = 0;
        int r = 0;

        for (int i = 2; i < argc && r == 0; i++)
                if (!take_option(argv[i], &options) && count < NOTIFY_TARGETS_MAXIMUM)
                        r = notify_target_parse(argv[i], &targets[count++], &error);
        if (r == 0 && argc > 2)
                r = notify_open(argv[1], "test", targets, count, &options, &notify, &error);
        if (r < 0 || argc < 2) {
                fprintf(stderr, "notify_driver: %s\n", error.text);
                return EXIT_FAILED;
        }
        while (notify && fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = '\0';
                obey(notify, line);
        }
        notify_close(notify);
        return EXIT_DONE;
}
