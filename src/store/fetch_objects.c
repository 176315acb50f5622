/*
 * fetch_objects.c - wanted objects out of the packs of a release: indexes newest first, then ranges of packs, each
 * object decoded as its bytes arrive.
 *
 * A whole object is streamed, so that memory is bounded, and not hashed here: the caller does it anyway, and that would
 * be half of the helper's time. A difference is at most 64 MiB, decoded and hashed before it is sent: when it does not
 * hold, the object is fetched again, whole.
 */

#include "fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/little_endian.h"
#include "base/memory.h"
#include "fetch_plan.h"
#include "ipc/frame.h"
#include "manifest/release.h"
#include "store/pack.h"

struct fetch_objects {
        struct release_pack *packs;
        size_t pack_count;
        struct plan_object *objects;
        size_t count, capacity;
};

void fetch_objects_free(struct fetch_objects *objects)
{
        if (!objects)
                return;
        free(objects->packs);
        free(objects->objects);
        free(objects);
}

/* ---- The request ---- */

static int add_packs(struct fetch_objects *objects, const uint8_t *records, size_t count, struct error *err)
{
        struct release_pack *packs = memory_resize(objects->packs, objects->pack_count + count, sizeof(*packs));

        if (!packs)
                return error_memory(err);
        objects->packs = packs;
        for (size_t i = 0; i < count; i++, records += FETCH_PACK_SIZE) {
                struct release_pack *pack = &packs[objects->pack_count++];

                memcpy(pack->id.bytes, records, DIGEST_SIZE);
                pack->size = le64_load(records + 32);
                memcpy(pack->index_digest.bytes, records + 40, DIGEST_SIZE);
                pack->index_size = le64_load(records + 72);
                pack->delta_base = le64_load(records + 80);
        }
        return 0;
}

static int add_wanted(struct fetch_objects *objects, const uint8_t *records, size_t count, struct error *err)
{
        if (objects->count + count > objects->capacity) {
                size_t capacity = 2 * objects->capacity + count;
                struct plan_object *larger = memory_resize(objects->objects, capacity, sizeof(*larger));

                if (!larger)
                        return error_memory(err);
                objects->objects = larger;
                objects->capacity = capacity;
        }
        for (size_t i = 0; i < count; i++, records += FETCH_WANTED_SIZE) {
                struct plan_object *object = &objects->objects[objects->count];

                *object = (struct plan_object){ .index = (uint32_t)objects->count++, .pack = PLAN_NOWHERE };
                memcpy(object->object.bytes, records, DIGEST_SIZE);
                object->size = le64_load(records + 32);
                object->base_size = le64_load(records + 40);
                memcpy(object->base.bytes, records + 48, DIGEST_SIZE);
        }
        return 0;
}

int fetch_objects_add(struct fetch_objects **objects, uint8_t verb, const uint8_t *records, size_t length,
                      struct error *err)
{
        if (!*objects && !(*objects = memory_new(1, sizeof(**objects))))
                return error_memory(err);
        if (verb == FETCH_PACKS)
                return add_packs(*objects, records, length / FETCH_PACK_SIZE, err);
        return add_wanted(*objects, records, length / FETCH_WANTED_SIZE, err);
}

/* ---- Indexes ---- */

struct collected {
        uint8_t *bytes;
};

static int collect_index(void *context, uint64_t offset, const void *bytes, size_t length, struct error *err)
{
        struct collected *collected = context;

        (void)err;
        memcpy(collected->bytes + offset, bytes, length); /* never beyond the range that was asked for */
        return 0;
}

/* Fetches the index of a pack; it must be the one that the signed release names. */
static int get_index(struct fetch *fetch, const struct release_pack *pack, size_t number, struct pack_index *ret_index,
                     struct error *err)
{
        char path[FETCH_PACK_PATH_SIZE];
        struct fetch_range range = { .path = path,
                                     .handle = FETCH_HANDLE_INDEX(number),
                                     .to = pack->index_size,
                                     .last = pack->index_size,
                                     .size = pack->index_size };
        _cleanup_(memory_freep) uint8_t *bytes = NULL;
        struct collected collected;
        struct digest found;
        uint64_t position = 0;
        int r;

