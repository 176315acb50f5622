/*
 * bots.h - which user agents are no people, by a list of texts (data/bots.txt, compiled in; a newer one may be given).
 *
 * Asked once for each distinct agent. All texts are looked for at once: those that begin with the three bytes that
 * stand at a place of the agent are tried there.
 */
#ifndef ANALYZE_BOTS_H
#define ANALYZE_BOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct bots;

/* `path` NULL: the list that is compiled in. */
int bots_load(const char *path, struct bots **ret_bots, struct error *err);
void bots_free(struct bots *bots);

/* 0 when the agent fits no line, else the number of the one that names it. */
uint16_t bots_find(const struct bots *bots, const char *agent, size_t length);

/* The highest number that there is. */
size_t bots_count(const struct bots *bots);

/* The name behind a number that bots_find() gave. */
const char *bots_name(const struct bots *bots, uint16_t number);

#endif
