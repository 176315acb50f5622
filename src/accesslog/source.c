/* source.c - who reads what: ranges of plain files side by side, streams (stream.h) one block after the other. */
#include "source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accesslog/stream.h"
#include "accesslog/unpack.h"
#include "accesslog/w3c.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define SAMPLE_BYTES (64U << 10)
/* So much of a line that it can be seen to be too long, its CR not counted. */
#define LINE_ROOM (LOG_LINE_MAXIMUM + 2)

#define SPARE_BUFFERS 64

struct file {
        const char *path;
        int fd;
        bool done;
        uint64_t size;        /* on the disk; of a pipe 0 */
        uint64_t begin, room; /* positions, see log_position() */
        /* Plain, in ranges: */
        bool ranges;
        uint64_t taken; /* bytes that readers have asked for */
        /* A stream: */
        bool busy;     /* somebody reads it */
        uint64_t used; /* bytes of the file, for the progress */
        struct log_stream stream;
};

/* What a reader has yet to read of a plain file. */
struct range {
        struct file *file;
        uint64_t next, end;
};

struct log_source {
        pthread_mutex_t lock;
        pthread_cond_t freed; /* a stream is not busy any more */
        struct file *files;
        size_t count;
        size_t block_bytes;
        struct range ranges[LOG_READERS_MAXIMUM];
        char *spare[SPARE_BUFFERS]; /* of blocks that were given back */
        size_t spare_count;
};

void log_source_close(struct log_source *source)
{
        if (!source)
                return;
        for (size_t i = 0; i < source->count; i++) {
                struct file *file = &source->files[i];

                log_stream_done(&file->stream);
                if (file->fd > STDERR_FILENO)
                        fd_close(&file->fd);
        }
        while (source->spare_count)
                free(source->spare[--source->spare_count]);
        free(source->files);
        pthread_cond_destroy(&source->freed);
        pthread_mutex_destroy(&source->lock);
        free(source);
}

void log_source_closep(struct log_source **source)
{
        log_source_close(*source);
}

/* ---------------------------------------------------------------- opening */

static int open_file(struct file *file, struct error *err)
{
        _cleanup_(memory_freep) char *sample = memory_new(1, SAMPLE_BYTES);
        struct stat status;
        ssize_t n = 0;
        int r;

        if (!sample)
                return error_memory(err);
        file->fd = text_equal(file->path, "-") ? STDIN_FILENO : open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (file->fd < 0 || fstat(file->fd, &status) < 0)
                return error_errno(err, errno, _("cannot open the log %s"), file->path);
        if (S_ISDIR(status.st_mode))
                return error_set(err, -EISDIR, _("%s is a folder; name the logs in it"), file->path);
        if (S_ISREG(status.st_mode)) {
                file->size = (uint64_t)status.st_size;
                n = read_full_at(file->fd, sample, SAMPLE_BYTES, 0);
                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read %s"), file->path);
        }
        r = log_stream_init(&file->stream, file->fd, file->path, err);
        if (r < 0)
                return r;
        file->ranges = S_ISREG(status.st_mode) && unpack_is_plain(file->stream.unpack) &&
                       !w3c_has_fields(sample, (size_t)n) && file->fd != STDIN_FILENO;
        if (file->ranges) {
                log_stream_done(&file->stream);
                posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        }
        return 0;
}

/* Gives each file its positions, in order. */
static void deal_positions(struct log_source *source)
{
        const uint64_t all = UINT64_C(1) << LOG_POSITION_BITS;
        uint64_t plain = 0, streams = 0, begin = 0;

        for (size_t i = 0; i < source->count; i++) {
                if (source->files[i].ranges)
                        plain += source->files[i].size;
                else
                        streams++;
        }
        for (size_t i = 0; i < source->count; i++) {
                struct file *file = &source->files[i];

                file->room = file->ranges ? file->size : plain < all ? (all - plain) / streams : 0;
                if (file->room > all - begin)
                        file->room = all - begin;
                file->begin = begin;
                begin += file->room;
                if (file->room == 0) { /* an empty file; or petabytes of sparse ones came before */
                        file->room = 1;
                        file->begin -= file->begin == all;
                }
        }
}

