/* site.c - opening a DEST: state, release, trees, and where its mutable areas lie. */
#include "guard/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "gate/protocol.h"
#include "manifest/inode.h"

static const char *const mode_names[] = {
        [GUARD_OBSERVE] = "observe", [GUARD_REFUSE] = "refuse", [GUARD_HEAL] = "heal"
};

const char *guard_mode_name(enum guard_mode mode)
{
        return (size_t)mode < LENGTH(mode_names) ? mode_names[mode] : NULL;
}

int guard_mode_parse(const char *word, enum guard_mode *ret_mode, struct error *err)
{
        for (size_t i = 0; i < LENGTH(mode_names); i++)
                if (text_equal(word, mode_names[i])) {
                        *ret_mode = (enum guard_mode)i;
                        return 0;
                }
        return error_usage(err, _("'%s' is no mode; write observe, refuse or heal"), word);
}

/* ---- a release ---- */

int site_release_new(struct reference *reference, struct site_release **ret_release, struct error *err)
{
        struct site_release *release = memory_new(1, sizeof(*release));
        int r = release ? 0 : error_memory(err);

        if (r < 0) {
                reference_free(reference);
                return r;
        }
        release->reference = reference;
        atomic_store(&release->holders, 1);
        for (size_t i = 0; i < reference->root_count && r == 0; i++)
                r = index_new(reference->roots[i].manifest, reference->roots[i].file, &release->index[i], err);
        if (r < 0) {
                site_release_drop(release);
                return r;
        }
        *ret_release = release;
        return 0;
}

struct site_release *site_release_hold(struct site_release *release)
{
        atomic_fetch_add(&release->holders, 1);
        return release;
}

void site_release_drop(struct site_release *release)
{
        if (!release || atomic_fetch_sub(&release->holders, 1) > 1)
                return;
        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM; i++)
                index_free(release->index[i]);
        reference_free(release->reference);
        free(release);
}

size_t site_release_root(const struct site_release *release, const char *name)
{
        for (size_t i = 0; i < release->reference->root_count; i++)
                if (text_equal(release->reference->roots[i].name, name))
                        return i;
        return RELEASE_ROOTS_MAXIMUM;
}

void site_advance(struct site *site)
{
        site_release_drop(site->previous);
        site->previous = site->release;
        site->release = site->next;
        site->next = NULL;
}

/* ---- trees ---- */

/* The folder of a path, with no link in it: what the kernel calls a file that is opened there. */
static int find_real(const char *folder, char real[static PATH_MAX])
{
        char parent[PATH_MAX], resolved[PATH_MAX];
        const char *base = strrchr(folder, '/') + 1;

        snprintf(parent, sizeof(parent), "%.*s", base - folder > 1 ? (int)(base - folder - 1) : 1, folder);
        if (!realpath(parent, resolved))
                return -errno;
        return (size_t)snprintf(real, PATH_MAX, "%s/%s", resolved[1] ? resolved : "", base) < PATH_MAX ? 0
                                                                                                       : -ENAMETOOLONG;
}

