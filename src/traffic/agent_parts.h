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
};

/* Forks; the child closes both of the controller's descriptors. */
int agent_worker_start(struct agent_worker *worker, const struct agent_verb *verb, void *context,
                       const json_t *arguments, struct error *err);
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
