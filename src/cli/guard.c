/* guard.c - understudy guard: watch, refuse, heal, in the foreground. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/guard_stage.h"
#include "crypto/digest.h"
#include "guard/guard.h"
#include "guard/orphan.h"
#include "notify/notify.h"
#include "tree/state.h"

enum {
        OPTION_REPO = OPTION_COMMAND,
        OPTION_PUB,
        OPTION_MODE,
        OPTION_RELOAD,
        OPTION_VERDICT_LIMIT,
        OPTION_LATE,
        OPTION_RESCAN,
        OPTION_ALERT,
        OPTION_READS,
        OPTION_PEERS,
        OPTION_PEER,
        OPTION_NAME,
        OPTION_PEERS_KEY,
        OPTION_BEAT,
};

static const struct option options[] = {
        {"repo",           required_argument, NULL, OPTION_REPO         },
        { "pub",           required_argument, NULL, OPTION_PUB          },
        { "mode",          required_argument, NULL, OPTION_MODE         },
        { "reload",        required_argument, NULL, OPTION_RELOAD       },
        { "verdict-limit", required_argument, NULL, OPTION_VERDICT_LIMIT},
        { "late",          required_argument, NULL, OPTION_LATE         },
        { "rescan",        required_argument, NULL, OPTION_RESCAN       },
        { "alert",         required_argument, NULL, OPTION_ALERT        },
        { "reads",         required_argument, NULL, OPTION_READS        },
        { "peers",         required_argument, NULL, OPTION_PEERS        },
        { "peer",          required_argument, NULL, OPTION_PEER         },
        { "name",          required_argument, NULL, OPTION_NAME         },
        { "peers-key",     required_argument, NULL, OPTION_PEERS_KEY    },
        { "beat",          required_argument, NULL, OPTION_BEAT         },
        { NULL,            0,                 NULL, 0                   },
};

#define VERDICT_MS        10000
#define VERDICT_MAXIMUM_S 600
#define SILENCE_MS        2000
#define RESCAN_S          3600
#define BEAT_S            10

struct request {
        struct common common;
        struct guard_options guard;
        bool has_pub;
        struct notify_target targets[NOTIFY_TARGETS_MAXIMUM];
        size_t target_count;
        struct notify *notify; /* NULL: nobody is to be told */
        struct guard_stage stage;
        char dests[GUARD_SITES][PATH_MAX];
        char self[PATH_MAX], gate[PATH_MAX + 32], host[256];
};

/* ---- options ---- */

/* "heal", or "nginx=observe" for one root. */
static int parse_mode(struct request *request, char *text, struct error *err)
{
        struct guard_options *guard = &request->guard;
        char *equals = strchr(text, '=');

        if (!equals)
                return guard_mode_parse(text, &guard->mode, err);
        if (guard->root_mode_count == RELEASE_ROOTS_MAXIMUM)
                return error_usage(err, _("more modes are given than a release can have roots"));
        *equals = '\0';
        guard->root_names[guard->root_mode_count] = text;
        return guard_mode_parse(equals + 1, &guard->root_modes[guard->root_mode_count++], err);
}

static int parse_verdict_limit(struct request *request, const char *text, struct error *err)
{
        int64_t seconds = 0;
        int r = clock_parse_duration(text, &seconds, err);

        if (r < 0)
                return r;
        if (seconds < 1 || seconds > VERDICT_MAXIMUM_S)
                return error_usage(err, _("--verdict-limit must lie between 1s and 10m"));
        request->guard.verdict_ms = (uint32_t)seconds * 1000;
        return 0;
}

static int parse_late(struct request *request, const char *text, struct error *err)
{
        request->guard.late_allow = text_equal(text, "allow");
        if (request->guard.late_allow || text_equal(text, "refuse"))
                return 0;
        return error_usage(err, _("'%s' says not what to do with a late verdict; write refuse or allow"), text);
}

