/*
 * unattended.h - what happens to an incident when nobody is there: what is new, and which deadline must be told. Pure.
 */
#ifndef INCIDENT_UNATTENDED_H
#define INCIDENT_UNATTENDED_H

#include "incident/interval.h"

enum unattended_news {
        UNATTENDED_KNOWN,
        UNATTENDED_NEW,    /* no incident has this interval */
        UNATTENDED_CHANGED /* one has, with another end: it was bad for longer, or is good again */
};

/* An interval of the journals against those that the casebook has. Server, path and the first bad sighting say which
 * one it is: a journal only grows, so they stay. */
enum unattended_news unattended_compare(const struct intervals *known, const struct interval *found);

/* How near a deadline is. Each is told once. */
enum unattended_alarm {
        UNATTENDED_QUIET,
        UNATTENDED_EARLY, /* a third of the time is left: of 72 hours, 24 */
        UNATTENDED_LAST,  /* a twelfth: of 72 hours, 6 */
        UNATTENDED_OVER
};
enum unattended_alarm unattended_deadline(int64_t aware_us, int64_t due_us, int64_t now_us);

#endif
