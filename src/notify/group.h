/*
 * group.h - rate limit: which alert goes at once, and which is collected. No I/O; the caller keeps a group's lines on
 * the disk as well.
 *
 *     alert of a group        window      what happens
 *     first                   opens       goes at once
 *     further ones            runs        counted, first and last lines kept
 *     -                       ends, some  one message of them all; the window runs again
 *     -                       ends, none  forgotten
 *
 * At most GROUPS_MAXIMUM groups are open; what belongs to further ones is collected together, as "everything else", so
 * that an intruder who makes up ten thousand different names does not make ten thousand mails.
 */
#ifndef NOTIFY_GROUP_H
#define NOTIFY_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "notify/message.h"

#define GROUPS_MAXIMUM 16
#define GROUP_KEY_SIZE 257

struct group {
        bool open;
        char key[GROUP_KEY_SIZE];
        int64_t until_ms; /* end of the window */
        uint64_t count;   /* collected in it */
        enum alert_severity worst;
        char id[MESSAGE_ID_SIZE]; /* of the message that they will be */
        char *slots;              /* owned; MESSAGE_FIRST + MESSAGE_LAST of them, as in the file */
        int fd;                   /* the file, -1: none (the disk is full) */
};

struct groups {
        struct group list[GROUPS_MAXIMUM + 1]; /* the last one takes what has no room elsewhere */
        int64_t window_ms;
};

void groups_init(struct groups *groups, int64_t window_ms);
void groups_done(struct groups *groups);

/*
 * Where an alert belongs. NULL: it goes at once, and its group is open from now on. With `full` nothing goes at once.
 * A group's window that has ended is the caller's to release first (groups_due()).
 */
struct group *groups_find(struct groups *groups, const char *key, int64_t now_ms, bool full);

/* Counts it, gives the first of a window its id, and says which slot has changed: MESSAGE_SLOT bytes at *ret_offset of
 * the file, borrowed. */
int group_collect(struct group *group, const struct alert *alert, const char **ret_slot, uint64_t *ret_offset,
                  struct error *err);

/* Bytes of group->slots that are in use: the message. */
size_t group_length(const struct group *group);

/* A group whose window has ended, NULL when there is none. Then group_next(): its window runs again, or it is closed.
 */
struct group *groups_due(struct groups *groups, int64_t now_ms);
void group_next(struct groups *groups, struct group *group, int64_t now_ms);

/* Milliseconds until the next window ends, -1 when none runs. */
int64_t groups_wait(const struct groups *groups, int64_t now_ms);

#endif
