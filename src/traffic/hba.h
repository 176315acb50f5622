/*
 * hba.h - our block in PostgreSQL's pg_hba.conf (PostgreSQL's manual, "The pg_hba.conf File"). Pure: text to text.
 *
 * PostgreSQL takes the first line that fits a connection. So our lines stand at the top, between two marks, and all
 * that they do is to reject: who is admitted is let in by the administrator's own lines, and never by ours.
 *
 *     # BEGIN understudy (epoch 7): kept by Understudy; what is changed between these marks is lost
 *     host all,replication all 192.0.2.77/32 reject
 *     host understudy_canary understudy_canary 127.81.3.7/32 reject
 *     # END understudy
 *
 * The last line is the canary: a connection from that address of this host shows, by the answer it gets, that this very
 * text is in force (see postgres.h).
 */
#ifndef TRAFFIC_HBA_H
#define TRAFFIC_HBA_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "peer.h"

#define HBA_MAXIMUM ((size_t)1 << 20)
#define HBA_CANARY  "understudy_canary" /* a database and a user that there are not */

struct hba_block {
        uint64_t epoch;
        const struct peer *const *out;
        size_t out_count;
        uint8_t canary[4];         /* an address in 127.0.0.0/8 */
        const char *canary_method; /* "reject", or "password": asked for one, and none would do */
};

/*
 * `text` with our block at its top instead of the one that was there, wherever it was; the rest byte for byte as it
 * was. NULL as block takes ours out. -EINVAL when the marks do not fit each other (somebody edited them), -E2BIG.
 */
int hba_compose(const char *text, size_t length, const struct hba_block *block, struct buffer *out, struct error *err);

#endif
