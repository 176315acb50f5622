/* verify.c - the merge of the manifest with the walk: who is missing, who is extra, and who is not as signed. */
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "tree/verify_areas.h"
#include "tree/changes.h"
#include "tree/check_file.h"
#include "tree/elsewhere.h"
#include "tree/hash_pool.h"
#include "manifest/inode.h"
#include "manifest/walk.h"

#define PROGRESS_EVERY_MS    100
#define PROGRESS_EVERY_STEPS 64
#define FOUND_WORDS_LIMIT    4096

struct verification {
        const struct verify_options *options;
        const struct companion *companion;
        struct verify_result *result;
        struct mtree_reader *manifest;
        struct walk *walk;
        struct hash_pool *pool;
        struct changes changes;
        struct entry entry;           /* of the manifest, when have_entry */
        const struct walk_item *item; /* of the walk, when have_item */
        bool have_entry, have_item;
        int64_t shown_ms; /* when progress was shown last */
        unsigned int steps;
};

static const char *const type_names[] = { "directory", "file", "symlink" };
static const mode_t type_bits[] = { S_IFDIR, S_IFREG, S_IFLNK };

static int next_entry(struct verification *v, struct error *err)
{
        int r = mtree_reader_next(v->manifest, &v->entry, err);

        v->have_entry = r > 0;
        return r < 0 ? r : 0;
}

/* A look at the next thing that is there; what vanished since its folder was read changed the tree. */
static void next_item(struct verification *v)
{
        v->have_item = walk_next(v->walk, &v->item);
}

static bool is_below(const struct entry *entry, const char *folder, size_t length)
{
        return length == 0 ||
               (entry->path_length > length && entry->path[length] == '/' && memcmp(entry->path, folder, length) == 0);
}

/* Passes over the present entry and everything below it. */
static int skip_entry(struct verification *v, struct error *err)
{
        char folder[ENTRY_PATH_MAXIMUM + 1];
        size_t length = v->entry.path_length;
        bool is_folder = v->entry.type == ENTRY_DIRECTORY;
        int r;

        memcpy(folder, v->entry.path, length);
        do
                r = next_entry(v, err);
        while (r == 0 && v->have_entry && is_folder && is_below(&v->entry, folder, length));
        return r;
}

static const struct area *ignored(const struct verification *v, const char *path)
{
        return v->companion->ignored_count ? companion_ignored(v->companion, path) : NULL;
}

/* A path with its findings, to be reported in its turn. The findings move. */
static int tell(struct verification *v, const char *path, size_t length, bool slash, struct findings *findings,
                struct error *err)
{
        struct file_job *job = NULL;
        int r;

        if (findings->kinds == 0)
                return 0;
        r = hash_pool_take(v->pool, path, length, &job, err);
        if (r < 0)
                return r;
        job->slash = slash;
        job->findings = *findings;
        *findings = (struct findings){ 0 };
        return hash_pool_put(v->pool, err);
}

static void found_changing(struct verification *v)
{
        v->result->changing = true;
}

static int missing(struct verification *v, struct error *err)
{
        _cleanup_(findings_clear) struct findings findings = { 0 };
        int r = 0;

        if (!ignored(v, v->entry.path)) {
                if (findings_add(&findings, DIFFERENCE_MISSING, type_names[v->entry.type], NULL) < 0)
                        return error_memory(err);
                r = tell(v, v->entry.path, v->entry.path_length, false, &findings, err);
        }
        return r < 0 ? r : skip_entry(v, err);
}

static int extra(struct verification *v, struct error *err)
{
        _cleanup_(findings_clear) struct findings findings = { 0 };
        const struct walk_item *item = v->item;
        const struct area *area = ignored(v, item->path);
        int r;

        walk_look(v->walk);
        if (area)
                return area_item(v->walk, item, area, "", false, v->pool, err);
        if (item->error == -ENOENT) {
                found_changing(v);
                return 0;
        }
        if (item->error)
                r = findings_unreadable(&findings, NULL, item->error);
        else
                r = findings_add(&findings, DIFFERENCE_EXTRA, NULL, inode_type_name(item->stx.stx_mode));
        if (r == 0 && item->error)
                r = findings_add(&findings, DIFFERENCE_EXTRA, NULL, NULL);
        if (r == 0 && item->mount)
                r = findings_add(&findings, DIFFERENCE_MOUNT, NULL, inode_type_name(item->stx.stx_mode));
        if (r < 0)
                return error_memory(err);
        return tell(v, item->path, item->path_length, item->error == 0 && S_ISDIR(item->stx.stx_mode), &findings, err);
}

