/*
 * agent_worker.c - one verb in a process of its own, which leads a process group: what it started ends with it. And
 * spares, processes that have done beforehand what takes time and wait for such a verb.
 */
#include "traffic/agent_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"

static bool write_frame(int channel, uint8_t verb, const char *body)
{
        struct frame_stream stream;
        bool sent;

        frame_stream_init(&stream, 0, FRAME_HEAD_SIZE + FRAME_BODY_MAXIMUM);
        sent = frame_stream_queue(&stream, verb, 1, body, strlen(body)) == 0 && frame_stream_flush(&stream, channel) == 0;
        frame_stream_done(&stream);
        return sent;
}

void agent_progress(struct agent_call *call, const char *what, uint64_t done, uint64_t total)
{
        json_t *json;
        char *text;

        if (call->channel < 0)
                return;
        json = json_pack("{s:s, s:I, s:I}", "what", what, "done", (json_int_t)done, "total", (json_int_t)total);
        text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        if (text)
                write_frame(call->channel, AGENT_PROGRESS, text);
        free(text);
        json_decref(json);
}

/* When the agent dies. The kernel's signal reaches this process alone, and what a command has started in its turn would
 * be left behind. */
static void end_group(int number)
{
        (void)number;
        kill(0, SIGKILL);
}

/* In the child. Standard output is the controller's connection, of which no verb may have a part. */
static void settle(pid_t parent)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        setpgid(0, 0);
        signal(SIGTERM, end_group);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                _exit(1);
}

static _Noreturn void work(const struct agent_verb *verb, void *context, const json_t *arguments, int channel)
{
        char *answer = agent_run(verb, context, arguments, channel);
        const bool told = answer && write_frame(channel, AGENT_ANSWER, answer);

        (void)draft_settle(NULL); /* nobody waits for it any more */
        _exit(told ? 0 : 1);
}

/* A request, which the agent has read before: 1 with what agent_request_parse() says, 0 when the agent has closed. */
static int read_request(struct frame_stream *stream, int request, const struct agent_verb *verbs, size_t count,
                        json_t **ret_whole, const struct agent_verb **ret_verb, const json_t **ret_arguments)
{
        int64_t deadline_ms = 0;
        const char *body = NULL, *code;
        struct frame frame;
        int r = frame_stream_next(stream, &frame, &body);

        while (r == 0 && frame_stream_fill(stream, request) > 0)
                r = frame_stream_next(stream, &frame, &body);
        if (r <= 0)
                return r;
        r = agent_request_parse(verbs, count, body, frame.length, ret_whole, ret_verb, ret_arguments, &deadline_ms, &code,
                                NULL);
        return r < 0 ? r : 1;
}

static _Noreturn void work_when_asked(const struct agent_verb *verbs, size_t count, void *context, int request, int channel)
{
        const struct agent_verb *verb = NULL;
        struct frame_stream stream;

        frame_stream_init(&stream, AGENT_REQUEST_MAXIMUM, 0);
        do {
                const json_t *arguments = NULL;
                json_t *whole = NULL;
                char *answer;
                int r = read_request(&stream, request, verbs, count, &whole, &verb, &arguments);

                if (r <= 0)
                        _exit(r < 0);
                answer = agent_run(verb, context, arguments, channel);
                if (!answer || !write_frame(channel, AGENT_ANSWER, answer))
                        _exit(1);
                free(answer);
                json_decref(whole);
        } while (verb->again);
        (void)draft_settle(NULL);
        _exit(0);
}

/* Both ends of a pipe, or none. */
static int open_pipe(int *ret_read, int *ret_write)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        *ret_read = ends[0];
        *ret_write = ends[1];
        return 0;
}

static pid_t fork_worker(void)
{
        return fault_point(FAULT_FORK) ? -1 : fork();
}

static void adopt(struct agent_worker *worker, const struct agent_verb *verb, pid_t pid, int channel)
{
        fcntl(channel, F_SETFL, O_NONBLOCK);
        frame_stream_init(&worker->stream, FRAME_BODY_MAXIMUM, 0);
        worker->verb = verb;
        worker->pid = pid;
        worker->channel = channel;
        worker->ended = NULL;
        worker->request = -1;
}

