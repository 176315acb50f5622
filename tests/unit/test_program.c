/* program.c - a program of the operator's: its status, its words, and what it may not do. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

#include "base/attributes.h"
#include "base/clock.h"
#include "traffic/program.h"

static const char *const environment[] = { "PATH=/usr/bin:/bin", "NAME=value", NULL };

/* A program that ends has time: machines are slow. */
static int run(const char *command, int64_t timeout_ms, struct buffer *said, struct buffer *complained)
{
        const struct program program = { command, environment, timeout_ms };
        struct error error = ERROR_NONE;
        int r = program_run(&program, said, complained, &error);

        assert_true(r >= 0 || error.text[0]);
        return r;
}

static void status_and_words(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(1000), complained = BUFFER_INIT(1000);
        char words[PROGRAM_WORDS];

        assert_int_equal(run("echo $NAME $HOME; echo first >&2; printf 'last\\033 \\n\\n' >&2; exit 3", 60000, &said, &complained), 3);
        assert_string_equal(buffer_text(&said), "value\n");
        program_words(&complained, words);
        assert_string_equal(words, "last\\033");
        buffer_clear(&complained);
        program_words(&complained, words);
        assert_string_equal(words, "");
}

static void nothing_to_read(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(1000), complained = BUFFER_INIT(1000);

        assert_int_equal(run("cat; echo end", 60000, &said, &complained), 0);
        assert_string_equal(buffer_text(&said), "end\n");
}

static void ended_by_a_signal_or_not_there(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(1000), complained = BUFFER_INIT(1000);

        assert_int_equal(run("kill -TERM $$", 60000, &said, &complained), 256 + SIGTERM);
        assert_int_equal(run("/no/such/program", 60000, &said, &complained), -ENOENT);
}

static void one_that_hangs(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(1000), complained = BUFFER_INIT(1000);
        const int64_t start = clock_monotonic_ms();

        assert_int_equal(run("sleep 300 & sleep 300", 300, &said, &complained), -ETIMEDOUT);
        assert_true(clock_monotonic_ms() - start < 100000);
}

static void one_that_prints_without_end(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(1000), complained = BUFFER_INIT(1000);

        assert_int_equal(run("while :; do echo x; done", 60000, &said, &complained), -E2BIG);
        buffer_clear(&said);
        assert_int_equal(run("while :; do echo x; done >&2", 60000, &said, &complained), -E2BIG);
        assert_true(said.length <= 1000 && complained.length <= 1000);
}

/* Gone, or dead and not yet noticed by whoever inherited it. */
static bool is_dead(int pid)
{
        char path[64], text[512] = "";
        FILE *file;
        size_t n;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        file = fopen(path, "re");
        if (!file)
                return true;
        n = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
        return n == 0 || strstr(text, ") Z ");
}

/* It holds the output and would go on: it is ended with the one that left it. */
static void what_is_left_behind_is_ended(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(1000), complained = BUFFER_INIT(1000);
        int pid = 0;

        assert_int_equal(run("sleep 300 & echo $!", 60000, &said, &complained), 0);
        assert_int_equal(sscanf(buffer_text(&said), "%d", &pid), 1);
        for (int i = 0; i < 1000 && !is_dead(pid); i++)
                usleep(10000);
        assert_true(is_dead(pid));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(status_and_words),
                cmocka_unit_test(nothing_to_read),
                cmocka_unit_test(ended_by_a_signal_or_not_there),
                cmocka_unit_test(one_that_hangs),
                cmocka_unit_test(one_that_prints_without_end),
                cmocka_unit_test(what_is_left_behind_is_ended),
        };

        return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
