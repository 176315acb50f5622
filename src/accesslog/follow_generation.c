/* follow_generation.c - one file that has or had a log's name: found, opened, unpacked, closed. */
#include "accesslog/follow_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

void generation_close(struct generation *one)
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

struct generation *generation_add(struct log *log, uint64_t number)
{
        struct generation *one;

        if (memory_grow(&log->generations, log->count, sizeof(*log->generations)) < 0)
                return NULL;
        one = &log->generations[log->count++];
        *one = (struct generation){ .number = number, .fd = -1 };
        return one;
}

uint64_t log_next_number(const struct log *log)
{
        return log->count ? log->generations[log->count - 1].number + 1 : 1;
}

int generation_unpack(struct follow *follow, struct generation *one, struct error *err)
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
                ssize_t n = unpack_read(one->unpack, follow->buffer,
                                        left < FOLLOW_READ_BYTES ? (size_t)left : FOLLOW_READ_BYTES, err);

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

int generation_open(struct follow *follow, struct generation *one, int fd, const char *path, bool packed,
                    struct error *err)
{
        struct stat status;
        int r;

        generation_close(one);
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
        return packed ? generation_unpack(follow, one, err) : 0;
}

int64_t log_newest_first_line(const struct log *log)
{
        for (size_t i = log->count; i-- > 0;)
                if (log->generations[i].mark.first_us)
                        return log->generations[i].mark.first_us;
        return 0;
}

int generation_begin(struct follow *follow, struct log *log, int fd, const char *path, bool packed, bool rotated,
                     struct error *err)
{
        int64_t first = log_newest_first_line(log);
        struct generation *one = generation_add(log, log_next_number(log));
        int r;

        if (!one) {
                fd_close(&fd);
                return error_memory(err);
        }
        r = generation_open(follow, one, fd, path, packed, err);
        one->mark.rotated = rotated;
        one->mark.first_us = first;
        one->kept = one->mark;
        return r;
}
