/* deadman.c, peers.c - every case of the rule, what is no heartbeat, and a peer that dies and comes back. */
#include "tests.h"

#include <sys/stat.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "notify/peers.h"

static void every_case_of_the_rule(void **state _unused_)
{
        const int64_t interval = 10000;

        for (int64_t seen = -100000; seen <= 100000; seen += 2500) {
                for (int64_t now = seen - 50000; now <= seen + 100000; now += 2500) {
                        bool silent = now - seen >= 30000;

                        assert_int_equal(notify_deadman_check(seen, interval, now, false),
                                         silent ? DEADMAN_ALERT : DEADMAN_QUIET);
                        assert_int_equal(notify_deadman_check(seen, interval, now, true),
                                         silent ? DEADMAN_QUIET : DEADMAN_RECOVERED);
                }
        }
        assert_int_equal(notify_deadman_check(0, interval, 29999, false), DEADMAN_QUIET);
        assert_int_equal(notify_deadman_check(0, interval, 30000, false), DEADMAN_ALERT);
}

static struct beat a_beat(void)
{
        return (struct beat){
                .name = "web1", .instance = "0123456789abcdef", .sequence = 12, .time = 1246870800, .interval_s = 10
        };
}

static struct webhook_key a_key(char byte)
{
        struct webhook_key key = { .length = 16 };

        memset(key.bytes, byte, 16);
        return key;
}

static void beats_go_both_ways(void **state _unused_)
{
        const struct webhook_key none = { .length = 0 }, key = a_key('k'), other = a_key('o');
        _cleanup_(buffer_done) struct buffer plain = BUFFER_INIT(BEAT_MAXIMUM), signed_one = BUFFER_INIT(BEAT_MAXIMUM);
        struct beat beat = a_beat(), back;

        assert_int_equal(beat_format(&beat, &none, &plain, NULL), 0);
        assert_string_equal(plain.data, "{\"name\":\"web1\",\"instance\":\"0123456789abcdef\",\"sequence\":12,\"time\":"
                                        "\"2009-07-06T09:00:00Z\",\"interval\":10,\"stopping\":false}\n");
        assert_int_equal(beat_parse(plain.data, plain.length, &none, &back, NULL), 0);
        assert_int_equal(back.sequence, 12);
        assert_int_equal(beat_parse(plain.data, plain.length, &key, &back, NULL), -EKEYREJECTED);
        assert_int_equal(beat_format(&beat, &key, &signed_one, NULL), 0);
        assert_int_equal(beat_parse(signed_one.data, signed_one.length, &key, &back, NULL), 0);
        assert_int_equal(beat_parse(signed_one.data, signed_one.length, &other, &back, NULL), -EKEYREJECTED);
        for (size_t i = 0; i < signed_one.length; i++) { /* no bit of it can be another */
                signed_one.data[i] ^= 1;
                assert_true(beat_parse(signed_one.data, signed_one.length, &key, &back, NULL) < 0);
                signed_one.data[i] ^= 1;
        }
}

static void old_beats_do_not_count(void **state _unused_)
{
        struct deadman_seen seen = { .newest = 0 };
        struct beat beat = a_beat();

        assert_true(deadman_is_new(&seen, &beat));
        assert_false(deadman_is_new(&seen, &beat)); /* the same again */
        beat.sequence = 11;
        assert_false(deadman_is_new(&seen, &beat)); /* played back */
        beat.sequence = 13;
        beat.time = 0; /* its clock was set back */
        assert_true(deadman_is_new(&seen, &beat));
        snprintf(beat.instance, sizeof(beat.instance), "fedcba9876543210");
        beat.sequence = 1;
        assert_true(deadman_is_new(&seen, &beat)); /* it was started again */
        snprintf(beat.instance, sizeof(beat.instance), "0123456789abcdef");
        beat.sequence = 1000;
        assert_false(deadman_is_new(&seen, &beat)); /* the one before is over */
}

/* ---- a folder ---- */

struct told {
        int alerts, recoveries;
        char what[600];
};

static void tell(void *context, const struct peer_event *event)
{
        struct told *told = context;

        told->alerts += event->verdict == DEADMAN_ALERT;
        told->recoveries += event->verdict == DEADMAN_RECOVERED;
        snprintf(told->what, sizeof(told->what), "%s", event->what);
}

