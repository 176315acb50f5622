/* follow.c - one look after the other: what became of each log's files, and the whole lines that they have now. */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accesslog/follow_private.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define READ_BYTES (1U << 20)
#define LINE_ROOM  (LOG_LINE_MAXIMUM + 2) /* so much of a line that it can be seen to be too long */

/* How long nothing must have come before a rotated file is let go of: old workers of Apache write until their last
 * download is over. */
#define LET_GO_MS         (60 * 60 * 1000)
#define LET_GO_REMOVED_MS (5 * 60 * 1000)

/* ---------------------------------------------------------------- making and freeing */

static void close_generation(struct generation *one)
{
        unpack_free(one->unpack);
        free(one->rest);
        free(one->path);
        if (one->fd >= 0)
                fd_close(&one->fd);
        one->unpack = NULL;
        one->rest = one->path = NULL;
        one->rest_length = 0;
}

void follow_free(struct follow *follow)
{
        if (!follow)
                return;
        for (size_t i = 0; i < follow->count; i++) {
                for (size_t k = 0; k < follow->logs[i].count; k++)
                        close_generation(&follow->logs[i].generations[k]);
                free(follow->logs[i].generations);
        }
        free(follow->logs);
        free(follow->buffer);
        watch_free(follow->watch);
        free(follow);
}

void follow_freep(struct follow **follow)
{
        follow_free(*follow);
}

int follow_new(const char *const paths[], size_t count, struct follow **ret_follow, struct error *err)
{
        struct follow *follow = memory_new(1, sizeof(*follow));

        if (!follow)
                return error_memory(err);
        follow->logs = memory_new(count, sizeof(*follow->logs));
        follow->buffer = memory_new(1, READ_BYTES + LINE_ROOM);
        follow->watch = watch_new();
        if (!follow->logs || !follow->buffer || !follow->watch) {
                follow_free(follow);
                return error_memory(err);
        }
        follow->count = count;
        for (size_t i = 0; i < count; i++) {
                follow->logs[i].path = paths[i];
                watch_add(follow->watch, paths[i]);
        }
        *ret_follow = follow;
        return 0;
}

/* A further generation behind the others; NULL without memory. Pointers to the others are not good any more. */
static struct generation *add_generation(struct log *log, uint64_t number)
{
        struct generation *one;

        if (memory_grow(&log->generations, log->count, sizeof(*log->generations)) < 0)
                return NULL;
        one = &log->generations[log->count++];
        *one = (struct generation){ .number = number, .fd = -1 };
        return one;
}

static uint64_t next_number(const struct log *log)
{
        return log->count ? log->generations[log->count - 1].number + 1 : 1;
}

int follow_restore(struct follow *follow, const char *path, uint64_t number, const struct log_mark *mark,
                   struct error *err)
{
        for (size_t i = 0; i < follow->count; i++) {
                struct log *log = &follow->logs[i];
                struct generation *one;

                if (!text_equal(log->path, path))
                        continue;
                if (log->count && log->generations[log->count - 1].number >= number)
                        return error_set(err, -EINVAL, _("the marks of %s are out of order"), path);
                one = add_generation(log, number);
                if (!one)
                        return error_memory(err);
                one->mark = one->kept = *mark;
                one->known = true;
                return 0;
        }
        return 0;
}

static void notice(struct follow *follow, const char *text, const char *path)
{
        struct error words = ERROR_NONE;

        error_set(&words, -ENOENT, text, path); /* for its escaping */
        snprintf(follow->notice, sizeof(follow->notice), "%s", words.text);
        follow->noticed = true;
}

const char *follow_notice(struct follow *follow)
{
        bool noticed = follow->noticed;

        follow->noticed = false;
        return noticed ? follow->notice : NULL;
}

/* ---------------------------------------------------------------- opening */

/* -1 and *ret_r 0 when it is not there. */
static int open_log(const char *path, struct stat *ret_status, int *ret_r, struct error *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        *ret_r = 0;
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return -1;
        if (fd < 0 || fstat(fd, ret_status) < 0)
                *ret_r = error_errno(err, errno, _("cannot open the log %s"), path);
        else if (!S_ISREG(ret_status->st_mode))
                *ret_r = error_set(err, -EINVAL, _("%s is no file; only files can be followed"), path);
        if (*ret_r < 0 && fd >= 0)
                fd_close(&fd);
        return *ret_r < 0 ? -1 : fd;
}

