/* columns.h - text in columns of a terminal: widths that people see. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdio.h>

/* UTF-8 text in exactly so many columns: filled with spaces, or cut with "~" at the end. */
void print_padded(FILE *out, const char *text, unsigned int columns);

/* UTF-8 text whose end stands in this column, as numbers do; longer text as it is. */
void print_right(FILE *out, const char *text, unsigned int columns);

#endif
