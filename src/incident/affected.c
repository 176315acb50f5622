/* affected.c - the paths of all intervals and of the pages that include them. */
#include "affected.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

/* Whether an interval's path is this one, or a folder ("/x/" with '*') that it lies in. */
static bool covers(const char *interval, const char *path)
{
        size_t length = strlen(interval);

        if (text_equal(interval, path))
                return true;
        return text_ends(interval, "*") && strncmp(interval, path, length - 1) == 0;
}

static int add_link(struct affected_path *path, uint32_t interval, bool page)
{
        if (memory_grow(&path->links, path->count, sizeof(*path->links)) < 0)
                return -ENOMEM;
        path->links[path->count++] = (struct affected_link){ interval, page };
        return 0;
}

static int add_path(struct affected *affected, const struct exposure_options *options, const char *name, bool page,
                    struct error *err)
{
        struct affected_path *path;
        int r = 0;

        if (affected->count == TARGETS_MAXIMUM)
                return error_set(err, -E2BIG, _("more than %d paths are affected; name a folder with '*' at its end"),
                                 TARGETS_MAXIMUM);
        if (memory_grow(&affected->paths, affected->count, sizeof(*affected->paths)) < 0)
                return error_memory(err);
        path = &affected->paths[affected->count];
        *path = (struct affected_path){ 0 };
        affected->count++;
        for (size_t i = 0; i < options->interval_count && r == 0; i++) {
                if (covers(options->intervals[i].path, name))
                        r = add_link(path, (uint32_t)i, false);
                if (r == 0 && page)
                        r = add_link(path, (uint32_t)i, true);
        }
        return r < 0 ? error_memory(err)
                     : targets_add(&affected->targets, name, (uint16_t)(affected->count - 1), err);
}

static bool is_page(const struct exposure_options *options, const char *path)
{
        for (size_t i = 0; i < options->page_count; i++)
                if (text_equal(options->pages[i], path))
                        return true;
        return false;
}

int affected_init(struct affected *affected, const struct exposure_options *options, struct error *err)
{
        int r = 0;

        *affected = (struct affected){ 0 };
        for (size_t i = 0; i < options->interval_count && r == 0; i++) {
                const char *path = options->intervals[i].path;
                bool known = false;

                for (size_t before = 0; before < i && !known; before++)
                        known = text_equal(options->intervals[before].path, path);
                if (!known)
                        r = add_path(affected, options, path, is_page(options, path), err);
        }
        for (size_t i = 0; i < options->page_count && r == 0; i++)
                r = add_path(affected, options, options->pages[i], true, err);
        if (r < 0)
                affected_done(affected);
        return r;
}

void affected_done(struct affected *affected)
{
        for (size_t i = 0; i < affected->count; i++)
                free(affected->paths[i].links);
        free(affected->paths);
        targets_done(&affected->targets);
        *affected = (struct affected){ 0 };
}
