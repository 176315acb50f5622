/*
 * compare.c - the release before and the manifest that is about to be signed, side by side.
 *
 * Both are read as streams in the same order. What is added or changed is looked through; of what stayed only the
 * outside hosts are wanted, so that a host can be called new.
 */
#include "review/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

struct comparison {
        int directory;
        struct review_changes *changes;
        struct inspection fresh; /* of what is added or changed */
        struct inspection stayed;
};

static bool equal(const struct entry *a, const struct entry *b)
{
        if (a->type != b->type || a->mode != b->mode || a->uid != b->uid || a->gid != b->gid)
                return false;
        if (a->type == ENTRY_LINK)
                return text_equal(a->target, b->target);
        return a->type == ENTRY_DIRECTORY || (a->size == b->size && digest_equal(&a->digest, &b->digest));
}

/* The folder that the entry lies in, opened; *ret_name is the last part of its path. */
static int open_parent(int directory, const struct entry *entry, const char **ret_name)
{
        const char *slash = memrchr(entry->path, '/', entry->path_length);
        char parent[ENTRY_PATH_MAXIMUM + 1];

        *ret_name = slash ? slash + 1 : entry->path;
        if (!slash)
                return openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        memcpy(parent, entry->path, (size_t)(slash - entry->path));
        parent[slash - entry->path] = '\0';
        return open_beneath(directory, parent, O_PATH | O_DIRECTORY, 0, BENEATH_STRICT);
}

static bool is_type(const struct statx *stx, enum entry_type type)
{
        return (type == ENTRY_FILE && S_ISREG(stx->stx_mode)) || (type == ENTRY_LINK && S_ISLNK(stx->stx_mode)) ||
               (type == ENTRY_DIRECTORY && S_ISDIR(stx->stx_mode));
}

static int look(struct comparison *c, struct inspection *inspection, const struct entry *entry, struct error *err)
{
        _cleanup_(fd_closep) int parent = -1;
        const char *name;
        struct statx stx;

        if (entry->type == ENTRY_DIRECTORY)
                return 0;
        parent = open_parent(c->directory, entry, &name);
        if (parent >= 0 && statx(parent, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) < 0)
                fd_close(&parent);
        /* Where the source has a folder, the release has the link of a mutable area. */
        if (parent >= 0 && entry->type == ENTRY_LINK && S_ISDIR(stx.stx_mode))
                return 0;
        if (parent < 0 || !is_type(&stx, entry->type))
                return review_add(inspection->review, FINDING_CHANGED, true, entry->path,
                                  _("it is gone, or something else, since it was hashed")) < 0
                               ? error_memory(err)
                               : 0;
        return inspect(inspection, parent, name, entry->path, &stx,
                       entry->type == ENTRY_FILE && !inspection->only_hosts ? &entry->digest : NULL, err);
}

static int note(struct comparison *c, struct review_paths *list, const struct entry *entry, struct error *err)
{
        const char *slash = memrchr(entry->path, '/', entry->path_length);
        const char *name = slash ? slash + 1 : entry->path;
        bool gone = list == &c->changes->removed;

        if (entry->type == ENTRY_DIRECTORY)
                return 0;
        if (review_paths_add(list, entry->path, entry->path_length) < 0)
                return error_memory(err);
        if (!gone && (name_is_code(name) || name_is_static(name)) &&
            review_paths_add(&c->changes->code, entry->path, entry->path_length) < 0)
                return error_memory(err);
        return gone ? 0 : look(c, &c->fresh, entry, err);
}

/* The next entry of a manifest that may not be there. */
static int next(struct mtree_reader *reader, struct entry *entry, struct error *err)
{
        return reader ? mtree_reader_next(reader, entry, err) : 0;
}

static int merge(struct comparison *c, struct mtree_reader *previous, struct mtree_reader *current, struct error *err)
{
        struct entry old, new;
        int r, left = next(previous, &old, err), right = next(current, &new, err);

        while (left > 0 || right > 0) {
                int order = left <= 0    ? 1
                            : right <= 0 ? -1
                                         : path_compare(old.path, old.path_length, new.path, new.path_length);

                if (left < 0 || right < 0)
                        break;
                if (order < 0)
                        r = note(c, &c->changes->removed, &old, err);
                else if (order > 0)
                        r = note(c, &c->changes->added, &new, err);
                else if (!equal(&old, &new))
                        r = note(c, &c->changes->changed, &new, err);
                else
                        r = look(c, &c->stayed, &new, err);
                if (r < 0)
                        return r;
                if (order <= 0)
                        left = next(previous, &old, err);
                if (order >= 0)
                        right = next(current, &new, err);
        }
        return left < 0 ? left : right < 0 ? right : 0;
}

/* Both lists are sorted by name. */
static int find_new_hosts(struct review_changes *changes, const struct review *stayed)
{
        size_t k = 0;

        for (size_t i = 0; i < changes->found.host_count; i++) {
                const char *name = changes->found.hosts[i].name;

                while (k < stayed->host_count && strcmp(stayed->hosts[k].name, name) < 0)
                        k++;
                if (k < stayed->host_count && text_equal(stayed->hosts[k].name, name))
                        continue;
                if (review_paths_add(&changes->new_hosts, name, strlen(name)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int review_compare(int directory, struct mtree_reader *previous, struct mtree_reader *current,
                   const struct review_options *options, struct review_changes *ret_changes, struct error *err)
{
        _cleanup_(review_changes_done) struct review_changes changes = { 0 };
        _cleanup_(review_done) struct review stayed = REVIEW_EMPTY;
        struct comparison c = { .directory = directory, .changes = &changes };
        int r;

        r = inspection_init(&c.fresh, &changes.found, options, err);
        if (r == 0)
                r = inspection_init(&c.stayed, &stayed, options, err);
        c.stayed.only_hosts = true;
        if (r == 0)
                r = merge(&c, previous, current, err);
        if (r == 0)
                r = review_settle(&changes.found, false, err);
        if (r == 0 && find_new_hosts(&changes, &stayed) < 0)
                r = error_memory(err);
        inspection_done(&c.fresh);
        inspection_done(&c.stayed);
        if (r < 0)
                return r;
        *ret_changes = changes;
        changes = (struct review_changes){ 0 };
        return 0;
}

void review_changes_done(struct review_changes *changes)
{
        review_paths_done(&changes->added);
        review_paths_done(&changes->removed);
        review_paths_done(&changes->changed);
        review_paths_done(&changes->code);
        review_paths_done(&changes->new_hosts);
        review_done(&changes->found);
}
