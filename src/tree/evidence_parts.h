/* evidence_parts.h - what evidence.c and evidence_files.c share. */
#ifndef TREE_EVIDENCE_PARTS_H
#define TREE_EVIDENCE_PARTS_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "crypto/digest.h"
#include "tree/evidence.h"

#define SPOOL_DIFFERENCES  "differences"
#define SPOOL_FILES        "files.list"
#define FILES_FOLDER       "files" /* the copies, FILES_FOLDER/ROOT/path */
#define SPOOL_MOUNTS       "mounts"
#define SPOOL_MAXIMUM      (UINT64_C(64) << 20) /* bytes of all lines: a hostile tree may hold millions of names */
#define SYNC_ONE_BY_ONE    32                   /* files; more are synced all together */
#define SPOOL_LINE_MAXIMUM ((size_t)256 << 10)

struct evidence {
        struct state *state; /* borrowed */
        int folder;          /* evidence.next */
        int differences, files, mounts;
        uint64_t left;                   /* bytes of contents that may still be copied */
        uint64_t spool_limit;            /* bytes of each */
        uint64_t spooled_files, spooled; /* bytes of lines: of the list of files, and of the others */
        uint64_t left_out_differences, left_out_files, left_out_bytes;
        uint64_t copied; /* files */
        struct hasher *hasher;
};

/* A JSON string of raw bytes, as text_escape(). */
json_t *evidence_json_name(const char *bytes, size_t length);

/* Takes the reference. 0, 1 when the line was left out for the limit, or an error. */
int evidence_line(struct evidence *evidence, int spool, json_t *json, struct error *err);

/* A spool from its start; NULL when it is not there. */
FILE *evidence_read(const struct evidence *evidence, const char *name);

#endif