/* Unpacks from the beginning and skips what was read. */
static int start_unpacking(struct follow *follow, struct generation *one, struct error *err)
{
        uint64_t left = one->mark.offset;
        int r;

        unpack_free(one->unpack);
        one->unpack = NULL;
        free(one->rest);
        one->rest = NULL;
        one->rest_length = 0;
        one->at_end = false;
        if (lseek(one->fd, 0, SEEK_SET) < 0)
                return error_errno(err, errno, _("cannot read %s"), one->path);
        r = unpack_new(one->fd, one->path, &one->unpack, err);
        while (r == 0 && left > 0) {
                ssize_t n =
                        unpack_read(one->unpack, follow->buffer, left < READ_BYTES ? (size_t)left : READ_BYTES, err);

                if (n < 0)
                        return (int)n;
                if (n == 0)
                        break;
                left -= (uint64_t)n;
        }
        return r;
}

/* Looks at the first bytes of a file that is not known by all that can be known of it. */
static int peek(struct generation *one, bool packed)
{
        char bytes[MARK_HEAD_MAXIMUM];
        struct unpack *unpack = NULL;
        ssize_t n = 1, length = 0;

        if (one->mark.head_length == MARK_HEAD_MAXIMUM)
                return 0;
        if (!packed) {
                length = read_full_at(one->fd, bytes, sizeof(bytes), 0);
        } else if (lseek(one->fd, 0, SEEK_SET) == 0 && unpack_new(one->fd, one->path, &unpack, NULL) == 0) {
                while (n > 0 && length < (ssize_t)sizeof(bytes)) {
                        n = unpack_read(unpack, bytes + length, sizeof(bytes) - (size_t)length, NULL);
                        length += n > 0 ? n : 0;
                }
                unpack_free(unpack);
        }
        if (length < 0)
                return (int)length;
        mark_peek(&one->mark, bytes, (size_t)length);
        return 0;
}

/* The generation is read from this descriptor, which it takes, from now on. */
static int open_generation(struct follow *follow, struct generation *one, int fd, const char *path, bool packed,
                           struct error *err)
{
        struct stat status;
        int r;

        close_generation(one);
        one->fd = fd;
        one->path = memory_string(path);
        if (!one->path)
                return error_memory(err);
        if (fstat(fd, &status) < 0)
                return error_errno(err, errno, _("cannot read %s"), path);
        one->mark.device = status.st_dev;
        one->mark.inode = status.st_ino;
        one->changed = true;
        one->quiet_since = 0;
        one->seen_size = UINT64_MAX;
        r = peek(one, packed);
        if (r < 0)
                return error_errno(err, -r, _("cannot read %s"), path);
        return packed ? start_unpacking(follow, one, err) : 0;
}

/* Time of the first line of the newest file that is known; 0: none had a line. */
static int64_t newest_first_line(const struct log *log)
{
        for (size_t i = log->count; i-- > 0;)
                if (log->generations[i].mark.first_us)
                        return log->generations[i].mark.first_us;
        return 0;
}

static int add_open(struct follow *follow, struct log *log, int fd, const char *path, bool packed, bool rotated,
                    struct error *err)
{
        int64_t first = newest_first_line(log);
        struct generation *one = add_generation(log, next_number(log));
        int r;

        if (!one) {
                fd_close(&fd);
                return error_memory(err);
        }
        r = open_generation(follow, one, fd, path, packed, err);
        one->mark.rotated = rotated;
        one->mark.first_us = first;
        one->kept = one->mark;
        return r;
}

/*
 * What lies beside a log that was never looked at is from before, and is not read. The newest of it is the first
 * generation, done: by it all that comes is told from what was there, also when the log was empty, or was not there
 * yet, and has been rotated before a line of it was read.
 */
static int begin_log(struct follow *follow, struct log *log, struct error *err)
{
        struct found found = { .fd = -1 };
        struct generation *before;
        struct stat now;
        int r;

        if (stat(log->path, &now) < 0)
                now = (struct stat){ 0 };
        r = find_newest(follow, log, &now, &found, err);
        if (r < 0)
                return r;
        before = add_generation(log, next_number(log));
        r = before ? 0 : error_memory(err);
        if (before && found.fd >= 0)
                r = open_generation(follow, before, fd_steal(&found.fd), found.path, found.packed, err);
        if (before) {
                before->mark.first_us = found.first_us;
                before->mark.rotated = before->mark.done = before->changed = true;
                before->kept = before->mark;
        }
        found_done(&found);
        return r;
}

/* ---------------------------------------------------------------- finding out what became of a log */

