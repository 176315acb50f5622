#include "tenure.h"

#include <limits.h>

void tenure_init(struct tenure *tenure, int64_t self_ms, int64_t take_ms)
{
        *tenure = (struct tenure){ .self_ms = self_ms, .take_ms = take_ms };
}

void tenure_hear(struct tenure *tenure, bool granted, uint64_t epoch, int64_t asked_ms)
{
        if (asked_ms <= tenure->heard_ms && (granted || asked_ms < tenure->heard_ms))
                return;
        tenure->heard_ms = asked_ms;
        /* Refused before the address came: the move that brought it changed that. */
        if (!granted && tenure->holds && asked_ms <= tenure->changed_ms)
                return;
        if (!granted) {
                tenure->until_ms = tenure->since_ms = 0;
                return;
        }
        if (!tenure->since_ms || asked_ms >= tenure->until_ms || epoch != tenure->epoch)
                tenure->since_ms = asked_ms;
        tenure->epoch = epoch;
        if (asked_ms + tenure->self_ms > tenure->until_ms)
                tenure->until_ms = asked_ms + tenure->self_ms;
}

void tenure_see(struct tenure *tenure, bool here, bool ours, int64_t now_ms)
{
        if (here == tenure->holds)
                return;
        tenure->holds = here;
        tenure->changed_ms = now_ms;
        if (here && !ours && tenure->until_ms < now_ms + tenure->self_ms)
                tenure->until_ms = now_ms + tenure->self_ms;
}

enum tenure_act tenure_next(struct tenure *tenure, int64_t now_ms)
{
        const bool runs = now_ms < tenure->until_ms;

        if (tenure->holds && runs && tenure->heard_ms > tenure->changed_ms)
                tenure->held_epoch = tenure->epoch;
        if (tenure->holds)
                return runs ? TENURE_NOTHING : TENURE_DROP;
        if (!runs || !tenure->since_ms || tenure->heard_ms <= tenure->changed_ms)
                return TENURE_NOTHING;
        if (tenure->epoch == tenure->held_epoch || now_ms - tenure->since_ms >= tenure->take_ms)
                return TENURE_TAKE;
        return TENURE_NOTHING;
}

int tenure_wait_ms(const struct tenure *tenure, int64_t now_ms)
{
        int64_t next = tenure->holds ? tenure->until_ms : tenure->since_ms ? tenure->since_ms + tenure->take_ms : INT64_MAX;

        if (next == INT64_MAX)
                return -1;
        return next <= now_ms ? 0 : next - now_ms > INT_MAX ? INT_MAX : (int)(next - now_ms);
}
