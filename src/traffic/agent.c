/* agent.c - the agent's loop: requests in, workers, answers out. */
#include "traffic/agent_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

#define LAST_WORDS_MS 1000 /* for the sentence to a controller that broke the rules */
#define SPARES        2    /* kinds of processes that are held ready */

struct agent {
        const struct agent_verb *verbs;
        size_t count;
        void *context;
        int in, out;
        struct frame_stream stream;
        int64_t half_since; /* a frame has begun and is not whole; 0: none */
        struct agent_worker workers[AGENT_WORKERS_MAXIMUM];
        struct agent_spare spares[SPARES];
};

/* ---- answers ---- */

/* Takes the body. */
static int give(struct agent *agent, uint8_t kind, uint64_t number, char *body, struct error *err)
{
        int r = body ? frame_stream_queue(&agent->stream, kind, number, body, strlen(body)) : -ENOMEM;

        free(body);
        if (r == -ENOBUFS)
                return error_set(err, r, _("the controller does not read its answers; the connection is ended"));
        return r < 0 ? error_memory(err) : 0;
}

static int give_error(struct agent *agent, uint64_t number, const char *code, const struct error *why,
                      struct error *err)
{
        return give(agent, AGENT_ANSWER, number, agent_answer_error(code, why), err);
}

/* ---- requests ---- */

static struct agent_worker *free_worker(struct agent *agent)
{
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number == 0)
                        return &agent->workers[i];
        return NULL;
}

static const struct agent_worker *who_excludes(const struct agent *agent, const struct agent_verb *verb)
{
        for (size_t i = 0; verb->group != AGENT_BESIDE && i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number && agent->workers[i].verb->group == verb->group)
                        return &agent->workers[i];
        return NULL;
}

static struct agent_spare *find_spare(struct agent *agent, void (*warm)(void *context))
{
        for (size_t i = 0; i < SPARES; i++)
                if (agent->spares[i].warm == warm)
                        return &agent->spares[i];
        return NULL;
}

static int make_spare(struct agent *agent, const struct agent_verb *verb, struct error *err)
{
        struct agent_spare *place = find_spare(agent, NULL);

        return place ? agent_spare_start(place, agent->verbs, agent->count, agent->context, verb->warm, err) : -ENOSPC;
}

/* Whoever has used a verb that has to warm up may do so again: by the same process, or by one that is made now. */
static int give_work(struct agent *agent, struct agent_worker *worker, const struct agent_verb *verb,
                     const json_t *arguments, const char *body, size_t length, struct error *err)
{
        bool taken = false;

        if (verb->warm && (find_spare(agent, verb->warm) || make_spare(agent, verb, NULL) == 0))
                taken = agent_spare_take(find_spare(agent, verb->warm), worker, verb, body, length);
        if (taken && !verb->again)
                (void)make_spare(agent, verb, NULL);
        return taken ? 0 : agent_worker_start(worker, verb, agent->context, arguments, err);
}

static int start_worker(struct agent *agent, uint64_t number, const struct agent_verb *verb, const json_t *arguments,
                        const char *body, size_t length, int64_t limit_ms, struct error *err)
{
        const struct agent_worker *other = who_excludes(agent, verb);
        struct agent_worker *worker = free_worker(agent);
        struct error error = ERROR_NONE;

        if (other || !worker) {
                error_refuse(&error, _("%s cannot begin: this server is busy with %s (request %llu)"), verb->name,
                             other ? other->verb->name : _("as much as it may do at once"),
                             (unsigned long long)(other ? other->number : 0));
                return give_error(agent, number, "busy", &error, err);
        }
        if (give_work(agent, worker, verb, arguments, body, length, &error) < 0)
                return give_error(agent, number, "failed", &error, err);
        worker->number = number;
        worker->deadline = clock_monotonic_ms() + limit_ms;
        return 0;
}

static bool is_running(const struct agent *agent, uint64_t number)
{
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number == number)
                        return true;
        return false;
}

