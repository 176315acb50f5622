/* count.h - numbers as people read them. */
#ifndef BASE_COUNT_H
#define BASE_COUNT_H

#include <stdint.h>

#define COUNT_TEXT_SIZE 32

/* 1,234,567 */
const char *count_text(uint64_t number, char text[static COUNT_TEXT_SIZE]);

/* 2.7 GB */
const char *bytes_text(uint64_t bytes, char text[static COUNT_TEXT_SIZE]);

#endif
