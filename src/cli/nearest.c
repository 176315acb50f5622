#include "nearest.h"

#include <string.h>

#include "base/text.h"

#define NAME_MAXIMUM 32

static size_t smallest(size_t a, size_t b)
{
        return a < b ? a : b;
}

/* Optimal string alignment distance; names are short, so the whole table is kept. */
static size_t distance(const char *a, const char *b)
{
        size_t table[NAME_MAXIMUM + 1][NAME_MAXIMUM + 1];
        size_t rows = strlen(a), columns = strlen(b);

        if (rows > NAME_MAXIMUM || columns > NAME_MAXIMUM)
                return NAME_MAXIMUM;
        for (size_t i = 0; i <= rows; i++) {
                for (size_t j = 0; j <= columns; j++) {
                        if (i == 0 || j == 0) {
                                table[i][j] = i + j;
                                continue;
                        }
                        table[i][j] = smallest(table[i - 1][j], table[i][j - 1]) + 1;
                        table[i][j] = smallest(table[i][j], table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                table[i][j] = smallest(table[i][j], table[i - 2][j - 2] + 1);
                }
        }
        return table[rows][columns];
}

const char *nearest_name(const char *typed, const char *const names[], size_t count)
{
        size_t best = 1 + strlen(typed) / 3; /* a third of the letters may be wrong, and one more */
        const char *nearest = NULL;

        for (size_t i = 0; i < count; i++) {
                size_t d = distance(typed, names[i]);

                if (strlen(typed) >= 3 && text_starts(names[i], typed))
                        return names[i];
                if (d <= best && (!nearest || d < best)) {
                        best = d;
                        nearest = names[i];
                }
        }
        return nearest;
}
