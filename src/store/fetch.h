/*
 * fetch.h - between repository.c and its sandboxed helper: the verbs of their conversation, and what the helper's files
 * share. Nobody else includes this. The conversation is described in docs/internals/fetch.md.
 *
 * repository.c             in the caller: asks, and believes nothing
 * fetch_helper.c           the forked process: enters the sandbox, takes requests, small files
 * fetch_file.c             one large file, plain or compressed
 * fetch_objects.c          objects out of packs; fetch_plan.c decides from where and in which ranges
 * fetch_http.c             bytes of a file over HTTP
 * fetch_folder.c           bytes of a file that the caller opened
 */
#ifndef STORE_FETCH_H
#define STORE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "store/repository.h"

enum fetch_verb {
        /* From the caller. */
        FETCH_GET = 1,  /* argument: maximum; body: path. Answered by DATA..., DONE */
        FETCH_FILE,     /* argument: size; body: enum fetch_form, base size u64, path. DATA..., DONE */
        FETCH_PACKS,    /* body: records of struct release_pack; no answer */
        FETCH_WANTED,   /* body: records of struct wanted; no answer */
        FETCH_OBJECTS,  /* all packs and wanted objects were sent. OBJECT..., DONE */
        FETCH_OPENED,   /* answer to OPEN: argument 0 and a descriptor, or an errno */
        FETCH_BASE,     /* answer to NEED_BASE: bytes */
        FETCH_BASE_END, /* argument: 1 all of them came, 0 it cannot be read */

        /* From the helper. */
        FETCH_READY = 64, /* it is in the sandbox */
        FETCH_ALIVE,      /* still waiting for a slow server */
        FETCH_RECEIVED,   /* argument: bytes of bodies since the last one */
        FETCH_REQUESTED,  /* argument: requests since the last one */
        FETCH_OPEN,       /* argument: FETCH_HANDLE_...; a folder repository only */
        FETCH_NEED_BASE,  /* argument: index of the wanted object */
        FETCH_DATA,       /* body: the next bytes of the file */
        FETCH_OBJECT,     /* argument: index << 2 | FETCH_OBJECT_...; body: the next bytes of the object */
        FETCH_DONE,       /* the request was answered */
        FETCH_FAILED,     /* argument: errno; body: words. It was answered so */
};

#define FETCH_OBJECT_FIRST 1U
#define FETCH_OBJECT_LAST  2U

/* Files of a repository, as the helper names them to the caller, who alone makes paths of them. */
#define FETCH_HANDLE_PATH     UINT64_C(0) /* that of the request */
#define FETCH_HANDLE_INDEX(i) (UINT64_C(1) + 2 * (uint64_t)(i))
#define FETCH_HANDLE_PACK(i)  (UINT64_C(2) + 2 * (uint64_t)(i))

enum fetch_form {
        FETCH_PLAIN = 1, /* as it is */
        FETCH_ZSTD,      /* PATH.zst */
        FETCH_DELTA,     /* PATH.from-N.zst: the base is the prefix */
};

#define FETCH_PATH_MAXIMUM 512
#define FETCH_BASE_MAXIMUM (128U << 20) /* a base is held in memory; what is larger is fetched whole */

/* Records of FETCH_PACKS and FETCH_WANTED, as they travel. */
#define FETCH_PACK_SIZE   (32 + 8 + 32 + 8 + 8)
#define FETCH_WANTED_SIZE (32 + 8 + 8 + 32 + 8)

/* Paths below the repository. */
#define FETCH_PACK_PATH_SIZE (DIGEST_HEX_SIZE + 16)
void fetch_pack_path(const struct digest *id, const char *suffix, char path[static FETCH_PACK_PATH_SIZE]);

/* ---- The helper's own side ---- */

struct fetch_options {
        const char *base;     /* URL without a slash at its end; NULL: a folder */
        const char *shown;    /* the same without credentials, for words */
        const char *ca_bytes; /* TLS roots that the caller named; NULL: the system's */
        size_t ca_length;
        int stall_ms;
        int tries;
        const char *user;
};

struct fetch_http;
struct fetch_folder;

