/*
 * request.h - what goes over the wire to a witness and back (C2SP tlog-witness, https://c2sp.org/tlog-witness). Pure;
 * the parsers take any bytes and have a fuzzer.
 *
 *     POST PREFIX/add-checkpoint      "old SIZE\n", at most 63 lines of a hash in base64, an empty line, a signed note
 *     200                             signature lines: the witness's cosignatures
 *     409                             "SIZE\n", text/x.tlog.size: what it has seen
 *     400, 403, 404, 422              nothing to be read
 */
#ifndef WITNESS_REQUEST_H
#define WITNESS_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "journal/merkle.h"

#define REQUEST_PATH      "/add-checkpoint"
#define REQUEST_SIZE_TYPE "text/x.tlog.size"
#define REQUEST_MAXIMUM   ((size_t)64 << 10) /* bytes of a request; ours have less than four thousand */
#define ANSWER_MAXIMUM    ((size_t)16 << 10)
#define REQUEST_HASHES    63

struct witness_request {
        uint64_t old;
        struct merkle_proof proof;
        const char *note; /* borrowed */
        size_t note_length;
};

/* -EBADMSG with words when it is no such request. Of the note only that there is one is looked at. */
int witness_request_parse(const char *bytes, size_t length, struct witness_request *ret_request, struct error *err);
int witness_request_format(const struct witness_request *request, struct buffer *out);

/* "SIZE\n": 0 or -EBADMSG without words. */
int witness_answer_size(const char *bytes, size_t length, uint64_t *ret_size);

#endif
