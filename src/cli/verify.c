/* verify.c - understudy verify: is a tree equal to its release? */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/journal_sink.h"
#include "cli/report.h"
#include "crypto/key.h"
#include "manifest/mtree.h"
#include "tree/above.h"
#include "tree/reference.h"
#include "tree/state.h"
#include "tree/verify.h"

enum { OPTION_REPO = OPTION_COMMAND, OPTION_PUB, OPTION_RELEASE, OPTION_MANIFEST, OPTION_ROOT, OPTION_THREADS };

static const struct option options[] = {
        {"repo",      required_argument, NULL, OPTION_REPO    },
        { "pub",      required_argument, NULL, OPTION_PUB     },
        { "release",  required_argument, NULL, OPTION_RELEASE },
        { "manifest", required_argument, NULL, OPTION_MANIFEST},
        { "root",     required_argument, NULL, OPTION_ROOT    },
        { "threads",  required_argument, NULL, OPTION_THREADS },
        { NULL,       0,                 NULL, 0              },
};

struct request {
        struct common common;
        const char *dest, *url, *manifest;
        struct public_key pub;
        bool has_pub;
        uint64_t release, threads;
        struct state_root roots[RELEASE_ROOTS_MAXIMUM];
        size_t root_count;
};

static int parse_option(struct request *request, int code, struct error *err)
{
        switch (code) {
        case OPTION_REPO: request->url = optarg; return 0;
        case OPTION_MANIFEST: request->manifest = optarg; return 0;
        case OPTION_PUB: request->has_pub = true; return public_key_read(optarg, &request->pub, err);
        case OPTION_RELEASE:
                return argument_number("--release", optarg, RELEASE_NUMBER_MAXIMUM, &request->release, err);
        case OPTION_THREADS:
                return argument_number("--threads", optarg, ARGUMENT_THREADS_MAXIMUM, &request->threads, err);
        case OPTION_ROOT: return argument_root(optarg, request->roots, &request->root_count, err);
        }
        return error_usage(err, _("this option is not known"));
}

/* ---- what to compare with ---- */

/* The state of a DEST, or NULL when there is none that we may read (then a repository has to say what is genuine). */
static int open_state(const struct request *request, struct state **ret_state, struct error *err)
{
        int r = state_open(state_directory(request->common.state), request->dest, STATE_READ, ret_state, err);

        if (r == -EACCES && request->url) {
                *err = ERROR_NONE;
                return 0;
        }
        return r;
}

static int find_reference(const struct request *request, const struct state *state, bool *ret_kept,
                          struct reference **ret_reference, struct error *err)
{
        bool pulled = state && state->pulled;

        if (request->manifest)
                return reference_file(request->manifest, &request->pub, ret_reference, err);
        if (pulled && (request->release == 0 || request->release == state->release)) {
                *ret_kept = true;
                return reference_kept(state, &request->pub, ret_reference, err);
        }
        if (request->url)
                return reference_repository(request->url, state, &request->pub, request->release, ret_reference, err);
        if (pulled)
                return error_usage(
                        err,
                        _("%s was pulled to release %" PRIu64 ", not to %" PRIu64 "; name the repository with --repo"),
                        request->dest, state->release, request->release);
        return error_usage(err,
                           _("%s was never pulled; name the repository with --repo, or a manifest with --manifest"),
                           request->dest);
}

/* The folder of a root: the docroot's is DEST, others are given or remembered. */
static const char *folder_of(const struct request *request, const struct state *state, const char *root)
{
        if (text_equal(root, RELEASE_DOCROOT))
                return request->dest;
        for (size_t i = 0; i < request->root_count; i++)
                if (text_equal(request->roots[i].name, root))
                        return request->roots[i].folder;
        return state && state->pulled ? state_root_folder(state, root) : NULL;
}

/* What was not looked at counts as bad: a root without a folder is refused before anything is compared. */
static int check_roots(const struct request *request, const struct state *state, const struct reference *reference,
                       struct error *err)
{
        for (size_t i = 0; i < reference->root_count; i++)
                if (!folder_of(request, state, reference->roots[i].name))
                        return error_usage(err, _("the release has a root '%s'; say where it is with --root %s=DIR"),
                                           reference->roots[i].name, reference->roots[i].name);
        for (size_t i = 0; i < request->root_count; i++) {
                bool known = false;

                for (size_t k = 0; k < reference->root_count; k++)
                        known = known || text_equal(reference->roots[k].name, request->roots[i].name);
                if (!known)
                        return error_usage(err, _("the release has no root '%s'"), request->roots[i].name);
        }
        return 0;
}

/* ---- comparing ---- */