/* How the file that has the log's name looks from the mark. */
static int look_at(int fd, const struct stat *status, const struct log_mark *mark, struct follow_sight *ret_sight)
{
        *ret_sight = (struct follow_sight){
                .exists = true,
                .same_inode = status->st_dev == mark->device && status->st_ino == mark->inode,
                .size = (uint64_t)status->st_size,
        };
        return find_matches(fd, mark, &ret_sight->head, &ret_sight->tail);
}

/* A generation that an earlier run did not finish: it has the log's name still, or lies beside it, or is lost. */
static int attach(struct follow *follow, struct log *log, struct generation *one, struct error *err)
{
        struct found found = { .fd = -1 };
        struct follow_sight sight;
        struct stat status;
        int r = 0, fd = -1;

        /* Of a file that was empty the name says nothing: others may have had it since. */
        if (!one->mark.rotated && one->mark.head_length)
                fd = open_log(log->path, &status, &r, err);
        if (r < 0)
                return r;
        if (fd >= 0) {
                enum follow_verdict verdict = FOLLOW_REPLACED;

                if (find_is_packed(fd))
                        verdict = status.st_ino == one->mark.inode ? FOLLOW_GROWN : FOLLOW_REPLACED;
                else if (look_at(fd, &status, &one->mark, &sight) == 0)
                        verdict = follow_decide(&one->mark, &sight);
                if (verdict == FOLLOW_IDLE || verdict == FOLLOW_GROWN || verdict == FOLLOW_MOVED)
                        return open_generation(follow, one, fd, log->path, find_is_packed(fd), err);
                fd_close(&fd);
        }
        r = find_rest(follow, log, &one->mark, &found, err);
        if (r < 0)
                return r;
        one->mark.rotated = true;
        one->changed = true;
        if (found.fd >= 0) {
                r = open_generation(follow, one, fd_steal(&found.fd), found.path, found.packed, err);
                found_done(&found);
                return r;
        }
        one->mark.done = true;
        if (one->mark.head_length)
                notice(follow,
                       _("the rest of %s from before the last stop was not found beside it; lines that were "
                         "written to it since may be missing"),
                       log->path);
        return 0;
}

/* It never had a line, and nobody waits for one. The first of all stays: it says that the log was looked at before. */
static bool is_nothing(const struct log *log, size_t index)
{
        const struct log_mark *mark = &log->generations[index].mark;

        return index > 0 && mark->done && mark->head_length == 0;
}

static int attach_all(struct follow *follow, struct log *log, struct error *err)
{
        int r = 0;

        log->attached = true;
        for (size_t i = 0; i < log->count && r == 0; i++)
                if (!log->generations[i].mark.done)
                        r = attach(follow, log, &log->generations[i], err);
        while (r == 0 && log->count && is_nothing(log, log->count - 1))
                log->count--; /* its number goes to whatever has the first line */
        return r;
}

/*
 * Since when files are wanted that came in between: the newest that is known, which is known by its first bytes as well
 * as by its time; where that was so long ago that it was forgotten, only those that came after it.
 */
static int64_t wanted_since(const struct log *log)
{
        int64_t since = newest_first_line(log);

        for (size_t i = 0; i < log->count; i++) {
                const struct log_mark *mark = &log->generations[i].mark;

                if (mark->first_us == since && mark->head_length && (mark->offset || mark->done))
                        return since;
        }
        return since + 1;
}

/* Several rotations may have taken place since the last look. */
static int add_between(struct follow *follow, struct log *log, const struct stat *now, struct error *err)
{
        int64_t since = wanted_since(log);
        int r = 0;

        while (r == 0) {
                struct found found = { .fd = -1 };

                r = find_between(follow, log, since, now, &found, err);
                if (r < 0 || found.fd < 0)
                        break;
                r = add_open(follow, log, fd_steal(&found.fd), found.path, found.packed, true, err);
                found_done(&found);
        }
        return r;
}

/* The generation that has the log's name, as far as is known. */
static struct generation *current_of(const struct log *log)
{
        for (size_t i = log->count; i-- > 0;)
                if (!log->generations[i].mark.rotated && !log->generations[i].mark.done && log->generations[i].fd >= 0)
                        return &log->generations[i];
        return NULL;
}

