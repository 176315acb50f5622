/* digest.c against the examples of FIPS 180-4 and the strict spelling of digests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MANY  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" /* a million times "a" */

static void assert_hex(const struct digest *digest, const char *expected)
{
        char hex[DIGEST_HEX_SIZE];

        digest_hex(digest, hex);
        assert_string_equal(hex, expected);
}

static void the_examples_of_the_standard(void **state _unused_)
{
        struct digest digest;

        assert_int_equal(digest_of_bytes("", 0, &digest, NULL), 0);
        assert_hex(&digest, EMPTY);
        assert_int_equal(digest_of_bytes("abc", 3, &digest, NULL), 0);
        assert_hex(&digest, ABC);
}

static void a_hasher_is_used_again(void **state _unused_)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        struct digest digest;

        assert_int_equal(hasher_new(&hasher, NULL), 0);
        for (int round = 0; round < 3; round++) {
                assert_int_equal(hasher_begin(hasher), 0);
                assert_int_equal(hasher_add(hasher, "a", 1), 0);
                assert_int_equal(hasher_add(hasher, "bc", 2), 0);
                assert_int_equal(hasher_end(hasher, &digest), 0);
                assert_hex(&digest, ABC);
                assert_int_equal(hasher_begin(hasher), 0); /* one that is left half-way leaves nothing behind */
                assert_int_equal(hasher_add(hasher, "x", 1), 0);
        }
}

static void a_file_is_read_from_its_start_and_its_offset_stays(void **state _unused_)
{
        _cleanup_(fd_closep) int fd = memfd_create("digest", MFD_CLOEXEC);
        _cleanup_(memory_freep) char *bytes = memory_new(1000000, 1);
        struct error error = ERROR_NONE;
        struct digest digest;
        uint64_t size = 0;

        assert_true(fd >= 0);
        assert_non_null(bytes);
        memset(bytes, 'a', 1000000);
        assert_int_equal(write_full(fd, bytes, 1000000), 0);
        assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
        assert_int_equal(digest_of_fd(fd, 1000000, &digest, &size, &error), 0);
        assert_hex(&digest, MANY);
        assert_int_equal(size, 1000000);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
        assert_int_equal(digest_of_fd(fd, 999999, &digest, &size, &error), -E2BIG);
        assert_int_equal(digest_of_fd(-1, 1, &digest, &size, &error), -EBADF);
        assert_int_equal(error.status, EXIT_FAILED);
}

static void only_one_spelling_is_a_digest(void **state _unused_)
{
        struct digest digest = { { 7 } }, other;
        char hex[DIGEST_HEX_SIZE + 1] = ABC;

        assert_int_equal(digest_parse(hex, 64, &other), 0);
        assert_hex(&other, ABC);
        assert_int_equal(digest_parse(hex, 63, &digest), -EINVAL);
        assert_int_equal(digest_parse(ABC "0", 65, &digest), -EINVAL);
        hex[0] = 'B';
        assert_int_equal(digest_parse(hex, 64, &digest), -EINVAL);
        assert_int_equal(digest.bytes[0], 7); /* untouched on failure */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_examples_of_the_standard),
                cmocka_unit_test(a_hasher_is_used_again),
                cmocka_unit_test(a_file_is_read_from_its_start_and_its_offset_stays),
                cmocka_unit_test(only_one_spelling_is_a_digest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
