/* analyze_vouch.c - understudy analyze vouch: on an analysis server, whether it is proven, said into its own tables. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/analyze_required.h"
#include "cli/command.h"
#include "cli/shards.h"
#include "spread/proof.h"
#include "spread/server.h"

#define LOOK_MS     2000
#define SAY_MS      5000 /* also when nothing changed: what was said counts for PROOF_FRESH_SECONDS */
#define DEADLINE_MS 5000

enum { OPTION_SHARD = OPTION_COMMAND, OPTION_REQUIRE, OPTION_PUB, OPTION_ONCE };

static const struct option options[] = {
        {"shard",    required_argument, NULL, OPTION_SHARD  },
        { "require", required_argument, NULL, OPTION_REQUIRE},
        { "pub",     required_argument, NULL, OPTION_PUB    },
        { "once",    no_argument,       NULL, OPTION_ONCE   },
        { NULL,      0,                 NULL, 0             },
};

static const char *help(void)
{
        return _("Runs on an analysis server (a shard of --config FILE): compares what the server consists of with its signed\n"
                 "release, and says so in the server's own tables, until it is ended. A server that is not proven gets no "
                 "events\n"
                 "and answers no questions.\n"
                 "\n"
                 "  --shard NAME      which shard this server is\n"
                 "  --require DEST    takes part only while DEST is proven equal to its release; this program must be a file "
                 "of\n"
                 "                    one such tree (may be given again)\n"
                 "  --pub FILE        and was pulled with this key\n"
                 "  --once            says it once, and ends\n");
}

struct vouching {
        struct common common;
        const char *shard;
        struct required required;
        bool once;
        int64_t said_ms;
        char said[sizeof(((struct required *)NULL)->obstacle)];
        struct error told; /* the last complaint: said once, not every few seconds */
};

static void complain(struct vouching *vouching, const struct error *error)
{
        if (text_equal(vouching->told.text, error->text))
                return;
        vouching->told = *error;
        command_fail(error);
}

static int say(struct vouching *vouching, struct server *server, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(64U << 10);
        const char *obstacle = vouching->required.obstacle;

        if (proof_say(&sql, vouching->shard, *obstacle ? obstacle : NULL) < 0)
                return error_memory(err);
        return server_ask(server, buffer_text(&sql), DEADLINE_MS, NULL, err);
}

/* Looks, and says it when it is another thing than before, or was said long ago. */
static int turn(struct vouching *vouching, struct server *server, struct error *err)
{
        int64_t now = clock_monotonic_ms();
        const char *obstacle = vouching->required.obstacle;
        int r;

        required_look(&vouching->required);
        if (vouching->said_ms && now < vouching->said_ms + SAY_MS && text_equal(vouching->said, obstacle))
                return 0;
        r = say(vouching, server, err);
        if (r < 0)
                return r;
        vouching->said_ms = now;
        snprintf(vouching->said, sizeof(vouching->said), "%s", obstacle);
        return *obstacle ? error_refuse(err, _("this analysis server is left out: %s"), obstacle) : 0;
}

static int serve(struct vouching *vouching, struct server *server)
{
        _cleanup_(fd_closep) int signals = command_signals();
        struct pollfd wait = { .fd = signals, .events = POLLIN };
        struct error error = ERROR_NONE;
        int r;

        if (signals < 0) {
                error_errno(&error, -signals, _("cannot wait for signals"));
                return command_fail(&error);
        }
        do {
                error = ERROR_NONE;
                r = turn(vouching, server, &error);
                if (vouching->once)
                        return r < 0 ? command_fail(&error) : EXIT_DONE;
                if (r < 0)
                        complain(vouching, &error);
                else if (!*vouching->required.obstacle)
                        vouching->told = ERROR_NONE;
        } while (poll(&wait, 1, LOOK_MS) == 0);
        return EXIT_DONE;
}

static int vouch(struct vouching *vouching)
{
        _cleanup_(shards_done) struct shards shards = SHARDS_NONE;
        _cleanup_(server_freep) struct server *server = NULL;
        const struct spread_shard *shard = NULL;
        struct error error = ERROR_NONE;

        if (required_begin(&vouching->required, &error) < 0)
                return command_fail(&error);
        if (shards_read(&shards, &vouching->common, &error) < 0)
                return shards_fail(&shards, &error);
        for (size_t i = 0; i < shards.spread.count; i++)
                if (text_equal(shards.spread.items[i].name, vouching->shard))
                        shard = &shards.spread.items[i];
        if (!shard)
                return command_usage(&command_analyze, _("the configuration has no shard %s"), vouching->shard);
        if (server_new(shard, shards.spread.database, NULL, &server, &error) < 0)
                return command_fail(&error);
        return serve(vouching, server);
}

int analyze_vouch(int argc, char *argv[])
{
        struct vouching vouching = { .told = ERROR_NONE };
        struct required *required = &vouching.required;
        int code;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &vouching.common)) != -1) {
                switch (code) {
                case OPTION_SHARD: vouching.shard = optarg; break;
                case OPTION_REQUIRE:
                        if (required->count == REQUIRED_MAXIMUM)
                                return command_usage(&command_analyze, _("more than %d trees in --require"),
                                                     REQUIRED_MAXIMUM);
                        required->trees[required->count++] = optarg;
                        break;
                case OPTION_PUB: required->pub = optarg; break;
                case OPTION_ONCE: vouching.once = true; break;
                default: return EXIT_USAGE;
                }
        }
        if (!vouching.common.config || !vouching.shard || !required->count || optind < argc)
                return command_usage(&command_analyze,
                                     _("vouch needs --config FILE, --shard NAME and --require DEST, and nothing else"));
        required->state = vouching.common.state;
        return vouch(&vouching);
}
