/*
 * intern.h - many equal texts as one number: addresses, browsers, session tags, accounts (private to incident).
 *
 * Number 0 is the empty text. Numbers grow by one in the order of first appearance; a text never moves. The hash has a
 * random key: those who choose user agents and cookies must not choose where they meet. Not thread-safe: the caller
 * holds a lock, and only for the few lines that matter.
 */
#ifndef INCIDENT_INTERN_H
#define INCIDENT_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define INTERN_TEXT_MAXIMUM 1024 /* longer texts are cut: two that are equal so far count as one */

struct intern_chunk;

struct intern_slot {
        uint32_t number; /* 0: empty */
        uint32_t hash;   /* a part of it: what differs here is not looked at */
};

struct intern {
        struct intern_chunk *chunks; /* newest first */
        size_t used;                 /* of the newest */
        const char **texts;          /* by number; length and bytes lie before and at the pointer */
        uint32_t count, capacity, maximum;
        struct intern_slot *slots;
        uint32_t mask;
        uint64_t key;
};

/* `maximum` texts at the most; -E2BIG with words beyond. */
int intern_init(struct intern *intern, uint32_t maximum, struct error *err);
void intern_done(struct intern *intern);

int intern_add(struct intern *intern, const void *text, size_t length, uint32_t *ret_number, struct error *err);

/* 0 when it is not there (or empty). */
uint32_t intern_find(const struct intern *intern, const void *text, size_t length);

/* The text with a NUL behind it. */
const char *intern_text(const struct intern *intern, uint32_t number, size_t *ret_length);

#endif
