/* follow_private.h - logs and their generations; for follow.c, follow_find.c and watch.c alone. */
#ifndef ACCESSLOG_FOLLOW_PRIVATE_H
#define ACCESSLOG_FOLLOW_PRIVATE_H

#include <sys/stat.h>

#include "accesslog/follow.h"
#include "accesslog/unpack.h"
#include "accesslog/watch.h"

#define GENERATIONS_KEPT 32 /* of each log, to know a file again */
#define OPEN_MAXIMUM     16 /* of each log */

struct generation {
        uint64_t number;
        struct log_mark mark;
        struct log_mark kept;  /* what the caller has kept */
        bool changed, known;   /* known: the caller has kept it at least once */
        int fd;                /* -1: not found yet, or let go of */
        char *path;            /* where it was found, for words; owned */
        struct unpack *unpack; /* packed; NULL: plain */
        char *rest;            /* of the unpacked stream behind the offset; owned */
        size_t rest_length;
        bool at_end;        /* of the unpacked stream */
        uint64_t seen_size; /* when it was read to its end, with its ctime: whether to look again */
        struct timespec seen_ctime;
        int64_t quiet_since; /* milliseconds of the monotonic clock: since when nothing came; 0: something did */
};

struct log {
        const char *path;
        struct generation *generations; /* by number */
        size_t count;
        bool attached; /* generations of an earlier run were looked for */
};

struct follow {
        struct log *logs;
        size_t count;
        size_t at;   /* the log that is read next */
        size_t idle; /* how many logs, one after the other, had nothing */
        char *buffer;
        struct watch *watch;
        char notice[ERROR_TEXT_SIZE];
        bool noticed;
};

/* ---- follow_find.c */

/* Whether an open plain file holds what the mark knows. Negative errno when it cannot be read. */
int find_matches(int fd, const struct log_mark *mark, bool *ret_head, bool *ret_tail);

bool find_is_packed(int fd);

struct found {
        int fd; /* -1: nothing */
        char *path;
        bool packed;
        int64_t first_us;
};

void found_done(struct found *found);

/* A file beside the log that holds what was read of this generation, and perhaps more: the same inode first, then a
 * plain copy, then a packed one. */
int find_rest(struct follow *follow, const struct log *log, const struct log_mark *mark, struct found *ret_found,
              struct error *err);

/* The files beside the log that came between `since_us` and the one that has its name now, and that nobody has read:
 * the one with the oldest first line; fd -1 when there is none. `now` is the file that has the name. */
int find_between(struct follow *follow, const struct log *log, int64_t since_us, const struct stat *now,
                 struct found *ret_found, struct error *err);

/* The file beside the log with the newest first line, but for `now`; fd -1 when there is none. */
int find_newest(struct follow *follow, const struct log *log, const struct stat *now, struct found *ret_found,
                struct error *err);

/* The generation that this file is: one that is open, or one of which it holds all that was read. NULL: it is new. */
struct generation *find_known(const struct follow *follow, int fd, const struct stat *status,
                              const struct log **ret_log);

/* Time of the first good line in these bytes, 0 when there is none. */
int64_t find_first_time(const char *bytes, size_t length);

#endif
