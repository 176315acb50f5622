/* hash.c - the key of this process. */
#include "hash.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>

uint64_t hash_key[4];

static void draw(void)
{
        struct timespec now;

        /* Before the kernel's generator is ready there is no other source; a guessable key costs time, never a count.
         */
        if (getrandom(hash_key, sizeof(hash_key), GRND_NONBLOCK) != sizeof(hash_key)) {
                clock_gettime(CLOCK_MONOTONIC, &now);
                for (size_t i = 0; i < 4; i++)
                        hash_key[i] = ((uint64_t)now.tv_nsec << 32 ^ (uintptr_t)&now) * (2 * i + 0x9e3779b97f4a7c15);
        }
        for (size_t i = 0; i < 4; i++)
                hash_key[i] |= 1; /* never zero */
}

void hash_start(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, draw);
}
