/* blake2b.c against RFC 7693's example and against OpenSSL's BLAKE2b-512 at every edge of a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "base/attributes.h"
#include "base/text.h"
#include "crypto/blake2b.h"

static void assert_digest(const void *bytes, size_t length, size_t size, const char *expected)
{
        uint8_t digest[BLAKE2B_SIZE_MAXIMUM];
        char hex[2 * BLAKE2B_SIZE_MAXIMUM + 1];

        blake2b(bytes, length, digest, size);
        text_hex(digest, size, hex);
        assert_string_equal(hex, expected);
}

static void the_example_of_the_rfc(void **state _unused_)
{
        assert_digest("abc", 3, 64, /* RFC 7693 appendix A */
                      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

static void thirty_two_bytes_are_another_function(void **state _unused_)
{
        uint8_t bytes[256];

        for (unsigned int i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)i;
        assert_digest("", 0, 32, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
        assert_digest("abc", 3, 32, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
        assert_digest(bytes, sizeof(bytes), 32, "39a7eb9fedc19aabc83425c6755dd90e6f9d0c804964a1f4aaeea3b9fb599835");
}

static void every_length_agrees_with_openssl(void **state _unused_)
{
        uint8_t bytes[400], ours[64], theirs[64];
        unsigned int size = 0;

        for (unsigned int i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i * 7 + 1);
        for (size_t length = 0; length <= sizeof(bytes); length++) {
                blake2b(bytes, length, ours, sizeof(ours));
                assert_int_equal(EVP_Digest(bytes, length, theirs, &size, EVP_blake2b512(), NULL), 1);
                assert_memory_equal(ours, theirs, sizeof(ours));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_example_of_the_rfc),
                cmocka_unit_test(thirty_two_bytes_are_another_function),
                cmocka_unit_test(every_length_agrees_with_openssl),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
