/* test_spool.c - spread/spool.h: batches count from the commit on, whole, and none before it. */
#include "tests.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "analyze/store_private.h"
#include "base/buffer.h"
#include "spread/spool.h"

static char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE + 16];
static int directory;
static struct error error;
static const struct spread_shards shards = {
        .items = { { .name = "an1" }, { .name = "an2" } },
        .count = 2,
        .database = "understudy",
};

static int setup(void **state _unused_)
{
        directory = tests_folder(folder);
        snprintf(path, sizeof(path), "%s/spool", folder);
        error = ERROR_NONE;
        return directory < 0;
}

static int teardown(void **state _unused_)
{
        close(directory);
        tests_folder_remove(folder);
        return 0;
}

static struct spool *opened(uint64_t limit)
{
        struct spool *spool = NULL;

        if (spool_open(path, &shards, limit, &spool, &error) < 0)
                fail_msg("%s", error.text);
        return spool;
}

static void put(struct spool *spool, size_t shard, uint16_t day, const char *text)
{
        _cleanup_(buffer_done) struct buffer row = BUFFER_INIT(1U << 20);

        assert_int_equal(buffer_append_text(&row, text), 0);
        if (spool_put(spool, shard, day, &row, &error) < 0)
                fail_msg("%s", error.text);
}

static void commit(struct spool *spool)
{
        if (spool_commit(spool, NULL, &error) < 0)
                fail_msg("%s", error.text);
}

static uint64_t waiting(struct spool *spool, size_t shard)
{
        uint64_t batches, bytes;

        spool_waiting(spool, shard, &batches, &bytes);
        return batches;
}

/* The rows of the oldest batch, and its file's bytes are `text`. */
static void oldest_is(struct spool *spool, size_t shard, uint32_t sequence, uint32_t rows, const char *text)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(1U << 20);
        struct spool_batch batch;
        char name[PATH_MAX];

        assert_true(spool_first(spool, shard, &batch));
        assert_int_equal(batch.sequence, sequence);
        assert_int_equal(batch.rows, rows);
        assert_int_equal(spool_path(spool, shard, &batch, name), 0);
        assert_int_equal(file_read(AT_FDCWD, name, &bytes, &error), 0);
        assert_string_equal(buffer_text(&bytes), text);
}

static void nothing_is_sent_before_the_commit(void **state _unused_)
{
        struct spool *spool = opened(0);
        struct spool_batch batch;

        put(spool, 0, 100, "one");
        put(spool, 0, 100, "two");
        put(spool, 1, 101, "three");
        assert_false(spool_first(spool, 0, &batch));
        commit(spool);
        oldest_is(spool, 0, 1, 2, "onetwo");
        oldest_is(spool, 1, 2, 1, "three");
        spool_close(spool);
}

static void a_batch_has_rows_of_one_day(void **state _unused_)
{
        struct spool *spool = opened(0);
        struct spool_batch batch;

        put(spool, 0, 100, "a");
        put(spool, 0, 101, "b");
        put(spool, 0, 100, "c");
        commit(spool);
        assert_int_equal(waiting(spool, 0), 2);
        oldest_is(spool, 0, 1, 2, "ac");
        assert_true(spool_first(spool, 0, &batch));
        assert_int_equal(spool_sent(spool, 0, &batch, &error), 0);
        oldest_is(spool, 0, 2, 1, "b");
        spool_close(spool);
}

static void it_is_all_there_after_a_restart(void **state _unused_)
{
        struct spool *spool = opened(0);
        uint64_t node = spool_node(spool);
        struct spool_batch batch;

        put(spool, 0, 100, "first");
        commit(spool);
        put(spool, 0, 100, "second");
        commit(spool);
        assert_true(spool_first(spool, 0, &batch));
        assert_int_equal(spool_sent(spool, 0, &batch, &error), 0);
        spool_close(spool);
        spool = opened(0);
        assert_true(spool_node(spool) == node);
        assert_int_equal(waiting(spool, 0), 1);
        oldest_is(spool, 0, 2, 1, "second");
        put(spool, 0, 100, "third");
        commit(spool);
        assert_true(spool_first(spool, 0, &batch));
        assert_int_equal(spool_sent(spool, 0, &batch, &error), 0);
        oldest_is(spool, 0, 3, 1, "third");
        spool_close(spool);
}

