/*
 * stage_fetch.c - contents that the live tree does not have at their path: found at another path of it, fetched from
 * the repository, or the same as one that was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/mtree.h"
#include "store/pack.h"
#include "tree/stage_parts.h"

/* Base descriptors that are open at once; a limit of 1,024 descriptors must do. */
#define BASES_MAXIMUM 400

static int compare_digests(const void *a, const void *b)
{
        const struct stage_item *one = a, *other = b;
        int order = memcmp(one->digest.bytes, other->digest.bytes, DIGEST_SIZE);

        if (order == 0 && one->root != other->root)
                order = one->root < other->root ? -1 : 1;
        return order ? order : strcmp(one->path, other->path);
}

static bool same_object(const struct stage_item *a, const struct stage_item *b)
{
        return digest_equal(&a->digest, &b->digest);
}

/* The first item of the group with this digest; NULL when nobody wants it. */
static struct stage_item *find_group(const struct stage_list *list, const struct digest *digest)
{
        size_t low = 0, high = list->count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (memcmp(list->items[middle].digest.bytes, digest->bytes, DIGEST_SIZE) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < list->count && digest_equal(&list->items[low].digest, digest) ? &list->items[low] : NULL;
}

/* ---- moved and renamed files: the live tree has the content somewhere else ---- */

static int find_moved(struct stage *stage, struct pull_root *root, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        struct entry entry;
        int r;

        if (root->kept_manifest < 0 || root->place.live < 0)
                return 0;
        r = mtree_reader_new_fd(root->kept_manifest, root->name_manifest, &reader, err);
        while (r >= 0 && (r = mtree_reader_next(reader, &entry, err)) > 0) {
                struct stage_item *item = entry.type == ENTRY_FILE ? find_group(&stage->missing, &entry.digest) : NULL;

                if (item && !item->done)
                        r = stage_copy_from(stage, stage->copiers[0], item, root->place.live, entry.path, err);
        }
        return r;
}

/* ---- the repository ---- */

struct delivery {
        struct stage *stage;
        int to;
};

static int deliver_begin(void *context, const struct wanted *wanted, struct error *err)
{
        struct delivery *delivery = context;

        /* Again, when a difference came damaged: what was written is thrown away. */
        fd_close(&delivery->to);
        delivery->to = stage_create(wanted->item, O_TRUNC, err);
        if (delivery->to < 0)
                return delivery->to;
        return copier_begin(delivery->stage->copiers[0], delivery->to);
}

static int deliver_data(void *context, const struct wanted *wanted, const void *bytes, size_t length, struct error *err)
{
        struct delivery *delivery = context;
        const struct stage_item *item = wanted->item;
        int r = copier_add(delivery->stage->copiers[0], bytes, length);

        if (r < 0)
                return error_errno(err, -r, _("cannot write %s in the new tree beside %s"), item->path,
                                   item->root->place.folder);
        return 0;
}

static int deliver_end(void *context, const struct wanted *wanted, struct error *err)
{
        struct delivery *delivery = context;
        struct stage *stage = delivery->stage;
        struct stage_item *item = wanted->item;
        int r = copier_end(stage->copiers[0], &item->digest, (uint64_t)item->size);

        if (r == -ESTALE)
                return error_set(err, -EBADMSG,
                                 _("%s is not what release %llu promised when it came from %s; publish it again"),
                                 item->path, (unsigned long long)stage->run->release.number,
                                 repository_url(stage->run->repository));
        if (r == 0)
                r = stage_apply(item, delivery->to, err);
        fd_close(&delivery->to);
        if (r < 0)
                return r;
        stage_written(stage, (uint64_t)item->size);
        item->done = true;
        stage->run->result->fetched_objects++;
        stage_progress(stage, _("fetching"), ++stage->done);
        return 0;
}

/* Whether the release has differences against what is in place here. */
static bool has_delta(const struct stage *stage)
{
        const struct pull_run *run = stage->run;

        for (size_t i = 0; i < run->release.pack_count; i++)
                if (run->release.packs[i].delta_base && run->release.packs[i].delta_base == run->state->release)
                        return true;
        return false;
}

static void offer_base(const struct stage_item *item, struct wanted *wanted, size_t *bases)
{
        const struct place *place = &item->root->place;
        struct digest digest;
        uint64_t size;

        if (!item->has_old || place->live < 0 || (uint64_t)item->old_size > PACK_DELTA_SIZE_MAXIMUM)
                return;
        wanted->base_fd =
                open_beneath(place->live, item->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0, BENEATH_STRICT);
        if (wanted->base_fd < 0) {
                wanted->base_fd = -1;
                return;
        }
        /* The helper is to see what was published, and nothing else: the live file may be an intruder's hard link to
         * one that he cannot read himself. */
        if (digest_of_fd(wanted->base_fd, (uint64_t)item->old_size, &digest, &size, NULL) < 0 ||
            !digest_equal(&digest, &item->old_digest)) {
                fd_close(&wanted->base_fd);
                return;
        }
        wanted->base = item->old_digest;
        wanted->base_size = (uint64_t)item->old_size;
        (*bases)++;
}

/* Fetches wanted[0..count) and closes their bases. */
static int fetch_batch(struct stage *stage, struct wanted *wanted, size_t count, struct error *err)
{
        struct delivery delivery = { stage, -1 };
        const struct repository_sink sink = { deliver_begin, deliver_data, deliver_end, &delivery };
        int r = 0;

        if (count > 0)
                r = repository_objects(stage->run->repository, &stage->run->release, wanted, count, &sink, err);
        fd_close(&delivery.to);
        for (size_t i = 0; i < count; i++)
                fd_close(&wanted[i].base_fd);
        return r;
}

static int fetch(struct stage *stage, struct error *err)
{
        struct stage_list *missing = &stage->missing;
        _cleanup_(memory_freep) struct wanted *wanted = memory_new(missing->count, sizeof(*wanted));
        bool delta = has_delta(stage);
        size_t count = 0, bases = 0;
        int r = 0;

        if (!wanted)
                return error_memory(err);
        for (size_t i = 0; i < missing->count && r == 0; i++) {
                struct stage_item *item = &missing->items[i];

                if (item->done || (i > 0 && same_object(item - 1, item)))
                        continue;
                wanted[count] = (struct wanted){
                        .object = item->digest, .size = (uint64_t)item->size, .base_fd = -1, .item = item
                };
                if (delta)
                        offer_base(item, &wanted[count], &bases);
                count++;
                if (bases == BASES_MAXIMUM) {
                        r = fetch_batch(stage, wanted, count, err);
                        count = bases = 0;
                }
        }
        if (r == 0)
                return fetch_batch(stage, wanted, count, err);
        return r;
}

/* Every further file with the same content, from the first. */
static int copy_twins(struct stage *stage, struct error *err)
{
        struct stage_list *missing = &stage->missing;
        struct stage_item *first = missing->items;

        for (size_t i = 0; i < missing->count; i++) {
                struct stage_item *item = &missing->items[i];
                int r;

                if (!same_object(first, item))
                        first = item;
                if (item->done)
                        continue;
                r = stage_copy_from(stage, stage->copiers[0], item, first->root->place.staged, first->path, err);
                if (r < 0)
                        return r;
                if (!item->done)
                        return error_set(err, -EIO, _("%s could not be read back from the new tree beside %s"),
                                         first->path, first->root->place.folder);
        }
        return 0;
}

int stage_fetch(struct stage *stage, struct error *err)
{
        struct stage_list *missing = &stage->missing;
        int r = 0;

        if (missing->count == 0)
                return 0;
        qsort(missing->items, missing->count, sizeof(*missing->items), compare_digests);
        for (size_t i = 0; i < stage->run->root_count && r == 0; i++)
                r = find_moved(stage, &stage->run->roots[i], err);
        if (r == 0)
                r = fetch(stage, err);
        return r < 0 ? r : copy_twins(stage, err);
}