static int compare_attributes(int r, const struct attributes *expected, const struct buffer *found,
                              struct findings *findings)
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(FOUND_WORDS_LIMIT);

        if (r == 1)
                return 0;
        if (r < 0)
                return findings_lack(r) ? r : findings_unreadable(findings, NULL, r);
        if (expected && inode_attributes_describe(expected, &words) < 0)
                return -ENOMEM;
        return findings_add(findings, DIFFERENCE_XATTR, words.length ? buffer_text(&words) : NULL,
                            found->length ? buffer_text(found) : NULL);
}

/* Target and attributes of a symbolic link, through one descriptor of the link itself. */
static int compare_link(struct verification *v, const struct attributes *expected, struct findings *findings)
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(FOUND_WORDS_LIMIT);
        _cleanup_(fd_closep) int fd = -1;
        char target[ENTRY_LINK_MAXIMUM + 1];
        struct statx now;
        ssize_t n;
        int r;

        fd = fault_point(FAULT_OPEN)
                     ? -1
                     : openat(walk_folder_fd(v->item->folder), v->item->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        r = fd < 0 ? -errno : inode_stat(fd, &now);
        if (r == 0 && !inode_same(&v->item->stx, &now)) {
                found_changing(v);
                r = S_ISLNK(now.stx_mode) ? 0 : -ESTALE;
        }
        n = r < 0 ? r : readlinkat(fd, "", target, sizeof(target));
        if (r == 0 && n < 0)
                r = -errno;
        if (r < 0)
                return findings_lack(r) ? r : findings_unreadable(findings, v->entry.target, r);
        if ((size_t)n != v->entry.target_length || memcmp(target, v->entry.target, (size_t)n) != 0) {
                target[n < (ssize_t)sizeof(target) ? n : (ssize_t)sizeof(target) - 1] = '\0';
                r = findings_add(findings, DIFFERENCE_LINK, v->entry.target, target);
        }
        if (r < 0)
                return r;
        r = inode_link_attributes_equal(fd, expected, &words, NULL);
        return compare_attributes(r, expected, &words, findings);
}

/* A folder that is a folder: goes into it, *ret_entered false when that cannot be done. */
static int compare_folder(struct verification *v, const struct attributes *expected, struct findings *findings,
                          bool *ret_entered)
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(FOUND_WORDS_LIMIT);
        int r = walk_enter(v->walk);

        *ret_entered = r == 0;
        if (findings_lack(r))
                return r;
        if (r < 0) {
                if (r == -ESTALE || r == -ENOENT)
                        found_changing(v);
                return findings_unreadable(findings, NULL, r);
        }
        r = inode_attributes_equal(walk_entered(v->walk), expected, &words, NULL);
        return compare_attributes(r, expected, &words, findings);
}

/* Hands a file to whoever reads it next; if the walk has looked at it, the findings of its inode go along. */
static int hand_over(struct verification *v, const struct attributes *expected, struct findings *findings,
                     struct error *err)
{
        const struct walk_item *item = v->item;
        struct file_job *job = NULL;
        int r = hash_pool_take(v->pool, item->path, item->path_length, &job, err);

        if (r < 0)
                return r;
        job->folder = walk_folder_hold(item->folder);
        job->name_at = (size_t)(item->name - item->path);
        job->entry = v->entry;
        job->entry.path = job->path.data;
        job->expected = expected;
        job->looked = !item->lazy;
        if (job->looked)
                job->stx = item->stx;
        job->findings = *findings;
        *findings = (struct findings){ 0 };
        return hash_pool_put(v->pool, err);
}

