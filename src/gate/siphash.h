/* siphash.h - SipHash-2-4 (Aumasson, Bernstein 2012): names are told apart by 8 bytes that nobody can predict. */
#ifndef GATE_SIPHASH_H
#define GATE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint8_t key[static 16], const void *bytes, size_t length);

#endif
