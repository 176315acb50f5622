/* Any bytes as a line of somebody who asks for a notice: an account fits, and asked for by its escaped name it is the same one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "incident/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static char account[SERVICE_LINE_MAXIMUM], again[SERVICE_LINE_MAXIMUM], line[16 + 3 * SERVICE_LINE_MAXIMUM];
        size_t length = 0, same = 0, used;
        const enum service_verb verb = service_parse((const char *)data, size, account, &length);

        if (verb == SERVICE_NONE)
                return 0;
        if (length == 0 || length >= SERVICE_LINE_MAXIMUM || size > SERVICE_LINE_MAXIMUM)
                abort();
        used = (size_t)snprintf(line, sizeof(line), verb == SERVICE_NOTICE ? "notice " : "acknowledge ");
        for (size_t i = 0; i < length; i++)
                used += (size_t)snprintf(line + used, sizeof(line) - used, "%%%02x", (unsigned char)account[i]);
        if (used <= SERVICE_LINE_MAXIMUM &&
            (service_parse(line, used, again, &same) != verb || same != length || memcmp(account, again, length) != 0))
                abort();
        return 0;
}
