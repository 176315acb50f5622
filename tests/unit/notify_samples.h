/* notify_samples.h - messages for the tests of what is made from them. */
#ifndef TESTS_UNIT_NOTIFY_SAMPLES_H
#define TESTS_UNIT_NOTIFY_SAMPLES_H

#include "tests.h"

#include "base/attributes.h"
#include "notify/message.h"
#include "notify/target.h"

#define SAMPLE_ID "0006612aaf4829bb-f368631a1fc7f016"

/* The alert's words, as if they had been through the queue. */
static inline struct message sample(struct alert alert)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(MESSAGE_MAXIMUM);
        struct message message;

        alert.time_us = alert.time_us ? alert.time_us : INT64_C(1246870800000042); /* 2009-07-06T09:00:00Z */
        alert.severity = alert.severity ? alert.severity : ALERT_CRITICAL;
        alert.server = alert.server ? alert.server : "web1.example.org";
        alert.kind = alert.kind ? alert.kind : "finding";
        alert.group = alert.group ? alert.group : "g";
        assert_int_equal(message_format(&alert, &text, NULL), 0);
        assert_int_equal(message_parse(text.data, text.length, SAMPLE_ID, &message, NULL), 0);
        return message;
}

/* A collected group of `count` lines "number N". */
static inline struct message sample_group(uint64_t count)
{
        char *bytes = calloc(MESSAGE_FIRST + MESSAGE_LAST, MESSAGE_SLOT);
        struct message message;

        for (uint64_t i = 1; i <= count; i++) {
                char what[32], slot[MESSAGE_SLOT];
                struct alert alert = { .time_us = INT64_C(1246870800000000) + (int64_t)i * 1000000,
                                       .severity = ALERT_MEDIUM,
                                       .server = "web1.example.org",
                                       .kind = "finding",
                                       .what = what,
                                       .group = "g" };
                uint64_t offset = 0;

                snprintf(what, sizeof(what), "number %d", (int)i);
                assert_int_equal(message_format_slot(&alert, i, ALERT_HIGH, slot, &offset, NULL), 0);
                memcpy(bytes + offset, slot, MESSAGE_SLOT);
        }
        assert_int_equal(message_parse(bytes, (MESSAGE_FIRST + MESSAGE_LAST) * MESSAGE_SLOT, SAMPLE_ID, &message, NULL),
                         0);
        free(bytes);
        return message;
}

static inline struct notify_target sample_target(const char *text)
{
        struct notify_target target;

        assert_int_equal(notify_target_parse(text, &target, NULL), 0);
        return target;
}

#endif
