#include "row.h"

#include <string.h>

#define LENGTH_BYTES_MAXIMUM 10 /* of a 64-bit LEB128 number */

#define COLUMNS_1                                                                                                      \
        "ms, visitor, source, host, method, path, asset, status, bytes, referrer, referrer_page, campaign, browser, "  \
        "system, device, bot, country"

static const struct {
        const char *structure, *columns;
} structures[] = {
        { ROW_STRUCTURE_1, COLUMNS_1 },
        { ROW_STRUCTURE_1 ", marks Array(String)", COLUMNS_1 ", marks" },
        { ROW_STRUCTURE_1 ", marks Array(String), place UInt32", COLUMNS_1 ", marks, place" },
};
_Static_assert(LENGTH(structures) == ROW_STRUCTURE_LATEST, "one of each version");

const char *row_structure(unsigned int structure)
{
        return structures[structure - 1].structure;
}

const char *row_columns(unsigned int structure)
{
        return structures[structure - 1].columns;
}

/* ---------------------------------------------------------------- writing */

static char *put_number(char *at, uint64_t value, unsigned int bytes)
{
        for (unsigned int i = 0; i < bytes; i++)
                *at++ = (char)(value >> (8 * i));
        return at;
}

static char *put_length(char *at, size_t length)
{
        for (; length >= 0x80; length >>= 7)
                *at++ = (char)(0x80 | (length & 0x7f));
        *at++ = (char)length;
        return at;
}

static char *put_text(char *at, const char *text, size_t length)
{
        at = put_length(at, length);
        if (length)
                memcpy(at, text, length);
        return at + length;
}

static char *put_span(char *at, const struct span *span)
{
        return put_text(at, span->text, span->length);
}

static size_t room_for(const struct spread_row *row)
{
        const struct span *texts[] = { &row->host,          &row->method,   &row->path,    &row->referrer,
                                       &row->referrer_page, &row->campaign, &row->country, &row->agent,
                                       &row->marks };
        size_t room = 64;

        for (size_t i = 0; i < LENGTH(texts); i++)
                room += LENGTH_BYTES_MAXIMUM + texts[i]->length;
        return room;
}

int row_put(struct buffer *buffer, const struct spread_row *row)
{
        int r = buffer_reserve(buffer, room_for(row));
        char *at;

        if (r < 0)
                return r;
        at = buffer->data + buffer->length;
        at = put_number(at, row->ms, 4);
        at = put_number(at, row->visitor, 8);
        at = put_number(at, row->source, 1);
        at = put_span(at, &row->host);
        at = put_span(at, &row->method);
        at = put_span(at, &row->path);
        at = put_number(at, row->asset, 1);
        at = put_number(at, row->status, 2);
        at = put_number(at, row->bytes, 8);
        at = put_span(at, &row->referrer);
        at = put_span(at, &row->referrer_page);
        at = put_span(at, &row->campaign);
        if (row->agent.length)
                memcpy(at, row->agent.text, row->agent.length);
        at = put_span(at + row->agent.length, &row->country);
        at = put_length(at, row->mark_count);
        if (row->marks.length)
                memcpy(at, row->marks.text, row->marks.length);
        at = put_number(at + row->marks.length, row->place, 4);
        *at = '\0';
        buffer->length = (size_t)(at - buffer->data);
        return 0;
}

int row_put_text(struct buffer *buffer, const char *text, size_t length)
{
        int r = buffer_reserve(buffer, LENGTH_BYTES_MAXIMUM + length);
        char *at;

        if (r < 0)
                return r;
        at = put_text(buffer->data + buffer->length, text, length);
        *at = '\0';
        buffer->length = (size_t)(at - buffer->data);
        return 0;
}

int row_put_mark(struct buffer *buffer, char kind, const char *text, size_t length)
{
        int r = buffer_reserve(buffer, LENGTH_BYTES_MAXIMUM + 1 + length);
        char *at;

        if (r < 0)
                return r;
        at = put_length(buffer->data + buffer->length, length + 1);
        *at++ = kind;
        if (length)
                memcpy(at, text, length);
        at += length;
        *at = '\0';
        buffer->length = (size_t)(at - buffer->data);
        return 0;
}

int row_put_sql(struct buffer *sql, const char *bytes, size_t length)
{
        int r = buffer_append_text(sql, "unhex('");

        for (size_t i = 0; i < length && r == 0; i++)
                r = buffer_printf(sql, "%02X", (unsigned char)bytes[i]);
        return r < 0 ? r : buffer_append_text(sql, "')");
}

/* ---------------------------------------------------------------- reading */

static bool take_number(const char **at, const char *end, unsigned int bytes, uint64_t *ret_value)
{
        uint64_t value = 0;

        if ((size_t)(end - *at) < bytes)
                return false;
        for (unsigned int i = 0; i < bytes; i++)
                value |= (uint64_t)(unsigned char)(*at)[i] << (8 * i);
        *at += bytes;
        *ret_value = value;
        return true;
}

bool row_take_u64(const char **at, const char *end, uint64_t *ret_value)
{
        return take_number(at, end, 8, ret_value);
}

bool row_take_u16(const char **at, const char *end, uint16_t *ret_value)
{
        uint64_t value;

        if (!take_number(at, end, 2, &value))
                return false;
        *ret_value = (uint16_t)value;
        return true;
}

bool row_take_text(const char **at, const char *end, const char **ret_text, size_t *ret_length)
{
        const char *here = *at;
        uint64_t length = 0;

        for (unsigned int shift = 0;; shift += 7) {
                unsigned char byte;

                if (here == end || shift > 28) /* no text of an answer is 2^35 bytes long */
                        return false;
                byte = (unsigned char)*here++;
                length |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        break;
        }
        if (length > (uint64_t)(end - here))
                return false;
        *ret_text = here;
        *ret_length = (size_t)length;
        *at = here + length;
        return true;
}
