/* reference_repository.c - manifests and companions from a repository, for a tree that was never pulled or another
 * release. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/signature.h"
#include "manifest/trust.h"
#include "store/repository.h"
#include "tree/reference_private.h"
#include "tree/source.h"

#define PATH_SIZE (RELEASE_FILE_SIZE + 32)

/* One look at a repository. Large (struct trust): on the heap. */
struct lookup {
        struct repository *repository;
        const struct state *state; /* NULL: nothing is remembered */
        struct trust trust;
        struct current current;
        bool has_current, expired;
        struct release release;
        struct buffer text, signature; /* of the last small file */
};

static void lookup_free(struct lookup **pointer)
{
        struct lookup *lookup = *pointer;

        if (!lookup)
                return;
        repository_close(lookup->repository);
        release_done(&lookup->release);
        buffer_done(&lookup->text);
        buffer_done(&lookup->signature);
        free(lookup);
}

static int refuse_keys(const struct lookup *lookup, uint64_t seen, struct error *err)
{
        return error_refuse(err,
                            _("%s offers version %" PRIu64 " of keys.json, but version %" PRIu64
                              " was seen before; have the repository restored"),
                            repository_url(lookup->repository), lookup->trust.keys.version, seen);
}

/* Whom to believe: keys.json may not be older than one that this server has seen. */
static int find_trust(struct lookup *lookup, const struct public_key *pub, struct error *err)
{
        const struct state *state = lookup->state;
        bool pulled = state && state->pulled;
        int r = source_trust(lookup->repository, pub, pulled && state->root_mode, &lookup->trust, &lookup->text,
                             &lookup->signature, err);

        if (r == 0 && pulled && lookup->trust.root_mode && lookup->trust.keys.version < state->keys_version)
                return refuse_keys(lookup, state->keys_version, err);
        return r;
}

/* The newest release: what the current note says, or the hint in single-key mode. */
static int find_newest(struct lookup *lookup, uint64_t *ret_number, struct error *err)
{
        int r;

        if (!lookup->trust.root_mode)
                return repository_latest(lookup->repository, ret_number, err);
        r = source_current(lookup->repository, &lookup->trust, clock_now(), &lookup->current, &lookup->expired, err);
        if (r == 0)
                return error_set(err, -EBADMSG,
                                 _("%s has no current.json, so its newest release is not known; have it refreshed, or "
                                   "name one with --release"),
                                 repository_url(lookup->repository));
        if (r < 0)
                return r;
        lookup->has_current = true;
        *ret_number = lookup->current.release;
        return 0;
}

/* What is taken for the newest must not be older than what was accepted, nor of another site. */
static int check_release(const struct lookup *lookup, bool asked_for, struct error *err)
{
        const struct state *state = lookup->state;
        const struct release *release = &lookup->release;
        struct digest digest;
        uint64_t accepted = 0, version = 0;
        int r;

        if (lookup->has_current) {
                r = digest_of_bytes(buffer_text(&lookup->text), lookup->text.length, &digest, err);
                if (r < 0)
                        return r;
                if (!digest_equal(&digest, &lookup->current.digest))
                        return error_set(err, -EBADMSG,
                                         _("%s has another release %" PRIu64 " than its current note names"),
                                         repository_url(lookup->repository), release->number);
        }
        if (!state || state->base < 0)
                return 0;
        if (state->pulled && !text_equal(state->site, release->site))
                return error_refuse(err, _("%s is a copy of the site %s, but %s is of the site %s"), state->dest,
                                    state->site, repository_url(lookup->repository), release->site);
        r = state_accepted(state, &lookup->trust.pub, release->site, &accepted, &version, err);
        if (r < 0)
                return r;
        if (lookup->trust.root_mode && lookup->trust.keys.version < version)
                return refuse_keys(lookup, version, err);
        if (state->pulled && state->accepted > accepted)
                accepted = state->accepted;
        if (!asked_for && release->number < accepted)
                return error_refuse(err,
                                    _("%s offers release %" PRIu64 " as the newest, but %" PRIu64
                                      " was accepted before; name one with --release"),
                                    repository_url(lookup->repository), release->number, accepted);
        return 0;
}

static int temporary_file(struct error *err)
{
        const char *folder = getenv("TMPDIR");
        int fd;

        if (!folder || *folder == '\0')
                folder = "/var/tmp"; /* a manifest of a million files is 150 MB: not for a /tmp in memory */
        fd = fault_point(FAULT_OPEN) ? -1 : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        return fd < 0 ? error_errno(err, errno, _("cannot make a temporary file in %s"), folder) : fd;
}

static int fetch_root(struct lookup *lookup, const struct release_root *released, struct reference_root *root,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer companion = BUFFER_INIT(COMPANION_MAXIMUM);
        _cleanup_(fd_closep) int fd = temporary_file(err);
        char file[RELEASE_FILE_SIZE], path[PATH_SIZE];
        int r;

        if (fd < 0)
                return fd;
        release_manifest_file(released->name, file);
        snprintf(path, sizeof(path), "releases/%" PRIu64 "/%s", lookup->release.number, file);
        r = repository_get_file(lookup->repository, path, released->manifest_size, &released->manifest_digest, fd, -1,
                                0, err);
        if (r == 0)
                r = reference_add_manifest(root, released, &fd, err);
        if (r < 0)
                return r;
        release_companion_file(released->name, file);
        snprintf(path, sizeof(path), "releases/%" PRIu64 "/%s", lookup->release.number, file);
        r = repository_get(lookup->repository, path, &companion, err);
        return r < 0 ? r : reference_add_companion(root, released, &companion, path, err);
}

static int look_up(struct lookup *lookup, const char *url, const struct public_key *pub, uint64_t number,
                   struct reference *reference, struct error *err)
{
        const struct repository_options options = { 0 };
        uint64_t wanted = number;
        int r = repository_open(url, &options, &lookup->repository, err);

        if (r == 0)
                r = find_trust(lookup, pub, err);
        if (r == 0 && number == 0)
                r = find_newest(lookup, &wanted, err);
        if (r == 0)
                r = source_release(lookup->repository, &lookup->trust, wanted, &lookup->release, &lookup->text,
                                   &lookup->signature, err);
        if (r == 0)
                r = check_release(lookup, number != 0, err);
        for (size_t i = 0; i < lookup->release.root_count && r == 0; i++) {
                r = fetch_root(lookup, &lookup->release.roots[i], &reference->roots[i], err);
                reference->root_count++;
        }
        reference->number = lookup->release.number;
        reference->expired = lookup->expired;
        return r;
}

int reference_repository(const char *url, const struct state *state, const struct public_key *pub, uint64_t number,
                         struct reference **ret_reference, struct error *err)
{
        _cleanup_(reference_freep) struct reference *reference = reference_new();
        _cleanup_(lookup_free) struct lookup *lookup = memory_new(1, sizeof(*lookup));
        int r;

        if (!reference || !lookup)
                return error_memory(err);
        lookup->state = state;
        lookup->text.maximum = RELEASE_MAXIMUM;
        lookup->signature.maximum = SIGNATURE_MAXIMUM;
        r = look_up(lookup, url, pub, number, reference, err);
        if (r < 0)
                return r;
        *ret_reference = reference;
        reference = NULL;
        return 0;
}