static int parse_reads(struct request *request, const char *text, struct error *err)
{
        static const char *const words[] = {
                [GUARD_READS_AUTO] = "auto", [GUARD_READS_ALWAYS] = "always", [GUARD_READS_NEVER] = "never"
        };

        for (size_t i = 0; i < LENGTH(words); i++)
                if (text_equal(text, words[i])) {
                        request->guard.reads = (enum guard_reads)i;
                        return 0;
                }
        return error_usage(err, _("'%s' does not say when to ask before reads; write auto, always or never"), text);
}

static int parse_rescan(struct request *request, const char *text, struct error *err)
{
        int64_t seconds = 0;
        int r = clock_parse_duration(text, &seconds, err);

        if (r == 0)
                request->guard.rescan_ms = seconds * 1000;
        return r;
}

static int parse_alert(struct request *request, const char *text, struct error *err)
{
        if (request->target_count == NOTIFY_TARGETS_MAXIMUM)
                return error_usage(err, _("at most %d targets can be alerted"), NOTIFY_TARGETS_MAXIMUM);
        return notify_target_parse(text, &request->targets[request->target_count++], err);
}

static int parse_peer(struct request *request, const char *name, struct error *err)
{
        struct pulse_options *pulse = &request->guard.pulse;

        if (pulse->peer_count == PEERS_MAXIMUM)
                return error_usage(err, _("at most %d peers can be named"), PEERS_MAXIMUM);
        pulse->peers[pulse->peer_count++] = name;
        return 0;
}

static int parse_beat(struct request *request, const char *text, struct error *err)
{
        int64_t seconds = 0;
        int r = clock_parse_duration(text, &seconds, err);

        if (r == 0 && (seconds < 1 || seconds > DEADMAN_INTERVAL_MAXIMUM))
                r = error_usage(err, _("--beat must lie between 1s and 1d"));
        if (r == 0)
                request->guard.pulse.interval_s = (uint32_t)seconds;
        return r;
}

static int parse_option(struct request *request, int code, struct error *err)
{
        struct guard_options *guard = &request->guard;

        switch (code) {
        case OPTION_REPO: guard->url = optarg; return 0;
        case OPTION_PUB:
                request->has_pub = true;
                guard->pub_path = optarg;
                return public_key_read(optarg, &guard->pub, err);
        case OPTION_MODE: return parse_mode(request, optarg, err);
        case OPTION_RELOAD: guard->reload_command = optarg; return 0;
        case OPTION_VERDICT_LIMIT: return parse_verdict_limit(request, optarg, err);
        case OPTION_LATE: return parse_late(request, optarg, err);
        case OPTION_RESCAN: return parse_rescan(request, optarg, err);
        case OPTION_READS: return parse_reads(request, optarg, err);
        case OPTION_ALERT: return parse_alert(request, optarg, err);
        case OPTION_PEERS: guard->pulse.folder = optarg; return 0;
        case OPTION_PEER: return parse_peer(request, optarg, err);
        case OPTION_NAME: guard->pulse.name = optarg; return 0;
        case OPTION_PEERS_KEY: guard->pulse.key_file = optarg; return 0;
        case OPTION_BEAT: return parse_beat(request, optarg, err);
        }
        return error_usage(err, _("this option is not known"));
}

/* ---- while it runs ---- */

static void on_ready(void *context)
{
        (void)context;
        puts("ready");
        fflush(stdout);
}

static void on_say(void *context, const char *sentence)
{
        const struct request *request = context;

        if (!request->common.quiet)
                fprintf(stderr, "understudy: %s\n", sentence);
}

static void on_news(void *context, const struct guard_news *news)
{
        struct request *request = context;
        const struct alert alert = { .severity = news->urgent ? ALERT_CRITICAL : ALERT_MEDIUM,
                                     .dest = news->dest,
                                     .kind = news->kind,
                                     .what = news->what,
                                     .details = news->details };
        struct error error = ERROR_NONE;

        if (request->notify && notify_post(request->notify, &alert, &error) < 0)
                on_say(request, error.text);
}

static int on_descriptor(void *context)
{
        const struct request *request = context;

        return request->notify ? notify_fd(request->notify) : -1;
}

