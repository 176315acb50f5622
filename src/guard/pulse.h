/*
 * pulse.h - the guard's sign of life for its peers, and its ear for theirs (notify/peers.h), in a thread of its own:
 * the folder may lie on a network file system that does not answer.
 *
 * What beats is the thread, but only as long as the guard's loop says that it runs (pulse_alive()): a loop that hangs
 * is as silent as a process that was killed or stopped.
 */
#ifndef GUARD_PULSE_H
#define GUARD_PULSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "notify/peers.h"

struct pulse_options {
        const char *folder;               /* NULL: nobody is listened to, and nothing is written */
        const char *name;                 /* ours */
        const char *peers[PEERS_MAXIMUM]; /* watched from the start, whether they were ever heard or not */
        size_t peer_count;
        const char *key_file; /* NULL: none */
        uint32_t interval_s;
};

enum pulse_kind {
        PULSE_SILENT,   /* a peer is not heard any more */
        PULSE_BACK,     /* it is heard again */
        PULSE_TROUBLE,  /* the folder cannot be written or read */
        PULSE_RECOVERED /* it can, again */
};

struct pulse_event {
        enum pulse_kind kind;
        char name[BEAT_NAME_SIZE]; /* the peer's */
        int64_t silent_s;
        int64_t last;  /* of its last word, by its own clock, in seconds since 1970; 0: it never said any */
        bool stopping; /* its last word was that it ends in order */
        char what[ERROR_TEXT_SIZE], english[ERROR_TEXT_SIZE];
};

struct pulse;

/* Starts the thread; forks nothing. */
int pulse_open(const struct pulse_options *options, struct pulse **ret_pulse, struct error *err);
/* Says that we end in order; waits two seconds for that at most. NULL is fine. */
void pulse_close(struct pulse *pulse);

/* The loop runs. */
void pulse_alive(struct pulse *pulse);

/* Readable when there is an event. */
int pulse_fd(const struct pulse *pulse);
bool pulse_next(struct pulse *pulse, struct pulse_event *ret_event);

#endif
