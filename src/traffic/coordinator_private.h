/* coordinator_private.h - between the controller (coordinator.c) and the process that asks etcd (coordinator_process.c). */
#ifndef TRAFFIC_COORDINATOR_PRIVATE_H
#define TRAFFIC_COORDINATOR_PRIVATE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "coordinator.h"
#include "etcd.h"

/* Shared. Times are of grant_now_ms(), which goes on while the machine sleeps. */
struct coordinator_page {
        _Atomic int64_t leads_until; /* 0: it does not */
        _Atomic int64_t alive_until; /* that the controller has said */
};

enum coordinator_what {
        COORDINATOR_MOVE,
        COORDINATOR_BEGIN,
        COORDINATOR_RESUME,
        COORDINATOR_TAKE_OVER,
        COORDINATOR_EPOCH,
        COORDINATOR_WAIT,
        COORDINATOR_END,
        COORDINATOR_LEADER,
        COORDINATOR_MEMBER, /* at the place `seen` */
};

struct coordinator_question {
        enum coordinator_what what;
        uint64_t seen;
        struct move move, old;
        char holder[MOVE_NAME_SIZE];
};

struct coordinator_answer {
        struct error error; /* its code is 0 or negative */
        uint64_t epoch;
        char value[COORDINATOR_MOVE_SIZE]; /* the move ("": none), the leader, or the version of a member of `cluster` */
        char cluster[24];
};

/* Never returns. */
_Noreturn void coordinator_process(const struct coordinator_options *options, struct coordinator_page *page, int channel,
                                   pid_t parent);

#endif