int log_source_open(const char *const paths[], size_t count, size_t block_bytes, struct log_source **ret_source,
                    struct error *err)
{
        struct log_source *source = memory_new(1, sizeof(*source));
        int r = 0;

        if (!source || !(source->files = memory_new(count, sizeof(*source->files)))) {
                free(source);
                return error_memory(err);
        }
        pthread_mutex_init(&source->lock, NULL);
        pthread_cond_init(&source->freed, NULL);
        source->block_bytes = block_bytes ? block_bytes : 1;
        source->count = count;
        for (size_t i = 0; i < count; i++) {
                source->files[i].path = paths[i];
                source->files[i].fd = -1;
        }
        for (size_t i = 0; i < count && r == 0; i++)
                r = open_file(&source->files[i], err);
        if (r < 0) {
                log_source_close(source);
                return r;
        }
        deal_positions(source);
        *ret_source = source;
        return 0;
}

/* ---------------------------------------------------------------- buffers */

/* All are of one size, so that each can serve for any block: a stream's block begins with the rest of the one before.
 */
static size_t buffer_bytes(const struct log_source *source)
{
        return source->block_bytes + 2 * LINE_ROOM;
}

/* With the lock held; NULL without memory. */
static char *take_buffer(struct log_source *source)
{
        return source->spare_count ? source->spare[--source->spare_count]
                                   : memory_resize(NULL, buffer_bytes(source), 1);
}

static void give_buffer(struct log_source *source, char *buffer)
{
        if (buffer && source->spare_count < SPARE_BUFFERS)
                source->spare[source->spare_count++] = buffer;
        else
                free(buffer);
}

/* ---------------------------------------------------------------- ranges of plain files */

/* Reads on behind a range until its last line ends, or is too long anyway. */
static ssize_t read_tail(const struct file *file, char *bytes, size_t room, uint64_t offset)
{
        size_t length = 0;

        while (length < room) {
                size_t part = room - length < 4096 ? room - length : 4096;
                ssize_t n = read_full_at(file->fd, bytes + length, part, offset + length);
                const char *newline;

                if (n < 0)
                        return n;
                newline = n ? memchr(bytes + length, '\n', (size_t)n) : NULL;
                if (newline)
                        return newline + 1 - bytes;
                length += (size_t)n;
                if ((size_t)n < part)
                        break;
        }
        return (ssize_t)length;
}

/* The lines that begin at or behind `begin` and before `end`: 1, 0 when none does. */
static int read_range(const struct file *file, uint64_t begin, uint64_t end, struct log_block *block, struct error *err)
{
        uint64_t from = begin ? begin - 1 : 0; /* whether a line begins at `begin` is said by the byte before it */
        size_t wanted = (size_t)(end - from), skip = 0;
        char *bytes = block->private;
        ssize_t n, tail = 0;

        n = read_full_at(file->fd, bytes, wanted, from);
        if (n < 0)
                return error_errno(err, (int)-n, _("cannot read %s"), file->path);
        if (begin) {
                const char *newline = n ? memchr(bytes, '\n', (size_t)n) : NULL;

                skip = newline ? (size_t)(newline + 1 - bytes) : (size_t)n;
        }
        if (skip >= (size_t)n)
                return 0;
        if ((size_t)n == wanted && bytes[n - 1] != '\n')
                tail = read_tail(file, bytes + n, LINE_ROOM, end);
        if (tail < 0)
                return error_errno(err, (int)-tail, _("cannot read %s"), file->path);
        block->bytes = bytes + skip;
        block->length = (size_t)(n + tail) - skip;
        block->offset = from + skip;
        return 1;
}

/* ---------------------------------------------------------------- handing out */

/* The first file that something can be taken from now; NULL when there is none. *ret_wait: one is being read. */
static struct file *choose(struct log_source *source, bool *ret_wait)
{
        *ret_wait = false;
        for (size_t i = 0; i < source->count; i++) {
                struct file *file = &source->files[i];

                if (file->done)
                        continue;
                if (!file->busy)
                        return file;
                *ret_wait = true;
        }
        return NULL;
}

static bool is_left(const struct range *range)
{
        return range->next < range->end;
}

