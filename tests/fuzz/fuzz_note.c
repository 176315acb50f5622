/* Any bytes as a signed note with a checkpoint in it, and as keys: what is accepted comes back the same, and holds for
 * no key that never signed it. */
#include <stdlib.h>
#include <string.h>

#include "journal/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_checkpoint(const struct note *note)
{
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(4096);
        struct checkpoint checkpoint;

        if (checkpoint_parse(note->text, note->text_length, "it", &checkpoint, NULL) < 0)
                return;
        if (checkpoint_format(&checkpoint, &again) < 0 || again.length > note->text_length ||
            memcmp(again.data, note->text, again.length) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char known[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        const char *text = (const char *)data;
        struct error error = ERROR_NONE;
        struct note_signer signer;
        struct note_key key;
        struct note note;

        (void)note_signer_parse(text, size, &signer, NULL);
        (void)note_key_parse(text, size, &key, NULL);
        if (note_parse(text, size, "it", &note, &error) < 0) {
                if (error.status != EXIT_FAILED || !*error.text)
                        abort();
                return 0;
        }
        if (note.text_length == 0 || note.text_length >= size || note.text[note.text_length - 1] != '\n')
                abort();
        check_checkpoint(&note);
        if (note_key_parse(known, strlen(known), &key, NULL) < 0)
                abort();
        key.key[0] ^= 1; /* nobody has signed with this one */
        if (note_verify(&note, &key, 1, "it", NULL, NULL) == 0)
                abort();
        return 0;
}