static int take_request(struct agent *agent, uint64_t number, const char *body, size_t length, struct error *err)
{
        const struct agent_verb *verb = NULL;
        const json_t *arguments = NULL;
        struct error error = ERROR_NONE;
        int64_t deadline_ms = 0;
        const char *code = NULL;
        json_t *request = NULL;
        int r;

        if (is_running(agent, number))
                return error_set(err, -EBADMSG, _("the controller used the number of a request twice"));
        if (agent_request_parse(agent->verbs, agent->count, body, length, &request, &verb, &arguments, &deadline_ms,
                                &code, &error) < 0)
                return give_error(agent, number, code, &error, err);
        if (verb->group == AGENT_AT_ONCE)
                r = give(agent, AGENT_ANSWER, number, agent_run(verb, agent->context, arguments, -1), err);
        else
                r = start_worker(agent, number, verb, arguments, body, length,
                                 deadline_ms && deadline_ms < verb->limit_ms ? deadline_ms : verb->limit_ms, err);
        json_decref(request);
        return r;
}

/* One that has ended already is no mistake: the two crossed. */
static void cancel(struct agent *agent, uint64_t number)
{
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number == number)
                        agent_worker_kill(&agent->workers[i], "cancelled");
}

static int take_frames(struct agent *agent, struct error *err)
{
        const char *body = NULL;
        struct frame frame;
        int r;

        while ((r = frame_stream_next(&agent->stream, &frame, &body)) > 0) {
                if (frame.argument == 0 || (frame.verb != AGENT_REQUEST && frame.verb != AGENT_CANCEL))
                        return error_set(err, -EBADMSG, _("the controller sent a frame that is no request"));
                if (frame.verb == AGENT_CANCEL)
                        cancel(agent, frame.argument);
                else
                        r = take_request(agent, frame.argument, body, frame.length, err);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return error_set(err, r, _("the controller sent what is no frame, or one longer than %u bytes"),
                                 AGENT_REQUEST_MAXIMUM);
        if (!frame_stream_half(&agent->stream))
                agent->half_since = 0;
        else if (agent->half_since == 0)
                agent->half_since = clock_monotonic_ms();
        return 0;
}

/* 1, 0 at the end. */
static int read_controller(struct agent *agent, struct error *err)
{
        int r = frame_stream_fill(&agent->stream, agent->in);

        if (r == -EAGAIN)
                return 1;
        if (r == 0 || r == -ECONNRESET)
                return 0;
        if (r < 0)
                return error_errno(err, -r, _("cannot read what the controller asks for"));
        r = take_frames(agent, err);
        return r < 0 ? r : 1;
}

/* ---- workers ---- */

/* Its answer when it gave none itself. */
static int answer_for(struct agent *agent, const struct agent_worker *worker, uint64_t number, int status,
                      struct error *err)
{
        struct error error = ERROR_NONE;
        const char *code = worker->ended ? worker->ended : "failed";

        if (text_equal(code, "late"))
                error_set(&error, -ETIMEDOUT, _("%s took longer than it may, and was ended"), worker->verb->name);
        else if (text_equal(code, "cancelled"))
                error_set(&error, -ECANCELED, _("%s was ended because the controller asked for it"),
                          worker->verb->name);
        else if (WIFSIGNALED(status))
                error_set(&error, -EIO, _("%s was ended by signal %d"), worker->verb->name, WTERMSIG(status));
        else
                error_set(&error, -EIO, _("%s ended without an answer"), worker->verb->name);
        return give_error(agent, number, code, &error, err);
}

static int end_worker(struct agent *agent, struct agent_worker *worker, struct error *err)
{
        const struct agent_worker kept = *worker; /* for its words; nothing of it is followed */
        int status = agent_worker_done(worker);

        return answer_for(agent, &kept, kept.number, status, err);
}

static int read_worker(struct agent *agent, struct agent_worker *worker, struct error *err)
{
        const char *body = NULL;
        struct frame frame;
        int r = frame_stream_fill(&worker->stream, worker->channel), next = 0;

        while (r > 0 && (next = frame_stream_next(&worker->stream, &frame, &body)) > 0) {
                uint64_t number = worker->number;
                char *copy = strdup(body);

                if (frame.verb == AGENT_ANSWER) {
                        agent_worker_rest(worker, find_spare(agent, worker->verb->warm) ? NULL : find_spare(agent, NULL));
                        return give(agent, AGENT_ANSWER, number, copy, err);
                }
                if (give(agent, AGENT_PROGRESS, number, copy, err) < 0)
                        return err->code;
        }
        if (r == -EAGAIN || (r > 0 && next == 0))
                return 0;
        agent_worker_kill(worker, NULL);
        return end_worker(agent, worker, err);
}

static void end_the_late(struct agent *agent, int64_t now)
{
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number && now >= agent->workers[i].deadline)
                        agent_worker_kill(&agent->workers[i], "late");
}

