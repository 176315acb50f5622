/* Any bytes as a line of addresses: what comes of it can stand in SMTP and in a header as it is. */
#include <stdlib.h>
#include <string.h>

#include "incident/recipients.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct recipient recipient;

        if (!recipient_parse((const char *)data, size, &recipient))
                return 0;
        if (recipient.account != (const char *)data || recipient.account_length == 0 || recipient.account_length >= size ||
            strpbrk(recipient.address, "\r\n<> ,?&") || !target_address_is_good(recipient.address))
                abort();
        return 0;
}
