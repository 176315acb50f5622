/* pq.c - the functions of it that we use. */
#include "pq.h"

#ifdef UNDERSTUDY_LATE_LIBRARIES

LATE_PQ(LATE_DEFINE)

static const struct late_symbol symbols[] = { LATE_PQ(LATE_SYMBOL) };

const struct late_library late_pq = { "libpq.so.5", "libpq5", symbols, sizeof(symbols) / sizeof(*symbols) };

#else

const struct late_library late_pq;

#endif
