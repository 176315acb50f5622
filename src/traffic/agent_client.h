/*
 * agent_client.h - the controller's end of one server's agent: an ssh that is started, kept, and started again.
 *
 * Nothing here waits but agent_client_call(). Requests may be sent before the connection stands; each ends exactly once,
 * with an answer, at its deadline, or with the connection. That a request ended without an answer does not say that
 * nothing was done: look before it is asked for again.
 *
 * A connection that fails is tried again after 100 ms, doubled to 30 s (retry_ms), as long as something waits for it or it is
 * wanted (`keep`). ssh itself finds out within seconds that the other machine is gone (ServerAliveInterval), a request's
 * own deadline is mostly sooner.
 *
 *     r = agent_client_new(&(struct agent_client_options){ .name = "web1", .destination = "root@web1" }, &client, err);
 *     r = agent_client_call(client, "status", NULL, 2000, NULL, NULL, &result, err);
 * or, for several servers at once, in a poll loop:
 *     r = agent_client_send(client, "pull", arguments, 600000, on_progress, on_answer, context, &number, err);
 *     n += agent_client_poll(client, fds + n);  ... poll(fds, n, least of agent_client_wait_ms()) ...
 *     agent_client_tick(client);
 *
 * One process must not use more than one thread for this: ssh is killed when the thread that started it ends.
 */
#ifndef TRAFFIC_AGENT_CLIENT_H
#define TRAFFIC_AGENT_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

#define AGENT_CLIENT_POLLS    3  /* descriptors of one client at the most */
#define AGENT_CLIENT_REQUESTS 32 /* requests that wait at once */

struct agent_client_options {
        const char *name;        /* of the server: its agent must say that it is this one */
        const char *destination; /* as ssh takes it */
        const char *ssh_config;  /* for -F; NULL: the user's own */
        const char *ssh;         /* program; NULL: ssh */
        int retry_ms;            /* the longest pause before it is tried again; 0: 30 s */
        bool keep;               /* connected also when nothing waits; what was not sent yet then waits for the next
                                    connection, until its deadline. Without it one that fails ends what waits */
};

struct agent_client;

/* An answer: `result` is an object, borrowed; NULL: `err` says why not (status 4: refused, or busy: -EBUSY). */
typedef void agent_answer_function(void *context, const json_t *result, const struct error *err);
typedef void agent_progress_function(void *context, const char *what, uint64_t done, uint64_t total);

/* The options' texts are copied. */
int agent_client_new(const struct agent_client_options *options, struct agent_client **ret_client, struct error *err);
void agent_client_free(struct agent_client *client); /* what waits ends without an answer being called */
void agent_client_freep(struct agent_client **client);

/*
 * Asks; the arguments' reference is taken (NULL: none). The answer is called from agent_client_tick(), once, at the
 * latest after deadline_ms, the connecting included. -EAGAIN when too many requests wait.
 */
int agent_client_send(struct agent_client *client, const char *verb, json_t *arguments, int64_t deadline_ms,
                      agent_progress_function *progress, agent_answer_function *answer, void *context,
                      uint64_t *ret_number, struct error *err);

/* Ends a request also when neither progress nor its answer came for so long: what works on a large tree is waited for, what hangs
 * is not. */
void agent_client_patience(struct agent_client *client, uint64_t number, int64_t stall_ms);

/* Asks the agent to end a request; its answer still comes. */
void agent_client_cancel(struct agent_client *client, uint64_t number);

/* For the caller's poll loop: fills up to AGENT_CLIENT_POLLS and returns how many; the longest time to wait (-1: for
 * ever); and what is to be done after either. */
size_t agent_client_poll(const struct agent_client *client, struct pollfd *fds);
int agent_client_wait_ms(const struct agent_client *client);
void agent_client_tick(struct agent_client *client);

/* Asks and waits. 0 with a new reference in *ret_result, or a negative errno with words: -ETIMEDOUT no answer in time,
 * -EBUSY, -ECONNRESET the connection ended, -EPERM refused, -ECANCELED, else -EIO. */
int agent_client_call(struct agent_client *client, const char *verb, json_t *arguments, int64_t deadline_ms,
                      agent_progress_function *progress, void *context, json_t **ret_result, struct error *err);

/* One of several that are asked at the same time. */
struct agent_client_question {
        struct agent_client *client; /* another one in each */
        const char *verb;
        json_t *arguments; /* the reference is taken */
        int64_t deadline_ms;
        int64_t stall_ms; /* as agent_client_patience(); 0: as long as the deadline */
        agent_progress_function *progress;
        void *context;
        bool done;
        json_t *result;     /* a new reference; NULL: `error` says why not */
        struct error error; /* its code as agent_client_call() returns it */
};

#define AGENT_CLIENT_QUESTIONS 4 /* at once, at the most */

/* Asks all and waits for the last: as long as the slowest takes, and not as all together do. */
void agent_client_ask_all(struct agent_client_question *questions, size_t count);

/* Whether the agent has answered hello on the present connection, and what it said ({}: nothing yet). */
bool agent_client_is_connected(const struct agent_client *client);
const json_t *agent_client_hello(const struct agent_client *client);

#endif
