/* watch.c - which events are told, of which tree, under which path, and by whom. Needs root. */
#include "tests.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/attributes.h"
#include "guard/watch.h"

struct seen {
        unsigned int tree;
        char path[256];
        bool content, closed, has_pidfd;
        pid_t pid;
};

static struct {
        char folder[TESTS_FOLDER_SIZE];
        int base;
        struct watch *watch;
        struct seen list[256];
        size_t count;
        unsigned int overflows;
} place;

static void on_event(void *context, const struct watch_event *event)
{
        struct seen *seen = &place.list[place.count];

        (void)context;
        if (place.count == LENGTH(place.list))
                return;
        *seen = (struct seen){ event->tree, "", event->content, event->closed, event->pidfd >= 0, event->pid };
        snprintf(seen->path, sizeof(seen->path), "%.*s", (int)event->path_length, event->path);
        assert_int_equal(strlen(seen->path), event->path_length);
        place.count++;
}

static void on_overflow(void *context)
{
        (void)context;
        place.overflows++;
}

static int begin(void **state)
{
        const struct watch_options options = { .event = on_event, .overflow = on_overflow };

        (void)state;
        memset(&place, 0, sizeof(place));
        place.base = tests_folder(place.folder);
        assert_int_equal(mkdirat(place.base, "tree", 0755), 0);
        assert_int_equal(mkdirat(place.base, "tree/sub", 0755), 0);
        return watch_open(&options, &place.watch, NULL);
}

static int end(void **state)
{
        (void)state;
        watch_close(place.watch);
        close(place.base);
        tests_folder_remove(place.folder);
        return 0;
}

