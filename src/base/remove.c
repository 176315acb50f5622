/* remove.c - tree_remove() of io.h: removes a tree that an intruder may have shaped, without ever crossing a mount. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "i18n.h"
#include "io.h"

#define STACK_DEPTH 64  /* folders open at once; what is deeper is lifted to the top and met again there */
#define NAME_SIZE   256 /* NAME_MAX and a NUL */
#define ROUNDS_LIMIT                                                                                                   \
        10000 /* sweeps, each of which lifts what was deeper than the stack; more means that somebody fills it again   \
               */

struct removal {
        DIR *stack[STACK_DEPTH];
        char names[STACK_DEPTH][NAME_SIZE]; /* the name of each folder in the one above it */
        int depth;
        unsigned int mounts; /* mounts that were met and left alone */
        unsigned int lifted; /* folders that were moved up to the top so far: a counter over all sweeps */
        int error;           /* the first error, negative errno */
};

static void note(struct removal *removal, int r)
{
        if (r == -EXDEV)
                removal->mounts++;
        else if (r < 0 && !removal->error)
                removal->error = r;
}

/* Immutable and append-only files cannot be unlinked, nor anything in such a folder; a failure here shows at the
 * unlink. */
static void clear_flags(int fd)
{
        int flags = 0;

        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL))) {
                flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
                (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
        }
}

static int unlink_error(void)
{
        return errno == EBUSY ? -EXDEV : -errno;
}

static int remove_leaf(int folder, const char *name)
{
        int fd;

        if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
                return 0;
        if (errno != EPERM && errno != EACCES)
                return unlink_error();
        fd = open_beneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd < 0)
                return fd == -EXDEV ? fd : -EPERM;
        clear_flags(fd);
        close(fd);
        if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
                return unlink_error();
        return 0;
}

/* Pushes a folder that must be emptied; takes the descriptor. */
static void descend(struct removal *removal, const char *name, int fd)
{
        clear_flags(fd);
        removal->stack[removal->depth + 1] = fdopendir(fd);
        if (!removal->stack[removal->depth + 1]) {
                note(removal, -errno);
                close(fd);
                return;
        }
        removal->depth++;
        snprintf(removal->names[removal->depth], NAME_SIZE, "%s", name);
}

/* Moves a folder that lies deeper than the stack up to the top, where readdir meets it again, now or in the next sweep.
 */
static void lift(struct removal *removal, int folder, const char *name)
{
        char lifted[64];
        int r;

        do {
                snprintf(lifted, sizeof(lifted), ".lifted.%d.%u", (int)getpid(), ++removal->lifted);
                r = rename_at(folder, name, dirfd(removal->stack[0]), lifted, RENAME_NOREPLACE);
        } while (r == -EEXIST); /* somebody chose our name; he cannot choose them all */
        note(removal, r);
}

static void remove_folder(struct removal *removal, int folder, const char *name)
{
        int fd;

        if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return;
        if (errno == EBUSY) {
                note(removal, -EXDEV);
                return;
        }
        fd = open_beneath(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd < 0) {
                note(removal, fd);
        } else if (removal->depth + 1 == STACK_DEPTH) {
                close(fd);
                lift(removal, folder, name);
        } else {
                descend(removal, name, fd);
        }
}

static void remove_entry(struct removal *removal, const struct dirent *entry)
{
        int folder = dirfd(removal->stack[removal->depth]);
        int r;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                return;
        if (entry->d_type != DT_DIR) {
                r = remove_leaf(folder, entry->d_name);
                if (r != -EISDIR) {
                        note(removal, r);
                        return;
                }
        }
        remove_folder(removal, folder, entry->d_name);
}

/* One sweep: empties `fd` (which it takes) as far as the stack reaches. */
static int sweep(struct removal *removal, int fd)
{
        removal->depth = -1;
        removal->mounts = 0;
        removal->error = 0;
        descend(removal, "", fd);
        while (removal->depth >= 0) {
                const struct dirent *entry = readdir(removal->stack[removal->depth]);

                if (entry) {
                        remove_entry(removal, entry);
                        continue;
                }
                closedir(removal->stack[removal->depth--]);
                if (removal->depth >= 0 &&
                    unlinkat(dirfd(removal->stack[removal->depth]), removal->names[removal->depth + 1], AT_REMOVEDIR) <
                            0 &&
                    errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
                        note(removal, unlink_error());
        }
        return removal->error;
}

int tree_remove(int directory, const char *name, struct error *err)
{
        struct removal removal = { .lifted = 0 };

        for (int round = 0; round < ROUNDS_LIMIT; round++) {
                int fd, r;

                if (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                        return 0;
                if (errno == ENOTDIR) {
                        r = remove_leaf(directory, name);
                        return r < 0 ? error_errno(err, -r, _("cannot remove %s"), name) : 0;
                }
                if (errno == EBUSY)
                        return error_set(
                                err, -EXDEV,
                                _("%s is a mount point and is left alone; unmount it, then run the same command again"),
                                name);
                fd = open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
                if (fd < 0)
                        return error_errno(err, -fd, _("cannot remove %s"), name);
                r = sweep(&removal, fd);
                if (removal.mounts)
                        return error_set(
                                err, -EXDEV,
                                _("%s contains a mount and is left alone; unmount it, then run the same command again"),
                                name);
                if (r < 0)
                        return error_errno(err, -r, _("cannot remove %s"), name);
        }
        return error_set(
                err, -ELOOP,
                _("%s is filled again while it is being removed; find out by whom, then run the same command again"),
                name);
}
