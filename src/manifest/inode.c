/* inode.c - type, mode, owner, flags, links and extended attributes of one inode: reading, comparing, giving. */
#include "manifest/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define LIST_SMALL   1024           /* bytes: enough for the names of nearly every inode */
#define LIST_MAXIMUM XATTR_LIST_MAX /* the kernel gives no longer list */
#define SHOWN_BYTES  64             /* of a value in words */

/* A label that the machine's own policy gives to every file (SELinux): compared only when the release has one. */
#define MACHINE_LABEL "security.selinux"

int inode_stat(int fd, struct statx *ret_stx)
{
        return statx(fd, "", AT_EMPTY_PATH, INODE_STATX_MASK, ret_stx) < 0 ? -errno : 0;
}

int inode_stat_at(int directory, const char *name, struct statx *ret_stx)
{
        return statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, INODE_STATX_MASK, ret_stx) < 0 ? -errno
                                                                                                            : 0;
}

int inode_glance_at(int directory, const char *name, struct statx *ret_stx)
{
        const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

        return statx(directory, name, flags, INODE_STATX_MASK, ret_stx) < 0 ? -errno : 0;
}

bool inode_is_local(int folder)
{
        static const unsigned int others[] = {
                OVERLAYFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, ECRYPTFS_SUPER_MAGIC, V9FS_MAGIC,
                NFS_SUPER_MAGIC,       SMB_SUPER_MAGIC,  CIFS_SUPER_MAGIC,     SMB2_SUPER_MAGIC,
                CEPH_SUPER_MAGIC,      AFS_SUPER_MAGIC,  AFS_FS_MAGIC
        };
        struct statfs fs;

        if (fstatfs(folder, &fs) < 0)
                return false;
        for (size_t i = 0; i < LENGTH(others); i++)
                if ((unsigned int)fs.f_type == others[i])
                        return false;
        return true;
}

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool inode_same(const struct statx *a, const struct statx *b)
{
        return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
               a->stx_dev_minor == b->stx_dev_minor && a->stx_mnt_id == b->stx_mnt_id && a->stx_size == b->stx_size &&
               a->stx_mode == b->stx_mode && a->stx_uid == b->stx_uid && a->stx_gid == b->stx_gid &&
               a->stx_nlink == b->stx_nlink && same_time(&a->stx_mtime, &b->stx_mtime) &&
               same_time(&a->stx_ctime, &b->stx_ctime);
}

uint32_t inode_flags(const struct statx *stx)
{
        uint64_t set = stx->stx_attributes & stx->stx_attributes_mask; /* a file system without a flag cannot have it */

        return (set & STATX_ATTR_IMMUTABLE ? (uint32_t)FS_IMMUTABLE_FL : 0) |
               (set & STATX_ATTR_APPEND ? (uint32_t)FS_APPEND_FL : 0);
}

unsigned int inode_compare(const struct statx *stx, const struct entry *entry, uint32_t flags)
{
        unsigned int kinds = 0;

        if (entry->type != ENTRY_LINK && (stx->stx_mode & 07777U) != entry->mode)
                kinds |= DIFFERENCE_MODE;
        if (stx->stx_uid != entry->uid || stx->stx_gid != entry->gid)
                kinds |= DIFFERENCE_OWNER;
        if (inode_flags(stx) != (flags & COMPANION_FLAGS))
                kinds |= DIFFERENCE_FLAGS;
        if (entry->type == ENTRY_FILE && stx->stx_nlink != 1)
                kinds |= DIFFERENCE_HARDLINK;
        return kinds;
}

const char *inode_type_name(uint16_t mode)
{
        switch (mode & S_IFMT) {
        case S_IFREG: return "file";
        case S_IFDIR: return "directory";
        case S_IFLNK: return "symlink";
        case S_IFIFO: return "fifo";
        case S_IFSOCK: return "socket";
        case S_IFBLK: return "block device";
        case S_IFCHR: return "character device";
        }
        return "unknown";
}

