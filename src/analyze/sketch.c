/* sketch.c - HyperLogLog with Ertl's estimator. */
#include "sketch.h"

#include <math.h>
#include <stddef.h>

#define REGISTERS (1U << SKETCH_POWER)
#define RANKS     (64 - SKETCH_POWER) /* highest rank but for "no bit at all", which is one more */

void sketch_add(struct sketch *sketch, uint64_t hash)
{
        size_t at = hash >> (64 - SKETCH_POWER);
        uint64_t rest = hash << SKETCH_POWER;
        uint8_t rank = (uint8_t)(rest ? __builtin_clzll(rest) + 1 : RANKS + 1);

        if (rank > sketch->registers[at])
                sketch->registers[at] = rank;
}

void sketch_join(struct sketch *into, const struct sketch *from)
{
        for (size_t i = 0; i < REGISTERS; i++)
                if (from->registers[i] > into->registers[i])
                        into->registers[i] = from->registers[i];
}

/* x + x^2 + 2 x^4 + 4 x^8 + ...; below 1. */
static double sigma(double x)
{
        double y = 1, z = x, before;

        do {
                x *= x;
                before = z;
                z += x * y;
                y += y;
        } while (z > before);
        return z;
}

static double tau(double x)
{
        double y = 1, z = 1 - x, before;

        if (x <= 0 || x >= 1)
                return 0;
        do {
                x = sqrt(x);
                before = z;
                y *= 0.5;
                z -= (1 - x) * (1 - x) * y;
        } while (z < before);
        return z / 3;
}

uint64_t sketch_estimate(const struct sketch *sketch)
{
        const double m = REGISTERS;
        uint32_t counts[RANKS + 2] = { 0 };
        double z;

        for (size_t i = 0; i < REGISTERS; i++)
                counts[sketch->registers[i]]++;
        if (counts[0] == REGISTERS)
                return 0;
        z = m * tau(1 - counts[RANKS + 1] / m);
        for (size_t k = RANKS; k >= 1; k--)
                z = 0.5 * (z + counts[k]);
        z += m * sigma(counts[0] / m);
        return (uint64_t)llround(m * m / (2 * M_LN2 * z));
}
