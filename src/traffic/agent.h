/*
 * agent.h - what a server does for the controller: a closed list of verbs, asked for over one ssh.
 *
 * sshd starts `understudy agent` as a forced command for the controller's key; the two speak frames (ipc/frame.h) over
 * its standard input and output, the number of the request in `argument`, JSON in the body (docs/internals/agent.md):
 *
 *     AGENT_REQUEST   {"verb": "pull", "deadline_ms": 60000, "arguments": {...}}
 *     AGENT_PROGRESS  {"what": "...", "done": 1, "total": 2}                       any number of them
 *     AGENT_ANSWER    {"ok": true, "result": {...}}, or
 *                     {"ok": false, "error": "busy", "status": 4, "text": "..."}   exactly one
 *     AGENT_CANCEL    (controller)  ends the request with this number
 *
 * The list is the only thing that the controller can ask for. What a verb acts on (folders, addresses, commands, URLs,
 * keys) is in this server's own configuration; an argument is a choice among that, a number, or words for the journal.
 *
 * A verb of the group AGENT_AT_ONCE is answered by the agent itself, which meanwhile does nothing else: milliseconds.
 * Every other one runs in a process of its own, so that the agent goes on answering, and can be ended: by AGENT_CANCEL,
 * at its deadline, and when the controller's connection ends (nobody waits for it then). Two verbs of the same group
 * never run at once: the second is answered "busy", not queued, because what was decided before the first one ended
 * must be decided anew.
 *
 * What a worker can do before it is known what is asked for (load libraries, connect to the database) it does in a spare
 * process, which is there from the first use of such a verb on: a failover cannot wait for it. A verb that reads nothing
 * from outside may be done again by the same process.
 *
 * Each verb must be safe to be killed at any moment and to be asked for again, and says what it found, not what it
 * believes to have done.
 */
#ifndef TRAFFIC_AGENT_H
#define TRAFFIC_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

#define AGENT_PROTOCOL        1
#define AGENT_REQUEST_MAXIMUM (64U << 10)  /* bytes of a request's body */
#define AGENT_QUEUE_MAXIMUM   (1U << 20)   /* bytes of answers that wait for a controller that does not read */
#define AGENT_WORKERS_MAXIMUM 8            /* verbs that run at once */
#define AGENT_HALF_MS         10000        /* a frame that began is whole within this */

enum agent_frame { AGENT_REQUEST = 1, AGENT_ANSWER, AGENT_PROGRESS, AGENT_CANCEL };

enum agent_argument_kind {
        AGENT_TEXT,   /* printable UTF-8, at most `maximum` bytes */
        AGENT_NUMBER, /* 0 to `maximum` */
        AGENT_WORD,   /* one of `words` */
        AGENT_FLAG,   /* true or false */
};

struct agent_argument {
        const char *name; /* NULL: the end of the list */
        enum agent_argument_kind kind;
        bool required;
        uint64_t maximum;
        const char *const *words; /* NULL-terminated */
};

/* What excludes what. A driver adds its own. */
enum agent_group {
        AGENT_AT_ONCE, /* by the agent itself: must not wait for anything */
        AGENT_BESIDE,  /* excludes nothing */
        AGENT_TREE,    /* changes or reads whole trees */
        AGENT_WEB,     /* starts and stops the web server */
        AGENT_ADDRESS, /* addresses of this server */
        AGENT_AREA,    /* mutable areas */
        AGENT_DATABASE /* who may write */
};

/* One request while it is worked on. */
struct agent_call {
        void *context;           /* the caller's, of agent_serve() */
        const json_t *arguments; /* an object that fits the verb's list */
        json_t *result;          /* an object to fill */
        int channel;             /* where agent_progress() goes; -1: nowhere */
};

struct agent_verb {
        const char *name;
        const struct agent_argument *arguments; /* NULL: none */
        enum agent_group group;
        int64_t limit_ms; /* ended after this at the latest */
        /* 0 and the result, or an error whose status (2, 3, 4) the controller gets with the sentence. */
        int (*run)(struct agent_call *call, struct error *err);
        /* What its worker does ahead of time; NULL: nothing. What fails here is done, and told, by `run`. */
        void (*warm)(void *context);
        bool again; /* its process does the next such verb, too */
};

/* An argument that may be missing. */
const char *agent_text(const struct agent_call *call, const char *name, const char *fallback);
uint64_t agent_number(const struct agent_call *call, const char *name, uint64_t fallback);
bool agent_flag(const struct agent_call *call, const char *name);

/* Tells how far a call is; nothing when nobody is told. */
void agent_progress(struct agent_call *call, const char *what, uint64_t done, uint64_t total);

/*
 * A body as a request of the list: 0 with the verb, its arguments (borrowed from *ret_request, which the caller
 * releases) and the deadline (0: none said), or -EINVAL with words and, in *ret_code, what the answer calls it. Pure;
 * fuzzed.
 */
int agent_request_parse(const struct agent_verb *verbs, size_t count, const char *body, size_t length,
                        json_t **ret_request, const struct agent_verb **ret_verb, const json_t **ret_arguments,
                        int64_t *ret_deadline_ms, const char **ret_code, struct error *err);

/* Serves until the controller closes (0), or breaks the rules or the descriptors fail (negative, with words). Both
 * descriptors become non-blocking. There must be no other thread. */
int agent_serve(const struct agent_verb *verbs, size_t count, void *context, int in, int out, struct error *err);

#endif
