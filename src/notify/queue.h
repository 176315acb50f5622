/*
 * queue.h - the messages on the disk: STATE/notify/NAME/, one file a message, 0700, one process tree at a time.
 *
 *     lock                flock: held by the one who posts and its worker
 *     queue/ID            a message that waits (message.h)
 *     groups/ID           a group that is being collected; its window's end moves it into queue/ by rename(2)
 *     progress/ID         of a message that some but not all targets are done with: {"TARGET": "delivered"|"why not"}
 *     undeliverable/ID    a message that was given up, and beside it ID.why: its progress
 *     counters.json       for `status`
 *
 * Each step is one rename or one unlink, in an order that a kill between any two of them loses nothing: the message
 * goes last when it is put (temporary file, fsync, rename) and first when it is done.
 */
#ifndef NOTIFY_QUEUE_H
#define NOTIFY_QUEUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "notify/message.h"

#define QUEUE_MESSAGES      5000 /* more are not put: their alerts go on being collected */
#define QUEUE_UNDELIVERABLE 1000 /* the oldest beyond these are removed */

struct queue {
        int folder, lock, messages, groups, progress, undeliverable; /* descriptors, -1: none */
};

#define QUEUE_NONE ((struct queue){ -1, -1, -1, -1, -1, -1 })

/* Makes what is not there and takes the lock; -EBUSY with words when it is held for longer than ten seconds. Groups of
 * a process that is gone become messages. */
int queue_open(const char *state_directory, const char *name, struct queue *ret_queue, struct error *err);
void queue_close(struct queue *queue);

/* ---- for the one who posts ---- */

int queue_put(struct queue *queue, const char *id, const void *bytes, size_t length, struct error *err);

/* A file for a group; the descriptor is the caller's. */
int queue_group_new(struct queue *queue, const char *id, struct error *err);
/* The group's file becomes a message. */
int queue_group_release(struct queue *queue, const char *id, struct error *err);
void queue_group_remove(struct queue *queue, const char *id);

/* ---- for the worker ---- */

/* Calls back for each message, in no order; a negative result ends it. */
int queue_list(struct queue *queue, int (*each)(void *context, const char *id), void *context, struct error *err);
size_t queue_count_undeliverable(struct queue *queue);

int queue_read(struct queue *queue, const char *id, struct buffer *out, struct error *err);

/* An object, empty when there is none (or one that cannot be read: then all is sent again). NULL: no memory. */
json_t *queue_progress_read(struct queue *queue, const char *id);
int queue_progress_write(struct queue *queue, const char *id, const json_t *progress, struct error *err);

/* Every target is done with it; `undeliverable` keeps it. */
int queue_finish(struct queue *queue, const char *id, bool undeliverable, struct error *err);

/* fsync of all groups and of the folders: called once a second or so while groups are collected. */
void queue_sync(struct queue *queue);

int queue_counters_load(struct queue *queue, json_t **ret_counters, struct error *err);
int queue_counters_write(struct queue *queue, const json_t *counters, struct error *err);

/* For `status`, without the lock: the counters of a queue; -ENOENT when there is none. */
int queue_counters_read(const char *state_directory, const char *name, json_t **ret_counters, struct error *err);

#endif
