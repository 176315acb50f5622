/* sender.c - starting the sender, and both ends of its conversation. */
#include "notify/sender.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "ipc/frame.h"
#include "ipc/helper.h"
#include "ipc/sandbox.h"
#include "notify/sender_parts.h"

#define VERB_JOB      1
#define VERB_RESULT   2 /* its argument: enum schedule_end, and above REACH_SHIFT enum sender_reach */
#define REACH_SHIFT   8
#define GIVE_SECONDS  5    /* a job fits into the socket's buffer: longer only when the process is stopped */
#define TAKE_MS       1000 /* a result is sent in one piece */
#define MEMORY_BYTES  (UINT64_C(1) << 30)
#define SOCKET_BUFFER (512 << 10)

/* ---- the process ---- */

static void work(const struct notify_target *target, const struct sender_limits *limits, struct sender_curl *curl,
                 const struct error *failed) __attribute__((noreturn));

static void work(const struct notify_target *target, const struct sender_limits *limits, struct sender_curl *curl,
                 const struct error *failed)
{
        char *body = memory_new(FRAME_BODY_MAXIMUM + 2, 1);

        if (!body)
                _exit(EXIT_FAILURE);
        for (;;) {
                struct sender_result result = { .end = SCHEDULE_LATER };
                struct frame frame;
                struct sender_job job;

                if (frame_receive(HELPER_SOCKET, &frame, body, -1) <= 0)
                        _exit(EXIT_SUCCESS);
                if (frame.verb != VERB_JOB || frame.argument > frame.length)
                        _exit(EXIT_FAILURE);
                job.head = body;
                job.head_length = frame.argument;
                job.payload = body + frame.argument + 1;
                job.length = frame.length - frame.argument;
                memmove(body + frame.argument + 1, body + frame.argument, job.length);
                body[frame.argument] = '\0';
                body[frame.length + 1] = '\0';
                if (failed->code)
                        result.reach = SENDER_NOT;
                if (failed->code)
                        snprintf(result.words, sizeof(result.words), "%.599s", failed->text);
                else if (curl)
                        sender_curl_run(curl, &job, &result);
                else
                        sender_syslog_run(target, limits, &job, &result);
                if (frame_send(HELPER_SOCKET, VERB_RESULT, (uint32_t)result.end | (uint32_t)result.reach << REACH_SHIFT, result.words, strlen(result.words)) < 0)
                        _exit(EXIT_SUCCESS);
        }
}

static void run(int socket, const struct notify_target *target, const struct sender_limits *limits)
        __attribute__((noreturn));

static void run(int socket, const struct notify_target *target, const struct sender_limits *limits)
{
        struct sandbox sandbox = { .network = true, .memory_bytes = MEMORY_BYTES, .user = limits->user };
        struct error failed = ERROR_NONE, error = ERROR_NONE;
        struct sender_curl *curl = NULL;

        if (helper_settle(socket) < 0)
                _exit(EXIT_FAILURE);
        /* Before the rights are gone: files of the operator's, OpenSSL's configuration, the words of the language. */
        if (target->kind == TARGET_MAIL || target->kind == TARGET_WEBHOOK)
                sender_curl_new(target, limits, &curl, &failed);
        (void)_("it takes too long");
        if (sandbox_enter(&sandbox, &error) < 0) {
                curl = NULL;
                failed = error;
                for (;;) { /* nothing from outside is read without it */
                        struct frame frame;
                        char *body = memory_new(FRAME_BODY_MAXIMUM, 1);

                        if (!body || frame_receive(HELPER_SOCKET, &frame, body, -1) <= 0 ||
                            frame_send(HELPER_SOCKET, VERB_RESULT, SCHEDULE_LATER | SENDER_NOT << REACH_SHIFT, failed.text,
                                       strnlen(failed.text, SENDER_WORDS - 1)) < 0)
                                _exit(EXIT_FAILURE);
                        memory_freep(&body);
                }
        }
        work(target, limits, curl, &failed);
}

