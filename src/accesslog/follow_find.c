/* follow_find.c - the files beside a log: which one has the rest of what was read, which came in between. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accesslog/follow_private.h"
#include "accesslog/neighbours.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define FIRST_LINES (64U << 10)

void found_done(struct found *found)
{
        if (found->fd >= 0)
                fd_close(&found->fd);
        free(found->path);
        *found = (struct found){ .fd = -1 };
}

/* ---------------------------------------------------------------- what a file holds */

static int bytes_match(int fd, uint64_t offset, uint32_t length, uint64_t hash, bool *ret_match)
{
        char bytes[MARK_HEAD_MAXIMUM];
        ssize_t n = length ? read_full_at(fd, bytes, length, offset) : 0;

        if (n < 0)
                return (int)n;
        *ret_match = length == 0 || ((size_t)n == length && mark_hash(MARK_HASH_START, bytes, length) == hash);
        return 0;
}

int find_matches(int fd, const struct log_mark *mark, bool *ret_head, bool *ret_tail)
{
        int r = bytes_match(fd, 0, mark->head_length, mark->head_hash, ret_head);

        return r < 0 ? r
                     : bytes_match(fd, mark->offset - mark->tail_length, mark->tail_length, mark->tail_hash, ret_tail);
}

bool find_is_packed(int fd)
{
        unsigned char magic[4] = { 0 };

        if (read_full_at(fd, magic, sizeof(magic), 0) < 2)
                return false;
        return (magic[0] == 0x1f && magic[1] == 0x8b) || memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0;
}

/* The same of a packed file, which has to be unpacked up to the offset. */
static bool packed_matches(int fd, const char *path, const struct log_mark *mark)
{
        _cleanup_(memory_freep) char *bytes = memory_new(1, FIRST_LINES);
        struct unpack *unpack = NULL;
        uint64_t at = 0, head = MARK_HASH_START, tail = MARK_HASH_START;
        uint64_t tail_at = mark->offset - mark->tail_length;
        uint64_t end = mark->offset > mark->head_length ? mark->offset : mark->head_length;
        bool good = bytes && lseek(fd, 0, SEEK_SET) == 0 && unpack_new(fd, path, &unpack, NULL) == 0 &&
                    !unpack_is_plain(unpack);

        while (good && at < end) {
                uint64_t left = end - at;
                ssize_t n = unpack_read(unpack, bytes, left < FIRST_LINES ? (size_t)left : FIRST_LINES, NULL);

                good = n > 0;
                for (ssize_t i = 0; i < n; i++, at++) {
                        if (at < mark->head_length)
                                head = mark_hash(head, bytes + i, 1);
                        if (at >= tail_at && at < mark->offset)
                                tail = mark_hash(tail, bytes + i, 1);
                }
                if (good && at >= mark->head_length)
                        good = head == mark->head_hash;
        }
        unpack_free(unpack);
        return good && (mark->tail_length == 0 || tail == mark->tail_hash);
}

int64_t find_first_time(const char *bytes, size_t length)
{
        static _Thread_local char scratch[LOG_LINE_MAXIMUM];
        const char *cursor = bytes, *line;
        struct log_format format = { 0 };
        struct log_line parsed;
        size_t line_length;

        while (text_next_line(&cursor, bytes + length, &line, &line_length))
                if (log_parse(&format, line, line_length, scratch, &parsed) == LOG_OK)
                        return parsed.time_us;
        return 0;
}

/* The first lines of a plain or packed file, and whether it is packed. -EBADMSG: there is less of it than it would be
 * known by; it is being packed, or damaged so that nothing can be had from it. */
static ssize_t read_first(int fd, const char *path, char *bytes, bool *ret_packed)
{
        struct unpack *unpack = NULL;
        size_t length = 0;
        ssize_t n = 1;

        if (lseek(fd, 0, SEEK_SET) < 0 || unpack_new(fd, path, &unpack, NULL) < 0)
                return -EIO;
        *ret_packed = !unpack_is_plain(unpack);
        while (n > 0 && length < FIRST_LINES) {
                n = unpack_read(unpack, bytes + length, FIRST_LINES - length, NULL);
                length += n > 0 ? (size_t)n : 0;
        }
        unpack_free(unpack);
        return n < 0 && length < MARK_HEAD_MAXIMUM ? -EBADMSG : (ssize_t)length;
}

