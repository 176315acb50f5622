/* nftables.c - the functions of it that we use. */
#include "nftables.h"

#ifdef UNDERSTUDY_LATE_LIBRARIES

LATE_NFTABLES(LATE_DEFINE)

static const struct late_symbol symbols[] = { LATE_NFTABLES(LATE_SYMBOL) };

const struct late_library late_nftables = { "libnftables.so.1", "libnftables1", symbols, sizeof(symbols) / sizeof(*symbols) };

#else

const struct late_library late_nftables;

#endif
