/*
 * sender.h - the process that speaks to one target: forked by the worker, without rights (ipc/sandbox.h, with network),
 * the only place where libcurl runs and where what a server answers is read.
 *
 * One process a target, so that a server that hangs or breaks it holds up no other target, and a password is where it
 * is needed only. It takes one job, answers with one result, and keeps nothing. A job that takes longer than its limit
 * is killed with the process. It ends with the worker.
 *
 * /dev/log needs no such process: one datagram, and nothing is read.
 */
#ifndef NOTIFY_SENDER_H
#define NOTIFY_SENDER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"
#include "notify/schedule.h"
#include "notify/target.h"

#define SENDER_WORDS 600

/* How far a message came that was not delivered: for who must know whether somebody may have got it. Only mail tells. */
enum sender_reach {
        SENDER_MAYBE,  /* some of it went out, and no answer came: nobody knows */
        SENDER_NOT,    /* nothing went out: no server, or one that takes nothing from us */
        SENDER_LATER,  /* refused for now (4yz), it or this recipient */
        SENDER_NEVER,  /* refused for ever (5yz), it or this recipient */
};

struct sender {
        pid_t pid;  /* 0: none runs */
        int socket; /* -1: none */
};

#define SENDER_NONE ((struct sender){ 0, -1 })

struct sender_limits {
        int64_t try_ms;   /* of one delivery */
        const char *user; /* whom it becomes when root; NULL: as sandbox.h says */
};

/*
 * Starts it. `close_all` is called in the child to close what it must not hold. What cannot be used (a password file
 * that is not there) is said in the result of each job, not here.
 */
int sender_start(const struct notify_target *target, const struct sender_limits *limits, struct sender *ret_sender,
                 struct error *err);

/*
 * Gives it a job: `head` is for a webhook its headers, for mail the sender's address, else empty; then the payload. 0
 * or a negative errno without words: then end it.
 */
int sender_give(const struct sender *sender, const struct buffer *head, const struct buffer *payload);

/* When its socket is readable: the result, with words unless it was delivered. Negative: it is broken; end it. */
int sender_take(const struct sender *sender, enum schedule_end *ret_end, enum sender_reach *ret_reach,
                char words[static SENDER_WORDS]);

/* Ends it, now. */
void sender_stop(struct sender *sender);

/* All of it for one job, while the caller waits: *ret_end, *ret_reach and words as sender_take() gives them, if it does;
 * the caller sets them to what holds when the process breaks. Negative with words when
 * it could not be started: then nothing was sent. (try.c) */
int sender_run(const struct notify_target *target, const struct sender_limits *limits, const struct buffer *head,
               const struct buffer *payload, enum schedule_end *ret_end, enum sender_reach *ret_reach,
               char words[static SENDER_WORDS], struct error *err);

/* One datagram to the local socket. Never waits. */
enum schedule_end sender_local(const struct notify_target *target, const struct buffer *line,
                               char words[static SENDER_WORDS]);

#endif
