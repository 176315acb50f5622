/* journal.c and its readers - what was said to be in the journal is in it, in order, proven; several writers and
 * threads at once; a queue that overflows says so. */
#include "tests.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/text.h"
#include "journal/journal.h"
#include "journal/personal.h"
#include "journal/reader.h"
#include "journal/verify.h"

struct place {
        char folder[TESTS_FOLDER_SIZE], journal[TESTS_FOLDER_SIZE + 16];
        char said[4096];
};

static int setup(void **state)
{
        static struct place place;

        close(tests_folder(place.folder));
        snprintf(place.journal, sizeof(place.journal), "%s/journal", place.folder);
        *place.said = '\0';
        *state = &place;
        return 0;
}

static int teardown(void **state)
{
        struct place *place = *state;

        tests_folder_remove(place->folder);
        return 0;
}

static void listen_to(void *context, const char *sentence)
{
        struct place *place = context;
        size_t length = strlen(place->said);

        snprintf(place->said + length, sizeof(place->said) - length, "%s\n", sentence);
}

static struct journal *open_journal(struct place *place, size_t queue)
{
        struct journal_options options = {
                .server = "web1", .queue_records = queue, .note = listen_to, .context = place
        };
        struct journal *journal = NULL;
        struct error error = ERROR_NONE;

        if (journal_open(place->journal, &options, &journal, &error) < 0)
                fail_msg("%s", error.text);
        return journal;
}

static uint64_t append(struct journal *journal, const char *what)
{
        struct error error = ERROR_NONE;
        uint64_t ticket = 0;

        if (journal_append(journal, &(struct journal_record){ .actor = "test", .kind = "test", .what = what }, &ticket,
                           &error) < 0)
                fail_msg("%s", error.text);
        return ticket;
}

static struct journal_verdict verdict_of(struct place *place, const struct journal_held *held, size_t count)
{
        struct journal_verdict verdict = { .fault = JOURNAL_DAMAGED };
        struct error error = ERROR_NONE;

        if (journal_verify(place->journal, NULL, 0, held, count, NULL, NULL, &verdict, &error) < 0)
                fail_msg("%s", error.text);
        return verdict;
}

static int check_number(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err)
{
        uint64_t *next = context;
        json_t *record = NULL;
        char what[32];

        assert_int_equal(record_parse(bytes, length, sequence, &record, err), 0);
        snprintf(what, sizeof(what), "number %d", (int)sequence);
        assert_true(sequence == *next);
        assert_string_equal(json_string_value(json_object_get(record, "what")), what);
        json_decref(record);
        ++*next;
        return 0;
}

static void records_are_read_as_they_were_appended_across_tiles(void **state)
{
        struct place *place = *state;
        struct journal *journal = open_journal(place, 0);
        struct journal_reader *reader = NULL;
        uint64_t next = 0;

        for (unsigned int i = 0; i < 1000; i++) {
                char what[32];

                snprintf(what, sizeof(what), "number %u", i);
                append(journal, what);
                if (i % 123 == 0 || i == 255 || i == 511)
                        assert_int_equal(journal_commit(journal, NULL), 0);
                if (i % 300 == 0) { /* as another process would find it */
                        journal_close(journal);
                        journal = open_journal(place, 0);
                }
        }
        journal_close(journal);
        assert_string_equal(place->said, "");
        assert_int_equal(verdict_of(place, NULL, 0).fault, JOURNAL_WHOLE);
        assert_int_equal(journal_reader_open(place->journal, &reader, NULL), 0);
        assert_int_equal(journal_read(reader, 0, check_number, &next, NULL), 0);
        assert_int_equal(next, 1000);
        next = 700;
        assert_int_equal(journal_read(reader, 700, check_number, &next, NULL), 0);
        assert_int_equal(next, 1000);
        journal_reader_close(reader);
}

