/* where.c - names by /proc/self/fd and by file handles. */

#include "where.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LINK_SIZE (GATE_PATH_SIZE + sizeof(" (deleted)"))

bool where_look(int fd, struct file *ret_file)
{
        struct statx stx;

        /* What a network file system last said is enough: leases don't work there, so it is asked every time. */
        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                  STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_SIZE | STATX_MNT_ID, &stx) < 0)
                return false;
        *ret_file = (struct file){ .device = makedev(stx.stx_dev_major, stx.stx_dev_minor),
                                   .inode = stx.stx_ino,
                                   .size = stx.stx_size,
                                   .mount = stx.stx_mnt_id,
                                   .links = stx.stx_nlink,
                                   .regular = S_ISREG(stx.stx_mode) };
        return true;
}

/* The kernel's name of a descriptor; its length, or 0. */
static size_t read_name(const struct trees *trees, int fd, uint32_t links, char name[static LINK_SIZE])
{
        static const char deleted[] = " (deleted)";
        const size_t tail = sizeof(deleted) - 1;
        char digits[12], *at = digits + sizeof(digits);
        unsigned int number = (unsigned int)fd;
        ssize_t n;

        *--at = '\0';
        do
                *--at = (char)('0' + number % 10);
        while (number /= 10);
        n = readlinkat(trees->own, at, name, LINK_SIZE);
        if (n <= 0 || (size_t)n >= LINK_SIZE || name[0] != '/')
                return 0;
        if (links == 0 && (size_t)n > tail && memcmp(name + n - tail, deleted, tail) == 0)
                n -= (ssize_t)tail; /* the name that it had when it was opened a moment ago */
        if (n >= GATE_PATH_SIZE)
                return 0;
        name[n] = '\0';
        return (size_t)n;
}

static bool is_below(const char *name, size_t length, const char *folder, size_t folder_length)
{
        return length > folder_length + 1 && name[folder_length] == '/' && memcmp(name, folder, folder_length) == 0;
}

static void fill(struct place *place, uint32_t tree, const char *path, size_t length, bool elsewhere)
{
        place->tree = tree;
        place->elsewhere = elsewhere;
        place->length = (uint32_t)length;
        memcpy(place->path, path, length);
        place->path[length] = '\0';
}

/* Finds a name among the trees on that mount; of two, one in the other, the inner one. */
static bool match(const struct trees *trees, const char *name, size_t length, uint64_t mount, bool elsewhere,
                  struct place *ret_place)
{
        size_t longest = 0;
        bool found = false;

        for (unsigned int i = 0; i < trees->count; i++) {
                const struct tree *tree = &trees->tree[i];
                size_t start;

                if (!tree->used || tree->mount != mount)
                        continue;
                if (is_below(name, length, tree->path, tree->length))
                        start = tree->length + 1;
                else if (is_below(name, length, tree->actual, tree->actual_length))
                        start = tree->actual_length + 1;
                else
                        continue;
                if (start > longest) {
                        longest = start;
                        found = true;
                        fill(ret_place, i, name + start, length - start, elsewhere);
                }
        }
        return found;
}

/* The file's name as seen from the tree's mount; its length, or 0. */
static size_t name_there(const struct trees *trees, int fd, const struct tree *tree, uint32_t links,
                         char name[static LINK_SIZE])
{
        union {
                struct file_handle head;
                char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
        } handle = { .head.handle_bytes = MAX_HANDLE_SZ };
        size_t length = 0;
        int mount, there;

        if (name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH) < 0)
                return 0;
        there = open_by_handle_at(tree->folder, &handle.head, O_PATH | O_CLOEXEC);
        if (there >= 0) {
                length = read_name(trees, there, links, name);
                close(there);
        }
        return length;
}

/* Does a tail of the opened path name this very file below the tree's folder? (A mount below it that never answers
 * would hold this up; only root, or the user of a FUSE mount with allow_other, can make one.) */