static int at(const char *path, int flags)
{
        int fd = openat(place.base, path, flags | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        return fd;
}

static void mark(unsigned int tree, const char *path, const char *name)
{
        int fd = at(path, O_PATH | O_DIRECTORY);

        assert_int_equal(watch_folder(place.watch, tree, name, strlen(name), fd, NULL), 0);
        close(fd);
}

static void read_all(void)
{
        struct pollfd wait = { .fd = watch_fd(place.watch), .events = POLLIN };

        while (poll(&wait, 1, 100) > 0)
                assert_int_equal(watch_read(place.watch, NULL), 0);
}

static const struct seen *find(unsigned int tree, const char *path, bool content)
{
        for (size_t i = 0; i < place.count; i++)
                if (place.list[i].tree == tree && place.list[i].content == content &&
                    strcmp(place.list[i].path, path) == 0)
                        return &place.list[i];
        return NULL;
}

/* A writer with a number of its own. */
static pid_t write_as_child(const char *path)
{
        pid_t pid = fork();
        int fd;

        if (pid == 0) {
                fd = openat(place.base, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                _exit(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0 ? 0 : 1);
        }
        return pid;
}

static void a_new_file_is_told_with_its_writer(void **state)
{
        const struct seen *seen;
        int status = -1;
        pid_t pid;

        (void)state;
        mark(3, "tree", "");
        mark(3, "tree/sub", "sub");
        pid = write_as_child("tree/sub/planted");
        read_all(); /* before it is waited for: its number is its own still */
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        seen = find(3, "sub/planted", false);
        assert_true(seen && seen->pid == pid && seen->has_pidfd);
        seen = find(3, "sub/planted", true);
        assert_true(seen && seen->pid == pid);
        for (size_t i = 0; i < place.count; i++)
                assert_string_equal(place.list[i].path, "sub/planted");
        assert_true(place.list[place.count - 1].closed);
}

static void renames_and_removals_are_told_under_both_names(void **state)
{
        (void)state;
        close(at("tree/a", O_WRONLY | O_CREAT));
        close(at("outside", O_WRONLY | O_CREAT));
        mark(1, "tree", "");
        mark(1, "tree/sub", "sub");
        assert_int_equal(renameat(place.base, "tree/a", place.base, "tree/sub/b"), 0);
        assert_int_equal(renameat(place.base, "outside", place.base, "tree/from-outside"), 0);
        assert_int_equal(unlinkat(place.base, "tree/sub/b", 0), 0);
        assert_int_equal(mkdirat(place.base, "tree/new", 0755), 0);
        read_all();
        assert_non_null(find(1, "a", false));
        assert_non_null(find(1, "sub/b", false));
        assert_non_null(find(1, "from-outside", false));
        assert_non_null(find(1, "new", false));
}

static void modes_and_attributes_are_content(void **state)
{
        (void)state;
        close(at("tree/a", O_WRONLY | O_CREAT));
        mark(1, "tree", "");
        assert_int_equal(fchmodat(place.base, "tree/a", 04755, 0), 0);
        read_all();
        assert_non_null(find(1, "a", true));
}

/* The bytes of a file change under a name that is not in the tree. */
static void a_marked_file_is_told_whatever_it_is_called(void **state)
{
        int fd = at("tree/a", O_WRONLY | O_CREAT);

        (void)state;
        assert_int_equal(watch_file(place.watch, 2, "a", 1, fd, NULL), 0);
        close(fd);
        assert_int_equal(linkat(place.base, "tree/a", place.base, "outside", 0), 0);
        read_all();
        assert_non_null(find(2, "a", true)); /* its number of names */
        place.count = 0;
        fd = at("outside", O_WRONLY);
        assert_int_equal(write(fd, "evil", 4), 4);
        close(fd);
        read_all();
        assert_non_null(find(2, "a", true));
}

static void the_folder_above_tells_of_the_root_alone(void **state)
{
        (void)state;
        assert_int_equal(watch_above(place.watch, 5, "tree", place.base, NULL), 0);
        close(at("neighbour", O_WRONLY | O_CREAT));
        read_all();
        assert_int_equal(place.count, 0);
        assert_int_equal(renameat(place.base, "tree", place.base, "away"), 0);
        read_all();
        assert_non_null(find(5, "", false));
}

/* An area may lie beside a tree, and the folder above them is one. */
static void one_folder_can_belong_to_two(void **state)
{
        (void)state;
        mark(1, "tree", "");
        assert_int_equal(watch_above(place.watch, 2, "area", at("tree", O_PATH | O_DIRECTORY), NULL), 0);
        assert_int_equal(mkdirat(place.base, "tree/area", 0755), 0);
        read_all();
        assert_non_null(find(1, "area", false));
        assert_non_null(find(2, "", false));
}

static void what_is_forgotten_is_told_no_more(void **state)
{
        (void)state;
        mark(1, "tree", "");
        mark(2, "tree/sub", "");
        watch_forget(place.watch, 1);
        close(at("tree/a", O_WRONLY | O_CREAT));
        close(at("tree/sub/b", O_WRONLY | O_CREAT));
        read_all();
        assert_null(find(1, "a", false));
        assert_non_null(find(2, "b", false));
        mark(1, "tree", "");
        close(at("tree/c", O_WRONLY | O_CREAT));
        read_all();
        assert_non_null(find(1, "c", false));
}

/* More folders than there were buckets at the start. */
static void many_folders(void **state)
{
        char name[64], path[80];

        (void)state;
        for (int i = 0; i < 5000; i++) {
                snprintf(path, sizeof(path), "tree/%d", i);
                assert_int_equal(mkdirat(place.base, path, 0755), 0);
                mark(1, path, path + strlen("tree/"));
        }
        for (int i = 0; i < 5000; i += 617) {
                snprintf(path, sizeof(path), "tree/%d/planted", i);
                close(at(path, O_WRONLY | O_CREAT));
        }
        read_all();
        for (int i = 0; i < 5000; i += 617) {
                snprintf(name, sizeof(name), "%d/planted", i);
                assert_non_null(find(1, name, false));
        }
}

int main(void)
{
#define WATCH_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
        const struct CMUnitTest tests[] = {
                WATCH_TEST(a_new_file_is_told_with_its_writer),
                WATCH_TEST(renames_and_removals_are_told_under_both_names),
                WATCH_TEST(modes_and_attributes_are_content),
                WATCH_TEST(a_marked_file_is_told_whatever_it_is_called),
                WATCH_TEST(the_folder_above_tells_of_the_root_alone),
                WATCH_TEST(one_folder_can_belong_to_two),
                WATCH_TEST(what_is_forgotten_is_told_no_more),
                WATCH_TEST(many_folders),
        };

        if (geteuid() != 0) {
                printf("1..0 # SKIP needs root\n");
                return 0;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
