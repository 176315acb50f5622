/* test_publish.c - what the command line cannot reach: somebody else at work in the middle of a publication. */
#include "tests.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "manifest/companion.h"
#include "manifest/mtree.h"
#include "manifest/trust.h"
#include "store/publish.h"

struct site {
        char path[TESTS_FOLDER_SIZE], source[TESTS_FOLDER_SIZE + 8], repository[TESTS_FOLDER_SIZE + 8];
        int folder;
        struct secret_key *key;
        struct publish_root root;
        struct publish_options options;
        unsigned int reviews, notes;
        char note[512];
};

static void put(struct site *site, const char *path, const char *text)
{
        struct error error = ERROR_NONE;

        if (file_replace(site->folder, path, text, strlen(text), 0644, &error) < 0)
                fail_msg("%s", error.text);
}

static void take_note(void *context, const char *sentence)
{
        struct site *site = context;

        site->notes++;
        snprintf(site->note, sizeof(site->note), "%s", sentence);
}

static int setup(void **state)
{
        struct site *site = calloc(1, sizeof(*site));

        site->folder = tests_folder(site->path);
        snprintf(site->source, sizeof(site->source), "%s/src", site->path);
        snprintf(site->repository, sizeof(site->repository), "%s/repo", site->path);
        assert_int_equal(mkdirat(site->folder, "src", 0755), 0);
        put(site, "src/index.php", "<?php login();\n");
        put(site, "src/a.css", "body {}\n");
        assert_int_equal(secret_key_generate(&site->key, NULL), 0);
        site->root = (struct publish_root){ .name = RELEASE_DOCROOT, .source = site->source };
        site->options = (struct publish_options){
                .repository = site->repository,
                .key = site->key,
                .roots = &site->root,
                .root_count = 1,
                .uid = -1,
                .gid = -1,
                .keep_declared = true,
                .delta = true,
                .note = take_note,
                .context = site,
        };
        *state = site;
        return 0;
}

static int teardown(void **state)
{
        struct site *site = *state;

        close(site->folder);
        tests_folder_remove(site->path);
        secret_key_free(site->key);
        free(site);
        return 0;
}

static int publish_it(struct site *site, struct error *error)
{
        struct publish_result result;
        int r;

        *error = ERROR_NONE;
        r = publish(&site->options, &result, error);
        if (r < 0) {
                assert_int_equal(error->code, r);
                assert_true(error->text[0]);
        }
        return r < 0 ? r : (int)result.number;
}

