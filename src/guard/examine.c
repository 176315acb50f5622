/* examine.c - mark, compare, hand over; in a thread of its own. */
#include "guard/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/inode.h"
#include "manifest/mtree.h"
#include "manifest/policy.h"
#include "manifest/walk.h"

#define AREA_PATH_MAXIMUM (PATH_MAX - 2 * (NAME_MAX + 1)) /* of a folder in an area: a name below it is still a path */

struct examination {
        pthread_t thread;
        bool joined;
        atomic_bool abandoned; /* nobody will ask for the result: the guard ends */
        int done;              /* eventfd */
        struct watch *watch;
        struct keeper *keeper;
        struct site_release *release; /* held */
        struct site_tree trees[SITE_TREES]; /* with descriptors of their own */
        size_t tree_count;
        const struct site_tree *comparing;
        struct examine_result result;
};

/* Files are compared by several threads; what they add is little. */
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static int add_one(struct examination *examination, const char *path, size_t length)
{
        struct examine_result *result = &examination->result;
        struct examined added = { .tree = examination->comparing->number };

        if (result->differing_count == EXAMINE_DIFFERENCES)
                return 0;
        if (length > 0 && path[length - 1] == '/')
                length--; /* an extra folder */
        if (length == 1 && path[0] == '.')
                length = 0; /* the root */
        added.path = memory_copy(path, length);
        if (!added.path || memory_grow(&result->differing, result->differing_count, sizeof(added)) < 0) {
                free(added.path);
                return -ENOMEM;
        }
        result->differing[result->differing_count++] = added;
        return 0;
}

static int add_differing(struct examination *examination, const char *path, size_t length)
{
        int r;

        pthread_mutex_lock(&adding);
        r = add_one(examination, path, length);
        pthread_mutex_unlock(&adding);
        return r;
}

/* A docroot of many gigabytes is not read to its end for a guard that was told to stop. */
static int unless_abandoned(struct examination *examination, struct error *err)
{
        return atomic_load(&examination->abandoned) ? error_set(err, -ECANCELED, _("the guard ends")) : 0;
}

static int on_difference(void *context, const struct difference *difference, struct error *err)
{
        int r = unless_abandoned(context, err);

        if (r < 0)
                return r;
        return add_differing(context, difference->path, difference->path_length) < 0 ? error_memory(err) : 0;
}

static int on_genuine(void *context, const struct entry *entry, int fd, const struct statx *stx, struct error *err)
{
        struct examination *examination = context;
        const struct site_tree *tree = examination->comparing;
        int r = unless_abandoned(examination, err);
        struct stat st;

        (void)stx;
        if (r < 0)
                return r;
        if (examination->keeper && tree->mode != GUARD_OBSERVE) {
                keeper_genuine(examination->keeper, tree->number, entry->path, fd, examination->result.generation);
                return 0;
        }
        r = watch_file(examination->watch, tree->number, entry->path, entry->path_length, fd, err);
        /* It was compared before it had its mark. */
        if (r == 0 && fstat(fd, &st) == 0 && st.st_nlink != 1 &&
            add_differing(examination, entry->path, entry->path_length) < 0)
                r = error_memory(err);
        return r;
}

/* ---- marks ---- */

static int mark_folder(struct examination *examination, const struct site_tree *tree, const struct entry *entry,
                       struct error *err)
{
        _cleanup_(fd_closep) int folder = open_beneath(tree->root, entry->path_length ? entry->path : ".",
                                                       O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        int r;

        if (folder < 0)
                return 0; /* a difference, which the comparison tells */
        r = watch_folder(examination->watch, tree->number, entry->path, entry->path_length, folder, err);
        if (r == 0 && examination->keeper && tree->mode != GUARD_OBSERVE)
                r = keeper_folder(examination->keeper, folder, entry->path, err);
        return r;
}

/* Where everybody may make names, but nobody may rename another's, events would come for all that others do. */
static bool is_everybodys(int folder)
{
        struct stat st;

        return fstat(folder, &st) == 0 && st.st_mode & S_ISVTX && st.st_mode & S_IWOTH;
}

/* The folder above, and each one above that: who may rename one of them can put another tree in the place of this one.
 * The tree's own place is watched without fail; a file system further up may be none that can be watched. */
static int mark_above(struct examination *examination, const struct site_tree *tree, struct error *err)
{
        char path[PATH_MAX];
        bool first = true;
        char *slash;
        int r = 0;

        snprintf(path, sizeof(path), "%s", tree->real);
        while (r == 0 && (slash = strrchr(path, '/')) && slash[1]) {
                _cleanup_(fd_closep) int folder = -1;
                char name[NAME_MAX + 1];

                snprintf(name, sizeof(name), "%s", slash + 1);
                slash[slash == path] = '\0';
                folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (folder < 0)
                        return first ? error_errno(err, errno, _("cannot open %s"), path) : 0;
                if (first || !is_everybodys(folder))
                        r = watch_above(examination->watch, tree->number, name, folder, first ? err : NULL);
                if (!first)
                        r = 0;
                first = false;
        }
        return r;
}

static int mark_folders(struct examination *examination, const struct site_tree *tree, const struct index *index,
                        struct error *err)
{
        struct keeper *keeper = tree->mode == GUARD_OBSERVE ? NULL : examination->keeper;
        const uint64_t watching = keeper ? keeper_watching(keeper, tree->number) : 0;
        int r = mark_above(examination, tree, err);

