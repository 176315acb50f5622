/* recipients.c - one line, from its end. */
#include "incident/recipients.h"

#include <string.h>

#include "base/text.h"

/* Cuts off what is behind the last comma; false when it does not fit. */
static bool cut_last(const char *line, size_t *length, char *field, size_t size)
{
        const char *comma = memrchr(line, ',', *length);
        size_t rest;

        if (!comma)
                return false;
        rest = *length - (size_t)(comma - line) - 1;
        if (rest == 0 || rest >= size || memchr(comma, '\0', rest + 1))
                return false;
        memcpy(field, comma + 1, rest);
        field[rest] = '\0';
        *length = (size_t)(comma - line);
        return true;
}

bool recipient_parse(const char *line, size_t length, struct recipient *ret_recipient)
{
        struct recipient recipient = { .account = line };

        if (length > 0 && line[length - 1] == '\r')
                length--;
        if (!cut_last(line, &length, recipient.language, sizeof(recipient.language)) ||
            !cut_last(line, &length, recipient.address, sizeof(recipient.address)) || length == 0)
                return false;
        if (!text_equal(recipient.language, "en") && !text_equal(recipient.language, "ja"))
                return false;
        recipient.account_length = length;
        /* An address becomes part of a mailto: URL, in which these mean something. */
        if (!target_address_is_good(recipient.address) || strpbrk(recipient.address, "?&%#"))
                return false;
        *ret_recipient = recipient;
        return true;
}
