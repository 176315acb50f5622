/*
 * attributes.h - what the compiler is told: cleanup of locals and checked formats.
 *
 * Locals clean themselves up: `_cleanup_(buffer_done) struct buffer text = BUFFER_INIT(LIMIT);`
 * Each module offers the function that takes the address of the local; it accepts half-built objects.
 */
#ifndef BASE_ATTRIBUTES_H
#define BASE_ATTRIBUTES_H

#define _cleanup_(function)     __attribute__((cleanup(function)))
#define _printf_(text, first) __attribute__((__format__(__printf__, text, first)))
#define _unused_                __attribute__((unused))
#define _must_check_            __attribute__((warn_unused_result))

/* The number of elements of an array (not of a pointer). */
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
