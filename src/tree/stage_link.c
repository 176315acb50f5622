/*
 * stage_link.c - taking the live file over without reading it again: it was proven under a lease a moment ago, and
 * nobody has changed it since. Where the file system shares blocks, the new inode shares them; otherwise, for trees
 * that are too large to copy, the inode itself gets a second name in the new tree, until the old one goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "manifest/mtree.h"
#include "tree/stage_parts.h"

/* Trees from this size on are taken over by link where blocks cannot be shared: copying them would take long and need
 * twice the room. */
#define LINK_FROM_BYTES (UINT64_C(512) << 20)

/* Whether two files of this folder can share blocks; asked with a file that has no name. */
static bool can_clone(int folder)
{
        _cleanup_(fd_closep) int from = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        _cleanup_(fd_closep) int to = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

        return from >= 0 && to >= 0 && write_full(from, "x", 1) == 0 && ioctl(to, FICLONE, from) == 0;
}

void stage_choose_way(struct stage *stage)
{
        enum take_over way = stage->run->options->take_over;
        uint64_t bytes = 0;
        bool clone = way == TAKE_OVER_AUTO;

        for (size_t i = 0; i < stage->run->root_count; i++) {
                bytes += stage->run->roots[i].released->bytes;
                clone = clone && can_clone(stage->run->roots[i].place.sibling);
        }
        atomic_store(&stage->clone, clone);
        stage->link = way == TAKE_OVER_LINK || (way == TAKE_OVER_AUTO && !clone && bytes > LINK_FROM_BYTES);
}

/* As the release wants it in every respect but the content: the inode is shared, so nothing of it may be changed. */
static bool fits(const struct stage_item *item, const struct statx *stx)
{
        const struct pull_root *root = item->root;
        struct entry entry;

        stage_item_entry(item, &entry);
        return stx->stx_nlink == 1 && stx->stx_mtime.tv_sec == item->time && stx->stx_mtime.tv_nsec == 0 &&
               inode_compare(stx, &entry, 0) == 0 && !companion_attributes(&root->companion, item->path) &&
               !companion_attributes(&root->kept_companion, item->path);
}

/*
 * The link sets the ctime, and a write in the same tick of the clock would set the same one and so never be seen. The
 * lease therefore outlives the tick; leases are given back many at a time, for each waits.
 */
static void release_held(struct stage *stage)
{
        struct timespec stamp;

        if (stage->held_count == 0)
                return;
        clock_wait_tick(&stamp);
        while (stage->held_count > 0) {
                int *fd = &stage->held[--stage->held_count];

                if (fcntl(*fd, F_GETLEASE) != F_RDLCK) /* somebody waits to write, or it took so long that he may */
                        atomic_store(&stage->lost, true);
                fd_close(fd);
        }
}

void stage_release_links(struct stage *stage)
{
        pthread_mutex_lock(&stage->mutex);
        release_held(stage);
        pthread_mutex_unlock(&stage->mutex);
}

/* Takes the descriptor. */
static void hold(struct stage *stage, int fd)
{
        pthread_mutex_lock(&stage->mutex);
        if (stage->held_count == stage->held_room)
                release_held(stage);
        stage->held[stage->held_count++] = fd;
        pthread_mutex_unlock(&stage->mutex);
}

/* By the descriptor itself, which wants CAP_DAC_READ_SEARCH (linkat(2)); by its name below /proc, which is several times
 * slower, for those who do not have it. */
