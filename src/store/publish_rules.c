/* publish_rules.c - what a release may carry: what is refused, and what is only worth a word. */
#include "store/publish_parts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/inode.h"
#include "manifest/walk.h"

#define OWN_NAMES     ".understudy."     /* parked and staged trees: never part of a release */
#define MACHINE_LABEL "security.selinux" /* the machine's policy gives it to every file: no intention */

/* --- what is refused --- */

static bool same_inode(const struct statx *a, const struct statx *b)
{
        return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* How publish's options call a path: "nginx:sites-enabled/default" outside the docroot. */
static const char *option_path(const struct publish_source *source, const char *path, struct buffer *buffer)
{
        if (text_equal(source->root->name, RELEASE_DOCROOT))
                return path;
        return buffer_printf(buffer, "%s:%s", source->root->name, path) < 0 ? path : buffer->data;
}

/* What no release may have, whatever was declared. */
int publish_refuse(const struct publish_source *source, const struct walk_item *item, const struct statx *repository,
                   struct error *err)
{
        _cleanup_(buffer_done) struct buffer option = BUFFER_INIT(2 * PATH_MAX);
        const char *folder = source->root->source;
        uint16_t mode = item->stx.stx_mode;

        if (item->path_length > 0 && text_starts(item->name, OWN_NAMES))
                return error_refuse(err, _("%s in %s has a name that Understudy keeps for itself; move it away"),
                                    item->path, folder);
        if (item->mount && item->path_length > 0)
                return error_refuse(err,
                                    _("something is mounted at %s in %s; unmount it, or publish a folder that holds "
                                      "its files itself"),
                                    item->path, folder);
        if (S_ISDIR(mode) && same_inode(&item->stx, repository))
                return error_refuse(
                        err, _("the repository lies inside %s; put it elsewhere, or it would publish itself"), folder);
        if (!S_ISDIR(mode) && !S_ISREG(mode) && !S_ISLNK(mode))
                return error_refuse(err,
                                    _("%s in %s is a %s; a release holds only files, folders and symbolic links: move "
                                      "it away or say --ignore '%s'"),
                                    item->path, folder, inode_type_name(mode),
                                    option_path(source, item->path, &option));
        if (S_ISREG(mode) && (mode & (S_ISUID | S_ISGID)) && !source->options->allow_setuid)
                return error_refuse(err,
                                    _("%s in %s is setuid or setgid (mode 0%o); take that away with chmod ug-s, or say "
                                      "--allow-setuid"),
                                    item->path, folder, (unsigned int)(mode & 07777U));
        return 0;
}

int publish_refuse_link(const struct publish_source *source, const char *path, const char *target, struct error *err)
{
        _cleanup_(buffer_done) struct buffer buffer = BUFFER_INIT(2 * PATH_MAX);
        const char *option = option_path(source, path, &buffer);

        return error_refuse(err,
                            _("the symbolic link %s in %s leaves the tree (it points to %s); if the application writes "
                              "there say --mutable '%s=%s', if it is meant to be a link say --outside-link '%s'"),
                            path, source->root->source, target, option, target, option);
}

/* --- attributes --- */

/* Takes out what is the machine's and not the site's. */
static void drop_machine_label(struct attributes *attributes)
{
        for (size_t i = 0; i < attributes->xattr_count; i++) {
                if (!text_equal(attributes->xattrs[i].name, MACHINE_LABEL))
                        continue;
                free(attributes->xattrs[i].name);
                free(attributes->xattrs[i].value);
                attributes->xattr_count--;
                memmove(&attributes->xattrs[i], &attributes->xattrs[i + 1],
                        (attributes->xattr_count - i) * sizeof(*attributes->xattrs));
                return;
        }
}

static int refuse_attributes(const struct attributes *attributes, const char *path, struct error *err)
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(600);

        (void)inode_attributes_describe(attributes, &words); /* cut when it is long */
        if (attributes->flags & COMPANION_FLAGS)
                return error_refuse(
                        err,
                        _("%s has a flag (immutable or append-only); take it away with chattr -i -a, or say "
                          "--allow-attributes to release it so"),
                        publish_shown(path));
        return error_refuse(err,
                            _("%s has extended attributes (%s); take them away with setfattr -x or setfacl -b, or say "
                              "--allow-attributes to release them"),
                            publish_shown(path), buffer_text(&words));
}

/* Looks for ACLs, capabilities and the like on an open file, folder or link (O_PATH). */
int publish_attributes(const struct publish_source *source, int fd, bool is_link, const char *path, struct error *err)
{
        _cleanup_(attributes_done) struct attributes attributes = { .path = NULL };
        int r = is_link ? inode_link_attributes(fd, &attributes, err) : inode_attributes(fd, &attributes, err);

        if (r < 0)
                return error_prefix(err, "%s", publish_shown(path));
        drop_machine_label(&attributes);
        attributes.flags &= COMPANION_FLAGS;
        if (attributes.xattr_count == 0 && attributes.flags == 0)
                return 0;
        if (!source->options->allow_attributes)
                return refuse_attributes(&attributes, path, err);
        attributes.path = memory_string(path);
        if (!attributes.path)
                return error_memory(err);
        r = companion_add_attributes(source->companion, &attributes, err);
        if (r == 0)
                attributes = (struct attributes){ .path = NULL };
        return r;
}

/* --- what is worth a word --- */

static bool is_suspicious(const char *name)
{
        static const char *const names[] = { ".git", ".svn", ".hg", ".bzr", ".env", ".htpasswd", "id_rsa", ".my.cnf" };
        static const char *const endings[] = { "~",     ".swp", ".swo",    ".bak",     ".old",
                                               ".orig", ".sql", ".sql.gz", ".sql.zst", ".sql.xz" };

        for (size_t i = 0; i < LENGTH(names); i++)
                if (text_equal(name, names[i]))
                        return true;
        for (size_t i = 0; i < LENGTH(endings); i++)
                if (text_ends(name, endings[i]))
                        return true;
        return text_starts(name, ".env.");
}

static void count_oddity(uint64_t *count, char first[static 256], const char *path)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * ENTRY_PATH_MAXIMUM);

        if ((*count)++ == 0 && text_escape(&text, path, strlen(path)) == 0)
                snprintf(first, 256, "%s", buffer_text(&text));
}

void publish_note(struct publish_oddities *oddities, const struct walk_item *item)
{
        if (item->path_length > 0 && is_suspicious(item->name))
                count_oddity(&oddities->suspicious, oddities->first_suspicious, item->path);
        if (!S_ISLNK(item->stx.stx_mode) && (item->stx.stx_mode & S_IWOTH))
                count_oddity(&oddities->writable, oddities->first_writable, publish_shown(item->path));
}
