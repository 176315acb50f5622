/*
 * mark.h - how far a log file was read, and by what it is known again.
 *
 * A name says nothing about a file that is rotated, and an inode number is given to the next file as soon as it is
 * free. So a file is known by what it holds: a hash of its first bytes and one of the last bytes before the
 * offset. A file that was truncated and has grown again, a copy, a packed copy: what it holds decides. Times of files
 * are never looked at.
 */
#ifndef ACCESSLOG_MARK_H
#define ACCESSLOG_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/format.h"
#include "base/fnv1a.h"

#define MARK_HEAD_MAXIMUM 1024U
#define MARK_TAIL_MAXIMUM 256U

struct log_mark {
        uint64_t device, inode;
        uint64_t offset; /* of the (unpacked) file: behind the last whole line that was read */
        uint64_t head_hash, tail_hash;
        uint32_t head_length, tail_length; /* the head may be longer than what was read */
        int64_t first_us;                  /* time of its first good line; until one is read, of the file before it */
        bool skipping;                     /* the offset lies inside of a line that was too long */
        bool rotated;                      /* it no longer has the log's name */
        bool done;                         /* read to its end, and let go */
        struct log_format format;
};

/* The bytes behind the offset were read. */
void mark_advance(struct log_mark *mark, const char *bytes, size_t length);

/* The first bytes of the file were seen, but not read yet: it is known by them. */
void mark_peek(struct log_mark *mark, const char *bytes, size_t length);

uint64_t mark_hash(uint64_t start, const char *bytes, size_t length);
#define MARK_HASH_START FNV1A_START

/* What was seen of the file that has the log's name. */
struct follow_sight {
        bool exists;
        bool same_inode; /* device and inode are those of the mark */
        uint64_t size;
        bool head, tail; /* the bytes that the mark knows are there, unchanged; true when it knows none */
};

/*
 * verdict           inode   size      content   what is done
 * FOLLOW_IDLE       same    = offset  same      nothing
 * FOLLOW_GROWN      same    > offset  same      read on
 * FOLLOW_TRUNCATED  same    < offset, or other  look for a copy that has the rest; begin again at 0
 * FOLLOW_REPLACED   other   any       other     read the old one to its end, the new one from its beginning
 * FOLLOW_MOVED      other   >= offset same      go on in it: a copy of what was read, and perhaps more (rsync)
 * FOLLOW_GONE       none                        read the old one on; wait for the name
 */
enum follow_verdict {
        FOLLOW_IDLE,
        FOLLOW_GROWN,
        FOLLOW_TRUNCATED,
        FOLLOW_REPLACED,
        FOLLOW_MOVED,
        FOLLOW_GONE,
};

/* Pure. */
enum follow_verdict follow_decide(const struct log_mark *mark, const struct follow_sight *sight);

#endif
