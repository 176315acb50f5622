/* contradict.c - logins that no log has a request of. */
#include "contradict.h"

#include <stdlib.h>

#include "base/memory.h"

#define SECOND_US INT64_C(1000000)

/* A request to the login, by a true clock. */
struct request {
        int64_t from_us, to_us;
        uint32_t address;
};

struct requests {
        struct request *list; /* owned; by from_us */
        size_t count;
        int64_t longest_us;
};

static int compare(const void *left, const void *right)
{
        const struct request *a = left, *b = right;

        return a->from_us < b->from_us ? -1 : a->from_us > b->from_us;
}

static int collect(const struct exposure_options *options, const struct gathered *gathered, struct requests *requests,
                   struct error *err)
{
        for (size_t i = 0; i < gathered->count; i++)
                requests->count += gathered->responses[i].path == GATHER_LOGIN;
        requests->list = memory_new(requests->count ? requests->count : 1, sizeof(*requests->list));
        if (!requests->list)
                return error_memory(err);
        requests->count = 0;
        for (size_t i = 0; i < gathered->count; i++) {
                const struct response *response = &gathered->responses[i];
                struct request *request = &requests->list[requests->count];

                if (response->path != GATHER_LOGIN)
                        continue;
                exposure_span(response, &options->servers[response->server].clock, options->request_us,
                              options->clock_unknown_us, &request->from_us, &request->to_us);
                request->address = response->address;
                if (request->to_us - request->from_us > requests->longest_us)
                        requests->longest_us = request->to_us - request->from_us;
                requests->count++;
        }
        if (requests->count)
                qsort(requests->list, requests->count, sizeof(*requests->list), compare);
        return 0;
}

static bool is_told(const struct requests *requests, const struct login *login, int64_t tolerance_us)
{
        const int64_t earliest = login->time_us - tolerance_us - requests->longest_us;
        size_t low = 0, high = requests->count;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (requests->list[middle].from_us < earliest)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < requests->count && requests->list[low].from_us <= login->time_us + tolerance_us; low++)
                if (requests->list[low].to_us >= login->time_us - tolerance_us &&
                    (!login->address || requests->list[low].address == login->address))
                        return true;
        return false;
}

static bool is_in_question(const struct exposure_options *options, int64_t time_us)
{
        for (size_t i = 0; i < options->interval_count; i++) {
                const struct interval_times *times = &options->intervals[i].times;
                const int64_t from = times->last_good == TIME_NEVER ? times->first_bad : times->last_good;

                if (time_us >= from && time_us <= times->first_good)
                        return true;
        }
        return false;
}

/* The time that the logs of all servers together reach over. */
static void find_reach(const struct gathered *gathered, size_t count, int64_t *ret_from_us, int64_t *ret_to_us)
{
        *ret_from_us = INT64_MAX;
        *ret_to_us = INT64_MIN;
        for (size_t i = 0; i < count; i++) {
                if (gathered->files[i].first_us < *ret_from_us)
                        *ret_from_us = gathered->files[i].first_us;
                if (gathered->files[i].last_us > *ret_to_us)
                        *ret_to_us = gathered->files[i].last_us;
        }
}

int contradict_logins(const struct exposure_options *options, const struct gathered *gathered,
                      const struct login_index *logins, uint64_t *ret_count, struct error *err)
{
        const struct clock_offset *clock = &options->login_clock;
        /* Records have whole seconds, and are written when the answer is. */
        const int64_t tolerance = 2 * SECOND_US + (clock->known ? clock->error_us : options->clock_unknown_us);
        struct requests requests = { 0 };
        int64_t from, to;
        int r;

        *ret_count = 0;
        if (!options->login_path_count || !options->log_count)
                return 0;
        r = collect(options, gathered, &requests, err);
        find_reach(gathered, options->log_count, &from, &to);
        from += tolerance + options->clock_unknown_us;
        to -= tolerance + options->clock_unknown_us;
        for (size_t i = 0; r == 0 && requests.count && i < logins->count; i++) {
                const struct login *login = &logins->list[i];

                *ret_count += login->time_us >= from && login->time_us <= to && is_in_question(options, login->time_us) &&
                              !is_told(&requests, login, tolerance);
        }
        free(requests.list);
        return r;
}