/* The second half of the longest rest; false when none is longer than a block. */
static bool take_half(struct log_source *source, struct range *ret_range)
{
        struct range *longest = NULL;
        uint64_t middle;

        for (size_t i = 0; i < LOG_READERS_MAXIMUM; i++) {
                struct range *range = &source->ranges[i];

                if (is_left(range) && (!longest || range->end - range->next > longest->end - longest->next))
                        longest = range;
        }
        if (!longest || longest->end - longest->next <= source->block_bytes)
                return false;
        middle = longest->next + (longest->end - longest->next) / 2;
        *ret_range = (struct range){ longest->file, middle, longest->end };
        longest->end = middle;
        return true;
}

/* With the lock held; let go of while reading. */
static int take_range(struct log_source *source, struct range *range, struct log_block *block, struct error *err)
{
        struct file *file = range->file;
        uint64_t begin = range->next;
        uint64_t end = range->end - begin > source->block_bytes ? begin + source->block_bytes : range->end;
        int r = 0;

        range->next = end;
        file->taken += end - begin;
        pthread_mutex_unlock(&source->lock);
        if (begin < end)
                r = read_range(file, begin, end, block, err);
        pthread_mutex_lock(&source->lock);
        if (r < 0) /* the rest of it will be no better */
                range->next = range->end;
        return r;
}

static int take_stream(struct log_source *source, struct file *file, struct log_block *block, struct error *err)
{
        int r;

        file->busy = true;
        pthread_mutex_unlock(&source->lock);
        r = log_stream_read(&file->stream, block->private, buffer_bytes(source), block, err);
        pthread_mutex_lock(&source->lock);
        file->used = unpack_used(file->stream.unpack);
        file->busy = false;
        file->done = r <= 0;
        pthread_cond_broadcast(&source->freed);
        return r;
}

/* The file that this reader takes its next block from; if it is a plain one, from `range`. NULL when there is none;
 * *ret_wait as from choose(). */
static struct file *find_work(struct log_source *source, struct range *range, bool *ret_wait)
{
        struct file *file;

        *ret_wait = false;
        if (is_left(range))
                return range->file;
        file = choose(source, ret_wait);
        if (!file)
                return take_half(source, range) ? range->file : NULL;
        if (file->ranges) {
                *range = (struct range){ file, 0, file->size };
                file->done = true; /* handed out as a whole */
        }
        return file;
}

int log_source_next(struct log_source *source, unsigned int reader, struct log_block *ret_block, struct error *err)
{
        struct range *range = &source->ranges[reader];
        struct log_block block = { 0 };
        int r = 0;

        assert(reader < LOG_READERS_MAXIMUM);
        pthread_mutex_lock(&source->lock);
        for (;;) {
                bool wait;
                struct file *file = find_work(source, range, &wait);

                if (!file && !wait)
                        break;
                if (!file) {
                        pthread_cond_wait(&source->freed, &source->lock);
                        continue;
                }
                block = (struct log_block){ .file = (size_t)(file - source->files),
                                            .begin = file->begin,
                                            .room = file->room,
                                            .private = take_buffer(source) };
                if (!block.private) {
                        file->done = true;
                        range->next = range->end;
                        r = error_memory(err);
                } else if (file->ranges) {
                        r = take_range(source, range, &block, err);
                } else {
                        r = take_stream(source, file, &block, err);
                }
                if (r > 0)
                        break;
                give_buffer(source, block.private);
                if (r < 0)
                        break;
        }
        pthread_mutex_unlock(&source->lock);
        if (r > 0)
                *ret_block = block;
        return r;
}

void log_source_release(struct log_source *source, struct log_block *block)
{
        pthread_mutex_lock(&source->lock);
        give_buffer(source, block->private);
        pthread_mutex_unlock(&source->lock);
        memset(block, 0, sizeof(*block));
}

void log_source_progress(struct log_source *source, uint64_t *ret_done, uint64_t *ret_total)
{
        uint64_t done = 0, total = 0;
        bool known = true;

        pthread_mutex_lock(&source->lock);
        for (size_t i = 0; i < source->count; i++) {
                const struct file *file = &source->files[i];

                done += file->ranges ? file->taken : file->used;
                total += file->size;
                known &= file->size > 0 || file->ranges;
        }
        pthread_mutex_unlock(&source->lock);
        *ret_done = done;
        *ret_total = known ? total : 0;
}
