/*
 * evidence.h - what differed, kept: for the question how it came and what it did.
 *
 * While the live tree is compared, each difference is written to STATE/dest/X/evidence.next/differences; after the
 * exchange the files that it names are copied from the parked tree, and a report is made. Copies are 0600 in 0700
 * folders and never in reach of a web server. Only regular files are opened; FIFOs, sockets and devices are described;
 * a mount is never crossed. Everything is bounded in bytes, and the report says what was left out.
 */
#ifndef TREE_EVIDENCE_H
#define TREE_EVIDENCE_H

#include <limits.h>
#include <stdint.h>

#include "base/error.h"
#include "tree/state.h"
#include "tree/verify.h"

#define EVIDENCE_DEFAULT_BYTES (UINT64_C(256) << 20)

struct evidence;

/* Starts gathering; what a crashed run had gathered is thrown away. */
int evidence_begin(struct state *state, uint64_t limit_bytes, struct evidence **ret_evidence, struct error *err);

/* Goes on with what a crashed run had gathered; 0 when there is none (*ret_evidence stays), 1 when there is. */
int evidence_resume(struct state *state, uint64_t limit_bytes, struct evidence **ret_evidence, struct error *err);

int evidence_add(struct evidence *evidence, const struct difference *difference, struct error *err);

/* Makes sure that what was gathered survives a crash; before the exchange. */
int evidence_sync(struct evidence *evidence, struct error *err);

/* Copies what the differences of root `name` name, from the parked tree: `parked` is PARKED_NAME below `sibling`. */
int evidence_collect(struct evidence *evidence, const char *root, int sibling, const char *parked, struct error *err);

/* A line for the report: a mount that was inside. */
int evidence_mount(struct evidence *evidence, const char *root, const char *line, struct error *err);

struct evidence_head {
        int64_t time;
        const char *dest, *site;
        uint64_t release_before, release;
};

/* Writes report.json and puts the folder in its place; `ret_folder` is absolute. */
int evidence_finish(struct evidence *evidence, const struct evidence_head *head, char ret_folder[static PATH_MAX],
                    struct error *err);

/* How many files could not be kept (limit, full disk, unreadable); the report names each with its reason. */
uint64_t evidence_left_out(const struct evidence *evidence);

/* Nothing differed after all, or the pull came to nothing: what was gathered goes. */
void evidence_drop(struct evidence *evidence);

void evidence_free(struct evidence *evidence);

#endif
