/*
 * receiver_http.c - the process that speaks HTTP with whoever comes: accepts, reads one request, asks the other
 * process, answers. It can open nothing, connect nowhere and write no file.
 */
#include "receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/frame.h"
#include "ipc/sandbox.h"
#include "late/microhttpd.h"
#include "witness/request.h"

#define SOCKET_NUMBER      3
#define LISTENING_NUMBER   4
#define MEMORY_BYTES       (UINT64_C(256) << 20)
#define CONNECTIONS        48    /* the sandbox has 64 descriptors */
#define CONNECTIONS_OF_ONE 16    /* a proxy of the site's own brings all of them from one address */
#define SILENCE_S          10    /* a connection on which nothing comes */
#define REQUEST_MS         20000 /* all of a request's body */
#define HEADERS_MAXIMUM    ((size_t)16 << 10)
#define ANSWER_MS          30000 /* the other process; its disk may be slow */

struct server {
        int socket; /* to the other process */
        char *body; /* of a frame */
};

/* One request; `status` is set as soon as it is refused, the rest of the body is dropped then. */
struct upload {
        struct buffer body;
        int64_t started_ms;
        unsigned int status;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status, const char *body, size_t length)
{
        struct MHD_Response *response =
                MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
        enum MHD_Result result;

        if (!response)
                return MHD_NO;
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                status == MHD_HTTP_CONFLICT ? REQUEST_SIZE_TYPE : "text/plain; charset=utf-8");
        if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
                MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
        result = MHD_queue_response(connection, status, response);
        MHD_destroy_response(response);
        return result;
}

/* Asks the process that has folder and key. When that is gone there is nothing left to do. */
static enum MHD_Result ask(struct server *server, struct MHD_Connection *connection,
                           const struct witness_request *question)
{
        _cleanup_(buffer_done) struct buffer request = BUFFER_INIT(FRAME_BODY_MAXIMUM);
        struct frame frame;

        if (buffer_append_byte(&request, (char)question->proof.count) < 0 ||
            buffer_append(&request, question->proof.hashes, question->proof.count * sizeof(question->proof.hashes[0])) <
                    0 ||
            buffer_append(&request, question->note, question->note_length) < 0)
                return MHD_NO;
        if (frame_send(server->socket, RECEIVER_ADD, question->old, request.data, request.length) < 0 ||
            frame_receive(server->socket, &frame, server->body, ANSWER_MS) <= 0 || frame.verb != RECEIVER_STATUS)
                _exit(EXIT_SUCCESS);
        return answer(connection, (unsigned int)frame.argument, server->body, frame.length);
}

static enum MHD_Result finish(struct server *server, struct MHD_Connection *connection, const struct upload *upload)
{
        struct witness_request question;

        if (upload->status)
                return answer(connection, upload->status, "", 0);
        if (witness_request_parse(buffer_text(&upload->body), upload->body.length, &question, NULL) < 0)
                return answer(connection, MHD_HTTP_BAD_REQUEST, "", 0);
        return ask(server, connection, &question);
}

static enum MHD_Result begin(const char *url, const char *method, void **state)
{
        struct upload *upload = memory_new(1, sizeof(*upload));

        if (!upload)
                return MHD_NO;
        upload->body.maximum = REQUEST_MAXIMUM;
        upload->started_ms = clock_monotonic_ms();
        /* A proxy may leave its prefix in front. */
        if (strlen(url) < strlen(REQUEST_PATH) || strcmp(url + strlen(url) - strlen(REQUEST_PATH), REQUEST_PATH) != 0)
                upload->status = MHD_HTTP_NOT_FOUND;
        else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
                upload->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        *state = upload;
        return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version _unused_, const char *bytes, size_t *length, void **state)
{
        struct upload *upload = *state;

        if (!upload)
                return begin(url, method, state);
        if (clock_monotonic_ms() - upload->started_ms > REQUEST_MS)
                return MHD_NO;
        if (*length == 0)
                return finish(context, connection, upload);
        if (buffer_append(&upload->body, bytes, *length) < 0 && !upload->status)
                upload->status = MHD_HTTP_CONTENT_TOO_LARGE;
        *length = 0;
        return MHD_YES;
}

static void on_end(void *context _unused_, struct MHD_Connection *connection _unused_, void **state,
                   enum MHD_RequestTerminationCode code _unused_)
{
        struct upload *upload = *state;

        if (!upload)
                return;
        buffer_done(&upload->body);
        free(upload);
        *state = NULL;
}

/* The two sockets stay, and /dev/null where libraries expect the standard descriptors. */
static int keep_descriptors(int socket, int listening)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        int kept[2] = { fcntl(socket, F_DUPFD_CLOEXEC, 10), fcntl(listening, F_DUPFD_CLOEXEC, 10) };

        if (null < 0 || kept[0] < 0 || kept[1] < 0)
                return -errno;
        for (int fd = 0; fd < (SANDBOX_INSTRUMENTED ? 2 : 3); fd++)
                if (dup2(null, fd) < 0)
                        return -errno;
        if (dup2(kept[0], SOCKET_NUMBER) < 0 || dup2(kept[1], LISTENING_NUMBER) < 0)
                return -errno;
        closefrom(LISTENING_NUMBER + 1);
        return 0;
}

static struct MHD_Daemon *start(struct server *server)
{
        return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET,
                                LISTENING_NUMBER, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
                                MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_OF_ONE,
                                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SILENCE_S,
                                MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADERS_MAXIMUM, MHD_OPTION_NOTIFY_COMPLETED,
                                on_end, NULL, MHD_OPTION_END);
}

void receiver_http_run(int socket, int listening)
{
        static struct server server = { .socket = SOCKET_NUMBER };
        struct sandbox sandbox = { .serve = true, .memory_bytes = MEMORY_BYTES };
        struct error error = ERROR_NONE;
        struct MHD_Daemon *daemon = NULL;
        int r;

        signal(SIGPIPE, SIG_IGN);
        signal(SIGINT, SIG_IGN); /* it ends with the other process */
        signal(SIGTERM, SIG_DFL);
        server.body = memory_new(FRAME_BODY_MAXIMUM, 1);
        if (!server.body || keep_descriptors(socket, listening) < 0)
                _exit(EXIT_FAILURE);
        r = late_load(&late_microhttpd, &error);
        if (r == 0 && !(daemon = start(&server)))
                r = error_set(&error, -EIO, _("cannot start the HTTP server (libmicrohttpd)"));
        if (r == 0)
                r = sandbox_enter(&sandbox, &error);
        (void)frame_send(SOCKET_NUMBER, RECEIVER_READY, (uint64_t)-r, error.text, strlen(error.text));
        while (r == 0 && MHD_run_wait(daemon, 1000) == MHD_YES)
                if (recv(SOCKET_NUMBER, server.body, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
                        break; /* the other process is gone */
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