/*
 * Extended attributes. `path` is NULL for an open file or folder; for a symbolic link it is the magic link to its
 * O_PATH descriptor, which leads to the link itself and not on to its target.
 */
struct bearer {
        int fd;
        const char *path;
};

static ssize_t list_names(const struct bearer *bearer, char *list, size_t size)
{
        ssize_t n;

        if (fault_point(FAULT_READ))
                return -errno;
        n = bearer->path ? listxattr(bearer->path, list, size) : flistxattr(bearer->fd, list, size);
        if (n < 0 && (errno == ENOTSUP || errno == ENOSYS)) /* a file system without them */
                return 0;
        return n < 0 ? -errno : n;
}

static ssize_t get_value(const struct bearer *bearer, const char *name, void *value, size_t size)
{
        ssize_t n = bearer->path ? getxattr(bearer->path, name, value, size) : fgetxattr(bearer->fd, name, value, size);

        return n < 0 ? -errno : n;
}

static int set_value(const struct bearer *bearer, const struct xattr *xattr)
{
        int r = fault_point(FAULT_WRITE) ? -1
                : bearer->path           ? setxattr(bearer->path, xattr->name, xattr->value, xattr->length, 0)
                                         : fsetxattr(bearer->fd, xattr->name, xattr->value, xattr->length, 0);

        return r < 0 ? -errno : 0;
}

static int remove_value(const struct bearer *bearer, const char *name)
{
        int r = bearer->path ? removexattr(bearer->path, name) : fremovexattr(bearer->fd, name);

        return r < 0 ? -errno : 0;
}

