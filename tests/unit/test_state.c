/* test_state.c - what is remembered comes back as it was, is locked, and is never believed when damaged. */
#include "tests.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/io.h"
#include "tree/state.h"

static char folder[TESTS_FOLDER_SIZE];

static int set_up(void **context)
{
        (void)context;
        close(tests_folder(folder));
        return 0;
}

static int tear_down(void **context)
{
        (void)context;
        tests_folder_remove(folder);
        return 0;
}

static struct state *open_state(const char *dest, bool for_writing)
{
        struct error error = ERROR_NONE;
        struct state *state = NULL;
        char directory[TESTS_FOLDER_SIZE + 16];

        snprintf(directory, sizeof(directory), "%s/state", folder);
        if (state_open(directory, dest, for_writing ? STATE_WRITE : STATE_READ, &state, &error) < 0)
                fail_msg("%s", error.text);
        return state;
}

static void test_comes_back(void **context)
{
        struct state *state = open_state("/srv/www/a\xff\nb", true);
        struct error error = ERROR_NONE;

        (void)context;
        assert_false(state->pulled);
        state->pulled = state->root_mode = true;
        memset(&state->pub, 7, sizeof(state->pub));
        snprintf(state->site, sizeof(state->site), "example");
        state->accepted = 12;
        state->release = 11;
        state->keys_version = 3;
        state->root_count = 1;
        snprintf(state->roots[0].name, sizeof(state->roots[0].name), "docroot");
        snprintf(state->roots[0].folder, sizeof(state->roots[0].folder), "/srv/www/a\xff\nb");
        state->verification = (struct state_verification){ 1246870800, "boot", true };
        state->intent.present = true;
        state->intent.time = 1246870801;
        state->intent.from = 11;
        state->intent.to = 12;
        state->intent.root_count = 1;
        state->intent.roots[0] = state->roots[0];
        state->intent.inode[0] = 4711;
        state->intent.pub = state->pub;
        state->intent.root_mode = true;
        state->intent.keys_version = 4;
        snprintf(state->intent.site, sizeof(state->intent.site), "example");
        assert_int_equal(state_save(state, &error), 0);
        state_close(state);

        state = open_state("/srv/www/a\xff\nb", false);
        assert_true(state->pulled && state->root_mode);
        assert_int_equal(state->pub.key[31], 7);
        assert_string_equal(state->site, "example");
        assert_int_equal(state->accepted, 12);
        assert_int_equal(state->release, 11);
        assert_int_equal(state->keys_version, 3);
        assert_string_equal(state_root_folder(state, "docroot"), "/srv/www/a\xff\nb");
        assert_null(state_root_folder(state, "nginx"));
        assert_int_equal(state->verification.time, 1246870800);
        assert_true(state->verification.genuine);
        assert_true(state->intent.present);
        assert_int_equal(state->intent.time, 1246870801);
        assert_int_equal(state->intent.from, 11);
        assert_int_equal(state->intent.to, 12);
        assert_int_equal(state->intent.inode[0], 4711);
        assert_int_equal(state->intent.pub.key[31], 7);
        assert_true(state->intent.root_mode);
        assert_int_equal(state->intent.keys_version, 4);
        assert_string_equal(state->intent.site, "example");
        assert_string_equal(state->intent.roots[0].name, "docroot");
        state_close(state);
}

static void test_one_at_a_time(void **context)
{
        struct state *state = open_state("/srv/www/a", true), *second = NULL;
        struct error error = ERROR_NONE;
        char directory[TESTS_FOLDER_SIZE + 16], pid[32];

        (void)context;
        snprintf(directory, sizeof(directory), "%s/state", folder);
        snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
        assert_int_equal(state_open(directory, "/srv/www/a", STATE_WRITE, &second, &error), -EBUSY);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_non_null(strstr(error.text, pid));
        assert_int_equal(state_open(directory, "/srv/www/a", STATE_READ, &second, &error), -EBUSY);
        assert_null(second);
        state_close(open_state("/srv/www/b", true)); /* another DEST is not concerned */
        state_close(state);

        state = open_state("/srv/www/a", false); /* readers share */
        second = open_state("/srv/www/a", false);
        state_close(second);
        second = NULL;
        assert_int_equal(state_open(directory, "/srv/www/a", STATE_WRITE, &second, &error), -EBUSY);
        state_close(state);
}

static void test_reading_makes_nothing(void **context)
{
        struct state *state = open_state("/srv/www/a", false);
        char directory[TESTS_FOLDER_SIZE + 16];

        (void)context;
        assert_false(state->pulled);
        assert_int_equal(state->folder, -1);
        state_close(state);
        snprintf(directory, sizeof(directory), "%s/state", folder);
        assert_int_equal(access(directory, F_OK), -1);
}

