/*
 * etcd.h - questions to an etcd cluster, through its JSON gateway (etcd's manual, "gRPC gateway", API version 3).
 *
 * Everything that is asked here is linearizable: a member that has lost the others does not answer, and that is an error.
 * One member that does not answer is no trouble, the next one is asked. For whoever must act on it: a call that failed may
 * have been done all the same; look again.
 *
 * For a process without rights, because it reads outside bytes (coordinator.h). Keys and values are texts of a few hundred
 * bytes.
 */
#ifndef TRAFFIC_ETCD_H
#define TRAFFIC_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "config/config.h"

#define ETCD_VALUE_SIZE     512
#define ETCD_NUMBER_SIZE    24
#define ETCD_VERSION_SIZE   32
#define ETCD_ANSWER_MAXIMUM 65536

/* What any of the answers said; what it did not say is 0. */
struct etcd_answer {
        int64_t revision;  /* of the store */
        int64_t lease, ttl_s; /* of a lease; ttl 0: it is over */
        bool succeeded;    /* of a transaction */
        bool found;        /* the first key that was read: */
        int64_t created, key_lease; /* the revision that created it, and the lease that it hangs on */
        char value[ETCD_VALUE_SIZE];
        char cluster[ETCD_NUMBER_SIZE];  /* that the member belongs to */
        char version[ETCD_VERSION_SIZE]; /* of a member; "": not said */
        bool led;                        /* it knows a leader of its cluster */
};

struct etcd;

/* `config` outlives it. */
int etcd_open(const struct config_etcd *config, struct etcd **ret_etcd, struct error *err);
void etcd_close(struct etcd *etcd); /* NULL is fine */

/* A lease of so many seconds. -EAGAIN: no member answers who has a majority. */
int etcd_grant(struct etcd *etcd, int64_t ttl_s, int64_t *ret_lease, struct error *err);

/* *ret_ttl_s is 0 when it is over. */
int etcd_keep_alive(struct etcd *etcd, int64_t lease, int64_t *ret_ttl_s, struct error *err);
int etcd_revoke(struct etcd *etcd, int64_t lease, struct error *err);

int etcd_get(struct etcd *etcd, const char *key, struct etcd_answer *ret_answer, struct error *err);

/* What the member at that place of the configuration says of itself, whether it reaches the others or not. */
int etcd_status(struct etcd *etcd, size_t member, struct etcd_answer *ret_answer, struct error *err);

/* A condition, and what is done when all of them hold. */
struct etcd_condition {
        const char *key;
        const char *value; /* has this; NULL: was created in this revision (0: is not there) */
        int64_t created;
};
struct etcd_change {
        const char *key;
        const char *value; /* NULL: it is removed */
        int64_t lease;     /* that it hangs on; 0: none */
};

/* All or nothing, in one revision. ret_answer->succeeded: the conditions held; otherwise it has what the key of the first
 * condition is. */
int etcd_transact(struct etcd *etcd, const struct etcd_condition *conditions, size_t condition_count,
                  const struct etcd_change *changes, size_t change_count, struct etcd_answer *ret_answer, struct error *err);

/* ---------------------------------------------------------------- pure */

/* Reads an answer, `status` of HTTP. -EAGAIN when the member has no majority, or is not ready; -ENOENT: no such lease;
 * -EBADMSG. */
int etcd_answer_parse(const char *text, size_t length, long status, struct etcd_answer *ret_answer, struct error *err);

#endif
