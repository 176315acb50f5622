/* remove.c - tree_remove() of io.h: removes a tree that an intruder may have shaped, without ever crossing a mount. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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

#define HELP_FROM    2048 /* entries after which a second thread helps, from the other end */
#define HELP_FOLDERS 1024 /* folders at the top, of which it takes the last one first */

struct helper {
        pthread_t thread;
        int top; /* of the tree, its own descriptor */
};

struct removal {
        DIR *stack[STACK_DEPTH];
        char names[STACK_DEPTH][NAME_SIZE]; /* the name of each folder in the one above it */
        int depth;
        unsigned int mounts; /* mounts that were met and left alone */
        unsigned int lifted; /* folders that were moved up to the top so far: a counter over all sweeps */
        int error;           /* the first error, negative errno */
        size_t removed;      /* entries that this sweep came by */
        bool helps;          /* it is the second thread, or has one already */
        struct helper helper;
};

static void note(struct removal *removal, int r)
{
        if (r == -EXDEV)
                removal->mounts++;
        else if (r < 0 && r != -ENOENT && !removal->error)
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
                return fd == -EXDEV || fd == -ENOENT ? fd : -EPERM;
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

static int sweep(struct removal *removal, int fd);

/* The last folders of the top, each as a tree of its own. What it meets that the other thread has removed meanwhile, or is
 * removing, is no mistake; what it cannot remove the other one meets again, and says. */
static void *help(void *argument)
{
        const struct helper *helper = argument;
        struct removal removal = { .helps = true };
        DIR *top = fdopendir(helper->top);
        const struct dirent *entry;
        char *names[HELP_FOLDERS];
        size_t count = 0;

        if (!top) {
                close(helper->top);
                return NULL;
        }
        while (count < HELP_FOLDERS && (entry = readdir(top)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.' && (names[count] = strdup(entry->d_name)))
                        count++;
        while (count > 0) {
                int fd = open_beneath(helper->top, names[--count], O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);

                if (fd >= 0)
                        (void)sweep(&removal, fd);
                free(names[count]);
        }
        closedir(top);
        return NULL;
}

/* A large tree goes in two threads: unlinking is work for the processor. */
static void get_help(struct removal *removal)
{
        removal->helps = true;
        removal->helper.top = openat(dirfd(removal->stack[0]), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (removal->helper.top >= 0 && pthread_create(&removal->helper.thread, NULL, help, &removal->helper) != 0)
                fd_close(&removal->helper.top);
}

static void remove_entry(struct removal *removal, const struct dirent *entry)
{
        int folder = dirfd(removal->stack[removal->depth]);
        int r;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                return;
        if (++removal->removed >= HELP_FROM && !removal->helps)
                get_help(removal);
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
        struct removal removal = { .lifted = 0, .helper = { .top = -1 } };

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
                removal.removed = 0;
                removal.helps = false;
                r = sweep(&removal, fd);
                if (removal.helper.top >= 0) {
                        pthread_join(removal.helper.thread, NULL);
                        removal.helper.top = -1;
                }
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
