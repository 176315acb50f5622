/* look.c - the folder first, then the name, then what it leads to. */
#include "tree/look.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "manifest/inode.h"
#include "manifest/policy.h"

/* A planted file of another size is not read through before it is refused; its evidence says what was in it. */
#define HASH_LIMIT (INT64_C(64) << 20)

void look_init(struct look *look)
{
        memset(look, 0, sizeof(*look));
        look->file = -1;
}

void look_done(struct look *look)
{
        findings_clear(&look->findings);
        fd_close(&look->file);
}

static const char *entry_type_name(const struct entry *entry)
{
        switch (entry->type) {
        case ENTRY_DIRECTORY: return "directory";
        case ENTRY_FILE: return "file";
        case ENTRY_LINK: return "symlink";
        }
        return "file";
}

static bool same_type(const struct entry *entry, uint16_t mode)
{
        switch (entry->type) {
        case ENTRY_DIRECTORY: return S_ISDIR(mode);
        case ENTRY_FILE: return S_ISREG(mode);
        case ENTRY_LINK: return S_ISLNK(mode);
        }
        return false;
}

static int open_file(int folder, const char *name)
{
        int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;
        int fd = open_beneath(folder, name, flags | O_NOATIME, 0, BENEATH_STRICT);

        return fd == -EPERM ? open_beneath(folder, name, flags, 0, BENEATH_STRICT) : fd;
}

/* -E2BIG: somebody makes it longer all the while. */
static int hash(struct look *look)
{
        const uint64_t listed = look->entry ? (uint64_t)look->entry->size : 0;
        int r = digest_of_fd(look->file, listed > HASH_LIMIT ? listed : HASH_LIMIT, &look->digest, NULL, NULL);

        look->hashed = r == 0;
        return r;
}

static int compare_content(struct look *look)
{
        char expected[DIGEST_HEX_SIZE], found[DIGEST_HEX_SIZE];
        int r = 0;

        digest_hex(&look->entry->digest, expected);
        if ((int64_t)look->stx.stx_size != look->entry->size && (int64_t)look->stx.stx_size > HASH_LIMIT)
                return findings_printf(&look->findings, DIFFERENCE_CONTENT, expected, "size %" PRIu64,
                                       (uint64_t)look->stx.stx_size);
        r = hash(look);
        if (r == -E2BIG)
                return findings_add(&look->findings, DIFFERENCE_CONTENT, expected, "it grows");
        if (r < 0)
                return findings_unreadable(&look->findings, expected, r);
        if (digest_equal(&look->digest, &look->entry->digest))
                return 0;
        digest_hex(&look->digest, found);
        return findings_add(&look->findings, DIFFERENCE_CONTENT, expected, found);
}

static int compare_attributes(struct look *look, const struct attributes *expected, struct error *err)
{
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT(4096);
        int r = inode_attributes_equal(look->file, expected, &found, err);

        if (r < 0)
                return findings_unreadable(&look->findings, NULL, r);
        return r > 0 ? 0 : findings_add(&look->findings, DIFFERENCE_XATTR, NULL, buffer_text(&found));
}

static int compare_file(const struct look_tree *tree, int folder, const char *name, struct look *look,
                        struct error *err)
{
        char expected[DIGEST_HEX_SIZE];
        int r;

        look->file = open_file(folder, name);
        if (look->file < 0) {
                r = look->file;
                look->file = -1;
                if (findings_lack(r))
                        return r;
                digest_hex(&look->entry->digest, expected);
                return r == -ENOENT ? findings_add(&look->findings, DIFFERENCE_MISSING, "file", NULL)
                                    : findings_unreadable(&look->findings, expected, r);
        }
        r = compare_content(look);
        return r < 0 ? r : compare_attributes(look, companion_attributes(tree->companion, look->path), err);
}

static int compare_link(int folder, const char *name, struct look *look)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(folder, name, target, sizeof(target) - 1);

        if (n < 0)
                return findings_unreadable(&look->findings, look->entry->target, -errno);
        target[n] = '\0';
        if ((size_t)n == look->entry->target_length && memcmp(target, look->entry->target, (size_t)n) == 0)
                return 0;
        return findings_add(&look->findings, DIFFERENCE_LINK, look->entry->target, target);
}

