/* carry.h - what a batch of mutable areas came to, for the commands that make or show one. */
#ifndef CLI_CARRY_H
#define CLI_CARRY_H

#include "carry/round.h"

/* {"areas", "files", "bytes", "to_rest": {"files", "bytes"}, "to_stage": {...}, "kept", "conflicts", "refused", "left",
 * "notes": [...]}; NULL for lack of memory. */
json_t *carry_result_json(const struct carry_result *result);

#endif
