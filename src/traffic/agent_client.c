#include "agent_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "traffic/agent.h"
#include "traffic/agent_client_parts.h"

#define HELLO_NUMBER  1
#define GREET_MS      15000 /* from starting ssh to the agent's answer */
#define PAUSE_FIRST   100
#define PAUSE_MAXIMUM 30000
#define GARBAGE_SHOWN 60 /* bytes of what is no frame, for the words */

/* ---- ends of requests ---- */

static void end_request(struct waiting *waiting, const json_t *result, const struct error *err)
{
        const struct waiting ended = *waiting; /* the place is free before the answer, which may ask again */

        *waiting = (struct waiting){ 0 };
        free(ended.body);
        ended.answer(ended.context, result, err);
}

static struct waiting *find_request(struct agent_client *client, uint64_t number)
{
        for (size_t i = 0; number && i < AGENT_CLIENT_REQUESTS; i++)
                if (client->waiting[i].number == number)
                        return &client->waiting[i];
        return NULL;
}

static bool any_waits(const struct agent_client *client)
{
        for (size_t i = 0; i < AGENT_CLIENT_REQUESTS; i++)
                if (client->waiting[i].number)
                        return true;
        return false;
}

/* ---- the connection ---- */

/* Ends it. What was sent has no answer any more; what was not waits for the next connection of one that is kept. */
static void disconnect(struct agent_client *client, const struct error *why)
{
        struct error error = *why;

        agent_client_stop(client);
        if (*client->words)
                error_set(&error, why->code, _("%s; ssh said: %s"), why->text, client->words);
        client->last = error;
        client->pause_ms = client->pause_ms ? client->pause_ms * 2 : PAUSE_FIRST;
        if (client->pause_ms > client->pause_maximum_ms)
                client->pause_ms = client->pause_maximum_ms;
        client->retry_at = clock_monotonic_ms() + client->pause_ms;
        for (size_t i = 0; i < AGENT_CLIENT_REQUESTS; i++)
                if (client->waiting[i].number && (!client->keep || !client->waiting[i].body))
                        end_request(&client->waiting[i], NULL, &error);
}

static void broke(struct agent_client *client, int code, const char *words)
{
        struct error error = ERROR_NONE;

        error_set(&error, code, words, client->name);
        disconnect(client, &error);
}

static void greet(struct agent_client *client)
{
        static const char hello[] = "{\"verb\":\"hello\"}";
        struct error error = ERROR_NONE;

        if (agent_client_start(client, &error) < 0) {
                disconnect(client, &error);
                return;
        }
        client->greet_deadline = clock_monotonic_ms() + GREET_MS;
        if (frame_stream_queue(&client->stream, AGENT_REQUEST, HELLO_NUMBER, hello, sizeof(hello) - 1) < 0)
                broke(client, -ENOMEM, _("no memory to greet the agent of %s"));
}

static void send_waiting(struct agent_client *client)
{
        for (size_t i = 0; i < AGENT_CLIENT_REQUESTS; i++) {
                struct waiting *waiting = &client->waiting[i];

                if (!waiting->number || !waiting->body)
                        continue;
                if (frame_stream_queue(&client->stream, AGENT_REQUEST, waiting->number, waiting->body,
                                       strlen(waiting->body)) < 0) {
                        broke(client, -ENOBUFS, _("the agent of %s does not read what it is asked for"));
                        return;
                }
                free(waiting->body);
                waiting->body = NULL;
        }
}

/* ---- what comes ---- */

static int code_of(const char *name, int status)
{
        static const struct {
                const char *name;
                int code;
        } codes[] = {
                {"busy",       -EBUSY     },
                { "late",      -ETIMEDOUT },
                { "cancelled", -ECANCELED },
                { "unknown",   -EOPNOTSUPP},
        };

        for (size_t i = 0; i < LENGTH(codes); i++)
                if (text_equal(codes[i].name, name))
                        return codes[i].code;
        return status == EXIT_REFUSED ? -EPERM : status == EXIT_USAGE ? -EINVAL : -EIO;
}

