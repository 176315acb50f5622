/* analyze_follow.c - understudy analyze --follow: logs that are being written, into a store. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "accesslog/follow.h"
#include "analyze/live.h"
#include "analyze/salts.h"
#include "analyze/store.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/analyze_required.h"
#include "cli/analyze_spread.h"
#include "cli/command.h"

#define GATHER_MS      800 /* what is written in so long becomes one transaction */
#define SPREAD_MS      3000 /* or one batch for each analysis server, which likes few and large ones */
#define COMMIT_MS      1000
#define COMMIT_LINES   500000
#define WAIT_MS        30000
#define RETRY_MS       1000
#define EXPIRE_MS      60000
#define RETAIN_MS      3600000
#define TRUST_MS       2000
#define TOP_DEFAULT    20
#define HOSTS_MAXIMUM  64
#define MEMORY_MAXIMUM (UINT64_C(1) << 44)

enum {
        OPTION_FOLLOW = OPTION_COMMAND,
        OPTION_STORE,
        OPTION_SALTS,
        OPTION_ONCE,
        OPTION_JSON_FILE,
        OPTION_HTML,
        OPTION_PAGE_DAYS,
        OPTION_TOP,
        OPTION_OWN,
        OPTION_GOAL,
        OPTION_BOTS,
        OPTION_NAMES,
        OPTION_MEMORY,
        OPTION_KEEP_HOURS,
        OPTION_KEEP_DAYS,
        OPTION_GEOIP,
        OPTION_REQUIRE,
        OPTION_PUB,
        OPTION_SERVER,
        OPTION_SPOOL,
        OPTION_SPOOL_LIMIT,
};

static const struct option options[] = {
        {"follow",      no_argument,       NULL, OPTION_FOLLOW    },
        { "store",      required_argument, NULL, OPTION_STORE     },
        { "salts",      required_argument, NULL, OPTION_SALTS     },
        { "once",       no_argument,       NULL, OPTION_ONCE      },
        { "json-file",  required_argument, NULL, OPTION_JSON_FILE },
        { "html",       required_argument, NULL, OPTION_HTML      },
        { "page-days",  required_argument, NULL, OPTION_PAGE_DAYS },
        { "top",        required_argument, NULL, OPTION_TOP       },
        { "own",        required_argument, NULL, OPTION_OWN       },
        { "goal",       required_argument, NULL, OPTION_GOAL      },
        { "bots",       required_argument, NULL, OPTION_BOTS      },
        { "names",      required_argument, NULL, OPTION_NAMES     },
        { "memory",     required_argument, NULL, OPTION_MEMORY    },
        { "keep-hours", required_argument, NULL, OPTION_KEEP_HOURS},
        { "keep-days",  required_argument, NULL, OPTION_KEEP_DAYS },
        { "geoip",      required_argument, NULL, OPTION_GEOIP     },
        { "require",    required_argument, NULL, OPTION_REQUIRE   },
        { "pub",        required_argument, NULL, OPTION_PUB       },
        { "server",     required_argument, NULL, OPTION_SERVER    },
        { "spool",       required_argument, NULL, OPTION_SPOOL      },
        { "spool-limit", required_argument, NULL, OPTION_SPOOL_LIMIT},
        { NULL,         0,                 NULL, 0                },
};

static const char *help(void)
{
        return _("Follows access logs through their rotation and keeps figures by hour and day in a store, until it "
                 "is ended.\n"
                 "What was counted and how far was read is kept together: it can be killed at any moment.\n"
                 "\n"
                 "  --store FILE      where figures are kept (SQLite; 'analyze query' reads it)\n"
                 "  --spool DIR       spreads events over the analysis servers of --config FILE instead; what they do not "
                 "have yet\n"
                 "                    is kept here\n"
                 "  --spool-limit SIZE   most that is kept for each of them (10G); then reading waits\n"
                 "  --salts FILE      the salts of visitors, for their owner's eyes alone (STORE.salts, DIR/salts)\n"
                 "  --once            catches up with what was written, and ends\n"
                 "  --html FILE       a page for browsers with the figures of the last day, kept up to date\n"
                 "  --json-file FILE  the same as JSON\n"
                 "  --page-days N     of so many days instead (0: all)\n"
                 "  --top N           rows of each list in them (20; 0: all)\n"
                 "  --own HOST        a name of the site itself: no referrer (may be given again; else found out)\n"
                 "  --goal NAME=PATH  counts who reached PATH ('*' at its end: every path that begins so)\n"
                 "  --geoip FILE      a database of countries in MaxMind's format\n"
                 "  --require DEST    takes part only while DEST is proven equal to its release; this program must be "
                 "a\n"
                 "                    file of one such tree (may be given again)\n"
                 "  --pub FILE        and was pulled with this key\n"
                 "  --server NAME     this server's name in 'analyze embedders' (the host's)\n"
                 "  --bots FILE       another list of robots' user agents\n"
                 "  --names N         names of each list for an hour, twice as many for a day (10000)\n"
                 "  --memory SIZE     limit for what is remembered of visitors, as 512M or 2G (256M)\n"
                 "  --keep-hours TIME, --keep-days TIME   how long figures of hours and days are kept (93d, 1130d)\n");
}

