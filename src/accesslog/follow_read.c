/* follow_read.c - the whole lines that a log's files have now, packed and plain. */
#include "accesslog/follow_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

/* How long nothing must have come before a rotated file is let go of: old workers of Apache write until their last
 * download is over. */
#define LET_GO_MS         (60 * 60 * 1000)
#define LET_GO_REMOVED_MS (5 * 60 * 1000)

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
        if (length < FOLLOW_LINE_ROOM)
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
                r = generation_open(follow, one, fd_steal(&found.fd), found.path, found.packed, err);
        else
                one->mark.done = true;
        found_done(&found);
        if (r == 0 && !rotated && fstat(fd, &now) == 0) /* it may have been copied and truncated several times */
                r = log_catch_up(follow, log, fd, &now, err);
        if (r < 0) {
                fd_close(&fd);
                return r;
        }
        return generation_begin(follow, log, fd, log->path, false, rotated, err);
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
        n = read_full_at(one->fd, follow->buffer, FOLLOW_READ_BYTES, one->mark.offset);
        /* Looked at after reading: what was read belongs to a file that is still the same then. */
        if (n < 0 || fstat(one->fd, &after) < 0 || log_compare(one->fd, &after, &one->mark, &sight) < 0)
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
        while (n > 0 && length < FOLLOW_READ_BYTES) {
                n = unpack_read(one->unpack, follow->buffer + length, FOLLOW_READ_BYTES - length, err);
                if (n > 0 && !length)
                        length = step_over(one, follow->buffer, (size_t)n);
                else if (n > 0)
                        length += (size_t)n;
        }
        /* What is damaged now is damaged for ever; one that is being packed has its plain file beside it. */
        if (n < 0) {
                follow_say(follow, _("%s is damaged or cut off; what could be read of it was counted"), one->path);
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

int log_read(struct follow *follow, struct log *log, struct follow_block *ret_block, struct error *err)
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
