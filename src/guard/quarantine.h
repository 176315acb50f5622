/*
 * quarantine.h - what breaks the rules of a mutable area and cannot be copied: a folder, or a file for which there is no
 * room left. It is moved, whole, into a folder of root alone beside the area, AREA/../.understudy-found.NAME/, where no
 * web server reads it. It takes no room there that it had not before, and counts in its owner's quota still.
 */
#ifndef GUARD_QUARANTINE_H
#define GUARD_QUARANTINE_H

#include "base/error.h"

/* Moves `name` out of the folder `parent` of the area at `area` (its path, absolute). */
int quarantine_take(const char *area, int parent, const char *name, struct error *err);

#endif