int agent_worker_start(struct agent_worker *worker, const struct agent_verb *verb, void *context,
                       const json_t *arguments, struct error *err)
{
        _cleanup_(fd_closep) int read_end = -1, write_end = -1;
        pid_t parent = getpid(), pid;
        int r = open_pipe(&read_end, &write_end);

        if (r < 0)
                return error_errno(err, -r, _("cannot start the verb %s"), verb->name);
        pid = fork_worker();
        if (pid < 0)
                return error_errno(err, errno, _("cannot start the verb %s"), verb->name);
        if (pid == 0) {
                settle(parent);
                work(verb, context, arguments, write_end);
        }
        setpgid(pid, pid); /* whoever of the two comes first */
        adopt(worker, verb, pid, fd_steal(&read_end));
        return 0;
}

/* ---- spares ---- */

int agent_spare_start(struct agent_spare *spare, const struct agent_verb *verbs, size_t count, void *context,
                      void (*warm)(void *context), struct error *err)
{
        _cleanup_(fd_closep) int channel = -1, answer_end = -1, request = -1, request_end = -1;
        pid_t parent = getpid(), pid;
        int r = open_pipe(&channel, &answer_end);

        if (r == 0)
                r = open_pipe(&request_end, &request);
        if (r < 0)
                return error_errno(err, -r, _("cannot start a process for verbs that may come"));
        pid = fork_worker();
        if (pid < 0)
                return error_errno(err, errno, _("cannot start a process for verbs that may come"));
        if (pid == 0) {
                settle(parent);
                fd_close(&request);
                warm(context);
                work_when_asked(verbs, count, context, request_end, answer_end);
        }
        setpgid(pid, pid);
        *spare = (struct agent_spare){ warm, pid, fd_steal(&channel), fd_steal(&request) };
        return 0;
}

bool agent_spare_take(struct agent_spare *spare, struct agent_worker *worker, const struct agent_verb *verb,
                      const char *body, size_t length)
{
        struct frame_stream stream;
        bool sent;

        /* Nothing waits here: a request that is larger than what a pipe takes is done cold. */
        fcntl(spare->request, F_SETFL, O_NONBLOCK);
        frame_stream_init(&stream, 0, FRAME_HEAD_SIZE + AGENT_REQUEST_MAXIMUM);
        sent = frame_stream_queue(&stream, AGENT_REQUEST, 1, body, length) == 0 &&
               frame_stream_flush(&stream, spare->request) == 0;
        frame_stream_done(&stream);
        if (!sent) {
                agent_spare_done(spare);
                return false;
        }
        adopt(worker, verb, spare->pid, spare->channel);
        worker->request = spare->request;
        *spare = (struct agent_spare){ 0 };
        return true;
}

void agent_worker_rest(struct agent_worker *worker, struct agent_spare *spare)
{
        const struct agent_worker kept = *worker;

        if (!spare || kept.request < 0 || !kept.verb->again) {
                agent_worker_done(worker);
                return;
        }
        frame_stream_done(&worker->stream);
        worker->number = 0;
        worker->request = -1;
        *spare = (struct agent_spare){ kept.verb->warm, kept.pid, kept.channel, kept.request };
}

void agent_spare_done(struct agent_spare *spare)
{
        if (!spare->warm)
                return;
        kill(-spare->pid, SIGKILL);
        kill(spare->pid, SIGKILL);
        while (waitpid(spare->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        fd_close(&spare->channel);
        fd_close(&spare->request);
        *spare = (struct agent_spare){ 0 };
}

/* ---- ends ---- */

void agent_worker_kill(struct agent_worker *worker, const char *why)
{
        if (worker->ended)
                return;
        worker->ended = why;
        kill(-worker->pid, SIGKILL);
        kill(worker->pid, SIGKILL);
}

int agent_worker_done(struct agent_worker *worker)
{
        int status = 0, r;

        fd_close(&worker->request); /* one that would wait for more ends */
        do
                r = waitpid(worker->pid, &status, 0);
        while (r < 0 && errno == EINTR);
        fd_close(&worker->channel);
        frame_stream_done(&worker->stream);
        worker->number = 0;
        return r < 0 ? -1 : status;
}
