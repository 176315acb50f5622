/* follow_private.h - logs and their generations; for follow.c, the follow_*.c and watch.c alone. */
#ifndef ACCESSLOG_FOLLOW_PRIVATE_H
#define ACCESSLOG_FOLLOW_PRIVATE_H

#include <sys/stat.h>

#include "accesslog/follow.h"
#include "accesslog/unpack.h"
#include "accesslog/watch.h"

#define GENERATIONS_KEPT 32 /* of each log, to know a file again */
#define OPEN_MAXIMUM     16 /* of each log */

#define FOLLOW_READ_BYTES (1U << 20)
#define FOLLOW_LINE_ROOM  (LOG_LINE_MAXIMUM + 2) /* so much of a line that it can be seen to be too long */

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
        char *buffer; /* FOLLOW_READ_BYTES + FOLLOW_LINE_ROOM */
        struct watch *watch;
        char notice[ERROR_TEXT_SIZE];
        bool noticed;
};

/* What follow_notice() gives next; the text has one %s, the path. */
void follow_say(struct follow *follow, const char *text, const char *path);

/* ---- follow_generation.c */

/* A further generation behind the others; NULL without memory. Pointers to the others are not good any more. */
struct generation *generation_add(struct log *log, uint64_t number);
uint64_t log_next_number(const struct log *log);

/* The generation is read from this descriptor, which it takes, from now on. */
int generation_open(struct follow *follow, struct generation *one, int fd, const char *path, bool packed,
                    struct error *err);

/* Both: the next number, and read from this descriptor, which is taken. */
int generation_begin(struct follow *follow, struct log *log, int fd, const char *path, bool packed, bool rotated,
                     struct error *err);

/* Unpacks from the beginning and skips what was read. */
int generation_unpack(struct follow *follow, struct generation *one, struct error *err);

void generation_close(struct generation *one);

/* Time of the first line of the newest file that is known; 0: none had a line. */
int64_t log_newest_first_line(const struct log *log);

/* ---- follow_look.c */

/* Finds out which file has the log's name now, and what became of the one that had it. */
int log_look(struct follow *follow, struct log *log, struct error *err);

/* How an open file looks from the mark. */
int log_compare(int fd, const struct stat *status, const struct log_mark *mark, struct follow_sight *ret_sight);

/* Several rotations may have taken place since the last look: what came before the file that is open as `now_fd`. */
int log_catch_up(struct follow *follow, struct log *log, int now_fd, const struct stat *now, struct error *err);

/* It never had a line, and nobody waits for one. The first of all stays: it says that the log was looked at before. */
bool log_is_nothing(const struct log *log, size_t index);

/* ---- follow_read.c */

/* 1: lines; 0: nothing more just now. */
int log_read(struct follow *follow, struct log *log, struct follow_block *ret_block, struct error *err);

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
 * the one with the oldest first line; fd -1 when there is none. `now_fd`, with its status, is the file that has the
 * name; it, and a copy that was made of it since it was opened, packed or not, is none of them. */
int find_between(struct follow *follow, const struct log *log, int64_t since_us, int now_fd, const struct stat *now,
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
