/*
 * gather.h - one pass over all logs: the few lines that matter, as small records.
 *
 * Every line is parsed, for a line that could not be read is a gap in what is known; but only answers to affected paths
 * and requests to the login are kept, 64 bytes each. Texts (addresses, browsers, session tags) are numbers in tables
 * that the login records share. Workers read as many files as there are processors.
 *
 * Parses what strangers sent; opens no file but the logs and writes none.
 */
#ifndef INCIDENT_GATHER_H
#define INCIDENT_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/line.h"
#include "base/error.h"
#include "incident/coverage.h"
#include "incident/intern.h"
#include "incident/target.h"

#define GATHER_SERVERS     64
#define RESPONSES_MAXIMUM  (16U << 20) /* 1 GB */
#define TEXTS_MAXIMUM      (16U << 20)
#define GATHER_LOGIN       (TARGET_NONE - 1) /* the path of a request to the login */
#define GATHER_BYTES_LARGE UINT32_MAX

/* What numbers stand for: in the answers and in the login records. */
struct gather_texts {
        struct intern addresses, agents, tags, accounts, embedders;
};

int gather_texts_init(struct gather_texts *texts, struct error *err);
void gather_texts_done(struct gather_texts *texts);

/* An address as its 16 bytes, or "=NAME" where the log has a host's name. */
int gather_address(struct gather_texts *texts, const struct log_address *address, struct span text,
                   uint32_t *ret_number, struct error *err);

enum response_flags {
        RESPONSE_HAS_BYTES = 1 << 0,
        RESPONSE_HAS_DURATION = 1 << 1,
        RESPONSE_HAS_COMPLETE = 1 << 2,
        RESPONSE_COMPLETE = 1 << 3,
        RESPONSE_HEAD = 1 << 4,
        RESPONSE_PACKED = 1 << 5,
        RESPONSE_RANGE = 1 << 6,
        RESPONSE_CACHED = 1 << 7,
        RESPONSE_POST = 1 << 8,
        RESPONSE_FRACTION = 1 << 9, /* its time is finer than a second */
        RESPONSE_END_TIME = 1 << 10, /* its time is that of its end; else of the beginning or the end */
};

struct response {
        int64_t time_us; /* as the log says */
        uint64_t offset; /* of the line in the (unpacked) file */
        uint32_t duration_ms;
        uint32_t bytes;
        uint32_t address, agent, tag, embedder;
        uint16_t file, path, status, flags;
        uint8_t server;
};

/* What was read of one file. */
struct gather_file {
        uint64_t lines, invalid;
        uint64_t bytes;          /* where its last whole line ends */
        uint64_t sum, known_sum; /* of the hashes of all whole lines, and of those that begin before known_bytes */
        int64_t first_us, last_us; /* first_us > last_us: no line had a time */
};

struct gather_log {
        const char *path;
        uint8_t server; /* below GATHER_SERVERS */
        uint64_t known_bytes; /* so much of it was read before */
};

struct gather_options {
        const struct gather_log *logs;
        size_t log_count;
        const struct targets *targets;       /* affected paths */
        const struct targets *login_targets; /* where one logs in */
        unsigned int workers;                /* 0: one for each processor */
        uint64_t key;                        /* of the hashes of lines (linehash.h) */
        void (*progress)(void *context, uint64_t done, uint64_t total);
        void *context;
};

struct gathered {
        struct response *responses; /* owned; in no order */
        size_t count;
        struct gather_file *files; /* owned; one for each log */
        struct coverage coverage[GATHER_SERVERS];
        uint64_t lines, invalid;
        bool incomplete; /* a file could only be read in part; `damage` says why */
        struct error damage;
};

void gathered_done(struct gathered *gathered);

int gather(const struct gather_options *options, struct gather_texts *texts, struct gathered *ret_gathered,
           struct error *err);

#endif
