/*
 * deadman.h - the silence of a guard is an alert at its peers: what a heartbeat is, and when silence is silence. Pure.
 *
 * A heartbeat is one line of JSON with one spelling only:
 *     {"name":"web1","instance":"0123456789abcdef","sequence":12,"time":"2009-07-06T09:00:00Z","interval":10,
 *      "stopping":false,"hmac":"64 hex digits"}
 * instance is a random number of the process, sequence grows within it. hmac is HMAC-SHA-256 over all bytes before
 * `,"hmac"`, with a key that the peers share (the file of webhook.h); without a key the member is not there.
 *
 * No wall clock decides anything: the watcher notes by its own monotonic clock when it saw a heartbeat that it had not
 * seen before. Set clocks, skewed clocks and a time that goes backwards neither hide a silence nor make one up. `time`
 * is for people.
 *
 * Who holds the key (root on a peer) can forge a life. A heartbeat that was recorded can be played back once for each
 * process that wrote it, to a watcher that is started later; it makes the peer look alive for one interval.
 */
#ifndef NOTIFY_DEADMAN_H
#define NOTIFY_DEADMAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "notify/webhook.h"

#define DEADMAN_MISSED           3 /* intervals without a heartbeat are a silence */
#define DEADMAN_INTERVAL_MAXIMUM 86400
#define BEAT_MAXIMUM             512 /* bytes */
#define BEAT_NAME_SIZE           64
#define BEAT_INSTANCE_SIZE       17

enum deadman_verdict {
        DEADMAN_QUIET,     /* nothing to tell */
        DEADMAN_ALERT,     /* it has fallen silent, and nobody was told */
        DEADMAN_RECOVERED, /* it is back after an alert */
};

/* Times of one monotonic clock. A `now_ms` before `seen_ms` counts as no time at all. */
enum deadman_verdict notify_deadman_check(int64_t seen_ms, int64_t interval_ms, int64_t now_ms, bool alerted);

struct beat {
        char name[BEAT_NAME_SIZE]; /* [A-Za-z0-9.-], not beginning with a dot */
        char instance[BEAT_INSTANCE_SIZE];
        uint64_t sequence;
        int64_t time; /* wall clock of the one who writes */
        uint32_t interval_s;
        bool stopping; /* it ends in order; that is silence, too, but the words say so */
};

bool beat_name_is_good(const char *name);

/* `key` with length 0: without HMAC. */
int beat_format(const struct beat *beat, const struct webhook_key *key, struct buffer *out, struct error *err);

/* -EBADMSG for what is none; -EKEYREJECTED when the HMAC is missing or does not hold. Words in both cases. */
int beat_parse(const char *bytes, size_t length, const struct webhook_key *key, struct beat *ret_beat,
               struct error *err);

/* What a watcher knows of a peer's heartbeats. */
#define DEADMAN_INSTANCES 8
struct deadman_seen {
        char instances[DEADMAN_INSTANCES][BEAT_INSTANCE_SIZE]; /* a ring; the newest is the current one */
        unsigned int newest;
        uint64_t sequence;
};

/* Whether it was never seen before, and notes it: a higher sequence of the current instance, or another instance that
 * is not one of the last eight. */
bool deadman_is_new(struct deadman_seen *seen, const struct beat *beat);

#endif