static int compare_xattrs(const void *a, const void *b)
{
        return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

static int read_one(const struct bearer *bearer, const char *name, struct xattr *xattr)
{
        ssize_t n = get_value(bearer, name, NULL, 0);

        if (n < 0)
                return (int)n;
        if (n > XATTR_VALUE_MAXIMUM)
                return -E2BIG;
        xattr->name = memory_string(name);
        xattr->value = memory_new((size_t)n + 1, 1);
        if (!xattr->name || !xattr->value)
                return -ENOMEM;
        n = get_value(bearer, name, xattr->value, (size_t)n + 1);
        if (n < 0)
                return (int)n;
        xattr->length = (size_t)n;
        return 0;
}

/* The names in `list`, with their values, sorted. */
static int read_all(const struct bearer *bearer, const char *list, size_t length, struct attributes *attributes)
{
        size_t count = 0;

        for (size_t at = 0; at < length; at += strlen(list + at) + 1)
                count++;
        attributes->xattrs = memory_new(count + 1, sizeof(*attributes->xattrs));
        if (!attributes->xattrs)
                return -ENOMEM;
        for (size_t at = 0; at < length; at += strlen(list + at) + 1) {
                int r = read_one(bearer, list + at, &attributes->xattrs[attributes->xattr_count]);

                attributes->xattr_count++; /* half-made ones are freed with the rest */
                if (r < 0)
                        return r;
        }
        qsort(attributes->xattrs, count, sizeof(*attributes->xattrs), compare_xattrs);
        return 0;
}

/* 0 or a negative errno without words; nothing is left to free on failure. */
static int read_attributes(const struct bearer *bearer, struct attributes *ret_attributes)
{
        _cleanup_(attributes_done) struct attributes attributes = { 0 };
        _cleanup_(memory_freep) char *large = NULL;
        char small[LIST_SMALL], *list = small;
        ssize_t n = list_names(bearer, small, sizeof(small));
        int r;

        if (n == -ERANGE) {
                list = large = memory_new(LIST_MAXIMUM, 1);
                if (!list)
                        return -ENOMEM;
                n = list_names(bearer, list, LIST_MAXIMUM);
        }
        if (n < 0)
                return (int)n;
        if (n > 0) {
                r = read_all(bearer, list, (size_t)n, &attributes);
                if (r < 0)
                        return r;
        }
        *ret_attributes = attributes;
        attributes = (struct attributes){ 0 };
        return 0;
}

static int bearer_attributes(const struct bearer *bearer, struct attributes *ret_attributes, struct error *err)
{
        struct attributes attributes = { 0 };
        struct statx stx;
        int r = inode_stat(bearer->fd, &stx);

        if (r == 0)
                r = read_attributes(bearer, &attributes);
        if (r == -E2BIG)
                return error_set(err, r, _("an extended attribute is larger than the %d bytes that a release can hold"),
                                 XATTR_VALUE_MAXIMUM);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the extended attributes"));
        attributes.flags = inode_flags(&stx);
        *ret_attributes = attributes;
        return 0;
}

int inode_attributes(int fd, struct attributes *ret_attributes, struct error *err)
{
        return bearer_attributes(&(struct bearer){ fd, NULL }, ret_attributes, err);
}

int inode_link_attributes(int path_fd, struct attributes *ret_attributes, struct error *err)
{
        char path[FD_PATH_SIZE];

        fd_path(path_fd, path);
        return bearer_attributes(&(struct bearer){ path_fd, path }, ret_attributes, err);
}

static const struct xattr *find(const struct attributes *attributes, const char *name)
{
        const struct xattr wanted = { .name = (char *)(uintptr_t)name };

        if (!attributes || attributes->xattr_count == 0)
                return NULL;
        return bsearch(&wanted, attributes->xattrs, attributes->xattr_count, sizeof(wanted), compare_xattrs);
}

static bool is_ignored(const char *name, const struct attributes *expected)
{
        return text_equal(name, MACHINE_LABEL) && !find(expected, MACHINE_LABEL);
}

static bool attributes_equal(const struct attributes *found, const struct attributes *expected)
{
        size_t matched = 0;

        for (size_t i = 0; i < found->xattr_count; i++) {
                const struct xattr *a = &found->xattrs[i], *b = find(expected, a->name);

                if (!b && is_ignored(a->name, expected))
                        continue;
                if (!b || a->length != b->length || memcmp(a->value, b->value, a->length) != 0)
                        return false;
                matched++;
        }
        return matched == (expected ? expected->xattr_count : 0);
}

static int describe_value(const struct xattr *xattr, struct buffer *out)
{
        size_t shown = xattr->length < SHOWN_BYTES ? xattr->length : SHOWN_BYTES;
        bool text = true;
        int r = 0;

        for (size_t i = 0; i < shown; i++)
                text = text && xattr->value[i] >= 0x20 && xattr->value[i] < 0x7f;
        if (text)
                return buffer_append(out, xattr->value, shown);
        r = buffer_append_text(out, "0x");
        for (size_t i = 0; i < shown && r == 0; i++)
                r = buffer_printf(out, "%02x", xattr->value[i]);
        return r;
}

int inode_attributes_describe(const struct attributes *attributes, struct buffer *out)
{
        for (size_t i = 0; i < attributes->xattr_count; i++) {
                const struct xattr *xattr = &attributes->xattrs[i];
                int r = buffer_printf(out, "%s%s=", out->length ? ", " : "", xattr->name);

                if (r == 0)
                        r = describe_value(xattr, out);
                if (r == 0 && xattr->length > SHOWN_BYTES)
                        r = buffer_printf(out, "... (%zu bytes)", xattr->length);
                if (r < 0)
                        return r == -E2BIG ? 0 : r; /* the words are full: enough to find it by */
        }
        return 0;
}

static int compare_bearer(const struct bearer *bearer, const struct attributes *expected, struct buffer *ret_found,
                          struct error *err)
{
        _cleanup_(attributes_done) struct attributes found = { 0 };
        int r;

        /* The usual case: one call, and no memory of the kernel's either. */
        if ((!expected || expected->xattr_count == 0) && list_names(bearer, NULL, 0) == 0)
                return 1;
        r = read_attributes(bearer, &found);
        if (r == -E2BIG || r == -ENODATA) { /* more than a release can hold, or gone meanwhile: not equal */
                r = buffer_append_text(ret_found, r == -E2BIG ? "an oversized attribute" : "a vanishing attribute");
                return r < 0 ? error_memory(err) : 0;
        }
        if (r < 0)
                return error_errno(err, -r, _("cannot read the extended attributes"));
        if (attributes_equal(&found, expected))
                return 1;
        return inode_attributes_describe(&found, ret_found) < 0 ? error_memory(err) : 0;
}

int inode_attributes_equal(int fd, const struct attributes *expected, struct buffer *ret_found, struct error *err)
{
        return compare_bearer(&(struct bearer){ fd, NULL }, expected, ret_found, err);
}

int inode_link_attributes_equal(int path_fd, const struct attributes *expected, struct buffer *ret_found,
                                struct error *err)
{
        char path[FD_PATH_SIZE];

        fd_path(path_fd, path);
        return compare_bearer(&(struct bearer){ path_fd, path }, expected, ret_found, err);
}

/* Makes the extended attributes exactly `wanted`: a fresh inode may have inherited an ACL from its folder. */
static int apply_attributes(const struct bearer *bearer, const struct attributes *wanted)
{
        _cleanup_(attributes_done) struct attributes found = { 0 };
        int r = read_attributes(bearer, &found);

        for (size_t i = 0; i < found.xattr_count && r == 0; i++)
                if (!find(wanted, found.xattrs[i].name) && !is_ignored(found.xattrs[i].name, wanted))
                        r = remove_value(bearer, found.xattrs[i].name);
        for (size_t i = 0; wanted && i < wanted->xattr_count && r == 0; i++)
                r = set_value(bearer, &wanted->xattrs[i]);
        return r;
}

static int apply_flags(int fd, uint32_t wanted)
{
        int flags = 0;

        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return wanted ? -errno : 0; /* a file system without flags has none to clear */
        if (((uint32_t)flags & COMPANION_FLAGS) == wanted)
                return 0;
        flags = (int)(((uint32_t)flags & ~COMPANION_FLAGS) | wanted);
        return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

static int apply_time(int fd, const struct entry *entry)
{
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = entry->time } };

        return futimens(fd, times) < 0 ? -errno : 0;
}