static bool is_there(const struct site *site, const char *path)
{
        struct stat st;

        return fstatat(site->folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* No draft and no half-made pack is left. */
static void assert_clean(const struct site *site)
{
        static const char *const folders[] = { "repo", "repo/releases", "repo/packs" };

        for (size_t i = 0; i < LENGTH(folders); i++) {
                int fd = openat(site->folder, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                DIR *list = fdopendir(fd);
                const struct dirent *entry;

                assert_non_null(list);
                while ((entry = readdir(list)))
                        if (text_starts(entry->d_name, ".new-") || text_ends(entry->d_name, ".tmp"))
                                fail_msg("%s/%s is left", folders[i], entry->d_name);
                closedir(list);
        }
}

/* --- review --- */

static int say_no(void *context, const struct release *release, int manifest_fd, int previous_manifest_fd,
                  struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        struct site *site = context;
        struct entry entry;

        site->reviews++;
        assert_int_equal(release->number, site->reviews);
        assert_int_equal(release->roots[0].files, 2);
        assert_int_equal(previous_manifest_fd >= 0, site->reviews > 1);
        assert_int_equal(mtree_reader_new_fd(manifest_fd, "m", &reader, err), 0);
        assert_int_equal(mtree_reader_next(reader, &entry, err), 1);
        return site->reviews == 2 ? error_refuse(err, "the person said no") : 0;
}

static void test_review_decides(void **state)
{
        struct site *site = *state;
        struct error error;

        site->options.review = say_no;
        assert_int_equal(publish_it(site, &error), 1);
        put(site, "src/a.css", "body { color: red }\n");
        assert_int_equal(publish_it(site, &error), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        assert_false(is_there(site, "repo/releases/2"));
        assert_clean(site);
}

/* --- somebody else, meanwhile --- */

/* Another machine's publisher on a file system whose locks do not reach it. */
static int make_same_number(void *context, const struct release *release, int manifest_fd, int previous_manifest_fd,
                            struct error *err)
{
        struct site *site = context;

        (void)release, (void)manifest_fd, (void)previous_manifest_fd, (void)err;
        assert_int_equal(mkdirat(site->folder, "repo/releases/1", 0755), 0);
        put(site, "repo/releases/1/release.json", "theirs");
        return 0;
}

static void test_same_number_is_not_replaced(void **state)
{
        struct site *site = *state;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(64);
        struct error error;

        site->options.review = make_same_number;
        assert_int_equal(publish_it(site, &error), -EEXIST);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_non_null(strstr(error.text, "another publisher made release 1 meanwhile"));
        assert_int_equal(file_read(site->folder, "repo/releases/1/release.json", &text, NULL), 0);
        assert_string_equal(text.data, "theirs");
        assert_clean(site);
}

static void change_one(void *context, const char *what, uint64_t done, uint64_t total)
{
        struct site *site = context;

        (void)what, (void)total;
        if (done == 64)
                put(site, "src/a.css", "read long ago, and changed now\n");
}

static void add_one(void *context, const char *what, uint64_t done, uint64_t total)
{
        struct site *site = context;

        (void)what, (void)total;
        if (done == 64)
                put(site, "src/a/new", "in a folder that was read long ago\n");
}

static void test_half_a_deployment_is_not_released(void **state)
{
        struct site *site = *state;
        char name[32];
        struct error error;

        assert_int_equal(mkdirat(site->folder, "src/a", 0755), 0);
        for (int i = 0; i < 100; i++) {
                snprintf(name, sizeof(name), "src/page-%d", i);
                put(site, name, name);
        }
        site->options.progress = change_one;
        assert_int_equal(publish_it(site, &error), -ESTALE);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_non_null(strstr(error.text, "changed while it was read"));
        site->options.progress = add_one;
        assert_int_equal(publish_it(site, &error), -ESTALE);
        assert_clean(site);
        site->options.progress = NULL;
        assert_int_equal(publish_it(site, &error), 1);
}

/* --- which number comes next --- */

static void test_number_without_latest(void **state)
{
        struct site *site = *state;
        struct error error;

        assert_int_equal(publish_it(site, &error), 1);
        assert_int_equal(publish_it(site, &error), 2);
        assert_int_equal(unlinkat(site->folder, "repo/latest", 0), 0);
        assert_int_equal(publish_it(site, &error), 3);
        assert_int_equal(unlinkat(site->folder, "repo/latest", 0), 0);
        assert_int_equal(renameat(site->folder, "repo/releases/1", site->folder, "taken-away"), 0);
        assert_int_equal(publish_it(site, &error), 4);
        put(site, "repo/latest", "9\n"); /* a release that is not there is nothing to build upon */
        assert_true(publish_it(site, &error) < 0);
        assert_int_equal(error.status, EXIT_FAILED);
}

/* --- keys --- */

static void change_key(struct site *site)
{
        secret_key_free(site->key);
        assert_int_equal(secret_key_generate(&site->key, NULL), 0);
        site->options.key = site->key;
}

/* A stranger's release may not open a door in ours. */
static void test_new_key_keeps_no_declarations(void **state)
{
        struct site *site = *state;
        _cleanup_(companion_done) struct companion declared = COMPANION_EMPTY;
        struct error error;

        assert_int_equal(companion_add_ignored(&declared, "a.css", ALLOW_CODE, &error), 0);
        site->root.declared = &declared;
        assert_int_equal(publish_it(site, &error), 1);
        site->root.declared = NULL;
        assert_int_equal(publish_it(site, &error), 2); /* kept */
        change_key(site);
        assert_int_equal(publish_it(site, &error), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        site->options.new_key = true;
        assert_int_equal(publish_it(site, &error), -EPERM); /* what was ignored must not be released unnoticed */
        assert_non_null(strstr(error.text, "declare them again"));
        assert_non_null(strstr(site->note, "release 2"));
        site->options.keep_declared = false;
        assert_int_equal(publish_it(site, &error), 3);
        for (uint64_t number = 2; number <= 3; number++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);
                char name[64];

                snprintf(name, sizeof(name), "repo/releases/%" PRIu64 "/manifest.companion.json", number);
                assert_int_equal(file_read(site->folder, name, &text, NULL), 0);
                assert_int_equal(strstr(text.data, "a.css") != NULL, number == 2);
        }
}

static void write_keys(struct site *site, enum key_role role, int64_t until, int64_t revoked)
{
        struct keys *keys = calloc(1, sizeof(*keys));
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);

        keys->version = 1;
        keys->created = clock_now();
        keys->count = 1;
        keys->delegations[0] = (struct delegation){
                .key = *secret_key_public(site->key), .role = role, .until = until, .revoked = revoked
        };
        assert_int_equal(keys_format(keys, &text, NULL), 0);
        put(site, "repo/keys.json", text.data);
        free(keys);
}

static void test_roles(void **state)
{
        struct site *site = *state;
        struct error error;

        assert_int_equal(publish_it(site, &error), 1);
        write_keys(site, ROLE_RELEASE, 0, 0);
        assert_int_equal(publish_it(site, &error), 2);
        write_keys(site, ROLE_CURRENT, 0, 0);
        assert_int_equal(publish_it(site, &error), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);
        write_keys(site, ROLE_RELEASE, clock_now() - 10, 0);
        assert_int_equal(publish_it(site, &error), -EPERM);
        write_keys(site, ROLE_RELEASE, 0, clock_now());
        assert_int_equal(publish_it(site, &error), -EPERM);
        change_key(site); /* one that the root key has not named */
        assert_int_equal(publish_it(site, &error), -EPERM);
        write_keys(site, ROLE_RELEASE, 0, 0);
        assert_int_equal(publish_it(site, &error), 3); /* also behind a release of a key that counts no more */
        assert_int_equal(site->notes, 1);
        assert_clean(site);
}

/* --- roots --- */

static void test_names_of_roots(void **state)
{
        static const char *const names[] = { "manifest", "docroot", "../x", "" };
        struct site *site = *state;
        struct publish_root roots[2] = { site->root, site->root };
        struct error error;

        site->options.roots = roots;
        site->options.root_count = 2;
        for (size_t i = 0; i < LENGTH(names); i++) {
                roots[1].name = names[i];
                assert_int_equal(publish_it(site, &error), -EINVAL);
                assert_int_equal(error.status, EXIT_USAGE);
                assert_false(is_there(site, "repo"));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_review_decides, setup, teardown),
                cmocka_unit_test_setup_teardown(test_same_number_is_not_replaced, setup, teardown),
                cmocka_unit_test_setup_teardown(test_half_a_deployment_is_not_released, setup, teardown),
                cmocka_unit_test_setup_teardown(test_number_without_latest, setup, teardown),
                cmocka_unit_test_setup_teardown(test_new_key_keeps_no_declarations, setup, teardown),
                cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
                cmocka_unit_test_setup_teardown(test_names_of_roots, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
