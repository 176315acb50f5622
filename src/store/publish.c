/* publish.c - the order of the steps that make the next release. What each one leaves after a crash is in
 * docs/internals/repository.md. */
#include "store/publish_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

struct publishing {
        const struct publish_options *options;
        struct publish_root roots[RELEASE_ROOTS_MAXIMUM]; /* sorted by name, as in the release */
        struct publish_place place;
        struct publish_previous previous;
        struct publish_draft draft;
        struct publish_objects *objects;
        struct release release;
        struct companion companions[RELEASE_ROOTS_MAXIMUM];
        int manifests[RELEASE_ROOTS_MAXIMUM];          /* of the draft */
        int previous_manifests[RELEASE_ROOTS_MAXIMUM]; /* -1: the release before has no such root */
        struct publish_oddities oddities;
        uint64_t files_done;
};

static void publishing_done(struct publishing *publishing)
{
        publish_objects_free(publishing->objects);
        publish_draft_done(&publishing->draft);
        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM; i++) {
                companion_done(&publishing->companions[i]);
                fd_close(&publishing->manifests[i]);
                fd_close(&publishing->previous_manifests[i]);
        }
        release_done(&publishing->release);
        publish_previous_done(&publishing->previous);
        publish_place_close(&publishing->place);
}

static void say(const struct publishing *publishing, const struct error *words)
{
        if (publishing->options->note)
                publishing->options->note(publishing->options->context, words->text);
}

/* --- what is asked for --- */

static int compare_roots(const void *a, const void *b)
{
        return strcmp(((const struct publish_root *)a)->name, ((const struct publish_root *)b)->name);
}

static int check_roots(struct publishing *publishing, struct error *err)
{
        const struct publish_options *options = publishing->options;

        if (options->root_count == 0 || options->root_count > RELEASE_ROOTS_MAXIMUM)
                return error_usage(err, _("a release has 1 to %d roots"), RELEASE_ROOTS_MAXIMUM);
        memcpy(publishing->roots, options->roots, options->root_count * sizeof(*options->roots));
        qsort(publishing->roots, options->root_count, sizeof(*publishing->roots), compare_roots);
        for (size_t i = 0; i < options->root_count; i++) {
                int r = release_name_check(publishing->roots[i].name, err);

                if (r < 0)
                        return r;
                if (text_equal(publishing->roots[i].name, "manifest")) /* manifest.mtree is the docroot's */
                        return error_usage(err, _("a root cannot have the name \"manifest\"; choose another one"));
                if (i > 0 && text_equal(publishing->roots[i].name, publishing->roots[i - 1].name))
                        return error_usage(err, _("the root %s is named twice"), publishing->roots[i].name);
        }
        return options->site ? release_name_check(options->site, err) : 0;
}

/* Number, site, time, and what it follows. */
static int begin_release(struct publishing *publishing, struct error *err)
{
        const struct release *before = &publishing->previous.release;
        const char *site = publishing->options->site;
        struct release *release = &publishing->release;

        if (before->number == RELEASE_NUMBER_MAXIMUM)
                return error_refuse(err, _("the repository has as many releases as it can have"));
        if (before->number > 0 && site && !text_equal(site, before->site))
                return error_refuse(err,
                                    _("the repository %s is that of the site %s, not of %s; use another repository"),
                                    publishing->options->repository, before->site, site);
        release->number = before->number + 1;
        release->previous = publishing->previous.digest;
        release->created = clock_now();
        if (publishing->previous.vouched &&
            release->created < before->created) /* a clock that was set back must not make times go back */
                release->created = before->created;
        release->root_count = publishing->options->root_count;
        snprintf(release->site, sizeof(release->site), "%s", before->number > 0 ? before->site : site ? site : "site");
        return 0;
}

/* --- declarations --- */

static bool is_declared(const struct companion *companion, const char *path)
{
        for (size_t i = 0; i < companion->ignored_count; i++)
                if (text_equal(companion->ignored[i].path, path))
                        return true;
        return companion_area(companion, path) != NULL;
}

