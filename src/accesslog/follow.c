/* follow.c - one look after the other at each log; the marks of how far each was read. */
#include "follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "accesslog/follow_private.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- life ---- */

void follow_free(struct follow *follow)
{
        if (!follow)
                return;
        for (size_t i = 0; i < follow->count; i++) {
                for (size_t k = 0; k < follow->logs[i].count; k++)
                        generation_close(&follow->logs[i].generations[k]);
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
        follow->buffer = memory_new(1, FOLLOW_READ_BYTES + FOLLOW_LINE_ROOM);
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
                one = generation_add(log, number);
                if (!one)
                        return error_memory(err);
                one->mark = one->kept = *mark;
                one->known = true;
                return 0;
        }
        return 0;
}

void follow_say(struct follow *follow, const char *text, const char *path)
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

/* ---- looking and reading ---- */

int follow_look(struct follow *follow, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < follow->count && r == 0; i++)
                r = log_look(follow, &follow->logs[i], err);
        return r;
}

int follow_next(struct follow *follow, struct follow_block *ret_block, struct error *err)
{
        while (follow->idle < follow->count) {
                struct log *log = &follow->logs[follow->at];
                int r = log_look(follow, log, err);

                if (r == 0)
                        r = log_read(follow, log, ret_block, err);
                follow->at = (follow->at + 1) % follow->count;
                follow->idle = r > 0 ? 0 : follow->idle + 1;
                if (r != 0)
                        return r;
        }
        follow->idle = 0;
        return 0;
}

/* ---- marks ---- */

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
                                .mark = log_is_nothing(log, k) ? NULL : &log->generations[k].mark,
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
                if (!log_is_nothing(log, k))
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
                                generation_close(one);
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
                        if (one->unpack && generation_unpack(follow, one, NULL) < 0)
                                one->mark.done = true;
                }
        }
        follow->idle = 0;
}

void follow_wait(struct follow *follow, int64_t timeout_ms)
{
        watch_wait(follow->watch, timeout_ms);
}
