/* analyze_follow.c - understudy analyze --follow: logs that are being written, into a store or over analysis servers. */
#include "analyze_follow.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "accesslog/follow.h"
#include "analyze/salts.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"

#define GATHER_MS      1200 /* what is written in so long becomes one transaction: figures are there within two seconds */
#define SPREAD_MS      3000 /* or one batch for each analysis server, which likes few and large ones */
#define COMMIT_MS      1000
#define COMMIT_LINES   500000
#define SPREAD_LONG_MS 2500 /* when so much is behind, few and large batches are few parts that a server has to merge */
#define SPREAD_LINES   1000000
#define SPREAD_BYTES   (256U << 20)
#define WAIT_MS        30000
#define RETRY_MS       1000
#define EXPIRE_MS      60000
#define RETAIN_MS      3600000
#define TRUST_MS       2000

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
        (void)number;
        stopping = 1;
}

struct service {
        const struct follow_request *request;
        struct store *store;
        struct salts *salts;
        struct live *live;           /* NULL: over analysis servers */
        struct spreading *spreading; /* then */
        struct follow *follow;
        struct error told; /* the last complaint: said once, not every second */
        struct required required;
        int64_t expired_ms, retained_ms, trusted_ms;
        bool failed; /* something could not be read or written just now */
};

static void complain(struct service *service, const struct error *error)
{
        service->failed = true;
        if (text_equal(service->told.text, error->text))
                return;
        service->told = *error;
        command_fail(error);
}

/* Into the store, or over the analysis servers. */
static int take_block(struct service *service, const struct follow_block *block, struct error *err)
{
        return service->live ? live_block(service->live, block, err)
                             : feed_block(service->spreading->feed, block, err);
}

static uint64_t pending(const struct service *service)
{
        return service->live ? live_pending(service->live) : feed_pending(service->spreading->feed);
}

static int commit(struct service *service, struct error *err)
{
        return service->live ? live_commit(service->live, service->follow, err)
                             : spreading_commit(service->spreading, service->follow, err);
}

static void drop(struct service *service)
{
        if (service->live)
                live_drop(service->live, service->follow);
        else
                feed_drop(service->spreading->feed, service->follow);
}

/* For one transaction. */
static bool has_enough(const struct service *service)
{
        if (service->live)
                return pending(service) >= COMMIT_LINES;
        return pending(service) >= SPREAD_LINES || spool_open_bytes(service->spreading->spool) >= SPREAD_BYTES;
}

/* Reads until there is nothing more, or enough for a transaction. 1: there is more; 0: nothing more just now. */
static int gather(struct service *service, struct error *err)
{
        int64_t end = clock_monotonic_ms() + (service->spreading ? SPREAD_LONG_MS : COMMIT_MS);
        int r = 1;

        if (service->spreading && spool_has_room(service->spreading->spool, err) < 0) {
                complain(service, err);
                return 0;
        }
        while (r > 0 && !has_enough(service) && clock_monotonic_ms() < end) {
                struct follow_block block;

                r = follow_next(service->follow, &block, err);
                if (r < 0) { /* this log; the others go on */
                        complain(service, err);
                        return 0;
                }
                if (r > 0 && take_block(service, &block, err) < 0) {
                        drop(service);
                        return err->code;
                }
        }
        return r;
}

/* Once a minute or so: what time brings. */
static int keep_house(struct service *service, struct error *err)
{
        int64_t now = clock_monotonic_ms();
        int r = 0;

        if (now >= service->expired_ms) {
                service->expired_ms = now + EXPIRE_MS;
                r = service->live ? live_expire(service->live, clock_now(), err)
                                  : feed_expire(service->spreading->feed, clock_now(), err);
        }
        if (r == 0 && service->live && now >= service->retained_ms) {
                service->retained_ms = now + RETAIN_MS;
                r = live_retain(service->live, service->request->hour_days, service->request->day_days, err);
        }
        return r;
}

