/* mend_plan.c: which names can be put right by themselves, and which ask for a fresh tree; names.c: who hears of which. */
#include "tests.h"

#include <sys/mman.h>

#include "base/attributes.h"
#include "guard/handover.h"
#include "guard/names.h"
#include "manifest/mtree.h"
#include "tree/mend_plan.h"

/* ---- one name ---- */

static void each_step(void **state)
{
        const struct entry file = { .type = ENTRY_FILE }, link = { .type = ENTRY_LINK },
                           folder = { .type = ENTRY_DIRECTORY };
        const struct {
                struct mend_seen seen;
                enum mend_step step;
        } cases[] = {
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_CONTENT }, MEND_REPLACE },
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_MODE | DIFFERENCE_OWNER }, MEND_REPLACE },
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_TYPE }, MEND_REPLACE },
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_HARDLINK }, MEND_REPLACE },
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_XATTR }, MEND_REPLACE },
                { { .entry = &file, .exists = true }, MEND_REPLACE }, /* somebody holds it open for writing */
                { { .entry = &file, .kinds = DIFFERENCE_MISSING }, MEND_PUT },
                { { .entry = &link, .exists = true, .kinds = DIFFERENCE_LINK }, MEND_REPLACE },
                { { .entry = &link, .kinds = DIFFERENCE_MISSING }, MEND_PUT },
                { { .exists = true, .kinds = DIFFERENCE_EXTRA }, MEND_TAKE },
                { { .exists = false }, MEND_NOTHING },
                { { .exists = true }, MEND_NOTHING }, /* ignored, and within its rules */
                { { .entry = &folder, .exists = true }, MEND_NOTHING },
                { { .entry = &folder, .exists = true, .kinds = DIFFERENCE_MODE }, MEND_NOT_ENOUGH },
                { { .entry = &folder, .kinds = DIFFERENCE_MISSING }, MEND_NOT_ENOUGH },
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_MOUNT }, MEND_NOT_ENOUGH },
                { { .exists = true, .kinds = DIFFERENCE_EXTRA | DIFFERENCE_MOUNT }, MEND_NOT_ENOUGH },
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_CONTENT | DIFFERENCE_FLAGS }, MEND_NOT_ENOUGH },
                { { .entry = &file, .exists = true, .kinds = DIFFERENCE_CONTENT, .flags = 0x10 }, MEND_NOT_ENOUGH },
                { { .entry = &file, .above = true, .kinds = DIFFERENCE_MISSING }, MEND_NOT_ENOUGH },
                { { .above = true, .exists = true, .kinds = DIFFERENCE_TYPE }, MEND_NOT_ENOUGH },
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(cases); i++)
                if (mend_plan(&cases[i].seen) != cases[i].step)
                        fail_msg("case %zu: step %d, not %d", i, mend_plan(&cases[i].seen), cases[i].step);
}

/* ---- the part of a path that is mended as one ---- */

static struct index *make_index(void)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(1 << 20);
        const struct entry entries[] = {
                { ENTRY_DIRECTORY, "", 0, .mode = 0755 },
                { ENTRY_DIRECTORY, "docs", 4, .mode = 0755 },
                { ENTRY_FILE, "docs/page.html", 14, .mode = 0644 },
                { ENTRY_FILE, "index.php", 9, .mode = 0644 },
        };
        int fd = memfd_create("manifest", MFD_CLOEXEC);
        struct index *index = NULL;

        assert_int_equal(mtree_write_head(&text), 0);
        for (size_t i = 0; i < LENGTH(entries); i++)
                assert_int_equal(mtree_write_entry(&text, &entries[i]), 0);
        assert_int_equal(write_full(fd, text.data, text.length), 0);
        assert_int_equal(index_new(fd, "manifest", &index, NULL), 0);
        close(fd);
        return index;
}

