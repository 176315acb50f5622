/* releases.c - understudy releases: lists the releases of a repository, and whether each signature holds. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "manifest/trust.h"
#include "store/repository.h"
#include "tree/source.h"

/* Releases in a row that are not there; then the older ones were taken away, or `latest`, which nobody signs, is a lie.
 */
#define GAP_MAXIMUM 16

enum { OPTION_REPO = OPTION_COMMAND, OPTION_PUB };

static const struct option options[] = {
        {"repo", required_argument, NULL, OPTION_REPO},
        { "pub", required_argument, NULL, OPTION_PUB },
        { NULL,  0,                 NULL, 0          },
};

struct listing {
        struct common common;
        struct repository *repository;
        struct trust *trust;
        struct current current; /* release 0: there is no note that holds */
        bool expired;
        char current_problem[ERROR_TEXT_SIZE];
        uint64_t newest;
        struct digest expected; /* of the next older release.json, as the newer one says */
        bool has_expected;
        bool found; /* a signature that does not hold, or a release that is not there */
        bool titled;
        json_t *releases;
};

/* What is known of one release: all of it, or only what is wrong with it. */
struct row {
        uint64_t number;
        bool missing;
        bool holds;
        struct release release; /* owned; meaningful when it holds */
        char problem[ERROR_TEXT_SIZE];
};

static int find_newest(struct listing *listing, struct error *err)
{
        int r = repository_latest(listing->repository, &listing->newest, err);

        if (r == -ENOENT && listing->trust->root_mode)
                r = 0; /* keys were named before anything was published */
        else if (r == -ENOENT)
                error_set(err, r, _("%s is not a repository, or nothing was published there yet"),
                          repository_url(listing->repository));
        if (listing->newest < listing->current.release)
                listing->newest = listing->current.release;
        return r;
}

static int read_current(struct listing *listing, struct error *err)
{
        int r;

        if (!listing->trust->root_mode)
                return 0;
        r = source_current(listing->repository, listing->trust, clock_now(), &listing->current, &listing->expired, err);
        if (r != -EBADMSG && r != -EKEYREJECTED)
                return r < 0 ? r : 0;
        listing->found = true;
        snprintf(listing->current_problem, sizeof(listing->current_problem), "%s", err->text);
        return 0;
}

/* release.json and its signature; a refusal of the bytes is a finding, everything else ends the command. */
static int check_release(struct listing *listing, struct row *row, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct digest digest;
        char path[64];
        int r;

        snprintf(path, sizeof(path), "releases/%" PRIu64 "/release.json", row->number);
        r = repository_get(listing->repository, path, &text, err);
        if (r == -ENOENT) {
                row->missing = true;
                return 0;
        }
        snprintf(path, sizeof(path), "releases/%" PRIu64 "/release.json.minisig", row->number);
        if (r == 0)
                r = repository_get(listing->repository, path, &signature, err);
        if (r == -ENOENT)
                return error_set(err, -EBADMSG, _("it has no signature"));
        if (r == 0)
                r = trust_release(listing->trust, &text, &signature, row->number, NULL, &row->release, err);
        if (r == 0)
                r = digest_of_bytes(text.data, text.length, &digest, err);
        if (r < 0)
                return r;
        row->holds = true;
        if (listing->has_expected && !digest_equal(&digest, &listing->expected)) {
                row->holds = false;
                snprintf(row->problem, sizeof(row->problem),
                         _("it is not the release that release %" PRIu64 " follows"), row->number + 1);
        }
        listing->expected = row->release.previous;
        return 0;
}

static int look_at(struct listing *listing, struct row *row, struct error *err)
{
        int r = check_release(listing, row, err);

        listing->has_expected = row->holds;
        if (r != -EBADMSG && r != -EKEYREJECTED)
                return r;
        snprintf(row->problem, sizeof(row->problem), "%s", err->text);
        return 0;
}

static void sum_roots(const struct release *release, uint64_t *files, uint64_t *bytes)
{
        *files = *bytes = 0;
        for (size_t i = 0; i < release->root_count; i++) {
                *files += release->roots[i].files;
                *bytes += release->roots[i].bytes;
        }
}

static void print_titles(void)
{
        print_right(stdout, _("release"), 9);
        printf("  ");
        print_padded(stdout, _("made"), 20);
        print_right(stdout, _("files"), 11);
        print_right(stdout, _("bytes"), 15);
        printf("  %s\n", _("signature"));
}

static int show(struct listing *listing, const struct row *row, struct error *err)
{
        char created[CLOCK_TEXT_SIZE];
        uint64_t files, bytes;
        json_t *value;

        if (!row->holds)
                listing->found = true;
        if (!listing->common.json && !listing->titled)
                print_titles();
        listing->titled = true;
        clock_format_utc(row->release.created, created);
        sum_roots(&row->release, &files, &bytes);
        if (!listing->common.json && row->holds) {
                printf("%9" PRIu64 "  %s  %9" PRIu64 "  %13" PRIu64 "  %s\n", row->number, created, files, bytes,
                       _("holds"));
                return 0;
        }
        if (!listing->common.json) {
                printf("%9" PRIu64 "  %20s  %9s  %13s  %s: %s\n", row->number, "-", "-", "-", _("does not hold"),
                       row->problem);
                return 0;
        }
        value = row->holds ? json_pack("{s:I, s:s, s:I, s:I, s:b}", "number", (json_int_t)row->number, "created",
                                       created, "files", (json_int_t)files, "bytes", (json_int_t)bytes, "signature", 1)
                           : json_pack("{s:I, s:b, s:s}", "number", (json_int_t)row->number, "signature", 0, "problem",
                                       row->problem);
        return json_array_append_new(listing->releases, value) < 0 ? error_memory(err) : 0;
}

