/* pull.c - understudy pull: make a tree exactly its release. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/journal_sink.h"
#include "cli/report.h"
#include "crypto/key.h"
#include "guard/handover.h"
#include "tree/pull.h"
#include "tree/state.h"

enum {
        OPTION_REPO = OPTION_COMMAND,
        OPTION_PUB,
        OPTION_RELEASE,
        OPTION_ADOPT,
        OPTION_REPIN,
        OPTION_ROOT,
        OPTION_TAKE_OVER,
        OPTION_CHECK,
        OPTION_RELOAD,
        OPTION_THREADS,
        OPTION_EVIDENCE_LIMIT,
        OPTION_STALL_TIMEOUT,
        OPTION_CA_FILE,
};

static const struct option long_options[] = {
        {"repo",            required_argument, NULL, OPTION_REPO          },
        { "pub",            required_argument, NULL, OPTION_PUB           },
        { "release",        required_argument, NULL, OPTION_RELEASE       },
        { "adopt",          no_argument,       NULL, OPTION_ADOPT         },
        { "repin",          no_argument,       NULL, OPTION_REPIN         },
        { "root",           required_argument, NULL, OPTION_ROOT          },
        { "take-over",      required_argument, NULL, OPTION_TAKE_OVER     },
        { "check",          required_argument, NULL, OPTION_CHECK         },
        { "reload",         required_argument, NULL, OPTION_RELOAD        },
        { "threads",        required_argument, NULL, OPTION_THREADS       },
        { "evidence-limit", required_argument, NULL, OPTION_EVIDENCE_LIMIT},
        { "stall-timeout",  required_argument, NULL, OPTION_STALL_TIMEOUT },
        { "ca-file",        required_argument, NULL, OPTION_CA_FILE       },
        { NULL,             0,                 NULL, 0                    },
};

struct request {
        struct common common;
        const char *dest;
        bool has_pub;
        struct pull_options pull;
        struct state_root roots[RELEASE_ROOTS_MAXIMUM];
        struct report report;
        struct journal_sink journal;
        struct handover *guard; /* that watches DEST; NULL: none does */
};

/* ---- options ---- */

static int parse_take_over(struct request *request, const char *text, struct error *err)
{
        static const char *const words[] = {
                [TAKE_OVER_AUTO] = "auto", [TAKE_OVER_COPY] = "copy", [TAKE_OVER_LINK] = "link"
        };

        for (size_t i = 0; i < LENGTH(words); i++)
                if (text_equal(text, words[i])) {
                        request->pull.take_over = (enum take_over)i;
                        return 0;
                }
        return error_usage(err, _("'%s' is no way to take files over; write auto, copy or link"), text);
}

static int parse_threads(struct request *request, const char *text, struct error *err)
{
        uint64_t number = 0;
        int r = argument_number("--threads", text, ARGUMENT_THREADS_MAXIMUM, &number, err);

        if (r == 0)
                request->pull.threads = (unsigned int)number;
        return r;
}

static int parse_stall(struct request *request, const char *text, struct error *err)
{
        uint64_t seconds = 0;
        int r = argument_number("--stall-timeout", text, 3600, &seconds, err);

        if (r == 0)
                request->pull.repository.stall_ms = (int)seconds * 1000;
        return r;
}

static int parse_option(struct request *request, int code, struct error *err)
{
        struct pull_options *pull = &request->pull;

        switch (code) {
        case OPTION_REPO: pull->url = optarg; return 0;
        case OPTION_PUB: request->has_pub = true; return public_key_read(optarg, &pull->pub, err);
        case OPTION_RELEASE: return argument_number("--release", optarg, RELEASE_NUMBER_MAXIMUM, &pull->number, err);
        case OPTION_ADOPT: pull->adopt = true; return 0;
        case OPTION_REPIN: pull->repin = true; return 0;
        case OPTION_ROOT: return argument_root(optarg, request->roots, &pull->root_count, err);
        case OPTION_TAKE_OVER: return parse_take_over(request, optarg, err);
        case OPTION_CHECK: pull->check_command = optarg; return 0;
        case OPTION_RELOAD: pull->reload_command = optarg; return 0;
        case OPTION_THREADS: return parse_threads(request, optarg, err);
        case OPTION_EVIDENCE_LIMIT:
                return argument_number("--evidence-limit", optarg, UINT64_C(1) << 50, &pull->evidence_bytes, err);
        case OPTION_STALL_TIMEOUT: return parse_stall(request, optarg, err);
        case OPTION_CA_FILE: pull->repository.ca_file = optarg; return 0;
        }
        return error_usage(err, _("this option is not known"));
}

/* ---- while it runs ---- */

static int on_difference(void *context, const struct difference *difference, struct error *err)
{
        struct request *request = context;

        progress_end();
        journal_sink_difference(&request->journal, request->dest, difference);
        return report_difference(&request->report, difference, err);
}

static void on_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
        const struct request *request = context;

        progress_show(&request->common, what, done, total);
}

static void on_note(void *context, const char *sentence)
{
        (void)context;
        progress_end();
        fprintf(stderr, "understudy: %s\n", sentence);
}