/* The agent's sentence is shown as it is, but for what no terminal should get: error_set() sees to that. */
static void error_of(const struct agent_client *client, const json_t *answer, struct error *err)
{
        const char *name = json_string_value(json_object_get(answer, "error"));
        const char *text = json_string_value(json_object_get(answer, "text"));
        json_int_t status = json_integer_value(json_object_get(answer, "status"));

        error_set(err, code_of(name ? name : "", (int)status), "%s: %s", client->name,
                  text ? text : _("its agent gave no reason"));
        if (status == EXIT_USAGE || status == EXIT_REFUSED)
                err->status = (enum exit_status)status;
}

static void take_hello(struct agent_client *client, const json_t *result)
{
        const char *server = json_string_value(json_object_get(result, "server"));
        struct error error = ERROR_NONE;

        if (json_integer_value(json_object_get(result, "protocol")) != AGENT_PROTOCOL)
                error_set(&error, -EPROTO, _("the agent of %s speaks another protocol; install the same version of "
                                             "understudy on both machines"),
                          client->name);
        else if (!server || !text_equal(server, client->name))
                error_set(&error, -EPROTO,
                          _("the agent at %s says that it is '%.60s', not %s; look at ssh in the configuration, and at "
                            "--server in its authorized_keys"),
                          client->destination, server ? server : "?", client->name);
        if (error.code) {
                disconnect(client, &error);
                return;
        }
        json_decref(client->hello);
        client->hello = json_incref((json_t *)(uintptr_t)result);
        client->greeted = true;
        client->pause_ms = 0;
        client->last = ERROR_NONE;
        send_waiting(client);
}

static void take_answer(struct agent_client *client, uint64_t number, const json_t *answer)
{
        struct waiting *waiting = find_request(client, number);
        const json_t *result = json_object_get(answer, "result");
        bool ok = json_is_true(json_object_get(answer, "ok")) && json_is_object(result);
        struct error error = ERROR_NONE;

        if (!ok)
                error_of(client, answer, &error);
        if (number == 0 || (number == HELLO_NUMBER && !ok))
                disconnect(client, &error); /* its last words */
        else if (number == HELLO_NUMBER)
                take_hello(client, result);
        else if (waiting && !waiting->body) /* else it came after the deadline */
                end_request(waiting, ok ? result : NULL, &error);
}

static void take_progress(struct agent_client *client, uint64_t number, const json_t *progress)
{
        struct waiting *waiting = find_request(client, number);
        const char *what = json_string_value(json_object_get(progress, "what"));

        if (waiting && waiting->stall_ms)
                waiting->stalls_at = clock_monotonic_ms() + waiting->stall_ms;
        if (waiting && waiting->progress && what && text_is_printable(what, strlen(what)))
                waiting->progress(waiting->context, what,
                                  (uint64_t)json_integer_value(json_object_get(progress, "done")),
                                  (uint64_t)json_integer_value(json_object_get(progress, "total")));
}

static void take_frame(struct agent_client *client, const struct frame *frame, const char *body)
{
        json_t *json = json_loadb(body, frame->length, JSON_REJECT_DUPLICATES, NULL);

        if (!json_is_object(json) || (frame->verb != AGENT_ANSWER && frame->verb != AGENT_PROGRESS))
                broke(client, -EBADMSG, _("what answers at %s is no agent: it sent a frame that cannot be one's"));
        else if (frame->verb == AGENT_ANSWER)
                take_answer(client, frame->argument, json);
        else
                take_progress(client, frame->argument, json);
        json_decref(json);
}

/* Mostly a shell that greets, or says why it does not start the agent. */
static void tell_garbage(struct agent_client *client)
{
        struct error error = ERROR_NONE;
        size_t length = 0;
        const char *rest = frame_stream_rest(&client->stream, &length);

        error_set(&error, -EBADMSG, _("what answers at %s is no agent; it begins with '%.*s'"), client->name,
                  (int)(length < GARBAGE_SHOWN ? length : GARBAGE_SHOWN), rest);
        disconnect(client, &error);
}

