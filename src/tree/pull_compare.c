/* pull_compare.c - what is at DEST before a pull: may it be replaced, and how does it differ from the release in place?
 */
#include "tree/pull_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/i18n.h"
#include "manifest/mtree.h"
#include "manifest/walk.h"
#include "tree/evidence.h"
#include "tree/mounts.h"

#define REMEMBER_FROM_BYTES (UINT64_C(32) << 20)

static bool folder_is_empty(int fd)
{
        struct walk *walk = NULL;
        const struct walk_item *item;
        bool is_empty = false;

        if (walk_new(fd, WALK_UNSORTED, &walk, NULL) == 0 && walk_next(walk, &item) &&
            (walk_enter(walk) == 0 || item->mount))
                is_empty = !walk_next(walk, &item);
        walk_free(walk);
        return is_empty;
}

static int check_never_pulled(const struct pull_run *run, const struct place *place, struct error *err)
{
        int mounts;

        if (!place->exists || (place->live >= 0 && folder_is_empty(place->live)))
                return 0;
        if (!run->options->adopt)
                return error_refuse(err,
                                    _("%s is not empty and was never pulled; pull with --adopt to take it over (what "
                                      "differs is kept as evidence)"),
                                    place->folder);
        mounts = place->live >= 0 ? mounts_count(place->live, err) : 0;
        if (mounts > 0)
                return error_refuse(err,
                                    _("something is mounted inside %s, and taking it over would carry that away; "
                                      "unmount it first"),
                                    place->folder);
        return mounts;
}

int pull_check_root(const struct pull_run *run, const struct pull_root *root, struct error *err)
{
        const struct place *place = &root->place;
        int r = root->known ? 0 : check_never_pulled(run, place, err);

        if (r < 0)
                return r;
        if (faccessat(place->parent, ".", W_OK | X_OK, AT_EACCESS) < 0)
                return error_errno(err, errno, _("cannot build a new tree in the folder above %s; run as root"),
                                   place->folder);
        return namespaces_check(place, err);
}

int pull_add_difference(void *context, const struct difference *difference, struct error *err)
{
        struct pull_run *run = context;
        const struct pull_options *options = run->options;
        int r = 0;

        if (options->difference)
                r = options->difference(options->context, difference, err);
        if (r == 0 && !run->evidence)
                r = evidence_begin(run->state, options->evidence_bytes, &run->evidence, err);
        return r < 0 ? r : evidence_add(run->evidence, difference, err);
}

static int difference_of_root(struct pull_run *run, struct pull_root *root, enum difference_kind kind,
                              const char *found, struct error *err)
{
        const struct difference difference = { .path = ".",
                                               .path_length = 1,
                                               .kind = kind,
                                               .expected = "directory",
                                               .found = found,
                                               .root = root->released->name };

        root->before.differences++;
        return pull_add_difference(run, &difference, err);
}

static void compare_progress(void *context, uint64_t files, uint64_t bytes)
{
        const struct pull_run *run = context;
        uint64_t total = 0;

        (void)bytes;
        for (size_t i = 0; i < run->root_count; i++)
                total += run->roots[i].released->files;
        if (run->options->progress)
                run->options->progress(run->options->context, _("comparing"), files, total);
}

/* In any thread of the comparison: the descriptor held its lease until all was read. `stx` is from before the lease: what
 * came between changed the inode's times, and stage_link.c, which compares them, will not take the file over. */
static int add_proven(void *context, const struct entry *entry, int fd, const struct statx *stx, struct error *err)
{
        struct pull_run *run = context;

        (void)entry;
        (void)fd;
        if (stx->stx_ctime.tv_sec >= run->started - 1)
                return 0;
        return proven_add(&run->comparing->proven, stx) < 0 ? error_memory(err) : 0;
}

/* Remembering what was proven is worth it where much would be copied. */
static bool worth_remembering(const struct pull_run *run, const struct pull_root *root)
{
        return run->options->take_over == TAKE_OVER_LINK ||
               (run->options->take_over == TAKE_OVER_AUTO && root->released->bytes >= REMEMBER_FROM_BYTES);
}

static int compare_tree(struct pull_run *run, struct pull_root *root, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        struct verify_options options = { .threads = run->options->threads,
                                          .leases = run->same_release,
                                          .root = root->released->name,
                                          .companion =
                                                  root->kept_manifest >= 0 ? &root->kept_companion : &root->companion,
                                          .parent = root->place.parent,
                                          .parent_name = root->place.base,
                                          .difference = pull_add_difference,
                                          .progress = compare_progress,
                                          .context = run };
        int r = mtree_reader_new_fd(root->kept_manifest >= 0 ? root->kept_manifest : root->manifest,
                                    root->name_manifest, &reader, err);

        if (root->kept_manifest >= 0 && worth_remembering(run, root)) {
                options.leases = true;
                options.genuine = add_proven;
                run->comparing = root;
        }
        if (r == 0)
                r = tree_verify(root->place.live, reader, &options, &root->before, err);
        proven_sort(&root->proven);
        return r;
}

int pull_compare_root(struct pull_run *run, struct pull_root *root, struct error *err)
{
        const struct place *place = &root->place;
        int r;

        /* A folder that was never pulled has nothing to be compared with, unless it is taken over. */
        if (!root->known && (!place->exists || (place->live >= 0 && folder_is_empty(place->live))))
                return 0;
        root->compared = run->result->compared = true;
        if (!place->exists)
                r = difference_of_root(run, root, DIFFERENCE_MISSING, NULL, err);
        else if (place->live < 0)
                r = difference_of_root(run, root, DIFFERENCE_TYPE, inode_type_name(place->found.stx_mode), err);
        else
                r = compare_tree(run, root, err);
        verify_result_add(&run->result->before, &root->before);
        return r;
}

bool pull_is_done(const struct pull_run *run)
{
        if (!run->same_release || run->root_count != run->state->root_count)
                return false;
        for (size_t i = 0; i < run->root_count; i++) {
                const struct pull_root *root = &run->roots[i];

                if (!root->known || !root->compared || !verify_is_genuine(&root->before) || root->before.no_leases ||
                    root->before.times > 0)
                        return false;
        }
        return true;
}

void pull_note_reasons(const struct pull_run *run)
{
        const struct verify_result *before = &run->result->before;

        if (!run->same_release || before->differences > 0)
                return;
        if (before->no_leases)
                pull_note(run,
                          _("the file system of %s gives no leases, so that nobody is writing cannot be known: the "
                            "tree is built fresh each time"),
                          run->state->dest);
        else if (before->writable > 0)
                pull_note(run, _("somebody holds %s open for writing; the tree is built fresh"), before->writable_path);
        else if (before->changing)
                pull_note(run, _("%s changed while it was read; the tree is built fresh"), before->changing_path);
}
