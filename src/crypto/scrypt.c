#include "scrypt.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/fault.h"

#define BLOCK_FACTOR     8U   /* r */
#define BLOCK_BYTES      128U /* times r: bytes of memory for each unit of N */
#define MEMORY_MAXIMUM   (4ULL << 30)
#define PASSES_MAXIMUM   64U
#define OPERATIONS_LEAST 32768ULL

/* The largest power of two that is not above `limit`, at least 2. */
static uint64_t power_of_two_below(uint64_t limit)
{
        uint64_t n = 2;

        while (n <= limit / 2)
                n *= 2;
        return n;
}

/*
 * libsodium's rule: N as large as the memory allows, or as the operations do when they are the scarcer of the two (then
 * one pass); operations that are left over become further passes. One unit of N with r = 8 is 1,024 bytes and 32
 * operations.
 */
int scrypt_cost(uint64_t operations, uint64_t memory_bytes, struct scrypt_cost *ret_cost)
{
        struct scrypt_cost cost = { .r = BLOCK_FACTOR, .p = 1 };

        if (operations < OPERATIONS_LEAST)
                operations = OPERATIONS_LEAST;
        if (operations < memory_bytes / 32) {
                cost.n = power_of_two_below(operations / (BLOCK_FACTOR * 4));
        } else {
                uint64_t passes;

                cost.n = power_of_two_below(memory_bytes / (BLOCK_FACTOR * BLOCK_BYTES));
                passes = operations / 4 / cost.n / BLOCK_FACTOR;
                if (passes > PASSES_MAXIMUM)
                        return -E2BIG;
                cost.p = (uint32_t)passes;
        }
        if (cost.n > MEMORY_MAXIMUM / (BLOCK_FACTOR * BLOCK_BYTES))
                return -E2BIG;
        *ret_cost = cost;
        return 0;
}

int scrypt_derive(const void *password, size_t password_length, const uint8_t salt[static 32], uint64_t operations,
                  uint64_t memory_bytes, uint8_t *key, size_t key_size)
{
        struct scrypt_cost cost;
        int r;

        r = scrypt_cost(operations, memory_bytes, &cost);
        if (r < 0)
                return r;
        /* The parameters were checked, so what is left to fail is the memory. */
        if (cost.p == 0 || fault_point(FAULT_ALLOCATE) ||
            EVP_PBE_scrypt(password, password_length, salt, 32, cost.n, cost.r, cost.p, 2 * MEMORY_MAXIMUM, key,
                           key_size) != 1) {
                ERR_clear_error();
                return -ENOMEM;
        }
        return 0;
}
