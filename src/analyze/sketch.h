/*
 * sketch.h - HyperLogLog: how many different things there were, in 16 KiB, within 0.81 % (one standard deviation).
 *
 * Registers by Flajolet et al. (2007); the estimator is Ertl's improved raw estimator ("New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017), which needs no correction for small or large numbers. What was added,
 * not in which order or how often, decides the result.
 */
#ifndef ANALYZE_SKETCH_H
#define ANALYZE_SKETCH_H

#include <stdint.h>

#define SKETCH_POWER 14
#define SKETCH_ERROR 0.0081 /* 1.04 / sqrt(2^14) */

struct sketch {
        uint8_t registers[1U << SKETCH_POWER];
};

/* `hash` of the thing: 64 good bits. */
void sketch_add(struct sketch *sketch, uint64_t hash);
void sketch_join(struct sketch *into, const struct sketch *from);
uint64_t sketch_estimate(const struct sketch *sketch);

#endif
