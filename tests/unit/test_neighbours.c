/* The files beside a log: which names they have, and that none is overlooked by whoever looks while they are renamed
 * and packed. */
#include <sys/stat.h>

#include "accesslog/neighbours.h"
#include "tests.h"

#define SEEN_MAXIMUM 64

/* What is done to the folder while it is looked at. */
typedef void disturb_function(const char *folder, const char *visited);

struct view {
        const char *folder;
        disturb_function *disturb; /* at the first file of the first view; of every one when `always` */
        bool always;
        unsigned int views;
        size_t count;
        char seen[SEEN_MAXIMUM][16]; /* what the files hold */
};

static void begin(void *context)
{
        struct view *view = context;

        view->count = 0;
        view->views++;
}

static int visit(void *context, const char *path, int fd, const struct stat *status, struct error *err)
{
        struct view *view = context;
        ssize_t n;

        (void)status;
        (void)err;
        assert_true(view->count < SEEN_MAXIMUM);
        n = pread(fd, view->seen[view->count], sizeof(view->seen[0]) - 1, 0);
        assert_true(n >= 0);
        view->seen[view->count++][n] = '\0';
        if (view->disturb && view->count == 1 && (view->always || view->views == 1))
                view->disturb(view->folder, path);
        return 0;
}

static void path_in(char path[static TESTS_FOLDER_SIZE], const char *folder, const char *name)
{
        assert_true(snprintf(path, TESTS_FOLDER_SIZE, "%s/%s", folder, name) < TESTS_FOLDER_SIZE);
}

static void put(const char *folder, const char *name, const char *text)
{
        char path[TESTS_FOLDER_SIZE];
        int fd;

        path_in(path, folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

static void move(const char *folder, const char *from, const char *to)
{
        char old[TESTS_FOLDER_SIZE], new[TESTS_FOLDER_SIZE];

        path_in(old, folder, from);
        path_in(new, folder, to);
        assert_int_equal(rename(old, new), 0);
}

/* How often the last view had a file that holds this. */
static unsigned int seen(const struct view *view, const char *text)
{
        unsigned int times = 0;

        for (size_t i = 0; i < view->count; i++)
                times += strcmp(view->seen[i], text) == 0;
        return times;
}

static void look(struct view *view, const char *folder)
{
        struct error error = ERROR_NONE;
        char log[TESTS_FOLDER_SIZE];

        view->folder = folder;
        path_in(log, folder, "access.log");
        assert_int_equal(neighbours_visit(log, begin, visit, view, &error), 0);
}

static void test_names(void **state)
{
        static const char *const mine[] = {
                "access.log.1",    "access.log-20261126",     "access-20261126.log",        "access.1.log",
                "access.log.2.gz", "access-20261125.log.zst", "access.log-2026-11-24_10:00"
        };
        static const char *const others[] = { "access.log",     "access-api.log", "access.log.old", "error.log.1",
                                              "access.log.1.b", "access.log.gz",  "xaccess.log.1",  "access" };
        char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE];
        struct view view = { 0 };

        (void)state;
        close(tests_folder(folder));
        for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
                put(folder, mine[i], "mine");
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                put(folder, others[i], "other");
        path_in(path, folder, "access.log.8"); /* neither a folder nor a link is a log */
        assert_int_equal(mkdir(path, 0755), 0);
        path_in(path, folder, "access.log.9");
        assert_int_equal(symlink("access", path), 0);
        look(&view, folder);
        assert_int_equal(view.count, sizeof(mine) / sizeof(mine[0]));
        assert_int_equal(seen(&view, "mine"), view.count);
        assert_int_equal(view.views, 1);
        tests_folder_remove(folder);
}

/* Of two files the one whose turn has not come yet is packed: the plain file goes, the packed one was not listed. */
static void pack_the_other(const char *folder, const char *visited)
{
        const char *other = strstr(visited, "access.log.1") ? "access.log.2" : "access.log.1";
        char packed[32];

        snprintf(packed, sizeof(packed), "%s.gz", other);
        move(folder, other, packed);
}

static void test_packed_meanwhile(void **state)
{
        char folder[TESTS_FOLDER_SIZE];
        struct view view = { .disturb = pack_the_other };

        (void)state;
        close(tests_folder(folder));
        put(folder, "access.log.1", "first");
        put(folder, "access.log.2", "second");
        look(&view, folder);
        assert_int_equal(view.count, 2);
        assert_int_equal(seen(&view, "first"), 1);
        assert_int_equal(seen(&view, "second"), 1);
        tests_folder_remove(folder);
}

/* logrotate with `rotate 3`: afterwards there are the same names, each of another file. */
static void rotate(const char *folder, const char *visited)
{
        (void)visited;
        move(folder, "access.log.2", "access.log.3");
        move(folder, "access.log.1", "access.log.2");
        move(folder, "access.log", "access.log.1");
        put(folder, "access.log", "new");
}

static void test_rotated_meanwhile(void **state)
{
        char folder[TESTS_FOLDER_SIZE];
        struct view view = { .disturb = rotate };

        (void)state;
        close(tests_folder(folder));
        put(folder, "access.log", "log");
        put(folder, "access.log.1", "first");
        put(folder, "access.log.2", "second");
        put(folder, "access.log.3", "third");
        look(&view, folder);
        assert_int_equal(view.count, 3);
        assert_int_equal(seen(&view, "log"), 1);
        assert_int_equal(seen(&view, "first"), 1);
        assert_int_equal(seen(&view, "second"), 1);
        tests_folder_remove(folder);
}

static void rename_visited(const char *folder, const char *visited)
{
        static unsigned int number = 100;
        char name[32];

        snprintf(name, sizeof(name), "access.log.%u", number++);
        move(folder, strrchr(visited, '/') + 1, name);
}

static void test_never_still(void **state)
{
        char folder[TESTS_FOLDER_SIZE];
        struct view view = { .disturb = rename_visited, .always = true };

        (void)state;
        close(tests_folder(folder));
        put(folder, "access.log.1", "first");
        look(&view, folder); /* comes back */
        assert_true(view.views > 1);
        assert_int_equal(seen(&view, "first"), 1);
        tests_folder_remove(folder);
}

static void test_behind_a_link(void **state)
{
        char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE], archive[TESTS_FOLDER_SIZE];
        struct view view = { 0 };

        (void)state;
        close(tests_folder(folder));
        path_in(archive, folder, "archive");
        assert_int_equal(mkdir(archive, 0755), 0);
        put(archive, "access-2.log", "now");
        put(archive, "access-2.log.1", "before");
        path_in(path, folder, "access.log");
        assert_int_equal(symlink("archive/access-2.log", path), 0);
        put(folder, "access.log.1", "beside");
        look(&view, folder);
        assert_int_equal(view.count, 2);
        assert_int_equal(seen(&view, "before"), 1);
        assert_int_equal(seen(&view, "beside"), 1);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_packed_meanwhile),
                cmocka_unit_test(test_rotated_meanwhile),
                cmocka_unit_test(test_never_still),
                cmocka_unit_test(test_behind_a_link),
        };

        return cmocka_run_group_tests_name("neighbours", tests, NULL, NULL);
}
