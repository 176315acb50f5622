/* verifier.c, index.c, look.c: what is said of one path, by content and by rules, never by time. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/io.h"
#include "tree/look.h"
#include "guard/verifier.h"
#include "manifest/inode.h"
#include "manifest/mtree.h"

/* A tree of /, /page.html, /a (folder), /a/link -> ../page.html, with "up" ignored. */
struct place {
        char folder[64];
        int root;
        struct index *index;
        struct companion companion;
        uint64_t mount;
};

static const char page[] = "<p>genuine\n";

static void write_file(const struct place *place, const char *name, const char *text)
{
        int fd = openat(place->root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static int open_file(const struct place *place, const char *name)
{
        int fd = openat(place->root, name, O_RDONLY);

        assert_true(fd >= 0);
        return fd;
}

static void make_index(struct place *place)
{
        struct buffer text = BUFFER_INIT(1 << 20);
        struct digest digest;
        struct error error = ERROR_NONE;
        int fd = memfd_create("manifest", 0);
        const uint32_t uid = getuid(), gid = getgid();
        const struct entry entries[] = {
                { ENTRY_DIRECTORY, "", 0, .mode = 0700, .uid = uid, .gid = gid },
                { ENTRY_DIRECTORY, "a", 1, .mode = 0755, .uid = uid, .gid = gid },
                { ENTRY_LINK, "a/link", 6, .mode = 0777, .uid = uid, .gid = gid, .target = "../page.html",
                  .target_length = 12 },
                { ENTRY_FILE, "page.html", 9, .mode = 0644, .uid = uid, .gid = gid, .size = sizeof(page) - 1,
                  .digest = (digest_of_bytes(page, sizeof(page) - 1, &digest, NULL), digest) },
        };

        assert_int_equal(mtree_write_head(&text), 0);
        for (size_t i = 0; i < LENGTH(entries); i++)
                assert_int_equal(mtree_write_entry(&text, &entries[i]), 0);
        assert_int_equal(write_full(fd, text.data, text.length), 0);
        assert_int_equal(index_new(fd, "manifest", &place->index, &error), 0);
        close(fd);
        buffer_done(&text);
}

static int make_place(void **state)
{
        struct place *place = calloc(1, sizeof(*place));
        struct statx stx;
        mode_t mask = umask(022);

        snprintf(place->folder, sizeof(place->folder), "/var/tmp/us-test-look.XXXXXX");
        assert_non_null(mkdtemp(place->folder));
        place->root = open(place->folder, O_RDONLY | O_DIRECTORY);
        write_file(place, "page.html", page);
        assert_int_equal(mkdirat(place->root, "a", 0755), 0);
        assert_int_equal(symlinkat("../page.html", place->root, "a/link"), 0);
        umask(mask);
        make_index(place);
        assert_int_equal(companion_add_ignored(&place->companion, "up", 0, NULL), 0);
        assert_int_equal(inode_stat(place->root, &stx), 0);
        place->mount = stx.stx_mnt_id;
        *state = place;
        return 0;
}

static int remove_place(void **state)
{
        struct place *place = *state;
        int above = open("/var/tmp", O_RDONLY | O_DIRECTORY);

        assert_int_equal(tree_remove(above, strrchr(place->folder, '/') + 1, NULL), 0);
        close(above);
        close(place->root);
        index_free(place->index);
        companion_done(&place->companion);
        free(place);
        return 0;
}

static void every_path_is_found_and_no_other(void **state)
{
        const struct place *place = *state;

        assert_int_equal(index_count(place->index), 4);
        for (size_t i = 0; i < index_count(place->index); i++) {
                const struct entry *entry = index_at(place->index, i);

                assert_ptr_equal(index_find(place->index, entry->path, entry->path_length), entry);
        }
        assert_null(index_find(place->index, "page.htm", 8));
        assert_null(index_find(place->index, "page.html0", 10));
        assert_null(index_find(place->index, "a/", 2));
        assert_string_equal(index_find(place->index, "a/link", 6)->target, "../page.html");
}

static struct gate_answer judge(const struct place *place, const char *path, const char *file)
{
        const struct verifier_tree tree = { .index = { place->index }, .companion = { &place->companion } };
        struct gate_answer answer = { 0 };
        int fd = open_file(place, file);

        verifier_judge(&tree, path, strlen(path), fd, &answer);
        close(fd);
        return answer;
}

static void the_verdict_is_by_path_and_content(void **state)
{
        const struct place *place = *state;
        struct gate_answer answer;

        assert_int_equal(judge(place, "page.html", "page.html").verdict, GATE_VERDICT_GENUINE);
        answer = judge(place, "other.html", "page.html"); /* genuine bytes under a name that the release has not */
        assert_int_equal(answer.verdict, GATE_VERDICT_REFUSED);
        assert_int_equal(answer.reason, GATE_UNLISTED);
        assert_int_equal(judge(place, "a", "page.html").reason, GATE_UNLISTED); /* a folder there */
        assert_int_equal(judge(place, "a/link", "page.html").reason, GATE_UNLISTED);
        write_file(place, "planted", "<p>evil !!\n"); /* of the same size */
        assert_int_equal(judge(place, "page.html", "planted").reason, GATE_DIFFERS);
        write_file(place, "planted", "<p>genuine\nand more");
        assert_int_equal(judge(place, "page.html", "planted").reason, GATE_DIFFERS);
}

static void rules_decide_in_ignored_paths_and_areas(void **state)
{
        const struct place *place = *state;
        const struct verifier_tree area = { .area = true };
        struct gate_answer answer = { 0 };
        int fd;

        write_file(place, "data", "words");
        assert_int_equal(judge(place, "up/token", "data").verdict, GATE_VERDICT_ALLOWED);
        assert_int_equal(judge(place, "up/x.php", "data").reason, GATE_BREACH);
        assert_int_equal(judge(place, "up/x", "page.html").reason, GATE_BREACH); /* markup, whatever its name */
        fd = open_file(place, "data");
        verifier_judge(&area, "photo.txt", 9, fd, &answer);
        assert_int_equal(answer.verdict, GATE_VERDICT_ALLOWED);
        verifier_judge(&area, ".htaccess", 9, fd, &answer);
        assert_int_equal(answer.reason, GATE_BREACH);
        close(fd);
}

static void both_releases_count_while_trees_are_exchanged(void **state)
{
        const struct place *place = *state;
        const struct verifier_tree tree = { .index = { NULL, place->index },
                                            .companion = { NULL, &place->companion } };
        struct gate_answer answer = { 0 };
        int fd = open_file(place, "page.html");

        verifier_judge(&tree, "page.html", 9, fd, &answer);
        assert_int_equal(answer.verdict, GATE_VERDICT_GENUINE);
        close(fd);
}

/* The kinds of what look_at() says of a path; *ret_path (may be NULL) the path that it speaks of. */
static unsigned int look(const struct place *place, const char *path, char *ret_path)
{
        const struct look_tree tree = { place->root, place->mount, place->index, &place->companion };
        struct look found;
        unsigned int kinds;

        look_init(&found);
        assert_int_equal(look_at(&tree, path, strlen(path), &found, NULL), 0);
        kinds = found.findings.kinds;
        if (ret_path)
                snprintf(ret_path, 64, "%.63s", found.path);
        look_done(&found);
        return kinds;
}

static void one_path_is_compared(void **state)
{
        const struct place *place = *state;
        char path[64];

        assert_int_equal(look(place, "page.html", NULL), 0);
        assert_int_equal(look(place, "", NULL), 0);
        assert_int_equal(look(place, "a/link", NULL), 0);
        assert_int_equal(look(place, "nothing", NULL), 0);
        write_file(place, "page.html", "<p>evil !!\n");
        assert_int_equal(look(place, "page.html", NULL), DIFFERENCE_CONTENT);
        assert_int_equal(fchmodat(place->root, "page.html", 04755, 0), 0);
        assert_int_equal(look(place, "page.html", NULL), DIFFERENCE_CONTENT | DIFFERENCE_MODE);
        write_file(place, "index.html", "x");
        assert_int_equal(look(place, "index.html", NULL), DIFFERENCE_EXTRA);
        assert_int_equal(unlinkat(place->root, "page.html", 0), 0);
        assert_int_equal(look(place, "page.html", NULL), DIFFERENCE_MISSING);
        assert_int_equal(mkfifoat(place->root, "page.html", 0644), 0); /* must not be waited for */
        assert_int_equal(look(place, "page.html", NULL), DIFFERENCE_TYPE);
        assert_int_equal(unlinkat(place->root, "a/link", 0), 0);
        assert_int_equal(symlinkat("/etc/passwd", place->root, "a/link"), 0);
        assert_int_equal(look(place, "a/link", NULL), DIFFERENCE_LINK);
        assert_int_equal(unlinkat(place->root, "a/link", 0), 0);
        assert_int_equal(unlinkat(place->root, "a", AT_REMOVEDIR), 0);
        assert_int_equal(symlinkat("/etc", place->root, "a"), 0);
        assert_int_equal(look(place, "a/passwd", path), DIFFERENCE_TYPE); /* of the folder above, which is a link now */
        assert_string_equal(path, "a");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_path_is_found_and_no_other, make_place, remove_place),
                cmocka_unit_test_setup_teardown(the_verdict_is_by_path_and_content, make_place, remove_place),
                cmocka_unit_test_setup_teardown(rules_decide_in_ignored_paths_and_areas, make_place, remove_place),
                cmocka_unit_test_setup_teardown(both_releases_count_while_trees_are_exchanged, make_place, remove_place),
                cmocka_unit_test_setup_teardown(one_path_is_compared, make_place, remove_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