static void every_record_is_proven_from_the_tiles(void **state)
{
        struct place *place = *state;
        struct journal *journal = open_journal(place, 0);
        struct journal_reader *reader = NULL;
        struct hasher *hasher = NULL;
        const struct checkpoint *checkpoint;

        for (unsigned int i = 0; i < 600; i++)
                append(journal, "x");
        journal_close(journal);
        assert_int_equal(hasher_new(&hasher, NULL), 0);
        assert_int_equal(journal_reader_open(place->journal, &reader, NULL), 0);
        checkpoint = journal_reader_checkpoint(reader);
        for (uint64_t i = 0; i < checkpoint->size; i++) {
                struct merkle_proof proof;
                struct digest leaf;

                assert_int_equal(journal_prove(reader, i, &leaf, &proof, NULL), 0);
                assert_int_equal(
                        merkle_inclusion_holds(hasher, &leaf, i, checkpoint->size, &checkpoint->root, &proof, NULL), 1);
        }
        hasher_free(hasher);
        journal_reader_close(reader);
}

static void *append_many(void *context)
{
        for (unsigned int i = 0; i < 500; i++)
                append(context, "from a thread");
        assert_int_equal(journal_wait(context, append(context, "the last of a thread"), NULL), 0);
        return NULL;
}

static void threads_and_processes_append_at_once(void **state)
{
        struct place *place = *state;
        struct journal *journal = NULL;
        pthread_t threads[3];
        pid_t child;
        int status = -1;

        journal_close(open_journal(place, 0));
        child = fork();
        if (child == 0) {
                journal = open_journal(place, 0);
                for (unsigned int i = 0; i < 40; i++)
                        if (journal_wait(journal, append(journal, "from a process"), NULL) < 0)
                                _exit(1);
                journal_close(journal);
                _exit(0);
        }
        journal = open_journal(place, 0);
        assert_int_equal(journal_start(journal, NULL), 0);
        for (size_t i = 0; i < LENGTH(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, append_many, journal), 0);
        for (size_t i = 0; i < LENGTH(threads); i++)
                pthread_join(threads[i], NULL);
        journal_close(journal);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(verdict_of(place, NULL, 0).records, 3 * 501 + 40);
        assert_int_equal(verdict_of(place, NULL, 0).fault, JOURNAL_WHOLE);
}

static int count_kinds(void *context, uint64_t sequence _unused_, const char *bytes, size_t length,
                       struct error *err _unused_)
{
        unsigned int *overflows = context;

        if (memmem(bytes, length, "\"what\":\"5 records were lost", 26))
                ++*overflows;
        return 0;
}

static void a_queue_that_overflows_says_how_many_were_lost(void **state)
{
        struct place *place = *state;
        struct journal *journal = open_journal(place, 10);
        struct journal_reader *reader = NULL;
        unsigned int overflows = 0;

        for (unsigned int i = 0; i < 15; i++) {
                int r = journal_append(journal, &(struct journal_record){ .actor = "a", .kind = "k", .what = "w" },
                                       NULL, NULL);

                assert_int_equal(r, i < 10 ? 0 : -EAGAIN);
        }
        journal_close(journal);
        assert_int_equal(journal_reader_open(place->journal, &reader, NULL), 0);
        assert_int_equal(journal_reader_checkpoint(reader)->size, 11);
        assert_int_equal(journal_read(reader, 0, count_kinds, &overflows, NULL), 0);
        assert_int_equal(overflows, 1);
        journal_reader_close(reader);
}

