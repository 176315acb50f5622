/* checkpoint.c - the text of a checkpoint, and the note around it. */
#include "checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

#define BODY_MAXIMUM 1024

int checkpoint_parse(const char *text, size_t length, const char *what, struct checkpoint *ret_checkpoint,
                     struct error *err)
{
        const char *cursor = text, *end = text + length, *lines[3];
        size_t lengths[3], decoded = 0;
        struct checkpoint checkpoint = { 0 };
        bool good = length > 0 && text[length - 1] == '\n';

        for (size_t i = 0; i < LENGTH(lines) && good; i++)
                good = text_next_line(&cursor, end, &lines[i], &lengths[i]) && lengths[i] > 0;
        good = good && lengths[0] < sizeof(checkpoint.origin) && !memchr(lines[0], '\0', lengths[0]) &&
               text_parse_u64(lines[1], lengths[1], INT64_MAX, &checkpoint.size) == 0 &&
               text_unbase64(lines[2], lengths[2], checkpoint.root.bytes, DIGEST_SIZE, &decoded) == 0 &&
               decoded == DIGEST_SIZE;
        while (good && cursor < end) {
                good = *cursor != '\n';
                cursor = (const char *)memchr(cursor, '\n', (size_t)(end - cursor)) + 1;
        }
        if (!good)
                return error_set(err, -EBADMSG, _("%s is not a checkpoint (origin, number of records, root hash)"),
                                 what);
        memcpy(checkpoint.origin, lines[0], lengths[0]);
        *ret_checkpoint = checkpoint;
        return 0;
}

int checkpoint_format(const struct checkpoint *checkpoint, struct buffer *out)
{
        int r = buffer_printf(out, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);

        if (r == 0)
                r = text_base64(out, checkpoint->root.bytes, DIGEST_SIZE);
        return r < 0 ? r : buffer_append_byte(out, '\n');
}

int checkpoint_sign(const struct checkpoint *checkpoint, const struct note_signer *signer, struct buffer *out,
                    struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(BODY_MAXIMUM);

        if (checkpoint_format(checkpoint, &text) < 0)
                return error_memory(err);
        return note_sign(signer, text.data, text.length, out, err);
}

int checkpoint_open(const char *note_bytes, size_t length, const struct note_key *keys, size_t count, const char *what,
                    struct checkpoint *ret_checkpoint, struct error *err)
{
        struct note note;
        int r = note_parse(note_bytes, length, what, &note, err);

        if (r == 0)
                r = checkpoint_parse(note.text, note.text_length, what, ret_checkpoint, err);
        return r < 0 ? r : note_verify(&note, keys, count, what, NULL, err);
}
