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

void changes_add(struct changes *changes, const char *path, size_t length, const struct statx *stx)
{
        changes->sum[0] += fingerprint(changes->key[0], path, length, stx);
        changes->sum[1] += fingerprint(changes->key[1], path, length, stx);
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

/* 1 to go on, 0 when it is known that something changed, negative when we lack what it takes to look. */
static int look_again(const struct changes *changes, struct changes *again, struct walk *walk,
                      const struct walk_item *item, bool complete, struct verify_result *result)
{
        int r;

        if (item->error == 0 && is_new(changes, &item->stx)) {
                set_changing(result, item->path, item->path_length);
                return 0;
        }
        if (item->error == 0)
                changes_add(again, item->path, item->path_length, &item->stx);
        if (item->error || !S_ISDIR(item->stx.stx_mode) || item->mount)
                return 1;
        r = walk_enter(walk);
        if (findings_lack(r))
                return r;
        if (r < 0 && complete) {
                set_changing(result, item->path, item->path_length);
                return 0;
        }
        return 1;
}

int changes_end(struct changes *changes, int directory, const struct companion *companion, bool complete,
                struct verify_result *result, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        struct changes again = {
                .key = {changes->key[0], changes->key[1]}
        };
        const struct walk_item *item;
        int r = result->changing ? 0 : walk_new(directory, WALK_UNSORTED, &walk, err);

        if (r < 0)
                return r;
        r = 1;
        while (r > 0 && !result->changing && walk_next(walk, &item)) {
                if (companion && companion->ignored_count && companion_ignored(companion, item->path))
                        continue;
                r = look_again(changes, &again, walk, item, complete, result);
                if (r < 0)
                        return error_errno(err, -r, _("cannot look at %s again"), item->path);
        }
        if (!result->changing && complete && (again.sum[0] != changes->sum[0] || again.sum[1] != changes->sum[1]))
                result->changing = true; /* where, the sums don't say */
        if (clock_offset() < changes->offset_ns - STEP_BACK_NS)
                result->changing = result->clock_stepped = true;
        return 0;
}
