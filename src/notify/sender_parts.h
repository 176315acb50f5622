/* sender_parts.h - what the sender's process is made of; only sender.c and its parts include it. */
#ifndef NOTIFY_SENDER_PARTS_H
#define NOTIFY_SENDER_PARTS_H

#include <stddef.h>

#include "notify/sender.h"

struct sender_job {
        const char *head, *payload; /* with a NUL behind each */
        size_t head_length, length;
};

struct sender_result {
        enum schedule_end end;
        enum sender_reach reach;
        char words[SENDER_WORDS];
};

struct sender_curl;

/* Before the sandbox: reads the password and CA files. */
int sender_curl_new(const struct notify_target *target, const struct sender_limits *limits,
                    struct sender_curl **ret_curl, struct error *err);
void sender_curl_run(struct sender_curl *curl, const struct sender_job *job, struct sender_result *result);

void sender_syslog_run(const struct notify_target *target, const struct sender_limits *limits,
                       const struct sender_job *job, struct sender_result *result);

#endif
