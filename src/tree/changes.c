/* changes.c - the second look at a tree. */
#include "changes.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "manifest/inode.h"
#include "tree/findings.h"
#include "tree/hash_pool.h"

#define NS_PER_S     INT64_C(1000000000)
#define STEP_BACK_NS (50 * INT64_C(1000000)) /* slewing moves the clock less than that in any verification's time */

static int64_t in_ns(const struct timespec *time)
{
        return (int64_t)time->tv_sec * NS_PER_S + time->tv_nsec;
}

static int64_t clock_offset(void)
{
        struct timespec wall, monotonic;

        clock_gettime(CLOCK_REALTIME, &wall);
        clock_gettime(CLOCK_MONOTONIC, &monotonic);
        return in_ns(&wall) - in_ns(&monotonic);
}

/* A file system that counts whole seconds (ext4 with small inodes, as ext3 made them) stamps what is changed behind the
 * start as it stamps what was changed before it, up to the end of the second: that is waited for. */
static void wait_second(struct timespec *stamp)
{
        const time_t first = stamp->tv_sec;

        while (stamp->tv_sec == first) {
                const struct timespec rest = { .tv_nsec = NS_PER_S - stamp->tv_nsec };

                nanosleep(&rest, NULL);
                clock_wait_tick(stamp);
        }
        stamp->tv_nsec = 0;
}

int changes_begin(struct changes *changes, int directory, struct error *err)
{
        struct statx root;

        *changes = (struct changes){ .offset_ns = clock_offset() };
        if (getrandom(changes->key, sizeof(changes->key), 0) != sizeof(changes->key))
                return error_errno(err, errno, _("cannot get random bytes from the system"));
        clock_wait_tick(&changes->start);
        if (inode_stat(directory, &root) == 0 && root.stx_ctime.tv_nsec == 0)
                wait_second(&changes->start);
        return 0;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
        unsigned __int128 product = (unsigned __int128)(hash ^ word) * 0x9e3779b97f4a7c15ULL;

        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t fingerprint(uint64_t key, const char *path, size_t length, const struct statx *stx)
{
        uint64_t hash = mix(key, length);
        size_t at = 0;

        for (; at + 8 <= length; at += 8) {
                uint64_t word;

                memcpy(&word, path + at, 8);
                hash = mix(hash, word) + key;
        }
        for (; at < length; at++)
                hash = mix(hash, (unsigned char)path[at]) + key;
        hash = mix(hash, stx->stx_ino) + key;
        hash = mix(hash, stx->stx_size) + key;
        hash = mix(hash, (uint64_t)stx->stx_mode << 32 | stx->stx_nlink) + key;
        hash = mix(hash, (uint64_t)stx->stx_uid << 32 | stx->stx_gid) + key;
        hash = mix(hash, (uint64_t)stx->stx_ctime.tv_sec) + key;
        hash = mix(hash, (uint64_t)stx->stx_mtime.tv_sec) + key;
        return mix(hash, (uint64_t)stx->stx_ctime.tv_nsec << 32 | stx->stx_mtime.tv_nsec);
}

static void add(const struct changes *changes, uint64_t sum[static 2], const char *path, size_t length,
                const struct statx *stx)
{
        sum[0] += fingerprint(changes->key[0], path, length, stx);
        sum[1] += fingerprint(changes->key[1], path, length, stx);
}

void changes_add(struct changes *changes, const char *path, size_t length, const struct statx *stx)
{
        add(changes, changes->sum, path, length, stx);
}

static bool is_new(const struct changes *changes, const struct statx *stx)
{
        struct timespec changed = { stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec }, now;

        if (in_ns(&changed) < in_ns(&changes->start))
                return false;
        clock_gettime(CLOCK_REALTIME, &now);
        return in_ns(&changed) <= in_ns(&now);
}

static void set_changing(struct verify_result *result, const char *path, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * (ENTRY_PATH_MAXIMUM + ENTRY_NAME_MAXIMUM) + 16);

        if (!result->changing && text_escape(&text, length ? path : ".", length ? length : 1) == 0)
                snprintf(result->changing_path, sizeof(result->changing_path), "%.*s",
                         (int)sizeof(result->changing_path) - 1, buffer_text(&text));
        result->changing = true;
}

void changes_again(struct changes *changes, const char *path, size_t length, int error, const struct statx *stx,
                   struct verify_result *result)
{
        if (error)
                return; /* it is not in the sum then */
        if (is_new(changes, stx))
                set_changing(result, path, length);
        else
                add(changes, changes->again_sum, path, length, stx);
}

/* A file is looked at by whoever has time. */
static int hand_over(const struct walk_item *item, struct hash_pool *pool, struct error *err)
{
        struct file_job *job = NULL;
        int r = hash_pool_take(pool, item->path, item->path_length, &job, err);

        if (r < 0)
                return r;
        job->again = true;
        job->folder = walk_folder_hold(item->folder);
        job->name_at = (size_t)(item->name - item->path);
        return hash_pool_put(pool, err);
}

static int look_again(struct changes *changes, struct walk *walk, const struct walk_item *item, bool complete,
                      struct verify_result *result, struct error *err)
{
        int r;

        changes_again(changes, item->path, item->path_length, item->error, &item->stx, result);
        if (result->changing || item->error || !S_ISDIR(item->stx.stx_mode) || item->mount)
                return 0;
        r = walk_enter(walk);
        if (findings_lack(r)) /* it is us that lack what it takes to look */
                return error_errno(err, -r, _("cannot look at %s again"), item->path);
        if (r < 0 && complete)
                set_changing(result, item->path, item->path_length);
        return 0;
}

int changes_end(struct changes *changes, int directory, const struct companion *companion, bool complete,
                struct hash_pool *pool, struct verify_result *result, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = result->changing ? 0 : walk_new(directory, WALK_UNSORTED | WALK_LAZY, &walk, err);

        while (r == 0 && !result->changing && walk_next(walk, &item)) {
                if (companion && companion->ignored_count && companion_ignored(companion, item->path))
                        continue;
                r = item->lazy ? hand_over(item, pool, err) : look_again(changes, walk, item, complete, result, err);
        }
        if (r == 0)
                r = hash_pool_finish(pool, err);
        if (r < 0)
                return r;
        if (complete && (changes->again_sum[0] != changes->sum[0] || changes->again_sum[1] != changes->sum[1]))
                result->changing = true; /* where, the sums don't say */
        if (clock_offset() < changes->offset_ns - STEP_BACK_NS)
                result->changing = result->clock_stepped = true;
        return 0;
}
