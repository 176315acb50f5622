/* What may be a path in a manifest, in which order, and which links leave the tree. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "manifest/entry.h"

static int sign(int value)
{
        return (value > 0) - (value < 0);
}

static void the_order_is_by_component(void **state)
{
        /* Each sorts before all that follow. */
        static const char *const paths[] = { "",   "!",   "A",      "a",  "a/b", "a/b/c", "a/b!",  "a/b-c",   "a/c",
                                             "a!", "a-b", "a.html", "a0", "aa",  "b",     "b\x7f", "b\x80/x", "b\xff" };

        (void)state;
        for (size_t i = 0; i < LENGTH(paths); i++)
                for (size_t k = 0; k < LENGTH(paths); k++)
                        assert_int_equal(sign(path_compare(paths[i], strlen(paths[i]), paths[k], strlen(paths[k]))),
                                         sign((int)i - (int)k));
}

static void paths_inside_a_tree_pass(void **state)
{
        static const char *const paths[] = {
                "", "a", "a/b", "...", "..a", "a..", ".a", "\n", "\xff", "a b ", "*?[\\#="
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(paths); i++)
                assert_int_equal(path_check(paths[i], strlen(paths[i]), NULL), 0);
}

static void hostile_paths_are_refused(void **state)
{
        static const char *const paths[] = { ".",    "..",   "/",      "/a",  "a/",    "a//b", "./a",
                                             "../a", "a/..", "a/../b", "a/.", "a/./b", "//" };
        struct error error = ERROR_NONE;

        (void)state;
        for (size_t i = 0; i < LENGTH(paths); i++) {
                assert_int_equal(path_check(paths[i], strlen(paths[i]), &error), -EINVAL);
                assert_true(error.text[0] != '\0');
        }
        assert_int_equal(path_check("a\0b", 3, NULL), -EINVAL);
}

static void the_limits_hold(void **state)
{
        char path[ENTRY_PATH_MAXIMUM + 2];

        (void)state;
        memset(path, 'a', sizeof(path));
        assert_int_equal(path_check(path, ENTRY_NAME_MAXIMUM, NULL), 0);
        assert_int_equal(path_check(path, ENTRY_NAME_MAXIMUM + 1, NULL), -EINVAL);
        for (size_t i = 1; i < sizeof(path); i += 2)
                path[i] = '/';
        assert_int_equal(path_check(path, 2 * ENTRY_DEPTH_MAXIMUM - 1, NULL), 0);
        assert_int_equal(path_check(path, 2 * ENTRY_DEPTH_MAXIMUM + 1, NULL), -EINVAL);
        memset(path, 'a', sizeof(path));
        for (size_t i = 255; i < sizeof(path); i += 256)
                path[i] = '/';
        assert_int_equal(path_check(path, ENTRY_PATH_MAXIMUM, NULL), 0);
        path[ENTRY_PATH_MAXIMUM] = 'a';
        assert_int_equal(path_check(path, ENTRY_PATH_MAXIMUM + 1, NULL), -EINVAL);
}

static bool leaves(const char *path, const char *target)
{
        return link_leaves_tree(path, strlen(path), target, strlen(target));
}

static void links_that_can_lead_out_are_seen(void **state)
{
        (void)state;
        assert_false(leaves("current", "releases/7"));
        assert_false(leaves("a/b/link", "../../x"));
        assert_false(leaves("a/link", "./.././x"));
        assert_false(leaves("a/link", ".."));
        assert_false(leaves("link", "..x"));
        assert_false(leaves("link", "."));
        assert_true(leaves("link", "/"));
        assert_true(leaves("link", "/etc/passwd"));
        assert_true(leaves("link", ".."));
        assert_true(leaves("link", "../uploads"));
        assert_true(leaves("a/link", "../../x"));
        assert_true(leaves("a/link", "..//..//x"));
        assert_true(leaves("a/b/link", "other/../x")); /* other may be a link to the top */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_order_is_by_component),        cmocka_unit_test(paths_inside_a_tree_pass),
                cmocka_unit_test(hostile_paths_are_refused),        cmocka_unit_test(the_limits_hold),
                cmocka_unit_test(links_that_can_lead_out_are_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
