/*
 * orphan.h - gates that a guard left behind which died, and that somebody has stopped.
 *
 * A gate outlives its guard and goes on refusing until a successor serves (src/gate/gate.c). Stopped, it answers
 * nobody, and every open below its trees waits for it, also those of the next guard when its state lies there. It needs
 * no more than to be continued: then it refuses until the successor is in charge, and ends. Nothing passes in between.
 */
#ifndef GUARD_ORPHAN_H
#define GUARD_ORPHAN_H

/* Continues every stopped gate of this machine whose guard is gone; one whose guard lives is replaced by that. To be called
 * before anything is opened that may lie below a tree; opens only what is in /proc. */
void orphan_wake(void);

#endif