static void read_agent(struct agent_client *client)
{
        const char *body = NULL;
        struct frame frame;
        int r = frame_stream_fill(&client->stream, client->in);

        if (r == -EAGAIN)
                return;
        if (r <= 0) {
                broke(client, -ECONNRESET,
                      client->greeted ? _("the connection to the agent of %s ended")
                                      : _("the agent of %s cannot be reached; try it with ssh, and look whether "
                                          "authorized_keys there has the line of 'understudy agent --authorize'"));
                return;
        }
        while (client->pid && (r = frame_stream_next(&client->stream, &frame, &body)) > 0)
                take_frame(client, &frame, body);
        if (client->pid && r < 0)
                tell_garbage(client);
}

/* ---- the loop's parts ---- */

size_t agent_client_poll(const struct agent_client *client, struct pollfd *fds)
{
        size_t n = 0;

        if (!client->pid)
                return 0;
        fds[n++] = (struct pollfd){ .fd = client->in, .events = POLLIN };
        if (client->stream.out.length > client->stream.sent)
                fds[n++] = (struct pollfd){ .fd = client->out, .events = POLLOUT };
        if (client->error >= 0)
                fds[n++] = (struct pollfd){ .fd = client->error, .events = POLLIN };
        return n;
}

static int64_t end_of(const struct waiting *waiting)
{
        return waiting->stall_ms && waiting->stalls_at < waiting->deadline ? waiting->stalls_at : waiting->deadline;
}

int agent_client_wait_ms(const struct agent_client *client)
{
        int64_t now = clock_monotonic_ms(), next = INT64_MAX;

        for (size_t i = 0; i < AGENT_CLIENT_REQUESTS; i++)
                if (client->waiting[i].number && end_of(&client->waiting[i]) < next)
                        next = end_of(&client->waiting[i]);
        if (client->pid && !client->greeted && client->greet_deadline < next)
                next = client->greet_deadline;
        if (!client->pid && (client->keep || next != INT64_MAX) && client->retry_at < next)
                next = client->retry_at;
        if (next == INT64_MAX)
                return -1;
        return next <= now ? 0 : next - now > 1000000 ? 1000000 : (int)(next - now);
}

/* A request that was not even sent says why not. */
static void end_the_late(struct agent_client *client, int64_t now)
{
        for (size_t i = 0; i < AGENT_CLIENT_REQUESTS; i++) {
                struct waiting *waiting = &client->waiting[i];
                struct error error = ERROR_NONE;

                if (!waiting->number || now < end_of(waiting))
                        continue;
                if (!waiting->body && now < waiting->deadline)
                        error_set(&error, -ETIMEDOUT, _("the agent of %s has made no progress for %lld s: what it does hangs; look there "
                                                        "for a disk, a network file system or a repository that does not answer, and "
                                                        "for stopped processes (ps -eo pid,stat,wchan:20,args)"), client->name,
                                  (long long)waiting->stall_ms / 1000);
                else if (!waiting->body)
                        error_set(&error, -ETIMEDOUT, _("the agent of %s did not answer in time"), client->name);
                else if (client->last.code)
                        error = client->last;
                else
                        error_set(&error, -ETIMEDOUT, _("the agent of %s could not be reached in time"), client->name);
                if (!waiting->body && client->pid)
                        agent_client_cancel(client, waiting->number);
                end_request(waiting, NULL, &error);
        }
}

void agent_client_tick(struct agent_client *client)
{
        int64_t now = clock_monotonic_ms();

        if (!client->pid && (client->keep || any_waits(client)) && now >= client->retry_at)
                greet(client);
        if (client->pid && client->error >= 0)
                agent_client_listen(client);
        if (client->pid)
                read_agent(client);
        if (client->pid && client->greeted)
                send_waiting(client);
        if (client->pid && frame_stream_flush(&client->stream, client->out) < 0)
                broke(client, -ECONNRESET, _("the connection to the agent of %s ended"));
        if (client->pid && !client->greeted && now >= client->greet_deadline)
                broke(client, -ETIMEDOUT, _("what answers at %s is silent; it is no agent, or it hangs"));
        end_the_late(client, clock_monotonic_ms());
}

