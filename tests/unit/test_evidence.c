/* test_evidence.c - what differed is kept, described, bounded, and never acted upon. */
#include "tests.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "tree/evidence.h"

struct fixture {
        char folder[TESTS_FOLDER_SIZE];
        int directory;
        struct state *state;
        int sibling;
        struct evidence *evidence;
};

static struct fixture fixture;

static int set_up(void **context)
{
        char directory[TESTS_FOLDER_SIZE + 16];

        (void)context;
        memset(&fixture, 0, sizeof(fixture));
        fixture.directory = tests_folder(fixture.folder);
        snprintf(directory, sizeof(directory), "%s/state", fixture.folder);
        assert_int_equal(state_open(directory, "/srv/www/a", STATE_WRITE, &fixture.state, NULL), 0);
        assert_int_equal(mkdirat(fixture.directory, "sibling", 0700), 0);
        assert_int_equal(mkdirat(fixture.directory, "sibling/old", 0755), 0);
        fixture.sibling = openat(fixture.directory, "sibling", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return 0;
}

static int tear_down(void **context)
{
        (void)context;
        evidence_free(fixture.evidence);
        state_close(fixture.state);
        close(fixture.sibling);
        close(fixture.directory);
        tests_folder_remove(fixture.folder);
        return 0;
}

static void put(const char *path, const char *text, size_t length)
{
        int fd = openat(fixture.sibling, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

        assert_true(fd >= 0);
        assert_int_equal(write_full(fd, text, length), 0);
        close(fd);
}

static void differs(const char *path, enum difference_kind kind)
{
        const struct difference difference = {
                .path = path, .path_length = strlen(path), .kind = kind, .expected = "x", .root = "docroot"
        };

        assert_int_equal(evidence_add(fixture.evidence, &difference, NULL), 0);
}

/* Collects, finishes, and returns the report. */
static json_t *finish(char folder[static PATH_MAX])
{
        const struct evidence_head head = { 1246870800, "/srv/www/a", "example", 11, 12 };
        struct error error = ERROR_NONE;
        char path[PATH_MAX + 16];
        json_t *report;

        if (evidence_collect(fixture.evidence, "docroot", fixture.sibling, "old", &error) < 0 ||
            evidence_finish(fixture.evidence, &head, folder, &error) < 0)
                fail_msg("%s", error.text);
        snprintf(path, sizeof(path), "%s/report.json", folder);
        report = json_load_file(path, 0, NULL);
        assert_non_null(report);
        return report;
}

static const json_t *file_of(const json_t *report, const char *path)
{
        const json_t *files = json_object_get(report, "files");
        const json_t *file;
        size_t i;

        json_array_foreach(files, i, file)
        {
                if (strcmp(json_string_value(json_object_get(file, "path")), path) == 0)
                        return file;
        }
        return NULL;
}

static const char *word(const json_t *file, const char *key)
{
        const char *value = json_string_value(json_object_get(file, key));

        return value ? value : "";
}

static void test_kept(void **context)
{
        char folder[PATH_MAX], path[PATH_MAX + 64], text[64] = "";
        struct stat st;
        json_t *report;
        int fd;

        (void)context;
        assert_int_equal(evidence_begin(fixture.state, 0, &fixture.evidence, NULL), 0);
        put("old/page.html", "planted", 7);
        assert_int_equal(mkdirat(fixture.sibling, "old/shop", 0700), 0);
        put("old/shop/a\nb", "deep", 4);
        assert_int_equal(symlinkat("/etc/passwd", fixture.sibling, "old/shop/link"), 0);
        assert_int_equal(mkfifoat(fixture.sibling, "old/pipe", 0600), 0);
        differs("page.html", DIFFERENCE_CONTENT);
        differs("page.html", DIFFERENCE_MODE);
        differs("gone", DIFFERENCE_MISSING);
        differs("shop/", DIFFERENCE_EXTRA);
        differs("pipe", DIFFERENCE_TYPE);
        report = finish(folder);
        assert_int_equal(json_array_size(json_object_get(report, "differences")), 5);
        assert_int_equal(json_array_size(json_object_get(report, "files")), 5); /* each once, not what is missing */
        assert_string_equal(word(file_of(report, "page.html"), "mode"), "0755");
        assert_string_equal(word(file_of(report, "shop/a\\012b"), "type"), "file");
        assert_string_equal(word(file_of(report, "shop/link"), "target"), "/etc/passwd");
        assert_string_equal(word(file_of(report, "pipe"), "type"), "fifo");
        snprintf(path, sizeof(path), "%s/files/docroot/page.html", folder);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read_full(fd, text, sizeof(text) - 1), 7);
        assert_string_equal(text, "planted");
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600); /* was 0755: nothing in here can be run */
        close(fd);
        snprintf(path, sizeof(path), "%s/files/docroot/shop/link", folder);
        assert_int_equal(lstat(path, &st), -1); /* links are told, never made */
        json_decref(report);
}

