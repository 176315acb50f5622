/*
 * guard.h - the guard: what is not genuine is not served, is found, told, kept and healed.
 *
 * guard_run() is the main loop of `understudy guard`. It reads events (watch.h), compares single paths with the release
 * (look.h), keeps a gate alive (keeper.h), has the whole looked at in a thread (examine.h), writes the journal, keeps
 * evidence (keep.h), starts pulls that heal (heal.h), asks who it was (inquiry.h), and listens to its peers (pulse.h).
 * It ends with SIGTERM or SIGINT.
 *
 * Rights: root. It parses manifests only after their signatures held; names and contents are compared, never
 * interpreted. Nothing here waits for the network or for the journal's disk.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/key.h"
#include "guard/pulse.h"
#include "guard/site.h"

#define GUARD_SITES 16

/* Something that the operator should hear of. Borrowed during the call. */
struct guard_news {
        bool urgent;
        const char *kind; /* as in the journal */
        const char *dest;
        const char *what; /* one sentence, in the operator's language */
        const json_t *details;
};

/* Whether the kernel is to ask before each read as well: what was held open before is refused, too, and nothing can be
 * written into a file under guard. Each read of any other file of the file system costs some microseconds then. */
enum guard_reads {
        GUARD_READS_AUTO, /* where the tree lies on another file system than the machine's root */
        GUARD_READS_ALWAYS,
        GUARD_READS_NEVER,
};

struct guard_options {
        const char *dests[GUARD_SITES];
        size_t dest_count;
        const char *state_directory;
        const char *url; /* repository; only needed to heal */
        const char *pub_path;
        struct public_key pub;
        enum guard_mode mode;
        const char *root_names[RELEASE_ROOTS_MAXIMUM]; /* roots with a mode of their own */
        enum guard_mode root_modes[RELEASE_ROOTS_MAXIMUM];
        size_t root_mode_count;
        const char *reload_command; /* NULL: none */
        const char *gate;           /* path of the gate's program */
        const char *self;           /* path of our own, which heals */
        uint32_t verdict_ms;
        bool late_allow;
        enum guard_reads reads;
        struct pulse_options pulse; /* the peers */
        int64_t silence_ms;  /* a gate or guard part that is silent for so long is replaced */
        int64_t rescan_ms;   /* everything is hashed again so often; 0: never */

        void (*ready)(void *context);
        void (*say)(void *context, const char *sentence); /* for the log */
        void (*news)(void *context, const struct guard_news *news);
        /* What else the caller's loop has to do: a descriptor to wait for (-1: none), how long at most (-1), and the
         * call that is made then and at least every ten seconds. */
        int (*descriptor)(void *context);
        int (*wait_ms)(void *context);
        void (*tick)(void *context);
        void *context;
};

int guard_run(const struct guard_options *options, struct error *err);

#endif
