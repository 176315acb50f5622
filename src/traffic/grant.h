/*
 * grant.h - when a server was last told that it may hold the service's address: the arbiter's memory of its leases.
 *
 * The database's host grants leases and gives the stage away; whoever takes the address waits until the last lease that
 * the other one was granted is over. A grant is asked for some twenty times a second, by processes of sshd, so its time is
 * kept in a page that they share, in the fence's folder: grant-SERVER. The order makes it safe: the time is written before
 * the state is read, so a grant that saw the old state is seen by whoever changes the state and then looks.
 *
 *     grant_begin(&grant);                     before the state is read
 *     ... fence_peek() ...
 *     if (!granted) grant_revoke(&grant);      it was no grant
 *
 * Times are those of grant_now_ms(), which goes on while the machine sleeps. After another boot what was granted before it
 * counts as granted when the page is first opened.
 */
#ifndef TRAFFIC_GRANT_H
#define TRAFFIC_GRANT_H

#include <stdint.h>

#include "base/error.h"

struct grant_page;

struct grant {
        struct grant_page *page;
        int64_t before, at; /* of this grant */
};

/* CLOCK_BOOTTIME in ms: a lease must not be longer because its holder was asleep. */
int64_t grant_now_ms(void);

/* Maps the page of a server, and makes it if need be. */
int grant_open(int folder, const char *server, struct grant *ret_grant, struct error *err);
void grant_close(struct grant *grant);

void grant_begin(struct grant *grant);
void grant_revoke(struct grant *grant);

/* The time of the last one; 0: there was none. */
int grant_last(int folder, const char *server, int64_t *ret_last_ms, struct error *err);

#endif
