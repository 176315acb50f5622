/*
 * ruleset.h - one transaction of the packet filter by libnftables: all of it, or nothing.
 */
#ifndef TRAFFIC_RULESET_H
#define TRAFFIC_RULESET_H

#include "base/error.h"

enum ruleset_form {
        RULESET_JSON, /* libnftables-json(5) */
        RULESET_TEXT, /* nft(8) */
        RULESET_TRY   /* text that the kernel looks at whole and does not take: does it know all of these words? */
};

/* `table` is for the words of an error. Loads libnftables when it was not before. */
int ruleset_run(const char *commands, enum ruleset_form form, const char *table, struct error *err);

#endif
