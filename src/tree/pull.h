/*
 * pull.h - make DEST exactly the release, by a fresh tree and one exchange.
 *
 * Three calls, because a guard puts its own exchange in the middle: stage (build the new trees beside the old ones,
 * verified), exchange (behind a table), settle (evidence, state, clean-up). pull() does all of it. See
 * docs/internals/pull.md for the order of steps and what a crash leaves at each.
 */
#ifndef TREE_PULL_H
#define TREE_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/key.h"
#include "store/repository.h"
#include "tree/state.h"
#include "tree/verify.h"

enum take_over {
        TAKE_OVER_AUTO, /* reflink where the file system can, else link above 512 MiB, else copy */
        TAKE_OVER_COPY,
        TAKE_OVER_LINK,
};

/* A name that differs, as a guard found it. */
struct pull_name {
        char root[RELEASE_NAME_SIZE];
        char path[PATH_MAX]; /* raw, below the root */
};
#define PULL_MEND_NAMES 32 /* more at a time are for a fresh tree */

/* A tree of the new release that stands ready beside DEST. Borrowed. */
struct pull_staged {
        const char *name; /* of its root */
        int folder;
};

struct pull_options {
        const char *url;
        struct public_key pub;
        uint64_t number;                /* 0: the newest */
        bool adopt;                     /* DEST may be not empty and never pulled: everything in it becomes evidence */
        bool repin;                     /* the key may be another one than DEST was pulled with before */
        const struct state_root *roots; /* besides the docroot; folders may be relative */
        size_t root_count;
        enum take_over take_over;
        unsigned int threads;
        uint64_t evidence_bytes;    /* most bytes of evidence for one pull; 0: 256 MiB */
        const char *check_command;  /* run by sh -c in a mount namespace where the staged trees stand at their final
                                       places; not 0: refused. NULL: none */
        const char *reload_command; /* run by sh -c after the exchange; NULL: none */
        struct repository_options repository;
        /* What differed before, as it is found. */
        int (*difference)(void *context, const struct difference *difference, struct error *err);
        void (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
        void (*note)(void *context,
                     const char *sentence); /* warnings: an expired note, no leases, a mount that was carried away */
        /* Called just before the exchange, when everything is ready for it: a caller that keeps a journal writes it
         * there first. It cannot hold the exchange up. NULL: nothing. */
        void (*exchanging)(void *context, uint64_t from, uint64_t to);
        /*
         * For a guard that watches DEST. `staged` comes before `exchanging`, with the folder of the new release's signed
         * files (kept.next) and the trees that stand ready: a negative result, with words, keeps the exchange from being made. `exchanged` tells how it
         * went, once, if `staged` returned 0: true, the new trees are in place. NULL: there is no guard.
         */
        int (*staged)(void *context, uint64_t release, int kept_next, const struct pull_staged *trees, size_t count,
                      struct error *err);
        void (*exchanged)(void *context, bool done);
        /*
         * For a mend (mend.h). `differing` asks the guard which names of DEST differ; 0: none, or more than
         * PULL_MEND_NAMES. `mending` comes before the first exchange, with the folders in which the fresh inodes stand
         * ready and which what stood there goes to: a negative result, with words, keeps the mend from being made. `mended`
         * when they stand in their places, as far as they could be brought there, and the web server was reloaded. NULL,
         * all three: nothing is mended.
         */
        size_t (*differing)(void *context, struct pull_name names[static PULL_MEND_NAMES]);
        int (*mending)(void *context, uint64_t release, int kept_next, const struct pull_staged *trees, size_t count,
                       size_t names, struct error *err);
        void (*mended)(void *context);
        void *context;
};

struct pull_result {
        uint64_t release;            /* in place now */
        uint64_t release_before;     /* 0: DEST was absent, or never pulled */
        bool compared;               /* `before` is meaningful: DEST was there */
        struct verify_result before; /* all roots added up, against the release that was in place */
        bool exchanged;              /* a fresh tree came in place; if nothing was mended either, nothing had to be done */
        uint64_t mended;             /* names that were put right by themselves */
        bool expired;                /* current.json is past its end: which release is the newest cannot be known */
        uint64_t files, bytes;       /* of the release, all roots */
        uint64_t fetched_objects;
        struct repository_traffic traffic;
        char evidence[PATH_MAX]; /* folder, "" when nothing differed */
};

/*
 * 0 when every root is exact now (whatever it was before: see result->before). Otherwise negative with words,
 * err->status 3 or 4, and the live trees are as they were, unless words say which root was exchanged already.
 */
int pull(struct state *state, const struct pull_options *options, struct pull_result *ret_result, struct error *err);

#endif