struct comparison {
        const struct request *request;
        struct report report;
        struct journal_sink journal;
        uint64_t before, total; /* files of the roots that are done; of all */
};

static int on_difference(void *context, const struct difference *difference, struct error *err)
{
        struct comparison *comparison = context;

        progress_end();
        journal_sink_difference(&comparison->journal, comparison->request->dest, difference);
        return report_difference(&comparison->report, difference, err);
}

static void on_progress(void *context, uint64_t files, uint64_t bytes)
{
        struct comparison *comparison = context;

        (void)bytes;
        progress_show(&comparison->request->common, _("verifying"), comparison->before + files, comparison->total);
}

static int open_parent(const char *folder, const char **ret_name, struct error *err)
{
        const char *slash = strrchr(folder, '/');
        _cleanup_(memory_freep) char *parent = memory_copy(folder, slash == folder ? 1 : (size_t)(slash - folder));
        int fd;

        if (!parent)
                return error_memory(err);
        fd = fault_point(FAULT_OPEN) ? -1 : open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open %s, the folder above %s"), parent, slash + 1);
        *ret_name = slash + 1;
        return fd;
}

/* Signed bytes were acted upon, or nothing was proven: the manifest is still what was checked. */
static int check_manifest(struct mtree_reader *reader, const struct reference_root *root, struct error *err)
{
        struct digest digest;
        int r = mtree_reader_digest(reader, &digest, err);

        if (r == 0 && !digest_equal(&digest, &root->digest))
                return error_set(err, -EBADMSG, _("%s changed while it was used; run the same command again"),
                                 root->file);
        return r;
}

static int compare_root(struct comparison *comparison, const struct reference_root *root, const char *folder,
                        struct verify_result *total, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        const char *name = NULL;
        _cleanup_(fd_closep) int parent = open_parent(folder, &name, err);
        const struct verify_options verify_options = {
                .threads = (unsigned int)comparison->request->threads,
                .root = root->name,
                .companion = &root->companion,
                .difference = on_difference,
                .progress = on_progress,
                .context = comparison,
        };
        struct verify_result result = { 0 };
        char sentence[ERROR_TEXT_SIZE];
        uint64_t differences;
        int r = parent < 0 ? parent : mtree_reader_new_fd(root->manifest, root->file, &reader, err);

        if (r == 0 && above_steers(parent, folder, sentence))
                fprintf(stderr, "understudy: %s\n", sentence);
        if (r == 0)
                r = tree_verify_at(parent, name, reader, &verify_options, &result, err);
        differences = result.differences;
        if (r == 0 && differences == 0) /* then all of the manifest was read */
                r = check_manifest(reader, root, err);
        comparison->before += root->files;
        if (r == 0)
                verify_result_add(total, &result);
        return r;
}

static int compare(struct comparison *comparison, const struct state *state, const struct reference *reference,
                   struct verify_result *result, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < reference->root_count; i++)
                comparison->total += reference->roots[i].files;
        /* The docroot first: it is what people look for. */
        for (int others = 0; others < 2; others++)
                for (size_t i = 0; i < reference->root_count && r == 0; i++) {
                        const struct reference_root *root = &reference->roots[i];

                        if (text_equal(root->name, RELEASE_DOCROOT) != !others)
                                continue;
                        r = compare_root(comparison, root, folder_of(comparison->request, state, root->name), result,
                                         err);
                }
        progress_end();
        return r;
}

/* ---- afterwards ---- */

/* Remembers the result for whoever asks when DEST was last verified. Not being able to is no failure of verify: it may
 * run without rights, or beside a pull. */
static void record(const struct request *request, uint64_t release, bool genuine)
{
        _cleanup_(state_closep) struct state *state = NULL;
        struct error ignored = ERROR_NONE;

        if (state_open(state_directory(request->common.state), request->dest, STATE_WRITE, &state, &ignored) < 0 ||
            !state->pulled || state->release != release)
                return;
        state->verification.time = clock_now();
        clock_boot_id(state->verification.boot_id);
        state->verification.genuine = genuine;
        (void)state_save(state, &ignored);
}

static json_t *details(const struct request *request, uint64_t release)
{
        return json_pack("{s:o, s:I}", "dest", command_json_name(request->dest, strlen(request->dest)), "release",
                         (json_int_t)release);
}

/* Only of a DEST that this server has pulled: for any other folder nothing is made on this machine. */
static void journal_start_of_verify(struct comparison *comparison, uint64_t release)
{
        const struct request *request = comparison->request;

        journal_sink_open(&comparison->journal, state_directory(request->common.state), true);
        journal_sink_add(&comparison->journal, "verify_started", NULL, details(request, release),
                         "%s is compared with release %" PRIu64, request->dest, release);
        journal_sink_commit(&comparison->journal);
}