/* Somebody replaced the file of salts, or it is of a backup or another machine: said once; the store remembers. */
static void tell_replaced(const struct service *service)
{
        struct salts *salts = service->live ? service->salts : service->spreading->salts;
        int32_t day;

        while (salts_next_replaced(salts, &day)) {
                const struct replaced_salt replaced = { .day = day, .time = clock_now() };
                char words[REPLACED_WORDS_SIZE];

                summary_replaced_words(&replaced, words);
                fprintf(stderr, "understudy: %s\n", words);
        }
}

/* One transaction. 1: there is more to read at once; 0: wait; negative: it failed. */
static int turn(struct service *service, struct error *err)
{
        int more = gather(service, err), r;
        const char *notice;
        bool any;

        if (more < 0)
                return more;
        any = pending(service) > 0;
        r = commit(service, err);
        if (r == 0)
                r = keep_house(service, err);
        if (r == 0 && any && more == 0)
                r = follow_write_pages(service->request, service->store, NULL, err);
        while ((notice = follow_notice(service->follow)))
                fprintf(stderr, "understudy: %s\n", notice);
        tell_replaced(service);
        if (service->live && live_crowded(service->live))
                fprintf(stderr,
                        _("understudy: there are more than %d virtual hosts: those that came later are counted in the whole, "
                          "not apart; name those that must be with --own\n"),
                        LIVE_SITES_MAXIMUM);
        if (service->spreading)
                spreading_tell(service->spreading);
        if (r == 0 && !service->failed)
                service->told = ERROR_NONE;
        return r < 0 ? r : more;
}

static void pause_ms(int64_t ms)
{
        const struct timespec length = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

        nanosleep(&length, NULL); /* a signal ends it */
}

/* While it may not take part it reads nothing: what is logged waits. 1: it takes part, 0: not; negative: it failed. */
static int take_part(struct service *service, struct error *err)
{
        int64_t now = clock_monotonic_ms();
        struct error refusal = ERROR_NONE;
        bool was = !service->required.obstacle[0];
        int r;

        if (!required_any(&service->required) || now < service->trusted_ms)
                return !service->required.obstacle[0];
        service->trusted_ms = now + TRUST_MS;
        required_look(&service->required);
        r = store_leave_out(service->store, service->required.obstacle[0] ? service->required.obstacle : NULL,
                            clock_now(), err);
        if (r < 0 || !service->required.obstacle[0])
                return r < 0 ? r : 1;
        error_refuse(&refusal, _("left out, nothing is counted: %s"), service->required.obstacle);
        complain(service, &refusal);
        r = was ? follow_write_pages(service->request, service->store, service->required.obstacle, err) : 0;
        return r < 0 ? r : 0;
}

/* Left out: what is known of visitors goes when its time has come even so. */
static int stand_aside(struct service *service, struct error *err)
{
        int r = keep_house(service, err);

        if (r == 0 && service->request->once)
                return error_refuse(err, _("left out, nothing is counted: %s"), service->required.obstacle);
        pause_ms(RETRY_MS);
        return r;
}

/* Everything was read that there is: what became of it. */
static int end_once(const struct service *service, struct error *err)
{
        if (service->failed)
                return err->code ? err->code : -EIO;
        return service->spreading ? spreading_drain(service->spreading, &stopping, err) : 0;
}

/* What comes together within a moment is kept together. */
static void wait_for_more(const struct service *service)
{
        follow_wait(service->follow, required_any(&service->required) || service->spreading ? TRUST_MS : WAIT_MS);
        if (!stopping)
                pause_ms(service->spreading ? SPREAD_MS : GATHER_MS);
}