/* A journal's disk that takes nothing: what waits stays, and is written when it does again. */
static void a_commit_that_fails_is_tried_again(void **state)
{
        struct place *place = *state;
        struct journal *journal = open_journal(place, 0);
        char blocked[TESTS_FOLDER_SIZE + 32];
        struct error error = ERROR_NONE;

        snprintf(blocked, sizeof(blocked), "%s/tile", place->journal);
        close(open(blocked, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); /* a file where a folder must be */
        append(journal, "one");
        assert_true(journal_commit(journal, &error) < 0);
        assert_true(*error.text);
        append(journal, "two");
        assert_true(journal_commit(journal, NULL) < 0);
        assert_int_equal(unlink(blocked), 0);
        assert_int_equal(journal_commit(journal, NULL), 0);
        journal_close(journal);
        assert_int_equal(verdict_of(place, NULL, 0).fault, JOURNAL_WHOLE);
        assert_int_equal(verdict_of(place, NULL, 0).records, 3); /* and one that tells of it */
}

static int count_them(void *context, uint64_t sequence _unused_, const char *bytes, size_t length,
                      struct error *err _unused_)
{
        unsigned int *counts = context;

        counts[0] += memmem(bytes, length, "\"what\":\"one\"", 12) != NULL;
        counts[1] += memmem(bytes, length, "\"kind\":\"journal_resumed\"", 24) != NULL;
        counts[2] += memmem(bytes, length, "\"kind\":\"journal_recovered\"", 26) != NULL;
        return 0;
}

/* The records were written, their hashes could not be: they must not be taken for what a crash left, by us or by
 * another process. */
static int64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void whoever_waits_briefly_is_not_held_up(void **state)
{
        struct place *place = *state;
        struct journal *journal = open_journal(place, 0);
        char path[TESTS_FOLDER_SIZE + 32];
        int64_t since;
        int lock;

        assert_int_equal(journal_start(journal, NULL), 0);
        assert_true(journal_wait_briefly(journal, append(journal, "nobody in the way"), 10000));
        snprintf(path, sizeof(path), "%s/lock", place->journal);
        lock = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(lock, LOCK_EX), 0); /* another command that takes its time */
        since = now_ms();
        assert_false(journal_wait_briefly(journal, append(journal, "somebody in the way"), 30));
        assert_in_range(now_ms() - since, 30, 5000);
        close(lock);
        assert_true(journal_wait_briefly(journal, append(journal, "and gone"), 10000));
        journal_close(journal);
}

static void a_commit_that_failed_half_way_writes_nothing_twice(void **state)
{
        struct place *place = *state;
        struct journal *journal = open_journal(place, 0);
        struct journal_reader *reader = NULL;
        unsigned int counts[3] = { 0 };
        char blocked[TESTS_FOLDER_SIZE + 64];

        append(journal, "first"); /* makes the folders */
        assert_int_equal(journal_commit(journal, NULL), 0);
        snprintf(blocked, sizeof(blocked), "%s/tile/0/000.p/2", place->journal);
        assert_int_equal(mkdir(blocked, 0700), 0); /* a folder where a file must be */
        append(journal, "one");
        assert_true(journal_commit(journal, NULL) < 0);
        assert_true(journal_commit(journal, NULL) < 0);
        journal_close(open_journal(place, 0)); /* another process comes by */
        assert_int_equal(rmdir(blocked), 0);
        assert_int_equal(journal_commit(journal, NULL), 0);
        journal_close(journal);
        assert_int_equal(verdict_of(place, NULL, 0).fault, JOURNAL_WHOLE);
        assert_int_equal(journal_reader_open(place->journal, &reader, NULL), 0);
        assert_int_equal(journal_reader_checkpoint(reader)->size, 3);
        assert_int_equal(journal_read(reader, 0, count_them, counts, NULL), 0);
        journal_reader_close(reader);
        assert_int_equal(counts[0], 1);
        assert_int_equal(counts[1], 1);
        assert_int_equal(counts[2], 0);
}

