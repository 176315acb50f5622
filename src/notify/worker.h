/*
 * worker.h - the process that empties the queue. Between it and the one who posts is a SOCK_SEQPACKET socket; neither
 * ever waits for the other.
 *
 * Packets (the first byte says what):
 *     to the worker    'p' struct worker_poke      the queue has something new, or the time has come to say how it goes
 *                      'm' ID bytes                a message that the disk could not take
 *                      'h' JSON                    the caller is well
 *     from the worker  'c' struct worker_counters
 *                      'd' ID                      a message that came by 'm' is delivered or given up
 *                      'n' a sentence for the operator
 */
#ifndef NOTIFY_WORKER_H
#define NOTIFY_WORKER_H

#include "notify/message.h"
#include "notify/notify.h"
#include "notify/queue.h"
#include "notify/schedule.h"
#include "notify/sender.h"

#define WORKER_PACKET_MAXIMUM (MESSAGE_MAXIMUM + 64)
#define WORKER_SOCKET_BUFFER  (512 << 10)

struct worker_options {
        const struct notify_target *targets;
        size_t count;
        const char *server;
        struct schedule_times times;
        struct sender_limits limits;
};

/* Of the one who posts, since it was opened. */
struct worker_poke {
        uint64_t posted, collected, dropped;
        uint64_t collecting; /* groups with lines that no message has yet */
        uint64_t asked;      /* comes back in the counters once all that was queued before is known to the worker */
};

struct worker_counters {
        uint64_t posted, collected, dropped; /* before this life */
        uint64_t delivered, failed, retried, queued, undeliverable;
        uint64_t answered;
};

/* In the forked process; `socket` and the queue's descriptors stay open, all others are closed. */
void worker_run(int socket, struct queue *queue, const struct worker_options *options) __attribute__((noreturn));

/* The bytes of a message for a target: a job for its sender. The webhook's key is read from its file. */
int worker_render(const struct message *message, const struct notify_target *target, struct buffer *head,
                  struct buffer *payload, struct error *err);

/* The head of a webhook's POST for a payload that is there. */
int worker_sign(const char *id, const struct notify_target *target, struct buffer *head, const struct buffer *payload,
                struct error *err);

#endif
