/* tell.c - telling one witness, and all of them at once. */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/frame.h"
#include "journal/files.h"
#include "journal/reader.h"
#include "witness/folder.h"
#include "witness/http.h"
#include "witness/request.h"

#define QUESTIONS 4     /* to one witness; another one may be at it, too */
#define LIMIT_MS  30000 /* for all of them together */

int witness_tell(const struct witness *witness, const struct merkle_source *source, const char *note, size_t length,
                 const struct note_key *key, uint64_t guess, struct buffer *cosignatures, struct error *err)
{
        struct checkpoint checkpoint;
        uint64_t old = guess;
        int r = checkpoint_open(note, length, key, 1, _("the checkpoint"), &checkpoint, err);

        for (int question = 0; question < QUESTIONS && r == 0; question++) {
                struct merkle_proof proof = { .count = 0 };
                uint64_t seen = 0;

                if (old > checkpoint.size)
                        return error_refuse(
                                err,
                                _("it has seen %" PRIu64 " records, the journal has %" PRIu64 ": the journal was cut"),
                                old, checkpoint.size);
                r = merkle_consistency(source, old, checkpoint.size, &proof, err);
                if (r < 0)
                        return r;
                r = witness->offer(witness->context, note, length, key, old, &proof, cosignatures, &seen, err);
                if (r != -ESTALE)
                        return r;
                if (seen == old)
                        return error_refuse(
                                err, _("it holds another checkpoint of %" PRIu64 " records: the journal was forked"),
                                old);
                if (err)
                        *err = ERROR_NONE;
                old = seen;
                r = 0;
        }
        return r < 0 ? r : error_set(err, -EAGAIN, _("it is told by somebody else at the same time"));
}

/* ---- all of them ---- */

struct telling {
        int folder; /* the journal's */
        struct note_key key;
        struct checkpoint checkpoint;
        struct buffer note;     /* the checkpoint's */
        struct buffer cosigned; /* the file of that name, "" when there is none */
        struct witness_list list;
        struct errand {
                pid_t pid;
                int socket;
        } errands[WITNESSES_MAXIMUM];
};

enum verb { TOLD = 1, /* body: cosignatures */ FAILED /* argument: status << 32 | errno; body: words */ };

/* How many records a witness has seen, if it was the one who cosigned last. */
static uint64_t guess_of(const struct telling *telling, const struct witness_entry *entry)
{
        struct checkpoint checkpoint;
        struct note note;
        int64_t seconds;

        if (!entry->has_key || telling->cosigned.length == 0 ||
            note_parse(telling->cosigned.data, telling->cosigned.length, "", &note, NULL) < 0 ||
            note_cosigned(&note, &entry->key, "", &seconds, NULL) < 0 ||
            checkpoint_parse(note.text, note.text_length, "", &checkpoint, NULL) < 0 ||
            checkpoint.size > telling->checkpoint.size)
                return 0;
        return checkpoint.size;
}

static int tell_entry(const struct telling *telling, const struct witness_entry *entry, struct buffer *cosignatures,
                      struct error *err)
{
        struct journal_reader *reader = NULL;
        struct witness_http http = { .address = entry->address, .key = entry->has_key ? &entry->key : NULL };
        struct witness witness = entry->is_folder ? witness_folder(entry->address) : witness_http(&http);
        struct merkle_source source;
        int r = journal_reader_at(telling->folder, &telling->checkpoint, &reader, err);

        if (r < 0)
                return r;
        source = journal_reader_source(reader);
        r = witness_tell(&witness, &source, telling->note.data, telling->note.length, &telling->key,
                         guess_of(telling, entry), cosignatures, err);
        journal_reader_close(reader);
        witness_http_done(&http);
        return r;
}

static void run_errand(const struct telling *telling, const struct witness_entry *entry, int socket)
        __attribute__((noreturn));

static void run_errand(const struct telling *telling, const struct witness_entry *entry, int socket)
{
        _cleanup_(buffer_done) struct buffer cosignatures = BUFFER_INIT(ANSWER_MAXIMUM);
        struct error error = ERROR_NONE;
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = tell_entry(telling, entry, &cosignatures, &error);
        if (r == 0)
                (void)frame_send(socket, TOLD, 0, buffer_text(&cosignatures), cosignatures.length);
        else
                (void)frame_send(socket, FAILED, (uint64_t)error.status << 32 | (uint32_t)-r, error.text,
                                 strlen(error.text));
        _exit(EXIT_DONE);
}

