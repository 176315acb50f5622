/*
 * readers.h - several threads over one source of log lines (source.h), each with counters of its own.
 *
 *     count = log_readers_count(wanted);
 *     ...one set of counters for each of `count` readers...
 *     r = log_readers_run(source, count, &(struct log_readers){ .block = count_lines, .context = &run }, &damage, err);
 *     ...the counters are put together...
 */
#ifndef ACCESSLOG_READERS_H
#define ACCESSLOG_READERS_H

#include <stdint.h>

#include "accesslog/source.h"
#include "base/error.h"

struct log_readers {
        /* Called in the thread of reader number `reader`, for one block after the other; the block is given back
         * afterwards. A negative result ends all of them with it. */
        int (*block)(void *context, unsigned int reader, const struct log_block *block, struct error *err);
        /* Called in the caller's thread, about ten times a second; NULL: nobody looks. */
        void (*progress)(void *context, uint64_t done, uint64_t total);
        void *context;
};

/* `wanted`, or 0: one for each processor that this process may use; at most LOG_READERS_MAXIMUM. */
unsigned int log_readers_count(unsigned int wanted);

/*
 * Reads the source to its end with `count` readers, numbered from 0; with fewer, when no more threads can be started
 * (one at least). The result is that of the first block() that failed, or 0. ret_damage (code 0: none) has the words of the
 * first file that could not be read to its end, which is no failure: the others were read.
 */
int log_readers_run(struct log_source *source, unsigned int count, const struct log_readers *readers,
                    struct error *ret_damage, struct error *err);

#endif
