/* repository_objects.c - contents: which objects are wanted, and handing on what comes. */
#include "repository_private.h"

#include <errno.h>
#include <string.h>

#include "base/i18n.h"
#include "base/little_endian.h"
#include "base/memory.h"

#define MUCH             (UINT64_C(1) << 48) /* bytes: no pack is larger, and sums do not overflow */
#define BASES_PER_OBJECT 2                   /* a helper that asks more often is up to something */

static void format_pack(const struct release_pack *pack, uint8_t record[static FETCH_PACK_SIZE])
{
        memcpy(record, pack->id.bytes, DIGEST_SIZE);
        le64_store(record + 32, pack->size);
        memcpy(record + 40, pack->index_digest.bytes, DIGEST_SIZE);
        le64_store(record + 72, pack->index_size);
        le64_store(record + 80, pack->delta_base);
}

static void format_wanted(const struct wanted *wanted, uint8_t record[static FETCH_WANTED_SIZE])
{
        bool base = wanted->base_fd >= 0 && wanted->base_size <= FETCH_BASE_MAXIMUM;

        memcpy(record, wanted->object.bytes, DIGEST_SIZE);
        le64_store(record + 32, wanted->size);
        le64_store(record + 40, base ? wanted->base_size : UINT64_MAX);
        memcpy(record + 48, wanted->base.bytes, DIGEST_SIZE);
        memset(record + 80, 0, 8);
}

/* Sends all records, as many in a frame as fit. */
static int send_request(struct repository *repository, const struct release *release, const struct wanted *wanted,
                        size_t count, struct error *err)
{
        _cleanup_(memory_freep) uint8_t *records = memory_new(FRAME_BODY_MAXIMUM, 1);
        size_t length = 0;
        int r = 0;

        if (!records)
                return error_memory(err);
        for (size_t i = 0; r == 0 && i < release->pack_count; i++) {
                format_pack(&release->packs[i], records + length);
                length += FETCH_PACK_SIZE;
                if (i + 1 == release->pack_count || length + FETCH_PACK_SIZE > FRAME_BODY_MAXIMUM) {
                        r = repository_ask(repository, FETCH_PACKS, 0, records, length, err);
                        length = 0;
                }
        }
        for (size_t i = 0; r == 0 && i < count; i++) {
                format_wanted(&wanted[i], records + length);
                length += FETCH_WANTED_SIZE;
                if (i + 1 == count || length + FETCH_WANTED_SIZE > FRAME_BODY_MAXIMUM) {
                        r = repository_ask(repository, FETCH_WANTED, 0, records, length, err);
                        length = 0;
                }
        }
        return r == 0 ? repository_ask(repository, FETCH_OBJECTS, 0, NULL, 0, err) : r;
}

/* Which objects have come, and which one is coming. */
struct delivery {
        const struct wanted *wanted;
        size_t count, left;
        uint8_t *done;                /* one byte an object */
        const struct wanted *current; /* NULL between two of them */
        uint64_t received;            /* bytes of the current one */
        const struct repository_sink *sink;
};

/* Whether the frame may come now: objects one after the other, each once, with the size that it must have. */
static bool in_order(const struct delivery *delivery, const struct frame *frame)
{
        uint64_t index = frame->argument >> 2;
        bool first = frame->argument & FETCH_OBJECT_FIRST, last = frame->argument & FETCH_OBJECT_LAST;
        uint64_t received = first ? 0 : delivery->received;

        if (frame->verb != FETCH_OBJECT || index >= delivery->count || delivery->done[index])
                return false;
        if (first ? delivery->current != NULL : delivery->current != &delivery->wanted[index])
                return false;
        if (frame->length > delivery->wanted[index].size - received)
                return false;
        return !last || received + frame->length == delivery->wanted[index].size;
}

/* Passes one frame on to the sink. */
static int deliver(struct delivery *delivery, const struct frame *frame, const uint8_t *body, struct error *err)
{
        const struct repository_sink *sink = delivery->sink;
        uint64_t index = frame->argument >> 2;
        const struct wanted *wanted = &delivery->wanted[index];
        int r = 0;

        if (frame->argument & FETCH_OBJECT_FIRST) {
                delivery->current = wanted;
                delivery->received = 0;
                r = sink->begin(sink->context, wanted, err);
        }
        delivery->received += frame->length;
        if (r == 0 && frame->length > 0)
                r = sink->data(sink->context, wanted, body, frame->length, err);
        if (r == 0 && frame->argument & FETCH_OBJECT_LAST) {
                delivery->done[index] = 1;
                delivery->left--;
                delivery->current = NULL;
                r = sink->end(sink->context, wanted, err);
        }
        return r;
}

static int receive_objects(struct repository *repository, struct delivery *delivery, struct error *err)
{
        for (;;) {
                struct frame frame;
                int r = repository_next_frame(repository, &frame, err);

                if (r < 0) {
                        if (delivery->current) /* the sink waits for more of an object: it must not go on as if */
                                repository->broken = true;
                        return r;
                }
                if (frame.verb == FETCH_DONE && delivery->left == 0)
                        return 0;
                if (!in_order(delivery, &frame))
                        return repository_broke_rules(repository, err);
                r = deliver(delivery, &frame, repository->body, err);
                if (r < 0) {
                        repository_end_helper(repository); /* it would go on sending */
                        return r;
                }
        }
}

int repository_objects(struct repository *repository, const struct release *release, const struct wanted *wanted,
                       size_t count, const struct repository_sink *sink, struct error *err)
{
        _cleanup_(memory_freep) uint8_t *done = NULL;
        struct delivery delivery = { .wanted = wanted, .count = count, .left = count, .sink = sink };
        uint64_t bytes = 0;
        int r;

        if (count == 0)
                return 0;
        if (count > UINT32_MAX)
                return error_set(err, -E2BIG, "%s", _("too many objects are wanted at once"));
        delivery.done = done = memory_new(count, 1);
        if (!done)
                return error_memory(err);
        for (size_t i = 0; i < release->pack_count; i++)
                bytes += release->packs[i].size % MUCH + release->packs[i].index_size % MUCH;
        repository->release = release;
        repository->wanted = wanted;
        repository->wanted_count = count;
        repository->bases_left = BASES_PER_OBJECT * (uint64_t)count;
        r = send_request(repository, release, wanted, count, err);
        repository_set_patience(repository, 2 * bytes, 2 * (FETCH_RANGES_MAXIMUM + 1) * (uint64_t)release->pack_count);
        if (r == 0)
                r = receive_objects(repository, &delivery, err);
        repository->release = NULL;
        repository->wanted = NULL;
        repository->wanted_count = 0;
        return r;
}