static int start_errand(struct telling *telling, size_t i, struct error *err)
{
        struct errand *errand = &telling->errands[i];
        _cleanup_(fd_closep) int ours = -1, theirs = -1;
        int ends[2];

        if (fault_point(FAULT_OPEN) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot tell the witness %s"), telling->list.entries[i].address);
        ours = ends[0];
        theirs = ends[1];
        errand->pid = fault_point(FAULT_FORK) ? -1 : fork();
        if (errand->pid < 0)
                return error_errno(err, errno, _("cannot tell the witness %s"), telling->list.entries[i].address);
        if (errand->pid == 0) {
                fd_close(&ours);
                run_errand(telling, &telling->list.entries[i], theirs);
        }
        errand->socket = fd_steal(&ours);
        return 0;
}

/* What became of it, until the deadline; an errand that is late, in a share that hangs, is left to its end. */
static int hear_errand(struct errand *errand, int64_t deadline_ms, struct buffer *cosignatures, struct error *err)
{
        _cleanup_(memory_freep) char *body = memory_new(FRAME_BODY_MAXIMUM, 1);
        int64_t left = deadline_ms - clock_monotonic_ms();
        struct frame frame = { .verb = 0 };
        int r;

        if (!body)
                return error_memory(err);
        r = frame_receive(errand->socket, &frame, body, left > 0 ? (int)left : 0);
        kill(errand->pid, SIGKILL);
        if (r >= 0)
                while (waitpid(errand->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        if (r == -ETIMEDOUT)
                return error_set(err, r, _("it did not answer within %d seconds"), LIMIT_MS / 1000);
        if (r <= 0)
                return error_set(err, -EPIPE, _("the process that tells it has ended unexpectedly"));
        if (frame.verb == TOLD)
                return buffer_append(cosignatures, body, frame.length) < 0 ? error_memory(err) : 0;
        r = error_set(err, -(int)(uint32_t)frame.argument, "%.*s", (int)frame.length, body);
        if (err && frame.argument >> 32 == EXIT_REFUSED)
                err->status = EXIT_REFUSED;
        return r;
}

/* The same checkpoint, with what was said of it. */
static int keep_cosigned(struct telling *telling, const struct buffer *cosignatures, struct error *err)
{
        if (cosignatures->length == 0)
                return 0;
        if (buffer_append(&telling->note, cosignatures->data, cosignatures->length) < 0)
                return error_memory(err);
        return file_replace(telling->folder, JOURNAL_COSIGNED, telling->note.data, telling->note.length, 0644, err);
}

static int tell_list(struct telling *telling, witness_report *report, void *context, struct error *err)
{
        _cleanup_(buffer_done) struct buffer cosignatures = BUFFER_INIT(WITNESSES_MAXIMUM * ANSWER_MAXIMUM);
        struct error errors[WITNESSES_MAXIMUM];
        int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
        int told = 0, r;

        for (size_t i = 0; i < telling->list.count; i++) {
                errors[i] = ERROR_NONE;
                start_errand(telling, i, &errors[i]);
        }
        for (size_t i = 0; i < telling->list.count; i++) {
                if (errors[i].code == 0 && hear_errand(&telling->errands[i], deadline, &cosignatures, &errors[i]) == 0)
                        told++;
                else
                        error_prefix(&errors[i], _("the witness %s"), telling->list.entries[i].address);
                fd_close(&telling->errands[i].socket);
                report(context, &telling->list.entries[i], errors[i].code ? &errors[i] : NULL);
        }
        r = keep_cosigned(telling, &cosignatures, err);
        return r < 0 ? r : told;
}

static int open_journal(struct telling *telling, const char *journal, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        int r;

        telling->folder = open(journal, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (telling->folder < 0)
                return error_errno(err, errno, _("cannot open the journal %s"), journal);
        r = files_read(telling->folder, JOURNAL_PUBLIC, &text, err);
        if (r == 0)
                r = note_key_parse(buffer_text(&text), text.length, &telling->key, err);
        if (r == 0)
                r = files_read(telling->folder, JOURNAL_CHECKPOINT, &telling->note, err);
        if (r == 0)
                r = checkpoint_open(buffer_text(&telling->note), telling->note.length, &telling->key, 1,
                                    _("the journal's checkpoint"), &telling->checkpoint, err);
        if (r == 0)
                r = witness_list_read(telling->folder, &telling->list, err);
        if (r == 0 && files_read(telling->folder, JOURNAL_COSIGNED, &telling->cosigned, NULL) < 0)
                buffer_clear(&telling->cosigned);
        return r;
}

int witness_tell_all(const char *journal, witness_report *report, void *context, struct error *err)
{
        _cleanup_(memory_freep) struct telling *telling = memory_new(1, sizeof(*telling));
        int r;

        if (!telling)
                return error_memory(err);
        telling->folder = -1;
        telling->note.maximum = 2 * NOTE_MAXIMUM;
        telling->cosigned.maximum = 2 * NOTE_MAXIMUM;
        for (size_t i = 0; i < WITNESSES_MAXIMUM; i++)
                telling->errands[i].socket = -1;
        r = open_journal(telling, journal, err);
        if (r == 0)
                r = tell_list(telling, report, context, err);
        witness_list_done(&telling->list);
        buffer_done(&telling->note);
        buffer_done(&telling->cosigned);
        fd_close(&telling->folder);
        return r;
}
