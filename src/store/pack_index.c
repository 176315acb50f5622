/* pack_index.c - the index of a pack: bytes to entries and back, nothing believed. Format:
 * docs/internals/repository.md. */
#include "store/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/little_endian.h"
#include "base/memory.h"
#include "manifest/entry.h"

#define MAGIC            "USINDEX1"
#define MAGIC_SIZE       8
#define HEAD_SIZE        32
#define ENTRY_SIZE       56 /* of a pack of whole objects */
#define DELTA_ENTRY_SIZE 88 /* of a delta pack: the base's digest follows */
#define FLAG_DELTA       1U

static int put_u32(struct buffer *out, uint32_t value)
{
        value = htole32(value);
        return buffer_append(out, &value, sizeof(value));
}

static int put_u64(struct buffer *out, uint64_t value)
{
        value = htole64(value);
        return buffer_append(out, &value, sizeof(value));
}

static int damaged(struct error *err, const char *reason)
{
        return error_set(err, -EBADMSG, _("the index of a pack is damaged: %s; publish again, or fetch it anew"),
                         reason);
}

static void parse_entry(const uint8_t *bytes, bool delta, struct pack_entry *entry)
{
        memset(entry, 0, sizeof(*entry));
        memcpy(entry->object.bytes, bytes, DIGEST_SIZE);
        entry->offset = le64_load(bytes + 32);
        entry->stored = le64_load(bytes + 40);
        entry->size = le64_load(bytes + 48);
        if (delta)
                memcpy(entry->base.bytes, bytes + 56, DIGEST_SIZE);
}

/* What can be said of one entry alone. NULL when nothing is wrong. */
static const char *entry_fault(const struct pack_entry *entry, bool delta)
{
        if (entry->size > ENTRY_SIZE_MAXIMUM)
                return _("an object is larger than any file may be");
        if (delta && entry->size > PACK_DELTA_SIZE_MAXIMUM)
                return _("an object is too large for a difference");
        if (delta && digest_equal(&entry->object, &entry->base))
                return _("an object is its own base");
        return NULL;
}

struct extent {
        uint64_t offset, stored;
};

static int compare_extents(const void *a, const void *b)
{
        const struct extent *x = a, *y = b;

        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The frames must fill the pack from its first byte to its last: then none overlaps and none lies outside. */
static int check_extents(const struct pack_index *index, struct error *err)
{
        _cleanup_(memory_freep) struct extent *extents = NULL;
        uint64_t end = 0;

        extents = memory_new(index->count, sizeof(*extents));
        if (!extents)
                return error_memory(err);
        for (size_t i = 0; i < index->count; i++)
                extents[i] = (struct extent){ index->entries[i].offset, index->entries[i].stored };
        qsort(extents, index->count, sizeof(*extents), compare_extents);
        for (size_t i = 0; i < index->count; i++) {
                if (extents[i].stored == 0 || extents[i].offset != end || extents[i].stored > index->pack_size - end)
                        return damaged(err, _("its frames do not follow one another"));
                end += extents[i].stored;
        }
        return end == index->pack_size ? 0 : damaged(err, _("its frames do not fill the pack"));
}

int pack_index_parse(const void *bytes, size_t length, struct pack_index *ret_index, struct error *err)
{
        _cleanup_(pack_index_done) struct pack_index index = { 0 };
        const uint8_t *p = bytes;
        size_t entry_size;
        uint64_t count;
        int r;

        if (length < HEAD_SIZE || memcmp(p, MAGIC, MAGIC_SIZE) != 0)
                return damaged(err, _("it does not begin as an index does"));
        if (le32_load(p + 8) & ~FLAG_DELTA || le32_load(p + 12) != 0)
                return damaged(err, _("it has flags that are not known"));
        index.delta = le32_load(p + 8) & FLAG_DELTA;
        count = le64_load(p + 16);
        index.pack_size = le64_load(p + 24);
        entry_size = index.delta ? DELTA_ENTRY_SIZE : ENTRY_SIZE;
        if (count > ENTRY_COUNT_MAXIMUM || length != HEAD_SIZE + count * entry_size)
                return damaged(err, _("its length does not fit the number of its entries"));
        index.entries = memory_new(count, sizeof(*index.entries));
        if (!index.entries)
                return error_memory(err);
        index.count = count;
        for (size_t i = 0; i < count; i++) {
                struct pack_entry *entry = &index.entries[i];
                const char *fault;

                parse_entry(p + HEAD_SIZE + i * entry_size, index.delta, entry);
                fault = entry_fault(entry, index.delta);
                if (fault)
                        return damaged(err, fault);
                if (i > 0 && memcmp(entry[-1].object.bytes, entry->object.bytes, DIGEST_SIZE) >= 0)
                        return damaged(err, _("its entries are not in order"));
        }
        r = check_extents(&index, err);
        if (r < 0)
                return r;
        *ret_index = index;
        index.entries = NULL;
        return 0;
}

int pack_index_format(const struct pack_index *index, struct buffer *out, struct error *err)
{
        int r = buffer_append(out, MAGIC, MAGIC_SIZE);

        if (r == 0)
                r = put_u32(out, index->delta ? FLAG_DELTA : 0);
        if (r == 0)
                r = put_u32(out, 0);
        if (r == 0)
                r = put_u64(out, index->count);
        if (r == 0)
                r = put_u64(out, index->pack_size);
        for (size_t i = 0; i < index->count && r == 0; i++) {
                const struct pack_entry *entry = &index->entries[i];

                r = buffer_append(out, entry->object.bytes, DIGEST_SIZE);
                if (r == 0)
                        r = put_u64(out, entry->offset);
                if (r == 0)
                        r = put_u64(out, entry->stored);
                if (r == 0)
                        r = put_u64(out, entry->size);
                if (r == 0 && index->delta)
                        r = buffer_append(out, entry->base.bytes, DIGEST_SIZE);
        }
        if (r == -ENOMEM)
                return error_memory(err);
        if (r < 0)
                return error_set(err, r, _("the index of a pack with %zu objects is larger than %zu bytes"),
                                 index->count, out->maximum);
        return 0;
}

void pack_index_done(struct pack_index *index)
{
        free(index->entries);
        index->entries = NULL;
        index->count = 0;
}

static int compare_object(const void *object, const void *entry)
{
        return memcmp(object, ((const struct pack_entry *)entry)->object.bytes, DIGEST_SIZE);
}

const struct pack_entry *pack_index_find(const struct pack_index *index, const struct digest *object)
{
        if (index->count == 0)
                return NULL;
        return bsearch(object->bytes, index->entries, index->count, sizeof(*index->entries), compare_object);
}
