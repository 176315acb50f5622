/*
 * left.h - what the last move had to leave: the usual TTL of the site's names, when its name servers could not be asked.
 *
 * The site is served; resolvers only ask more often than they should. The journal knows that it is so (ledger_left()), `status`
 * and `check` say it, and it is made up for by whoever comes first: a controller that runs here (controller_left.h), the next
 * `switch` or `return`, or a person by `understudy switch --finish`.
 */
#ifndef CLI_LEFT_H
#define CLI_LEFT_H

#include <stdbool.h>

#include "cli/command.h"
#include "config/config.h"
#include "traffic/ledger.h"

/* Whether there is something; takes no lock. What cannot be read counts as nothing: the next move says it. */
bool left_behind(const char *state);

/* For whoever looks: what it is, and what to do. */
const char *left_words(void);

/* With the move's ledger, while none is under way: 1 it was made up for, 0 nothing was left, negative with words. */
int left_make_up(struct ledger *ledger, const struct config *config, struct error *err);

/* `switch --finish`; an exit status. */
int left_finish(const struct common *common, const struct config *config);

#endif
