/* queue.c - what each interrupted step leaves behind is a message, whole, once. */
#include "tests.h"

#include <sys/stat.h>

#include "base/attributes.h"
#include "base/text.h"
#include "notify/queue.h"

#define ONE "0000000000000001-0000000000000001"
#define TWO "0000000000000002-0000000000000002"

static int count_one(void *context, const char *id)
{
        assert_true(message_id_is_good(id));
        ++*(size_t *)context;
        return 0;
}

static size_t count(struct queue *queue)
{
        size_t number = 0;

        assert_int_equal(queue_list(queue, count_one, &number, NULL), 0);
        return number;
}

static bool exists(const char *folder, const char *name)
{
        char path[TESTS_FOLDER_SIZE + 128];
        struct stat st;

        snprintf(path, sizeof(path), "%s/notify/test/%s", folder, name);
        return lstat(path, &st) == 0;
}

static void put_read_finish(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(100);
        char folder[TESTS_FOLDER_SIZE];
        struct queue queue;
        struct stat st;
        int fd = tests_folder(folder);

        assert_int_equal(queue_open(folder, "test", &queue, NULL), 0);
        assert_int_equal(fstat(queue.folder, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(queue_put(&queue, ONE, "one", 3, NULL), 0);
        assert_int_equal(queue_put(&queue, ONE, "one", 3, NULL), 0); /* again, after an error that was none */
        assert_int_equal(queue_put(&queue, TWO, "two", 3, NULL), 0);
        assert_int_equal(count(&queue), 2);
        assert_int_equal(queue_read(&queue, ONE, &text, NULL), 0);
        assert_string_equal(text.data, "one");
        assert_int_equal(queue_finish(&queue, ONE, false, NULL), 0);
        assert_int_equal(queue_finish(&queue, ONE, false, NULL), 0);
        assert_int_equal(queue_finish(&queue, TWO, true, NULL), 0);
        assert_int_equal(count(&queue), 0);
        assert_int_equal(queue_count_undeliverable(&queue), 1);
        assert_true(exists(folder, "undeliverable/" TWO));
        queue_close(&queue);
        close(fd);
        tests_folder_remove(folder);
}

static void a_group_of_the_dead_becomes_a_message(void **state _unused_)
{
        char folder[TESTS_FOLDER_SIZE];
        struct queue queue;
        int fd = tests_folder(folder), group;

        assert_int_equal(queue_open(folder, "test", &queue, NULL), 0);
        group = queue_group_new(&queue, ONE, NULL);
        assert_true(group >= 0);
        assert_int_equal(write_full(group, "line", 4), 0);
        close(group);
        close(queue_group_new(&queue, TWO, NULL)); /* nothing in it yet */
        assert_int_equal(count(&queue), 0);
        queue_close(&queue);
        assert_int_equal(queue_open(folder, "test", &queue, NULL), 0);
        assert_int_equal(count(&queue), 1);
        assert_true(exists(folder, "queue/" ONE));
        assert_false(exists(folder, "groups/" TWO));
        queue_close(&queue);
        close(fd);
        tests_folder_remove(folder);
}

static void leftovers_are_removed(void **state _unused_)
{
        char folder[TESTS_FOLDER_SIZE];
        json_t *progress = json_pack("{s:s}", "target", "delivered"), *back;
        struct queue queue;
        int fd = tests_folder(folder);

        assert_int_equal(queue_open(folder, "test", &queue, NULL), 0);
        assert_int_equal(queue_put(&queue, ONE, "one", 3, NULL), 0);
        assert_int_equal(queue_progress_write(&queue, ONE, progress, NULL), 0);
        assert_int_equal(queue_progress_write(&queue, TWO, progress, NULL), 0); /* its message is gone */
        assert_int_equal(file_replace(queue.messages, "." ONE ".abc.tmp", "half", 4, 0600, NULL), 0);
        queue_close(&queue);
        assert_int_equal(queue_open(folder, "test", &queue, NULL), 0);
        assert_true(exists(folder, "progress/" ONE));
        assert_false(exists(folder, "progress/" TWO));
        assert_false(exists(folder, "queue/." ONE ".abc.tmp"));
        back = queue_progress_read(&queue, ONE);
        assert_string_equal(json_string_value(json_object_get(back, "target")), "delivered");
        json_decref(back);
        back = queue_progress_read(&queue, TWO); /* none */
        assert_int_equal(json_object_size(back), 0);
        json_decref(back);
        assert_int_equal(file_replace(queue.progress, ONE, "[torn", 5, 0600, NULL), 0);
        back = queue_progress_read(&queue, ONE);
        assert_int_equal(json_object_size(back), 0);
        json_decref(back);
        json_decref(progress);
        queue_close(&queue);
        close(fd);
        tests_folder_remove(folder);
}

static void undeliverable_ones_are_few(void **state _unused_)
{
        char folder[TESTS_FOLDER_SIZE], id[MESSAGE_ID_SIZE];
        struct queue queue;
        int fd = tests_folder(folder), file;

        assert_int_equal(queue_open(folder, "test", &queue, NULL), 0);
        for (unsigned int i = 1; i <= QUEUE_UNDELIVERABLE; i++) {
                snprintf(id, sizeof(id), "%016x-%016x", i, i);
                file = openat(queue.undeliverable, id, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
                assert_true(file >= 0);
                close(file);
        }
        snprintf(id, sizeof(id), "%016x-%016x", 99999U, 1U);
        assert_int_equal(queue_put(&queue, id, "x", 1, NULL), 0);
        assert_int_equal(queue_finish(&queue, id, true, NULL), 0);
        assert_int_equal(queue_count_undeliverable(&queue), QUEUE_UNDELIVERABLE);
        assert_false(exists(folder, "undeliverable/" ONE)); /* the oldest went */
        queue_close(&queue);
        close(fd);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(put_read_finish),
                cmocka_unit_test(a_group_of_the_dead_becomes_a_message),
                cmocka_unit_test(leftovers_are_removed),
                cmocka_unit_test(undeliverable_ones_are_few),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
