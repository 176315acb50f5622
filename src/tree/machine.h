/*
 * machine.h - is this machine ready for a pull? What `understudy check` looks at; nothing of DEST is changed.
 *
 * Each check gives one finding: ok (with what there is), warning (works, but somebody should know), problem (a pull
 * will be refused or fail).
 */
#ifndef TREE_MACHINE_H
#define TREE_MACHINE_H

#include <stdbool.h>

#include "base/error.h"
#include "crypto/key.h"
#include "store/repository.h"

enum finding_result {
        FINDING_OK,
        FINDING_WARNING,
        FINDING_PROBLEM,
};

const char *finding_result_name(enum finding_result result); /* "ok", "warning", "problem": never translated */

struct machine_report {
        /* `check` is a word that programs read ("kernel", "parent", ...), `text` a sentence for people. */
        void (*finding)(void *context, const char *check, enum finding_result result, const char *text);
        void *context;
};

/* Kernel, sandbox, state folder, clock. */
void machine_check(const struct machine_report *report, const char *state_directory);

/* DEST: what it is, the folder above it and its file system, mounts, room, who serves it, caches that go on serving the
 * old files. */
void machine_check_dest(const struct machine_report *report, const char *state_directory, const char *dest);

/* The repository: reachable, its signatures hold, the age of its current note. `pub` NULL: only whether it answers. */
void machine_check_repository(const struct machine_report *report, const char *url,
                              const struct repository_options *options, const struct public_key *pub);

#endif
