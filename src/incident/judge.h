/*
 * judge.h - answer after answer of each visitor: its span, its grade, whose it is (private to incident).
 */
#ifndef INCIDENT_JUDGE_H
#define INCIDENT_JUDGE_H

#include "incident/affected.h"
#include "incident/attribute.h"

#define HELD_MAXIMUM 32 /* planted files that one visitor is known to hold; of more, all pages count as including one */

struct judge {
        const struct exposure_options *options;
        const struct affected *affected;
        const struct login_index *logins;
        struct exposure *out;
        struct exposure_account *accounts; /* by number */
        struct candidates candidates;
        uint32_t explained; /* number of the account that is explained, 0: none */
        int64_t first_unattributed_us;
        struct {
                uint32_t tag, address, agent;
                uint16_t held[HELD_MAXIMUM]; /* paths */
                size_t held_count;
                bool held_more, counted;
                enum grade grade; /* the worst so far */
        } visitor;
};

/* Grades all answers (which get another order) and folds them into the accounts. */
int judge_all(struct judge *judge, struct gathered *gathered, struct error *err);

#endif