struct request {
        struct common common;
        struct live_options live;
        struct store_question page;
        struct goal goals[GOALS_MAXIMUM];
        const char *own[HOSTS_MAXIMUM + 1];
        size_t own_count;
        const char *store, *salts, *json_file, *html, *geoip;
        struct required required;
        char host[256];
        struct buffer command; /* as it was typed */
        char *const *paths;
        size_t path_count;
        uint64_t hour_days, day_days;
        struct spreading_options spread; /* spool NULL: into a store */
        bool once;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
        (void)number;
        stopping = 1;
}

/* ---------------------------------------------------------------- options */

static int set_days(const char *text, uint64_t *ret_days)
{
        struct error error = ERROR_NONE;
        int64_t seconds;

        if (clock_parse_duration(text, &seconds, &error) < 0) {
                command_fail(&error);
                return -EINVAL;
        }
        *ret_days = (uint64_t)seconds / 86400;
        return 0;
}

static int set_option(struct request *request, int code, char *argument)
{
        uint64_t number = 0;
        int r;

        switch (code) {
        case OPTION_FOLLOW: return 0;
        case OPTION_STORE: request->store = argument; return 0;
        case OPTION_SALTS: request->salts = argument; return 0;
        case OPTION_ONCE: request->once = true; return 0;
        case OPTION_JSON_FILE: request->json_file = argument; return 0;
        case OPTION_HTML: request->html = argument; return 0;
        case OPTION_PAGE_DAYS:
                r = analyze_number(argument, 36500, &number);
                request->page.last_days = (unsigned int)number;
                return r;
        case OPTION_TOP:
                r = analyze_number(argument, 1000000000, &number);
                request->page.top = (size_t)number;
                return r;
        case OPTION_OWN:
                request->page.own_hosts = request->own;
                return analyze_own(request->own, HOSTS_MAXIMUM, &request->own_count, argument);
        case OPTION_GOAL:
                request->live.goals = request->goals;
                return analyze_goal(request->goals, &request->live.goal_count, argument);
        case OPTION_GEOIP: request->geoip = argument; return 0;
        case OPTION_REQUIRE:
                if (request->required.count == REQUIRED_MAXIMUM) {
                        command_usage(&command_analyze, _("more than %d trees in --require"), REQUIRED_MAXIMUM);
                        return -EINVAL;
                }
                request->required.trees[request->required.count++] = argument;
                return 0;
        case OPTION_PUB: request->required.pub = argument; return 0;
        case OPTION_SERVER: request->live.server = argument; return 0;
        case OPTION_SPOOL: request->spread.spool = argument; return 0;
        case OPTION_SPOOL_LIMIT: return analyze_size(argument, &request->spread.limit_bytes);
        case OPTION_BOTS: request->live.bot_list = argument; return 0;
        case OPTION_NAMES: return analyze_number(argument, 10000000, &request->live.names);
        case OPTION_MEMORY: return analyze_size(argument, &request->live.memory_bytes);
        case OPTION_KEEP_HOURS: return set_days(argument, &request->hour_days);
        case OPTION_KEEP_DAYS: return set_days(argument, &request->day_days);
        default: return -EINVAL;
        }
}

/* ---------------------------------------------------------------- the page */