static void what_was_dropped_is_gone_and_its_number_free(void **state _unused_)
{
        struct spool *spool = opened(0);

        put(spool, 0, 100, "dropped");
        spool_drop(spool);
        put(spool, 0, 100, "kept");
        commit(spool);
        oldest_is(spool, 0, 1, 1, "kept");
        spool_close(spool);
}

/* A batch is full: it is written before the commit, and does not count yet. */
static void put_many(struct spool *spool)
{
        for (uint32_t i = 0; i < SPOOL_BATCH_ROWS + 1; i++)
                put(spool, 0, 100, "x");
}

static void a_process_that_dies_before_the_commit_leaves_nothing(void **state _unused_)
{
        struct spool *spool = opened(0);
        pid_t child;
        int status;

        put(spool, 0, 100, "before");
        commit(spool);
        spool_close(spool);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                spool = opened(0);
                put_many(spool);
                _exit(access(path, F_OK)); /* the batch is on the disk, uncommitted */
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        spool = opened(0);
        assert_int_equal(waiting(spool, 0), 1);
        oldest_is(spool, 0, 1, 1, "before");
        put(spool, 0, 100, "after");
        commit(spool);
        assert_int_equal(waiting(spool, 0), 2);
        spool_close(spool);
}

static void large_ones_are_cut(void **state _unused_)
{
        struct spool *spool = opened(0);
        struct spool_batch batch;

        put_many(spool);
        commit(spool);
        assert_int_equal(waiting(spool, 0), 2);
        assert_true(spool_first(spool, 0, &batch));
        assert_int_equal(batch.rows, SPOOL_BATCH_ROWS);
        spool_close(spool);
}

/* No room on the disk (here: files may not grow): nothing of the commit is kept, and the next one is whole. */
static void a_write_that_fails_leaves_nothing(void **state _unused_)
{
        struct spool *spool = opened(0);
        struct rlimit before, none;
        char text[100000];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        put(spool, 0, 100, "before");
        commit(spool);
        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        none = (struct rlimit){ .rlim_cur = 50000, .rlim_max = before.rlim_max };
        put(spool, 0, 100, text);
        put(spool, 1, 100, "small");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        assert_int_equal(spool_commit(spool, NULL, &error), -EFBIG);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        spool_drop(spool);
        assert_int_equal(waiting(spool, 1), 0);
        put(spool, 0, 100, "again");
        commit(spool);
        spool_close(spool);
        spool = opened(0);
        assert_int_equal(waiting(spool, 0), 2);
        assert_int_equal(waiting(spool, 1), 0);
        oldest_is(spool, 0, 1, 1, "before");
        spool_close(spool);
}

static bool has_none(const void *context _unused_, int32_t day _unused_)
{
        return false;
}

static void days_are_known_from_the_commit_on(void **state _unused_)
{
        static const uint8_t first[SALT_CHECK_SIZE] = { 1 }, second[SALT_CHECK_SIZE] = { 2 };
        struct spool *spool = opened(0);
        struct store_day day = { .known = true };

        assert_int_equal(spool_know_day(spool, 100, first, 0), 0);
        spool_drop(spool);
        commit(spool);
        assert_int_equal(spool_day(spool, 100, &day, &error), 0);
        assert_false(day.known);
        assert_int_equal(spool_know_day(spool, 100, first, 0), 0);
        commit(spool);
        assert_int_equal(spool_day(spool, 100, &day, &error), 0);
        assert_true(day.known && day.checked && !day.closed);
        assert_memory_equal(day.check, first, sizeof(first));
        assert_int_equal(spool_know_day(spool, 100, second, 1234), 0);
        commit(spool);
        assert_int_equal(spool_day(spool, 100, &day, &error), 0);
        assert_memory_equal(day.check, second, sizeof(second));
        assert_int_equal(spool_close_days(spool, has_none, NULL, &error), 0);
        assert_int_equal(spool_day(spool, 100, &day, &error), 0);
        assert_true(day.closed && !day.checked); /* nothing is left of the salt */
        spool_close(spool);
}

