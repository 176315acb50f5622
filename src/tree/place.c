/* place.c - where a root lives: the folder above DEST, the root-only sibling folder, and what stands at DEST. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "tree/pull_run.h"

#define SIBLING_PREFIX ".understudy."
#define STUCK_MAXIMUM  1000 /* trees put aside; more means that somebody makes one for each pull */

void place_init(struct place *place)
{
        memset(place, 0, sizeof(*place));
        place->parent = place->sibling = place->live = place->staged = -1;
}

void place_done(struct place *place)
{
        fd_close(&place->staged);
        fd_close(&place->live);
        fd_close(&place->sibling);
        fd_close(&place->parent);
}

/* ".understudy.BASENAME"; a name that would be too long is replaced by the start of its digest. */
static int name_sibling(struct place *place, struct error *err)
{
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r;

        if (strlen(SIBLING_PREFIX) + strlen(place->base) <= NAME_MAX) {
                snprintf(place->sibling_name, sizeof(place->sibling_name), SIBLING_PREFIX "%.*s",
                         (int)(NAME_MAX - strlen(SIBLING_PREFIX)), place->base);
                return 0;
        }
        r = digest_of_bytes(place->base, strlen(place->base), &digest, err);
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        snprintf(place->sibling_name, sizeof(place->sibling_name), SIBLING_PREFIX "%.32s", hex);
        return 0;
}

static int open_parent(struct place *place, struct error *err)
{
        char path[PATH_MAX];
        size_t length = (size_t)(strrchr(place->folder, '/') - place->folder);

        snprintf(path, sizeof(path), "%.*s", (int)(length ? length : 1), place->folder);
        place->parent = fault_point(FAULT_OPEN) ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (place->parent < 0)
                return error_errno(err, errno, _("cannot open the folder %s, in which %s is to stand"), path,
                                   place->base);
        return 0;
}

/* The same folder may be named in several ways; this is the one name of it. */
static int find_real(struct place *place, struct error *err)
{
        char parent[PATH_MAX];
        int r = fd_real_path(place->parent, parent);

        if (r == 0 && snprintf(place->real, sizeof(place->real), "%s/%s", parent[1] ? parent : "", place->base) >=
                              (int)sizeof(place->real))
                r = -ENAMETOOLONG;
        return r < 0 ? error_errno(err, -r, _("cannot find out where %s is"), place->folder) : 0;
}

static int look(int directory, const char *name, struct statx *ret_found)
{
        const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

        return statx(directory, name, flags, PLACE_STATX_MASK, ret_found) < 0 ? -errno : 0;
}

static int refuse_mount_point(const struct place *place, struct error *err)
{
        return error_refuse(
                err,
                _("%s is a mount point and cannot be exchanged; mount its parent folder instead, or unmount "
                  "it if nobody is meant to have mounted it"),
                place->folder);
}

