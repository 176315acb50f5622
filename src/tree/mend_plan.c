/* mend_plan.c - see the words beside enum mend_step. */
#include "tree/mend_plan.h"

#include <string.h>

#include "base/memory.h"
#include "manifest/difference.h"

/* What stands in the way of a rename, or is none of the tree's own names. */
#define IMMOVABLE (DIFFERENCE_MOUNT | DIFFERENCE_FLAGS)

enum mend_step mend_plan(const struct mend_seen *seen)
{
        if (seen->above || seen->kinds & IMMOVABLE)
                return MEND_NOT_ENOUGH;
        if (!seen->entry)
                return seen->exists && seen->kinds ? MEND_TAKE : MEND_NOTHING;
        if (seen->entry->type == ENTRY_DIRECTORY)
                return seen->kinds ? MEND_NOT_ENOUGH : MEND_NOTHING;
        if (seen->flags)
                return MEND_NOT_ENOUGH; /* what is immutable cannot be brought to its place */
        return seen->exists ? MEND_REPLACE : MEND_PUT;
}

static bool is_ignored(const struct companion *companion, const char *path, size_t length)
{
        _cleanup_(memory_freep) char *copy = memory_copy(path, length);

        return !copy || companion_ignored(companion, copy);
}

size_t mend_plan_cut(const struct index *index, const struct companion *companion, const char *path, size_t length)
{
        const char *slash = path;

        while ((slash = memchr(slash, '/', length - (size_t)(slash - path)))) {
                size_t above = (size_t)(slash - path);
                const struct entry *entry = index_find(index, path, above);

                if (entry ? entry->type != ENTRY_DIRECTORY : !is_ignored(companion, path, above))
                        return above;
                slash++;
        }
        return length;
}
