/* intern.c - open addressing over numbers, texts in chunks. */
#include "intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"

#define CHUNK_BYTES (1U << 20)
#define FIRST_SLOTS 1024U

struct intern_chunk {
        struct intern_chunk *next;
        char bytes[CHUNK_BYTES];
};

static uint64_t mix(uint64_t state, uint64_t word)
{
        state = (state ^ word) * UINT64_C(0x9fb21c651e98df25);
        return state ^ state >> 32;
}

static uint64_t hash_of(const struct intern *intern, const char *text, size_t length)
{
        uint64_t state = mix(intern->key, length), word = 0;

        for (; length >= sizeof(word); length -= sizeof(word), text += sizeof(word)) {
                memcpy(&word, text, sizeof(word));
                state = mix(state, word);
        }
        word = 0;
        memcpy(&word, text, length);
        return mix(mix(state, word), intern->key);
}

int intern_init(struct intern *intern, uint32_t maximum, struct error *err)
{
        *intern = (struct intern){ .maximum = maximum, .mask = FIRST_SLOTS - 1 };
        if (getrandom(&intern->key, sizeof(intern->key), GRND_NONBLOCK) != (ssize_t)sizeof(intern->key))
                intern->key = (uint64_t)clock_monotonic_ms() * UINT64_C(0x9e3779b97f4a7c15); /* before the pool is full */
        intern->slots = memory_new(FIRST_SLOTS, sizeof(*intern->slots));
        if (!intern->slots || memory_grow(&intern->texts, 0, sizeof(*intern->texts)) < 0) {
                intern_done(intern);
                return error_memory(err);
        }
        intern->texts[0] = "";
        intern->count = 1;
        return 0;
}

void intern_done(struct intern *intern)
{
        while (intern->chunks) {
                struct intern_chunk *next = intern->chunks->next;

                free(intern->chunks);
                intern->chunks = next;
        }
        free(intern->texts);
        free(intern->slots);
        *intern = (struct intern){ 0 };
}

static uint32_t length_of(const char *text)
{
        uint32_t length;

        memcpy(&length, text - sizeof(length), sizeof(length));
        return length;
}

const char *intern_text(const struct intern *intern, uint32_t number, size_t *ret_length)
{
        const char *text = intern->texts[number];

        *ret_length = number ? length_of(text) : 0;
        return text;
}

/* The slot of the text, or the empty one where it would go. */
static struct intern_slot *look(const struct intern *intern, const char *text, size_t length, uint64_t hash)
{
        for (uint64_t at = hash;; at++) {
                struct intern_slot *slot = &intern->slots[at & intern->mask];
                const char *there;

                if (!slot->number)
                        return slot;
                if (slot->hash != (uint32_t)(hash >> 32))
                        continue;
                there = intern->texts[slot->number];
                if (length_of(there) == length && memcmp(there, text, length) == 0)
                        return slot;
        }
}

static bool grow(struct intern *intern)
{
        uint32_t mask = intern->mask * 2 + 1;
        struct intern_slot *old = intern->slots, *slots = memory_new((size_t)mask + 1, sizeof(*slots));

        if (!slots)
                return false;
        intern->slots = slots;
        intern->mask = mask;
        for (uint32_t i = 1; i < intern->count; i++) {
                uint64_t hash = hash_of(intern, intern->texts[i], length_of(intern->texts[i]));

                *look(intern, intern->texts[i], length_of(intern->texts[i]), hash) =
                        (struct intern_slot){ i, (uint32_t)(hash >> 32) };
        }
        free(old);
        return true;
}

static const char *keep(struct intern *intern, const char *text, uint32_t length)
{
        size_t need = sizeof(length) + length + 1;
        char *at;

        if (!intern->chunks || intern->used + need > CHUNK_BYTES) {
                struct intern_chunk *chunk = memory_new(1, sizeof(*chunk));

                if (!chunk)
                        return NULL;
                chunk->next = intern->chunks;
                intern->chunks = chunk;
                intern->used = 0;
        }
        at = intern->chunks->bytes + intern->used;
        intern->used += need;
        memcpy(at, &length, sizeof(length));
        memcpy(at + sizeof(length), text, length);
        at[sizeof(length) + length] = '\0';
        return at + sizeof(length);
}

static size_t cut(size_t length)
{
        return length > INTERN_TEXT_MAXIMUM ? INTERN_TEXT_MAXIMUM : length;
}

int intern_add(struct intern *intern, const void *text, size_t length, uint32_t *ret_number, struct error *err)
{
        struct intern_slot *slot;
        const char *kept;
        uint64_t hash;

        if (length == 0) {
                *ret_number = 0;
                return 0;
        }
        hash = hash_of(intern, text, cut(length));
        slot = look(intern, text, cut(length), hash);
        if (slot->number) {
                *ret_number = slot->number;
                return 0;
        }
        if (intern->count >= intern->maximum)
                return error_set(err, -E2BIG, _("there are more than %u different addresses, browsers or accounts"),
                                 intern->maximum);
        if (intern->count > intern->mask / 2) {
                if (!grow(intern))
                        return error_memory(err);
                slot = look(intern, text, cut(length), hash);
        }
        kept = keep(intern, text, (uint32_t)cut(length));
        if (!kept || memory_grow(&intern->texts, intern->count, sizeof(*intern->texts)) < 0)
                return error_memory(err);
        intern->texts[intern->count] = kept;
        *slot = (struct intern_slot){ intern->count, (uint32_t)(hash >> 32) };
        *ret_number = intern->count++;
        return 0;
}

uint32_t intern_find(const struct intern *intern, const void *text, size_t length)
{
        return length ? look(intern, text, cut(length), hash_of(intern, text, cut(length)))->number : 0;
}
