/*
 * withdrawal.h - that this server was taken off the stage, as it is remembered over restarts.
 *
 * STATE/withdrawn.json   {"actor":"uid 0","ports":["80/tcp","443/tcp"],"reason":"...","since":"2009-07-06T09:00:00Z"}
 * STATE/withdrawn.lock   flock: one `withdraw` at a time
 *
 * While the file is there the server is off the stage, whatever the packet filter says at the moment: who finds the one
 * without the other says so (status) or puts it right (withdraw --again). A file that cannot be understood counts as a
 * withdrawal.
 */
#ifndef TRAFFIC_WITHDRAWAL_H
#define TRAFFIC_WITHDRAWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "traffic/filter.h"

#define WITHDRAWAL_REASON_SIZE 1024
#define WITHDRAWAL_ACTOR_SIZE  64

struct withdrawal {
        bool present;
        int64_t since;                       /* seconds since 1970; 0: not known */
        char reason[WITHDRAWAL_REASON_SIZE]; /* as text_escape() writes it; "": none was given */
        char actor[WITHDRAWAL_ACTOR_SIZE];
        struct filter_ports ports;
};

/* What is remembered. -EBADMSG with words for a file that cannot be understood: *ret_withdrawal is a withdrawal then,
 * from the usual ports. Any other failure: nothing is known. */
int withdrawal_read(const char *state_directory, struct withdrawal *ret_withdrawal, struct error *err);

/* Makes the state's folder when there is none yet. */
int withdrawal_write(const char *state_directory, const struct withdrawal *withdrawal, struct error *err);
int withdrawal_remove(const char *state_directory, struct error *err);

/* Waits at most ten seconds for another one. The descriptor is the lock; the state's folder is made. */
int withdrawal_lock(const char *state_directory, struct error *err);

/* The same as text, for whoever has no folder. */
int withdrawal_parse(const char *bytes, size_t length, struct withdrawal *ret_withdrawal, struct error *err);
int withdrawal_format(const struct withdrawal *withdrawal, struct buffer *out);

#endif