        fetch_pack_path(&pack->id, "index", path);
        if (pack->index_size > PACK_INDEX_MAXIMUM)
                return error_set(err, -EFBIG, _("the repository's %s is too large"), path);
        collected.bytes = bytes = memory_new(pack->index_size ? pack->index_size : 1, 1);
        if (!bytes)
                return error_memory(err);
        r = fetch_read(fetch, &range, collect_index, &collected, &position, err);
        if (r == 0)
                r = digest_of_bytes(bytes, pack->index_size, &found, err);
        if (r < 0)
                return r;
        if (position != pack->index_size || !digest_equal(&found, &pack->index_digest))
                return error_set(err, -EBADMSG,
                                 _("the repository's %s is not the one that the release names; it is damaged, or "
                                   "something else answers in its place"),
                                 path);
        r = pack_index_parse(bytes, pack->index_size, ret_index, err);
        if (r < 0)
                return r;
        if (ret_index->pack_size != pack->size || ret_index->delta != (pack->delta_base != 0)) {
                pack_index_done(ret_index);
                return error_set(err, -EBADMSG, _("the repository's %s does not fit its pack"), path);
        }
        return 0;
}

/* Whether an index of differences can help anybody. */
static bool has_bases(const struct fetch_objects *objects)
{
        for (size_t i = 0; i < objects->count; i++) {
                if (!objects->objects[i].done && objects->objects[i].base_size != PLAN_NO_BASE)
                        return true;
        }
        return false;
}

static int locate(struct fetch *fetch, struct fetch_objects *objects, bool deltas, struct error *err)
{
        size_t missing = 0;

        for (size_t i = 0; i < objects->count; i++)
                missing += !objects->objects[i].done;
        for (size_t number = 0; missing > 0 && number < objects->pack_count; number++) {
                const struct release_pack *pack = &objects->packs[number];
                struct pack_index index = { 0 };
                int r;

                if (pack->delta_base != 0 && (!deltas || !has_bases(objects)))
                        continue;
                r = get_index(fetch, pack, number, &index, err);
                if (r < 0)
                        return r;
                r = plan_locate(objects->objects, objects->count, &index, (uint32_t)number, deltas, &missing, err);
                pack_index_done(&index);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; missing > 0 && i < objects->count; i++) {
                char hex[DIGEST_HEX_SIZE];

                if (objects->objects[i].done || objects->objects[i].pack != PLAN_NOWHERE)
                        continue;
                digest_hex(&objects->objects[i].object, hex);
                return error_set(err, -ENOENT, _("no pack of the release has the object %.16s; publish again"), hex);
        }
        return 0;
}

/* ---- One pack ---- */

/* What the bytes of a pack are made of while they arrive. */
struct unpacker {
        struct fetch *fetch;
        struct plan_object *objects;
        const uint32_t *order;
        size_t count, next; /* order[next] is the object that is being read */
        struct pack_decoder *decoder;
        struct buffer base, difference; /* of the current object when it is a difference */
        bool started;                   /* its first byte was fed */
        bool sent;                      /* its first frame was sent */
        bool broken;                    /* a difference that does not hold: its bytes are passed over */
};

static void send_object(struct unpacker *unpacker, const struct plan_object *object, const void *bytes, size_t length,
                        bool last)
{
        uint64_t argument = (uint64_t)object->index << 2;

        if (!unpacker->sent)
                argument |= FETCH_OBJECT_FIRST;
        if (last)
                argument |= FETCH_OBJECT_LAST;
        unpacker->sent = true;
        fetch_send(unpacker->fetch, FETCH_OBJECT, argument, bytes, length);
}

