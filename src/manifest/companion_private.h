/*
 * companion_private.h - between companion.c and companion_text.c: lists that are filled first and put in order then.
 */
#ifndef MANIFEST_COMPANION_PRIVATE_H
#define MANIFEST_COMPANION_PRIVATE_H

#include "manifest/companion.h"

/* Append copies, in any order; -ENOMEM. companion_append_attributes() takes over the members. */
int companion_append_area(struct area **areas, size_t *count, const char *path, const char *target, unsigned int allow);
int companion_append_link(struct companion *companion, const char *path);
int companion_append_attributes(struct companion *companion, struct attributes *attributes);

/* Sorts everything and checks it; NULL, or why *ret_path (borrowed) is refused. */
const char *companion_settle(struct companion *companion, const char **ret_path);

#endif
