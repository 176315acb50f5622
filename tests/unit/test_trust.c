/* trust.c (with keys.c and current.c): whose signature counts, as a server finds it out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/mman.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/io.h"
#include "base/text.h"
#include "manifest/trust.h"

#define NOW 1246870800 /* 2009-07-06T09:00:00Z */
#define DAY 86400

static struct secret_key *root, *release_key, *current_key, *stranger;
static struct keys keys;
static struct trust trust;

static int make_keys(void **state _unused_)
{
        return secret_key_generate(&root, NULL) | secret_key_generate(&release_key, NULL) |
               secret_key_generate(&current_key, NULL) | secret_key_generate(&stranger, NULL);
}

static int free_keys(void **state _unused_)
{
        secret_key_free(root);
        secret_key_free(release_key);
        secret_key_free(current_key);
        secret_key_free(stranger);
        return 0;
}

/* A list with one release key and one current key. */
static int fresh_list(void **state _unused_)
{
        memset(&keys, 0, sizeof(keys));
        keys.version = 3;
        keys.created = NOW;
        keys.count = 2;
        keys.delegations[0].key = *secret_key_public(release_key);
        keys.delegations[0].role = ROLE_RELEASE;
        keys.delegations[1].key = *secret_key_public(current_key);
        keys.delegations[1].role = ROLE_CURRENT;
        return 0;
}

static int init_trust_signed_by(const struct secret_key *signer, const char *comment, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM),
                                             signature = BUFFER_INIT(SIGNATURE_MAXIMUM);

        assert_int_equal(keys_format(&keys, &text, NULL), 0);
        assert_int_equal(signature_make(signer, text.data, text.length, comment, &signature, NULL), 0);
        return trust_init_root(&trust, secret_key_public(root), &text, &signature, err);
}

static void init_trust(void)
{
        assert_int_equal(init_trust_signed_by(root, "understudy keys version=3", NULL), 0);
}

static void sign(const struct secret_key *key, const struct buffer *text, const char *comment, struct buffer *signature)
{
        buffer_clear(signature);
        assert_int_equal(signature_make(key, text->data, text->length, comment, signature, NULL), 0);
}

/* What a server says about bytes that `key` signed in a role. */
static int check(const struct secret_key *key, enum key_role role, int64_t made, const char *words)
{
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct error error = ERROR_NONE;
        int r;

        assert_int_equal(signature_make(key, "bytes", 5, "c", &signature, NULL), 0);
        r = trust_check(&trust, role, made, &signature, "bytes", 5, "FILE", &error);
        if (words)
                assert_non_null(strstr(error.text, words));
        if (r < 0)
                assert_int_equal(error.status, EXIT_FAILED);
        return r;
}

static void the_list_comes_back_as_it_was(void **state _unused_)
{
        keys.delegations[0].until = NOW + DAY;
        keys.delegations[1].revoked = NOW - DAY;
        init_trust();
        assert_true(trust.root_mode);
        assert_int_equal(trust.keys.version, 3);
        assert_int_equal(trust.keys.created, NOW);
        assert_int_equal(trust.keys.count, 2);
        assert_true(public_key_equal(&trust.keys.delegations[0].key, secret_key_public(release_key)));
        assert_int_equal(trust.keys.delegations[0].role, ROLE_RELEASE);
        assert_int_equal(trust.keys.delegations[0].until, NOW + DAY);
        assert_int_equal(trust.keys.delegations[1].role, ROLE_CURRENT);
        assert_int_equal(trust.keys.delegations[1].revoked, NOW - DAY);
}

static void only_the_root_key_signs_the_list(void **state _unused_)
{
        struct error error = ERROR_NONE;

        assert_int_equal(init_trust_signed_by(release_key, "c", &error), -EKEYREJECTED);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_int_equal(init_trust_signed_by(root, "minisign's own words", NULL), 0);
        assert_int_equal(init_trust_signed_by(root, "understudy keys version=4", NULL), -EBADMSG);
        assert_int_equal(init_trust_signed_by(root, "understudy site=x release=3 file=keys.json", NULL), -EBADMSG);
}

