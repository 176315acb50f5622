/*
 * embedders.h - which sites' pages had visitors fetch the tag's script from this server, and when: so that, when it
 * turns out that a server gave out another script, the owners of those sites can be told.
 *
 * One row for each server, day (UTC), script and host of the Referer. No address is kept. Who fetches without a Referer
 * is under the host "".
 */
#ifndef ANALYZE_EMBEDDERS_H
#define ANALYZE_EMBEDDERS_H

#include <stddef.h>
#include <stdint.h>

#include "accesslog/line.h"
#include "analyze/store.h"
#include "base/error.h"

#define EMBEDDERS_MAXIMUM 20000 /* rows of a day; further hosts are put together: Referers are free to invent */

struct embedding {
        char *script, *host; /* owned */
        int32_t day;
        int64_t first_us, last_us;
        uint64_t fetches;
};

/* What came since the last transaction. */
struct embeddings {
        struct embedding *list;
        size_t count;
};

void embeddings_done(struct embeddings *embeddings);

/* Takes the line up if it is an answered request for the script (200, 206, 304); -ENOMEM without words. */
int embeddings_add(struct embeddings *embeddings, const struct log_line *line);

/* Adds them to the store, inside of its transaction. */
int embeddings_keep(const struct embeddings *embeddings, struct store *store, const char *server, struct error *err);

struct embedder {
        const char *host, *server, *script; /* borrowed during the call */
        int64_t first_us, last_us;
        uint64_t fetches;
};
typedef int embedder_function(void *context, const struct embedder *embedder, struct error *err);

/* Those of whole days that lie within the time (0: no bound), by host, then server and script. */
int store_embedders(struct store *store, int64_t from_us, int64_t until_us, embedder_function *take, void *context,
                    struct error *err);

#endif
