/* service_request.c - one line of somebody who asks; pure. */
#include "service.h"

#include <string.h>

#include "base/attributes.h"
#include "base/text.h"

static bool decode(const char *text, size_t length, char account[static SERVICE_LINE_MAXIMUM], size_t *ret_length)
{
        size_t used = 0;

        for (size_t i = 0; i < length; i++) {
                int value = (unsigned char)text[i];

                if (text[i] == '%') {
                        if (length - i < 3 || text_hex_digit(text[i + 1]) < 0 || text_hex_digit(text[i + 2]) < 0)
                                return false;
                        value = text_hex_digit(text[i + 1]) << 4 | text_hex_digit(text[i + 2]);
                        i += 2;
                } else if (value <= ' ' || value == 0x7f) {
                        return false;
                }
                account[used++] = (char)value;
        }
        *ret_length = used;
        return used > 0;
}

enum service_verb service_parse(const char *line, size_t length, char account[static SERVICE_LINE_MAXIMUM],
                                size_t *ret_length)
{
        static const struct {
                const char *word;
                enum service_verb verb;
        } verbs[] = { { "notice ", SERVICE_NOTICE }, { "acknowledge ", SERVICE_ACKNOWLEDGE } };

        if (length > SERVICE_LINE_MAXIMUM)
                return SERVICE_NONE;
        for (size_t i = 0; i < LENGTH(verbs); i++) {
                size_t word = strlen(verbs[i].word);

                if (length > word && memcmp(line, verbs[i].word, word) == 0)
                        return decode(line + word, length - word, account, ret_length) ? verbs[i].verb : SERVICE_NONE;
        }
        return SERVICE_NONE;
}
