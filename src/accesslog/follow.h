/*
 * follow.h - logs that are being written, line by line, through every kind of rotation.
 *
 * A log is a name; the files that had it are its generations, numbered from 1. Each is read to its end, and a rotated
 * one is read on for as long as somebody may still write to it: a web server's old workers do. How far each was read
 * is its mark; the caller keeps the marks where he keeps what he counted, in the same transaction, and gives them back
 * when he starts again:
 *
 *     follow_new(paths, count, &follow, err);
 *     follow_restore(follow, path, number, &mark, err); ...        (what the last run kept)
 *     for (;;) {
 *             while ((r = follow_next(follow, &block, err)) > 0)
 *                     ...count the lines...
 *             ...keep what was counted, and the marks: for (cursor = 0; follow_changed(follow, &cursor, &change);)
 *             follow_settle(follow);                                (kept)   or   follow_rewind(follow)   (it failed)
 *             follow_wait(follow, timeout, ...);
 *     }
 *
 * A rotation while nobody looked is caught up with: what became of the file that was read last (renamed, copied, packed
 * since) and those that came between it and the one that has the name now are found beside it, by their first bytes and
 * by the time of their first line. Only whole lines are handed out; a last line without its newline waits, until the
 * file is let go of.
 *
 * One thread. Reads as whoever runs it; never writes.
 */
#ifndef ACCESSLOG_FOLLOW_H
#define ACCESSLOG_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/format.h"
#include "accesslog/mark.h"
#include "base/error.h"

struct follow;

/* The paths must outlive it. A log that does not exist yet is waited for. */
int follow_new(const char *const paths[], size_t count, struct follow **ret_follow, struct error *err);
void follow_free(struct follow *follow);
void follow_freep(struct follow **follow);

/* Before the first follow_next(): a generation that an earlier run knew. A path that is not followed any more is
 * left out: 0. */
int follow_restore(struct follow *follow, const char *path, uint64_t number, const struct log_mark *mark,
                   struct error *err);

/* Finds out which files the logs are now, without reading them: their marks can be kept before the first line, so that
 * a rotation is noticed that comes before the first transaction. */
int follow_look(struct follow *follow, struct error *err);

struct follow_block {
        const char *bytes; /* whole lines; valid until the next call */
        size_t length;
        size_t log;                /* index into paths */
        uint64_t position;         /* of the first byte; grows within a file and from one to the next; below 2^48 */
        struct log_format *format; /* in force at the first line; to be handed to log_parse() */
};

/* 1: lines; 0: no more just now; negative with words when a file cannot be read (the others go on with the next call).
 */
int follow_next(struct follow *follow, struct follow_block *ret_block, struct error *err);

struct follow_change {
        const char *path;
        uint64_t number;
        const struct log_mark *mark; /* NULL: a generation that nothing needs to be known of; not to be kept */
        uint64_t oldest;             /* those of smaller numbers are not needed any more either */
};

/* The marks that moved since they were settled. */
bool follow_changed(const struct follow *follow, size_t *cursor, struct follow_change *ret_change);
void follow_settle(struct follow *follow);

/* Everything since the last follow_settle() will be handed out again. */
void follow_rewind(struct follow *follow);

/* Sleeps until something may have been written, a signal comes or the time is over: by inotify(7) where all logs lie on
 * file systems of this machine, else by looking every half second. */
void follow_wait(struct follow *follow, int64_t timeout_ms);

/* A sentence about something that the operator should know (a rotated file that was never found again), once each; NULL
 * when there is none. */
const char *follow_notice(struct follow *follow);

#endif