/* Adds what `from` declares beyond what is declared already. */
static int add_declared(struct companion *companion, const struct companion *from, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < from->area_count && r == 0; i++)
                if (!is_declared(companion, from->areas[i].path))
                        r = companion_add_area(companion, from->areas[i].path, from->areas[i].target,
                                               from->areas[i].allow, err);
        for (size_t i = 0; i < from->ignored_count && r == 0; i++)
                if (!is_declared(companion, from->ignored[i].path))
                        r = companion_add_ignored(companion, from->ignored[i].path, from->ignored[i].allow, err);
        for (size_t i = 0; i < from->link_count && r == 0; i++)
                if (!companion_link(companion, from->links[i]))
                        r = companion_add_link(companion, from->links[i], err);
        return r;
}

static bool declares(const struct companion *companion)
{
        return companion->area_count + companion->ignored_count + companion->link_count > 0;
}

/* What `before`, a root of the release before, declared. */
static const struct companion *declared_before(const struct publishing *publishing, const struct release_root *before)
{
        return &publishing->previous.companions[before - publishing->previous.release.roots];
}

static int declare(struct publishing *publishing, size_t i, const struct release_root *root_before, struct error *err)
{
        const struct companion *declared = publishing->roots[i].declared, *before;
        struct companion *companion = &publishing->companions[i];
        struct error words = ERROR_NONE;
        int r = declared ? add_declared(companion, declared, err) : 0;

        if (r < 0 || !publishing->options->keep_declared || !root_before)
                return r;
        before = declared_before(publishing, root_before);
        if (publishing->previous.vouched)
                return add_declared(companion, before, err);
        error_set(&words, -EKEYREJECTED,
                  publishing->previous.listed
                          ? _("release %" PRIu64 " was signed by another key, and only the root's public key (--pub) "
                              "proves that this one counts: nothing that it declared is kept")
                          : _("the signature of release %" PRIu64
                              " does not count (any more): nothing that it declared is kept"),
                  publishing->previous.release.number);
        if (declares(before) || (!publishing->previous.listed && text_equal(root_before->name, RELEASE_DOCROOT)))
                say(publishing, &words);
        if (declares(before) && !declares(companion))
                return error_refuse(err,
                                    _("release %" PRIu64 " declared paths as mutable, ignored or outside, but its "
                                      "signature does not count; declare them again, or say --forget-declared"),
                                    publishing->previous.release.number);
        return 0;
}

/* --- reading --- */

static int open_previous(struct publishing *publishing, size_t i, const struct release_root **ret_before,
                         struct error *err)
{
        const struct release_root *before = release_root(&publishing->previous.release, publishing->roots[i].name);
        char name[RELEASE_FILE_SIZE];

        *ret_before = before;
        if (!before)
                return 0;
        release_manifest_file(before->name, name);
        publishing->previous_manifests[i] =
                open_beneath(publishing->previous.folder, name, O_RDONLY, 0, BENEATH_STRICT);
        if (publishing->previous_manifests[i] < 0)
                return error_errno(err, -publishing->previous_manifests[i],
                                   _("cannot open %s of release %" PRIu64 "; bring it back from a copy"), name,
                                   publishing->previous.release.number);
        return 0;
}

static int write_companion(struct publishing *publishing, size_t i, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COMPANION_MAXIMUM);
        struct release_root *root = &publishing->release.roots[i];
        char name[RELEASE_FILE_SIZE];
        int r = companion_format(&publishing->companions[i], &text, err);

        if (r == 0)
                r = digest_of_bytes(text.data, text.length, &root->companion_digest, err);
        if (r < 0)
                return r;
        root->companion_size = text.length;
        release_companion_file(root->name, name);
        return publish_draft_write(&publishing->draft, name, &text, err);
}