/* Those that are not there count only when an older one is: old releases may be taken away. */
static int show_missing(struct listing *listing, uint64_t from, uint64_t count, struct error *err)
{
        for (uint64_t i = 0; i < count; i++) {
                struct row row = { .number = from - i, .missing = true };
                int r;

                snprintf(row.problem, sizeof(row.problem), "%s", _("it is not there"));
                r = show(listing, &row, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int list(struct listing *listing, struct error *err)
{
        uint64_t gap = 0, shown = 0;

        for (uint64_t number = listing->newest; number > 0 && gap < GAP_MAXIMUM; number--) {
                struct row row = { .number = number };
                int r = look_at(listing, &row, err);

                if (r == 0 && row.missing) {
                        gap++;
                        continue;
                }
                if (r == 0)
                        r = show_missing(listing, number + gap, gap, err);
                if (r == 0)
                        r = show(listing, &row, err);
                release_done(&row.release);
                if (r < 0)
                        return r;
                gap = 0;
                shown++;
        }
        if (listing->newest && !shown)
                return error_set(
                        err, -ENOENT,
                        _("%s says that release %" PRIu64 " is its newest, but has no releases; ask its operator"),
                        repository_url(listing->repository), listing->newest);
        return 0;
}

static void show_current(const struct listing *listing)
{
        char expires[CLOCK_TEXT_SIZE];

        if (!listing->trust->root_mode)
                return;
        clock_format_utc(listing->current.expires, expires);
        if (*listing->current_problem)
                printf(_("The current note does not hold: %s\n"), listing->current_problem);
        else if (listing->current.release == 0)
                printf("%s\n",
                       _("There is no current note; servers take no release until 'understudy refresh' made one."));
        else if (listing->expired)
                printf(_("The current note names release %" PRIu64 ", but has expired on %s.\n"),
                       listing->current.release, expires);
        else
                printf(_("The current note names release %" PRIu64 ", until %s.\n"), listing->current.release, expires);
}

static json_t *result_json(struct listing *listing)
{
        json_t *current = json_null(), *result;
        char expires[CLOCK_TEXT_SIZE];

        clock_format_utc(listing->current.expires, expires);
        if (*listing->current_problem)
                current = json_pack("{s:s}", "problem", listing->current_problem);
        else if (listing->current.release)
                current = json_pack("{s:I, s:s, s:b}", "release", (json_int_t)listing->current.release, "expires",
                                    expires, "expired", listing->expired);
        result = json_pack("{s:s, s:I, s:b, s:o, s:O}", "repository", repository_url(listing->repository), "newest",
                           (json_int_t)listing->newest, "root_mode", listing->trust->root_mode, "current", current,
                           "releases", listing->releases);
        return result;
}

static int work(struct listing *listing, const char *url, const char *pub_path, struct error *err)
{
        _cleanup_(buffer_done) struct buffer keys = BUFFER_INIT(KEYS_MAXIMUM),
                                             signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct public_key pub;
        int r;

        listing->releases = json_array();
        listing->trust = memory_new(1, sizeof(*listing->trust));
        if (!listing->releases || !listing->trust)
                return error_memory(err);
        r = public_key_read(pub_path, &pub, err);
        if (r == 0)
                r = repository_open(url, &(struct repository_options){ 0 }, &listing->repository, err);
        if (r == 0)
                r = source_trust(listing->repository, &pub, false, listing->trust, &keys, &signature, err);
        if (r == 0)
                r = read_current(listing, err);
        if (r == 0)
                r = find_newest(listing, err);
        if (r == 0)
                r = list(listing, err);
        return r;
}

static void listing_done(struct listing *listing)
{
        repository_close(listing->repository);
        json_decref(listing->releases);
        free(listing->trust);
}

static int run(int argc, char *argv[])
{
        _cleanup_(listing_done) struct listing listing = { 0 };
        const char *url = NULL, *pub_path = NULL;
        struct error error = ERROR_NONE;
        int code, status;

        while ((code = command_option(
                        argc, argv, &command_releases, options,
                        N_("Lists the releases of a repository, the newest first, and whether the signature of "
                           "each holds.\n"
                           "\n"
                           "  --repo URL   http(s)://, file:// or a folder\n"
                           "  --pub FILE   public key: the release key, or the root key\n"),
                        &listing.common)) != -1) {
                switch (code) {
                case OPTION_REPO: url = optarg; break;
                case OPTION_PUB: pub_path = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc != optind || !url || !pub_path)
                return command_usage(&command_releases, _("name --repo and --pub"));
        if (work(&listing, url, pub_path, &error) < 0)
                return command_fail(&error);
        if (listing.common.json) {
                status = command_print_json(result_json(&listing));
                if (status != EXIT_DONE)
                        return status;
        } else {
                show_current(&listing);
        }
        return listing.found ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_releases = {
        .name = "releases",
        .run = run,
        .synopsis = "releases --repo URL --pub FILE [--json]",
        .summary = N_("list the releases of a repository, and whether each signature holds"),
};
