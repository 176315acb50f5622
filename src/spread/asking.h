/*
 * asking.h - who takes part in a question: each analysis server that answers and is proven. For ask.c alone, which asks.
 *
 *     _cleanup_(asking_done) struct asking asking = { .shards = shards };
 *     r = asking_begin(&asking, err);                                         connected, and proven
 *     r = asking_all(&asking, sql, answers, take, context, err);              as often as there are questions
 *     asking_answers_done(answers);
 *     asking_hand_over(&asking, ret_who);
 *
 * Whoever was given up is not asked any further. Only when nobody is left does a call fail, with the words of the last.
 */
#ifndef SPREAD_ASKING_H
#define SPREAD_ASKING_H

#include "spread/ask.h"
#include "spread/server.h"

#define ASKING_SQL_MAXIMUM (256U << 10)

struct asking {
        const struct spread_shards *shards;
        struct server *servers[SPREAD_SHARDS_MAXIMUM]; /* NULL: it does not answer, or is left out */
        bool rollup;                                   /* every one that answers has one */
        bool salted;                                   /* and knows by what salts its days were sent */
        struct ask_who who;
};

int asking_begin(struct asking *asking, struct error *err);
void asking_done(struct asking *asking);

typedef int asking_function(void *context, size_t shard, const struct buffer *answer, struct error *err);

/* One question to all that are left. Whoever does not answer, or answers with what `take` does not understand (-EBADMSG)
 * or refuses (-EPERM), is given up. The answers are the caller's. */
int asking_all(struct asking *asking, const char *sql, struct buffer answers[SPREAD_SHARDS_MAXIMUM], asking_function *take,
               void *context, struct error *err);
void asking_answers_done(struct buffer answers[SPREAD_SHARDS_MAXIMUM]);

/* For `take`: -EBADMSG, with the server's name. */
int asking_bad_answer(const struct asking *asking, size_t shard, struct error *err);

/* The caller's from now on. */
void asking_hand_over(struct asking *asking, struct ask_who *ret_who);

#endif