static int read_root(struct publishing *publishing, size_t i, struct error *err)
{
        const struct release_root *before;
        char name[RELEASE_FILE_SIZE];
        struct publish_source source = {
                .options = publishing->options,
                .root = &publishing->roots[i],
                .place = &publishing->place,
                .objects = publishing->objects,
                .created = publishing->release.created,
                .companion = &publishing->companions[i],
                .oddities = &publishing->oddities,
                .done = &publishing->files_done,
        };
        int r = open_previous(publishing, i, &before, err);

        if (r == 0)
                r = declare(publishing, i, before, err);
        if (r < 0)
                return r;
        source.previous_manifest = publishing->previous_manifests[i];
        if (before)
                source.previous_digest = before->manifest_digest;
        release_manifest_file(publishing->roots[i].name, name);
        r = publishing->manifests[i] = publish_draft_open(&publishing->draft, name, err);
        if (r >= 0)
                r = publish_source_read(&source, publishing->manifests[i], &publishing->release.roots[i], err);
        if (r >= 0)
                r = write_companion(publishing, i, err);
        if (r >= 0)
                r = publish_compress(publishing->draft.folder, name, err);
        if (r >= 0 && before)
                r = publish_compress_from(publishing->draft.folder, name, publishing->previous_manifests[i],
                                          publishing->previous.release.number, err);
        return r < 0 ? r : 0;
}

static void tell_oddities(const struct publishing *publishing)
{
        const struct publish_oddities *oddities = &publishing->oddities;
        struct error words = ERROR_NONE;

        if (oddities->suspicious) {
                error_set(&words, -EEXIST,
                          _("%" PRIu64 " names look as if they had slipped in (version control, backups, dumps, "
                            "secrets), the first one is %s; every visitor could fetch them"),
                          oddities->suspicious, oddities->first_suspicious);
                say(publishing, &words);
        }
        if (oddities->writable) {
                error_set(&words, -EEXIST,
                          _("%" PRIu64 " files or folders can be written by everybody, the first one is %s"),
                          oddities->writable, oddities->first_writable);
                say(publishing, &words);
        }
}

static int ask(struct publishing *publishing, struct error *err)
{
        const struct publish_options *options = publishing->options;

        for (size_t i = 0; options->review && i < options->root_count; i++)
                if (text_equal(publishing->roots[i].name, RELEASE_DOCROOT))
                        return options->review(options->context, &publishing->release, publishing->manifests[i],
                                               publishing->previous_manifests[i], err);
        return 0;
}

static int make_release(struct publishing *publishing, struct error *err)
{
        size_t count = publishing->options->root_count;
        int r = publish_place_open(publishing->options->repository, &publishing->place, err);

        if (r == 0)
                r = publish_previous_read(&publishing->place, publishing->options, &publishing->previous, err);
        if (r == 0)
                r = begin_release(publishing, err);
        if (r == 0)
                r = publish_draft_new(&publishing->place, &publishing->draft, err);
        if (r == 0)
                r = publish_objects_new(&publishing->place, &publishing->previous, publishing->options,
                                        &publishing->objects, err);
        for (size_t i = 0; i < count && r == 0; i++)
                r = read_root(publishing, i, err);
        if (r < 0)
                return r;
        tell_oddities(publishing);
        r = publish_objects_finish(publishing->objects, publishing->manifests, count, &publishing->release, err);
        if (r == 0)
                r = ask(publishing, err);
        if (r == 0)
                r = publish_draft_sign(&publishing->draft, &publishing->release, publishing->options->key, err);
        if (r == 0)
                r = publish_objects_place(publishing->objects, err);
        return r < 0 ? r : publish_draft_release(&publishing->draft, publishing->release.number, err);
}

int publish(const struct publish_options *options, struct publish_result *ret_result, struct error *err)
{
        _cleanup_(publishing_done) struct publishing publishing = { .options = options,
                                                                    .place = PUBLISH_PLACE_NONE,
                                                                    .previous = { .folder = -1 },
                                                                    .draft = PUBLISH_DRAFT_NONE };
        struct publish_result result = { 0 };
        mode_t mask;
        int r;

        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM; i++)
                publishing.manifests[i] = publishing.previous_manifests[i] = -1;
        r = check_roots(&publishing, err);
        if (r < 0)
                return r;
        mask = umask(022);
        r = make_release(&publishing, err);
        umask(mask);
        if (r < 0)
                return r;
        result.number = publishing.release.number;
        snprintf(result.site, sizeof(result.site), "%s", publishing.release.site);
        for (size_t i = 0; i < publishing.release.root_count; i++) {
                result.files += publishing.release.roots[i].files;
                result.bytes += publishing.release.roots[i].bytes;
        }
        result.new_objects = publish_objects_new_count(publishing.objects);
        result.stored_bytes = publish_objects_stored(publishing.objects);
        *ret_result = result;
        return 0;
}