/* Another file has the name now; takes the descriptor. */
static int take_new(struct follow *follow, struct log *log, int fd, const struct stat *status, struct error *err)
{
        const struct log *owner;
        struct generation *known = find_known(follow, fd, status, &owner);
        int r;

        if (known && owner != log) { /* access.log.1 is followed by its name as well */
                fd_close(&fd);
                return 0;
        }
        if (known) { /* a symbolic link that was switched back */
                known->mark.rotated = known->mark.done = false;
                return open_generation(follow, known, fd, log->path, known->unpack != NULL, err);
        }
        r = add_between(follow, log, status, err);
        if (r < 0) {
                fd_close(&fd);
                return r;
        }
        return add_open(follow, log, fd, log->path, find_is_packed(fd), false, err);
}

static bool is_packed_and_read(const struct log *log, const struct stat *status)
{
        const struct generation *last = log->count ? &log->generations[log->count - 1] : NULL;

        return last && last->mark.done && !last->mark.rotated && last->mark.inode == status->st_ino &&
               last->mark.device == status->st_dev;
}

static int look(struct follow *follow, struct log *log, struct error *err)
{
        struct generation *current;
        struct follow_sight sight;
        struct stat status;
        int fd, r = log->attached ? 0 : attach_all(follow, log, err);

        if (r == 0 && log->count == 0)
                r = begin_log(follow, log, err);
        if (r < 0)
                return r;
        current = current_of(log);
        if (stat(log->path, &status) == 0 &&
            ((current && status.st_dev == current->mark.device && status.st_ino == current->mark.inode) ||
             is_packed_and_read(log, &status)))
                return 0; /* whether its content is the same is seen when it is read */
        fd = open_log(log->path, &status, &r, err);
        if (fd < 0)
                return r;
        watch_add(follow->watch, log->path);
        if (!current || current->unpack)
                return take_new(follow, log, fd, &status, err);
        if (look_at(fd, &status, &current->mark, &sight) < 0) {
                fd_close(&fd);
                return error_set(err, -EIO, _("cannot read %s"), log->path);
        }
        switch (follow_decide(&current->mark, &sight)) {
        case FOLLOW_MOVED: return open_generation(follow, current, fd, log->path, false, err);
        case FOLLOW_REPLACED:
                current->mark.rotated = true;
                current->changed = true;
                current->quiet_since = 0;
                return take_new(follow, log, fd, &status, err);
        default: fd_close(&fd); return 0; /* it changed back in between */
        }
}

int follow_look(struct follow *follow, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < follow->count && r == 0; i++)
                r = look(follow, &follow->logs[i], err);
        return r;
}

/* ---------------------------------------------------------------- reading */

/* Where the offset lies among everything: by log, then by generation (the last 64 of them), then by offset. */
static uint64_t position_of(ptrdiff_t log, const struct generation *one)
{
        return ((uint64_t)log & 15) << 44 | (one->number & 63) << 38 | (one->mark.offset & ((UINT64_C(1) << 38) - 1));
}

/* The first `length` bytes of the buffer are handed out. */
static int hand_out(struct follow *follow, struct log *log, struct generation *one, size_t length,
                    struct follow_block *ret_block)
{
        bool own = one->mark.first_us && one->mark.offset;
        int64_t first = own ? 0 : find_first_time(follow->buffer, length);

        if (first)
                one->mark.first_us = first;
        *ret_block = (struct follow_block){
                .bytes = follow->buffer,
                .length = length,
                .log = (size_t)(log - follow->logs),
                .position = position_of(log - follow->logs, one),
                .format = &one->mark.format,
        };
        mark_advance(&one->mark, follow->buffer, length);
        one->changed = true;
        one->quiet_since = 0;
        return 1;
}

/* How much of the buffer are whole lines; of a line that is too long so much that it can be seen. */
static size_t cut(struct generation *one, const char *bytes, size_t length)
{
        const char *newline = length ? memrchr(bytes, '\n', length) : NULL;

        if (newline)
                return (size_t)(newline + 1 - bytes);
        if (length < LINE_ROOM)
                return 0;
        one->mark.skipping = true;
        return length;
}

/* What of the buffer belongs to a line that is too long, or is the hole that a writer without O_APPEND leaves in a
 * truncated file, is stepped over. */
static size_t step_over(struct generation *one, char *bytes, size_t length)
{
        size_t skipped = 0;

        if (one->mark.skipping) {
                const char *newline = memchr(bytes, '\n', length);

                one->mark.skipping = !newline;
                skipped = newline ? (size_t)(newline + 1 - bytes) : length;
        } else {
                while (skipped < length && bytes[skipped] == '\0')
                        skipped++;
        }
        if (skipped) {
                mark_advance(&one->mark, bytes, skipped);
                one->changed = true;
                memmove(bytes, bytes + skipped, length - skipped);
        }
        return length - skipped;
}

