/* postgres_answer.c - the two messages of PostgreSQL's protocol that a refused connection consists of (protocol 3.0).
 */
#include "postgres.h"

#include <string.h>

#define PROTOCOL_3_0 0x00030000U

static void put_u32(uint8_t *to, uint32_t number)
{
        for (int i = 0; i < 4; i++)
                to[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *from)
{
        return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static size_t put_text(uint8_t *packet, size_t at, const char *text)
{
        size_t length = strnlen(text, 64); /* names are at most 63 bytes long (NAMEDATALEN) */

        memcpy(packet + at, text, length);
        packet[at + length] = 0;
        return at + length + 1;
}

size_t postgres_startup(const char *user, const char *database, uint8_t packet[static 256])
{
        size_t at = 8;

        put_u32(packet + 4, PROTOCOL_3_0);
        at = put_text(packet, at, "user");
        at = put_text(packet, at, user);
        at = put_text(packet, at, "database");
        at = put_text(packet, at, database);
        packet[at++] = 0;
        put_u32(packet, (uint32_t)at);
        return at;
}

/* ErrorResponse: fields of one letter and a string each, up to a zero; 'C' is the SQLSTATE. Words are in the server's
 * language and are not looked at. */
static enum postgres_answer read_error(const uint8_t *field, size_t length)
{
        while (length > 1 && *field) {
                size_t text = strnlen((const char *)field + 1, length - 1);

                if (text == length - 1)
                        break;
                if (*field == 'C')
                        return text == 5 && memcmp(field + 1, "28000", 5) == 0 ? POSTGRES_REJECTED : POSTGRES_UNCLEAR;
                field += text + 2;
                length -= text + 2;
        }
        return POSTGRES_UNCLEAR;
}

enum postgres_answer postgres_answer_read(const void *bytes, size_t length)
{
        const uint8_t *message = bytes;
        size_t size;

        if (length < 5)
                return POSTGRES_UNCLEAR;
        size = get_u32(message + 1);
        if (size < 4 || size > POSTGRES_ANSWER_MAXIMUM || size + 1 > length)
                return POSTGRES_UNCLEAR;
        if (message[0] == 'E')
                return read_error(message + 5, size - 4);
        /* Any request for authentication; also 0, that there is no need for one. */
        if (message[0] == 'R' && size >= 8)
                return POSTGRES_ASKED;
        return POSTGRES_UNCLEAR;
}