static void a_list_that_contradicts_itself_is_refused(void **state _unused_)
{
        keys.delegations[1].key = keys.delegations[0].key; /* two roles */
        assert_int_equal(init_trust_signed_by(root, "c", NULL), -EBADMSG);
        keys.delegations[1].key = *secret_key_public(root);
        assert_int_equal(init_trust_signed_by(root, "c", NULL), -EBADMSG);
        fresh_list(NULL);
        keys.version = 0;
        assert_int_equal(init_trust_signed_by(root, "c", NULL), -EBADMSG);
        fresh_list(NULL);
        keys.delegations[1].role = ROLE_ROOT;
        assert_int_equal(init_trust_signed_by(root, "c", NULL), -EBADMSG);
}

/* Every key in every role: one signer each, and nobody else. */
static void roles_are_strict(void **state _unused_)
{
        init_trust();
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW, NULL), 0);
        assert_int_equal(check(current_key, ROLE_RELEASE, NOW, "is a current key"), -EKEYREJECTED);
        assert_int_equal(check(root, ROLE_RELEASE, NOW, "root key"), -EKEYREJECTED);
        assert_int_equal(check(stranger, ROLE_RELEASE, NOW, "does not name"), -EKEYREJECTED);
        assert_int_equal(check(current_key, ROLE_CURRENT, NOW, NULL), 0);
        assert_int_equal(check(release_key, ROLE_CURRENT, NOW, "is a release key"), -EKEYREJECTED);
        assert_int_equal(check(root, ROLE_CURRENT, NOW, "root key"), -EKEYREJECTED);
        assert_int_equal(check(root, ROLE_ROOT, NOW, NULL), 0);
        assert_int_equal(check(release_key, ROLE_ROOT, NOW, NULL), -EKEYREJECTED);
}

static void a_revoked_key_vouches_for_nothing(void **state _unused_)
{
        keys.delegations[0].revoked = NOW;
        init_trust();
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW - DAY, "revoked on 2009-07-06"), -EKEYREJECTED);
        assert_int_equal(check(current_key, ROLE_CURRENT, NOW, NULL), 0);
}

static void an_ended_delegation_vouches_for_what_came_before(void **state _unused_)
{
        keys.delegations[0].until = NOW;
        init_trust();
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW - 1, NULL), 0);
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW, NULL), 0);
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW + 1, "after the end"), -EKEYREJECTED);
}

static void an_id_proves_nothing(void **state _unused_)
{
        /* The stranger's key under the release key's id comes first in the list; the true one is found behind it. */
        keys.delegations[2] = keys.delegations[0];
        memcpy(keys.delegations[0].key.key, secret_key_public(stranger)->key, 32);
        keys.count = 3;
        init_trust();
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW, NULL), 0);
        keys.count = 2;
        init_trust();
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW, NULL), -EKEYREJECTED);
}

static void changed_bytes_are_told_apart(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(fd_closep) int fd = memfd_create("trust", MFD_CLOEXEC);

        init_trust();
        assert_int_equal(signature_make(release_key, "bytes", 5, "c", &signature, NULL), 0);
        assert_int_equal(trust_check(&trust, ROLE_RELEASE, NOW, &signature, "bytez", 5, "it", NULL), -EBADMSG);
        assert_int_equal(write_full(fd, "bytes", 5), 0);
        assert_int_equal(trust_check_fd(&trust, ROLE_RELEASE, NOW, &signature, fd, "it", NULL), 0);
        assert_int_equal(pwrite(fd, "B", 1, 0), 1);
        assert_int_equal(trust_check_fd(&trust, ROLE_RELEASE, NOW, &signature, fd, "it", NULL), -EBADMSG);
        assert_int_equal(trust_check_comment(&signature, "understudy x", "it", NULL), 0);
}

static void single_key_mode_knows_one_key(void **state _unused_)
{
        trust_init_single(&trust, secret_key_public(release_key));
        assert_int_equal(check(release_key, ROLE_RELEASE, NOW, NULL), 0);
        assert_int_equal(check(stranger, ROLE_RELEASE, NOW, "another key"), -EKEYREJECTED);
        assert_int_equal(check(release_key, ROLE_CURRENT, NOW, NULL), -EKEYREJECTED);
}

