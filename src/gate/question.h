/*
 * question.h - opens that wait for a verifier's word.
 *
 * One question for each file, whoever else opens it meanwhile; the oldest is asked first. A question's life:
 *
 *     question_new --> WAITING --sent--> ASKED --answer--> question_close
 *                         ^                |--its verifier is gone--> WAITING
 *                         |                |--too late--> question_close (the verifier still owes an answer)
 *                         `--verdict of a release that is no more--'
 */
#ifndef GATE_QUESTION_H
#define GATE_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"
#include "where.h"

#define QUESTIONS_MAXIMUM 512
#define WAITERS_MAXIMUM   1024

/* How many questions a verifier has at once: one that it reads, one that is there when it is done. A verifier that
 * hashes a large file, or hangs, holds up one other question, and no more. */
#define VERIFIER_DEPTH 2

/* The kernel's question: it goes on when the descriptor's number was written back with an answer. */
struct waiter {
        int fd, pid;
        int32_t next; /* -1: the last */
};

struct question {
        struct file file;
        uint64_t name; /* keyed hash of tree and path */
        uint64_t generation;
        int64_t deadline_ms;
        int fd; /* of the first waiter; it carries the lease */
        bool used, leased;
        int verifier; /* slot; -1: WAITING */
        int32_t waiters;
        int32_t older, newer; /* -1: the end */
        struct place place;
};

struct verifier {
        int fd; /* -1: none in this slot */
        unsigned int count;
        struct {
                uint64_t id;
                int32_t question; /* -1: closed meanwhile; who owes such an answer is asked no more */
        } asked[VERIFIER_DEPTH];
};

struct questions {
        struct question all[QUESTIONS_MAXIMUM];
        struct waiter waiters[WAITERS_MAXIMUM];
        struct verifier verifiers[GATE_VERIFIERS];
        int32_t free, free_waiter, oldest, newest;
        size_t count; /* of open questions */
        size_t waiter_count, waiter_limit;
        uint64_t next_id;
};

/* `waiter_limit`: most descriptors that may be held by waiters. `first_id`: its upper half is this gate's own, for a
 * verifier may still owe answers to one before it. */
void questions_init(struct questions *questions, size_t waiter_limit, uint64_t first_id);

/* Of this file and name, or NULL. */
struct question *question_find(struct questions *questions, const struct file *file, uint64_t name);
/* Whose lease does this descriptor carry? NULL: no question's. */
struct question *question_of(struct questions *questions, int fd);

/* NULL, false: too many. The descriptor is then still the caller's. */
struct question *question_new(struct questions *questions, int fd, int pid);
bool question_join(struct questions *questions, struct question *question, int fd, int pid);

/* Takes one waiter out; false: there is none left. */
bool question_next_waiter(struct questions *questions, struct question *question, struct waiter *ret_waiter);
/* When it has no waiters any more. */
void question_close(struct questions *questions, struct question *question);

/* Sends what is WAITING to the verifiers that are least busy. Returns the slot of one that is gone, or -1. */
int questions_ask(struct questions *questions);

/*
 * Takes one answer of a verifier. 1: it is there, and *ret_question is the one that it belongs to, WAITING again, or
 * NULL when that was closed; 0: nothing there; -1: the verifier is gone, or talks nonsense.
 */
int questions_answer(struct questions *questions, unsigned int slot, struct gate_answer *ret_answer,
                     struct question **ret_question);

/* Another verifier (or -1: none) in this slot; what the old one was asked is WAITING again. */
void questions_replace(struct questions *questions, unsigned int slot, int fd);
bool questions_have_verifier(const struct questions *questions);

#endif