static void test_limit(void **context)
{
        char folder[PATH_MAX];
        json_t *report;

        (void)context;
        assert_int_equal(evidence_begin(fixture.state, 10, &fixture.evidence, NULL), 0);
        put("old/a", "12345678", 8);
        put("old/b", "12345678", 8);
        put("old/c", "12", 2);
        differs("a", DIFFERENCE_EXTRA);
        differs("b", DIFFERENCE_EXTRA);
        differs("c", DIFFERENCE_EXTRA);
        report = finish(folder);
        assert_string_equal(word(file_of(report, "a"), "left_out"), "");
        assert_string_equal(word(file_of(report, "b"), "left_out"), "limit");
        assert_string_equal(word(file_of(report, "c"), "left_out"), "");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "left_out"), "bytes")), 8);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "left_out"), "files")), 1);
        json_decref(report);
}

static void test_resumed(void **context)
{
        char folder[PATH_MAX];
        json_t *report;

        (void)context;
        assert_int_equal(evidence_begin(fixture.state, 0, &fixture.evidence, NULL), 0);
        put("old/page.html", "planted", 7);
        differs("page.html", DIFFERENCE_EXTRA);
        assert_int_equal(evidence_collect(fixture.evidence, "docroot", fixture.sibling, "old", NULL), 0);
        evidence_free(fixture.evidence); /* killed here */
        fixture.evidence = NULL;
        assert_int_equal(evidence_resume(fixture.state, 0, &fixture.evidence, NULL), 1);
        report = finish(folder);
        assert_int_equal(json_array_size(json_object_get(report, "differences")), 1);
        assert_int_equal(json_array_size(json_object_get(report, "files")), 1);
        assert_string_equal(word(file_of(report, "page.html"), "left_out"), "");
        json_decref(report);
        evidence_free(fixture.evidence);
        fixture.evidence = NULL;
        assert_int_equal(evidence_resume(fixture.state, 0, &fixture.evidence, NULL), 0);
}

static void test_not_a_folder(void **context)
{
        char folder[PATH_MAX];
        json_t *report;

        (void)context;
        assert_int_equal(unlinkat(fixture.sibling, "old", AT_REMOVEDIR), 0);
        assert_int_equal(symlinkat("/somewhere/else", fixture.sibling, "old"), 0);
        assert_int_equal(evidence_begin(fixture.state, 0, &fixture.evidence, NULL), 0);
        differs(".", DIFFERENCE_TYPE);
        report = finish(folder);
        assert_string_equal(word(file_of(report, "."), "target"), "/somewhere/else");
        json_decref(report);
}

/* A folder that could not be read: what in it differs nobody knows, so all of it is kept. */
static void test_folder_unread(void **context)
{
        char folder[PATH_MAX];
        json_t *report;

        (void)context;
        assert_int_equal(evidence_begin(fixture.state, 0, &fixture.evidence, NULL), 0);
        assert_int_equal(mkdirat(fixture.sibling, "old/shop", 0755), 0);
        put("old/shop/planted.html", "planted", 7);
        put("old/genuine.html", "genuine", 7);
        differs("shop", DIFFERENCE_CONTENT);
        report = finish(folder);
        assert_string_equal(word(file_of(report, "shop"), "type"), "directory");
        assert_string_equal(word(file_of(report, "shop/planted.html"), "type"), "file");
        assert_string_equal(word(file_of(report, "shop/planted.html"), "left_out"), "");
        assert_null(file_of(report, "genuine.html"));
        json_decref(report);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_resumed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_not_a_folder, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_folder_unread, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