/* ---------------------------------------------------------------- searching the neighbours */

struct search;
typedef int look_function(struct search *search, const char *path, int fd, const struct stat *status,
                          struct error *err);

struct search {
        const struct follow *follow;
        const struct log *log;
        look_function *look;
        const struct log_mark *mark;
        int64_t since_us;
        const struct stat *now; /* may be among them: a symbolic link has the name */
        int now_fd;
        int rank;               /* of what was found: 3 the same inode, 2 a plain copy, 1 a packed one */
        char *bytes;            /* room for first lines */
        struct found found;
};

static bool is_followed_path(const struct follow *follow, const char *path)
{
        for (size_t i = 0; i < follow->count; i++)
                if (text_equal(follow->logs[i].path, path))
                        return true;
        return false;
}

static void begin_search(void *context)
{
        struct search *search = context;

        search->rank = 0;
        found_done(&search->found);
}

static int visit(void *context, const char *path, int fd, const struct stat *status, struct error *err)
{
        struct search *search = context;

        return is_followed_path(search->follow, path) ? 0 : search->look(search, path, fd, status, err);
}

static int search_neighbours(struct search *search, struct found *ret_found, struct error *err)
{
        _cleanup_(memory_freep) char *bytes = memory_new(1, FIRST_LINES);
        int r;

        search->bytes = bytes;
        search->found.fd = -1;
        r = bytes ? neighbours_visit(search->log->path, begin_search, visit, search, err) : error_memory(err);
        if (r < 0)
                found_done(&search->found);
        else
                *ret_found = search->found;
        return r;
}

static int take(struct found *found, const char *path, int fd, bool packed, int64_t first_us, struct error *err)
{
        found_done(found);
        found->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (found->fd < 0)
                return error_errno(err, errno, _("cannot keep %s open"), path);
        found->path = memory_string(path);
        if (!found->path)
                return error_memory(err);
        found->packed = packed;
        found->first_us = first_us;
        return 0;
}

/* ---------------------------------------------------------------- the rest of one */

/* Whether a generation begins as these bytes do: then the file is it, or a copy that was made when it was shorter. */
static bool begins_as(const struct generation *one, const char *bytes, size_t length)
{
        const struct log_mark *mark = &one->mark;
        char first[MARK_HEAD_MAXIMUM];
        ssize_t n;

        if (mark->head_length)
                return mark->head_length <= length &&
                       mark_hash(MARK_HASH_START, bytes, mark->head_length) == mark->head_hash;
        if (one->fd < 0 || one->unpack)
                return false;
        n = read_full_at(one->fd, first, sizeof(first), 0);
        return n > 0 && (size_t)n <= length && memcmp(first, bytes, (size_t)n) == 0;
}

static bool is_known(const struct follow *follow, const struct stat *status, const char *bytes, size_t length)
{
        for (size_t i = 0; i < follow->count; i++) {
                for (size_t k = 0; k < follow->logs[i].count; k++) {
                        const struct generation *one = &follow->logs[i].generations[k];

                        if ((one->fd >= 0 && one->mark.device == status->st_dev && one->mark.inode == status->st_ino) ||
                            begins_as(one, bytes, length))
                                return true;
                }
        }
        return false;
}

/*
 * A file that was empty is known by its inode number alone, and that is given to another one as soon as it is free.
 * When it had the log's name, lines that are in it now are found as those of all files are that came in between. What
 * was rotated while it was empty is watched on, because old workers may still write to it.
 */
static bool is_empty_one(const struct search *search, int fd, const struct stat *status)
{
        ssize_t n = read_full_at(fd, search->bytes, MARK_HEAD_MAXIMUM, 0);

        return (n == 0 || (n > 0 && search->mark->rotated)) &&
               !is_known(search->follow, status, search->bytes, (size_t)n);
}

