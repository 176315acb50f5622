/*
 * message.h - one message of the queue: an alert, or the alerts of a group that were collected.
 *
 * On the disk it is text, one JSON object a line: {"n": 1, "worst": 4, "alert": {...}}, n counts the group's alerts
 * from 1, worst is the highest severity so far. Of a collected group only the first and the last lines are kept, each
 * in a slot of its own (MESSAGE_SLOT bytes, filled with blanks), the last ones in a ring: one pwrite(2) a line, within
 * one page, so that a kill leaves either the old line or the new. The highest n is the count: no line has to be whole
 * but the newest. Zero bytes between lines (slots that were never written) count as blanks.
 *
 * Reading is bounded and has a fuzzer: the disk may have been full, torn or edited.
 */
#ifndef NOTIFY_MESSAGE_H
#define NOTIFY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "notify/alert.h"

#define MESSAGE_SLOT    4096
#define MESSAGE_FIRST   10                                              /* lines kept from the beginning of a group */
#define MESSAGE_LAST    10                                              /* and from its end */
#define MESSAGE_MAXIMUM ((MESSAGE_FIRST + MESSAGE_LAST) * MESSAGE_SLOT) /* bytes of a file of the queue */
#define MESSAGE_ID_SIZE 34 /* two numbers of 16 hex digits: microseconds since 1970, chance */

struct message_entry {
        uint64_t number;
        struct alert alert; /* borrowed from `json` */
        json_t *json;
};

struct message {
        char id[MESSAGE_ID_SIZE];
        uint64_t count; /* alerts that it stands for */
        enum alert_severity worst;
        struct message_entry entries[MESSAGE_FIRST + MESSAGE_LAST]; /* by number, at least one */
        size_t entry_count;
};

/* A fresh id. */
int message_id_make(char id[static MESSAGE_ID_SIZE], struct error *err);
bool message_id_is_good(const char *id);

/* Appends the line of a message of a single alert. */
int message_format(const struct alert *alert, struct buffer *out, struct error *err);

/* The line of the number-th alert of a group, exactly MESSAGE_SLOT bytes, and where in the file it goes. */
int message_format_slot(const struct alert *alert, uint64_t number, enum alert_severity worst,
                        char slot[static MESSAGE_SLOT], uint64_t *ret_offset, struct error *err);

/* -EBADMSG when not one line of it can be read. */
int message_parse(const char *bytes, size_t length, const char *id, struct message *ret_message, struct error *err);
void message_done(struct message *message);

/* The first sentence, or what the group is about in one: appended to `out`. */
int message_headline(const struct message *message, struct buffer *out);

#endif