int inode_apply(int fd, const struct entry *entry, const struct attributes *attributes, struct error *err)
{
        char path[FD_PATH_SIZE];
        struct bearer bearer = { fd, NULL };
        int r;

        fd_path(fd, path);
        if (entry->type == ENTRY_LINK)
                bearer.path = path;
        /* The owner first: it clears setuid and capabilities. Then ACLs, whose mask shows as the group's mode. The time
         * after all that; an immutable file takes nothing any more. */
        r = fault_point(FAULT_WRITE) || fchownat(fd, "", entry->uid, entry->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
        if (r < 0)
                return error_errno(err, -r, _("cannot give %s to its owner %u:%u"), entry->path, entry->uid,
                                   entry->gid);
        r = apply_attributes(&bearer, attributes);
        if (r < 0)
                return error_errno(err, -r, _("cannot give %s its extended attributes"), entry->path);
        if (entry->type == ENTRY_LINK)
                return 0;
        if (fault_point(FAULT_WRITE) || fchmod(fd, entry->mode) < 0)
                return error_errno(err, errno, _("cannot give %s its mode 0%o"), entry->path, entry->mode);
        r = entry->type == ENTRY_FILE ? apply_time(fd, entry) : 0;
        if (r < 0)
                return error_errno(err, -r, _("cannot give %s its time"), entry->path);
        r = apply_flags(fd, attributes ? attributes->flags & COMPANION_FLAGS : 0);
        if (r < 0)
                return error_errno(err, -r, _("cannot give %s its flags"), entry->path);
        return 0;
}
