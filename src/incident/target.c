/* target.c - exact names in a small hash table, prefixes in a list. */
#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define FIRST_SLOTS 64U

void targets_done(struct targets *targets)
{
        for (size_t i = 0; i < targets->count; i++)
                free(targets->names[i].text);
        free(targets->names);
        free(targets->slots);
        free(targets->prefixes);
        *targets = (struct targets){ 0 };
}

/* Those who choose paths of requests gain nothing by meeting here: the names are the operator's, a probe is short. */
static uint32_t hash_of(const char *text, size_t length)
{
        uint32_t hash = UINT32_C(2166136261);

        for (size_t i = 0; i < length; i++)
                hash = (hash ^ (unsigned char)text[i]) * UINT32_C(16777619);
        return hash ^ hash >> 15;
}

static uint32_t *look(const struct targets *targets, const char *text, size_t length)
{
        for (uint32_t at = hash_of(text, length);; at++) {
                uint32_t *slot = &targets->slots[at & targets->mask];

                if (!*slot || (targets->names[*slot - 1].length == length &&
                               memcmp(targets->names[*slot - 1].text, text, length) == 0))
                        return slot;
        }
}

static int grow(struct targets *targets)
{
        uint32_t mask = targets->slots ? targets->mask * 2 + 1 : FIRST_SLOTS - 1, *old = targets->slots;
        uint32_t *slots = memory_new((size_t)mask + 1, sizeof(*slots));

        if (!slots)
                return -ENOMEM;
        targets->slots = slots;
        targets->mask = mask;
        for (size_t i = 0; i < targets->count; i++)
                if (!targets->names[i].prefix)
                        *look(targets, targets->names[i].text, targets->names[i].length) = (uint32_t)i + 1;
        free(old);
        return 0;
}

static int add_name(struct targets *targets, const char *path, size_t length, uint16_t value, bool prefix,
                    struct error *err)
{
        char *text;

        if (targets->count == TARGETS_MAXIMUM)
                return error_set(err, -E2BIG, _("more than %d paths are affected; name a folder with '*' at its end"),
                                 TARGETS_MAXIMUM);
        if (!prefix && targets->slots && *look(targets, path, length))
                return 0;
        if ((!targets->slots || targets->count > targets->mask / 2) && grow(targets) < 0)
                return error_memory(err);
        if (memory_grow(&targets->names, targets->count, sizeof(*targets->names)) < 0 ||
            (prefix && memory_grow(&targets->prefixes, targets->prefix_count, sizeof(*targets->prefixes)) < 0))
                return error_memory(err);
        text = memory_copy(path, length);
        if (!text)
                return error_memory(err);
        targets->names[targets->count] = (struct target_name){ text, length, value, prefix };
        if (prefix)
                targets->prefixes[targets->prefix_count++] = targets->count;
        else {
                *look(targets, text, length) = (uint32_t)targets->count + 1;
                targets->lengths[length / 64] |= UINT64_C(1) << length % 64;
        }
        targets->count++;
        return 0;
}

int targets_add(struct targets *targets, const char *path, uint16_t value, struct error *err)
{
        static const char index[] = "/index.";
        char normal[TARGET_PATH_MAXIMUM];
        size_t length = strlen(path);
        bool prefix = text_ends(path, "*");
        const char *slash;
        int r;

        if (length && prefix)
                length--;
        length = target_normalise(path, length, normal);
        if (!length || *normal != '/')
                return error_usage(err, _("'%s' is no path of a site: write it as visitors ask for it, '/login.html'"),
                                   path);
        r = add_name(targets, normal, length, value, prefix, err);
        if (r < 0 || prefix)
                return r;
        slash = memrchr(normal, '/', length);
        if (length - (size_t)(slash - normal) > sizeof(index) - 1 && memcmp(slash, index, sizeof(index) - 1) == 0)
                r = add_name(targets, normal, (size_t)(slash - normal) + 1, value, false, err);
        return r;
}

/* The segment that has just ended may be "." or "..": back to where the next one begins. */
static size_t settle_dots(const char *out, size_t used)
{
        if (used >= 2 && out[used - 1] == '.' && out[used - 2] == '/')
                return used - 1;
        if (used >= 3 && memcmp(out + used - 3, "/..", 3) == 0) {
                const char *before = used > 3 ? memrchr(out, '/', used - 3) : NULL;

                return before ? (size_t)(before - out) + 1 : 1;
        }
        return used;
}

size_t target_normalise(const char *path, size_t length, char out[static TARGET_PATH_MAXIMUM])
{
        size_t used = 0;

        for (size_t i = 0; i < length; i++) {
                char c = path[i];

                if (c == '%' && length - i >= 3 && text_hex_digit(path[i + 1]) >= 0 && text_hex_digit(path[i + 2]) >= 0) {
                        c = (char)(text_hex_digit(path[i + 1]) << 4 | text_hex_digit(path[i + 2]));
                        i += 2;
                }
                if (c == '/')
                        used = settle_dots(out, used);
                if (c == '/' && used && out[used - 1] == '/')
                        continue;
                if (used == TARGET_PATH_MAXIMUM)
                        return 0;
                out[used++] = c;
        }
        return settle_dots(out, used);
}

static bool is_plain(const char *path, size_t length)
{
        const char *at = path, *end = path + length;

        if (memchr(path, '%', length))
                return false;
        while ((at = memchr(at, '/', (size_t)(end - at))) && ++at < end)
                if (*at == '/' || *at == '.')
                        return false;
        return true;
}

static uint16_t find(const struct targets *targets, const char *path, size_t length)
{
        const struct target_name *best = NULL;

        if (length < TARGET_PATH_MAXIMUM && targets->lengths[length / 64] & UINT64_C(1) << length % 64) {
                uint32_t slot = *look(targets, path, length);

                if (slot)
                        return targets->names[slot - 1].value;
        }
        for (size_t i = 0; i < targets->prefix_count; i++) {
                const struct target_name *name = &targets->names[targets->prefixes[i]];

                if (length >= name->length && memcmp(path, name->text, name->length) == 0 &&
                    (!best || name->length > best->length))
                        best = name;
        }
        return best ? best->value : TARGET_NONE;
}

uint16_t targets_find(const struct targets *targets, const char *path, size_t length)
{
        char normal[TARGET_PATH_MAXIMUM];
        size_t normal_length;

        if (!targets->count)
                return TARGET_NONE;
        if (is_plain(path, length))
                return find(targets, path, length);
        normal_length = target_normalise(path, length, normal);
        return normal_length ? find(targets, normal, normal_length) : TARGET_NONE;
}
