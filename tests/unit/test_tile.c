/* tile.c - the specification's own examples of paths and widths, and bundles that end too early. */
#include "tests.h"

#include "base/attributes.h"
#include "journal/tile.h"

static void paths_are_those_of_the_specification(void **state _unused_)
{
        static const struct {
                int level;
                uint64_t index;
                unsigned int width;
                const char *path;
        } cases[] = {
                {0,             1234067,         256, "tile/0/x001/x234/067"                   },
                { TILE_ENTRIES, 1234067,         8,   "tile/entries/x001/x234/067.p/8"         },
                { 0,            0,               256, "tile/0/000"                             },
                { 1,            999,             255, "tile/1/999.p/255"                       },
                { 7,            1000,            256, "tile/7/x001/000"                        },
                { 0,            UINT64_MAX >> 8, 1,   "tile/0/x072/x057/x594/x037/x927/935.p/1"},
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                char path[TILE_PATH_SIZE];
                unsigned int width;
                uint64_t index;
                int level;

                tile_path(cases[i].level, cases[i].index, cases[i].width, path);
                assert_string_equal(path, cases[i].path);
                assert_int_equal(tile_path_parse(path, &level, &index, &width), 0);
                assert_int_equal(level, cases[i].level);
                assert_true(index == cases[i].index);
                assert_int_equal(width, cases[i].width);
        }
}

static void other_spellings_of_a_path_are_refused(void **state _unused_)
{
        static const char *const paths[] = {
                "",
                "tile/",
                "tile/0",
                "tile/0/",
                "tile/0/0",
                "tile/0/0000",
                "tile/0/x000/001",
                "tile/00/001",
                "tile/8/001",
                "tile/0/001.p/0",
                "tile/0/001.p/256",
                "tile/0/001.p/01",
                "tile/0/001.p/",
                "tile/0/x001/x002",
                "tile/0/../001",
                "tile/entries/001/",
                "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        };
        unsigned int width;
        uint64_t index;
        int level;

        for (size_t i = 0; i < LENGTH(paths); i++)
                assert_int_equal(tile_path_parse(paths[i], &level, &index, &width), -EINVAL);
}

/* "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width 112, one full
 * level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width 1" */
static void widths_are_those_of_the_specification(void **state _unused_)
{
        assert_int_equal(tile_width(0, 272, 70000), 256);
        assert_int_equal(tile_width(0, 273, 70000), 112);
        assert_int_equal(tile_width(0, 274, 70000), 0);
        assert_int_equal(tile_width(1, 0, 70000), 256);
        assert_int_equal(tile_width(1, 1, 70000), 17);
        assert_int_equal(tile_width(2, 0, 70000), 1);
        assert_int_equal(tile_width(3, 0, 70000), 0);
        assert_int_equal(tile_width(TILE_ENTRIES, 273, 70000), 112);
        assert_int_equal(tile_width(0, 0, 256), 256);
        assert_int_equal(tile_width(0, 1, 256), 0);
        assert_int_equal(tile_width(1, 0, 256), 1);
}

static void a_torn_bundle_has_the_entries_before_the_tear(void **state _unused_)
{
        static const char bundle[] = "\0\3one\0\0\0\5three";
        size_t length;

        assert_int_equal(tile_whole_entries(bundle, sizeof(bundle) - 1, 256, &length), 3);
        assert_int_equal(length, sizeof(bundle) - 1);
        assert_int_equal(tile_whole_entries(bundle, sizeof(bundle) - 2, 256, &length), 2);
        assert_int_equal(length, 7);
        assert_int_equal(tile_whole_entries(bundle, 1, 256, &length), 0);
        assert_int_equal(tile_whole_entries(bundle, sizeof(bundle) - 1, 2, &length), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_are_those_of_the_specification),
                cmocka_unit_test(other_spellings_of_a_path_are_refused),
                cmocka_unit_test(widths_are_those_of_the_specification),
                cmocka_unit_test(a_torn_bundle_has_the_entries_before_the_tear),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
