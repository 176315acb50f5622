/* test_siphash.c - the vectors of the algorithm's authors (key 00 01 ... 0f, message 00 01 02 ...). */

#include "tests.h"

#include "gate/siphash.h"

static void test_vectors(void **state)
{
        static const struct {
                size_t length;
                uint64_t hash;
        } vectors[] = {
                {0,   0x726fdb47dd0e0e31},
                { 1,  0x74f839c593dc67fd},
                { 7,  0xab0200f58b01d137},
                { 8,  0x93f5f5799a932462},
                { 15, 0xa129ca6149be45e5},
        };
        uint8_t key[16], message[16];

        (void)state;
        for (uint8_t i = 0; i < 16; i++)
                key[i] = message[i] = i;
        for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
                assert_int_equal(siphash(key, message, vectors[i].length), vectors[i].hash);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
