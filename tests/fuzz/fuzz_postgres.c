/* Any bytes as a PostgreSQL server's first answer: what is told of it does not change when more bytes follow. */
#include <stdlib.h>
#include <string.h>

#include "traffic/postgres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        enum postgres_answer whole = postgres_answer_read(data, size);

        for (size_t cut = size > 64 ? size - 64 : 0; cut < size; cut++) {
                enum postgres_answer part = postgres_answer_read(data, cut);

                if (part != POSTGRES_UNCLEAR && part != whole)
                        abort();
        }
        return 0;
}