/* ---- asking ---- */

static char *request_body(const char *verb, json_t *arguments, int64_t deadline_ms)
{
        json_t *request = json_pack("{s:s, s:I}", "verb", verb, "deadline_ms", (json_int_t)deadline_ms);
        char *body = NULL;

        if (request && (!arguments || json_object_set(request, "arguments", arguments) == 0))
                body = json_dumps(request, JSON_COMPACT);
        json_decref(request);
        json_decref(arguments);
        return body;
}

int agent_client_send(struct agent_client *client, const char *verb, json_t *arguments, int64_t deadline_ms,
                      agent_progress_function *progress, agent_answer_function *answer, void *context,
                      uint64_t *ret_number, struct error *err)
{
        char *body = request_body(verb, arguments, deadline_ms);

        if (!body)
                return error_memory(err);
        if (strlen(body) > AGENT_REQUEST_MAXIMUM) {
                free(body);
                return error_set(err, -E2BIG, _("the request %s to %s is longer than an agent takes"), verb,
                                 client->name);
        }
        for (size_t i = 0; i < AGENT_CLIENT_REQUESTS; i++) {
                if (client->waiting[i].number)
                        continue;
                client->waiting[i] = (struct waiting){ .number = ++client->next_number,
                                                       .deadline = clock_monotonic_ms() + deadline_ms,
                                                       .body = body,
                                                       .progress = progress,
                                                       .answer = answer,
                                                       .context = context };
                if (ret_number)
                        *ret_number = client->next_number;
                return 0;
        }
        free(body);
        return error_set(err, -EAGAIN, _("too many requests wait for the agent of %s"), client->name);
}

void agent_client_patience(struct agent_client *client, uint64_t number, int64_t stall_ms)
{
        struct waiting *waiting = find_request(client, number);

        if (!waiting)
                return;
        waiting->stall_ms = stall_ms;
        waiting->stalls_at = clock_monotonic_ms() + stall_ms;
}

void agent_client_cancel(struct agent_client *client, uint64_t number)
{
        if (client->pid && client->greeted && find_request(client, number))
                (void)frame_stream_queue(&client->stream, AGENT_CANCEL, number, NULL, 0);
}

/* ---- making ---- */

static bool copy_text(const char *text, char **ret_copy)
{
        if (!text)
                return true;
        *ret_copy = memory_string(text);
        return *ret_copy != NULL;
}

int agent_client_new(const struct agent_client_options *options, struct agent_client **ret_client, struct error *err)
{
        _cleanup_(agent_client_freep) struct agent_client *client = memory_new(1, sizeof(*client));

        assert(options->destination[0] != '-');
        if (!client)
                return error_memory(err);
        client->in = client->out = client->error = -1;
        client->keep = options->keep;
        client->pause_maximum_ms = options->retry_ms ? options->retry_ms : PAUSE_MAXIMUM;
        client->next_number = HELLO_NUMBER;
        client->hello = json_object();
        if (!client->hello || !copy_text(options->name, &client->name) ||
            !copy_text(options->destination, &client->destination) ||
            !copy_text(options->ssh_config, &client->ssh_config) ||
            !copy_text(options->ssh ? options->ssh : "ssh", &client->ssh))
                return error_memory(err);
        *ret_client = client;
        client = NULL;
        return 0;
}

void agent_client_free(struct agent_client *client)
{
        if (!client)
                return;
        agent_client_stop(client);
        for (size_t i = 0; i < AGENT_CLIENT_REQUESTS; i++)
                free(client->waiting[i].body);
        json_decref(client->hello);
        free(client->name);
        free(client->destination);
        free(client->ssh_config);
        free(client->ssh);
        free(client);
}

void agent_client_freep(struct agent_client **client)
{
        agent_client_free(*client);
}

bool agent_client_is_connected(const struct agent_client *client)
{
        return client->greeted;
}

const json_t *agent_client_hello(const struct agent_client *client)
{
        return client->hello;
}
