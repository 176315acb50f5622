/* http.c - a witness behind an address; our side of the helper. */
#include "http.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/frame.h"
#include "witness/request.h"

#define SILENCE_MS (HTTP_TOTAL_MS + 5000) /* then the helper itself is given up */

static int start_helper(struct witness_http *http, struct error *err)
{
        _cleanup_(fd_closep) int ours = -1, theirs = -1;
        int ends[2];

        if (fault_point(FAULT_OPEN) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start the helper that asks it"));
        ours = ends[0];
        theirs = ends[1];
        http->pid = fault_point(FAULT_FORK) ? -1 : fork();
        if (http->pid < 0) {
                http->pid = 0;
                return error_errno(err, errno, _("cannot start the helper that asks it"));
        }
        if (http->pid == 0)
                http_helper_run(theirs, http->address);
        http->socket = fd_steal(&ours);
        return 0;
}

/* Asks; the answer's bytes go to `answer`. Returns the status, or negative with words. */
static int ask(struct witness_http *http, const struct buffer *request, struct buffer *answer, struct error *err)
{
        _cleanup_(memory_freep) char *body = memory_new(FRAME_BODY_MAXIMUM, 1);
        struct frame frame = { .verb = 0 };
        int r = http->pid ? 0 : start_helper(http, err);

        if (!body)
                return error_memory(err);
        if (r == 0)
                r = frame_send(http->socket, HTTP_POST, 0, request->data, request->length);
        else
                return r;
        if (r == 0)
                r = frame_receive(http->socket, &frame, body, SILENCE_MS);
        if (r <= 0)
                return error_set(err, -EPIPE, _("the helper that asks it has ended unexpectedly"));
        if (frame.verb == HTTP_FAILED && frame.argument > 0 && frame.argument < 4096)
                return error_set(err, -(int)frame.argument, "%.*s", (int)frame.length, body);
        if (frame.verb != HTTP_ANSWER || frame.argument < 100 || frame.argument > 999 ||
            buffer_append(answer, body, frame.length) < 0)
                return error_set(err, -EBADMSG, _("the helper that asks it broke the rules of its conversation"));
        return (int)frame.argument;
}

/* The lines of its answer behind the checkpoint are a note again; only what its own key signed is kept. */
static int take_cosignatures(const struct witness_http *http, const char *note_bytes, size_t length,
                             const struct buffer *answer, struct buffer *cosignatures, struct error *err)
{
        _cleanup_(buffer_done) struct buffer joined = BUFFER_INIT(NOTE_MAXIMUM);
        size_t before = cosignatures->length;
        struct note note;
        int64_t seconds;
        int r = note_parse(note_bytes, length, _("the checkpoint"), &note, err);

        if (r < 0)
                return r;
        if (buffer_append(&joined, note.text, note.text_length) < 0 || buffer_append_byte(&joined, '\n') < 0 ||
            buffer_append(&joined, buffer_text(answer), answer->length) < 0)
                return error_memory(err);
        r = note_parse(joined.data, joined.length, _("its answer"), &note, err);
        if (r < 0 || !http->key)
                return r;
        r = note_cosigned(&note, http->key, _("its answer"), &seconds, err);
        for (size_t i = 0; i < note.signature_count && r == 0; i++)
                r = note_copy_signature(&note.signatures[i], http->key, cosignatures);
        if (r == -ENOMEM || r == -E2BIG)
                r = error_memory(err);
        if (r < 0)
                cosignatures->length = before;
        return r;
}

static int judge(int status, const struct buffer *answer, uint64_t *ret_seen, struct error *err)
{
        switch (status) {
        case 409:
                if (witness_answer_size(buffer_text(answer), answer->length, ret_seen) < 0)
                        return error_set(err, -EBADMSG, _("it answers with 409, and does not say what it has seen"));
                return error_set(err, -ESTALE, _("it has seen %" PRIu64 " records"), *ret_seen);
        case 404:
                return error_set(err, -ENOENT,
                                 _("it does not know this journal; give it the file node.pub ('understudy journal "
                                   "witness --pub'), and look whether the address is right"));
        case 403: return error_refuse(err, _("it knows this journal with another key: the journal was replaced"));
        case 422:
                return error_refuse(err, _("the journal does not begin with what it has seen: it was rewritten or "
                                           "forked"));
        default: return error_set(err, -EIO, _("it answers with HTTP status %d"), status);
        }
}

static int http_offer(void *context, const char *note, size_t length, const struct note_key *key _unused_, uint64_t old,
                      const struct merkle_proof *proof, struct buffer *cosignatures, uint64_t *ret_seen,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer request = BUFFER_INIT(REQUEST_MAXIMUM),
                                             answer = BUFFER_INIT(ANSWER_MAXIMUM);
        struct witness_request question = { .old = old, .proof = *proof, .note = note, .note_length = length };
        struct witness_http *http = context;
        int r = witness_request_format(&question, &request);

        if (r < 0)
                return error_memory(err);
        r = ask(http, &request, &answer, err);
        if (r < 0)
                return r;
        return r == 200 ? take_cosignatures(http, note, length, &answer, cosignatures, err)
                        : judge(r, &answer, ret_seen, err);
}

struct witness witness_http(struct witness_http *http)
{
        http->pid = 0;
        http->socket = -1;
        return (struct witness){ http_offer, http };
}

void witness_http_done(struct witness_http *http)
{
        if (http->pid <= 0)
                return;
        fd_close(&http->socket);
        kill(http->pid, SIGKILL);
        while (waitpid(http->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        http->pid = 0;
}