/* What is there is of the type that it should be. */
static int compare_same_type(struct verification *v, bool *ret_entered, struct error *err)
{
        _cleanup_(findings_clear) struct findings findings = { 0 };
        const struct attributes *expected =
                v->companion->attributes_count ? companion_attributes(v->companion, v->entry.path) : NULL;
        int r = 0;

        *ret_entered = true;
        if (!v->item->lazy)
                r = findings_of_inode(&findings, &v->item->stx, &v->entry, expected ? expected->flags : 0);
        if (r == 0 && v->entry.type == ENTRY_FILE)
                return hand_over(v, expected, &findings, err);
        if (r == 0 && v->entry.type == ENTRY_LINK)
                r = compare_link(v, expected, &findings);
        else if (r == 0)
                r = compare_folder(v, expected, &findings, ret_entered);
        if (r < 0)
                return error_errno(err, -r, _("cannot compare %s"), v->item->path);
        return tell(v, v->item->path, v->item->path_length, false, &findings, err);
}

/* What is there cannot be compared at all: a mount, another type, nothing that can be looked at. */
static int incomparable(struct verification *v, struct error *err)
{
        _cleanup_(findings_clear) struct findings findings = { 0 };
        const struct walk_item *item = v->item;
        int r;

        if (item->error == -ENOENT) {
                found_changing(v);
                r = findings_add(&findings, DIFFERENCE_MISSING, type_names[v->entry.type], NULL);
        } else if (item->error) {
                r = findings_unreadable(&findings, NULL, item->error);
        } else if (item->mount) {
                r = findings_add(&findings, DIFFERENCE_MOUNT, NULL, inode_type_name(item->stx.stx_mode));
        } else {
                r = findings_add(&findings, DIFFERENCE_TYPE, type_names[v->entry.type],
                                 inode_type_name(item->stx.stx_mode));
        }
        if (r < 0)
                return error_memory(err);
        return tell(v, item->path, item->path_length, false, &findings, err);
}

/* The same name in the manifest and on the disk. */
static int both(struct verification *v, struct error *err)
{
        const struct walk_item *item = v->item;
        const struct area *area = ignored(v, item->path);
        bool entered = false;
        int r;

        if (area || v->entry.type != ENTRY_FILE) /* a file that is listed as one is looked at by who reads it */
                walk_look(v->walk);
        if (area) {
                r = area_item(v->walk, item, area, "", false, v->pool, err);
                return r < 0 ? r : next_entry(v, err);
        }
        if (item->error == 0 && v->entry.type != ENTRY_FILE)
                changes_add(&v->changes, item->path, item->path_length, &item->stx);
        if (!item->lazy && (item->error || item->mount || (item->stx.stx_mode & S_IFMT) != type_bits[v->entry.type]))
                r = incomparable(v, err);
        else
                r = compare_same_type(v, &entered, err);
        if (r < 0)
                return r;
        return entered ? next_entry(v, err) : skip_entry(v, err);
}

static void show_progress(struct verification *v)
{
        int64_t now;

        if (!v->options->progress || ++v->steps % PROGRESS_EVERY_STEPS != 0)
                return;
        now = clock_monotonic_ms();
        if (now - v->shown_ms < PROGRESS_EVERY_MS)
                return;
        v->shown_ms = now;
        v->options->progress(v->options->context, v->result->files, v->result->bytes);
}

static int merge(struct verification *v, struct error *err)
{
        int r = next_entry(v, err);

        next_item(v);
        while (r == 0 && (v->have_entry || v->have_item)) {
                int order = !v->have_entry  ? 1
                            : !v->have_item ? -1
                                            : path_compare(v->entry.path, v->entry.path_length, v->item->path,
                                                           v->item->path_length);

                if (order < 0)
                        r = missing(v, err);
                else if (order > 0)
                        r = extra(v, err);
                else
                        r = both(v, err);
                if (order >= 0 && r == 0)
                        next_item(v);
                show_progress(v);
        }
        return r;
}

/* Something that is mounted over a part of the tree where a web server looks, though not where we do. */
static int tell_elsewhere(void *context, const char *path, const char *words, struct error *err)
{
        _cleanup_(findings_clear) struct findings findings = { 0 };

        if (findings_add(&findings, DIFFERENCE_MOUNT, NULL, words) < 0)
                return error_memory(err);
        return tell(context, path, strlen(path), false, &findings, err);
}

