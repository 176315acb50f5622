/*
 * salts_answer.h - what the agent of the server that makes salts answers: pure.
 *
 *     {"salt": 64 hexadecimal digits, "age_s": seconds since it was made}      or      {"gone": true}
 *
 * It comes from another machine, so it is believed as far as it has this form: an age past a salt's life is none.
 */
#ifndef ANALYZE_SALTS_ANSWER_H
#define ANALYZE_SALTS_ANSWER_H

#include <jansson.h>

#include "analyze/salts_share.h"
#include "base/error.h"

/* `maker`: who answered, for the words. -ESTALE: the day has no salt any more; -EBADMSG: this is no answer. */
int salts_answer_take(const json_t *answer, const char *maker, struct shared_salt *ret_salt, struct error *err);

#endif