void site_look_again_at(struct site_tree *tree)
{
        struct statx stx;

        fd_close(&tree->root);
        if (find_real(tree->folder, tree->real) < 0)
                return;
        tree->root = open(tree->real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (tree->root < 0)
                return;
        if (inode_stat(tree->root, &stx) < 0) {
                fd_close(&tree->root);
                return;
        }
        tree->mount = stx.stx_mnt_id;
        tree->inode = stx.stx_ino;
}

void site_look_again(struct site *site)
{
        for (size_t i = 0; i < site->tree_count; i++)
                site_look_again_at(&site->trees[i]);
}

/* A slot that a tree of the same kind has left, or a new one. NULL: there are too many. */
static struct site_tree *find_slot(struct site *site, bool area, struct site_plan *plan)
{
        struct site_tree *tree;

        for (size_t i = 0; i < site->tree_count; i++)
                if (!site->trees[i].listed && site->trees[i].area == area)
                        return &site->trees[i];
        if (site->tree_count == SITE_TREES || plan->next_number + (area ? 1 : 3) > GATE_TREES)
                return NULL;
        tree = &site->trees[site->tree_count++];
        *tree = (struct site_tree){ .number = plan->next_number++, .area = area, .root = -1 };
        if (!area) {
                tree->staged_number = plan->next_number++;
                tree->parked_number = plan->next_number++;
        }
        return tree;
}

static struct site_tree *find_tree(struct site *site, const char *name, const char *folder, bool area)
{
        for (size_t i = 0; i < site->tree_count; i++)
                if (site->trees[i].area == area && text_equal(site->trees[i].name, name) &&
                    text_equal(site->trees[i].folder, folder))
                        return &site->trees[i];
        return NULL;
}

static int use_slot(struct site *site, const char *name, const char *folder, bool area, struct site_plan *plan,
                    struct site_tree **ret_tree, struct error *err)
{
        struct site_tree *tree = find_slot(site, area, plan);

        if (!tree)
                return error_set(err, -E2BIG,
                                 _("one guard can watch %d trees and mutable areas, %d of one site; start another one "
                                   "for the rest"),
                                 GATE_TREES, SITE_TREES);
        snprintf(tree->name, sizeof(tree->name), "%s", name);
        snprintf(tree->folder, sizeof(tree->folder), "%s", folder);
        tree->gone = true;
        *ret_tree = tree;
        return 0;
}

/* The tree that is known, or, if `add`, a fresh one; else NULL. */
static int take_up(struct site *site, const char *name, const char *folder, bool area, bool add, struct site_plan *plan,
                   struct site_tree **ret_tree, struct error *err)
{
        struct site_tree *tree = find_tree(site, name, folder, area);

        *ret_tree = NULL;
        if (!tree && add) {
                int r = use_slot(site, name, folder, area, plan, &tree, err);

                if (r < 0)
                        return r;
        }
        if (!tree)
                return 0;
        if (tree->gone) {
                tree->gone = false;
                tree->fresh = true;
                site_look_again_at(tree);
        }
        tree->listed = true;
        tree->mode = plan->mode_of(plan->context, name);
        *ret_tree = tree;
        return 0;
}

/* "/a/b/../c" without its "..", as text: the links in a tree are the release's own, and no link of it lies in the way. */
static void fold(char *path)
{
        char *to = path;

        for (const char *from = path; *from;) {
                size_t length = 1 + strcspn(from + 1, "/");

                if (length == 3 && memcmp(from, "/..", 3) == 0) {
                        while (to > path && *--to != '/')
                                ;
                } else if (!(length == 2 && from[1] == '.') && length > 1) {
                        memmove(to, from, length);
                        to += length;
                }
                from += length;
        }
        *to = '\0';
}

/* Where the link of a mutable area leads to. */
static bool area_folder(const struct site_tree *tree, const struct area *area, char folder[static PATH_MAX])
{
        const char *slash = strrchr(area->path, '/');
        int n;

        if (area->target[0] == '/')
                n = snprintf(folder, PATH_MAX, "%s", area->target);
        else
                n = snprintf(folder, PATH_MAX, "%s/%.*s/%s", tree->real, slash ? (int)(slash - area->path) : 0,
                             area->path, area->target);
        if (n < 0 || n >= PATH_MAX)
                return false;
        fold(folder);
        return folder[0] == '/';
}

static int follow_areas(struct site *site, const struct site_tree *of, const struct companion *companion, bool add,
                        struct site_plan *plan, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < companion->area_count && r == 0; i++) {
                struct site_tree *tree = NULL;
                char folder[PATH_MAX];

                if (!area_folder(of, &companion->areas[i], folder))
                        continue;
                r = take_up(site, of->name, folder, true, add, plan, &tree, err);
                if (tree)
                        tree->allow = companion->areas[i].allow;
        }
        return r;
}

