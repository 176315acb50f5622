/* key.c and secret.c: minisign's key files as minisign wrote them, and what must not pass as one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/io.h"
#include "base/text.h"
#include "crypto/key.h"
#include "minisign_samples.h"

static char folder[] = "/tmp/understudy-test-key.XXXXXX";
static char path[64];

static int make_folder(void **state _unused_)
{
        return mkdtemp(folder) ? 0 : -1;
}

/* Not tree_remove(): valgrind does not know openat2(2). */
static int remove_one(const char *name, const struct stat *st _unused_, int type _unused_, struct FTW *where _unused_)
{
        return remove(name);
}

static int remove_folder(void **state _unused_)
{
        return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *write_file(const char *text, mode_t mode)
{
        snprintf(path, sizeof(path), "%s/file", folder);
        assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), mode, NULL), 0);
        return path;
}

static unsigned int asked;

static int answer(void *context, const char *what, struct buffer *password, struct error *err _unused_)
{
        assert_string_equal(what, path);
        asked++;
        return buffer_append_text(password, context);
}

static void a_public_key_comes_back_as_it_was(void **state _unused_)
{
        struct public_key key;
        char text[KEY_TEXT_SIZE], id[KEY_ID_TEXT_SIZE];

        assert_int_equal(public_key_read(write_file(PLAIN_PUB, 0644), &key, NULL), 0);
        public_key_text(&key, text);
        assert_string_equal(text, PLAIN_PUB_LINE);
        public_key_id_text(&key, id);
        assert_string_equal(id, "CA3B199EADCCD7A0");
}

static void assert_no_public_key(const char *text, const char *words)
{
        struct public_key key;
        struct error error = ERROR_NONE;

        assert_int_equal(public_key_read(write_file(text, 0644), &key, &error), -EBADMSG);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_non_null(strstr(error.text, words));
}

static void what_is_no_public_key_is_told_apart(void **state _unused_)
{
        struct public_key key;

        assert_no_public_key(PLAIN_KEY, "secret key");
        assert_no_public_key(HASHED_SIGNATURE, "signature");
        assert_no_public_key("", "not a public key file");
        assert_no_public_key(PLAIN_PUB_LINE "\n", "not a public key file");
        assert_no_public_key("untrusted comment: x\nRWQ\n", "not a public key");
        assert_int_equal(public_key_parse(PLAIN_PUB_LINE, 56, &key, NULL), 0);
        assert_int_equal(public_key_parse(PLAIN_PUB_LINE, 55, &key, NULL), -EBADMSG);
        assert_int_equal(public_key_parse(PLAIN_PUB_LINE " ", 57, &key, NULL), -EBADMSG);
        assert_int_equal(public_key_read("/nonexistent/x.pub", &key, NULL), -ENOENT);
}

static void minisigns_plain_key_is_read_without_a_question(void **state _unused_)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        char text[KEY_TEXT_SIZE], wrong[] = "unused";

        asked = 0;
        assert_int_equal(secret_key_read(write_file(PLAIN_KEY, 0600), answer, wrong, &key, NULL), 0);
        assert_int_equal(asked, 0);
        public_key_text(secret_key_public(key), text);
        assert_string_equal(text, PLAIN_PUB_LINE);
}

static void minisigns_encrypted_key_opens_with_its_password_only(void **state _unused_)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        struct error error = ERROR_NONE;
        char text[KEY_TEXT_SIZE], right[] = "horse", wrong[] = "house";

        asked = 0;
        assert_int_equal(secret_key_read(write_file(ENCRYPTED_KEY, 0600), answer, wrong, &key, &error), -EKEYREJECTED);
        assert_non_null(strstr(error.text, "wrong password"));
        assert_null(key);
        assert_int_equal(secret_key_read(path, answer, right, &key, NULL), 0);
        assert_int_equal(asked, 2);
        public_key_text(secret_key_public(key), text);
        assert_string_equal(text, ENCRYPTED_PUB_LINE);
}

static void a_key_that_others_may_read_is_refused(void **state _unused_)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        struct error error = ERROR_NONE;
        char wrong[] = "unused";

        assert_int_equal(secret_key_read(write_file(PLAIN_KEY, 0640), answer, wrong, &key, &error), -EACCES);
        assert_non_null(strstr(error.text, "chmod 600"));
}

/* One changed letter in the seed: the public half does not follow from it any more. */
static void a_damaged_key_is_not_used(void **state _unused_)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        char text[] = PLAIN_KEY, unused[] = "";
        char *seed = strchr(text, '\n') + 1 + 90;

        *seed = *seed == 'A' ? 'B' : 'A';
        assert_int_equal(secret_key_read(write_file(text, 0600), answer, unused, &key, NULL), -EBADMSG);
        assert_int_equal(secret_key_read(write_file(PLAIN_PUB, 0600), answer, unused, &key, NULL), -EBADMSG);
        assert_int_equal(secret_key_read(write_file("", 0600), answer, unused, &key, NULL), -EBADMSG);
}

static void a_pair_is_written_once_and_never_over_another(void **state _unused_)
{
        _cleanup_(secret_key_freep) struct secret_key *first = NULL, *second = NULL, *read = NULL;
        struct public_key public;
        char pub_path[64], unused[] = "";
        struct stat st;

        assert_int_equal(secret_key_generate(&first, NULL), 0);
        assert_int_equal(secret_key_generate(&second, NULL), 0);
        assert_false(public_key_equal(secret_key_public(first), secret_key_public(second)));
        assert_int_equal(key_pair_write(first, folder, "release", NULL, NULL), 0);
        assert_int_equal(key_pair_write(second, folder, "release", NULL, NULL), -EEXIST);

        snprintf(path, sizeof(path), "%s/release.key", folder);
        snprintf(pub_path, sizeof(pub_path), "%s/release.pub", folder);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(secret_key_read(path, answer, unused, &read, NULL), 0);
        assert_true(public_key_equal(secret_key_public(read), secret_key_public(first)));
        assert_int_equal(public_key_read(pub_path, &public, NULL), 0);
        assert_true(public_key_equal(&public, secret_key_public(first)));

        /* A public key alone stands in the way too, and no secret half is left beside it. */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(key_pair_write(second, folder, "release", NULL, NULL), -EEXIST);
        assert_int_equal(stat(path, &st), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_public_key_comes_back_as_it_was),
                cmocka_unit_test(what_is_no_public_key_is_told_apart),
                cmocka_unit_test(minisigns_plain_key_is_read_without_a_question),
                cmocka_unit_test(minisigns_encrypted_key_opens_with_its_password_only),
                cmocka_unit_test(a_key_that_others_may_read_is_refused),
                cmocka_unit_test(a_damaged_key_is_not_used),
                cmocka_unit_test(a_pair_is_written_once_and_never_over_another),
        };

        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
