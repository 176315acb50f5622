/* Any bytes as what analysis servers answer: rows or none, and what was put together adds up. */
#include <stdlib.h>

#include "spread/answer.h"
#include "spread/salted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Days whose salt was replaced: by day, none twice, no more than there is room for. */
static void take_salts(const uint8_t *data, size_t size)
{
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(1U << 20);
        struct replaced_salt items[REPLACED_SALTS_MAXIMUM];
        struct replaced_salts salts = { .items = items };

        if (buffer_append(&answer, data, size) < 0)
                return;
        for (int i = 0; i < 2; i++)
                if (salted_take(&salts, &answer) < 0 && salts.count)
                        abort();
        if (salts.count > REPLACED_SALTS_MAXIMUM)
                abort();
        for (size_t i = 1; i < salts.count; i++)
                if (items[i - 1].day >= items[i].day)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(buffer_done) struct buffer one = BUFFER_INIT(1U << 20), other = BUFFER_INIT(1U << 20);
        _cleanup_(answer_rows_done) struct answer_rows rows = ANSWER_ROWS_INIT;
        size_t half = size ? data[0] * (size - 1) / 255 : 0, taken;
        uint64_t before = 0, after = 0;
        int span = size ? data[0] % 4 - 1 : 0; /* QUERY_ONCE to SPAN_MONTH */

        if (size < 2)
                return 0;
        take_salts(data + 1, size - 1);
        if (buffer_append(&one, data + 1, half) < 0 || buffer_append(&other, data + 1 + half, size - 1 - half) < 0)
                return 0;
        (void)answer_take(&rows, &one, span);
        taken = rows.count;
        if (answer_take_visits(&rows, &other, span, data[0] & 1) < 0 && rows.count != taken)
                abort(); /* a part of an answer */
        for (size_t i = 0; i < rows.count; i++)
                before += rows.rows[i].figures.hits;
        if (before > 2 * ANSWER_COUNT_MAXIMUM)
                abort();
        if (answer_settle(&rows, METRIC_VISITORS, 0) < 0)
                return 0;
        for (size_t i = 0; i < rows.count; i++)
                after += rows.rows[i].figures.hits;
        if (before != after || rows.names > rows.count)
                abort();
        return 0;
}
