#include "claim.h"

#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "segment.h"

#define DOUBLINGS   8 /* 10, 20, ... 1,280 ms: the last one that doubles */
#define SECOND_MS   1000
#define WATCH_MS    10000

struct claim {
        struct segment segment;
        int64_t begin_ms, announce_ms;
        unsigned int number; /* of the next packet */
};

struct claim_due claim_schedule(unsigned int number, int64_t announce_ms)
{
        /* Packet 8 is due after 1,280 ms; of a minute packets 9 to 67 each a second later, to 60,280 ms. */
        const unsigned int seconds = announce_ms > 1280 ? (unsigned int)((announce_ms - 1280 + SECOND_MS - 1) / SECOND_MS) : 0;
        struct claim_due due = { .announces = true };

        if (number == 0)
                due.after_ms = 0;
        else if (number <= DOUBLINGS)
                due.after_ms = (int64_t)10 << (number - 1);
        else if (number <= DOUBLINGS + seconds)
                due.after_ms = 1280 + (int64_t)(number - DOUBLINGS) * SECOND_MS;
        else
                due = (struct claim_due){ .after_ms = 1280 + (int64_t)seconds * SECOND_MS +
                                                      (int64_t)(number - DOUBLINGS - seconds) * WATCH_MS };
        return due;
}

int claim_open(const struct address *address, int64_t announce_ms, struct claim **ret_claim, struct error *err)
{
        struct claim *claim = memory_new(1, sizeof(*claim));
        int r;

        if (!claim)
                return error_memory(err);
        r = segment_open(address, &claim->segment, err);
        if (r < 0) {
                free(claim);
                return r;
        }
        claim->begin_ms = clock_monotonic_ms();
        claim->announce_ms = announce_ms;
        *ret_claim = claim;
        return 0;
}

void claim_close(struct claim *claim)
{
        if (!claim)
                return;
        segment_close(&claim->segment);
        free(claim);
}

void claim_closep(struct claim **claim)
{
        claim_close(*claim);
}

int claim_fd(const struct claim *claim)
{
        return claim->segment.fd;
}

int claim_wait_ms(const struct claim *claim)
{
        int64_t left = claim->begin_ms + claim_schedule(claim->number, claim->announce_ms).after_ms - clock_monotonic_ms();

        return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* The probe comes first: it is from nobody and changes no cache, so that the announcement has the last word. */
static int send_due(struct claim *claim, struct error *err)
{
        struct claim_due due = claim_schedule(claim->number, claim->announce_ms);
        int r;

        if (claim_wait_ms(claim) > 0)
                return 0;
        /* One that was held up (a stopped process) goes on with what is due now instead of making up for it. */
        while (claim_schedule(claim->number + 1, claim->announce_ms).after_ms <= clock_monotonic_ms() - claim->begin_ms)
                claim->number++;
        claim->number++;
        r = segment_send(&claim->segment, NEIGHBOUR_PROBE, err);
        if (r == 0 && due.announces)
                r = segment_send(&claim->segment, NEIGHBOUR_ANNOUNCE, err);
        if (r == 0 && due.announces && claim->segment.address.family == AF_INET)
                r = segment_send(&claim->segment, NEIGHBOUR_REPLY, err);
        return r;
}

int claim_tick(struct claim *claim, struct claim_rival *ret_rival, struct error *err)
{
        struct claim_rival rival = { NEIGHBOUR_NOTHING, { { 0 } } };
        int r = send_due(claim, err), found;

        found = segment_read(&claim->segment, &rival.mac, err);
        if (found > 0) {
                rival.claim = (enum neighbour_claim)found;
                *ret_rival = rival;
                return 1;
        }
        return found < 0 ? found : r;
}
