/* nearest.h - "did you mean": the name that a mistyped one is most like. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

/* The name with the fewest letters added, left out, changed or swapped with their neighbour, or one that begins with
 * what was typed; NULL when none is near. */
const char *nearest_name(const char *typed, const char *const names[], size_t count);

#endif
