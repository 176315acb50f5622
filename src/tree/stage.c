/*
 * stage.c - the fresh trees, built beside the old ones: folders and links by the calling thread, files by workers
 * (stage_files.c), what no source here has from the repository (stage_fetch.c), folders' metadata last.
 */
#include "tree/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/mtree.h"
#include "tree/stage_parts.h"

static size_t descriptors_to_hold(void)
{
        struct rlimit limit;
        rlim_t room = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 4 : 0;

        return room < 16 ? 16 : room > STAGE_HELD_MAXIMUM ? STAGE_HELD_MAXIMUM : (size_t)room;
}

int stage_new(struct pull_run *run, struct stage **ret_stage, struct error *err)
{
        struct stage *stage = memory_new(1, sizeof(*stage));
        int r = 0;

        if (!stage)
                return error_memory(err);
        stage->run = run;
        stage->threads = run->options->threads ? run->options->threads : (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
        if (stage->threads > STAGE_THREADS_MAXIMUM)
                stage->threads = STAGE_THREADS_MAXIMUM;
        stage->held_room = descriptors_to_hold();
        stage->held = memory_new(stage->held_room, sizeof(*stage->held));
        if (!stage->held)
                r = error_memory(err);
        pthread_mutex_init(&stage->mutex, NULL);
        for (unsigned int i = 0; i < stage->threads && r == 0; i++)
                r = copier_new(&stage->copiers[i], err);
        for (size_t i = 0; i < run->root_count; i++)
                stage->total += run->roots[i].released->files;
        if (r < 0) {
                stage_free(stage);
                return r;
        }
        *ret_stage = stage;
        return 0;
}

void stage_free(struct stage *stage)
{
        if (!stage)
                return;
        stage_flush_end(stage);
        stage_list_done(&stage->jobs);
        stage_list_done(&stage->missing);
        stage_list_done(&stage->folders);
        for (unsigned int i = 0; i < stage->threads; i++)
                copier_free(stage->copiers[i]);
        pthread_mutex_destroy(&stage->mutex);
        free(stage->held);
        free(stage);
}

void stage_progress(struct stage *stage, const char *what, uint64_t done)
{
        const struct pull_options *options = stage->run->options;

        if (options->progress)
                options->progress(options->context, what, done, stage->total);
}

/* ---- one root ---- */

static int add_folder(struct stage *stage, struct pull_root *root, const struct entry *entry, struct error *err)
{
        struct stage_item item;

        if (entry->path_length > 0 && (fault_point(FAULT_WRITE) || mkdirat(root->place.staged, entry->path, 0700) < 0))
                return error_errno(err, errno, _("cannot make the folder %s in the new tree beside %s"), entry->path,
                                   root->place.folder);
        if (stage_item_init(&item, entry, root) < 0)
                return error_memory(err);
        if (stage_list_add(&stage->folders, &item) < 0) {
                stage_item_done(&item);
                return error_memory(err);
        }
        return 0;
}

static int add_link(struct pull_root *root, const struct entry *entry, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;

        if (fault_point(FAULT_WRITE) || symlinkat(entry->target, root->place.staged, entry->path) < 0 ||
            (fd = openat(root->place.staged, entry->path, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
                return error_errno(err, errno, _("cannot make the link %s in the new tree beside %s"), entry->path,
                                   root->place.folder);
        return stage_apply_entry(root, fd, entry, companion_attributes(&root->companion, entry->path), err);
}

/* The kept manifest, read alongside: what the live tree should have at the same path. */
struct alongside {
        struct mtree_reader *reader; /* NULL: nothing is known of the live tree */
        struct entry entry;
        bool ended;
};

/* 1 when the kept manifest has a file at the path of `entry` (in alongside->entry then). */
static int find_alongside(struct alongside *alongside, const struct entry *entry, struct error *err)
{
        while (!alongside->ended) {
                const struct entry *old = &alongside->entry;
                int order = old->path ? path_compare(old->path, old->path_length, entry->path, entry->path_length) : -1;
                int r;

                if (order >= 0)
                        return order == 0 && old->type == ENTRY_FILE;
                r = mtree_reader_next(alongside->reader, &alongside->entry, err);
                if (r < 0)
                        return r;
                alongside->ended = r == 0;
        }
        return 0;
}

static int add_file(struct stage *stage, struct pull_root *root, const struct entry *entry, struct alongside *alongside,
                    struct error *err)
{
        struct stage_item item;
        int r = 0;

        if (alongside->reader) {
                r = find_alongside(alongside, entry, err);
                if (r < 0)
                        return r;
        }
        if (stage_item_init(&item, entry, root) < 0)
                return error_memory(err);
        if (r > 0) {
                item.has_old = true;
                item.old_digest = alongside->entry.digest;
                item.old_size = alongside->entry.size;
        }
        item.in_live = root->place.live >= 0 &&
                       (!alongside->reader || (item.has_old && digest_equal(&item.old_digest, &item.digest)));
        if (stage_list_add(&stage->jobs, &item) < 0) {
                stage_item_done(&item);
                return error_memory(err);
        }
        return stage->jobs.count < STAGE_CHUNK ? 0 : stage_run_jobs(stage, err);
}

static int build_entries(struct stage *stage, struct pull_root *root, struct mtree_reader *reader,
                         struct alongside *alongside, struct error *err)
{
        struct entry entry;
        int r;

        while ((r = mtree_reader_next(reader, &entry, err)) > 0) {
                if (entry.type == ENTRY_DIRECTORY)
                        r = add_folder(stage, root, &entry, err);
                else if (entry.type == ENTRY_LINK)
                        r = add_link(root, &entry, err);
                else
                        r = add_file(stage, root, &entry, alongside, err);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : stage_run_jobs(stage, err);
}

static int build_root(struct stage *stage, struct pull_root *root, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL, *kept = NULL;
        struct alongside alongside = { 0 };
        int r;

        r = mtree_reader_new_fd(root->manifest, root->name_manifest, &reader, err);
        if (r == 0 && root->kept_manifest >= 0)
                r = mtree_reader_new_fd(root->kept_manifest, root->name_manifest, &kept, err);
        if (r < 0)
                return r;
        alongside.reader = kept;
        r = build_entries(stage, root, reader, &alongside, err);
        stage_release_links(stage); /* before anything is fetched: nobody's write waits for a network */
        return r;
}

/* A tree that an interrupted pull was building is a source now; what it was is over. */
static int make_staged(struct pull_root *root, struct error *err)
{
        struct place *place = &root->place;
        struct stat st;
        int r = place_sibling(place, true, err);

        if (r < 0)
                return r;
        r = rename_at(place->sibling, STAGED_NAME, place->sibling, LEFTOVER_NAME, RENAME_NOREPLACE);
        if (r == -EEXIST) /* two interrupted ones: the newer tree goes, the older has more */
                r = tree_remove(place->sibling, STAGED_NAME, err);
        else if (r < 0 && r != -ENOENT)
                return error_errno(err, -r, _("cannot put aside what an interrupted pull left beside %s"),
                                   place->folder);
        if (r < 0 && r != -ENOENT)
                return r;
        root->leftover = open_beneath(place->sibling, LEFTOVER_NAME, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (fault_point(FAULT_WRITE) || mkdirat(place->sibling, STAGED_NAME, 0700) < 0)
                return error_errno(err, errno, _("cannot make the new tree beside %s"), place->folder);
        place->staged = open_beneath(place->sibling, STAGED_NAME, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (place->staged < 0 || fstat(place->staged, &st) < 0)
                return error_errno(err, errno, _("cannot open the new tree beside %s"), place->folder);
        place->staged_inode = st.st_ino;
        return 0;
}

/* ---- folders last ---- */

/* Bottom up, for a folder that nobody may write can take no more names. */
static int finish_folders(struct stage *stage, struct error *err)
{
        for (size_t i = stage->folders.count; i-- > 0;) {
                const struct stage_item *item = &stage->folders.items[i];
                const struct attributes *attributes = companion_attributes(&item->root->companion, item->path);
                struct attributes without_flags;
                _cleanup_(fd_closep) int fd = -1;
                struct entry entry;
                int r;

                fd = openat(item->root->place.staged, *item->path ? item->path : ".",
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        return error_errno(err, errno, _("cannot open %s in the new tree beside %s"), item->path,
                                           item->root->place.folder);
                /* An immutable folder cannot be exchanged: the root gets its flags when it stands in its place. */
                if (attributes && !*item->path) {
                        without_flags = *attributes;
                        without_flags.flags = 0;
                        attributes = &without_flags;
                }
                stage_item_entry(item, &entry);
                r = stage_apply_entry(item->root, fd, &entry, attributes, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* One syncfs for all: a commit for each of many thousand files would take minutes. */
static int sync_trees(struct stage *stage, struct error *err)
{
        struct pull_run *run = stage->run;

        stage_flush_end(stage);
        for (size_t i = 0; i < run->root_count; i++) {
                const struct place *place = &run->roots[i].place;

                if (fault_point(FAULT_SYNC) || syncfs(place->staged) < 0)
                        return error_errno(err, errno, _("cannot make sure that the new tree beside %s is on disk"),
                                           place->folder);
        }
        return 0;
}

int stage_build(struct stage *stage, struct error *err)
{
        struct pull_run *run = stage->run;
        int r = 0;

        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = make_staged(&run->roots[i], err);
        if (r == 0)
                stage_choose_way(stage);
        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = build_root(stage, &run->roots[i], err);
        if (r == 0)
                r = stage_fetch(stage, err);
        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = areas_carry_over(run, &run->roots[i], err);
        if (r == 0)
                r = finish_folders(stage, err);
        if (r == 0)
                r = sync_trees(stage, err);
        return r;
}

void stage_discard(struct pull_run *run)
{
        for (size_t i = 0; i < run->root_count; i++) {
                struct place *place = &run->roots[i].place;

                if (place->sibling < 0)
                        continue;
                fd_close(&place->staged);
                fd_close(&run->roots[i].leftover);
                (void)tree_remove(place->sibling, STAGED_NAME, NULL);
                (void)tree_remove(place->sibling, LEFTOVER_NAME, NULL);
                place_sibling_done(place);
        }
}
