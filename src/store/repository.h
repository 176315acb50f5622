/*
 * repository.h - the server's side: reading a repository of which nothing is believed.
 *
 * repository_open() forks a helper that gives up its rights (ipc/sandbox.h) before it reads a first outside byte; HTTP,
 * pack indexes and zstd live there. It answers with frames whose head is all that the caller parses; contents come as
 * plain bytes that the caller hashes itself while it writes them to where it wants them. The helper never gets a
 * descriptor of the tree for writing.
 *
 * Open it before any thread is started, and use it from the thread that did (the helper ends with that thread). After
 * an error of a sink nothing more can be asked.
 *
 * Limits: every file is asked for with its maximum; whole transfers have a deadline; stalls, redirects, too long and
 * too short answers are errors with words. A broken connection is resumed from where it broke.
 *
 *     struct repository *repository;
 *     r = repository_open("https://example.org/repo", &options, &repository, err);
 *     r = repository_get(repository, "releases/12/release.json", RELEASE_MAXIMUM, &text, err);
 *     r = repository_objects(repository, &release, wanted, count, deliver, context, err);
 */
#ifndef STORE_REPOSITORY_H
#define STORE_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "manifest/release.h"

struct repository_options {
        int stall_ms;        /* less than 1 KB/s for that long ends a try; 0: 30,000 */
        int tries;           /* without progress between them; 0: 5 */
        const char *user;    /* whom the helper becomes when root; NULL: "understudy", else "nobody" */
        const char *ca_file; /* TLS roots; NULL: the system's */
};

struct repository;

/* `url`: http://, https://, file:// or a plain folder. Words say which part of it is wrong. */
int repository_open(const char *url, const struct repository_options *options, struct repository **ret_repository,
                    struct error *err);
void repository_close(struct repository *repository); /* NULL is fine; waits for the helper */
void repository_closep(struct repository **repository);

/* The URL as given, for words: without slashes at its end, and without user and password. */
const char *repository_url(const struct repository *repository);

/* The descriptor of a repository that is a folder of this machine, borrowed; -1: it is not. */
int repository_folder(const struct repository *repository);

/* One small file into a buffer, at most its maximum. -ENOENT when the repository has no such file. */
int repository_get(struct repository *repository, const char *path, struct buffer *buffer, struct error *err);

/* A file and the signature beside it (PATH.minisig); whether it holds is the caller's to find out. -ENOENT when there
 * is no such file, -EBADMSG when there is no signature: an unsigned file must not pass for one that is not there. */
int repository_get_pair(struct repository *repository, const char *path, struct buffer *text, struct buffer *signature,
                        struct error *err);

/*
 * The same for a pair that is replaced from time to time, one file after the other: it is read again for about a second
 * while `check` says -EBADMSG or -EKEYREJECTED, or the signature is not there. What else check gives, and -ENOENT, is
 * the result at once.
 */
typedef int repository_check_function(void *context, const struct buffer *text, const struct buffer *signature,
                                      struct error *err);
int repository_get_signed(struct repository *repository, const char *path, struct buffer *text,
                          struct buffer *signature, repository_check_function *check, void *context, struct error *err);

/* One large file into fd (appended at its offset), exactly `size` bytes with this SHA-256 (checked here, in the
 * caller); -EBADMSG otherwise. A compressed form beside it (PATH.zst), or a difference from `base_fd` (the same file of
 * release `base_number`, PATH.from-N.zst; -1: none), is used when the repository has one. */
int repository_get_file(struct repository *repository, const char *path, uint64_t size, const struct digest *digest,
                        int fd, int base_fd, uint64_t base_number, struct error *err);

/* The newest release's number as the repository's `latest` file says (a hint that nobody signed). */
int repository_latest(struct repository *repository, uint64_t *ret_number, struct error *err);

/* An object that is wanted. */
struct wanted {
        struct digest object;
        uint64_t size;
        int base_fd; /* a readable file whose content probably is `base`, or -1; borrowed during repository_objects() */
        struct digest base; /* meaningful when base_fd >= 0 */
        uint64_t base_size;
        void *item; /* the caller's */
};

/*
 * Called in the order in which objects arrive, one after the other: begin, data..., end. Each returns 0, or an error
 * that ends everything. `end` follows exactly `size` bytes; whether they are the right ones nobody but the caller finds
 * out, by hashing them.
 */
struct repository_sink {
        int (*begin)(void *context, const struct wanted *wanted, struct error *err);
        int (*data)(void *context, const struct wanted *wanted, const void *bytes, size_t length, struct error *err);
        int (*end)(void *context, const struct wanted *wanted, struct error *err);
        void *context;
};

/*
 * Gets all wanted objects (no duplicates) from the packs of a release, in as few requests as pays. An object that came
 * damaged as a difference is fetched again whole. -ENOENT with words when no pack has an object; -EBADMSG when the
 * repository's bytes are not what the release promised.
 */
int repository_objects(struct repository *repository, const struct release *release, const struct wanted *wanted,
                       size_t count, const struct repository_sink *sink, struct error *err);

/* What went over the wire so far: bytes of bodies received, requests made. */
struct repository_traffic {
        uint64_t bytes;
        uint64_t requests;
};
void repository_traffic(const struct repository *repository, struct repository_traffic *ret_traffic);

#endif