static int verify(struct verification *v, int directory, struct error *err)
{
        int r = changes_begin(&v->changes, directory, err);

        if (r == 0)
                r = walk_new(directory, WALK_LAZY, &v->walk, err);
        if (r == 0)
                r = hash_pool_new(v->options, &v->changes, v->result, &v->pool, err);
        if (r == 0)
                r = merge(v, err);
        if (r == 0)
                r = areas_verify(v->options, v->pool, err);
        if (r == 0)
                r = elsewhere_mounts(directory, tell_elsewhere, v, err);
        if (r == 0)
                r = hash_pool_finish(v->pool, err);
        walk_free(v->walk); /* two walks at a time would hold the names of a large folder twice */
        v->walk = NULL;
        if (r == 0)
                r = changes_end(&v->changes, directory, v->companion, v->result->differences == 0, v->pool, v->result,
                                err);
        return r;
}

int tree_verify(int directory, struct mtree_reader *manifest, const struct verify_options *options,
                struct verify_result *ret_result, struct error *err)
{
        static const struct companion empty = COMPANION_EMPTY;
        struct sigaction ignore = { .sa_handler = SIG_IGN }, kept;
        struct verify_options here = *options;
        struct verify_result result = { 0 };
        struct verification v = {
                .options = &here,
                .companion = options->companion ? options->companion : &empty,
                .result = &result,
                .manifest = manifest,
        };
        int r;

        if (options->leases && !leases_hold(directory)) {
                result.no_leases = true;
                here.leases = false;
                here.genuine = NULL;
        }
        if (here.leases) /* a lease that is broken sends SIGIO, which would end the process */
                sigaction(SIGIO, &ignore, &kept);
        r = verify(&v, directory, err);
        hash_pool_free(v.pool);
        walk_free(v.walk);
        if (here.leases)
                sigaction(SIGIO, &kept, NULL);
        if (r < 0)
                return r;
        *ret_result = result;
        return 0;
}

/* DEST itself is not a folder: one difference says all there is to say. */
static int tell_root(const struct verify_options *options, enum difference_kind kind, const char *found,
                     struct verify_result *ret_result, struct error *err)
{
        const struct difference difference = { ".", 1, kind, "directory", found, options->root };

        *ret_result = (struct verify_result){ .differences = 1 };
        return options->difference ? options->difference(options->context, &difference, err) : 0;
}

int tree_verify_at(int parent, const char *name, struct mtree_reader *manifest, const struct verify_options *options,
                   struct verify_result *ret_result, struct error *err)
{
        struct verify_options here = *options;
        _cleanup_(fd_closep) int fd = -1;
        struct statx stx;
        int r = inode_glance_at(parent, name, &stx);

        if (r == -ENOENT)
                return tell_root(options, DIFFERENCE_MISSING, NULL, ret_result, err);
        if (r < 0)
                return error_errno(err, -r, _("cannot look at %s"), name);
        if (!S_ISDIR(stx.stx_mode))
                return tell_root(options, DIFFERENCE_TYPE, inode_type_name(stx.stx_mode), ret_result, err);
        fd = fault_point(FAULT_OPEN)
                     ? -1
                     : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open the folder %s"), name);
        here.parent = parent;
        here.parent_name = name;
        return tree_verify(fd, manifest, &here, ret_result, err);
}

bool verify_is_genuine(const struct verify_result *result)
{
        return result->differences == 0 && !result->changing && result->writable == 0;
}

void verify_result_add(struct verify_result *total, const struct verify_result *one)
{
        total->files += one->files;
        total->bytes += one->bytes;
        total->differences += one->differences;
        total->times += one->times;
        total->writable += one->writable;
        if (total->changing_path[0] == '\0')
                memcpy(total->changing_path, one->changing_path, sizeof(total->changing_path));
        if (total->writable_path[0] == '\0')
                memcpy(total->writable_path, one->writable_path, sizeof(total->writable_path));
        total->changing = total->changing || one->changing;
        total->no_leases = total->no_leases || one->no_leases;
        total->clock_stepped = total->clock_stepped || one->clock_stepped;
}
