/*
 * agent_worker.c - one verb in a process of its own, which leads a process group: what it started ends with it.
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
static _Noreturn void work(const struct agent_verb *verb, void *context, const json_t *arguments, int channel,
                           pid_t parent)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        char *answer;

        setpgid(0, 0);
        signal(SIGTERM, end_group);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                _exit(1);
        answer = agent_run(verb, context, arguments, channel);
        _exit(answer && write_frame(channel, AGENT_ANSWER, answer) ? 0 : 1);
}

int agent_worker_start(struct agent_worker *worker, const struct agent_verb *verb, void *context,
                       const json_t *arguments, struct error *err)
{
        _cleanup_(fd_closep) int read_end = -1, write_end = -1;
        pid_t parent = getpid(), pid;
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_errno(err, errno, _("cannot start the verb %s"), verb->name);
        read_end = ends[0];
        write_end = ends[1];
        pid = fault_point(FAULT_FORK) ? -1 : fork();
        if (pid < 0)
                return error_errno(err, errno, _("cannot start the verb %s"), verb->name);
        if (pid == 0)
                work(verb, context, arguments, write_end, parent);
        setpgid(pid, pid); /* whoever of the two comes first */
        fcntl(read_end, F_SETFL, O_NONBLOCK);
        frame_stream_init(&worker->stream, FRAME_BODY_MAXIMUM, 0);
        worker->verb = verb;
        worker->pid = pid;
        worker->channel = fd_steal(&read_end);
        worker->ended = NULL;
        return 0;
}

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

        do
                r = waitpid(worker->pid, &status, 0);
        while (r < 0 && errno == EINTR);
        fd_close(&worker->channel);
        frame_stream_done(&worker->stream);
        worker->number = 0;
        return r < 0 ? -1 : status;
}
