/* carry.h - a batch of mutable areas between two servers of the configuration, for the commands that make or show one. */
#ifndef CLI_CARRY_H
#define CLI_CARRY_H

#include "carry/round.h"
#include "config/config.h"

/* One batch from the server on stage, over connections of its own; see carry_round(). */
int carry_between(const struct config *config, const struct config_server *stage, const struct config_server *rest,
                  struct carry_book *book, bool two_ways, bool look, struct carry_result *ret_result, struct error *err);

/* What a move from there to there would carry over: for its plan. `state` is the controller's. */
int carry_ahead(const struct config *config, const struct config_server *from, const struct config_server *to, const char *state,
                struct carry_result *ret_result, struct error *err);

/* {"areas", "files", "bytes", "to_rest": {"files", "bytes"}, "to_stage": {...}, "kept", "conflicts", "refused", "left",
 * "notes": [...]}; NULL for lack of memory. */
json_t *carry_result_json(const struct carry_result *result);

#endif