/* Watches until `done` says so or ten times the expected time is over; `beating` writes its heartbeats meanwhile. */
static void watch(struct peers *watcher, struct peers *beating, struct told *told, const int *until)
{
        int64_t end = clock_monotonic_ms() + 30000;

        while (*until == 0 && clock_monotonic_ms() < end) {
                if (beating)
                        assert_int_equal(peers_beat(beating, false, NULL), 0);
                assert_int_equal(peers_watch(watcher, tell, told, NULL), 0);
                usleep(100000);
        }
        assert_int_equal(*until, 1);
}

static void a_peer_dies_and_comes_back(void **state _unused_)
{
        char folder[TESTS_FOLDER_SIZE], key[TESTS_FOLDER_SIZE + 8];
        _cleanup_(peers_closep) struct peers *a = NULL, *b = NULL;
        struct told told = { .alerts = 0 };
        int fd = tests_folder(folder);

        assert_int_equal(mkdirat(fd, "shared", 0755), 0);
        assert_int_equal(file_replace(fd, "key", "0123456789abcdef\n", 17, 0600, NULL), 0);
        snprintf(key, sizeof(key), "%s/key", folder);
        snprintf(folder + strlen(folder), TESTS_FOLDER_SIZE - strlen(folder), "/shared");
        assert_int_equal(peers_open(folder, "a", NULL, 0, key, 1, &a, NULL), 0);
        assert_int_equal(peers_open(folder, "b", (const char *const[]){ "a" }, 1, key, 1, &b, NULL), 0);
        assert_int_equal(peers_beat(a, false, NULL), 0);
        assert_int_equal(peers_watch(b, tell, &told, NULL), 0);
        assert_int_equal(told.alerts, 0);
        watch(b, NULL, &told, &told.alerts);
        assert_non_null(strstr(told.what, "the guard of a has been silent for"));
        watch(b, a, &told, &told.recoveries);
        assert_int_equal(told.alerts, 1); /* told once */
        told.alerts = 0;
        assert_int_equal(peers_beat(a, true, NULL), 0);
        watch(b, NULL, &told, &told.alerts);
        assert_non_null(strstr(told.what, "was stopped at"));
        close(fd);
        *strrchr(folder, '/') = '\0';
        tests_folder_remove(folder);
}

static void a_forged_life_does_not_count(void **state _unused_)
{
        char folder[TESTS_FOLDER_SIZE], key[TESTS_FOLDER_SIZE + 8];
        const struct webhook_key wrong = a_key('w');
        _cleanup_(peers_closep) struct peers *b = NULL;
        struct told told = { .alerts = 0 };
        struct beat beat = a_beat();
        int64_t end = clock_monotonic_ms() + 30000;
        int fd = tests_folder(folder);

        assert_int_equal(file_replace(fd, ".key", "0123456789abcdef\n", 17, 0600, NULL), 0);
        snprintf(key, sizeof(key), "%s/.key", folder);
        assert_int_equal(symlinkat("/etc/passwd", fd, "web2"), 0);
        assert_int_equal(mkfifoat(fd, "web3", 0600), 0);
        assert_int_equal(peers_open(folder, "b", (const char *const[]){ "web1" }, 1, key, 1, &b, NULL), 0);
        while (told.alerts < 3 && clock_monotonic_ms() < end) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(BEAT_MAXIMUM);

                beat.sequence++;
                assert_int_equal(beat_format(&beat, &wrong, &text, NULL), 0);
                assert_int_equal(file_replace(fd, "web1", text.data, text.length, 0644, NULL), 0);
                assert_int_equal(peers_watch(b, tell, &told, NULL), 0);
                usleep(100000);
        }
        assert_int_equal(told.alerts, 3); /* the forged one, the link, the pipe: all silent, and nobody was held up */
        close(fd);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_case_of_the_rule),       cmocka_unit_test(beats_go_both_ways),
                cmocka_unit_test(old_beats_do_not_count),       cmocka_unit_test(a_peer_dies_and_comes_back),
                cmocka_unit_test(a_forged_life_does_not_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
