/*
 * register.h - where the register is kept: STATE/fleet/register.db (SQLite, 0600 in a folder with 0700).
 *
 * On the controller. It is the working copy: what must be provable stands in the journal as well, and the commands
 * write it there before they write it here.
 *
 *     _cleanup_(register_closep) struct register_file *file = NULL;
 *     r = register_open(state_directory, false, &file, err);       -ENOENT: there is no register, so no rules
 *     r = register_load(file, &fleet, err);
 *     r = fleet_judge(&fleet, &question, &findings, err);
 */
#ifndef FLEET_REGISTER_H
#define FLEET_REGISTER_H

#include "fleet/fleet.h"

struct register_file;

/* -ENOENT when there is none and it is only to be read. */
int register_open(const char *state_directory, bool writable, struct register_file **ret_file, struct error *err);
void register_close(struct register_file *file);
void register_closep(struct register_file **file);

int register_begin(struct register_file *file, struct error *err);
int register_commit(struct register_file *file, struct error *err);

/* All of it. The caller ends with fleet_done(). An answer that cannot be read (any more) counts as not given. */
int register_load(struct register_file *file, struct fleet *ret_fleet, struct error *err);

/* Writes what was entered of a server, new or known; its items only ever grow, or get a later time. */
int register_put(struct register_file *file, const struct fleet_server *server, struct error *err);

/* Takes an item out: a key that was removed from the server, an address that it left. */
int register_remove_item(struct register_file *file, const char *server, enum fleet_item_kind kind, const char *text,
                         struct error *err);

/* What an agent answered (`server` "": what the controller found in DNS), or why it did not (json NULL). */
int register_put_facts(struct register_file *file, const char *server, const char *json, const char *failure,
                       int64_t time_s, struct error *err);

/* A server's clock minus the controller's, as it was measured. */
struct register_clock {
        int64_t time_s, offset_us, error_us;
};
int register_put_clock(struct register_file *file, const char *server, const struct register_clock *clock,
                       struct error *err);

/*
 * What the clock can have been between two times: all that was measured from the last measurement before to the first one
 * after, and as much more as a clock drifts between two of them (100 ppm). 1; 0 when none is near.
 */
int register_clock_between(struct register_file *file, const char *server, int64_t from_s, int64_t to_s,
                           struct register_clock *ret_clock, struct error *err);

#endif