/* One helper's state. */
struct fetch {
        int socket;
        const struct fetch_options *options;
        struct fetch_http *http;     /* either */
        struct fetch_folder *folder; /* or */
        uint8_t *body;               /* of the frame that was received last; FRAME_BODY_MAXIMUM */
        struct buffer out;           /* what is to be sent as the next frame */
        int64_t blocked_ms;          /* time that went into waiting for the caller, which no server is blamed for */
        int64_t sent_ms;             /* when the last frame was sent */
        int64_t deadline_ms;         /* of the request, in the time of fetch_clock_ms() */
};

/*
 * Bytes of a file, in order. Returns 0 to go on, 1 when enough came, negative to end everything. An offset that is
 * smaller than before says: start again there (only for a file of unknown size).
 */
typedef int fetch_consume(void *context, uint64_t offset, const void *bytes, size_t length, struct error *err);

#define FETCH_SIZE_UNKNOWN UINT64_MAX

/* What is wanted of which file. */
struct fetch_range {
        const char *path;
        uint64_t handle;
        uint64_t from, to; /* offsets, to exclusive; size unknown: to is the maximum */
        uint64_t last;     /* bytes up to here may be delivered when the server sends more than asked for; >= to */
        uint64_t size;     /* of the whole file, or FETCH_SIZE_UNKNOWN */
        bool resume;       /* size unknown: the file never changes, a broken transfer may go on where it was */
};

/* Reads [from, to), or more (see last); *ret_position is how far it came. -ENOENT: no such file. */
int fetch_read(struct fetch *fetch, const struct fetch_range *range, fetch_consume *consume, void *context,
               uint64_t *ret_position, struct error *err);

/* The two that do it. */
int fetch_http_new(struct fetch *fetch, struct fetch_http **ret_http, struct error *err);
int fetch_http_read(struct fetch *fetch, const struct fetch_range *range, fetch_consume *consume, void *context,
                    uint64_t *ret_position, struct error *err);
int fetch_folder_new(struct fetch_folder **ret_folder, struct error *err);
int fetch_folder_read(struct fetch *fetch, const struct fetch_range *range, fetch_consume *consume, void *context,
                      uint64_t *ret_position, struct error *err);

/* Requests that fill a file of their own. The frame's body is in fetch->body. */
int fetch_file(struct fetch *fetch, uint64_t size, size_t length, struct error *err);

/* What FETCH_PACKS and FETCH_WANTED brought until FETCH_OBJECTS came. */
struct fetch_objects;
int fetch_objects_add(struct fetch_objects **objects, uint8_t verb, const uint8_t *records, size_t length,
                      struct error *err);
int fetch_objects(struct fetch *fetch, struct fetch_objects *objects, struct error *err);
void fetch_objects_free(struct fetch_objects *objects);

/*
 * The conversation. When the caller is gone there is nothing left to do: these end the process then, and never fail.
 */
void fetch_send(struct fetch *fetch, uint8_t verb, uint64_t argument, const void *body, size_t length);
void fetch_receive(struct fetch *fetch, uint8_t *ret_verb, uint64_t *ret_argument, size_t *ret_length, int *ret_fd);
void fetch_alive(struct fetch *fetch); /* says so when nothing was sent for a second */

/* Asks the caller for the content that a difference refers to; -ESTALE when it is not to be had. */
int fetch_base(struct fetch *fetch, uint64_t index, uint64_t size, struct buffer *ret_base, struct error *err);

/* Milliseconds that count against a server: those in which the helper did not wait for its caller. */
int64_t fetch_clock_ms(const struct fetch *fetch);

/* At least 10 KB/s on the whole, a minute for everything else, and a second for each request. */
#define FETCH_SLOWEST        10000 /* bytes a second */
#define FETCH_GRACE_MS       60000
#define FETCH_REQUEST_MS     1000
#define FETCH_STALL_MS       30000
#define FETCH_STALL_RATE     1024 /* bytes a second */
#define FETCH_TRIES          5
#define FETCH_SILENCE_MS     60000       /* the caller gives a helper up that says nothing for that long */
#define FETCH_RANGES_MAXIMUM 1000        /* requests for one pack, about */
#define FETCH_GAP            (64U << 10) /* bytes between two ranges that are cheaper to read than to ask anew */

/* Runs in the forked child and never returns. `socket` is the only descriptor that it keeps. */
void fetch_helper_run(int socket, const struct fetch_options *options) __attribute__((noreturn));

#endif
