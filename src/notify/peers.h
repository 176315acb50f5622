/*
 * peers.h - heartbeats through a folder that the servers of a site share (or that something copies between them): each
 * writes its own file FOLDER/NAME, whole by a rename, and watches those of the others.
 *
 * The folder is anybody's who may write there: files are read without following a link, up to a limit, and with a key
 * (webhook.h) nobody else's heartbeat counts. Whoever is named is watched from the start; whoever is found there, from
 * then on. A file that is gone is silence.
 *
 *     r = peers_open("/srv/peers", "web1", names, 2, key_file, 10, &peers, err);
 *     every 10 s:   r = peers_beat(peers, false, err);
 *                   r = peers_watch(peers, tell, context, err);
 *     at the end:   peers_beat(peers, true, NULL)
 *
 * Calls wait as long as the file system does. On a network file system that may be for ever: then a process or thread
 * of its own calls them, not the guard's loop.
 */
#ifndef NOTIFY_PEERS_H
#define NOTIFY_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "notify/deadman.h"

#define PEERS_MAXIMUM 256

struct peers;

struct peer_event {
        enum deadman_verdict verdict; /* never DEADMAN_QUIET */
        const char *name;
        int64_t silent_s;        /* since it was last heard, or since we began to listen */
        const struct beat *last; /* the last heartbeat that counted; NULL: none ever did */
        const char *what;        /* one sentence, ready for an alert */
        const char *english;     /* the same for the journal */
};

/* The folder must be there: a share that is not mounted is an error. `key_file` NULL: heartbeats are believed as they
 * are. `interval_s` is ours, and the longest that a peer may claim for itself. */
int peers_open(const char *folder, const char *own_name, const char *const *names, size_t count, const char *key_file,
               uint32_t interval_s, struct peers **ret_peers, struct error *err);
void peers_close(struct peers *peers);
void peers_closep(struct peers **peers);

/* Writes our heartbeat. */
int peers_beat(struct peers *peers, bool stopping, struct error *err);

/* Reads those of the others, and calls back for each that fell silent or is back. A folder that cannot be read is an
 * error, and everybody in it grows silent. */
int peers_watch(struct peers *peers, void (*tell)(void *context, const struct peer_event *event), void *context,
                struct error *err);

#endif
