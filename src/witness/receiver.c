/* receiver.c - the process of a witness that has folder and key. */
#include "receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "ipc/frame.h"
#include "witness/folder.h"

#define NAME_SECRET "witness.key"
#define NAME_PUBLIC "witness.pub"
#define BACKLOG     64
#define READY_MS    10000

struct receiver {
        const struct receiver_options *options;
        struct note_signer signer;
        int listening, socket, signals;
        pid_t pid; /* of the process that speaks HTTP */
        char *body;
};

/* ---- its key ---- */

static int make_key(int folder, struct note_signer *signer, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        char name[NOTE_NAME_SIZE];
        int r = note_make_name("understudy-witness", name, err);

        if (r == 0)
                r = note_signer_generate(name, NOTE_COSIGNATURE, signer, err);
        if (r < 0)
                return r;
        if (buffer_reserve(&text, NOTE_KEY_TEXT_MAXIMUM) < 0 || note_signer_format(signer, &text) < 0 ||
            buffer_append_byte(&text, '\n') < 0)
                return error_memory(err);
        return file_create(folder, NAME_SECRET, text.data, text.length, 0600, err);
}

static int load_key(struct receiver *receiver, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer text = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        _cleanup_(fd_closep) int folder = open(receiver->options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;
        int r;

        if (folder < 0)
                return error_errno(err, errno, _("cannot open the folder %s"), receiver->options->folder);
        if (buffer_reserve(&text, NOTE_KEY_TEXT_MAXIMUM) < 0)
                return error_memory(err);
        if (fstatat(folder, NAME_SECRET, &st, AT_SYMLINK_NOFOLLOW) < 0)
                r = make_key(folder, &receiver->signer, err);
        else if (st.st_mode & 077)
                r = error_set(err, -EBADMSG,
                              _("others may read the key %s/%s; look who has, and take their right away with chmod "
                                "600"),
                              receiver->options->folder, NAME_SECRET);
        else
                r = file_read(folder, NAME_SECRET, &text, err);
        if (r == 0 && text.length > 0)
                r = note_signer_parse(text.data, text.length, &receiver->signer, err);
        if (r == 0 && receiver->signer.pub.algorithm != NOTE_COSIGNATURE)
                r = error_set(err, -EBADMSG, _("%s/%s is a journal's key, and not a witness's"),
                              receiver->options->folder, NAME_SECRET);
        buffer_clear(&text);
        if (r == 0 && (note_key_format(&receiver->signer.pub, &text) < 0 || buffer_append_byte(&text, '\n') < 0))
                r = error_memory(err);
        return r < 0 ? r : file_replace(folder, NAME_PUBLIC, text.data, text.length, 0644, err);
}

/* ---- listening ---- */

static int cannot_listen(const struct receiver *receiver, int code, struct error *err)
{
        return error_errno(err, code, _("cannot listen on %s"), receiver->options->listen);
}

static int bind_and_listen(struct receiver *receiver, int family, const void *address, socklen_t length,
                           struct error *err)
{
        _cleanup_(fd_closep) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int yes = 1;

        if (fd < 0)
                return cannot_listen(receiver, errno, err);
        if (family != AF_UNIX)
                setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        if (bind(fd, address, length) < 0 || listen(fd, BACKLOG) < 0)
                return cannot_listen(receiver, errno, err);
        receiver->listening = fd_steal(&fd);
        return 0;
}

/* A socket that nobody listens on any more is taken away; one that somebody does, or another file, is not. */
static int listen_unix(struct receiver *receiver, const char *path, struct error *err)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(fd_closep) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct stat st;

        if (*path != '/' || strlen(path) >= sizeof(address.sun_path))
                return error_usage(err, _("'%s' is no path for a socket: it must be absolute, and short"), path);
        memcpy(address.sun_path, path, strlen(path));
        if (probe >= 0 && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
            connect(probe, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == ECONNREFUSED)
                unlink(path);
        return bind_and_listen(receiver, AF_UNIX, &address, sizeof(address), err);
}

/* "ADDRESS:PORT" or "[ADDRESS]:PORT", numbers only. */
static int listen_tcp(struct receiver *receiver, const char *where, struct error *err)
{
        const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                        .ai_socktype = SOCK_STREAM };
        const char *colon = strrchr(where, ':');
        bool brackets = *where == '[' && colon && colon > where && colon[-1] == ']';
        _cleanup_(memory_freep) char *host =
                colon ? memory_copy(where + brackets, (size_t)(colon - where) - 2 * brackets) : NULL;
        struct addrinfo *found = NULL;
        int r;

        if (!host || !*host || !colon[1] || (!brackets && strchr(host, ':')) ||
            getaddrinfo(host, colon + 1, &hints, &found) != 0)
                return error_usage(err,
                                   _("'%s' is nothing to listen on; write ADDRESS:PORT (127.0.0.1:8099, [::1]:8099) "
                                     "or unix:PATH"),
                                   where);
        r = bind_and_listen(receiver, found->ai_family, found->ai_addr, found->ai_addrlen, err);
        freeaddrinfo(found);
        return r;
}

static int start_listening(struct receiver *receiver, struct error *err)
{
        const char *where = receiver->options->listen;

        return text_starts(where, "unix:") ? listen_unix(receiver, where + 5, err) : listen_tcp(receiver, where, err);
}

/* ---- requests ---- */

static void say(const struct receiver *receiver, const char *sentence)
{
        if (receiver->options->note)
                receiver->options->note(receiver->options->context, sentence);
}