static void format_release(uint64_t number, const char *site, struct buffer *text)
{
        struct release release = { .number = number, .created = NOW, .root_count = 1 };

        snprintf(release.site, sizeof(release.site), "%s", site);
        snprintf(release.roots[0].name, sizeof(release.roots[0].name), "%s", RELEASE_DOCROOT);
        release.roots[0].manifest_size = release.roots[0].companion_size = 1;
        release.previous.bytes[0] = number > 1;
        buffer_clear(text);
        assert_int_equal(release_format(&release, text, NULL), 0);
}

static void a_release_is_the_one_that_was_asked_for(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM),
                                             signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(release_done) struct release release = { 0 };
        struct error error = ERROR_NONE;

        init_trust();
        format_release(12, "example", &text);
        sign(release_key, &text, "understudy site=example release=12 file=release.json", &signature);
        assert_int_equal(trust_release(&trust, &text, &signature, 12, "example", &release, NULL), 0);
        assert_int_equal(release.number, 12);
        release_done(&release);
        assert_int_equal(trust_release(&trust, &text, &signature, 13, NULL, &release, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "release 12 as release 13"));
        assert_int_equal(error.status, EXIT_FAILED);
        assert_int_equal(trust_release(&trust, &text, &signature, 12, "other", &release, &error), -EPERM);
        assert_int_equal(error.status, EXIT_REFUSED);

        sign(release_key, &text, "understudy site=example release=13 file=release.json", &signature);
        assert_int_equal(trust_release(&trust, &text, &signature, 12, NULL, &release, NULL), -EBADMSG);
        sign(current_key, &text, "c", &signature);
        assert_int_equal(trust_release(&trust, &text, &signature, 12, NULL, &release, &error), -EKEYREJECTED);
        assert_int_equal(error.status, EXIT_FAILED);
        sign(release_key, &text, "timestamp:1\tfile:release.json", &signature); /* minisign's own comment */
        assert_int_equal(trust_release(&trust, &text, &signature, 12, NULL, &release, NULL), 0);
        release_done(&release);

        keys.delegations[0].until = NOW - 1; /* the release says that it was made a second later */
        init_trust();
        assert_int_equal(trust_release(&trust, &text, &signature, 12, NULL, &release, NULL), -EKEYREJECTED);
}

static void a_note_says_when_it_has_expired(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CURRENT_MAXIMUM),
                                             signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct current current = { .site = "example", .release = 12, .created = NOW, .expires = NOW + DAY }, read;
        bool expired = true;

        init_trust();
        assert_int_equal(current_format(&current, &text, NULL), 0);
        sign(current_key, &text, "understudy site=example current=12", &signature);
        assert_int_equal(trust_current(&trust, &text, &signature, NOW + DAY, &read, &expired, NULL), 0);
        assert_false(expired);
        assert_int_equal(read.release, 12);
        assert_string_equal(read.site, "example");
        assert_int_equal(trust_current(&trust, &text, &signature, NOW + DAY + 1, &read, &expired, NULL), 0);
        assert_true(expired);

        sign(current_key, &text, "understudy site=example current=13", &signature);
        assert_int_equal(trust_current(&trust, &text, &signature, NOW, &read, &expired, NULL), -EBADMSG);
        sign(release_key, &text, "c", &signature);
        assert_int_equal(trust_current(&trust, &text, &signature, NOW, &read, &expired, NULL), -EKEYREJECTED);
        sign(current_key, &text, "c", &signature);
        keys.delegations[1].until = NOW + 10; /* a note that could have been dated back */
        init_trust();
        assert_int_equal(trust_current(&trust, &text, &signature, NOW + 11, &read, &expired, NULL), 0);
        assert_true(expired);
}

static int parse_note(const char *what, const char *by)
{
        static const char sample[] =
                "{\n"
                " \"created\": \"2009-07-06T09:00:00Z\",\n"
                " \"digest\": \"1111111111111111111111111111111111111111111111111111111111111111\",\n"
                " \"expires\": \"2009-07-13T09:00:00Z\",\n"
                " \"format\": \"understudy-current-1\",\n"
                " \"release\": 12,\n"
                " \"site\": \"example\"\n"
                "}\n";
        const char *at = strstr(sample, what);
        struct current current;
        char text[1024];

        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - sample), sample, by, at + strlen(what));
        return current_parse(text, strlen(text), &current, NULL);
}

