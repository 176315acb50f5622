/* sha256_ni.c - the rounds of FIPS 180-4 in sha256rnds2, four at a time. */
#include "sha256_ni.h"

#include <assert.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define GROUPS 16 /* of four rounds: one word of 128 bits of the message schedule each */

/* The functions below may use these; everything else of the program runs on any x86-64. */
#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* FIPS 180-4, 4.2.2. */
static const uint32_t constants[4 * GROUPS] __attribute__((aligned(16))) = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

bool sha256_ni_there(void)
{
        unsigned int a, b, c, d;

        if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
                return false;
        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* A state as the instructions want it: ABEF and CDGH, the first of each in the highest word. */
struct words {
        __m128i abef, cdgh;
};

WITH_SHA static inline struct words load_state(const uint32_t state[static SHA256_WORDS])
{
        __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
        __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);

        return (struct words){ _mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0) };
}

WITH_SHA static inline void store_state(uint32_t state[static SHA256_WORDS], const struct words *words)
{
        __m128i feba = _mm_shuffle_epi32(words->abef, 0x1b);
        __m128i dchg = _mm_shuffle_epi32(words->cdgh, 0xb1);

        _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* A block's sixteen words, from big-endian bytes. */
WITH_SHA static inline void load_block(__m128i message[static 4], const uint8_t *bytes)
{
        const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

        for (size_t i = 0; i < 4; i++)
                message[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i)), swap);
}

/* Rounds 4i to 4i + 3, and the words of the schedule that are wanted sixteen rounds later. message[i % 4] is the group
 * at hand, and becomes the one that is four groups ahead. */
WITH_SHA static inline void four_rounds(struct words *words, __m128i message[static 4], size_t i)
{
        __m128i *now = &message[i % 4], next = message[(i + 1) % 4], last = message[(i + 3) % 4];
        __m128i sum = _mm_add_epi32(*now, _mm_load_si128((const __m128i *)(const void *)(constants + 4 * i)));

        words->cdgh = _mm_sha256rnds2_epu32(words->cdgh, words->abef, sum);
        if (i < GROUPS - 4) {
                __m128i seventh = _mm_alignr_epi8(last, message[(i + 2) % 4], 4); /* the words of seven rounds before */

                *now = _mm_add_epi32(_mm_sha256msg1_epu32(*now, next), seventh);
                *now = _mm_sha256msg2_epu32(*now, last);
        }
        words->abef = _mm_sha256rnds2_epu32(words->abef, words->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

WITH_SHA static inline void add_words(struct words *words, const struct words *before)
{
        words->abef = _mm_add_epi32(words->abef, before->abef);
        words->cdgh = _mm_add_epi32(words->cdgh, before->cdgh);
}

WITH_SHA void sha256_ni_blocks(uint32_t state[static SHA256_WORDS], const uint8_t *bytes, size_t blocks)
{
        struct words words = load_state(state);

        for (; blocks > 0; blocks--, bytes += SHA256_BLOCK) {
                const struct words before = words;
                __m128i message[4];

                load_block(message, bytes);
#pragma GCC unroll 16
                for (size_t i = 0; i < GROUPS; i++)
                        four_rounds(&words, message, i);
                add_words(&words, &before);
        }
        store_state(state, &words);
}

/* The two lanes take turns by four rounds; the processor finds the parallel work in that by itself. Unrolled, because
 * everything must be in registers. */
WITH_SHA void sha256_ni_blocks_pair(uint32_t states[static 2][SHA256_WORDS], const uint8_t *const bytes[static 2],
                                    size_t blocks)
{
        struct words first = load_state(states[0]), second = load_state(states[1]);

        for (size_t at = 0; at < blocks * SHA256_BLOCK; at += SHA256_BLOCK) {
                const struct words first_before = first, second_before = second;
                __m128i first_message[4], second_message[4];

                load_block(first_message, bytes[0] + at);
                load_block(second_message, bytes[1] + at);
#pragma GCC unroll 16
                for (size_t i = 0; i < GROUPS; i++) {
                        four_rounds(&first, first_message, i);
                        four_rounds(&second, second_message, i);
                }
                add_words(&first, &first_before);
                add_words(&second, &second_before);
        }
        store_state(states[0], &first);
        store_state(states[1], &second);
}

#else /* another processor: OpenSSL does all of it */

bool sha256_ni_there(void)
{
        return false;
}

void sha256_ni_blocks(uint32_t state[static SHA256_WORDS] __attribute__((unused)),
                      const uint8_t *bytes __attribute__((unused)), size_t blocks __attribute__((unused)))
{
        assert(!"SHA instructions that are not there");
}

void sha256_ni_blocks_pair(uint32_t states[static 2][SHA256_WORDS] __attribute__((unused)),
                           const uint8_t *const bytes[static 2] __attribute__((unused)),
                           size_t blocks __attribute__((unused)))
{
        assert(!"SHA instructions that are not there");
}

#endif
