/*
 * notify.h - alerts for the operator: by mail, webhook and syslog, each once, kept until they are taken.
 *
 * What it promises: when notify_post() returned 0, the alert is on the disk and will be delivered once to each target,
 * also over crashes and reboots, tried again with growing pauses (10 s to 1 h) for 7 days; what is given up then is
 * kept, counted and said. Killed at any moment, at most the one message that was just being sent to a target is sent
 * again, with the same Message-ID (mail) or webhook-id. Of one group (alert.h) the first goes at once; what follows
 * within 60 s is one message with a count and its first and last lines. A collected line survives a kill at once and a
 * power loss after a second.
 *
 * What it never does: wait for the network. notify_post() costs two fsyncs for a message, one write for a collected
 * line. When the disk cannot take it, the alert stays in memory, is delivered from there, is put on the disk as soon as
 * that works, and the call says so with -ENOSPC or what it was.
 *
 * Processes: the caller posts. A worker (forked by notify_open()) reads the queue and keeps its books; it has the
 * caller's rights and reads nothing from outside. It starts one sender without rights for each target (sender.h), which
 * speaks to the server. A worker that dies is started again by notify_tick().
 *
 *     r = notify_target_parse("mailto:ops@example.org?from=us@web1.example.org", &targets[0], err);
 *     r = notify_open(state_directory, "guard", targets, 1, NULL, &notify, err);
 *     r = notify_post(notify, &(struct alert){ .severity = ALERT_CRITICAL, .kind = "finding", .dest = dest,
 *                                              .what = "...", .details = details }, err);
 *     ...
 *     poll({ notify_fd(notify), POLLIN } ..., at most notify_wait_ms(notify));
 *     notify_tick(notify);                       (when the descriptor is readable or that time is over)
 *
 * One queue (a name below STATE/notify/) belongs to one process at a time. Open it before other threads are started:
 * it forks. All calls come from one thread. After fork() the child must not use it.
 */
#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "notify/alert.h"
#include "notify/target.h"

#define NOTIFY_TARGETS_MAXIMUM 16

struct notify_options {
        const char *server; /* of alerts that name none; NULL: the host's name */
        const char *site;   /* the same; NULL: none */
        int64_t window_ms;  /* 0: 60 s */
        int64_t first_ms;   /* first pause after a failure; 0: 10 s */
        int64_t last_ms;    /* longest; 0: 1 h */
        int64_t give_up_ms; /* 0: 7 days */
        int64_t try_ms;     /* most that one delivery may take; 0: 60 s */
        const char *user;   /* whom the senders become when root; NULL: as ipc/sandbox.h says */
        /* Sentences for the operator's log: a target that cannot be reached, an alert that is given up. Called from
         * notify_post() and notify_tick(). NULL: dropped. */
        void (*note)(void *context, const char *sentence);
        void *context;
};

/* Since the queue was made, over all lives of the process. */
struct notify_counters {
        uint64_t posted;        /* alerts */
        uint64_t collected;     /* of them: told in a message with others */
        uint64_t dropped;       /* lost: memory and disk were full */
        uint64_t delivered;     /* messages, counted per target */
        uint64_t failed;        /* given up, per target */
        uint64_t retried;       /* tries that ended without delivery */
        uint64_t queued;        /* messages that wait now */
        uint64_t undeliverable; /* kept in STATE/notify/NAME/undeliverable */
};

struct notify;

/* `targets` are copied; there may be none (then messages are counted and done with). `name` is [a-z0-9-]+. */
int notify_open(const char *state_directory, const char *name, const struct notify_target *targets, size_t count,
                const struct notify_options *options, struct notify **ret_notify, struct error *err);

/* Puts what is collected into the queue and ends the worker; what is queued is delivered by the next one. NULL is fine.
 */
void notify_close(struct notify *notify);
void notify_closep(struct notify **notify);

/* See above. -EINVAL for an alert that is none (alert_check()); any other error: it is kept in memory only, or lost
 * when the words say so. */
int notify_post(struct notify *notify, const struct alert *alert, struct error *err);

/* That the caller is well: sent to webhooks that have heartbeat=, as often as they say, never queued. `status` is an
 * object that goes along, or NULL. Called at least that often; when the calls stop, so do the heartbeats. */
void notify_heartbeat(struct notify *notify, const json_t *status);

int notify_fd(const struct notify *notify);      /* stays the same for its life */
int notify_wait_ms(const struct notify *notify); /* -1: no limit */
void notify_tick(struct notify *notify);

void notify_counters(const struct notify *notify, struct notify_counters *ret_counters);

/* Ticks until everything is delivered or given up (true), or the time is over. What is collected goes at once. */
bool notify_drain(struct notify *notify, int64_t timeout_ms);

/* For `status`, from any process: an object with the counters and "targets": [{"target", "delivered", "failed",
 * "last_delivered", "last_failed" (RFC 3339 or null), "words"}]. -ENOENT when there is no such queue. */
int notify_status(const char *state_directory, const char *name, json_t **ret_status, struct error *err);

/* Delivers one alert to one target, now, without any queue; what a person does who tests a target. */
int notify_try(const struct notify_target *target, const struct alert *alert, const struct notify_options *options,
               struct error *err);

#endif
