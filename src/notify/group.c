/* group.c - groups of alerts in memory. */
#include "notify/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define SLOTS (MESSAGE_FIRST + MESSAGE_LAST)

void groups_init(struct groups *groups, int64_t window_ms)
{
        memset(groups, 0, sizeof(*groups));
        groups->window_ms = window_ms;
        for (size_t i = 0; i <= GROUPS_MAXIMUM; i++)
                groups->list[i].fd = -1;
}

static void forget_lines(struct group *group)
{
        free(group->slots);
        group->slots = NULL;
        fd_close(&group->fd);
        group->count = 0;
        group->worst = (enum alert_severity)0;
        *group->id = '\0';
}

void groups_done(struct groups *groups)
{
        for (size_t i = 0; i <= GROUPS_MAXIMUM; i++)
                forget_lines(&groups->list[i]);
}

static void start(struct groups *groups, struct group *group, const char *key, int64_t now_ms)
{
        group->open = true;
        snprintf(group->key, sizeof(group->key), "%s", key);
        group->until_ms = now_ms + groups->window_ms;
}

struct group *groups_find(struct groups *groups, const char *key, int64_t now_ms, bool full)
{
        struct group *rest = &groups->list[GROUPS_MAXIMUM];

        for (size_t i = 0; i < GROUPS_MAXIMUM; i++)
                if (groups->list[i].open && strncmp(groups->list[i].key, key, GROUP_KEY_SIZE - 1) == 0)
                        return &groups->list[i];
        for (size_t i = 0; i < GROUPS_MAXIMUM && !full; i++) {
                if (!groups->list[i].open) {
                        start(groups, &groups->list[i], key, now_ms);
                        return NULL;
                }
        }
        if (!rest->open)
                start(groups, rest, "", now_ms);
        return rest;
}

int group_collect(struct group *group, const struct alert *alert, const char **ret_slot, uint64_t *ret_offset,
                  struct error *err)
{
        enum alert_severity worst = alert->severity > group->worst ? alert->severity : group->worst;
        char slot[MESSAGE_SLOT];
        uint64_t offset = 0;
        int r;

        if (!group->slots)
                group->slots = memory_new(SLOTS, MESSAGE_SLOT);
        if (!group->slots)
                return error_memory(err);
        r = *group->id ? 0 : message_id_make(group->id, err);
        if (r == 0)
                r = message_format_slot(alert, group->count + 1, worst, slot, &offset, err);
        if (r < 0)
                return r;
        memcpy(group->slots + offset, slot, MESSAGE_SLOT);
        group->count++;
        group->worst = worst;
        *ret_slot = group->slots + offset;
        *ret_offset = offset;
        return 0;
}

size_t group_length(const struct group *group)
{
        return (size_t)(group->count < SLOTS ? group->count : SLOTS) * MESSAGE_SLOT;
}

struct group *groups_due(struct groups *groups, int64_t now_ms)
{
        for (size_t i = 0; i <= GROUPS_MAXIMUM; i++)
                if (groups->list[i].open && groups->list[i].until_ms <= now_ms)
                        return &groups->list[i];
        return NULL;
}

void group_next(struct groups *groups, struct group *group, int64_t now_ms)
{
        group->open = group->count > 0;
        group->until_ms = now_ms + groups->window_ms;
        forget_lines(group);
}

int64_t groups_wait(const struct groups *groups, int64_t now_ms)
{
        int64_t wait = -1;

        for (size_t i = 0; i <= GROUPS_MAXIMUM; i++) {
                const struct group *group = &groups->list[i];
                int64_t left = group->until_ms > now_ms ? group->until_ms - now_ms : 0;

                if (group->open && (wait < 0 || left < wait))
                        wait = left;
        }
        return wait;
}
