/* request.c - requests to a witness. */
#include "request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

/* The line up to the next newline, which must be there. */
static bool next_line(const char **cursor, const char *end, const char **ret_line, size_t *ret_length)
{
        const char *newline = *cursor < end ? memchr(*cursor, '\n', (size_t)(end - *cursor)) : NULL;

        if (!newline)
                return false;
        *ret_line = *cursor;
        *ret_length = (size_t)(newline - *cursor);
        *cursor = newline + 1;
        return true;
}

static bool parse_old(const char *line, size_t length, uint64_t *ret_old)
{
        return length > 4 && memcmp(line, "old ", 4) == 0 &&
               text_parse_u64(line + 4, length - 4, INT64_MAX, ret_old) == 0;
}

static bool parse_hash(const char *line, size_t length, struct digest *ret_hash)
{
        size_t decoded = 0;

        return text_unbase64(line, length, ret_hash->bytes, DIGEST_SIZE, &decoded) == 0 && decoded == DIGEST_SIZE;
}

int witness_request_parse(const char *bytes, size_t length, struct witness_request *ret_request, struct error *err)
{
        const char *cursor = bytes, *end = bytes + length, *line;
        struct witness_request request = { .old = 0 };
        size_t line_length;
        bool good = length <= REQUEST_MAXIMUM && next_line(&cursor, end, &line, &line_length) &&
                    parse_old(line, line_length, &request.old);

        while (good) {
                good = next_line(&cursor, end, &line, &line_length);
                if (!good || line_length == 0)
                        break;
                good = request.proof.count < REQUEST_HASHES &&
                       parse_hash(line, line_length, &request.proof.hashes[request.proof.count++]);
        }
        if (!good || cursor == end)
                return error_set(err, -EBADMSG,
                                 _("this is no request to a witness (old size, proof, empty line, checkpoint)"));
        request.note = cursor;
        request.note_length = (size_t)(end - cursor);
        *ret_request = request;
        return 0;
}

int witness_request_format(const struct witness_request *request, struct buffer *out)
{
        int r = buffer_printf(out, "old %" PRIu64 "\n", request->old);

        for (size_t i = 0; i < request->proof.count && r == 0; i++) {
                r = text_base64(out, request->proof.hashes[i].bytes, DIGEST_SIZE);
                if (r == 0)
                        r = buffer_append_byte(out, '\n');
        }
        if (r == 0)
                r = buffer_append_byte(out, '\n');
        return r < 0 ? r : buffer_append(out, request->note, request->note_length);
}

int witness_answer_size(const char *bytes, size_t length, uint64_t *ret_size)
{
        if (length < 2 || bytes[length - 1] != '\n' || text_parse_u64(bytes, length - 1, INT64_MAX, ret_size) < 0)
                return -EBADMSG;
        return 0;
}
