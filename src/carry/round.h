/*
 * round.h - one batch of carrying over: what two servers have is compared, decided name by name (merge.h), and done by their
 * agents. The controller's side: bytes go through it, and no server has a way to the other.
 *
 * What an agent answers is judged by its look only: the SHA-256 in its list is what the other one must have got. A batch that
 * is cut off at any point is begun anew; what was done then shows as done.
 */
#ifndef CARRY_ROUND_H
#define CARRY_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "carry/book.h"

/* Asks an agent, as agent_client_call() does; the arguments' reference is taken. */
typedef int carry_ask_function(void *context, const char *verb, json_t *arguments, int64_t deadline_ms, json_t **ret_result,
                               struct error *err);

struct carry_side {
        const char *name; /* of the server */
        carry_ask_function *ask;
        void *context;
};

struct carry_round {
        struct carry_side stage, rest;
        bool two_ways; /* what the one that rests was given counts, too */
        bool look;     /* only counts what would be done */
        void (*progress)(void *context, uint64_t files, uint64_t bytes);
        void *context;
};

#define CARRY_NOTES 100 /* conflicts and refusals that are named; all are counted */

struct carry_result {
        uint64_t areas;
        uint64_t files, bytes;           /* on stage, under the rules */
        uint64_t to_rest, to_rest_bytes; /* files that went there, or would */
        uint64_t to_stage, to_stage_bytes;
        uint64_t kept;                   /* moved aside by the one that rests */
        uint64_t conflicts;              /* that both had written: the stage's has the name, the other was moved aside */
        uint64_t refused;                /* that break the rules, on either side: they were left where they are */
        uint64_t left;                   /* changed while they were carried, or are in the way: for the next batch */
        json_t *notes;                   /* [{"what": "conflict|refused", "server", "area", "path", "why"}] */
};

void carry_result_done(struct carry_result *result);

/*
 * 0 when it went through, whatever is left; negative with words when something could not be done. The book's lock is held
 * by the caller, and nothing is recorded in it. -EPERM: the stage has nothing where there was something before, as when a
 * file system is not mounted.
 */
int carry_round(struct carry_book *book, const struct carry_round *round, struct carry_result *ret_result, struct error *err);

/* Has the one that rests exactly what was agreed on? Looks anew. 1, 0, or negative with words. */
int carry_look(struct carry_book *book, const struct carry_side *rest, struct error *err);

#endif