static int link_open_file(int fd, int folder, const char *name)
{
        char path[FD_PATH_SIZE];

        if (fault_point(FAULT_RENAME))
                return -EIO;
        if (linkat(fd, "", folder, name, AT_EMPTY_PATH) == 0)
                return 0;
        if (errno != ENOENT)
                return -errno;
        fd_path(fd, path);
        return linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Takes the descriptor when it links. A file system that counts whole seconds has no ctime to go by. */
static int link_it(struct stage *stage, struct stage_item *item, int *from, const struct statx *before,
                   struct error *err)
{
        struct statx stx;

        if (before->stx_ctime.tv_nsec == 0 || link_open_file(*from, item->root->place.staged, item->path) < 0)
                return 0; /* then it is copied */
        if (inode_stat(*from, &stx) < 0 || proven_add(&item->root->linked, &stx) < 0)
                return error_memory(err);
        hold(stage, fd_steal(from));
        stage->linked = true;
        item->done = true;
        return 0;
}

/* The lease is held all the while, so what is shared is what was proven. */
static int clone_it(struct stage *stage, struct stage_item *item, int from, struct error *err)
{
        _cleanup_(fd_closep) int to = stage_create(item, O_EXCL, err);
        int r;

        if (to < 0)
                return to;
        if (ioctl(to, FICLONE, from) < 0 || fcntl(from, F_GETLEASE) != F_RDLCK) {
                if (errno == EOPNOTSUPP || errno == ENOTTY)
                        atomic_store(&stage->clone, false);
                return unlinkat(item->root->place.staged, item->path, 0) < 0
                               ? error_errno(err, errno, _("cannot remove %s"), item->path)
                               : 0;
        }
        r = stage_apply(item, to, err);
        item->done = r == 0;
        return r;
}

int stage_take_live(struct stage *stage, struct stage_item *item, struct error *err)
{
        struct pull_root *root = item->root;
        _cleanup_(fd_closep) int from = -1;
        struct statx stx;

        if (root->proven.count == 0 || !(stage->link || atomic_load(&stage->clone)))
                return 0;
        from = open_beneath(root->place.live, item->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0,
                            BENEATH_STRICT);
        if (from < 0 || fcntl(from, F_SETLEASE, F_RDLCK) < 0 || inode_stat(from, &stx) < 0 ||
            proven_look(&root->proven, &stx) != PROVEN_SAME || (int64_t)stx.stx_size != item->size)
                return 0;
        if (atomic_load(&stage->clone))
                return clone_it(stage, item, from, err);
        return fits(item, &stx) ? link_it(stage, item, &from, &stx, err) : 0;
}

/* ---- after the exchange ---- */

/* One of the threads that look at all links: of every `of` files of a root it takes one, the `turn`th. */
struct check {
        const struct pull_root *root;
        size_t turn, of;
        bool stale; /* this file was written to */
        struct buffer path;
        int r;
        struct error error;
};

static int check_link(const struct pull_root *root, const struct entry *entry)
{
        _cleanup_(fd_closep) int fd = -1;
        enum proven_state state;
        struct statx stx;
        bool leased;

        fd = openat(root->place.staged, entry->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -ESTALE;
        /* An inode of its own has nobody who writes to it through another name; the others are looked at under a lease. */
        leased = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
        if (inode_stat(fd, &stx) < 0)
                return -ESTALE;
        state = proven_look(&root->linked, &stx);
        return state == PROVEN_UNKNOWN || (leased && state == PROVEN_SAME) ? 0 : -ESTALE;
}

static void *check_links(void *argument)
{
        struct check *check = argument;
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        struct entry entry;
        size_t n = 0;
        int r = mtree_reader_new_fd(check->root->manifest, check->root->name_manifest, &reader, &check->error);

        while (r >= 0 && !check->stale && (r = mtree_reader_next(reader, &entry, &check->error)) > 0) {
                if (entry.type != ENTRY_FILE || n++ % check->of != check->turn || check_link(check->root, &entry) == 0)
                        continue;
                check->stale = true;
                r = text_escape(&check->path, entry.path, entry.path_length) == -ENOMEM ? -ENOMEM : 0;
        }
        check->r = r < 0 ? r : 0;
        return NULL;
}

/* -ESTALE, and the operator is told: a file of this root was written to. */
static int check_root(struct stage *stage, struct pull_root *root, struct error *err)
{
        struct check checks[STAGE_THREADS_MAXIMUM];
        int r = 0;

        proven_sort(&root->linked);
        for (unsigned int i = 0; i < stage->threads; i++)
                checks[i] = (struct check){
                        .root = root, .turn = i, .of = stage->threads, .path = BUFFER_INIT(ENTRY_PATH_MAXIMUM * 4)
                };
        stage_in_threads(check_links, checks, sizeof(checks[0]), stage->threads);
        for (unsigned int i = 0; i < stage->threads; i++) {
                if (checks[i].r < 0 && r == 0) {
                        r = checks[i].r;
                        if (err)
                                *err = checks[i].error;
                } else if (checks[i].stale && r != -ESTALE) {
                        r = -ESTALE;
                        pull_note(stage->run,
                                  _("%s/%s was written to while it was taken over; the tree is built again by copying"),
                                  root->place.folder, buffer_text(&checks[i].path));
                }
                buffer_done(&checks[i].path);
        }
        return r;
}

int stage_check_links(struct stage *stage, struct error *err)
{
        struct pull_run *run = stage->run;
        int r = 0;

        if (atomic_load(&stage->lost)) {
                pull_note(run, _("somebody wants to write to a file that was taken over; the tree is built again by "
                                 "copying"));
                return -ESTALE;
        }
        for (size_t i = 0; i < run->root_count && stage->linked && r == 0; i++)
                r = check_root(stage, &run->roots[i], err);
        return r;
}
