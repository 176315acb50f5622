/*
 * gate.h - the state of the gate, and its three kinds of work: opens, requests, reports.
 *
 * One thread, one struct, made at the start and never larger. Everything that it waits for is in one poll(); nothing
 * else waits: not for the guard, not for a verifier, not for a file system.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/fanotify.h>

#include "cache.h"
#include "protocol.h"
#include "question.h"
#include "where.h"

/* Files whose writers wait for the reads that were permitted before them, in the order of their time. */
#define GATE_PARTINGS 256

struct partings {
        struct parting {
                int fd;
                int64_t when_ms;
        } all[GATE_PARTINGS];
        unsigned int first, count;
};

struct gate {
        struct gate_setup setup;
        struct gate_counters counters;
        struct trees trees;
        struct cache cache;
        struct questions questions;
        struct partings partings;
        uint8_t key[16];
        int proc;     /* /proc */
        int signals;  /* of broken leases */
        bool serving; /* the trees were told */
        bool orphan;  /* the guard is gone */
        bool unserved; /* its lock was seen free since: who has it now is a successor */
        int64_t orphan_ms; /* since when */
        bool names_untold, folders_untold; /* changes of names that the guard has not been told of */
};

int64_t now_ms(void);

/* All changes of names that the kernel has told so far: marks go. */
void gate_take_names(struct gate *gate);

/* ---- open.c ---- */

/* The kernel's question. It is answered now or with its question's verdict; the descriptor is taken over. */
void open_asked(struct gate *gate, const struct fanotify_event_metadata *event);
/* A verifier's word. */
void open_verdict(struct gate *gate, struct question *question, const struct gate_answer *answer);
/* Those whose time is over get the default. */
void open_late(struct gate *gate, int64_t now);
/* Everyone who waits gets the same answer. */
void open_answer_all(struct gate *gate, bool allow);
/* A file comes with its lease from the guard; the descriptor is taken over. */
void open_told(struct gate *gate, const struct place *place, uint64_t generation, int fd);
/* A writer waits for this descriptor's lease. */
void open_lease_broken(struct gate *gate, int fd);
/* Lets those writers go on whose time has come. */
void open_part(struct gate *gate, int64_t now);

/* ---- request.c ---- */

/* One packet of the guard's. 1: done, 0: nothing there, -1: the guard is gone. Does not return from GATE_STOP, nor from
 * a packet that is none. */
int request_serve(struct gate *gate);

/* ---- report.c: never waits; what does not fit is counted ---- */

void report_plain(struct gate *gate, enum gate_report_verb verb, uint64_t argument);
/* With the file; `place` may be NULL. */
void report_file(struct gate *gate, enum gate_report_verb verb, enum gate_reason reason, uint64_t argument, int pid,
                 const struct file *file, const struct place *place);

#endif
