/*
 * private.h - inside the review module: filling a review, and looking at one name.
 */
#ifndef REVIEW_PRIVATE_H
#define REVIEW_PRIVATE_H

#include <sys/stat.h>

#include "review/content.h"
#include "review/review.h"

/* 0 or -ENOMEM; past the limits it only counts. */
int review_add(struct review *review, enum finding_kind kind, bool planted, const char *path, const char *format, ...)
        _printf_(5, 6) _must_check_;
int review_add_host(struct review *review, const struct content_host *host, const char *path,
                    bool only_static) _must_check_;
/* Findings and hosts into their order; lone hosts are marked, and become findings where a static page names them in a
 * site that is made by programs. */
int review_settle(struct review *review, bool site_has_code, struct error *err) _must_check_;

int review_paths_add(struct review_paths *list, const char *path, size_t length) _must_check_;
void review_paths_done(struct review_paths *list);

/* What one look needs beside the file. */
struct inspection {
        struct review *review;
        const struct review_options *options;
        char *block; /* REVIEW_HEAD_SIZE bytes */
        struct hasher *hasher;
        bool only_hosts;                  /* nothing is wanted but the outside hosts that a file names */
        uint64_t code_files, known_files; /* programs; files that the checksums know */
};

int inspection_init(struct inspection *inspection, struct review *review, const struct review_options *options,
                    struct error *err);
void inspection_done(struct inspection *inspection);

/* Looks at a name in `directory` that has `stx` and lies at `path`. `expected`: what its SHA-256 must be (NULL: not
 * compared). Whatever is wrong with the name is a finding; a failure is only of our own (memory). */
int inspect(struct inspection *inspection, int directory, const char *name, const char *path, const struct statx *stx,
            const struct digest *expected, struct error *err);

/* The names in a folder. */
struct names {
        char **list; /* sorted */
        size_t count, capacity;
};

/* 0, -ENOMEM, or another errno of the folder. */
int names_read(int directory, struct names *names);
void names_done(struct names *names);

/* What names tell. */
bool name_is_code(const char *name);    /* a web server may run it */
bool name_is_control(const char *name); /* .htaccess and the like */
bool name_is_static(const char *name);  /* a page or script that is served as it is */
bool name_is_picture(const char *name); /* or a document, archive, font: nothing that holds code */
bool name_is_doubled(const char *name); /* code by an extension that is not the last */
bool path_is_upload(const char *path);  /* a folder where visitors' files go is in it */
bool path_is_cache(const char *path);   /* a folder that programs fill: cache, tmp, sessions */
/* The program that would answer but for this page: index.php for index.html; false when it shadows nothing. */
bool name_shadows(const char *name, char program[static 256]);

#endif