static void partial_tiles_go_when_their_full_one_is_there(void **state)
{
        struct place *place = *state;
        struct journal *journal = open_journal(place, 0);
        char gone[TESTS_FOLDER_SIZE + 64], there[TESTS_FOLDER_SIZE + 64];

        assert_int_equal(journal_start(journal, NULL), 0);
        for (unsigned int i = 0; i < 260; i++)
                if (i % 10 == 9)
                        assert_int_equal(journal_wait(journal, append(journal, "x"), NULL), 0);
                else
                        append(journal, "x");
        journal_close(journal);
        snprintf(gone, sizeof(gone), "%s/tile/entries/000.p", place->journal);
        snprintf(there, sizeof(there), "%s/tile/entries/001.p", place->journal);
        assert_int_equal(access(gone, F_OK), -1);
        assert_int_equal(access(there, F_OK), 0);
        snprintf(gone, sizeof(gone), "%s/tile/0/000.p", place->journal);
        assert_int_equal(access(gone, F_OK), -1);
        assert_int_equal(verdict_of(place, NULL, 0).records, 260);
        assert_int_equal(verdict_of(place, NULL, 0).fault, JOURNAL_WHOLE);
}

static void others_may_not_read_the_key(void **state)
{
        struct place *place = *state;
        struct journal *journal = NULL;
        struct error error = ERROR_NONE;
        char key[TESTS_FOLDER_SIZE + 32];

        journal_close(open_journal(place, 0));
        snprintf(key, sizeof(key), "%s/node.key", place->journal);
        assert_int_equal(chmod(key, 0644), 0);
        assert_int_equal(journal_open(place->journal, NULL, &journal, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "chmod 600"));
}

static void personal_data_is_deleted_with_its_key(void **state)
{
        struct place *place = *state;
        char one[PERSONAL_TEXT_SIZE], again[PERSONAL_TEXT_SIZE], other[PERSONAL_TEXT_SIZE];

        journal_close(open_journal(place, 0));
        assert_int_equal(personal_commit(place->journal, "2009-07", "address", "192.0.2.7", one, NULL), 0);
        assert_int_equal(personal_commit(place->journal, "2009-07", "address", "192.0.2.7", again, NULL), 0);
        assert_string_equal(one, again);
        assert_int_equal(personal_commit(place->journal, "2009-08", "address", "192.0.2.7", other, NULL), 0);
        assert_string_not_equal(one, other); /* incidents cannot be joined */
        assert_null(strstr(one, "192.0.2.7"));
        assert_int_equal(personal_holds(place->journal, "2009-07", "address", "192.0.2.7", one, NULL), 1);
        assert_int_equal(personal_holds(place->journal, "2009-07", "account", "192.0.2.7", one, NULL), 0);
        assert_int_equal(personal_holds(place->journal, "2009-07", "address", "192.0.2.8", one, NULL), 0);
        assert_int_equal(personal_destroy(place->journal, "2009-07", NULL), 0);
        assert_int_equal(personal_holds(place->journal, "2009-07", "address", "192.0.2.7", one, NULL), -ESTALE);
        assert_int_equal(personal_commit(place->journal, "2009-07", "address", "192.0.2.7", again, NULL), -ESTALE);
        assert_int_equal(personal_destroy(place->journal, "2009-07", NULL), 0);
        assert_int_equal(personal_commit(place->journal, "../x", "address", "a", again, NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(records_are_read_as_they_were_appended_across_tiles, setup, teardown),
                cmocka_unit_test_setup_teardown(every_record_is_proven_from_the_tiles, setup, teardown),
                cmocka_unit_test_setup_teardown(threads_and_processes_append_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(a_queue_that_overflows_says_how_many_were_lost, setup, teardown),
                cmocka_unit_test_setup_teardown(a_commit_that_fails_is_tried_again, setup, teardown),
                cmocka_unit_test_setup_teardown(whoever_waits_briefly_is_not_held_up, setup, teardown),
                cmocka_unit_test_setup_teardown(a_commit_that_failed_half_way_writes_nothing_twice, setup, teardown),
                cmocka_unit_test_setup_teardown(partial_tiles_go_when_their_full_one_is_there, setup, teardown),
                cmocka_unit_test_setup_teardown(others_may_not_read_the_key, setup, teardown),
                cmocka_unit_test_setup_teardown(personal_data_is_deleted_with_its_key, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