static int follow_roots(struct site *site, bool add, struct site_plan *plan, struct error *err)
{
        const struct state *state = site->state;
        int r = 0;

        for (size_t i = 0; i < state->root_count && r == 0; i++) {
                size_t root = site_release_root(site->release, state->roots[i].name);
                struct site_tree *tree = NULL;

                if (root == RELEASE_ROOTS_MAXIMUM)
                        continue;
                r = take_up(site, state->roots[i].name, state->roots[i].folder, false, add, plan, &tree, err);
                if (tree && r == 0)
                        r = follow_areas(site, tree, &site->release->reference->roots[root].companion, add, plan, err);
        }
        return r;
}

int site_follow(struct site *site, struct site_plan *plan, struct error *err)
{
        int r;

        for (size_t i = 0; i < site->tree_count; i++)
                site->trees[i].fresh = site->trees[i].listed = false;
        r = follow_roots(site, false, plan, err); /* first what stays: what is left over is free for what comes */
        if (r == 0)
                r = follow_roots(site, true, plan, err);
        for (size_t i = 0; i < site->tree_count; i++)
                site->trees[i].gone = !site->trees[i].listed;
        return r;
}

int site_read_roots(struct site *site, const char *state_directory, struct error *err)
{
        _cleanup_(state_closep) struct state *now = NULL;
        struct state *known = site->state;
        bool changed;
        int r = state_open(state_directory, known->dest, STATE_READ, &now, err);

        if (r < 0)
                return r;
        changed = now->root_count != known->root_count;
        for (size_t i = 0; i < now->root_count && !changed; i++)
                changed = !text_equal(now->roots[i].name, known->roots[i].name) ||
                          !text_equal(now->roots[i].folder, known->roots[i].folder);
        memcpy(known->roots, now->roots, sizeof(known->roots));
        known->root_count = now->root_count;
        return changed;
}

struct site_tree *site_tree(struct site *site, unsigned int number)
{
        for (size_t i = 0; i < site->tree_count; i++)
                if (site->trees[i].number == number && !site->trees[i].gone)
                        return &site->trees[i];
        return NULL;
}

bool site_look_tree(const struct site *site, const struct site_tree *tree, struct look_tree *ret_look)
{
        size_t root = site_release_root(site->release, tree->name);

        if (tree->area || tree->gone || tree->root < 0 || root == RELEASE_ROOTS_MAXIMUM)
                return false;
        *ret_look = (struct look_tree){ .root = tree->root,
                                        .mount = tree->mount,
                                        .index = site->release->index[root],
                                        .companion = &site->release->reference->roots[root].companion };
        return true;
}

/* ---- life ---- */

int site_open(const char *state_directory, const char *dest, const struct public_key *pub, struct site_plan *plan,
              struct site *ret_site, struct error *err)
{
        struct reference *reference = NULL;
        int r;

        memset(ret_site, 0, sizeof(*ret_site));
        r = state_open(state_directory, dest, STATE_READ, &ret_site->state, err);
        if (r == 0 && !ret_site->state->pulled)
                r = error_usage(err, _("%s was never pulled, so there is nothing to guard it by; pull first"), dest);
        if (r == 0)
                r = reference_kept(ret_site->state, pub, &reference, err);
        if (r == 0)
                r = site_release_new(reference, &ret_site->release, err);
        if (r == 0)
                r = site_follow(ret_site, plan, err);
        if (r < 0) {
                site_close(ret_site);
                return r;
        }
        fd_close(&ret_site->state->lock); /* pulls must be able to have it */
        ret_site->generation = 1;
        return 0;
}

void site_close(struct site *site)
{
        for (size_t i = 0; i < site->tree_count; i++)
                fd_close(&site->trees[i].root);
        site_release_drop(site->release);
        site_release_drop(site->next);
        site_release_drop(site->previous);
        state_close(site->state);
        site->state = NULL;
        site->release = site->next = site->previous = NULL;
}
