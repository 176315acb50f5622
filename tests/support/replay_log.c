/*
 * replay_log - what a power loss leaves of a disk, out of a log of everything that was written to it.
 *
 *     replay_log LOG                          prints how many flushes the log holds
 *     replay_log LOG IMAGE FROM TO            applies what was written after flush FROM, up to flush TO, to IMAGE
 *     replay_log LOG IMAGE FROM TO SEED       and some of what came after TO, but was never flushed: each such write is
 *                                             there or not, by a coin whose sequence SEED chooses
 *
 * A disk keeps what came before a flush; of the rest it may have kept anything, in any order. The log is that of Linux'
 * dm-log-writes, which QEMU's blklogwrites writes, too: a superblock and entries, each filling whole sectors, an
 * entry's data behind it.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define LOG_MAGIC      UINT64_C(0x6a736677736872)
#define LOG_VERSION    1
#define ENTRY_FLUSH    1u
#define ENTRY_DISCARD  4u
#define SECTOR_MAXIMUM 65536u
#define DATA_MAXIMUM   (64u * 1024 * 1024)

struct log_super {
        uint64_t magic, version, entries;
        uint32_t sector_size;
};

struct log_entry {
        uint64_t sector, sectors, flags, data_length;
};

struct log_file {
        int fd;
        uint64_t entries; /* in the superblock: what was there at the last flush */
        uint32_t sector_size;
};

struct replay {
        int image;        /* -1: only count */
        uint64_t from;    /* flushes that the image has already */
        uint64_t to;      /* the last flush that is applied */
        uint64_t coin;    /* state of the coin; 0: nothing after `to` */
        uint64_t flushes; /* seen so far */
};

/* Reads exactly that much from there. */
static int read_exactly(int fd, void *bytes, size_t length, uint64_t offset, struct error *err)
{
        if (read_at(fd, bytes, length, offset) != (ssize_t)length)
                return error_set(err, -EIO, "the log ends early, at byte %" PRIu64, offset);
        return 0;
}

static int open_log(const char *path, struct log_file *log, struct error *err)
{
        struct log_super super;
        int r;

        log->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (log->fd < 0)
                return error_errno(err, errno, "cannot open %s", path);
        r = read_exactly(log->fd, &super, sizeof(super), 0, err);
        if (r < 0)
                return r;
        log->entries = le64toh(super.entries);
        log->sector_size = le32toh(super.sector_size);
        if (le64toh(super.magic) != LOG_MAGIC || le64toh(super.version) != LOG_VERSION || log->sector_size < 512 ||
            log->sector_size > SECTOR_MAXIMUM)
                return error_set(err, -EINVAL, "%s is not a log of writes", path);
        return 0;
}

/* Marsaglia's xorshift: the same coins for the same seed, everywhere. */
static bool coin(struct replay *replay)
{
        replay->coin ^= replay->coin << 13;
        replay->coin ^= replay->coin >> 7;
        replay->coin ^= replay->coin << 17;
        return (replay->coin >> 32) & 1;
}

/* Whether a write that comes after `flushes` flushes is on the disk. */
static bool is_wanted(struct replay *replay)
{
        if (replay->image < 0 || replay->flushes < replay->from)
                return false;
        if (replay->flushes < replay->to)
                return true;
        return replay->flushes == replay->to && replay->coin && coin(replay);
}

static int apply(const struct log_file *log, const struct log_entry *entry, uint64_t data_offset, int image,
                 struct error *err)
{
        uint64_t length = entry->sectors * log->sector_size;
        char *data;
        int r;

        if (entry->sectors > DATA_MAXIMUM / log->sector_size)
                return error_set(err, -EINVAL, "an entry of %" PRIu64 " sectors is not believable", entry->sectors);
        data = memory_new(1, length);
        if (!data)
                return error_memory(err);
        r = read_exactly(log->fd, data, length, data_offset, err);
        if (r == 0 && (lseek(image, (off_t)(entry->sector * log->sector_size), SEEK_SET) < 0 ||
                       write_full(image, data, length) < 0))
                r = error_errno(err, errno, "cannot write to the image");
        free(data);
        return r;
}

static int run(const struct log_file *log, struct replay *replay, struct error *err)
{
        uint64_t offset = log->sector_size;

        for (uint64_t i = 0; i < log->entries; i++) {
                struct log_entry entry;
                int r = read_exactly(log->fd, &entry, sizeof(entry), offset, err);

                if (r < 0)
                        return r;
                entry.sector = le64toh(entry.sector);
                entry.sectors = le64toh(entry.sectors);
                entry.flags = le64toh(entry.flags);
                offset += log->sector_size;
                /* A discarded range may read as anything; leaving it is one of the things that may happen. */
                if (!(entry.flags & ENTRY_DISCARD) && entry.sectors > 0) {
                        if (is_wanted(replay)) {
                                r = apply(log, &entry, offset, replay->image, err);
                                if (r < 0)
                                        return r;
                        }
                        offset += entry.sectors * log->sector_size;
                }
                if (entry.flags & ENTRY_FLUSH)
                        replay->flushes++;
        }
        return 0;
}

static int parse_arguments(int argc, char *argv[], struct replay *replay, struct error *err)
{
        if (argc == 2)
                return 0;
        if (argc < 5 || argc > 6 || text_parse_u64(argv[3], strlen(argv[3]), UINT32_MAX, &replay->from) < 0 ||
            text_parse_u64(argv[4], strlen(argv[4]), UINT32_MAX, &replay->to) < 0 ||
            (argc == 6 && text_parse_u64(argv[5], strlen(argv[5]), UINT32_MAX, &replay->coin) < 0))
                return error_usage(err, "usage: replay_log LOG [IMAGE FROM TO [SEED]]");
        if (argc == 6)
                replay->coin = (replay->coin + 1) * UINT64_C(0x9e3779b97f4a7c15);
        replay->image = open(argv[2], O_WRONLY | O_CLOEXEC);
        if (replay->image < 0)
                return error_errno(err, errno, "cannot open %s", argv[2]);
        return 0;
}

int main(int argc, char *argv[])
{
        struct replay replay = { .image = -1 };
        struct log_file log = { .fd = -1 };
        struct error error = ERROR_NONE;
        int r = parse_arguments(argc, argv, &replay, &error);

        if (r == 0)
                r = open_log(argc > 1 ? argv[1] : "", &log, &error);
        if (r == 0)
                r = run(&log, &replay, &error);
        if (r == 0 && replay.image < 0)
                printf("%" PRIu64 "\n", replay.flushes);
        fd_close(&log.fd);
        fd_close(&replay.image);
        if (r < 0)
                fprintf(stderr, "replay_log: %s\n", error.text);
        return (int)error.status;
}
