/* signature.c: what minisign signed holds, what was changed does not, and the words say which of the two. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/signature.h"
#include "minisign_samples.h"

static struct public_key plain;

static int parse_key(void **state _unused_)
{
        return public_key_parse(PLAIN_PUB_LINE, strlen(PLAIN_PUB_LINE), &plain, NULL);
}

static int parse(const char *text, struct signature *signature)
{
        return signature_parse(text, strlen(text), signature, NULL);
}

static void what_minisign_signed_holds(void **state _unused_)
{
        struct signature signature;

        assert_int_equal(parse(HASHED_SIGNATURE, &signature), 0);
        assert_int_equal(signature_verify(&signature, &plain, "hello\n", 6, "it", NULL), 0);
        assert_string_equal(signature.comment, "timestamp:1795439386\tfile:m\thashed");
        assert_int_equal(parse(LEGACY_SIGNATURE, &signature), 0);
        assert_int_equal(signature_verify(&signature, &plain, "hello\n", 6, "it", NULL), 0);
        assert_string_equal(signature.comment, "old kind");
}

static void assert_refused(const char *text, const char *bytes, const struct public_key *key, int code,
                           const char *words)
{
        struct error error = ERROR_NONE;
        struct signature signature;

        assert_int_equal(parse(text, &signature), 0);
        assert_int_equal(signature_verify(&signature, key, bytes, strlen(bytes), "FILE", &error), code);
        assert_non_null(strstr(error.text, words));
        assert_non_null(strstr(error.text, "FILE"));
        assert_int_equal(error.status, EXIT_FAILED);
}

static void a_changed_file_is_told_from_another_signer(void **state _unused_)
{
        struct public_key other = plain, forged = plain;
        char comment[] = HASHED_SIGNATURE;

        assert_refused(HASHED_SIGNATURE, "hellO\n", &plain, -EBADMSG, "changed after the signing");
        assert_refused(LEGACY_SIGNATURE, "hello", &plain, -EBADMSG, "changed after the signing");
        other.id[0] ^= 1;
        assert_refused(HASHED_SIGNATURE, "hello\n", &other, -EKEYREJECTED, "another key");
        forged.key[5] ^= 1; /* the same id proves nothing */
        assert_refused(HASHED_SIGNATURE, "hello\n", &forged, -EKEYREJECTED, "does not hold");
        *strstr(comment, "file:m") = 'F';
        assert_refused(comment, "hello\n", &plain, -EBADMSG, "comment");
}

static void assert_no_signature(const char *text, size_t length)
{
        struct error error = ERROR_NONE;
        struct signature signature;

        assert_int_equal(signature_parse(text, length, &signature, &error), -EBADMSG);
        assert_int_equal(error.status, EXIT_FAILED);
}

static void every_byte_of_the_format_counts(void **state _unused_)
{
        const char *good = HASHED_SIGNATURE;
        char text[SIGNATURE_MAXIMUM + 2];
        struct signature signature;
        char *line;

        for (size_t length = 0; length < strlen(good) - 1; length++)
                assert_no_signature(good, length);
        snprintf(text, sizeof(text), "%s%s", good, "more\n");
        assert_no_signature(text, strlen(text));
        assert_no_signature(PLAIN_PUB, strlen(PLAIN_PUB));

        snprintf(text, sizeof(text), "%s", good);
        line = strstr(text, "trusted comment: timestamp");
        line[strlen("trusted comment: ")] = '\033'; /* would reach a terminal */
        assert_no_signature(text, strlen(text));
        snprintf(text, sizeof(text), "%s", good);
        text[0] = 'U';
        assert_no_signature(text, strlen(text));
        snprintf(text, sizeof(text), "%s", good);
        strchr(text, '\n')[2] = 'X'; /* the algorithm */
        assert_no_signature(text, strlen(text));
        assert_int_equal(signature_parse(good, strlen(good), &signature, NULL), 0);
}

static void a_comment_has_a_maximum(void **state _unused_)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(SIGNATURE_MAXIMUM);
        char comment[SIGNATURE_COMMENT_MAXIMUM + 2];
        struct signature signature;

        assert_int_equal(secret_key_generate(&key, NULL), 0);
        memset(comment, 'c', sizeof(comment));
        comment[SIGNATURE_COMMENT_MAXIMUM + 1] = '\0';
        assert_int_equal(signature_make(key, "x", 1, comment, &out, NULL), -EINVAL);
        assert_int_equal(signature_make(key, "x", 1, "two\nlines", &out, NULL), -EINVAL);
        assert_int_equal(out.length, 0);
        comment[SIGNATURE_COMMENT_MAXIMUM] = '\0';
        assert_int_equal(signature_make(key, "x", 1, comment, &out, NULL), 0);
        assert_int_equal(signature_parse(out.data, out.length, &signature, NULL), 0);
        assert_int_equal(signature_verify(&signature, secret_key_public(key), "x", 1, "it", NULL), 0);
        assert_string_equal(signature.comment, comment);
}

static void bytes_and_file_have_the_same_signature(void **state _unused_)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(SIGNATURE_MAXIMUM),
                                             file = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(fd_closep) int fd = memfd_create("signature", MFD_CLOEXEC);
        struct signature signature;

        assert_int_equal(secret_key_generate(&key, NULL), 0);
        assert_int_equal(write_full(fd, "hello\n", 6), 0); /* the offset is at the end now, and does not matter */
        assert_int_equal(signature_make(key, "hello\n", 6, "c", &bytes, NULL), 0);
        assert_int_equal(signature_make_fd(key, fd, "c", &file, NULL), 0);
        assert_string_equal(bytes.data, file.data);
        assert_int_equal(parse(file.data, &signature), 0);
        assert_int_equal(signature_verify_fd(&signature, secret_key_public(key), fd, "it", NULL), 0);
        assert_int_equal(pwrite(fd, "J", 1, 0), 1);
        assert_int_equal(signature_verify_fd(&signature, secret_key_public(key), fd, "it", NULL), -EBADMSG);
}

static void the_old_kind_has_a_maximum(void **state _unused_)
{
        _cleanup_(fd_closep) int fd = memfd_create("signature", MFD_CLOEXEC);
        struct error error = ERROR_NONE;
        struct signature signature;

        assert_int_equal(parse(LEGACY_SIGNATURE, &signature), 0);
        assert_int_equal(write_full(fd, "hello\n", 6), 0);
        assert_int_equal(signature_verify_fd(&signature, &plain, fd, "it", NULL), 0);
        assert_int_equal(ftruncate(fd, SIGNATURE_LEGACY_MAXIMUM), 0);
        assert_int_equal(signature_verify_fd(&signature, &plain, fd, "it", NULL), -EBADMSG);
        assert_int_equal(ftruncate(fd, (off_t)SIGNATURE_LEGACY_MAXIMUM + 1), 0);
        assert_int_equal(signature_verify_fd(&signature, &plain, fd, "it", &error), -EKEYREJECTED);
        assert_non_null(strstr(error.text, "8 MB"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_minisign_signed_holds),
                cmocka_unit_test(a_changed_file_is_told_from_another_signer),
                cmocka_unit_test(every_byte_of_the_format_counts),
                cmocka_unit_test(a_comment_has_a_maximum),
                cmocka_unit_test(bytes_and_file_have_the_same_signature),
                cmocka_unit_test(the_old_kind_has_a_maximum),
        };

        return cmocka_run_group_tests(tests, parse_key, NULL);
}
