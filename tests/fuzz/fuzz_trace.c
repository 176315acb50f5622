/* Any bytes as a line of each log: what is understood lies within the line, and has a time of this world. The first byte
 * chooses the log. */
#include <stdlib.h>
#include <string.h>

#include "incident/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct trace_text text, const uint8_t *data, size_t size)
{
        const uint8_t *start = (const uint8_t *)text.text;

        if (text.length && (start < data || start + text.length > data + size))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct trace trace;
        enum trace_kind kind;

        if (size == 0)
                return 0;
        kind = (enum trace_kind)(*data % TRACE_KINDS);
        data++;
        size--;
        if (kind == TRACE_WTMP ? size < TRACE_WTMP_SIZE || !trace_wtmp(data, &trace)
                               : !trace_line(kind, (const char *)data, size, INT64_C(1246870800000000), &trace))
                return 0;
        check(trace.account, data, size);
        check(trace.address, data, size);
        check(trace.path, data, size);
        if (trace.source >= TRACE_SOURCES || trace.act > TRACE_FOUND)
                abort();
        return 0;
}