        for (size_t i = 0; i < index_count(index) && r == 0 && tree->root >= 0; i++)
                if (index_at(index, i)->type == ENTRY_DIRECTORY)
                        r = mark_folder(examination, tree, index_at(index, i), err);
        if (r == 0)
                r = unless_abandoned(examination, err);
        if (r == 0 && keeper)
                keeper_watched(keeper, tree->number, watching);
        return r;
}

/* ---- comparing ---- */

static int compare(struct examination *examination, const struct site_tree *tree, size_t root, struct error *err)
{
        struct reference_root *reference = &examination->release->reference->roots[root];
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        const struct verify_options options = { .leases = tree->mode != GUARD_OBSERVE,
                                                .root = tree->name,
                                                .companion = &reference->companion,
                                                .parent = -1,
                                                .difference = on_difference,
                                                .genuine = on_genuine,
                                                .context = examination };
        struct verify_result result = { 0 };
        int r;

        if (tree->root < 0) {
                examination->result.total.differences++;
                return add_differing(examination, "", 0) < 0 ? error_memory(err) : 0;
        }
        r = mtree_reader_new_fd(reference->manifest, reference->file, &reader, err);
        if (r == 0)
                r = tree_verify(tree->root, reader, &options, &result, err);
        if (r < 0)
                return r;
        if (result.writable_path[0] && !result.differences) /* somebody can still change what was just compared */
                r = add_differing(examination, result.writable_path, strlen(result.writable_path));
        verify_result_add(&examination->result.total, &result);
        return r < 0 ? error_memory(err) : 0;
}

static int on_breach(void *context, const char *path)
{
        struct examination *examination = context;

        examination->result.total.differences++;
        return add_differing(examination, path, strlen(path));
}

static int examine_tree(struct examination *examination, const struct site_tree *tree, struct error *err)
{
        size_t root = site_release_root(examination->release, tree->name);
        int r;

        examination->comparing = tree;
        if (tree->gone)
                return 0;
        if (tree->area) {
                (void)mark_above(examination, tree, NULL); /* where there is no folder above yet, the next look finds it */
                return tree->root < 0 ? 0
                                      : examine_area(tree, tree->root, "", examination->watch, on_breach, examination,
                                                     err);
        }
        if (root == RELEASE_ROOTS_MAXIMUM)
                return 0;
        watch_forget(examination->watch, tree->number);
        r = mark_folders(examination, tree, examination->release->index[root], err);
        return r < 0 ? r : compare(examination, tree, root, err);
}

static void *examine(void *context)
{
        struct examination *examination = context;
        struct examine_result *result = &examination->result;

        for (size_t i = 0; i < examination->tree_count && result->r == 0; i++)
                result->r = examine_tree(examination, &examination->trees[i], &result->error);
        result->clean = result->r == 0 && verify_is_genuine(&result->total);
        (void)eventfd_write(examination->done, 1);
        return NULL;
}

/* ---- mutable areas ---- */

static bool breaks_rules(const struct site_tree *tree, int folder, const char *name, uint16_t mode)
{
        _cleanup_(fd_closep) int file = -1;
        char head[POLICY_HEAD_SIZE];
        ssize_t n = 0;

        if (S_ISREG(mode)) {
                file = open_beneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0, BENEATH_STRICT);
                n = file < 0 ? 0 : read_full_at(file, head, sizeof(head), 0);
        }
        return policy_check(tree->allow, name, mode, head, n > 0 ? (size_t)n : 0) != BREACH_NONE;
}

/* Further down nobody looks, neither this nor verify: such a folder may not be there. */
static bool is_too_deep(const char *path, uint16_t mode)
{
        size_t components = 1;

        for (const char *p = path; *p; p++)
                components += *p == '/';
        return S_ISDIR(mode) && (components >= ENTRY_DEPTH_MAXIMUM || strlen(path) > AREA_PATH_MAXIMUM);
}