static int serve(struct service *service, struct error *err)
{
        while (!stopping) {
                int r;

                service->failed = false;
                r = take_part(service, err);
                if (r == 0) {
                        r = stand_aside(service, err);
                        if (r < 0 && service->request->once)
                                return r;
                        if (r < 0)
                                complain(service, err);
                        continue;
                }
                if (r > 0)
                        r = turn(service, err);
                if (r == -EBADMSG)
                        return r;
                if (r < 0)
                        complain(service, err);
                if (service->request->once && r <= 0)
                        return end_once(service, err);
                if (r > 0)
                        continue;
                if (service->failed) {
                        pause_ms(RETRY_MS);
                        continue;
                }
                wait_for_more(service);
        }
        return service->required.obstacle[0] ? 0 : turn(service, err) < 0 ? err->code : 0;
}

static int restore(void *context, const char *path, uint64_t number, const struct log_mark *mark, struct error *err)
{
        return follow_restore(context, path, number, mark, err);
}

/* The store with the lock: then the salts are ours. */
static int open_store(struct service *service, struct error *err)
{
        const struct follow_request *request = service->request;
        _cleanup_(buffer_done) struct buffer salts = BUFFER_INIT(PATH_MAX);
        int r;

        if (buffer_printf(&salts, "%s.salts", request->store) < 0)
                return error_memory(err);
        r = store_open(request->store, true, &service->store, err);
        if (r == 0)
                r = salts_open(request->salts ? request->salts : buffer_text(&salts), &service->salts, err);
        return r < 0 ? r : live_new(service->store, service->salts, &request->live, &service->live, err);
}

static int open_spool(struct service *service, struct error *err)
{
        int r = spreading_start(service->spreading, &service->request->common, &service->request->spread, err);

        if (r == 0)
                service->store = spool_store(service->spreading->spool);
        return r;
}

static int start(struct service *service, const char *const paths[], size_t count, struct error *err)
{
        int r = service->spreading ? open_spool(service, err) : open_store(service, err);

        if (r == 0 && !required_any(&service->request->required)) /* an earlier run may have been left out */
                r = store_leave_out(service->store, NULL, clock_now(), err);
        if (r == 0)
                r = follow_new(paths, count, &service->follow, err);
        if (r == 0)
                r = store_marks(service->store, restore, service->follow, err);
        if (r == 0)
                r = follow_look(service->follow, err);
        /* When that cannot be kept just now (a full disk), it is tried again as everything else is. */
        if (r == 0 && commit(service, err) < 0)
                complain(service, err);
        return r;
}

static void prepare(void)
{
        const struct sigaction stop = { .sa_handler = on_signal };
        struct rlimit files;

        sigaction(SIGTERM, &stop, NULL);
        sigaction(SIGINT, &stop, NULL);
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* a descriptor for each log and each rotated file */
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
}

int follow_serve(struct follow_request *request)
{
        _cleanup_(countries_closep) struct countries *countries = NULL;
        struct spreading spreading = SPREADING_NONE;
        struct service service = {
                .request = request, .told = ERROR_NONE, .spreading = request->spread.spool ? &spreading : NULL
        };
        struct error error = ERROR_NONE;
        int r;

        prepare();
        if (required_begin(&request->required, &error) < 0)
                return command_fail(&error);
        service.required = request->required;
        if (request->geoip && countries_open(request->geoip, &countries, &error) < 0)
                return command_fail(&error);
        request->live.countries = request->spread.countries = countries;
        request->spread.bot_list = request->live.bot_list;
        request->live.own_hosts = request->own;
        request->spread.salts = request->salts;
        request->spread.goals = request->live.goals;
        request->spread.goal_count = request->live.goal_count;
        request->spread.server = request->live.server;
        request->spread.proven = request->required.count > 0;
        r = start(&service, (const char *const *)request->paths, request->path_count, &error);
        if (r == 0)
                r = serve(&service, &error);
        follow_free(service.follow);
        live_free(service.live);
        salts_free(service.salts);
        if (service.spreading)
                spreading_stop(service.spreading);
        else
                store_close(service.store);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}
