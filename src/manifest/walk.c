/* walk.c - the sorted walk: one stack of folders, their names in one arena. */
#include "manifest/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"
#include "manifest/inode.h"

#define DIRENT_BYTES (64 * 1024)
#define PATH_SPACE   (ENTRY_PATH_MAXIMUM + 1 + NAME_MAX + 1) /* a path of the most bytes and one name below it */
#define FIRST_NAMES  (16 * 1024)
#define FIRST_COUNT  1024

struct walk_folder {
        int fd;
        bool borrowed; /* the caller's: not closed here */
        bool local;    /* the walk's */
        atomic_uint references;
};

/* A folder on the way down. Its names lie in walk->offsets [first, end), and next comes `next`. */
struct frame {
        struct walk_folder *folder;
        size_t first, next, end;
        size_t names_mark;  /* of the arena when the folder was entered */
        size_t path_length; /* of the folder's path */
};

struct walk {
        int directory;
        enum walk_flags flags;
        bool started;
        bool local;     /* the tree's own file system: then only a foreign one could be asked, and is not */
        uint64_t mount; /* the mount that the root is in */
        struct walk_item item;
        struct frame frames[ENTRY_DEPTH_MAXIMUM + 1];
        size_t depth; /* frames in use */
        char *names;  /* one behind the other: a byte for the type (DT_...), the name, a NUL */
        size_t names_used, names_capacity;
        uint32_t *offsets; /* of names, sorted within a frame */
        size_t count, capacity;
        char path[PATH_SPACE];
        char entries[DIRENT_BYTES] __attribute__((aligned(8)));
};

struct walk_folder *walk_folder_hold(struct walk_folder *folder)
{
        atomic_fetch_add_explicit(&folder->references, 1, memory_order_relaxed);
        return folder;
}

void walk_folder_release(struct walk_folder *folder)
{
        if (!folder || atomic_fetch_sub_explicit(&folder->references, 1, memory_order_acq_rel) != 1)
                return;
        if (!folder->borrowed)
                close(folder->fd);
        free(folder);
}

int walk_folder_fd(const struct walk_folder *folder)
{
        return folder->fd;
}

int walk_folder_look(const struct walk_folder *folder, const char *name, struct statx *ret_stx)
{
        return folder->local ? inode_glance_at(folder->fd, name, ret_stx) : inode_stat_at(folder->fd, name, ret_stx);
}

int walk_new(int directory, enum walk_flags flags, struct walk **ret_walk, struct error *err)
{
        struct walk *walk = memory_new(1, sizeof(*walk));

        if (!walk)
                return error_memory(err);
        walk->directory = directory;
        walk->local = inode_is_local(directory);
        walk->flags = flags;
        *ret_walk = walk;
        return 0;
}

void walk_free(struct walk *walk)
{
        if (!walk)
                return;
        while (walk->depth > 0)
                walk_folder_release(walk->frames[--walk->depth].folder);
        free(walk->names);
        free(walk->offsets);
        free(walk);
}

void walk_freep(struct walk **walk)
{
        walk_free(*walk);
}

static int add_name(struct walk *walk, const char *name, unsigned char type)
{
        size_t size = 1 + strlen(name) + 1;

        if (walk->names_used + size > WALK_NAMES_MAXIMUM)
                return -E2BIG;
        if (walk->names_used + size > walk->names_capacity) {
                size_t capacity = walk->names_capacity ? walk->names_capacity * 2 : FIRST_NAMES;
                char *names = memory_resize(walk->names, capacity, 1);

                if (!names)
                        return -ENOMEM;
                walk->names = names;
                walk->names_capacity = capacity;
        }
        if (walk->count == walk->capacity) {
                size_t capacity = walk->capacity ? walk->capacity * 2 : FIRST_COUNT;
                uint32_t *offsets = memory_resize(walk->offsets, capacity, sizeof(*offsets));

                if (!offsets)
                        return -ENOMEM;
                walk->offsets = offsets;
                walk->capacity = capacity;
        }
        walk->names[walk->names_used] = (char)type;
        memcpy(walk->names + walk->names_used + 1, name, size - 1);
        walk->offsets[walk->count++] = (uint32_t)walk->names_used + 1;
        walk->names_used += size;
        return 0;
}

static int read_names(struct walk *walk, int fd)
{
        for (;;) {
                ssize_t n = fault_point(FAULT_READ) ? -1 : getdents64(fd, walk->entries, sizeof(walk->entries));

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(walk->entries + at);
                        const char *name = entry->d_name;
                        int r;

                        at += entry->d_reclen;
                        if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
                                continue;
                        r = add_name(walk, name, entry->d_type);
                        if (r < 0)
                                return r;
                }
        }
}

