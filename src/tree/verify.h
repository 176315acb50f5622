/*
 * verify.h - is a tree equal to its manifest? The central question.
 *
 * A merge of two streams in the same order: the manifest and a sorted walk. Names, types, modes, owners, link texts,
 * xattrs, flags, hard links and mounts are compared by the walking thread; contents are hashed by workers through
 * descriptors. Memory is bounded by the largest folder, not by the tree. Time stamps decide nothing - except that a
 * change after the start (ctime) makes the answer "changing", never "genuine".
 */
#ifndef TREE_VERIFY_H
#define TREE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "manifest/companion.h"
#include "manifest/difference.h"
#include "manifest/entry.h"
#include "manifest/mtree.h"

/* One difference of one kind. Pointers are borrowed during the call. */
struct difference {
        const char *path; /* raw bytes; an extra folder ends with "/", the root is "." */
        size_t path_length;
        enum difference_kind kind;
        const char *expected; /* as in DESIGN.md: SHA-256, type, octal mode, uid:gid, target ...; NULL: nothing */
        const char *found;
        const char *root; /* name of the root it is in */
};

struct verify_options {
        unsigned int threads;              /* 0: as many as there are processors, at most 8 */
        bool leases;                       /* also ask whether nobody can write: read lease on every file */
        const char *root;                  /* name, for differences */
        const struct companion *companion; /* NULL: empty */
        int parent; /* descriptor of the folder above the tree, where the links of mutable areas are resolved from; -1:
                       areas are not looked at */
        const char *parent_name; /* the tree's own name in it */

        /* Called in the walking thread, in order. A negative result ends the verification with it. NULL: only counted.
         */
        int (*difference)(void *context, const struct difference *difference, struct error *err);
        /*
         * Called by the worker that hashed it, for every file whose content and attributes are as in the manifest, with
         * the open descriptor (O_RDONLY, at any offset; closed by verify afterwards) and its metadata as they were
         * before reading; not for one that leases were asked for and somebody holds open for writing. The guard marks
         * here; pull takes over here, by copy or reflink. It must not alter the inode (a link changes the ctime:
         * "changing"). Must be thread-safe. NULL: nothing.
         */
        int (*genuine)(void *context, const struct entry *entry, int fd, const struct statx *stx, struct error *err);
        void (*progress)(void *context, uint64_t files, uint64_t bytes); /* walking thread, about ten times a second */
        void *context;
};

struct verify_result {
        uint64_t files; /* regular files of the manifest that were there as regular files */
        uint64_t bytes; /* read and hashed */
        uint64_t differences;
        uint64_t times;          /* files whose modification time is not the signed one: a note, no difference */
        bool changing;           /* something changed while it was read: not genuine, run again */
        char changing_path[256]; /* escaped, one of them */
        uint64_t writable;       /* leases: files that somebody holds open for writing */
        char writable_path[256];
        bool no_leases;     /* the file system gives no leases */
        bool clock_stepped; /* the wall clock was set back meanwhile, so that ctimes prove nothing: changing */
};

/* Adds up the results of several roots. */
void verify_result_add(struct verify_result *total, const struct verify_result *one);

/* genuine == no differences and not changing (and, with leases, nobody writing). */
bool verify_is_genuine(const struct verify_result *result);

/*
 * What is listed: a path once for every kind in which it differs. Once, and nothing below it: an extra folder, a
 * missing folder, a folder that is something else now, a mount (also when it is the root). `found` of an unreadable
 * file is "unreadable: ..."; of a file of another size than the manifest's above 64 MiB "size N" instead of its
 * SHA-256. A breach of a mutable area's or an ignored path's rules is `extra`, found says which rule; an area that is
 * not there is no difference. An area may be a mount, nothing below it may.
 */

/*
 * Compares the tree at `directory` (a descriptor of the root folder, O_RDONLY | O_DIRECTORY) with the manifest. Returns
 * 0 when the comparison was made, whatever it found; negative with words when it could not be made (nothing is known
 * then, which counts as bad). What cannot be opened or read inside the tree is a difference (content, found
 * "unreadable: ...").
 */
int tree_verify(int directory, struct mtree_reader *manifest, const struct verify_options *options,
                struct verify_result *ret_result, struct error *err);

/*
 * The same for the tree called `name` in the folder `parent`, which may be absent, a symbolic link or something else:
 * then that is the one difference (missing or type, of "."). options->parent and parent_name are set here.
 */
int tree_verify_at(int parent, const char *name, struct mtree_reader *manifest, const struct verify_options *options,
                   struct verify_result *ret_result, struct error *err);

#endif