/* What lies in the spool instead of a batch is never waited for, followed or sent. */
static void what_is_no_batch(void **state _unused_)
{
        struct spool *spool = opened(0);
        struct spool_batch batch;
        char name[PATH_MAX], other[TESTS_FOLDER_SIZE + 16];
        int fd = -1;

        put(spool, 0, 100, "row");
        commit(spool);
        assert_true(spool_first(spool, 0, &batch));
        assert_int_equal(spool_path(spool, 0, &batch, name), 0);
        assert_int_equal(spool_open_batch(spool, 0, &batch, &fd, &error), 0);
        close(fd);
        snprintf(other, sizeof(other), "%s/other", folder);
        assert_int_equal(rename(name, other), 0);
        assert_int_equal(spool_open_batch(spool, 0, &batch, &fd, &error), -EBADMSG);
        alarm(20);
        assert_int_equal(mkfifo(name, 0600), 0);
        assert_int_equal(spool_open_batch(spool, 0, &batch, &fd, &error), -EBADMSG);
        alarm(0);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(symlink(other, name), 0);
        assert_int_equal(spool_open_batch(spool, 0, &batch, &fd, &error), -EBADMSG);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(link(other, name), 0);
        assert_int_equal(spool_open_batch(spool, 0, &batch, &fd, &error), -EBADMSG);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(rename(other, name), 0);
        assert_int_equal(truncate(name, 2), 0);
        assert_int_equal(spool_open_batch(spool, 0, &batch, &fd, &error), -EBADMSG);
        spool_close(spool);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(mkfifo(name, 0600), 0);
        assert_int_equal(spool_open(path, &shards, 0, &spool, &error), -EPERM); /* and at the start */
        assert_int_equal(unlink(name), 0);
        assert_int_equal(chmod(path, 0777), 0);
        assert_int_equal(spool_open(path, &shards, 0, &spool, &error), -EPERM);
        assert_non_null(strstr(error.text, "others could put events into the spool"));
}

static void it_has_a_limit(void **state _unused_)
{
        struct spool *spool = opened(10);
        struct spool_batch batch;

        put(spool, 1, 100, "123456789");
        commit(spool);
        assert_int_equal(spool_has_room(spool, &error), 0);
        put(spool, 1, 100, "1");
        commit(spool);
        assert_int_equal(spool_has_room(spool, &error), -EDQUOT);
        assert_non_null(strstr(error.text, "an2"));
        assert_true(spool_first(spool, 1, &batch));
        assert_int_equal(spool_sent(spool, 1, &batch, &error), 0);
        assert_int_equal(spool_has_room(spool, &error), 0);
        spool_close(spool);
}

static void one_process_has_it(void **state _unused_)
{
        struct spool *spool = opened(0), *second = NULL;

        assert_int_equal(spool_open(path, &shards, 0, &second, &error), -EBUSY);
        spool_close(spool);
}

static void names_have_one_spelling(void **state _unused_)
{
        static const char *const wrong[] = { "",     "1.2.3", "0000000001.20636.",     "0000000001.20636.7x",
                                             "marks", "..",   "0000000001.99999.7",    "4294967296.20636.7",
                                             "0000000001.20636.07", " 000000001.20636.7", "0000000001.20636.-7",
                                             "0000000001.20636.7.1", "0000000001.20636.7.9", "0000000001.20636.7.2x" };
        struct spool_batch batch = { .sequence = 12, .day = 20636, .rows = 4711, .structure = 2 }, found;
        char name[SPOOL_NAME_SIZE];

        spool_batch_name(&batch, name);
        assert_string_equal(name, "0000000012.20636.4711.2");
        assert_true(spool_batch_parse(name, &found));
        assert_int_equal(found.sequence, 12);
        assert_int_equal(found.day, 20636);
        assert_int_equal(found.rows, 4711);
        for (size_t i = 0; i < LENGTH(wrong); i++)
                if (spool_batch_parse(wrong[i], &found))
                        fail_msg("'%s' is taken for a batch", wrong[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(nothing_is_sent_before_the_commit, setup, teardown),
                cmocka_unit_test_setup_teardown(a_batch_has_rows_of_one_day, setup, teardown),
                cmocka_unit_test_setup_teardown(it_is_all_there_after_a_restart, setup, teardown),
                cmocka_unit_test_setup_teardown(what_was_dropped_is_gone_and_its_number_free, setup, teardown),
                cmocka_unit_test_setup_teardown(a_process_that_dies_before_the_commit_leaves_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(large_ones_are_cut, setup, teardown),
                cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(days_are_known_from_the_commit_on, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_no_batch, setup, teardown),
                cmocka_unit_test_setup_teardown(it_has_a_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(one_process_has_it, setup, teardown),
                cmocka_unit_test(names_have_one_spelling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
