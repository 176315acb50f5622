/* tally_finish_private.h - a summary on its way; for tally_finish*.c alone. */
#ifndef ANALYZE_TALLY_FINISH_PRIVATE_H
#define ANALYZE_TALLY_FINISH_PRIVATE_H

#include "analyze/agents.h"
#include "analyze/classify.h"
#include "analyze/summary_private.h"
#include "analyze/tally_private.h"

/* A name's figures that come from visitors. */
struct seen {
        uint32_t visitors, visits;
        uint32_t entries, entry_visitors, entry_bots;
        uint32_t exits, exit_visitors, exit_bots;
};

/* Figures by what an agent is. */
struct groups {
        struct figures browsers[AGENT_KINDS], systems[AGENT_KINDS], devices[DEVICE_COUNT], hours[24];
        struct figures *bots;
        size_t bot_count;
};

struct finish {
        struct tally *tally;
        struct summary *summary;
        struct seen *seen; /* by id */
        struct groups groups;
        bool *own; /* by id, of referrers' hosts */
        uint64_t visit_ms;
        uint32_t weight; /* how many visitors each record stands for */
};

/* The pass over the visitors: false without memory. */
bool finish_count_visitors(struct finish *finish);

#endif
