/* mariadb.c - the functions of it that we use. */
#include "mariadb.h"

#ifdef UNDERSTUDY_LATE_LIBRARIES

LATE_MARIADB(LATE_DEFINE)

static const struct late_symbol symbols[] = { LATE_MARIADB(LATE_SYMBOL) };

const struct late_library late_mariadb = { "libmariadb.so.3", "libmariadb3", symbols, sizeof(symbols) / sizeof(*symbols) };

#else

const struct late_library late_mariadb;

#endif
