/* unattended.c - comparing, and how near a deadline is. */
#include "incident/unattended.h"

#include "base/text.h"

enum unattended_news unattended_compare(const struct intervals *known, const struct interval *found)
{
        for (size_t i = 0; i < known->count; i++) {
                const struct interval *one = &known->list[i];

                if (!text_equal(one->server, found->server) || !text_equal(one->path, found->path) ||
                    one->times.first_bad != found->times.first_bad)
                        continue;
                return one->times.last_bad == found->times.last_bad && one->times.first_good == found->times.first_good
                               ? UNATTENDED_KNOWN
                               : UNATTENDED_CHANGED;
        }
        return UNATTENDED_NEW;
}

enum unattended_alarm unattended_deadline(int64_t aware_us, int64_t due_us, int64_t now_us)
{
        const int64_t span = due_us - aware_us;

        if (now_us >= due_us)
                return UNATTENDED_OVER;
        if (due_us - now_us <= span / 12)
                return UNATTENDED_LAST;
        return due_us - now_us <= span / 3 ? UNATTENDED_EARLY : UNATTENDED_QUIET;
}
