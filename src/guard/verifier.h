/*
 * verifier.h - the unprivileged process that tells the gate whether a file is the release's.
 *
 * The gate hands it an open descriptor and the path under which somebody opens it; it hashes the one, looks the other up
 * in the release, and answers (gate/protocol.h). It is forked from the guard after the signatures were checked, so the
 * release is in its memory and cannot be changed from outside; it enters the sandbox before its first question: another
 * user, no capabilities, no name of the file system, no socket but the one to the gate. It outlives the guard, for a gate
 * goes on refusing when the guard is gone, and ends with the gate.
 *
 * While a pull exchanges trees two releases count: the one in place and the one that is coming (`next`).
 */
#ifndef GUARD_VERIFIER_H
#define GUARD_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "gate/protocol.h"
#include "tree/index.h"
#include "manifest/companion.h"

#define VERIFIER_RELEASES 2

struct verifier_tree {
        const struct index *index[VERIFIER_RELEASES]; /* NULL: none */
        const struct companion *companion[VERIFIER_RELEASES];
        bool area;          /* a mutable area: only its rules count */
        bool gone;          /* not under guard any more: whatever the gate still asks about it is allowed */
        unsigned int allow; /* of the area */
};

/* Forks one. *ret_socket is the gate's end, the caller's. The caller must not be in the middle of anything that a fork
 * would tear (no lock of ours is held by another thread). */
int verifier_start(const struct verifier_tree trees[static GATE_TREES], int *ret_socket, pid_t *ret_pid,
                   struct error *err);

/* Whether `length` bytes that came over the socket are a whole question. */
bool verifier_is_question(const struct gate_question *question, size_t length);

/* The decision, without a process around it: for tests, and for the verifier. `fd` is read from its start. */
void verifier_judge(const struct verifier_tree *tree, const char *path, size_t length, int fd,
                    struct gate_answer *ret_answer);

#endif
