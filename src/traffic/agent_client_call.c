/* agent_client_call.c - asking and waiting: one agent, or several at the same time. */
#include <stdlib.h>

#include "agent_client.h"
#include "base/attributes.h"
#include "base/memory.h"

static void on_answer(void *context, const json_t *result, const struct error *err)
{
        struct agent_client_question *question = context;

        question->done = true;
        question->result = json_incref((json_t *)(uintptr_t)result);
        question->error = *err;
}

static void on_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
        const struct agent_client_question *question = context;

        if (question->progress)
                question->progress(question->context, what, done, total);
}

static void send(struct agent_client_question *question)
{
        uint64_t number = 0;

        question->done = false;
        question->result = NULL;
        question->error = (struct error)ERROR_NONE;
        if (agent_client_send(question->client, question->verb, question->arguments, question->deadline_ms, on_progress, on_answer,
                              question, &number, &question->error) < 0)
                question->done = true;
        else if (question->stall_ms)
                agent_client_patience(question->client, number, question->stall_ms);
        question->arguments = NULL;
}

/* What stands from here to the next look: the descriptors of all that wait, and how long. 0 when none does. */
static size_t gather(const struct agent_client_question *questions, size_t count, struct pollfd *fds, int *ret_wait_ms)
{
        size_t n = 0;

        *ret_wait_ms = -1;
        for (size_t i = 0; i < count; i++) {
                const int wait_ms = questions[i].done ? -1 : agent_client_wait_ms(questions[i].client);

                if (questions[i].done)
                        continue;
                n += agent_client_poll(questions[i].client, fds + n);
                if (wait_ms >= 0 && (*ret_wait_ms < 0 || wait_ms < *ret_wait_ms))
                        *ret_wait_ms = wait_ms;
        }
        return n;
}

void agent_client_ask_all(struct agent_client_question *questions, size_t count)
{
        struct pollfd fds[AGENT_CLIENT_QUESTIONS * AGENT_CLIENT_POLLS];

        for (size_t i = 0; i < count; i++)
                send(&questions[i]);
        for (;;) {
                bool done = true;
                int wait_ms;
                size_t n;

                for (size_t i = 0; i < count; i++) {
                        if (!questions[i].done)
                                agent_client_tick(questions[i].client);
                        done = done && questions[i].done;
                }
                if (done)
                        return;
                n = gather(questions, count, fds, &wait_ms);
                if (poll(fds, n, wait_ms) < 0)
                        continue; /* a signal: the deadlines are still watched */
        }
}

int agent_client_call(struct agent_client *client, const char *verb, json_t *arguments, int64_t deadline_ms,
                      agent_progress_function *progress, void *context, json_t **ret_result, struct error *err)
{
        struct agent_client_question question = { .client = client, .verb = verb, .arguments = arguments,
                                                  .deadline_ms = deadline_ms, .progress = progress, .context = context };

        agent_client_ask_all(&question, 1);
        if (question.result) {
                *ret_result = question.result;
                return 0;
        }
        if (err)
                *err = question.error;
        return question.error.code;
}
