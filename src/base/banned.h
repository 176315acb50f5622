/*
 * banned.h - functions of the C library that nobody here should call, each with the one to use instead.
 *
 * Included on the compiler's command line for every file, after the system's own headers were read.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A library's header whose macros use them: it must be read before (meson.build). */
#ifdef BANNED_AFTER
#include BANNED_AFTER
#endif

/* With _FORTIFY_SOURCE some of them are macros, which cannot be poisoned. */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef stpcpy
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat stpcpy /* buffer_append(), or memcpy() with a known length */
#pragma GCC poison sprintf vsprintf                     /* buffer_printf(), snprintf() */
#pragma GCC poison gets atoi atol atoll                 /* text_parse_u64() */
#pragma GCC poison strtok                               /* strchr(), text_next_line() */
#pragma GCC poison system popen                         /* child_run() */
#pragma GCC poison tmpnam tempnam mktemp                /* file_replace() */
#pragma GCC poison localtime gmtime ctime asctime       /* clock_format_utc() */

#endif