/* The other process may have been taken over: this looks at its frame as at any outside bytes. */
static int decode(const struct frame *frame, const char *body, struct witness_request *request)
{
        size_t count = frame->length ? (unsigned char)body[0] : 0, head = 1 + count * DIGEST_SIZE;

        if (frame->length <= head || count > REQUEST_HASHES || frame->argument > INT64_MAX)
                return -EBADMSG;
        request->old = frame->argument;
        request->proof.count = count;
        memcpy(request->proof.hashes, body + 1, count * DIGEST_SIZE);
        request->note = body + head;
        request->note_length = frame->length - head;
        return 0;
}

static unsigned int status_of(int r)
{
        switch (r) {
        case 0: return 200;
        case -EBADMSG:
        case -EINVAL: return 400;
        case -EKEYREJECTED: return 403;
        case -ENOENT: return 404;
        case -ESTALE: return 409;
        case -EPERM: return 422;
        default: return 500;
        }
}

static int take(struct receiver *receiver, const struct frame *frame)
{
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(ANSWER_MAXIMUM);
        struct error error = ERROR_NONE;
        struct witness_request request;
        uint64_t seen = 0;
        int r = frame->verb == RECEIVER_ADD ? decode(frame, receiver->body, &request) : -EBADMSG;

        if (r < 0)
                return r; /* it breaks the rules of the conversation */
        r = folder_take(receiver->options->folder, &request, &receiver->signer, &answer, &seen, &error);
        if (r == -EPERM || r == -EKEYREJECTED || status_of(r) == 500)
                say(receiver, error.text);
        if (r == -ESTALE && buffer_printf(&answer, "%" PRIu64 "\n", seen) < 0)
                r = -ENOMEM;
        return frame_send(receiver->socket, RECEIVER_STATUS, status_of(r), buffer_text(&answer), answer.length);
}

/* ---- running ---- */

static int start_http(struct receiver *receiver, struct error *err)
{
        struct frame frame;
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start the HTTP server"));
        receiver->socket = ends[0];
        receiver->pid = fork();
        if (receiver->pid == 0) {
                sigset_t none;

                sigemptyset(&none);
                sigprocmask(SIG_SETMASK, &none, NULL);
                note_signer_wipe(&receiver->signer);
                receiver_http_run(ends[1], receiver->listening);
        }
        r = errno;
        close(ends[1]);
        if (receiver->pid < 0)
                return error_errno(err, r, _("cannot start the HTTP server"));
        fd_close(&receiver->listening);
        r = frame_receive(receiver->socket, &frame, receiver->body, READY_MS);
        if (r <= 0 || frame.verb != RECEIVER_READY)
                return error_set(err, -EPIPE, _("the process that speaks HTTP has ended unexpectedly"));
        if (frame.argument != 0)
                return error_set(err, -EIO, "%.*s", (int)frame.length, receiver->body);
        return 0;
}

static int serve(struct receiver *receiver, struct error *err)
{
        for (;;) {
                struct pollfd fds[] = {
                        {.fd = receiver->signals, .events = POLLIN},
                        { .fd = receiver->socket, .events = POLLIN}
                };
                struct frame frame;

                if (poll(fds, LENGTH(fds), -1) < 0 && errno != EINTR)
                        return error_errno(err, errno, _("cannot wait for requests"));
                if (fds[0].revents)
                        return 0;
                if (!fds[1].revents)
                        continue;
                if (frame_receive(receiver->socket, &frame, receiver->body, READY_MS) <= 0 ||
                    take(receiver, &frame) < 0)
                        return error_set(err, -EPIPE,
                                         _("the process that speaks HTTP has ended, or broke the rules; if nobody "
                                           "ended it, somebody may have attacked it: tell the developers"));
        }
}

static int run(struct receiver *receiver, struct error *err)
{
        const struct receiver_options *options = receiver->options;
        _cleanup_(buffer_done) struct buffer key = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        int r = load_key(receiver, err);

        for (size_t i = 0; i < options->log_count && r == 0; i++)
                r = folder_introduce(options->folder, &options->logs[i], err);
        if (r == 0)
                r = start_listening(receiver, err);
        if (r == 0 && note_key_format(&receiver->signer.pub, &key) < 0)
                r = error_memory(err);
        if (r == 0)
                r = start_http(receiver, err);
        if (r < 0)
                return r;
        options->ready(options->context, buffer_text(&key), options->listen);
        return serve(receiver, err);
}

int receiver_run(const struct receiver_options *options, struct error *err)
{
        struct receiver receiver = { .options = options, .listening = -1, .socket = -1, .signals = -1 };
        sigset_t ending;
        int r;

        sigemptyset(&ending);
        sigaddset(&ending, SIGTERM);
        sigaddset(&ending, SIGINT);
        signal(SIGPIPE, SIG_IGN);
        sigprocmask(SIG_BLOCK, &ending, NULL);
        receiver.signals = signalfd(-1, &ending, SFD_CLOEXEC);
        receiver.body = memory_new(FRAME_BODY_MAXIMUM, 1);
        r = receiver.body && receiver.signals >= 0 ? run(&receiver, err) : error_memory(err);
        if (receiver.pid > 0) {
                kill(receiver.pid, SIGKILL);
                while (waitpid(receiver.pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        if (text_starts(options->listen, "unix:") && receiver.pid > 0)
                unlink(options->listen + 5);
        note_signer_wipe(&receiver.signer);
        fd_close(&receiver.listening);
        fd_close(&receiver.socket);
        fd_close(&receiver.signals);
        free(receiver.body);
        return r;
}