static int on_wait(void *context)
{
        const struct request *request = context;
        int notify = request->notify ? notify_wait_ms(request->notify) : -1, stage = guard_stage_wait_ms(&request->stage);

        return notify >= 0 && notify < stage ? notify : stage;
}

/* What it did is in the journal; here it is told. */
static void look_at_stage(struct request *request)
{
        const enum guard_stage_news what = guard_stage_tick(&request->stage);
        struct guard_news news = { .urgent = true, .dest = request->dests[0] };

        if (what == GUARD_STAGE_QUIET)
                return;
        news.kind = what == GUARD_STAGE_AGAIN ? "withdraw_lost" : "withdraw_failed";
        news.what = what == GUARD_STAGE_AGAIN
                            ? _("this server is withdrawn, but its packet filter had been flushed or changed: visitors could "
                                "come until now, and are refused again")
                            : _("this server is withdrawn, but visitors may come: its packet filter could not be put back; "
                                "run understudy withdraw --again");
        on_say(request, news.what);
        on_news(request, &news);
}

static void on_tick(void *context)
{
        struct request *request = context;

        look_at_stage(request);
        if (!request->notify)
                return;
        notify_tick(request->notify);
        notify_heartbeat(request->notify, NULL);
}

/* ---- the start ---- */

/* Our own program, and the gate's: installed, or in the folder in which both were built. */
static int find_programs(struct request *request, struct error *err)
{
        ssize_t length = readlink("/proc/self/exe", request->self, sizeof(request->self) - 1);
        const char *given = getenv("UNDERSTUDY_GATE");

        if (length < 0)
                return error_errno(err, errno, _("cannot find out where this program lies"));
        request->self[length] = '\0';
        if (given && *given)
                snprintf(request->gate, sizeof(request->gate), "%s", given);
        else
                snprintf(request->gate, sizeof(request->gate), "%.*s/src/gate/understudy-gate",
                         (int)(strrchr(request->self, '/') - request->self), request->self);
        if (access(request->gate, X_OK) < 0 && !given)
                snprintf(request->gate, sizeof(request->gate), "%s", UNDERSTUDY_LIBEXECDIR "/understudy-gate");
        request->guard.self = request->self;
        request->guard.gate = request->gate;
        return 0;
}

static bool heals(const struct guard_options *guard)
{
        for (size_t i = 0; i < guard->root_mode_count; i++)
                if (guard->root_modes[i] == GUARD_HEAL)
                        return true;
        return guard->mode == GUARD_HEAL;
}

static int take_arguments(struct request *request, int argc, char *argv[], struct error *err)
{
        struct guard_options *guard = &request->guard;

        if (argc - optind > GUARD_SITES)
                return error_usage(err, _("one guard can watch %d sites; start another one for the rest"), GUARD_SITES);
        for (int i = optind; i < argc; i++) {
                char *dest = request->dests[guard->dest_count];
                int r = state_absolute(argv[i], dest, err);

                if (r < 0)
                        return r;
                guard->dests[guard->dest_count++] = dest;
        }
        guard->state_directory = state_directory(request->common.state);
        if (!guard->pulse.name) {
                (void)gethostname(request->host, sizeof(request->host) - 1);
                guard->pulse.name = request->host;
        }
        return find_programs(request, err);
}

/* One queue for each guard: named after its first tree. */
static int open_notify(struct request *request, struct error *err)
{
        const struct notify_options how = { .note = on_say, .context = request };
        struct digest digest;
        char hex[DIGEST_HEX_SIZE], name[32];
        int r;

        if (request->target_count == 0)
                return 0;
        r = digest_of_bytes(request->dests[0], strlen(request->dests[0]), &digest, err);
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        snprintf(name, sizeof(name), "guard-%.16s", hex);
        return notify_open(request->guard.state_directory, name, request->targets, request->target_count, &how,
                           &request->notify, err);
}

static int guard(struct request *request, struct error *err)
{
        int r;

        orphan_wake();
        r = open_notify(request, err); /* forks: before there are threads */
        request->stage = (struct guard_stage){ .self = request->self, .state = request->guard.state_directory };
        if (r == 0)
                r = guard_run(&request->guard, err);
        guard_stage_done(&request->stage);
        notify_close(request->notify);
        return r;
}

