/*
 * book.h - what the controller remembers of carrying over: what both servers agreed on, who was on stage then, and when.
 *
 *     STATE/carried/lock          held from the first batch of a move to its end, and during every other one
 *     STATE/carried/book.json     the last time it went through, and the server that was on stage
 *     STATE/carried/ID/sums.json  of one area: the digest of each bucket that was agreed on, and how many names that is
 *     STATE/carried/ID/NN.json    the list of that bucket
 *
 * A bucket's list is replaced before the sums are: after a crash the sums are those of an older list, and the bucket is
 * listed anew. If all of it is lost, nothing is agreed on: then what either side has stays (merge.h).
 */
#ifndef CARRY_BOOK_H
#define CARRY_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "carry/entry.h"

#define CARRY_SERVER_SIZE 65 /* a server's name, with the NUL */

struct carry_book {
        int folder, lock;
        char stage[CARRY_SERVER_SIZE]; /* who was on stage when it last went through; "": it never did */
        int64_t time;                  /* when, seconds since 1970 */
        uint64_t areas;                /* of the release */
        uint64_t files, bytes;         /* that were on stage */
        uint64_t refused, conflicts;   /* of the last time */
};

#define CARRY_BOOK_NONE { .folder = -1, .lock = -1 }

/* Waits for the lock up to wait_ms; -EBUSY, refused: another one has it. */
int carry_book_open(struct carry_book *book, const char *state, int64_t wait_ms, struct error *err);
void carry_book_close(struct carry_book *book);

/* Only what book.json says, for who wants to know and carries nothing: -ENOENT when it never went through. */
int carry_book_read(struct carry_book *book, const char *state, struct error *err);

/* Writes book.json: it went through now, with this server on stage. */
int carry_book_record(struct carry_book *book, const char *stage, struct error *err);

/* What was agreed on in an area. Where that is missing or damaged it is nothing. */
struct carry_sums {
        int folder; /* STATE/carried/ID */
        struct digest buckets[CARRY_BUCKETS];
        uint64_t counts[CARRY_BUCKETS];
};

int carry_sums_open(const struct carry_book *book, const char *area, struct carry_sums *sums, struct error *err);
void carry_sums_close(struct carry_sums *sums);
uint64_t carry_sums_count(const struct carry_sums *sums);
int carry_sums_save(const struct carry_sums *sums, struct error *err);

/* The list of a bucket, empty when there is none, or a damaged one; and a new one, with its sum. */
int carry_sums_list(const struct carry_sums *sums, unsigned int bucket, struct carry_list *list, struct error *err);
int carry_sums_set(struct carry_sums *sums, unsigned int bucket, const struct carry_list *list, struct error *err);

#endif