/* ---- the worker's side ---- */

int sender_start(const struct notify_target *target, const struct sender_limits *limits, struct sender *ret_sender,
                 struct error *err)
{
        const struct timeval patience = { .tv_sec = GIVE_SECONDS };
        int ends[2], size = SOCKET_BUFFER;
        pid_t pid;

        if (fault_point(FAULT_OPEN) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start the process that sends to %s"), target->shown);
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        pid = fault_point(FAULT_FORK) ? -1 : fork();
        if (pid == 0)
                run(ends[1], target, limits);
        if (pid < 0) {
                int kept = errno;

                close(ends[0]);
                close(ends[1]);
                return error_errno(err, kept, _("cannot start the process that sends to %s"), target->shown);
        }
        close(ends[1]);
        *ret_sender = (struct sender){ pid, ends[0] };
        return 0;
}

int sender_give(const struct sender *sender, const struct buffer *head, const struct buffer *payload)
{
        _cleanup_(buffer_done) struct buffer body = BUFFER_INIT(FRAME_BODY_MAXIMUM);

        if (buffer_append(&body, buffer_text(head), head->length) < 0 ||
            buffer_append(&body, buffer_text(payload), payload->length) < 0)
                return -ENOMEM;
        return frame_send(sender->socket, VERB_JOB, head->length, body.data, body.length);
}

int sender_take(const struct sender *sender, enum schedule_end *ret_end, enum sender_reach *ret_reach,
                char words[static SENDER_WORDS])
{
        _cleanup_(memory_freep) char *body = memory_new(FRAME_BODY_MAXIMUM, 1);
        _cleanup_(buffer_done) struct buffer escaped = BUFFER_INIT(4 * SENDER_WORDS);
        struct frame frame;
        uint64_t end, reach;
        int r = body ? frame_receive(sender->socket, &frame, body, TAKE_MS) : -ENOMEM;

        if (r <= 0)
                return r < 0 ? r : -EPIPE;
        end = frame.argument & ((1U << REACH_SHIFT) - 1);
        reach = frame.argument >> REACH_SHIFT;
        if (frame.verb != VERB_RESULT || frame.length >= SENDER_WORDS || end < SCHEDULE_DELIVERED ||
            end > SCHEDULE_REJECTED || reach > SENDER_NEVER)
                return -EBADMSG;
        if (!text_is_printable(body, frame.length)) { /* it may be an intruder's by now */
                if (text_escape(&escaped, body, frame.length) < 0)
                        return -ENOMEM;
                snprintf(words, SENDER_WORDS, "%s", buffer_text(&escaped));
        } else
                snprintf(words, SENDER_WORDS, "%.*s", (int)frame.length, body);
        *ret_end = (enum schedule_end)end;
        *ret_reach = (enum sender_reach)reach;
        return 0;
}

void sender_stop(struct sender *sender)
{
        fd_close(&sender->socket);
        if (sender->pid > 0) {
                kill(sender->pid, SIGKILL);
                while (waitpid(sender->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        sender->pid = 0;
}

enum schedule_end sender_local(const struct notify_target *target, const struct buffer *line,
                               char words[static SENDER_WORDS])
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        *words = '\0';
        if (strlen(target->path) >= sizeof(address.sun_path)) {
                snprintf(words, SENDER_WORDS, "%s", strerror(ENAMETOOLONG));
                return SCHEDULE_LATER;
        }
        memcpy(address.sun_path, target->path, strlen(target->path));
        if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
            send(fd, buffer_text(line), line->length, MSG_NOSIGNAL) == (ssize_t)line->length)
                return SCHEDULE_DELIVERED;
        snprintf(words, SENDER_WORDS, "%s", strerror(errno));
        return errno == EMSGSIZE ? SCHEDULE_REJECTED : SCHEDULE_LATER;
}
