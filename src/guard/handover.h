/*
 * handover.h - how a pull and a guard of the same DEST speak: a Unix socket in the state's folder of that DEST (0700).
 *
 * A signed release is the authorised change. Before the exchange a pull shows the guard the new release's signed files;
 * the guard checks the signatures itself, and from then on takes files of either release, until it is told how the
 * exchange went. A guard that is there but does not answer, or refuses, keeps the pull from exchanging: its gate would
 * refuse the new files. A guard that is not there is no obstacle.
 *
 *     pull ── STAGED, release, descriptors of kept.next
 *             and of the trees that stand ready ────────> guard      OK, or REFUSED with words
 *     pull ── EXCHANGED or UNDONE ──────────────────────> guard      OK
 *     pull ── NAMES ────────────────────────────────────> guard      OK with the names that differ, a line each
 *     pull ── MENDING, as STAGED ───────────────────────> guard      OK
 *     pull ── MENDED ───────────────────────────────────> guard      OK
 *     anybody ── STATUS ────────────────────────────────> guard      OK with JSON
 */
#ifndef GUARD_HANDOVER_H
#define GUARD_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "manifest/release.h"
#include "tree/pull.h"

#define HANDOVER_SOCKET     "guard.sock"
#define HANDOVER_TEXT_SIZE  8192
#define HANDOVER_TIMEOUT_MS 20000

enum handover_verb {
        HANDOVER_STAGED = 1,
        HANDOVER_EXCHANGED,
        HANDOVER_UNDONE,
        HANDOVER_STATUS,
        HANDOVER_NAMES,
        HANDOVER_MENDING,
        HANDOVER_MENDED,
        HANDOVER_OK,
        HANDOVER_REFUSED,
};

/* ---- the pull's side ---- */

struct handover;

/* 0 with NULL when no guard watches this DEST. `folder` is the state's folder of DEST. */
int handover_connect(int folder, struct handover **ret_handover, struct error *err);
void handover_close(struct handover *handover); /* NULL is fine */

int handover_staged(struct handover *handover, uint64_t release, int kept_next, const struct pull_staged *trees,
                    size_t count, struct error *err);
int handover_exchanged(struct handover *handover, bool done, struct error *err);

/* What is to be mended (tree/mend.h): how many names, 0 also when the guard wants a fresh tree. */
size_t handover_names(struct handover *handover, struct pull_name names[static PULL_MEND_NAMES]);
int handover_mending(struct handover *handover, uint64_t release, int kept_next, const struct pull_staged *trees,
                     size_t count, struct error *err);
int handover_mended(struct handover *handover, struct error *err);

/* A line of an answer to NAMES: the root, a space, the path as text_escape() writes it. -E2BIG when it does not fit. */
int handover_name_write(struct buffer *text, const char *root, const char *path);
/* All lines; 0 when there is one that is none. */
size_t handover_names_read(const char *text, struct pull_name names[static PULL_MEND_NAMES]);

/* The guard's own words about itself: JSON; `text` has HANDOVER_TEXT_SIZE bytes. */
int handover_status(struct handover *handover, char *text, struct error *err);

/* ---- the guard's side ---- */

/* A listening socket; one that a dead guard left is replaced. */
int handover_listen(int folder, struct error *err);

struct handover_message {
        enum handover_verb verb;
        uint64_t release;
        int folder; /* HANDOVER_STAGED, HANDOVER_MENDING: kept.next; else -1 */
        struct {
                char name[RELEASE_NAME_SIZE];
                int folder;
        } trees[RELEASE_ROOTS_MAXIMUM]; /* as above */
        size_t tree_count;
};

/* Reads one message of a connection: 1, 0 when the other side is gone, negative when it sent nonsense. */
int handover_receive(int connection, struct handover_message *ret_message);
/* Closes the descriptors that came along. */
void handover_message_done(struct handover_message *message);
int handover_answer(int connection, enum handover_verb verb, const char *text);

#endif