static void cut_at_what_is_no_folder_of_the_release(void **state)
{
        static const struct {
                const char *path, *part;
        } cases[] = {
                { "index.php", "index.php" },
                { "docs/page.html", "docs/page.html" },
                { "docs/extra.html", "docs/extra.html" },
                { "docs", "docs" },
                { "admin", "admin" },
                { "admin/deep/shell.php", "admin" },
                { "docs/new/deep/shell.php", "docs/new" },
                { "index.php/shell.php", "index.php" },          /* a folder in the place of a file */
                { "docs/page.html/a/b", "docs/page.html" },
                { "ignored/a/b.html", "ignored/a/b.html" },      /* what is above is nobody's */
        };
        struct index *index = make_index();
        struct companion companion = { 0 };

        (void)state;
        assert_int_equal(companion_add_ignored(&companion, "ignored", 0, NULL), 0);
        for (size_t i = 0; i < LENGTH(cases); i++) {
                size_t length = mend_plan_cut(index, &companion, cases[i].path, strlen(cases[i].path));

                if (length != strlen(cases[i].part))
                        fail_msg("%s is cut at %zu", cases[i].path, length);
        }
        companion_done(&companion);
        index_free(index);
}

/* ---- the guard's list ---- */

static uint64_t mended[PULL_MEND_NAMES];
static size_t mended_count;

static void on_mended(void *context, uint64_t hash)
{
        (void)context;
        mended[mended_count++] = hash;
}

static void handed_out_and_forgotten(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(HANDOVER_TEXT_SIZE - 1);
        struct names *names = calloc(1, sizeof(*names));
        struct pull_name *read = calloc(PULL_MEND_NAMES, sizeof(*read));

        (void)state;
        names_add(names, 1, "docroot", "index.php");
        names_add(names, 2, "php", "with space/\033[31mred\n\\");
        names_add(names, 1, "docroot", "index.php");
        names_hand_out(names, &text);
        assert_int_equal(handover_names_read(buffer_text(&text), read), 2);
        assert_string_equal(read[0].root, "docroot");
        assert_string_equal(read[0].path, "index.php");
        assert_string_equal(read[1].root, "php");
        assert_string_equal(read[1].path, "with space/\033[31mred\n\\");

        names_add(names, 3, "docroot", "late.html"); /* the pull has not heard of it */
        names_add(names, 2, "php", "with space/\033[31mred\n\\"); /* found once more: not what is being mended */
        names_mended(names, on_mended, NULL);
        assert_int_equal(mended_count, 1);
        assert_int_equal(mended[0], 1);
        buffer_clear(&text);
        names_hand_out(names, &text);
        assert_int_equal(handover_names_read(buffer_text(&text), read), 2);
        assert_string_equal(read[1].path, "late.html");
        free(read);
        free(names);
}

static bool gives_none(struct names *names)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(HANDOVER_TEXT_SIZE - 1);

        names_hand_out(names, &text);
        return text.length == 0;
}

static void too_many_are_none(void **state)
{
        struct names *names = calloc(1, sizeof(*names));
        char path[PATH_MAX];

        (void)state;
        for (unsigned int i = 0; i < PULL_MEND_NAMES; i++) {
                snprintf(path, sizeof(path), "page%u.html", i);
                names_add(names, i, "docroot", path);
        }
        assert_false(gives_none(names));
        names_add(names, 1000, "docroot", "one.more");
        assert_true(gives_none(names));
        names_clear(names);
        names_add(names, 1, "docroot", "");
        assert_true(gives_none(names)); /* the tree itself */
        names_clear(names);
        memset(path, '\001', sizeof(path) - 1);
        path[sizeof(path) - 1] = '\0';
        names_add(names, 1, "docroot", path);
        assert_true(gives_none(names)); /* does not fit, escaped */
        free(names);
}

static void lines_that_are_none(void **state)
{
        static const char *const wrong[] = { "docroot\n", " index.php\n", "docroot \n", "docroot a\\400\n", "docroot a\\000b\n",
                                             "docroot ok\nnonsense\n" };
        struct pull_name *read = calloc(PULL_MEND_NAMES, sizeof(*read));

        (void)state;
        for (size_t i = 0; i < LENGTH(wrong); i++)
                if (handover_names_read(wrong[i], read) != 0)
                        fail_msg("accepted: %s", wrong[i]);
        assert_int_equal(handover_names_read("", read), 0);
        free(read);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_step),         cmocka_unit_test(cut_at_what_is_no_folder_of_the_release),
                cmocka_unit_test(handed_out_and_forgotten), cmocka_unit_test(too_many_are_none),
                cmocka_unit_test(lines_that_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
