/* scrypt.c: libsodium's two numbers must give its N, r and p, or no key of minisign opens. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/attributes.h"
#include "base/text.h"
#include "crypto/scrypt.h"

static void assert_cost(uint64_t operations, uint64_t memory, uint64_t n, uint32_t p)
{
        struct scrypt_cost cost;

        assert_int_equal(scrypt_cost(operations, memory, &cost), 0);
        assert_int_equal(cost.n, n);
        assert_int_equal(cost.r, 8);
        assert_int_equal(cost.p, p);
}

static void costs_are_those_of_libsodium(void **state _unused_)
{
        assert_cost(SCRYPT_OPERATIONS_SENSITIVE, SCRYPT_MEMORY_SENSITIVE, 1U << 20, 1);
        assert_cost(524288, 16777216, 1U << 14, 1); /* libsodium's "interactive" */
        assert_cost(32768, 16777216, 1U << 10, 1);  /* operations are the scarcer */
        assert_cost(0, 16777216, 1U << 10, 1);
        assert_cost(2097152, 16777216, 1U << 14, 4); /* operations left over are passes */
}

static void a_hostile_cost_is_refused(void **state _unused_)
{
        struct scrypt_cost cost;
        uint8_t salt[32] = { 0 }, key[16];

        assert_int_equal(scrypt_cost(UINT64_MAX, UINT64_MAX, &cost), -E2BIG);
        assert_int_equal(scrypt_cost(UINT64_MAX, 16777216, &cost), -E2BIG);
        assert_int_equal(scrypt_derive("x", 1, salt, UINT64_MAX, UINT64_MAX, key, sizeof(key)), -E2BIG);
}

/* hashlib.scrypt(b"password", salt=bytes(range(32)), n=16384, r=8, p=1, dklen=16) of Python */
static void a_derived_key_is_as_another_program_derives_it(void **state _unused_)
{
        uint8_t salt[32], key[16];
        char hex[33];

        for (unsigned int i = 0; i < sizeof(salt); i++)
                salt[i] = (uint8_t)i;
        assert_int_equal(scrypt_derive("password", 8, salt, 524288, 16777216, key, sizeof(key)), 0);
        text_hex(key, sizeof(key), hex);
        assert_string_equal(hex, "42fa366219ca6b8997059907a4eb416c");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(costs_are_those_of_libsodium),
                cmocka_unit_test(a_hostile_cost_is_refused),
                cmocka_unit_test(a_derived_key_is_as_another_program_derives_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