static void a_note_has_one_spelling(void **state _unused_)
{
        assert_int_equal(parse_note("12", "12"), 0);
        assert_int_equal(parse_note("12", "0"), -EBADMSG);
        assert_int_equal(parse_note("2009-07-13", "2009-07-06"), -EBADMSG); /* over before it begins */
        assert_int_equal(parse_note("current-1", "current-2"), -EBADMSG);
        assert_int_equal(parse_note("\"example\"", "\"Example\""), -EBADMSG);
        assert_int_equal(parse_note("\"release\": 12,\n", "\"release\": 12,\n \"release\": 12,\n"), -EBADMSG);
        assert_int_equal(parse_note("\"site\"", "\"sitf\""), -EBADMSG);
        assert_int_equal(parse_note("1111", "111G"), -EBADMSG);
}

static int may_sign(const struct secret_key *key, enum key_role role, int64_t now, const char *words)
{
        struct error error = ERROR_NONE;
        int r = trust_may_sign(&keys, secret_key_public(key), role, now, &error);

        if (r < 0) {
                assert_int_equal(r, -EPERM);
                assert_int_equal(error.status, EXIT_REFUSED);
                assert_non_null(strstr(error.text, words));
        }
        return r;
}

static void a_publisher_learns_early_that_nobody_would_believe_him(void **state _unused_)
{
        assert_int_equal(may_sign(release_key, ROLE_RELEASE, NOW, NULL), 0);
        assert_int_equal(may_sign(current_key, ROLE_RELEASE, NOW, "current key"), -EPERM);
        assert_int_equal(may_sign(stranger, ROLE_RELEASE, NOW, "delegate"), -EPERM);
        keys.delegations[0].until = NOW + 1;
        assert_int_equal(may_sign(release_key, ROLE_RELEASE, NOW, NULL), 0);
        assert_int_equal(may_sign(release_key, ROLE_RELEASE, NOW + 1, "ended on"), -EPERM);
        keys.delegations[0].revoked = NOW;
        assert_int_equal(may_sign(release_key, ROLE_RELEASE, NOW, "revoked on"), -EPERM);
}

static void a_revocation_stays(void **state _unused_)
{
        struct keys before;

        keys.delegations[0].revoked = NOW;
        before = keys;
        assert_int_equal(keys_follow(&before, &keys, NULL), 0);
        keys.delegations[1].until = NOW + DAY; /* the same version, but other words */
        assert_int_equal(keys_follow(&before, &keys, NULL), -EPERM);
        keys.version++;
        assert_int_equal(keys_follow(&before, &keys, NULL), 0);
        keys.delegations[0].revoked = NOW + DAY; /* by another command, later: revoked all the same */
        assert_int_equal(keys_follow(&before, &keys, NULL), 0);
        keys.delegations[0].revoked = 0;
        assert_int_equal(keys_follow(&before, &keys, NULL), -EPERM);
        keys.delegations[0] = keys.delegations[1];
        keys.count = 1;
        assert_int_equal(keys_follow(&before, &keys, NULL), -EPERM);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(the_list_comes_back_as_it_was, fresh_list),
                cmocka_unit_test_setup(only_the_root_key_signs_the_list, fresh_list),
                cmocka_unit_test_setup(a_list_that_contradicts_itself_is_refused, fresh_list),
                cmocka_unit_test_setup(roles_are_strict, fresh_list),
                cmocka_unit_test_setup(a_revoked_key_vouches_for_nothing, fresh_list),
                cmocka_unit_test_setup(a_revocation_stays, fresh_list),
                cmocka_unit_test_setup(an_ended_delegation_vouches_for_what_came_before, fresh_list),
                cmocka_unit_test_setup(an_id_proves_nothing, fresh_list),
                cmocka_unit_test_setup(changed_bytes_are_told_apart, fresh_list),
                cmocka_unit_test_setup(single_key_mode_knows_one_key, fresh_list),
                cmocka_unit_test_setup(a_release_is_the_one_that_was_asked_for, fresh_list),
                cmocka_unit_test_setup(a_note_says_when_it_has_expired, fresh_list),
                cmocka_unit_test_setup(a_note_has_one_spelling, fresh_list),
                cmocka_unit_test_setup(a_publisher_learns_early_that_nobody_would_believe_him, fresh_list),
        };

        return cmocka_run_group_tests(tests, make_keys, free_keys);
}