static bool match_tail(const struct trees *trees, uint32_t number, const struct file *file, const char *name,
                       struct place *ret_place)
{
        for (const char *tail = strchr(name, '/'); tail; tail = strchr(tail, '/')) {
                struct statx stx;

                tail++;
                if (statx(trees->tree[number].folder, tail, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                          STATX_INO, &stx) == 0 &&
                    stx.stx_ino == file->inode && makedev(stx.stx_dev_major, stx.stx_dev_minor) == file->device) {
                        fill(ret_place, number, tail, strlen(tail), true);
                        return true;
                }
        }
        return false;
}

static enum where find_elsewhere(const struct trees *trees, int fd, const struct file *file, const char *name,
                                 struct place *ret_place)
{
        enum where answer = WHERE_OUTSIDE;

        for (unsigned int i = 0; i < trees->count; i++) {
                const struct tree *tree = &trees->tree[i];
                char there[LINK_SIZE];
                size_t length;

                if (!tree->used || tree->device != file->device || tree->mount == file->mount)
                        continue;
                length = name_there(trees, fd, tree, file->links, there);
                if (length && match(trees, there, length, tree->mount, true, ret_place))
                        return WHERE_INSIDE;
                if ((!length || file->links > 1) && match_tail(trees, i, file, name, ret_place))
                        return WHERE_INSIDE;
                if (!length && file->links == 0)
                        answer = WHERE_UNKNOWN; /* it had a name when it was opened */
        }
        return answer;
}

enum where where_find(const struct trees *trees, int fd, const struct file *file, struct place *ret_place)
{
        char name[LINK_SIZE];
        size_t length = read_name(trees, fd, file->links, name);

        if (length == 0)
                return WHERE_UNKNOWN; /* longer than a path may be */
        if (match(trees, name, length, file->mount, false, ret_place))
                return WHERE_INSIDE;
        return find_elsewhere(trees, fd, file, name, ret_place);
}

bool where_same(const struct place *one, const struct place *other)
{
        return one->tree == other->tree && one->length == other->length &&
               memcmp(one->path, other->path, one->length) == 0;
}

static void find_actual(const struct trees *trees, struct tree *tree)
{
        char name[LINK_SIZE];
        size_t length = read_name(trees, tree->folder, 1, name);

        if (length) { /* else as it was */
                memcpy(tree->actual, name, length);
                tree->actual_length = length;
        }
}

void where_names_changed(struct trees *trees, bool folders)
{
        for (unsigned int i = 0; i < trees->count; i++) {
                if (trees->tree[i].used)
                        find_actual(trees, &trees->tree[i]);
                if (folders) {
                        trees->tree[i].watched = false;
                        trees->tree[i].watching = 0;
                }
        }
}

bool where_watched(const struct trees *trees, uint32_t number)
{
        const struct tree *tree = &trees->tree[number];
        struct statx stx;

        return tree->watched &&
               statx(AT_FDCWD, tree->path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &stx) ==
                       0 &&
               stx.stx_ino == tree->inode && makedev(stx.stx_dev_major, stx.stx_dev_minor) == tree->device;
}

bool where_set_tree(struct trees *trees, unsigned int number, bool area, int folder, uint64_t generation,
                    const char *path, size_t length)
{
        struct tree *tree = &trees->tree[number];
        struct file file;

        if (!where_look(folder, &file))
                return false;
        if (tree->used)
                close(tree->folder);
        while (length && path[length - 1] == '/')
                length--;
        tree->used = true;
        tree->area = area;
        tree->folder = folder;
        tree->device = file.device;
        tree->mount = file.mount;
        tree->inode = file.inode;
        tree->watching = 0;
        tree->watched = false;
        tree->generation = generation;
        tree->length = tree->actual_length = length;
        memcpy(tree->path, path, length);
        memcpy(tree->actual, path, length);
        find_actual(trees, tree);
        if (trees->count <= number)
                trees->count = number + 1;
        return true;
}