static void journal_end_of_verify(struct comparison *comparison, uint64_t release, const struct verify_result *result,
                                  int r, const struct error *err)
{
        const struct request *request = comparison->request;
        json_t *more = details(request, release);

        if (more && r == 0) {
                json_object_set_new(more, "genuine", json_boolean(verify_is_genuine(result)));
                json_object_set_new(more, "differences", json_integer((json_int_t)result->differences));
        }
        if (r < 0)
                journal_sink_add(&comparison->journal, "verify_failed", NULL, more, "%s", err->english);
        else if (result->changing)
                journal_sink_add(&comparison->journal, "verify_finished", NULL, more,
                                 "%s changed while it was compared with release %" PRIu64, request->dest, release);
        else
                journal_sink_add(&comparison->journal, "verify_finished", NULL, more,
                                 "%s has %" PRIu64 " differences from release %" PRIu64, request->dest,
                                 result->differences, release);
        journal_sink_close(&comparison->journal);
}

static int show(struct comparison *comparison, const struct reference *reference, const struct verify_result *result)
{
        json_t *json;

        if (!comparison->request->common.json) {
                report_text(&comparison->report, reference->number, result);
                return EXIT_DONE;
        }
        json = report_json(&comparison->report, reference->number, result);
        if (!json) {
                struct error error = ERROR_NONE;

                error_memory(&error);
                return command_fail(&error);
        }
        return command_print_json(json);
}

static int verify(const struct request *request)
{
        _cleanup_(reference_freep) struct reference *reference = NULL;
        _cleanup_(state_closep) struct state *state = NULL;
        struct comparison comparison = { .request = request };
        struct verify_result result = { 0 };
        struct error error = ERROR_NONE;
        bool kept = false;
        int r = request->manifest ? 0 : open_state(request, &state, &error);

        if (r == 0)
                r = find_reference(request, state, &kept, &reference, &error);
        if (r == 0)
                r = check_roots(request, state, reference, &error);
        if (r == 0)
                r = report_init(&comparison.report, request->common.json, request->common.quiet,
                                reference->root_count > 1, &error);
        if (r == 0) {
                if (reference->expired)
                        fprintf(stderr, "understudy: %s\n",
                                _("the current note has expired: whether there is a newer release is not known"));
                if (kept)
                        journal_start_of_verify(&comparison, reference->number);
                r = compare(&comparison, state, reference, &result, &error);
                if (kept)
                        journal_end_of_verify(&comparison, reference->number, &result, r, &error);
        }
        state_close(state); /* its lock is shared: the record needs it alone */
        state = NULL;
        if (r < 0) {
                report_done(&comparison.report);
                return command_fail(&error);
        }
        if (kept)
                record(request, reference->number, verify_is_genuine(&result));
        r = show(&comparison, reference, &result);
        report_done(&comparison.report);
        return r != EXIT_DONE ? r : verify_is_genuine(&result) ? EXIT_DONE : EXIT_FOUND;
}

static int run(int argc, char *argv[])
{
        static struct request request; /* 70 KB of paths */
        static char dest[PATH_MAX];
        struct error error = ERROR_NONE;
        int code, status;

        memset(&request, 0, sizeof(request));
        while ((code = command_option(
                        argc, argv, &command_verify, options,
                        N_("Compares every name and byte of DEST with the release that it was last pulled to; works "
                           "without the repository.\n"
                           "\n"
                           "  --pub FILE        the public key that vouches for releases (release key or root key)\n"
                           "  --repo URL        repository: for a DEST that was never pulled, or another release\n"
                           "  --release N       compare with release N\n"
                           "  --manifest FILE   compare with a manifest file; FILE.minisig must be there\n"
                           "  --root NAME=DIR   where another root of the release lies; may be repeated\n"
                           "  --threads N       threads that read (as many as processors, at most 8)\n"),
                        &request.common)) != -1) {
                if (code == '?')
                        return EXIT_USAGE;
                if (parse_option(&request, code, &error) < 0)
                        return command_fail(&error);
        }
        status = argument_dest(&command_verify, argc, argv, _("name one folder to verify"), request.has_pub, dest);
        if (status >= 0)
                return status;
        if (request.manifest && (request.release || request.root_count))
                return command_usage(&command_verify, _("--manifest goes with neither --release nor --root"));
        request.dest = dest;
        return verify(&request);
}

const struct command command_verify = {
        .name = "verify",
        .run = run,
        .synopsis = "verify DEST --pub FILE [--repo URL] [--release N] [--manifest FILE] [--root NAME=DIR ...] "
                    "[--threads N]",
        .summary = N_("compare a tree with its release, every name and byte"),
};
