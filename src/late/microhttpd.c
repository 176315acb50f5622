/* microhttpd.c - the functions of it that we use. */
#include "microhttpd.h"

#ifdef UNDERSTUDY_LATE_LIBRARIES

LATE_MICROHTTPD(LATE_DEFINE)

static const struct late_symbol symbols[] = { LATE_MICROHTTPD(LATE_SYMBOL) };

const struct late_library late_microhttpd = { "libmicrohttpd.so.12", "libmicrohttpd12", symbols, sizeof(symbols) / sizeof(*symbols) };

#else

const struct late_library late_microhttpd;

#endif
