/* worker_parts.h - what the worker's process is made of; only worker.c and its parts include it. */
#ifndef NOTIFY_WORKER_PARTS_H
#define NOTIFY_WORKER_PARTS_H

#include "notify/worker.h"

#define SETTLED_MEMORY 64 /* ids of messages from memory that were settled last */

/* A message that waits. */
struct item {
        char id[MESSAGE_ID_SIZE];
        struct schedule_item at[NOTIFY_TARGETS_MAXIMUM];
        char *why[NOTIFY_TARGETS_MAXIMUM]; /* owned: why it was given up there; NULL: it was not */
        char *bytes;                       /* owned: it is not on the disk; NULL: it is */
        size_t length;
        bool broken; /* cannot be taken out of the queue (the disk): settled, and not looked at again */
};

/* One target, its sender, and how it goes there. */
struct channel {
        const struct notify_target *target;
        struct schedule_target schedule;
        struct sender sender;
        struct item *job; /* what the sender has; NULL: nothing, or a heartbeat */
        bool busy;
        int64_t deadline_ms, idle_ms; /* of the job; when the last one ended */
        uint64_t beat;                /* the heartbeat that was sent last */
        int64_t beat_ms;
        uint64_t delivered, failed;
        int64_t last_delivered, last_failed; /* wall clock, 0: never */
        char words[SENDER_WORDS];            /* of the last failure */
};

struct worker {
        int socket;
        struct queue *queue;
        const struct worker_options *options;
        struct channel channels[NOTIFY_TARGETS_MAXIMUM];
        size_t channel_count;

        struct item **items; /* by id */
        size_t item_count;
        char settled[SETTLED_MEMORY][MESSAGE_ID_SIZE];
        size_t settled_next;

        struct worker_poke poke;
        struct worker_counters counters;
        bool changed;   /* counters that were not told yet */
        bool unwritten; /* and not written */
        int64_t scanned_ms, synced_ms, written_ms;
        bool scan; /* the queue has something new */
        char *packet;

        uint64_t beat; /* number of the newest heartbeat, 0: none came yet */
        char beat_text[4096];
        size_t beat_length;
};

/* ---- worker_items.c ---- */

/* Takes in what is new in the folder. */
void worker_scan(struct worker *worker);
/* A message that came by the socket. */
void worker_add_memory(struct worker *worker, const char *id, const char *bytes, size_t length);
/* The next message for a channel, and the moment from which it may go; NULL: none waits. */
struct item *worker_pick(const struct worker *worker, const struct channel *channel, int64_t *ret_ready_ms);
/* A target is done with it: delivered (words NULL) or given up. Frees it after the last one. */
void worker_settle(struct worker *worker, struct item *item, size_t channel, const char *words);
/* Its bytes; 0 or negative with words. */
int worker_load(struct worker *worker, const struct item *item, struct message *ret_message, struct error *err);

/* ---- worker.c ---- */

void worker_say(struct worker *worker, const char *sentence);

/* ---- worker_books.c: counters ---- */

void worker_books_read(struct worker *worker);
void worker_books_write(struct worker *worker);
void worker_books_tell(struct worker *worker);

#endif