int place_look(struct place *place, struct error *err)
{
        struct statx parent;
        int r;

        fd_close(&place->live);
        place->exists = false;
        r = statx(place->parent, "", AT_EMPTY_PATH, PLACE_STATX_MASK, &parent) < 0 ? -errno : 0;
        if (r == 0)
                r = look(place->parent, place->base, &place->found);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return error_errno(err, -r, _("cannot look at %s"), place->folder);
        if (place->found.stx_mnt_id != parent.stx_mnt_id)
                return refuse_mount_point(place, err);
        place->exists = true;
        if (!S_ISDIR(place->found.stx_mode))
                return 0;
        place->live = open_beneath(place->parent, place->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (place->live == -EXDEV)
                return refuse_mount_point(place, err);
        if (place->live < 0) {
                r = place->live;
                return error_errno(err, -r, _("cannot open %s; run as its owner or as root"), place->folder);
        }
        if (statx(place->live, "", AT_EMPTY_PATH, PLACE_STATX_MASK, &place->found) < 0)
                return error_errno(err, errno, _("cannot look at %s"), place->folder);
        return 0;
}

int place_open(struct place *place, const char *name, const char *folder, struct error *err)
{
        int r;

        snprintf(place->name, sizeof(place->name), "%s", name);
        snprintf(place->folder, sizeof(place->folder), "%s", folder);
        snprintf(place->base, sizeof(place->base), "%s", strrchr(place->folder, '/') + 1);
        if (strlen(strrchr(place->folder, '/') + 1) > NAME_MAX)
                return error_usage(err, _("the last part of %s is longer than a name may be"), place->folder);
        r = name_sibling(place, err);
        if (r == 0)
                r = open_parent(place, err);
        if (r == 0)
                r = find_real(place, err);
        return r < 0 ? r : place_look(place, err);
}

/* In a folder above that belongs to somebody else he may have put one there before us. */
static int check_sibling(const struct place *place, struct error *err)
{
        struct statx parent, sibling;

        if (statx(place->parent, "", AT_EMPTY_PATH, PLACE_STATX_MASK, &parent) < 0 ||
            statx(place->sibling, "", AT_EMPTY_PATH, PLACE_STATX_MASK, &sibling) < 0)
                return error_errno(err, errno, _("cannot look at %s"), place->sibling_name);
        if (sibling.stx_uid != geteuid() || (sibling.stx_mode & 0777) != 0700 ||
            sibling.stx_mnt_id != parent.stx_mnt_id)
                return error_refuse(err,
                                    _("%s beside %s is not a folder of ours alone (owner %u, mode 0%o, or a mount); "
                                      "find out who made it, and remove it"),
                                    place->sibling_name, place->folder, sibling.stx_uid, sibling.stx_mode & 0777U);
        return 0;
}

int place_sibling(struct place *place, bool make, struct error *err)
{
        int r;

        if (place->sibling >= 0)
                return 0;
        if (make && (fault_point(FAULT_WRITE) || mkdirat(place->parent, place->sibling_name, 0700) < 0) &&
            errno != EEXIST)
                return error_errno(err, errno, _("cannot make the folder %s beside %s"), place->sibling_name,
                                   place->folder);
        place->sibling = open_beneath(place->parent, place->sibling_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                                      BENEATH_STRICT);
        if (place->sibling == -ENOENT && !make)
                return -ENOENT;
        if (place->sibling == -ENOTDIR || place->sibling == -ELOOP || place->sibling == -EXDEV)
                return error_refuse(
                        err, _("%s beside %s is not a folder of ours alone; find out who made it, and remove it"),
                        place->sibling_name, place->folder);
        if (place->sibling < 0) {
                r = place->sibling;
                return error_errno(err, -r, _("cannot open %s beside %s"), place->sibling_name, place->folder);
        }
        r = check_sibling(place, err);
        if (r < 0)
                fd_close(&place->sibling);
        return r;
}

static void name_stuck(unsigned int number, char name[static 32])
{
        snprintf(name, 32, "stuck.%u", number);
}

int place_clear_parked(struct place *place, struct error *err)
{
        struct error unremovable = ERROR_NONE;
        char name[32];
        int r = tree_remove(place->sibling, PARKED_NAME, &unremovable);

        for (unsigned int i = 1; i <= STUCK_MAXIMUM && r < 0; i++) {
                name_stuck(i, name);
                r = rename_at(place->sibling, PARKED_NAME, place->sibling, name, RENAME_NOREPLACE);
                if (r < 0 && r != -EEXIST)
                        break;
        }
        if (r < 0 && err)
                *err = unremovable;
        return r;
}

unsigned int place_remove_stuck(struct place *place)
{
        unsigned int left = 0;
        struct stat st;
        char name[32];

        for (unsigned int i = 1; i <= STUCK_MAXIMUM; i++) {
                name_stuck(i, name);
                if (fstatat(place->sibling, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    tree_remove(place->sibling, name, NULL) < 0)
                        left++;
        }
        return left;
}

void place_sibling_done(struct place *place)
{
        if (place->sibling < 0)
                return;
        fd_close(&place->sibling);
        (void)unlinkat(place->parent, place->sibling_name, AT_REMOVEDIR);
}