static void end_all(struct agent *agent)
{
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number)
                        agent_worker_kill(&agent->workers[i], "cancelled");
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number)
                        agent_worker_done(&agent->workers[i]);
        for (size_t i = 0; i < SPARES; i++)
                agent_spare_done(&agent->spares[i]);
}

/* ---- the loop ---- */

static int wait_ms(const struct agent *agent, int64_t now)
{
        int64_t next = agent->half_since ? agent->half_since + AGENT_HALF_MS : INT64_MAX;

        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                if (agent->workers[i].number && !agent->workers[i].ended && agent->workers[i].deadline < next)
                        next = agent->workers[i].deadline;
        if (next == INT64_MAX)
                return -1;
        return next <= now ? 0 : next - now > 1000000 ? 1000000 : (int)(next - now);
}

/* One turn: 1 to go on, 0 when the controller has closed. */
static int turn(struct agent *agent, bool waiting_to_write, struct error *err)
{
        struct pollfd fds[2 + AGENT_WORKERS_MAXIMUM + SPARES];
        int r;

        fds[0] = (struct pollfd){ .fd = agent->in, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = agent->out, .events = waiting_to_write ? POLLOUT : 0 };
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++)
                fds[2 + i] = (struct pollfd){ .fd = agent->workers[i].number ? agent->workers[i].channel : -1,
                                              .events = POLLIN };
        for (size_t i = 0; i < SPARES; i++)
                fds[2 + AGENT_WORKERS_MAXIMUM + i] = (struct pollfd){ .fd = agent->spares[i].warm ? agent->spares[i].channel : -1 };
        if (poll(fds, LENGTH(fds), wait_ms(agent, clock_monotonic_ms())) < 0 && errno != EINTR)
                return error_errno(err, errno, _("cannot wait for the controller"));
        end_the_late(agent, clock_monotonic_ms());
        for (size_t i = 0; i < AGENT_WORKERS_MAXIMUM; i++) {
                r = fds[2 + i].fd >= 0 && fds[2 + i].revents ? read_worker(agent, &agent->workers[i], err) : 0;
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < SPARES; i++)
                if (fds[2 + AGENT_WORKERS_MAXIMUM + i].revents) /* it has died; the next such verb makes another */
                        agent_spare_done(&agent->spares[i]);
        if (fds[1].revents & (POLLERR | POLLHUP))
                return 0; /* nobody reads any more */
        if (fds[0].revents) {
                r = read_controller(agent, err);
                if (r <= 0)
                        return r;
        }
        if (agent->half_since && clock_monotonic_ms() - agent->half_since >= AGENT_HALF_MS)
                return error_set(err, -ETIMEDOUT, _("the controller sent half a request and no more"));
        return 1;
}

/* A controller that broke the rules is told, when it takes it; a slow one is not waited for. */
static void say_last_words(struct agent *agent, const struct error *why)
{
        struct error ignored = ERROR_NONE;
        struct pollfd out = { .fd = agent->out, .events = POLLOUT };

        if (give_error(agent, 0, "protocol", why, &ignored) < 0)
                return;
        if (frame_stream_flush(&agent->stream, agent->out) == 1 && poll(&out, 1, LAST_WORDS_MS) > 0)
                frame_stream_flush(&agent->stream, agent->out);
}

int agent_serve(const struct agent_verb *verbs, size_t count, void *context, int in, int out, struct error *err)
{
        struct agent agent = { .verbs = verbs, .count = count, .context = context, .in = in, .out = out };
        int r = 1;

        signal(SIGPIPE, SIG_IGN);
        fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
        fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK);
        frame_stream_init(&agent.stream, AGENT_REQUEST_MAXIMUM, AGENT_QUEUE_MAXIMUM);
        while (r > 0) {
                int waiting = frame_stream_flush(&agent.stream, out);

                if (waiting == -EPIPE)
                        r = 0;
                else if (waiting < 0)
                        r = error_errno(err, -waiting, _("cannot answer the controller"));
                else
                        r = turn(&agent, waiting > 0, err);
        }
        if (r == -EBADMSG || r == -ETIMEDOUT)
                say_last_words(&agent, err);
        else if (r == 0)
                frame_stream_flush(&agent.stream, out); /* what was answered before the end */
        end_all(&agent);
        frame_stream_done(&agent.stream);
        return r;
}
