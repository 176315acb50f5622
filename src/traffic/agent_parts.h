/* agent_parts.h - what the files of the agent's own side share. */
#ifndef TRAFFIC_AGENT_PARTS_H
#define TRAFFIC_AGENT_PARTS_H

#include <sys/types.h>

#include "ipc/stream.h"
#include "traffic/agent.h"

/* A verb that is being worked on in a process of its own. */
struct agent_worker {
        uint64_t number; /* of the request; 0: free */
        const struct agent_verb *verb;
        pid_t pid;
        int channel; /* its frames: progress, and one answer */
        struct frame_stream stream;
        int64_t deadline; /* of the monotonic clock, ms */
        const char *ended; /* why it was killed: the answer's `error`; NULL: it was not */
        int request; /* of one that was a spare: where it would hear what it is to do next; else -1 */
};

/* Forks; the child closes both of the controller's descriptors. */
int agent_worker_start(struct agent_worker *worker, const struct agent_verb *verb, void *context,
                       const json_t *arguments, struct error *err);

/* A worker that has no verb yet: it has warmed up, or is at it, and waits for a request. */
struct agent_spare {
        void (*warm)(void *context); /* NULL: free */
        pid_t pid;
        int channel; /* its frames, when it has a verb; its end, when it has none */
        int request; /* where it hears what it is to do */
};

int agent_spare_start(struct agent_spare *spare, const struct agent_verb *verbs, size_t count, void *context,
                      void (*warm)(void *context), struct error *err);
/* Makes it the worker of this request, whose body it reads itself; the spare is free then. False: it is gone. */
bool agent_spare_take(struct agent_spare *spare, struct agent_worker *worker, const struct agent_verb *verb,
                      const char *body, size_t length);
/* After its answer: the worker's place is free, and its process is a spare again, or ended if that place is taken. */
void agent_worker_rest(struct agent_worker *worker, struct agent_spare *spare);
/* Ends it. */
void agent_spare_done(struct agent_spare *spare);
/* Kills it with all that it started, once. */
void agent_worker_kill(struct agent_worker *worker, const char *why);
/* Reaps it and frees the place. Returns what waitpid(2) says, or -1. */
int agent_worker_done(struct agent_worker *worker);

/* The bodies of answers; NULL for lack of memory. The caller frees. */
char *agent_answer_result(const json_t *result);
char *agent_answer_error(const char *code, const struct error *err);

/* Runs the verb and gives the body of its answer. */
char *agent_run(const struct agent_verb *verb, void *context, const json_t *arguments, int channel);

#endif