/* Gathers pieces of a whole object into frames: most objects are one. */
static int gather(void *context, const void *bytes, size_t length, struct error *err)
{
        struct unpacker *unpacker = context;
        const struct plan_object *object = &unpacker->objects[unpacker->order[unpacker->next]];
        struct buffer *out = &unpacker->fetch->out;
        const char *piece = bytes;

        if (object->delta)
                return buffer_append(&unpacker->difference, bytes, length) < 0 ? error_memory(err) : 0;
        while (length > 0) {
                size_t room = FRAME_BODY_MAXIMUM - out->length, n = length < room ? length : room;

                if (room == 0) {
                        send_object(unpacker, object, out->data, out->length, false);
                        buffer_clear(out);
                        continue;
                }
                if (buffer_append(out, piece, n) < 0)
                        return error_memory(err);
                piece += n;
                length -= n;
        }
        return 0;
}

/* All bytes of the difference were right: now it goes out. */
static void send_difference(struct unpacker *unpacker, const struct plan_object *object)
{
        const char *bytes = buffer_text(&unpacker->difference);
        size_t left = unpacker->difference.length;

        do {
                size_t n = left < FRAME_BODY_MAXIMUM ? left : FRAME_BODY_MAXIMUM;

                left -= n;
                send_object(unpacker, object, bytes, n, left == 0);
                bytes += n;
        } while (left > 0);
}

static int begin(struct unpacker *unpacker, const struct plan_object *object, struct error *err)
{
        struct pack_entry entry = {
                .object = object->object, .offset = object->offset, .stored = object->stored, .size = object->size
        };
        int r;

        unpacker->started = true;
        unpacker->sent = unpacker->broken = false;
        buffer_clear(&unpacker->fetch->out);
        if (!object->delta) {
                r = pack_decoder_begin(unpacker->decoder, &entry, NULL, 0, gather, unpacker, err);
                pack_decoder_leave_hash(unpacker->decoder);
                return r;
        }
        entry.base = object->base;
        buffer_clear(&unpacker->difference);
        unpacker->difference.maximum = object->size;
        if (object->size > PACK_DELTA_SIZE_MAXIMUM ||
            fetch_base(unpacker->fetch, object->index, object->base_size, &unpacker->base, err) < 0) {
                unpacker->broken = true;
                return 0;
        }
        return pack_decoder_begin(unpacker->decoder, &entry, unpacker->base.data, unpacker->base.length, gather,
                                  unpacker, err);
}

/* A damaged difference is passed over; what fails for another reason, or in a whole object, ends everything. */
static int forgive(struct unpacker *unpacker, const struct plan_object *object, int r)
{
        if (r != -EBADMSG || !object->delta)
                return r;
        unpacker->broken = true;
        return 0;
}

static int finish(struct unpacker *unpacker, struct plan_object *object, struct error *err)
{
        int r = 0;

        if (!unpacker->broken)
                r = forgive(unpacker, object, pack_decoder_end(unpacker->decoder, err));
        if (r < 0)
                return r;
        if (!unpacker->broken && object->delta)
                send_difference(unpacker, object);
        else if (!unpacker->broken)
                send_object(unpacker, object, unpacker->fetch->out.data, unpacker->fetch->out.length, true);
        object->done = !unpacker->broken;
        unpacker->started = false;
        unpacker->next++;
        return 0;
}

static int unpack(void *context, uint64_t offset, const void *bytes, size_t length, struct error *err)
{
        struct unpacker *unpacker = context;
        uint64_t end = offset + length;

        while (unpacker->next < unpacker->count) {
                struct plan_object *object = &unpacker->objects[unpacker->order[unpacker->next]];
                uint64_t object_end = object->offset + object->stored;
                uint64_t from = offset > object->offset ? offset : object->offset;
                uint64_t to = end < object_end ? end : object_end;
                int r = 0;

                if (object->offset >= end)
                        return 0;
                if (!unpacker->started)
                        r = begin(unpacker, object, err);
                if (r == 0 && !unpacker->broken)
                        r = forgive(unpacker, object,
                                    pack_decoder_add(unpacker->decoder, (const char *)bytes + (from - offset),
                                                     (size_t)(to - from), err));
                if (r == 0 && to == object_end)
                        r = finish(unpacker, object, err);
                if (r < 0)
                        return r;
                if (to < object_end)
                        return 0;
        }
        return 1; /* nothing of what follows is wanted */
}

