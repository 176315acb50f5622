/* exchange.c - the one step in which the new trees take the places of the old ones, and the operator's hooks around it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/i18n.h"
#include "base/io.h"
#include "tree/pull_run.h"

#define HOOK_OUTPUT_MAXIMUM 4096
#define HOOK_TIMEOUT_MS     120000

/* ---- hooks ---- */

static int run_shell(const char *what, const char *command, int (*before_exec)(void *context), void *context,
                     struct error *err)
{
        const char *const argv[] = { "/bin/sh", "-c", command, NULL };
        _cleanup_(buffer_done) struct buffer output = BUFFER_INIT(HOOK_OUTPUT_MAXIMUM);
        const struct child_options options = { .input = -1,
                                               .timeout_ms = HOOK_TIMEOUT_MS,
                                               .output = &output,
                                               .before_exec = before_exec,
                                               .context = context };
        int r = child_run(argv, &options, err);

        if (r <= 0)
                return r;
        while (output.length > 0 && output.data[output.length - 1] == '\n')
                output.data[--output.length] = '\0';
        return error_set(err, -ECANCELED, _("the %s command `%s` ended with %d: %.800s"), what, command, r,
                         buffer_text(&output));
}

int hook_run(const char *what, const char *command, struct error *err)
{
        return run_shell(what, command, NULL, NULL, err);
}

/* In the child, which has its own mount namespace then: each staged tree stands at its final place. Its words go to
 * standard error, which is shown. */
static int mount_staged(void *context)
{
        const struct pull_run *run = context;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                perror("unshare");
                _exit(125);
        }
        for (size_t i = 0; i < run->root_count; i++) {
                const struct place *place = &run->roots[i].place;
                const char *slash = strrchr(place->folder, '/');
                char staged[2 * PATH_MAX];
                struct stat st;

                snprintf(staged, sizeof(staged), "%.*s/%s/%s", (int)(slash - place->folder), place->folder,
                         place->sibling_name, STAGED_NAME);
                if (mount(staged, place->folder, NULL, MS_BIND, NULL) < 0 || stat(place->folder, &st) < 0) {
                        perror(place->folder);
                        _exit(125);
                }
                if (st.st_ino != place->staged_inode) { /* somebody moves names in the folder above */
                        (void)fprintf(stderr, "%s: %s\n", place->folder, strerror(ESTALE));
                        _exit(125);
                }
        }
        return 0;
}

/* A name to mount on: where nothing stands yet an empty folder is made, and goes again when the test fails. */
static int make_mount_points(struct pull_run *run, bool made[], struct error *err)
{
        for (size_t i = 0; i < run->root_count; i++) {
                struct place *place = &run->roots[i].place;

                made[i] = false;
                if (place->exists && place->live < 0)
                        return error_refuse(err,
                                            _("%s is not a folder, so the check command cannot be run on the new tree "
                                              "in its place; remove it, or pull without --check"),
                                            place->folder);
                if (place->exists)
                        continue;
                if (mkdirat(place->parent, place->base, 0755) < 0)
                        return error_errno(err, errno, _("cannot make the folder %s"), place->folder);
                made[i] = true;
        }
        return 0;
}

int exchange_check(struct pull_run *run, struct error *err)
{
        bool made[RELEASE_ROOTS_MAXIMUM] = { false };
        int r;

        if (!run->options->check_command)
                return 0;
        r = make_mount_points(run, made, err);
        if (r == 0)
                r = run_shell("check", run->options->check_command, mount_staged, run, err);
        for (size_t i = 0; i < run->root_count; i++)
                if (made[i])
                        (void)unlinkat(run->roots[i].place.parent, run->roots[i].place.base, AT_REMOVEDIR);
        if (r == -ECANCELED) {
                err->status = EXIT_REFUSED;
                error_prefix(err, _("the new tree was not put in its place"));
        }
        return r;
}

/* ---- the exchange ---- */

/* An immutable or append-only folder cannot be renamed. Clearing that is the one permitted edit of a live tree. */
static void clear_flags(int folder)
{
        int flags = 0;

        if (folder >= 0 && ioctl(folder, FS_IOC_GETFLAGS, &flags) == 0 && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL))) {
                flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
                (void)ioctl(folder, FS_IOC_SETFLAGS, &flags);
        }
}

static int exchange_error(const struct place *place, int r, struct error *err)
{
        if (r == -EBUSY)
                return error_refuse(err,
                                    _("%s is a mount point and cannot be exchanged; mount its parent folder instead"),
                                    place->folder);
        if (r == -EINVAL || r == -ENOSYS)
                return error_set(err, r,
                                 _("the file system of %s cannot exchange two folders in one step; use one that can "
                                   "(ext4, XFS, btrfs)"),
                                 place->folder);
        return error_errno(err, -r, _("cannot put the new tree in the place of %s"), place->folder);
}

