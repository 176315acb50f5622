/* Any bytes as a request to a witness, and as its answer: what is accepted comes back the same. */
#include <stdlib.h>
#include <string.h>

#include "journal/note.h"
#include "witness/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(2 * REQUEST_MAXIMUM);
        struct error error = ERROR_NONE;
        struct witness_request request;
        struct note note;
        uint64_t number;

        (void)witness_answer_size((const char *)data, size, &number);
        if (witness_request_parse((const char *)data, size, &request, &error) < 0) {
                if (!*error.text)
                        abort();
                return 0;
        }
        if (request.proof.count > REQUEST_HASHES || request.note_length == 0 ||
            witness_request_format(&request, &again) < 0 || again.length != size || memcmp(again.data, data, size) != 0)
                abort();
        (void)note_parse(request.note, request.note_length, "it", &note, NULL);
        return 0;
}
