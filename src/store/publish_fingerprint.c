/*
 * publish_fingerprint.c - was it one state? A hash over every name and its metadata, taken before and after the source
 * is read: when both are equal, what was read was one state of it and not half of a deployment.
 */
#include "store/publish_parts.h"

#include <sys/stat.h>

#include "base/i18n.h"
#include "manifest/walk.h"

static bool is_passed_over(const struct companion *companion, const struct walk_item *item)
{
        return companion_ignored(companion, item->path) ||
               (S_ISDIR(item->stx.stx_mode) && companion_area(companion, item->path));
}

static int add_item(struct hasher *hasher, const struct walk_item *item)
{
        const struct statx *stx = &item->stx;
        const uint64_t numbers[] = { stx->stx_ino,
                                     (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor,
                                     (uint64_t)stx->stx_mode << 32 | stx->stx_nlink,
                                     (uint64_t)stx->stx_uid << 32 | stx->stx_gid,
                                     stx->stx_size,
                                     (uint64_t)stx->stx_ctime.tv_sec,
                                     stx->stx_ctime.tv_nsec,
                                     item->path_length };
        int r = hasher_add(hasher, numbers, sizeof(numbers));

        return r < 0 ? r : hasher_add(hasher, item->path, item->path_length);
}

int publish_fingerprint(int folder, const struct companion *companion, struct digest *ret_digest, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = hasher_new(&hasher, err);

        if (r == 0)
                r = walk_new(folder, 0, &walk, err);
        if (r < 0)
                return r;
        r = hasher_begin(hasher);
        while (r == 0 && walk_next(walk, &item)) {
                if (item->error < 0 || is_passed_over(companion, item))
                        continue; /* what cannot be looked at is told by the reading */
                r = add_item(hasher, item);
                if (S_ISDIR(item->stx.stx_mode) && (!item->mount || item->path_length == 0))
                        (void)walk_enter(walk);
        }
        if (r == 0)
                r = hasher_end(hasher, ret_digest);
        return r < 0 ? error_set(err, r, _("cannot hash the names of the source: OpenSSL failed")) : 0;
}