static int compare_names(const void *a, const void *b, void *names)
{
        const char *text = names;

        return strcmp(text + *(const uint32_t *)a, text + *(const uint32_t *)b);
}

/* Opens the present item once more as a folder to read, and makes sure that it is what was looked at. */
static int open_folder(struct walk *walk, struct walk_folder **ret_folder)
{
        const struct walk_item *item = &walk->item;
        struct walk_folder *folder = memory_new(1, sizeof(*folder));
        struct statx now;
        int r;

        if (!folder)
                return -ENOMEM;
        atomic_init(&folder->references, 1);
        folder->borrowed = !item->folder;
        folder->local = walk->local;
        folder->fd = folder->borrowed          ? walk->directory
                     : fault_point(FAULT_OPEN) ? -1
                                               : openat(item->folder->fd, item->name,
                                                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (folder->fd < 0) {
                r = -errno;
                free(folder);
                return r == -ENOTDIR || r == -ELOOP ? -ESTALE : r;
        }
        r = folder->borrowed ? 0 : inode_stat(folder->fd, &now);
        if (r == 0 && !folder->borrowed && (now.stx_ino != item->stx.stx_ino || now.stx_mnt_id != item->stx.stx_mnt_id))
                r = -ESTALE;
        if (r == 0 && folder->borrowed && lseek(folder->fd, 0, SEEK_SET) < 0)
                r = -errno;
        if (r < 0) {
                walk_folder_release(folder);
                return r;
        }
        *ret_folder = folder;
        return 0;
}

int walk_enter(struct walk *walk)
{
        const struct walk_item *item = &walk->item;
        struct walk_folder *folder = NULL;
        struct frame *frame;
        int r;

        if (item->mount && item->folder)
                return -EXDEV;
        if (walk->depth == LENGTH(walk->frames) || item->path_length > ENTRY_PATH_MAXIMUM)
                return -ENAMETOOLONG;
        r = open_folder(walk, &folder);
        if (r < 0)
                return r;
        frame = &walk->frames[walk->depth];
        *frame = (struct frame){ folder, walk->count, walk->count, 0, walk->names_used, item->path_length };
        r = read_names(walk, folder->fd);
        if (r < 0) {
                walk->count = frame->first;
                walk->names_used = frame->names_mark;
                walk_folder_release(folder);
                return r;
        }
        frame->end = walk->count;
        if (!(walk->flags & WALK_UNSORTED) && frame->end > frame->first)
                qsort_r(walk->offsets + frame->first, frame->end - frame->first, sizeof(*walk->offsets), compare_names,
                        walk->names);
        walk->depth++;
        return 0;
}

int walk_entered(const struct walk *walk)
{
        return walk->frames[walk->depth - 1].folder->fd;
}

static void look_at_root(struct walk *walk)
{
        struct walk_item *item = &walk->item;

        item->path = item->name = walk->path;
        item->error = inode_stat(walk->directory, &item->stx);
        item->mount = item->error == 0 && (item->stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
        walk->mount = item->stx.stx_mnt_id;
}

void walk_look(struct walk *walk)
{
        struct walk_item *item = &walk->item;

        if (!item->lazy)
                return;
        item->lazy = false;
        item->error = walk_folder_look(item->folder, item->name, &item->stx);
        item->mount = item->error == 0 &&
                      ((item->stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) || item->stx.stx_mnt_id != walk->mount);
}

static void look_at(struct walk *walk, struct frame *frame)
{
        const char *name = walk->names + walk->offsets[frame->next++];
        struct walk_item *item = &walk->item;
        size_t at = frame->path_length, length = strlen(name);

        if (at > 0)
                walk->path[at++] = '/';
        memcpy(walk->path + at, name, length + 1);
        item->path = walk->path;
        item->path_length = at + length;
        item->name = walk->path + at;
        item->folder = frame->folder;
        item->error = 0;
        item->mount = false;
        item->lazy = true;
        if (!(walk->flags & WALK_LAZY) || name[-1] != DT_REG)
                walk_look(walk);
}

bool walk_next(struct walk *walk, const struct walk_item **ret_item)
{
        if (!walk->started) {
                walk->started = true;
                look_at_root(walk);
                *ret_item = &walk->item;
                return true;
        }
        while (walk->depth > 0) {
                struct frame *frame = &walk->frames[walk->depth - 1];

                if (frame->next < frame->end) {
                        look_at(walk, frame);
                        *ret_item = &walk->item;
                        return true;
                }
                walk->count = frame->first;
                walk->names_used = frame->names_mark;
                walk_folder_release(frame->folder);
                walk->depth--;
        }
        return false;
}