unsigned int examine_area_name(const struct site_tree *tree, const char *path, struct statx *ret_stx)
{
        const char *slash = strrchr(path, '/');
        _cleanup_(memory_freep) char *parent = slash ? memory_copy(path, (size_t)(slash - path)) : memory_string(".");
        _cleanup_(fd_closep) int folder = -1;
        const char *name = slash ? slash + 1 : path;

        if (!parent || !*path)
                return 0;
        folder = open_beneath(tree->root, parent, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (folder < 0 || inode_glance_at(folder, name, ret_stx) < 0)
                return 0;
        if (ret_stx->stx_mnt_id != tree->mount)
                return DIFFERENCE_MOUNT;
        return is_too_deep(path, ret_stx->stx_mode) || breaks_rules(tree, folder, name, ret_stx->stx_mode)
                       ? DIFFERENCE_EXTRA
                       : 0;
}

/* The folder where the walk begins may lie where it likes, and its name is its caller's to judge. */
static bool breaks(const struct site_tree *tree, const struct walk_item *item, const char *path)
{
        return item->folder &&
               (item->mount || is_too_deep(path, item->stx.stx_mode) ||
                breaks_rules(tree, walk_folder_fd(item->folder), item->name, item->stx.stx_mode));
}

int examine_area(const struct site_tree *tree, int folder, const char *path, struct watch *watch,
                 int (*breach)(void *context, const char *path), void *context, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = walk_new(folder, 0, &walk, err);

        while (r == 0 && walk_next(walk, &item)) {
                char full[PATH_MAX];

                if (item->error < 0)
                        continue;
                if ((size_t)snprintf(full, sizeof(full), "%s%s%s", path, *path && item->path_length ? "/" : "",
                                     item->path) >= sizeof(full))
                        continue;
                if (breaks(tree, item, full) && breach(context, full) < 0)
                        r = error_memory(err);
                else if (S_ISDIR(item->stx.stx_mode) && walk_enter(walk) == 0)
                        r = watch_folder(watch, tree->number, full, strlen(full), walk_entered(walk), err);
        }
        return r;
}

/* ---- life ---- */

/* The tree's folder once more, through which the gate is not asked. It is opened from the folder above, for a tree that is a
 * mount itself has to look like one. Negative where that cannot be had. */
static int open_unasked(const struct examination *examination, const struct site_tree *tree)
{
        const char *name = strrchr(tree->real, '/') + 1;
        _cleanup_(fd_closep) int above = -1, clone = -1, root = -1;
        struct stat here, there;
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%.*s", name - tree->real > 1 ? (int)(name - tree->real - 1) : 1, tree->real);
        above = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (above >= 0)
                clone = keeper_unasked(examination->keeper, above);
        if (clone >= 0)
                root = openat(clone, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (root < 0 || fstat(root, &here) < 0 || fstat(tree->root, &there) < 0 || here.st_ino != there.st_ino ||
            here.st_dev != there.st_dev)
                return -1; /* as while it is being exchanged */
        return fd_steal(&root);
}

/* A comparison that asks is as good, and takes longer. */
static int open_root(const struct examination *examination, const struct site_tree *tree)
{
        int fd = examination->keeper && tree->mode != GUARD_OBSERVE ? open_unasked(examination, tree) : -1;

        return fd >= 0 ? fd : fcntl(tree->root, F_DUPFD_CLOEXEC, 3);
}

static int copy_trees(struct examination *examination, const struct site *site, struct error *err)
{
        for (size_t i = 0; i < site->tree_count; i++) {
                struct site_tree *tree = &examination->trees[examination->tree_count++];

                *tree = site->trees[i];
                if (tree->root < 0)
                        continue;
                tree->root = open_root(examination, tree);
                if (tree->root < 0)
                        return error_errno(err, errno, _("cannot examine %s"), tree->folder);
        }
        return 0;
}

int examine_start(const struct site *site, struct watch *watch, struct keeper *keeper, struct examination **ret,
                  int *ret_fd, struct error *err)
{
        struct examination *examination = memory_new(1, sizeof(*examination));
        int r;

        if (!examination)
                return error_memory(err);
        examination->watch = watch;
        examination->keeper = keeper;
        examination->joined = true;
        examination->release = site_release_hold(site->release);
        examination->result.generation = site->generation;
        examination->result.release = site->release->reference->number;
        examination->done = eventfd(0, EFD_CLOEXEC);
        r = examination->done < 0 ? error_errno(err, errno, _("cannot examine a site")) : 0;
        if (r == 0)
                r = copy_trees(examination, site, err);
        if (r == 0 && pthread_create(&examination->thread, NULL, examine, examination) != 0)
                r = error_memory(err);
        if (r < 0) {
                examine_free(examination);
                return r;
        }
        examination->joined = false;
        *ret = examination;
        *ret_fd = examination->done;
        return 0;
}

const struct examine_result *examine_finish(struct examination *examination)
{
        if (!examination->joined)
                (void)pthread_join(examination->thread, NULL);
        examination->joined = true;
        return &examination->result;
}

void examine_free(struct examination *examination)
{
        if (!examination)
                return;
        atomic_store(&examination->abandoned, true);
        (void)examine_finish(examination);
        for (size_t i = 0; i < examination->tree_count; i++)
                fd_close(&examination->trees[i].root);
        for (size_t i = 0; i < examination->result.differing_count; i++)
                free(examination->result.differing[i].path);
        free(examination->result.differing);
        site_release_drop(examination->release);
        fd_close(&examination->done);
        free(examination);
}
