/* verify_areas.c - resolving mutable areas without following links, and their rules. */
#include "verify_areas.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/policy.h"
#include "manifest/inode.h"

#define TARGET_PARTS (2 * ENTRY_DEPTH_MAXIMUM) /* components of a tree's name, a link's folder and its target */

/* A finding of prefix + path, or of the prefix alone for the area itself. */
static int tell(struct hash_pool *pool, const char *prefix, const char *path, bool slash, enum difference_kind kind,
                const char *found, struct error *err)
{
        _cleanup_(buffer_done) struct buffer whole = BUFFER_INIT(2 * (ENTRY_PATH_MAXIMUM + 1 + ENTRY_NAME_MAXIMUM));
        struct file_job *job = NULL;
        int r = buffer_append_text(&whole, prefix);

        if (r == 0 && *prefix && *path)
                r = buffer_append_byte(&whole, '/');
        if (r == 0)
                r = buffer_append_text(&whole, path);
        if (r < 0)
                return error_memory(err);
        r = hash_pool_take(pool, whole.data, whole.length, &job, err);
        if (r < 0)
                return r;
        job->slash = slash;
        if (findings_add(&job->findings, kind, NULL, found) < 0)
                return error_memory(err);
        return hash_pool_put(pool, err);
}

static int tell_error(struct hash_pool *pool, const char *prefix, const char *path, int error, struct error *err)
{
        struct findings findings = { 0 };
        int r = findings_unreadable(&findings, NULL, error);

        r = r < 0 ? error_memory(err) : tell(pool, prefix, path, false, DIFFERENCE_CONTENT, findings.of[0].found, err);
        findings_clear(&findings);
        return r;
}

/* The first bytes of a regular file: what it is does not depend on its name alone. */
static ssize_t read_head(const struct walk_item *item, char head[static POLICY_HEAD_SIZE])
{
        _cleanup_(fd_closep) int fd = openat(walk_folder_fd(item->folder), item->name,
                                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct statx now;
        int r = fd < 0 ? -errno : inode_stat(fd, &now);

        if (r == 0 && (now.stx_ino != item->stx.stx_ino || !S_ISREG(now.stx_mode)))
                r = -ESTALE;
        return r < 0 ? r : read_full(fd, head, POLICY_HEAD_SIZE);
}

static int check_rules(const struct walk_item *item, const struct area *area, const char *prefix,
                       struct hash_pool *pool, struct error *err)
{
        char head[POLICY_HEAD_SIZE];
        enum breach breach = policy_check(area->allow, item->name, item->stx.stx_mode, NULL, 0);

        if (breach == BREACH_NONE && S_ISREG(item->stx.stx_mode)) {
                ssize_t n = read_head(item, head);

                if (n == -ENOENT || n == -ESTALE ||
                    n == -ELOOP) /* areas change all the time: that is what they are for */
                        return 0;
                if (n < 0)
                        return tell_error(pool, prefix, item->path, (int)n, err);
                breach = policy_check(area->allow, item->name, item->stx.stx_mode, head, (size_t)n);
        }
        if (breach == BREACH_NONE)
                return 0;
        return tell(pool, prefix, item->path, S_ISDIR(item->stx.stx_mode), DIFFERENCE_EXTRA, breach_english(breach), err);
}

int area_item(struct walk *walk, const struct walk_item *item, const struct area *area, const char *prefix,
              bool as_root, struct hash_pool *pool, struct error *err)
{
        int r;

        if (item->error)
                return item->error == -ENOENT ? 0 : tell_error(pool, prefix, item->path, item->error, err);
        if (item->mount && !as_root)
                return tell(pool, prefix, item->path, false, DIFFERENCE_MOUNT, inode_type_name(item->stx.stx_mode),
                            err);
        if (!as_root) {
                r = check_rules(item, area, prefix, pool, err);
                if (r < 0)
                        return r;
        }
        if (!S_ISDIR(item->stx.stx_mode))
                return 0;
        r = walk_enter(walk);
        if (r == -ENOMEM)
                return error_memory(err);
        return r == 0 || r == -ENOENT || r == -ESTALE ? 0 : tell_error(pool, prefix, item->path, r, err);
}

/* The way from the parent to an area: so many steps up, then these components. */
struct way {
        bool absolute;
        size_t up, count;
        const char *parts[TARGET_PARTS];
};

/* Adds the components of a path; ".." takes one back: none of them is a link, which opening them makes sure of. */
static int add_parts(struct way *way, char *path)
{
        char *rest = path, *part;

        while ((part = strsep(&rest, "/"))) {
                if (*part == '\0' || strcmp(part, ".") == 0)
                        continue;
                if (strcmp(part, "..") != 0) {
                        if (way->count == TARGET_PARTS)
                                return -ENAMETOOLONG;
                        way->parts[way->count++] = part;
                } else if (way->count > 0) {
                        way->count--;
                } else if (!way->absolute) {
                        way->up++;
                }
        }
        return 0;
}

static int open_way(int parent, const struct way *way)
{
        _cleanup_(fd_closep) int at = way->absolute ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
                                                    : openat(parent, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

        for (size_t i = 0; i < way->up + way->count && at >= 0; i++) {
                const char *part = i < way->up ? ".." : way->parts[i - way->up];
                int next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                int kept = errno;

                close(at);
                at = next;
                errno = kept;
        }
        if (at >= 0) {
                int folder = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

                return folder < 0 ? -errno : folder;
        }
        return -errno;
}

int area_open(int parent, const char *tree, const struct area *area)
{
        const char *slash = strrchr(area->path, '/');
        _cleanup_(memory_freep) char *name = memory_string(tree);
        _cleanup_(memory_freep) char *folder = memory_copy(area->path, slash ? (size_t)(slash - area->path) : 0);
        _cleanup_(memory_freep) char *target = memory_string(area->target);
        struct way way = { .absolute = area->target[0] == '/' };
        int r = 0;

        if (!name || !folder || !target)
                return -ENOMEM;
        if (!way.absolute) {
                r = add_parts(&way, name);
                if (r == 0)
                        r = add_parts(&way, folder);
        }
        if (r == 0)
                r = add_parts(&way, target);
        if (r < 0)
                return r;
        return open_way(parent, &way);
}

static int verify_area(int fd, const struct area *area, struct hash_pool *pool, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        bool first = true;
        int r = walk_new(fd, 0, &walk, err);

        while (r == 0 && walk_next(walk, &item)) {
                r = area_item(walk, item, area, area->path, first, pool, err);
                first = false;
        }
        return r;
}

int areas_verify(const struct verify_options *options, struct hash_pool *pool, struct error *err)
{
        const struct companion *companion = options->companion;

        for (size_t i = 0; companion && options->parent >= 0 && i < companion->area_count; i++) {
                const struct area *area = &companion->areas[i];
                _cleanup_(fd_closep) int fd = area_open(options->parent, options->parent_name, area);
                int r = 0;

                if (fd == -ENOMEM)
                        r = error_memory(err);
                else if (fd == -ELOOP || fd == -ENOTDIR)
                        r = tell(pool, area->path, "", false, DIFFERENCE_EXTRA,
                                 _("the mutable area is not a folder, or a symbolic link is on the way to it"), err);
                else if (fd < 0 && fd != -ENOENT)
                        r = tell_error(pool, area->path, "", fd, err);
                else if (fd >= 0)
                        r = verify_area(fd, area, pool, err);
                if (r < 0)
                        return r;
        }
        return 0;
}
