/* names.c - a short list; looked through from its start. */
#include "guard/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guard/handover.h"

void names_add(struct names *names, uint64_t hash, const char *root, const char *path)
{
        for (size_t i = 0; i < names->count; i++)
                if (names->of[i].hash == hash) {
                        names->of[i].handed = false; /* found once more since */
                        return;
                }
        if (!*path || names->count == PULL_MEND_NAMES || strlen(path) >= sizeof(names->of[0].name.path)) {
                names->useless = true;
                return;
        }
        names->of[names->count].hash = hash;
        names->of[names->count].handed = false;
        snprintf(names->of[names->count].name.root, sizeof(names->of[0].name.root), "%s", root);
        snprintf(names->of[names->count].name.path, sizeof(names->of[0].name.path), "%s", path);
        names->count++;
}

void names_hand_out(struct names *names, struct buffer *text)
{
        int r = names->useless ? -E2BIG : 0;

        for (size_t i = 0; i < names->count && r == 0; i++)
                r = handover_name_write(text, names->of[i].name.root, names->of[i].name.path);
        if (r < 0)
                text->length = 0;
        for (size_t i = 0; i < names->count; i++)
                names->of[i].handed = r == 0;
}

void names_mended(struct names *names, void (*each)(void *context, uint64_t hash), void *context)
{
        size_t left = 0;

        for (size_t i = 0; i < names->count; i++)
                if (names->of[i].handed)
                        each(context, names->of[i].hash);
                else
                        names->of[left++] = names->of[i];
        names->count = left;
}

void names_clear(struct names *names)
{
        names->count = 0;
        names->useless = false;
}