/*
 * The file that the generation is read from holds something else now. What was not read yet may lie in a copy (that is
 * what copytruncate does); the file itself begins anew.
 */
static int on_truncated(struct follow *follow, struct log *log, size_t index, struct error *err)
{
        struct generation *one = &log->generations[index];
        bool rotated = one->mark.rotated;
        struct found found = { .fd = -1 };
        struct stat now;
        int r = find_rest(follow, log, &one->mark, &found, err), fd;

        if (r < 0)
                return r;
        fd = fd_steal(&one->fd);
        one->mark.rotated = true;
        one->changed = true;
        if (found.fd >= 0)
                r = open_generation(follow, one, fd_steal(&found.fd), found.path, found.packed, err);
        else
                one->mark.done = true;
        found_done(&found);
        if (r == 0 && !rotated && fstat(fd, &now) == 0) /* it may have been copied and truncated several times */
                r = add_between(follow, log, &now, err);
        if (r < 0) {
                fd_close(&fd);
                return r;
        }
        return add_open(follow, log, fd, log->path, false, rotated, err);
}

static bool may_let_go(const struct log *log, const struct generation *one, const struct stat *status)
{
        int64_t limit = status->st_nlink ? LET_GO_MS : LET_GO_REMOVED_MS;
        size_t open_count = 0;

        if (!one->mark.rotated || !one->quiet_since)
                return false;
        for (size_t i = 0; i < log->count; i++)
                open_count += log->generations[i].fd >= 0;
        return clock_monotonic_ms() - one->quiet_since > limit || open_count > OPEN_MAXIMUM;
}

/* Nothing new in a plain file: 1 when its unfinished last line is handed out because nobody will finish it. */
static int on_quiet(struct follow *follow, struct log *log, struct generation *one, const struct stat *status,
                    size_t unfinished, struct follow_block *ret_block)
{
        one->seen_size = (uint64_t)status->st_size;
        one->seen_ctime = status->st_ctim;
        if (!one->quiet_since)
                one->quiet_since = clock_monotonic_ms();
        if (!may_let_go(log, one, status))
                return 0;
        if (unfinished)
                return hand_out(follow, log, one, unfinished, ret_block);
        one->mark.done = true; /* closed when that is kept */
        one->changed = true;
        return 0;
}

static bool is_unchanged(const struct generation *one, const struct stat *status)
{
        return one->seen_size == (uint64_t)status->st_size && one->seen_ctime.tv_sec == status->st_ctim.tv_sec &&
               one->seen_ctime.tv_nsec == status->st_ctim.tv_nsec;
}

static int read_plain(struct follow *follow, struct log *log, size_t index, struct follow_block *ret_block,
                      struct error *err)
{
        struct generation *one = &log->generations[index];
        struct follow_sight sight;
        struct stat before, after;
        size_t length, handed;
        ssize_t n;

        if (fstat(one->fd, &before) < 0)
                return error_errno(err, errno, _("cannot read %s"), one->path);
        if (is_unchanged(one, &before) && !may_let_go(log, one, &before))
                return 0;
        n = read_full_at(one->fd, follow->buffer, READ_BYTES, one->mark.offset);
        /* Looked at after reading: what was read belongs to a file that is still the same then. */
        if (n < 0 || fstat(one->fd, &after) < 0 || look_at(one->fd, &after, &one->mark, &sight) < 0)
                return error_errno(err, n < 0 ? (int)-n : errno, _("cannot read %s"), one->path);
        sight.same_inode = true;
        if (follow_decide(&one->mark, &sight) == FOLLOW_TRUNCATED)
                return on_truncated(follow, log, index, err);
        length = step_over(one, follow->buffer, (size_t)n);
        handed = cut(one, follow->buffer, length);
        if (handed)
                return hand_out(follow, log, one, handed, ret_block);
        return on_quiet(follow, log, one, &before, length, ret_block);
}

static int read_packed(struct follow *follow, struct log *log, struct generation *one, struct follow_block *ret_block,
                       struct error *err)
{
        size_t length = one->rest_length, handed;
        ssize_t n = 1;

