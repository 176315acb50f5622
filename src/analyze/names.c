/* names.c - open addressing with linear probing. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"
#include "base/memory.h"

#define FIRST_SLOTS 4096
#define FIRST_NAMES 1024

/* Ids from here to NAME_LOW are kept for statuses and methods. */
#define NAME_FAVOURED 44

int name_table_init(struct name_table *names, struct error *err)
{
        memset(names, 0, sizeof(*names));
        hash_start();
        names->low_next = 1; /* 0 is no name */
        names->next = NAME_LOW;
        names->slots = memory_new(FIRST_SLOTS, sizeof(*names->slots));
        names->by_id = memory_new(FIRST_NAMES, sizeof(struct name *));
        if (!names->slots || !names->by_id) {
                name_table_done(names);
                return error_memory(err);
        }
        names->mask = FIRST_SLOTS - 1;
        names->capacity = FIRST_NAMES;
        return 0;
}

void name_table_done(struct name_table *names)
{
        arena_done(&names->arena);
        free(names->slots);
        free(names->by_id);
        memset(names, 0, sizeof(*names));
}

static bool grow_slots(struct name_table *names)
{
        size_t mask = names->mask * 2 + 1;
        struct name_slot *slots = memory_new(mask + 1, sizeof(*slots));

        if (!slots)
                return false;
        for (size_t i = 0; i <= names->mask; i++) {
                size_t at = (size_t)names->slots[i].hash & mask;

                if (!names->slots[i].name)
                        continue;
                while (slots[at].name)
                        at = (at + 1) & mask;
                slots[at] = names->slots[i];
        }
        free(names->slots);
        names->slots = slots;
        names->mask = mask;
        return true;
}

static bool grow_ids(struct name_table *names)
{
        uint32_t capacity = names->capacity * 2;
        struct name **by_id = memory_resize(names->by_id, capacity, sizeof(struct name *));

        if (!by_id)
                return false;
        memset(by_id + names->capacity, 0, (capacity - names->capacity) * sizeof(struct name *));
        names->by_id = by_id;
        names->capacity = capacity;
        return true;
}

static uint32_t new_id(struct name_table *names, enum name_kind kind)
{
        if ((kind == NAME_STATUS || kind == NAME_METHOD) && names->low_next < NAME_LOW)
                return names->low_next++;
        return names->next++;
}

static struct name *make(struct name_table *names, enum name_kind kind, const char *text, size_t length, uint64_t hash)
{
        struct name *name;

        if (names->next == NAME_MAXIMUM || (names->next + 1 >= names->capacity && !grow_ids(names)) ||
            (names->used * 2 > names->mask && !grow_slots(names)))
                return NULL;
        name = arena_take(&names->arena, sizeof(*name) + length + 1);
        if (!name)
                return NULL;
        memset(name, 0, sizeof(*name));
        name->hash = hash;
        name->kind = (uint8_t)kind;
        name->fresh = true;
        name->length = (uint32_t)length;
        if (length)
                memcpy(name->text, text, length);
        name->text[length] = '\0';
        name->id = new_id(names, kind);
        names->by_id[name->id] = name;
        names->used++;
        return name;
}

void name_table_favour(struct name_table *names, struct name *name)
{
        if (names->low_next >= NAME_FAVOURED || name->id != names->next - 1 || name->id < NAME_LOW)
                return;
        names->by_id[name->id] = NULL;
        names->next--;
        name->id = names->low_next++;
        names->by_id[name->id] = name;
}

/* The slot of the name, or the empty one where it would go. */
static struct name_slot *look(const struct name_table *names, enum name_kind kind, const char *text, size_t length,
                              uint64_t hash)
{
        for (size_t at = (size_t)hash & names->mask;; at = (at + 1) & names->mask) {
                struct name_slot *slot = &names->slots[at];

                if (!slot->name)
                        return slot;
                if (slot->hash == hash && slot->name->length == length && slot->name->kind == kind &&
                    memcmp(slot->name->text, text, length) == 0)
                        return slot;
        }
}

struct name *name_table_get_hashed(struct name_table *names, enum name_kind kind, const char *text, size_t length,
                                   uint64_t hash)
{
        struct name_slot *slot;
        struct name *name;
        size_t mask = names->mask;

        if (!length)
                text = ""; /* a field that the line lacks has no text at all */
        slot = look(names, kind, text, length, hash);
        if (slot->name)
                return slot->name;
        name = make(names, kind, text, length, hash);
        if (!name)
                return NULL;
        if (names->mask != mask) /* it grew */
                slot = look(names, kind, text, length, hash);
        *slot = (struct name_slot){ hash, name };
        return name;
}

struct name *name_table_get(struct name_table *names, enum name_kind kind, const char *text, size_t length)
{
        return name_table_get_hashed(names, kind, text, length, name_hash(kind, text, length));
}

struct name *name_table_find(const struct name_table *names, enum name_kind kind, const char *text, size_t length)
{
        return look(names, kind, text, length, name_hash(kind, text, length))->name;
}

struct name *name_table_next(const struct name_table *names, uint32_t *id)
{
        while (++*id < names->next)
                if (names->by_id[*id])
                        return names->by_id[*id];
        return NULL;
}

uint64_t name_table_bytes(const struct name_table *names)
{
        return names->arena.bytes + (names->mask + 1) * sizeof(*names->slots) + names->capacity * sizeof(struct name *);
}
