/* columns.h - text in columns of a terminal: widths that people see, numbers that they can read. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdint.h>
#include <stdio.h>

/* UTF-8 text in exactly so many columns: filled with spaces, or cut with "~" at the end. */
void print_padded(FILE *out, const char *text, unsigned int columns);

/* UTF-8 text whose end stands in this column, as numbers do; longer text as it is. */
void print_right(FILE *out, const char *text, unsigned int columns);

#define COUNT_TEXT_SIZE 32

/* 1,234,567 */
const char *count_text(uint64_t number, char text[static COUNT_TEXT_SIZE]);

/* 2.7 GB */
const char *bytes_text(uint64_t bytes, char text[static COUNT_TEXT_SIZE]);

#endif