static int run(int argc, char *argv[])
{
        static struct request request;
        struct error error = ERROR_NONE;
        int code;

        memset(&request, 0, sizeof(request));
        request.guard = (struct guard_options){ .mode = GUARD_HEAL,
                                                .verdict_ms = VERDICT_MS,
                                                .silence_ms = SILENCE_MS,
                                                .rescan_ms = RESCAN_S * 1000,
                                                .pulse = { .interval_s = BEAT_S },
                                                .ready = on_ready,
                                                .say = on_say,
                                                .news = on_news,
                                                .descriptor = on_descriptor,
                                                .wait_ms = on_wait,
                                                .tick = on_tick,
                                                .context = &request };
        while ((code = command_option(
                        argc, argv, &command_guard, options,
                        N_("Watches trees that were pulled: what is not genuine cannot be opened, is found at once, kept "
                           "as\n"
                           "evidence, written into the journal with who did it, and healed by a pull. Runs in the\n"
                           "foreground; says `ready` when every tree is under guard.\n"
                           "\n"
                           "  --pub FILE          the public key that vouches for releases (release key or root key)\n"
                           "  --repo URL          repository to heal from\n"
                           "  --mode MODE         observe, refuse, or heal (refuse and heal); ROOT=MODE for one root\n"
                           "  --reload COMMAND    run by sh when a tree was healed: reload the web server\n"
                           "  --alert TARGET      tell this target: mailto:..., https://..., syslog:...; may be repeated\n"
                           "  --peers FOLDER      a folder that the servers of the site share: each writes there that it "
                           "lives, and\n"
                           "                      tells when another one falls silent\n"
                           "  --peer NAME         a peer that must be heard from the start; may be repeated\n"
                           "  --name NAME         this server's name among them (the host's)\n"
                           "  --peers-key FILE    a key that the peers share: nobody else's word counts\n"
                           "  --beat DURATION     how often (10s); three that are missed are a silence\n"
                           "  --reads WHEN        ask before each read, too (Linux 6.14), so that nothing is read through\n"
                           "                      descriptors that were open before, nor written: always, never, or auto:\n"
                           "                      for a tree on a file system of its own\n"
                           "  --rescan DURATION   hash everything again so often (1h; 0s: never)\n"
                           "  --verdict-limit D   a file that could not be checked for so long (10s) is late\n"
                           "  --late WHAT         refuse (the default) or allow what is late\n"),
                        &request.common)) != -1) {
                if (code == '?')
                        return EXIT_USAGE;
                if (parse_option(&request, code, &error) < 0)
                        return command_fail(&error);
        }
        if (argc == optind)
                return command_usage(&command_guard, _("name the folders to guard"));
        if (!request.has_pub)
                return command_usage(&command_guard, _("name the public key with --pub FILE"));
        if (!request.guard.url && heals(&request.guard))
                return command_usage(&command_guard,
                                     _("name the repository to heal from with --repo URL, or choose --mode refuse"));
        if (!request.guard.pulse.folder && (request.guard.pulse.peer_count || request.guard.pulse.key_file))
                return command_usage(&command_guard, _("name the folder in which the peers are heard with --peers FOLDER"));
        if (take_arguments(&request, argc, argv, &error) < 0 || guard(&request, &error) < 0)
                return command_fail(&error);
        return EXIT_DONE;
}

const struct command command_guard = {
        .name = "guard",
        .run = run,
        .synopsis = "guard DEST ... --pub FILE [--repo URL] [--mode observe|refuse|heal] [--mode ROOT=MODE ...] "
                    "[--reads auto|always|never] [--reload COMMAND] [--alert TARGET ...] [--peers FOLDER [--peer NAME ...] "
                    "[--name NAME] [--peers-key FILE] [--beat DURATION]] [--rescan DURATION] [--verdict-limit DURATION] "
                    "[--late refuse|allow]",
        .summary = N_("refuse, find and heal what is not genuine"),
};
