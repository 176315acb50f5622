/* count.c - digits in groups, sizes in units. */
#include "count.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

const char *count_text(uint64_t number, char text[static COUNT_TEXT_SIZE])
{
        char digits[24];
        size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number), out = 0;

        for (size_t i = 0; i < length; i++) {
                if (i > 0 && (length - i) % 3 == 0)
                        text[out++] = ',';
                text[out++] = digits[i];
        }
        text[out] = '\0';
        return text;
}

const char *bytes_text(uint64_t bytes, char text[static COUNT_TEXT_SIZE])
{
        static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
        double value = (double)bytes;
        size_t unit = 0;

        while (value >= 1000 && unit < 6) {
                value /= 1000;
                unit++;
        }
        snprintf(text, COUNT_TEXT_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
        return text;
}