static int compare(const struct look_tree *tree, int folder, const char *name, struct look *look, struct error *err)
{
        const struct attributes *attributes = companion_attributes(tree->companion, look->path);
        const char *type = inode_type_name(look->stx.stx_mode);
        int r;

        if (look->stx.stx_mnt_id != tree->mount)
                return findings_add(&look->findings, DIFFERENCE_MOUNT, NULL, type);
        if (!same_type(look->entry, look->stx.stx_mode)) {
                if (S_ISREG(look->stx.stx_mode))
                        look->file = open_file(folder, name);
                return findings_add(&look->findings, DIFFERENCE_TYPE, entry_type_name(look->entry), type);
        }
        r = findings_of_inode(&look->findings, &look->stx, look->entry, attributes ? attributes->flags : 0);
        if (r == 0 && look->entry->type == ENTRY_FILE)
                r = compare_file(tree, folder, name, look, err);
        if (r == 0 && look->entry->type == ENTRY_LINK)
                r = compare_link(folder, name, look);
        return r;
}

/* A path that the release does not list: below an ignored one its rules decide, anywhere else it may not be. */
static int judge_unlisted(const struct look_tree *tree, int folder, const char *name, struct look *look)
{
        const struct area *ignored = companion_ignored(tree->companion, look->path);
        bool regular = S_ISREG(look->stx.stx_mode);
        char head[POLICY_HEAD_SIZE];
        enum breach breach;
        ssize_t n = 0;

        if (regular) {
                look->file = open_file(folder, name);
                n = look->file < 0 ? 0 : read_full_at(look->file, head, sizeof(head), 0);
                if (n > 0 && look->stx.stx_size <= (uint64_t)HASH_LIMIT)
                        (void)hash(look);
        }
        if (!ignored)
                return findings_add(&look->findings, DIFFERENCE_EXTRA, NULL, inode_type_name(look->stx.stx_mode));
        if (n < 0)
                n = 0;
        breach = policy_check(ignored->allow, name, look->stx.stx_mode, regular ? head : NULL, (size_t)n);
        if (breach != BREACH_NONE)
                return findings_add(&look->findings, DIFFERENCE_EXTRA, NULL, breach_english(breach));
        fd_close(&look->file);
        return 0;
}

/* The folder that holds a path, which is cut in two at its last slash. */
static int open_folder(const struct look_tree *tree, struct look *look, const char **ret_name)
{
        char *slash = strrchr(look->path, '/');
        int fd;

        if (!slash) {
                *ret_name = look->path;
                fd = fcntl(tree->root, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? -errno : fd;
        }
        *slash = '\0';
        fd = open_beneath(tree->root, look->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd >= 0)
                *slash = '/';
        *ret_name = slash + 1;
        return fd;
}

static int look_at_name(const struct look_tree *tree, int folder, const char *name, struct look *look,
                        struct error *err)
{
        int r = inode_glance_at(folder, name, &look->stx);

        if (r == -ENOENT)
                return look->entry ? findings_add(&look->findings, DIFFERENCE_MISSING, entry_type_name(look->entry),
                                                  NULL)
                                   : 0;
        if (r < 0)
                return findings_lack(r) ? r : findings_unreadable(&look->findings, NULL, r);
        look->exists = true;
        return look->entry ? compare(tree, folder, name, look, err) : judge_unlisted(tree, folder, name, look);
}

static int look_at_root(const struct look_tree *tree, struct look *look)
{
        const struct attributes *attributes = companion_attributes(tree->companion, "");
        int r = inode_stat(tree->root, &look->stx);

        if (r < 0)
                return r;
        look->exists = true;
        return findings_of_inode(&look->findings, &look->stx, look->entry, attributes ? attributes->flags : 0);
}

int look_at(const struct look_tree *tree, const char *path, size_t length, struct look *ret_look, struct error *err)
{
        const char *name;
        int r;

        if (length >= sizeof(ret_look->path))
                return error_set(err, -ENAMETOOLONG, _("a path below a tree under guard is longer than %d bytes"),
                                 PATH_MAX - 1);
        memcpy(ret_look->path, path, length);
        ret_look->path[length] = '\0';
        for (;;) {
                _cleanup_(fd_closep) int folder = -1;

                ret_look->path_length = strlen(ret_look->path);
                ret_look->entry = index_find(tree->index, ret_look->path, ret_look->path_length);
                if (ret_look->path_length == 0) {
                        r = look_at_root(tree, ret_look);
                        break;
                }
                folder = open_folder(tree, ret_look, &name);
                if (folder >= 0) {
                        r = look_at_name(tree, folder, name, ret_look, err);
                        break;
                }
                if (findings_lack(folder)) {
                        r = folder;
                        break;
                } /* the folder above is not there as a folder of this mount: what is wrong is that one */
        }
        if (r < 0 && (!err || err->code == 0))
                return error_errno(err, -r, _("cannot look at '%s'"), ret_look->path);
        return r;
}