/* What stands at DEST now, by descriptor and by path: the folder above may belong to somebody who moves names. */
static int check_exchanged(const struct place *place, struct error *err)
{
        struct stat here, there;

        if (fstatat(place->parent, place->base, &here, AT_SYMLINK_NOFOLLOW) < 0 || lstat(place->folder, &there) < 0)
                return error_errno(err, errno, _("cannot look at %s after the exchange"), place->folder);
        if (here.st_ino != place->staged_inode || here.st_dev != there.st_dev || here.st_ino != there.st_ino)
                return error_set(err, -ESTALE,
                                 _("%s was exchanged, but something else stands there now; somebody who may write in "
                                   "the folder above moves names: make root its owner, then pull again"),
                                 place->folder);
        return 0;
}

static int sync_place(const struct place *place, struct error *err)
{
        int r = fd_sync(place->sibling);

        if (r == 0)
                r = fd_sync(place->parent);
        if (r < 0)
                return error_errno(err, -r, _("cannot make sure that the exchange of %s survives a crash"),
                                   place->folder);
        return 0;
}

/* The old tree stands at STAGED_NAME for a moment. */
static int park(struct place *place, struct error *err)
{
        int r = rename_at(place->sibling, STAGED_NAME, place->sibling, PARKED_NAME, RENAME_NOREPLACE);
        if (r < 0 && r != -ENOENT)
                return error_errno(err, -r, _("cannot park the old tree of %s"), place->folder);
        place->parked = true;
        return 0;
}

int exchange_place(struct place *place, struct error *err)
{
        int r = place_clear_parked(place, err); /* before anything is moved */

        if (r < 0)
                return r;
        r = -EAGAIN;
        clear_flags(place->live);
        for (int attempt = 0; attempt < 3 && r < 0; attempt++) {
                r = rename_at(place->sibling, STAGED_NAME, place->parent, place->base,
                              place->exists ? RENAME_EXCHANGE : RENAME_NOREPLACE);
                if (r == -ENOENT && place->exists)
                        place->exists = false; /* it went away meanwhile, or came */
                else if (r == -EEXIST && !place->exists)
                        place->exists = true;
                else if (r < 0)
                        break;
        }
        if (r < 0)
                return exchange_error(place, r, err);
        place->exchanged = true;
        r = check_exchanged(place, err);
        if (r == 0 && place->exists)
                r = park(place, err);
        return r < 0 ? r : sync_place(place, err);
}

/* The old tree back in its place; the new one is staged again. */
static int exchange_back(struct place *place, struct error *err)
{
        int r;

        if (place->exists) {
                r = rename_at(place->sibling, place->parked ? PARKED_NAME : STAGED_NAME, place->parent, place->base,
                              RENAME_EXCHANGE);
                if (r == 0 && place->parked)
                        r = rename_at(place->sibling, PARKED_NAME, place->sibling, STAGED_NAME, RENAME_NOREPLACE);
        } else {
                r = rename_at(place->parent, place->base, place->sibling, STAGED_NAME, RENAME_NOREPLACE);
        }
        if (r < 0)
                return error_errno(err, -r, _("cannot put the old tree of %s back"), place->folder);
        place->exchanged = place->parked = false;
        return sync_place(place, err);
}

/* A root that is immutable by intention gets its flags where it stands now. */
static int set_root_flags(const struct pull_root *root, struct error *err)
{
        const struct attributes *attributes = companion_attributes(&root->companion, "");
        int flags = 0;

        if (!attributes || !attributes->flags)
                return 0;
        if (ioctl(root->place.staged, FS_IOC_GETFLAGS, &flags) == 0) {
                flags |= (int)attributes->flags;
                if (ioctl(root->place.staged, FS_IOC_SETFLAGS, &flags) == 0)
                        return 0;
        }
        return error_errno(err, errno, _("cannot set the flags of %s"), root->place.folder);
}

static int exchange_root(struct pull_root *root, struct error *err)
{
        struct statx old = root->place.found;
        int r = exchange_place(&root->place, err);

        if (r == 0 && root->place.exists)
                r = namespaces_check_exchanged(&root->place, &old, err);
        return r < 0 ? r : set_root_flags(root, err);
}

int exchange_all(struct pull_run *run, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = exchange_root(&run->roots[i], err);
        if (r == 0)
                return 0;
        for (size_t i = run->root_count; i-- > 0;) {
                struct error second = ERROR_NONE;

                if (run->roots[i].place.exchanged && exchange_back(&run->roots[i].place, &second) < 0)
                        pull_note(run, "%s", second.text);
        }
        return r;
}
