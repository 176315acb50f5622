/* test_walk.c - the walk gives what is there, in the manifest's order, and goes only where it is told to. */
#include "tests.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "manifest/entry.h"
#include "manifest/walk.h"

static char folder[TESTS_FOLDER_SIZE];
static int directory = -1;

static void touch(const char *name)
{
        int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        close(fd);
}

static int set_up(void **state)
{
        (void)state;
        directory = tests_folder(folder);
        assert_int_equal(fchdir(directory), 0);
        assert_int_equal(mkdir("foo", 0755), 0);
        assert_int_equal(mkdir("foo/sub", 0755), 0);
        touch("foo/sub/z");
        touch("foo/x");
        touch("foo-bar");
        touch("foo.html");
        touch("\377");
        touch(".hidden");
        assert_int_equal(symlink("foo", "link"), 0);
        assert_int_equal(mkfifo("pipe", 0644), 0);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        fd_close(&directory);
        assert_int_equal(chdir("/"), 0);
        tests_folder_remove(folder);
        return 0;
}

/* All paths, one a line; folders are entered but for `closed`. */
static void list(enum walk_flags flags, const char *closed, struct buffer *out)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;

        assert_int_equal(walk_new(directory, flags, &walk, NULL), 0);
        while (walk_next(walk, &item)) {
                assert_int_equal(item->path_length, strlen(item->path));
                assert_int_equal(item->error, 0);
                assert_int_equal(buffer_printf(out, "%s\n", item->path), 0);
                if (!item->lazy && S_ISDIR(item->stx.stx_mode) && strcmp(item->path, closed) != 0)
                        assert_int_equal(walk_enter(walk), 0);
        }
}

static void the_order_is_the_manifests(void **state)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(4096);

        (void)state;
        list(0, "none", &out);
        assert_string_equal(buffer_text(&out),
                            "\n.hidden\nfoo\nfoo/sub\nfoo/sub/z\nfoo/x\nfoo-bar\nfoo.html\nlink\npipe\n\377\n");
}

static void a_folder_that_is_not_entered_is_passed_over(void **state)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(4096);

        (void)state;
        list(0, "foo", &out);
        assert_string_equal(buffer_text(&out), "\n.hidden\nfoo\nfoo-bar\nfoo.html\nlink\npipe\n\377\n");
}

static void unsorted_finds_as_much(void **state)
{
        _cleanup_(buffer_done) struct buffer sorted = BUFFER_INIT(4096), unsorted = BUFFER_INIT(4096);

        (void)state;
        list(0, "none", &sorted);
        list(WALK_UNSORTED, "none", &unsorted);
        assert_int_equal(sorted.length, unsorted.length);
}

static void lazy_looks_only_when_asked(void **state)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        bool seen = false;

        (void)state;
        assert_int_equal(walk_new(directory, WALK_LAZY, &walk, NULL), 0);
        while (walk_next(walk, &item)) {
                if (item->path_length == 0)
                        assert_int_equal(walk_enter(walk), 0);
                if (strcmp(item->name, "pipe") == 0) /* only regular files can wait */
                        assert_false(item->lazy);
                if (strcmp(item->name, "foo.html") != 0 || !item->lazy)
                        continue;
                seen = true;
                walk_look(walk);
                assert_false(item->lazy);
                assert_true(S_ISREG(item->stx.stx_mode));
                assert_false(item->mount);
        }
        if (!seen)
                skip(); /* a file system that does not list types */
}

static void what_vanishes_meanwhile_is_an_error_of_its_own(void **state)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;

        (void)state;
        assert_int_equal(walk_new(directory, 0, &walk, NULL), 0);
        assert_true(walk_next(walk, &item));
        assert_int_equal(walk_enter(walk), 0);
        assert_int_equal(unlink(".hidden"), 0);
        assert_true(walk_next(walk, &item));
        assert_string_equal(item->path, ".hidden");
        assert_int_equal(item->error, -ENOENT);
}

static void a_folder_that_was_exchanged_is_not_entered(void **state)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;

        (void)state;
        assert_int_equal(walk_new(directory, 0, &walk, NULL), 0);
        while (walk_next(walk, &item) && strcmp(item->path, "foo") != 0)
                if (item->path_length == 0)
                        assert_int_equal(walk_enter(walk), 0);
        assert_int_equal(rename("foo", "was-foo"), 0);
        assert_int_equal(symlink("/etc", "foo"), 0);
        assert_int_equal(walk_enter(walk), -ESTALE);
        assert_int_equal(unlink("foo"), 0);
        assert_int_equal(mkdir("foo", 0755), 0);
        assert_int_equal(walk_enter(walk), -ESTALE);
        assert_true(walk_next(walk, &item)); /* it goes on behind it */
        assert_string_equal(item->path, "foo-bar");
}

static void a_held_folder_outlives_the_walk(void **state)
{
        struct walk_folder *held = NULL;
        struct walk *walk = NULL;
        const struct walk_item *item;
        struct stat st;

        (void)state;
        assert_int_equal(walk_new(directory, 0, &walk, NULL), 0);
        while (walk_next(walk, &item)) {
                if (S_ISDIR(item->stx.stx_mode))
                        assert_int_equal(walk_enter(walk), 0);
                if (strcmp(item->path, "foo/x") == 0)
                        held = walk_folder_hold(item->folder);
        }
        walk_free(walk);
        assert_non_null(held);
        assert_int_equal(fstatat(walk_folder_fd(held), "x", &st, 0), 0);
        walk_folder_release(held);
}

static void it_ends_where_no_manifest_can_go(void **state)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        _cleanup_(fd_closep) int at = dup(directory);
        const struct walk_item *item;
        int r = 0;

        (void)state;
        for (int i = 0; i < ENTRY_DEPTH_MAXIMUM + 10; i++) {
                int next;

                assert_int_equal(mkdirat(at, "d", 0755), 0);
                next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close(at);
                at = next;
        }
        assert_int_equal(walk_new(directory, 0, &walk, NULL), 0);
        while (r == 0 && walk_next(walk, &item))
                if (S_ISDIR(item->stx.stx_mode))
                        r = walk_enter(walk);
        assert_int_equal(r, -ENAMETOOLONG);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                CASE(the_order_is_the_manifests),
                CASE(a_folder_that_is_not_entered_is_passed_over),
                CASE(unsorted_finds_as_much),
                CASE(lazy_looks_only_when_asked),
                CASE(what_vanishes_meanwhile_is_an_error_of_its_own),
                CASE(a_folder_that_was_exchanged_is_not_entered),
                CASE(a_held_folder_outlives_the_walk),
                CASE(it_ends_where_no_manifest_can_go),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
