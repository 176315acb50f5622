/*
 * review.h - what an operator should see before he signs: what looks planted in a tree, and what changed since the
 * release before.
 *
 * In 2009 nobody looked: the planted login page would have been signed with the rest. A signature only says that files
 * are the same; that they are good is a person's word, and this module shows him where to look. It proves nothing: a
 * tree without findings may still hold a back door.
 *
 * It reads a tree that may belong to an intruder: no link is followed, no mount is crossed, nothing but regular files
 * is opened, each at most REVIEW_HEAD_SIZE bytes deep, and all that is kept has a limit. It never writes.
 *
 *     struct review review = REVIEW_EMPTY;
 *     r = review_scan(directory, &options, &review, err);
 *     ...review.findings, review.hosts...
 *     review_done(&review);
 */
#ifndef REVIEW_REVIEW_H
#define REVIEW_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "manifest/mtree.h"

#define REVIEW_HEAD_SIZE        (1U << 20) /* bytes of a file that are looked through */
#define REVIEW_FINDINGS_MAXIMUM 10000      /* kept; more are counted */
#define REVIEW_HOSTS_MAXIMUM    2000
#define REVIEW_HOST_FILES       20   /* names of files kept for a host; more are counted */
#define REVIEW_PATHS_MAXIMUM    1000 /* names kept of each kind of change; more are counted */

enum finding_kind {
        FINDING_SHADOW,     /* answers instead of a program beside it: index.html beside index.php */
        FINDING_CONTROL,    /* steers the server: .htaccess, .user.ini */
        FINDING_UPLOAD,     /* code, or what a browser renders, in a folder that looks like uploads */
        FINDING_EXTENSION,  /* double extension: x.php.jpg */
        FINDING_DISGUISE,   /* code in what its name says is a picture or a document */
        FINDING_OBFUSCATED, /* eval(base64_decode(...)) and the like */
        FINDING_FRAME,      /* a hidden iframe, or one from outside that hides */
        FINDING_HOST,       /* a script or frame from a host that only this file names */
        FINDING_CHECKSUM,   /* differs from what the distributor ships */
        FINDING_TIME,       /* changed much later than all around it, or with a time stamp that was set back */
        FINDING_OWNER,      /* belongs to the web server's user among files that do not */
        FINDING_MODE,       /* setuid, setgid, or writable for everybody */
        FINDING_TYPE,       /* device, FIFO, socket */
        FINDING_LINK,       /* a symbolic link that leads out of the tree */
        FINDING_MOUNT,      /* another file system: not looked into */
        FINDING_UNREADABLE, /* could not be looked at, which counts as bad */
        FINDING_CHANGED,    /* is not what the manifest says that is about to be signed */
        FINDING_KIND_COUNT,
};

/* "shadow", "control", ...: the words of the JSON output, never translated. */
const char *finding_kind_name(enum finding_kind kind);

struct finding {
        enum finding_kind kind;
        bool planted; /* looks planted; otherwise a note that somebody should know */
        char *path;   /* raw bytes; "" is the root of the tree */
        char *detail; /* a sentence for a person, translated */
};

/* An outside host from which pages of the site load a script or frame. */
struct review_host {
        char *name;
        char *paths[REVIEW_HOST_FILES]; /* raw bytes */
        size_t path_count;
        uint64_t files;
        bool script, frame;
        bool lone; /* named by a single file, or only by static pages */
};

struct review {
        struct finding *findings; /* sorted: planted ones first, then by path */
        size_t finding_count;
        uint64_t findings_dropped; /* past the limit */
        struct review_host *hosts; /* sorted by name */
        size_t host_count;
        uint64_t hosts_dropped;
        uint64_t files, folders, bytes; /* looked at; bytes read */
        uint64_t planted;               /* findings that look planted */
};

#define REVIEW_EMPTY                                                                                                   \
        {                                                                                                              \
                NULL, 0, 0, NULL, 0, 0, 0, 0, 0, 0                                                                     \
        }

struct checksums;

struct review_options {
        int64_t web_uid;                   /* of the user that the web server runs as; -1: not known */
        const char *folder;                /* absolute path of the tree, for the distributor's checksums; NULL: none */
        const struct checksums *checksums; /* what files should be; NULL: nothing known */
        void (*progress)(void *context, uint64_t files, uint64_t bytes);
        void *context;
};

/* Looks through a whole tree. Fails only when the tree as a whole cannot be read; what cannot be read in it is a
 * finding. */
int review_scan(int directory, const struct review_options *options, struct review *ret_review, struct error *err);

void review_done(struct review *review);

/* Raw paths of one kind of change: the first REVIEW_PATHS_MAXIMUM, and how many there are. */
struct review_paths {
        char **paths;
        size_t count;
        uint64_t total;
};

struct review_changes {
        struct review_paths added, removed, changed; /* files and links; a folder's own mode is not listed */
        struct review_paths code;                    /* added or changed, and run by a server or by a browser */
        struct review found;                         /* findings in what was added or changed */
        struct review_paths new_hosts;               /* hosts (not paths) that only added or changed files name */
};

/*
 * Compares the release before (NULL: there is none, everything is added) with the manifest that is about to be signed,
 * and looks through what was added or changed. `directory` is the source: a file in it that is not what the new
 * manifest says (it changed since it was hashed) is a finding of its own kind.
 */
int review_compare(int directory, struct mtree_reader *previous, struct mtree_reader *next,
                   const struct review_options *options, struct review_changes *ret_changes, struct error *err);

void review_changes_done(struct review_changes *changes);

#endif
