/* curl.c - the functions of it that we use. */
#include "curl.h"

#ifdef UNDERSTUDY_LATE_LIBRARIES

LATE_CURL(LATE_DEFINE)

static const struct late_symbol symbols[] = { LATE_CURL(LATE_SYMBOL) };

const struct late_library late_curl = { "libcurl.so.4", "libcurl4", symbols, sizeof(symbols) / sizeof(*symbols) };

#else

const struct late_library late_curl;

#endif
