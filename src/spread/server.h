/*
 * server.h - one exchange with one ClickHouse server over its HTTP interface (libcurl).
 *
 * Nothing is asked again by itself, no redirect is followed and no proxy of the environment is used. What a server says
 * has a limit; its words reach a person escaped. One thread uses a server at a time.
 *
 * Errors: -ETIMEDOUT when it does not answer in time, -ECONNREFUSED when it is not there, -EREMOTEIO when it says that
 * it cannot, -ECANCELED when `stop` became true.
 */
#ifndef SPREAD_SERVER_H
#define SPREAD_SERVER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "spread/spread.h"

struct server;

/* Borrows the shard, the database's name and `stop` (NULL: nothing stops it). Call once before the first thread. */
int server_new(const struct spread_shard *shard, const char *database, const atomic_bool *stop,
               struct server **ret_server, struct error *err);
void server_free(struct server *server);
void server_freep(struct server **server);

const char *server_name(const struct server *server);

/* Runs a statement; what it answers is appended, up to the buffer's maximum. */
int server_ask(struct server *server, const char *sql, int64_t deadline_ms, struct buffer *answer, struct error *err);

/* Makes the database that all other statements are about. */
int server_make_database(struct server *server, const char *database, int64_t deadline_ms, struct error *err);

/* The same to several at once: each has its own answer, result and words. */
struct server_question {
        struct server *server;
        const char *sql;
        struct buffer answer;
        int result; /* 0 or a negative errno */
        struct error error;
};
void server_ask_all(struct server_question questions[], size_t count, int64_t deadline_ms);

/* Runs an INSERT ... SELECT from the rows of a file, which are the external table `batch` with this structure. The file is
 * read by its descriptor, from the beginning, and is a regular one.
 * `id` is the query's: the server refuses a second one of that name while the first is at work. */
int server_insert(struct server *server, const char *sql, const char *id, const char *structure, int fd,
                  int64_t deadline_ms, struct error *err);

/* Runs an INSERT ... SELECT whose rows become one part: all of them are there or none. `id` as above, or NULL. */
int server_fill(struct server *server, const char *sql, const char *id, int64_t deadline_ms, struct error *err);

#endif