        if (length)
                memcpy(follow->buffer, one->rest, length);
        while (n > 0 && length < READ_BYTES) {
                n = unpack_read(one->unpack, follow->buffer + length, READ_BYTES - length, err);
                if (n > 0 && !length)
                        length = step_over(one, follow->buffer, (size_t)n);
                else if (n > 0)
                        length += (size_t)n;
        }
        if (n <
            0) { /* what is damaged now is damaged for ever; one that is being packed has its plain file beside it */
                notice(follow, _("%s is damaged or cut off; what could be read of it was counted"), one->path);
                n = 0;
        }
        handed = n == 0 ? length : cut(one, follow->buffer, length);
        free(one->rest);
        one->rest = handed < length ? memory_copy(follow->buffer + handed, length - handed) : NULL;
        one->rest_length = length - handed;
        if (one->rest_length && !one->rest)
                return error_memory(err);
        if (handed)
                return hand_out(follow, log, one, handed, ret_block);
        one->mark.done = true;
        one->changed = true;
        return 0;
}

static int read_log(struct follow *follow, struct log *log, struct follow_block *ret_block, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < log->count && r == 0; i++) {
                struct generation *one = &log->generations[i];

                if (one->fd < 0 || one->mark.done)
                        continue;
                r = one->unpack ? read_packed(follow, log, one, ret_block, err)
                                : read_plain(follow, log, i, ret_block, err);
        }
        return r;
}

int follow_next(struct follow *follow, struct follow_block *ret_block, struct error *err)
{
        while (follow->idle < follow->count) {
                struct log *log = &follow->logs[follow->at];
                int r = look(follow, log, err);

                if (r == 0)
                        r = read_log(follow, log, ret_block, err);
                follow->at = (follow->at + 1) % follow->count;
                follow->idle = r > 0 ? 0 : follow->idle + 1;
                if (r != 0)
                        return r;
        }
        follow->idle = 0;
        return 0;
}

/* ---------------------------------------------------------------- marks */

bool follow_changed(const struct follow *follow, size_t *cursor, struct follow_change *ret_change)
{
        size_t at = 0;

        for (size_t i = 0; i < follow->count; i++) {
                const struct log *log = &follow->logs[i];

                for (size_t k = 0; k < log->count; k++, at++) {
                        if (at < *cursor || !log->generations[k].changed)
                                continue;
                        *ret_change = (struct follow_change){
                                .path = log->path,
                                .number = log->generations[k].number,
                                .mark = is_nothing(log, k) ? NULL : &log->generations[k].mark,
                                .oldest = log->generations[0].number,
                        };
                        *cursor = at + 1;
                        return true;
                }
        }
        return false;
}

/*
 * By what is remembered a file is known that lies beside the log: those that had lines must not make room for those
 * that had none. (Room stays: a list grows by doubling at powers of two, and this one is behind them.)
 */
static void forget(struct log *log)
{
        size_t gone = 0, count = 0;

        for (size_t k = 0; k < log->count; k++)
                if (!is_nothing(log, k))
                        log->generations[count++] = log->generations[k];
        log->count = count;
        while (log->count - gone > GENERATIONS_KEPT && log->generations[gone].mark.done)
                gone++;
        if (gone)
                for (size_t k = 0; k + gone < log->count; k++)
                        log->generations[k] = log->generations[k + gone];
        log->count -= gone;
}

void follow_settle(struct follow *follow)
{
        for (size_t i = 0; i < follow->count; i++) {
                struct log *log = &follow->logs[i];

                for (size_t k = 0; k < log->count; k++) {
                        struct generation *one = &log->generations[k];

                        one->kept = one->mark;
                        one->changed = false;
                        one->known = true;
                        if (one->mark.done)
                                close_generation(one);
                }
                forget(log);
        }
}

/* Which file a generation is read from, and whether it has the log's name, is as it is; how far it was read is not. */
void follow_rewind(struct follow *follow)
{
        for (size_t i = 0; i < follow->count; i++) {
                for (size_t k = 0; k < follow->logs[i].count; k++) {
                        struct generation *one = &follow->logs[i].generations[k];
                        struct log_mark mark = one->mark;

                        one->mark = one->kept;
                        one->mark.device = mark.device;
                        one->mark.inode = mark.inode;
                        one->mark.rotated = mark.rotated;
                        one->mark.done = one->kept.done || one->fd < 0;
                        one->seen_size = UINT64_MAX;
                        one->quiet_since = 0;
                        if (one->unpack && start_unpacking(follow, one, NULL) < 0)
                                one->mark.done = true;
                }
        }
        follow->idle = 0;
}

void follow_wait(struct follow *follow, int64_t timeout_ms)
{
        watch_wait(follow->watch, timeout_ms);
}
