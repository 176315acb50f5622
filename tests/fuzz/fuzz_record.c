/* Any bytes as a record: what is accepted has no control character in it and comes back the same from a JSON library.
 */
#include <stdlib.h>

#include "journal/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_t *record = NULL;

        if (record_parse((const char *)data, size, 0, &record, NULL) < 0)
                return 0;
        for (size_t i = 0; i < size; i++)
                if (data[i] < ' ' || data[i] == 0x7f)
                        abort();
        if (!json_is_string(json_object_get(record, "kind")))
                abort();
        json_decref(record);
        return 0;
}