/* ---- the journal ---- */

static json_t *details(const struct request *request, uint64_t from, uint64_t to)
{
        return json_pack("{s:o, s:I, s:I}", "dest", command_json_name(request->dest, strlen(request->dest)), "from",
                         (json_int_t)from, "release", (json_int_t)to);
}

static void on_exchanging(void *context, uint64_t from, uint64_t to)
{
        struct request *request = context;

        journal_sink_add(&request->journal, "exchange", NULL, details(request, from, to),
                         "%s goes from release %" PRIu64 " to release %" PRIu64, request->dest, from, to);
        journal_sink_commit(&request->journal);
}

/* ---- a guard that watches DEST ---- */

static int on_staged(void *context, uint64_t release, int kept_next, const struct pull_staged *trees, size_t count,
                     struct error *err)
{
        struct request *request = context;

        return request->guard ? handover_staged(request->guard, release, kept_next, trees, count, err) : 0;
}

static void on_exchanged(void *context, bool done)
{
        struct request *request = context;
        struct error error = ERROR_NONE;

        if (request->guard && handover_exchanged(request->guard, done, &error) < 0)
                on_note(request, error.text);
}

static size_t on_differing(void *context, struct pull_name names[static PULL_MEND_NAMES])
{
        struct request *request = context;

        return request->guard ? handover_names(request->guard, names) : 0;
}

static int on_mending(void *context, uint64_t release, int kept_next, const struct pull_staged *trees, size_t count,
                      size_t names, struct error *err)
{
        struct request *request = context;
        json_t *more = details(request, release, release);
        int r = handover_mending(request->guard, release, kept_next, trees, count, err);

        if (more)
                json_object_set_new(more, "names", json_integer((json_int_t)names));
        if (r < 0) {
                json_decref(more);
                return r;
        }
        journal_sink_add(&request->journal, "mend", NULL, more,
                         "names of %s are put right (%zu), before the whole is compared with release %" PRIu64,
                         request->dest, names, release);
        journal_sink_commit(&request->journal);
        return 0;
}

static void on_mended(void *context)
{
        struct request *request = context;
        struct error error = ERROR_NONE;

        if (handover_mended(request->guard, &error) < 0)
                on_note(request, error.text);
}

static void journal_start_of_pull(struct request *request)
{
        json_t *more = json_pack("{s:o, s:o}", "dest", command_json_name(request->dest, strlen(request->dest)),
                                 "repository", command_json_name(request->pull.url, strlen(request->pull.url)));

        journal_sink_open(&request->journal, state_directory(request->common.state), false);
        journal_sink_add(&request->journal, "pull_started", NULL, more, "pull of %s from %s", request->dest,
                         request->pull.url);
        journal_sink_commit(&request->journal);
}

static void journal_end_of_pull(struct request *request, const struct pull_result *result, int r,
                                const struct error *err)
{
        json_t *more = details(request, result->release_before, result->release);

        if (more) {
                json_object_set_new(more, "differences", json_integer((json_int_t)result->before.differences));
                json_object_set_new(more, "exchanged", json_boolean(result->exchanged));
                json_object_set_new(more, "mended", json_integer((json_int_t)result->mended));
                json_object_set_new(more, "evidence_folder",
                                    command_json_name(result->evidence, strlen(result->evidence)));
        }
        if (r < 0)
                journal_sink_add(&request->journal, "pull_failed", NULL, more, "%s", err->english);
        else
                journal_sink_add(&request->journal, "pull_finished", NULL, more,
                                 "%s is release %" PRIu64 "; %" PRIu64 " differences were found before", request->dest,
                                 result->release, result->before.differences);
        journal_sink_close(&request->journal);
}

/* ---- the result ---- */

static int show_json(struct request *request, const struct pull_result *result)
{
        json_t *before = json_null();
        struct error error = ERROR_NONE;
        json_t *json;

        if (result->compared)
                before =
                        report_json(&request->report, result->release_before ? result->release_before : result->release,
                                    &result->before);
        json = before ? json_pack("{s:I, s:o, s:b, s:I, s:b, s:o, s:I, s:I, s:I, s:I, s:I}", "release",
                                  (json_int_t)result->release, "before", before, "changed",
                                  result->exchanged || result->mended > 0, "mended", (json_int_t)result->mended,
                                  "expired", result->expired, "evidence",
                                  command_json_name(result->evidence, strlen(result->evidence)), "files",
                                  (json_int_t)result->files, "bytes", (json_int_t)result->bytes, "fetched_objects",
                                  (json_int_t)result->fetched_objects, "bytes_received",
                                  (json_int_t)result->traffic.bytes, "requests", (json_int_t)result->traffic.requests)
                      : NULL;
        if (json)
                return command_print_json(json);
        error_memory(&error);
        return command_fail(&error);
}

