/*
 * value.h - the text of one value into what it means, with what to write instead when it means nothing. Pure.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stddef.h>

#include "base/error.h"
#include "config/schema.h"

/* Bytes that one value takes in its struct. */
size_t config_value_size(enum value_kind kind);

/* Stores at `slot`, which is zero; a char * becomes the caller's. -EINVAL with a sentence without the key's name. */
int config_value_parse(const struct config_key *key, const char *text, void *slot, struct error *err);

/* Frees what it owns, and leaves it zero. */
void config_value_done(const struct config_key *key, void *slot);

#endif