static int look_for_rest(struct search *search, const char *path, int fd, const struct stat *status, struct error *err)
{
        const struct log_mark *mark = search->mark;
        bool same = status->st_dev == mark->device && status->st_ino == mark->inode, head, tail;
        struct follow_sight sight = { .exists = true, .size = (uint64_t)status->st_size };
        bool packed = find_is_packed(fd);
        int rank = 0;

        if (find_matches(fd, mark, &head, &tail) < 0)
                return 0;
        if (packed)
                rank = mark->head_length && search->rank < 1 && packed_matches(fd, path, mark);
        else if (sight.size >= mark->offset && head && tail &&
                 (mark->head_length || (same && is_empty_one(search, fd, status))))
                rank = same ? 3 : 2;
        if (rank <= search->rank)
                return 0;
        search->rank = rank;
        return take(&search->found, path, fd, packed, mark->first_us, err);
}

int find_rest(struct follow *follow, const struct log *log, const struct log_mark *mark, struct found *ret_found,
              struct error *err)
{
        struct search search = { .follow = follow, .log = log, .look = look_for_rest, .mark = mark };

        return search_neighbours(&search, ret_found, err);
}

/* ---------------------------------------------------------------- those in between */

struct generation *find_known(const struct follow *follow, int fd, const struct stat *status,
                              const struct log **ret_log)
{
        for (size_t i = 0; i < follow->count; i++) {
                const struct log *log = &follow->logs[i];

                for (size_t k = 0; k < log->count; k++) {
                        struct generation *one = &log->generations[k];
                        bool head, tail, same = one->mark.device == status->st_dev && one->mark.inode == status->st_ino;

                        *ret_log = log;
                        if (one->fd >= 0 && same)
                                return one;
                        if (one->mark.head_length && (uint64_t)status->st_size >= one->mark.offset &&
                            find_matches(fd, &one->mark, &head, &tail) == 0 && head && tail)
                                return one;
                }
        }
        return NULL;
}

/* read_first() into search->bytes, of any file but the one that has the log's name: 0 for that one. */
static ssize_t read_other(struct search *search, const char *path, int fd, const struct stat *status, bool *ret_packed)
{
        if (status->st_dev == search->now->st_dev && status->st_ino == search->now->st_ino)
                return 0;
        return read_first(fd, path, search->bytes, ret_packed);
}

/*
 * Since the file that had the log's name was opened it may have been rotated and packed, or copied: what these bytes are
 * the beginning of is read from the descriptor, and would be counted twice. It is read behind the copy, so it holds no
 * less than that.
 */
static bool is_copy_of_now(const struct search *search, const char *bytes, size_t length)
{
        char first[MARK_HEAD_MAXIMUM];
        ssize_t n = read_full_at(search->now_fd, first, sizeof(first), 0);

        return n > 0 && memcmp(first, bytes, (size_t)n < length ? (size_t)n : length) == 0;
}

static int look_between(struct search *search, const char *path, int fd, const struct stat *status, struct error *err)
{
        bool packed = false;
        ssize_t n = read_other(search, path, fd, status, &packed);
        int64_t first;

        if (n <= 0 || is_known(search->follow, status, search->bytes, (size_t)n) ||
            is_copy_of_now(search, search->bytes, (size_t)n))
                return 0;
        first = find_first_time(search->bytes, (size_t)n);
        if (!first || first < search->since_us || (search->found.fd >= 0 && first > search->found.first_us))
                return 0;
        /* access.log.1 and the access.log.1.gz that is being made of it: the plain one. */
        if (search->found.fd >= 0 && first == search->found.first_us && packed)
                return 0;
        return take(&search->found, path, fd, packed, first, err);
}

int find_between(struct follow *follow, const struct log *log, int64_t since_us, int now_fd, const struct stat *now,
                 struct found *ret_found, struct error *err)
{
        struct search search = {
                .follow = follow, .log = log, .look = look_between, .since_us = since_us, .now_fd = now_fd, .now = now
        };

        return search_neighbours(&search, ret_found, err);
}

static int look_newest(struct search *search, const char *path, int fd, const struct stat *status, struct error *err)
{
        bool packed = false;
        ssize_t n = read_other(search, path, fd, status, &packed);
        int64_t first = n > 0 ? find_first_time(search->bytes, (size_t)n) : 0;

        if (!first || (search->found.fd >= 0 && first <= search->found.first_us))
                return 0;
        return take(&search->found, path, fd, packed, first, err);
}

int find_newest(struct follow *follow, const struct log *log, const struct stat *now, struct found *ret_found,
                struct error *err)
{
        struct search search = { .follow = follow, .log = log, .look = look_newest, .now = now };

        return search_neighbours(&search, ret_found, err);
}