static void show_text(const struct request *request, const struct pull_result *result)
{
        if (request->common.quiet)
                return;
        if (result->compared && result->before.differences > 0)
                printf(i18n_plural("%" PRIu64 " difference was found before.\n",
                                "%" PRIu64 " differences were found before.\n",
                                (unsigned long)result->before.differences),
                       result->before.differences);
        if (*result->evidence)
                printf(_("What differed is kept in %s\n"), result->evidence);
        if (!result->exchanged && result->mended > 0)
                printf(_("%s is release %" PRIu64 " again; names that were put right one by one: %" PRIu64 ".\n"),
                       request->dest, result->release, result->mended);
        else if (!result->exchanged)
                printf(_("%s is release %" PRIu64 " already, and nobody can write in it: nothing to do.\n"),
                       request->dest, result->release);
        else
                printf(_("%s is release %" PRIu64 " now: %" PRIu64 " files, %" PRIu64 " fetched (%" PRIu64
                         " bytes received).\n"),
                       request->dest, result->release, result->files, result->fetched_objects, result->traffic.bytes);
}

static bool was_tampered_with(const struct pull_result *result)
{
        return result->compared && (result->before.differences > 0 || result->before.changing);
}

static int run_pull(struct request *request)
{
        _cleanup_(state_closep) struct state *state = NULL;
        struct pull_result result = { 0 };
        struct error error = ERROR_NONE;
        int r = state_open(state_directory(request->common.state), request->dest, STATE_WRITE_LATE, &state, &error);
        int status = EXIT_DONE;

        if (r == 0)
                r = report_init(&request->report, request->common.json, request->common.quiet,
                                request->pull.root_count > 0 || state->root_count > 1, &error);
        if (r == 0)
                r = handover_connect(state->folder, &request->guard, &error);
        if (r == 0) {
                journal_start_of_pull(request);
                r = pull(state, &request->pull, &result, &error);
                journal_end_of_pull(request, &result, r, &error);
        }
        progress_end();
        if (result.release) { /* it is in place, also when something after it failed or a rule refuses */
                if (request->common.json)
                        status = show_json(request, &result);
                else
                        show_text(request, &result);
        }
        handover_close(request->guard);
        report_done(&request->report);
        if (r < 0)
                return command_fail(&error);
        return status != EXIT_DONE ? status : was_tampered_with(&result) ? EXIT_FOUND : EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        static struct request request; /* 70 KB of paths */
        static char dest[PATH_MAX];
        struct error error = ERROR_NONE;
        int code, status;

        memset(&request, 0, sizeof(request));
        while ((code = command_option(
                        argc, argv, &command_pull, long_options,
                        N_("Makes DEST exactly the release: builds a fresh tree beside it, checks every byte, and "
                           "exchanges\n"
                           "the two in one step. Says what differed before, and keeps that as evidence.\n"
                           "\n"
                           "  --repo URL          repository: http(s)://, file:// or a folder\n"
                           "  --pub FILE          the public key that vouches for releases (release key or root key)\n"
                           "  --release N         release N instead of the newest; never older than one accepted "
                           "before\n"
                           "  --adopt             take over a folder that is not empty and was never pulled\n"
                           "  --repin             DEST was pulled with another key before, which was changed on "
                           "purpose\n"
                           "  --root NAME=DEST    where another root of the release goes; may be repeated, is "
                           "remembered\n"
                           "  --take-over HOW     unchanged files: auto, copy, or link (for very large trees)\n"
                           "  --check COMMAND     run by sh where the new trees stand in place for it alone; if it "
                           "fails,\n"
                           "                      nothing is exchanged\n"
                           "  --reload COMMAND    run by sh after the exchange\n"
                           "  --threads N         threads that read and copy (as many as processors, at most 8)\n"
                           "  --evidence-limit B  most bytes of evidence for one pull (268435456)\n"
                           "  --stall-timeout S   give a transfer up when it stalls for S seconds (30)\n"
                           "  --ca-file FILE      TLS certificates to trust instead of the system's\n"),
                        &request.common)) != -1) {
                if (code == '?')
                        return EXIT_USAGE;
                if (parse_option(&request, code, &error) < 0)
                        return command_fail(&error);
        }
        status = argument_dest(&command_pull, argc, argv, _("name one folder to pull to"), request.has_pub, dest);
        if (status >= 0)
                return status;
        if (!request.pull.url)
                return command_usage(&command_pull, _("name the repository with --repo URL"));
        request.dest = dest;
        request.pull.roots = request.roots;
        request.pull.difference = on_difference;
        request.pull.progress = on_progress;
        request.pull.note = on_note;
        request.pull.exchanging = on_exchanging;
        request.pull.staged = on_staged;
        request.pull.exchanged = on_exchanged;
        request.pull.differing = on_differing;
        request.pull.mending = on_mending;
        request.pull.mended = on_mended;
        request.pull.context = &request;
        return run_pull(&request);
}

const struct command command_pull = {
        .name = "pull",
        .run = run,
        .synopsis = "pull DEST --repo URL --pub FILE [--release N] [--adopt] [--repin] [--root NAME=DEST ...] "
                    "[--take-over auto|copy|link] [--check COMMAND] [--reload COMMAND] [--threads N] "
                    "[--evidence-limit BYTES] [--stall-timeout SECONDS] [--ca-file FILE]",
        .summary = N_("make a tree exactly its release"),
};
