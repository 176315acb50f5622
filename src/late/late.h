/*
 * late.h - libraries that few commands need are loaded when they are needed, by dlopen(3).
 *
 * libcurl alone brings thirty others (LDAP, Kerberos, SSH), libpq and libmicrohttpd some more. Linked in the usual way,
 * all of them are mapped and relocated at the start of every command and every agent, three quarters of what a start
 * costs, and their code lies in the address space of `verify`, which needs none of it.
 *
 *     #include "late/curl.h"                 instead of <curl/curl.h>
 *     r = late_load(&late_curl, err);        once, before the first call; before a sandbox is entered
 *     easy = curl_easy_init();               as always
 *
 * The header of each library declares a pointer for each function that is used and gives it the function's name. The
 * package must name these libraries itself (debian/control), for no linker tells it.
 *
 * Any thread. What was loaded stays until the process ends.
 */
#ifndef LATE_LATE_H
#define LATE_LATE_H

#include <stddef.h>

#include "base/error.h"

struct late_symbol {
        const char *name;
        void *where; /* of the pointer that is set */
};

struct late_library {
        const char *file;    /* with the number of its interface: "libcurl.so.4" */
        const char *package; /* Debian's, for words */
        const struct late_symbol *symbols;
        size_t symbol_count;
};

/* 0 also when it is there already; negative with words that name the package. */
int late_load(const struct late_library *library, struct error *err);

/* For the header of a library: LATE_X is the list of its functions as a macro of a macro. */
#define LATE_DECLARE(function) extern __typeof__(function) *late_##function;
/* For its source. Behind ## and # a name is not replaced by the macro that the header made of it. */
#define LATE_DEFINE(function) __typeof__(late_##function) late_##function;
#define LATE_SYMBOL(function) { #function, (void *)&late_##function },

#endif