/* As file_replace(), without waiting for the disk: after a crash the page is made anew anyway. */
static int replace_page(const char *path, const char *bytes, size_t length, struct error *err)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(PATH_MAX);
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (buffer_printf(&name, "%s.%d.tmp", path, (int)getpid()) < 0)
                return error_memory(err);
        unlink(buffer_text(&name));
        fd = open(buffer_text(&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return error_errno(err, errno, _("cannot make the page %s"), path);
        r = write_full(fd, bytes, length);
        if (r == 0)
                r = rename_at(AT_FDCWD, buffer_text(&name), AT_FDCWD, path, 0);
        if (r == 0)
                return 0;
        unlink(buffer_text(&name));
        return error_errno(err, -r, _("cannot write the page %s"), path);
}

/* `obstacle`: why this server does not take part, or NULL. */
static int write_json(const struct request *request, const struct summary *summary, const char *obstacle,
                      struct error *err)
{
        json_t *value = analyze_json(summary, NULL);
        char *text;
        int r;

        if (obstacle)
                json_object_set_new(value, "left_out", json_string(obstacle));
        text = value ? json_dumps(value, JSON_COMPACT) : NULL;
        r = text ? replace_page(request->json_file, text, strlen(text), err) : error_memory(err);

        free(text);
        json_decref(value);
        return r;
}

static int write_html(const struct request *request, const struct summary *summary, const char *obstacle,
                      struct error *err)
{
        _cleanup_(html_done) struct html html = HTML_INIT(WEBPAGE_MAXIMUM);
        const struct webpage page = { .files = (const char *const *)request->paths,
                                      .file_count = request->path_count,
                                      .command = buffer_text(&request->command),
                                      .made = clock_now(),
                                      .damage = obstacle };
        int r = webpage_write(&page, summary, &html, err);

        return r < 0 ? r : replace_page(request->html, html.text.data, html.text.length, err);
}

static int write_pages(const struct request *request, struct store *store, const char *obstacle, struct error *err)
{
        struct summary summary = { 0 };
        int r;

        if (!request->json_file && !request->html)
                return 0;
        r = store_summary(store, &request->page, &summary, err);
        if (r < 0)
                return r;
        if (request->json_file)
                r = write_json(request, &summary, obstacle, err);
        if (r == 0 && request->html)
                r = write_html(request, &summary, obstacle, err);
        summary_done(&summary);
        return r;
}

/* ---------------------------------------------------------------- following */

struct service {
        const struct request *request;
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

/* Reads until there is nothing more, or enough for a transaction. 1: there is more; 0: nothing more just now. */
static int gather(struct service *service, struct error *err)
{
        int64_t end = clock_monotonic_ms() + COMMIT_MS;
        int r = 1;

        if (service->spreading && spool_has_room(service->spreading->spool, err) < 0) {
                complain(service, err);
                return 0;
        }
        while (r > 0 && pending(service) < COMMIT_LINES && clock_monotonic_ms() < end) {
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
                r = write_pages(service->request, service->store, NULL, err);
        while ((notice = follow_notice(service->follow)))
                fprintf(stderr, "understudy: %s\n", notice);
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

        if (!service->required.count || now < service->trusted_ms)
                return !service->required.obstacle[0];
        service->trusted_ms = now + TRUST_MS;
        required_look(&service->required);
        r = store_leave_out(service->store, service->required.obstacle[0] ? service->required.obstacle : NULL,
                            clock_now(), err);
        if (r < 0 || !service->required.obstacle[0])
                return r < 0 ? r : 1;
        error_refuse(&refusal, _("left out, nothing is counted: %s"), service->required.obstacle);
        complain(service, &refusal);
        r = was ? write_pages(service->request, service->store, service->required.obstacle, err) : 0;
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
        follow_wait(service->follow, service->required.count || service->spreading ? TRUST_MS : WAIT_MS);
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
        const struct request *request = service->request;
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

        if (r == 0 && !service->request->required.count) /* an earlier run may have been left out */
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

static int follow(struct request *request)
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
        request->spread.salts = request->salts;
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

static int parse_and_follow(int argc, char *argv[], struct request *request)
{
        int code;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &request->common)) != -1)
                if (set_option(request, code, optarg) < 0)
                        return EXIT_USAGE;
        if (!request->store == !request->spread.spool)
                return command_usage(&command_analyze, _("--follow needs --store FILE, where figures are kept, or --spool "
                                                         "DIR and --config FILE, over whose analysis servers it spreads"));
        if (request->spread.spool && (!request->common.config || request->json_file || request->html ||
                                      request->live.goal_count))
                return command_usage(&command_analyze,
                                     _("--spool needs --config FILE, and has no --html, --json-file and --goal: figures "
                                       "are with the analysis servers (analyze query --config FILE)"));
        if (optind == argc)
                return command_usage(&command_analyze, _("name the logs to follow"));
        if (request->html && (request->page.top == 0 || request->page.top > WEBPAGE_ROWS))
                request->page.top = WEBPAGE_ROWS;
        if (request->required.pub && !request->required.count)
                return command_usage(&command_analyze, _("--pub needs --require DEST"));
        request->required.state = request->common.state;
        if (!request->live.server && gethostname(request->host, sizeof(request->host) - 1) == 0)
                request->live.server = request->host;
        request->paths = argv + optind;
        request->path_count = (size_t)(argc - optind);
        return follow(request);
}

int analyze_follow(int argc, char *argv[])
{
        struct request request = {
                .page = {.top = TOP_DEFAULT, .last_days = 1, .answered_only = true},
                .hour_days = STORE_HOURS_DEFAULT,
                .day_days = STORE_DAYS_DEFAULT,
                .command = BUFFER_INIT(4096)
        };
        struct error error = ERROR_NONE;
        int status;

        if (analyze_command_text(argc, argv, &request.command) < 0) {
                error_memory(&error);
                return command_fail(&error);
        }
        status = parse_and_follow(argc, argv, &request);
        buffer_done(&request.command);
        return status;
}
