/* round_parts.h - what the two files of the controller's side share: round.c, an area in passes; names.c, a bucket of a pass. */
#ifndef CARRY_ROUND_PARTS_H
#define CARRY_ROUND_PARTS_H

#include "carry/area.h"
#include "carry/round.h"

#define QUICK_MS INT64_C(60000)

struct carry_sight {
        struct digest buckets[CARRY_BUCKETS];
        uint64_t scan, files, bytes, refused;
};

/* What both have of a name then, and had before it. */
struct carry_fate {
        const struct carry_entry *then, *before;
};

struct carry_work {
        const struct carry_round *round;
        struct carry_result *result;
        const char *area;
        struct carry_sight stage, rest;
        uint64_t deeds; /* of this pass */
        struct carry_fate *fates; /* of this bucket's names, in order; owned */
        size_t fate_count;
        size_t held[CARRY_HELD]; /* of them, whose files one side holds: which it has is not known before settle() */
        size_t held_count;
        bool held_by_stage;
};

/* round.c: asks again as long as another connection's request has the area. The arguments' reference is taken. */
int carry_ask(const struct carry_side *side, const char *verb, json_t *arguments, int64_t deadline_ms, json_t **ret_result,
              struct error *err);
int carry_not_understood(const struct carry_side *side, struct error *err);

/* What breaks the rules is named, so that a person looks at it. The path's reference is taken. */
int carry_add_note(struct carry_result *result, const char *what, const char *server, const char *area, json_t *path,
                   const char *why, struct error *err);

/* names.c: nothing when all sides are the same already. */
int carry_merge_bucket(struct carry_work *work, struct carry_sums *sums, unsigned int bucket, struct error *err);

#endif
