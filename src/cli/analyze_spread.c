#include "analyze_spread.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/i18n.h"

#define DRAIN_LOOK_MS 20

int spreading_start(struct spreading *spreading, const struct common *common, const struct spreading_options *options,
                    struct error *err)
{
        struct feed_options feed = { .bot_list = options->bot_list,
                                     .countries = options->countries,
                                     .goals = options->goals,
                                     .goal_count = options->goal_count };
        char salts[PATH_MAX];
        int r = shards_read(&spreading->shards, common, err);

        if (r < 0) {
                fputs(buffer_text(&spreading->shards.file.problems), stderr);
                return r;
        }
        feed.site = spreading->shards.config->site;
        if (spreading->shards.config->clickhouse.salts) {
                r = salt_source_init(&spreading->source, spreading->shards.config, options->server, spreading->shards.state,
                                     err);
                if (r < 0)
                        return r;
                spreading->source.proven = options->proven;
                feed.share = salt_source_get;
                feed.share_context = &spreading->source;
        }
        r = spool_open(options->spool, &spreading->shards.spread, options->limit_bytes, &spreading->spool, err);
        if (r < 0)
                return r;
        snprintf(salts, sizeof(salts), "%s/salts", options->spool);
        r = salts_open(options->salts ? options->salts : salts, &spreading->salts, err);
        if (r == 0)
                r = feed_new(spreading->spool, spreading->salts, &spreading->shards.spread, &feed, &spreading->feed,
                             err);
        return r < 0 ? r : senders_start(spreading->spool, &spreading->shards.spread, options->server,
                                           &spreading->senders, err);
}

void spreading_stop(struct spreading *spreading)
{
        senders_stop(spreading->senders);
        feed_free(spreading->feed);
        salts_free(spreading->salts);
        spool_close(spreading->spool);
        shards_done(&spreading->shards);
}

int spreading_commit(struct spreading *spreading, struct follow *follow, struct error *err)
{
        int r = feed_commit(spreading->feed, follow, err);

        if (r == 0)
                senders_wake(spreading->senders);
        return r;
}

void spreading_tell(struct spreading *spreading)
{
        struct error words = ERROR_NONE;

        while (senders_notice(spreading->senders, &words))
                fprintf(stderr, "understudy: %s\n", words.text);
}

int spreading_drain(struct spreading *spreading, const volatile int *stop, struct error *err)
{
        const struct timespec look = { .tv_nsec = DRAIN_LOOK_MS * 1000000 };
        uint64_t batches, bytes;

        senders_wake(spreading->senders);
        while (!*stop && !senders_settled(spreading->senders)) {
                spreading_tell(spreading);
                nanosleep(&look, NULL);
        }
        spreading_tell(spreading);
        for (size_t i = 0; i < spreading->shards.spread.count; i++) {
                spool_waiting(spreading->spool, i, &batches, &bytes);
                if (batches)
                        return error_set(err, -EAGAIN,
                                         _("%" PRIu64 " batches for the analysis server %s wait in the spool; they are "
                                           "sent when it is run again"),
                                         batches, spreading->shards.spread.items[i].name);
        }
        return 0;
}