static void test_damaged(void **context)
{
        struct state *state = open_state("/srv/www/a", true);
        struct error error = ERROR_NONE;
        struct buffer text = BUFFER_INIT(65536);
        char directory[TESTS_FOLDER_SIZE + 16];

        (void)context;
        assert_int_equal(state_save(state, &error), 0);
        assert_int_equal(file_read(state->folder, "dest.json", &text, &error), 0);
        assert_int_equal(file_replace(state->folder, "dest.json", text.data, text.length / 2, 0600, &error), 0);
        state_close(state);
        state = NULL;
        snprintf(directory, sizeof(directory), "%s/state", folder);
        assert_int_equal(state_open(directory, "/srv/www/a", STATE_WRITE, &state, &error), -EBADMSG);
        assert_null(state);
        assert_int_equal(error.status, EXIT_FAILED);
        buffer_done(&text);
}

static int note_dest(void *context, const char *dest)
{
        struct buffer *seen = context;

        return buffer_printf(seen, "%s ", dest);
}

/* A tree of which nothing is known any more must not look as if there were none. */
static void test_list_tells_of_a_damaged_one(void **context)
{
        struct state *a = open_state("/srv/www/a", true), *b = open_state("/srv/www/b", true);
        struct buffer seen = BUFFER_INIT(1024);
        struct error error = ERROR_NONE;
        char directory[TESTS_FOLDER_SIZE + 16];

        (void)context;
        snprintf(directory, sizeof(directory), "%s/state", folder);
        assert_int_equal(state_save(a, &error), 0);
        assert_int_equal(state_save(b, &error), 0);
        assert_int_equal(state_list(directory, note_dest, &seen, &error), 0);
        assert_int_equal(seen.length, strlen("/srv/www/a /srv/www/b "));
        buffer_clear(&seen);
        assert_int_equal(file_replace(a->folder, "dest.json", "{", 1, 0600, &error), 0);
        assert_int_equal(state_list(directory, note_dest, &seen, &error), -EBADMSG);
        assert_string_equal(buffer_text(&seen), "/srv/www/b ");
        assert_non_null(strstr(error.text, directory));
        state_close(a);
        state_close(b);
        buffer_done(&seen);
}

static void test_state_inside_dest(void **context)
{
        struct error error = ERROR_NONE;
        struct state *state = NULL;
        char directory[TESTS_FOLDER_SIZE + 16];

        (void)context;
        snprintf(directory, sizeof(directory), "%s/state", folder);
        assert_int_equal(state_open(directory, folder, STATE_WRITE, &state, &error), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
}

static void test_accepted_only_grows(void **context)
{
        struct state *state = open_state("/srv/www/a", true);
        struct error error = ERROR_NONE;
        struct public_key pub = { .key = { 1 } }, other = { .key = { 2 } };
        uint64_t number = 99, version = 99;

        (void)context;
        assert_int_equal(state_accepted(state, &pub, "s", &number, &version, &error), 0);
        assert_int_equal(number + version, 0);
        assert_int_equal(state_accept(state, &pub, "s", 5, 2, &error), 0);
        assert_int_equal(state_accept(state, &pub, "s", 4, 3, &error), 0);
        assert_int_equal(state_accepted(state, &pub, "s", &number, &version, &error), 0);
        assert_int_equal(number, 5);
        assert_int_equal(version, 3);
        assert_int_equal(state_accepted(state, &other, "s", &number, &version, &error), 0);
        assert_int_equal(number, 0);
        assert_int_equal(state_accepted(state, &pub, "t", &number, &version, &error), 0);
        assert_int_equal(number, 0);
        state_close(state);
}

static void check_absolute(const char *path, const char *expected)
{
        struct error error = ERROR_NONE;
        char absolute[PATH_MAX];

        assert_int_equal(state_absolute(path, absolute, &error), 0);
        assert_string_equal(absolute, expected);
}

static void test_absolute(void **context)
{
        struct error error = ERROR_NONE;
        char absolute[PATH_MAX];

        (void)context;
        check_absolute("/srv//www/./a/", "/srv/www/a");
        check_absolute("/usr/../usr/x", "/usr/x");
        check_absolute("/no/such/..x", "/no/such/..x");
        assert_int_equal(chdir("/usr"), 0);
        check_absolute("a", "/usr/a");
        assert_int_equal(state_absolute("/", absolute, &error), -EINVAL);
        assert_int_equal(state_absolute("", absolute, &error), -EINVAL);
        assert_int_equal(state_absolute("/usr/..", absolute, &error), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_comes_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_one_at_a_time, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_reading_makes_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_list_tells_of_a_damaged_one, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_state_inside_dest, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_accepted_only_grows, set_up, tear_down),
                cmocka_unit_test(test_absolute),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