static int read_pack(struct fetch *fetch, struct fetch_objects *objects, size_t number, struct unpacker *unpacker,
                     struct error *err)
{
        const struct release_pack *pack = &objects->packs[number];
        _cleanup_(memory_freep) uint32_t *order = NULL;
        char path[FETCH_PACK_PATH_SIZE];
        struct fetch_range range = { .path = path, .handle = FETCH_HANDLE_PACK(number), .size = pack->size };
        size_t count;
        uint64_t gap;
        int r = plan_order(objects->objects, objects->count, (uint32_t)number, &order, &count, err);

        if (r < 0 || count == 0)
                return r;
        fetch_pack_path(&pack->id, "pack", path);
        gap = plan_gap(objects->objects, order, count, FETCH_RANGES_MAXIMUM);
        unpacker->objects = objects->objects;
        unpacker->order = order;
        unpacker->count = count;
        unpacker->next = 0;
        range.last = objects->objects[order[count - 1]].offset + objects->objects[order[count - 1]].stored;
        while (r == 0 && unpacker->next < count) {
                size_t next = unpacker->next, behind;
                uint64_t position;

                range.from = objects->objects[order[next]].offset;
                range.to = plan_range(objects->objects, order, count, next, gap, &behind);
                r = fetch_read(fetch, &range, unpack, unpacker, &position, err);
                if (r == 0 && unpacker->next == next) /* cannot be: a range ends with an object's end */
                        r = error_set(err, -EBADMSG, _("the repository's %s is cut short"), path);
        }
        return r;
}

/* ---- The whole request ---- */

/* An empty file needs no bytes from anywhere. */
static void deliver_empty(struct fetch *fetch, struct fetch_objects *objects)
{
        struct digest empty;

        if (digest_of_bytes("", 0, &empty, NULL) < 0)
                return;
        for (size_t i = 0; i < objects->count; i++) {
                struct plan_object *object = &objects->objects[i];

                if (object->size != 0 || !digest_equal(&object->object, &empty))
                        continue;
                fetch_send(fetch, FETCH_OBJECT, (uint64_t)object->index << 2 | FETCH_OBJECT_FIRST | FETCH_OBJECT_LAST,
                           NULL, 0);
                object->done = true;
        }
}

static size_t forget_broken(struct fetch_objects *objects)
{
        size_t left = 0;

        for (size_t i = 0; i < objects->count; i++) {
                if (objects->objects[i].done)
                        continue;
                objects->objects[i].pack = PLAN_NOWHERE;
                objects->objects[i].delta = false;
                left++;
        }
        return left;
}

static int get_objects(struct fetch *fetch, struct fetch_objects *objects, struct unpacker *unpacker, struct error *err)
{
        plan_sort_objects(objects->objects, objects->count);
        deliver_empty(fetch, objects);
        for (bool deltas = true; forget_broken(objects) > 0; deltas = false) {
                int r = locate(fetch, objects, deltas, err);

                for (size_t number = 0; r == 0 && number < objects->pack_count; number++)
                        r = read_pack(fetch, objects, number, unpacker, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int fetch_objects(struct fetch *fetch, struct fetch_objects *objects, struct error *err)
{
        struct unpacker unpacker = { .fetch = fetch, .base = BUFFER_INIT(0), .difference = BUFFER_INIT(0) };
        int r;

        if (!objects)
                return 0;
        r = buffer_reserve(&fetch->out, FRAME_BODY_MAXIMUM) < 0 ? error_memory(err) : 0;
        if (r == 0)
                r = pack_decoder_new(&unpacker.decoder, err);
        if (r == 0)
                r = get_objects(fetch, objects, &unpacker, err);
        pack_decoder_free(unpacker.decoder);
        buffer_done(&unpacker.base);
        buffer_done(&unpacker.difference);
        return r;
}
