/* stage_items.c - the lists of what is still to be made in the new tree. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tree/stage_parts.h"

void stage_item_done(struct stage_item *item)
{
        free(item->path);
        item->path = NULL;
}

void stage_item_entry(const struct stage_item *item, struct entry *ret_entry)
{
        *ret_entry = (struct entry){ .type = item->type,
                                     .path = item->path,
                                     .path_length = strlen(item->path),
                                     .mode = item->mode,
                                     .uid = item->uid,
                                     .gid = item->gid,
                                     .size = item->size,
                                     .time = item->time,
                                     .digest = item->digest };
}

int stage_item_init(struct stage_item *item, const struct entry *entry, struct pull_root *root)
{
        *item = (struct stage_item){ .root = root,
                                     .path = memory_copy(entry->path, entry->path_length),
                                     .type = entry->type,
                                     .mode = entry->mode,
                                     .uid = entry->uid,
                                     .gid = entry->gid,
                                     .size = entry->size,
                                     .time = entry->time,
                                     .digest = entry->digest };
        return item->path ? 0 : -ENOMEM;
}

int stage_list_add(struct stage_list *list, const struct stage_item *item)
{
        if (list->count == list->capacity) {
                size_t capacity = list->capacity ? list->capacity * 2 : 64;
                struct stage_item *items = memory_resize(list->items, capacity, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->capacity = capacity;
        }
        list->items[list->count++] = *item;
        return 0;
}

void stage_list_done(struct stage_list *list)
{
        for (size_t i = 0; i < list->count; i++)
                stage_item_done(&list->items[i]);
        free(list->items);
        memset(list, 0, sizeof(*list));
}
