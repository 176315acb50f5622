/*
 * guard_stage.h - a server that was withdrawn stays off the stage: while a guard runs it has `withdraw --again` look
 * every few seconds whether the packet filter still refuses visitors, and put back what somebody flushed (`nft flush
 * ruleset`).
 *
 * The look is a process of its own, for it starts nft(8): nothing here waits. On a server that is not withdrawn it
 * costs one look for a file. What was put back is in the journal (withdraw_lost, withdrawn), written by that process.
 */
#ifndef CLI_GUARD_STAGE_H
#define CLI_GUARD_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct guard_stage {
        const char *self, *state; /* our own program, the state's directory; borrowed */
        pid_t child;              /* 0: none runs */
        int output;               /* what it says, while it runs */
        int64_t due_ms;
        bool failing; /* it was told that it cannot be put back */
};

enum guard_stage_news {
        GUARD_STAGE_QUIET,
        GUARD_STAGE_AGAIN,  /* visitors could come for a while; they are refused again */
        GUARD_STAGE_FAILED, /* visitors may come, and nothing could be done; said once */
};

/* To be called at least after guard_stage_wait_ms(). */
enum guard_stage_news guard_stage_tick(struct guard_stage *stage);
int guard_stage_wait_ms(const struct guard_stage *stage);

/* Ends a look that is under way. */
void guard_stage_done(struct guard_stage *stage);

#endif
