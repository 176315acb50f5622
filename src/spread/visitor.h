/*
 * visitor.h - who a visitor is, on analysis servers: a keyed hash of (site, address, browser) under a salt of the day.
 *
 * The hash takes a third of the time that a line takes, and most lines come from somebody who was there a moment ago:
 * so the last ones are kept, each with all that went into its hash (an address, and a number that stands for a browser's
 * text), which is compared in all of its bits. They are as secret as the salt, and go when visitors_recent_forget() is called.
 */
#ifndef SPREAD_VISITOR_H
#define SPREAD_VISITOR_H

#include <stdint.h>

#include "accesslog/line.h"
#include "analyze/salts.h"

struct visitors_recent;

int visitors_recent_new(const char *site, struct visitors_recent **ret_recent);
void visitors_recent_free(struct visitors_recent *recent);

/* Before a salt is destroyed, or a day's number can mean another salt. */
void visitors_recent_forget(struct visitors_recent *recent);

/* Never 0, which is nobody. `agent`: a number that no other text of a browser ever had; 0: it has none, and nothing is
 * kept. -ENOMEM. */
int visitors_recent_find(struct visitors_recent *recent, int32_t day, const uint8_t salt[static SALT_SIZE],
                         const struct log_line *line, uint64_t agent, uint64_t *ret_visitor);

#endif
