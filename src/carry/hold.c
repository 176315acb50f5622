/* hold.c - files that lie beside their places, and are put there together: one sync for all of them. */
#include "carry/area.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "carry/area_parts.h"

#define MANY 8

struct one {
        int parent, to;
        char temporary[TEMPORARY_SIZE];
        char name[ENTRY_NAME_MAXIMUM + 1];
        bool done;
};

struct carry_held {
        struct one files[CARRY_HELD];
        size_t count;
};

bool carry_hold(struct carry_area *area, int *parent, const char *temporary, const char *name, int *to)
{
        struct one *one;

        if (!area->held)
                area->held = memory_new(1, sizeof(*area->held));
        if (!area->held || area->held->count == CARRY_HELD)
                return false;
        one = &area->held->files[area->held->count++];
        *one = (struct one){ .parent = fd_steal(parent), .to = fd_steal(to) };
        snprintf(one->temporary, sizeof(one->temporary), "%s", temporary);
        snprintf(one->name, sizeof(one->name), "%s", name);
        return true;
}

/* What was not put into its place has a name of ours. */
void carry_hold_drop(struct carry_area *area)
{
        for (size_t i = 0; area->held && i < area->held->count; i++) {
                struct one *one = &area->held->files[i];

                if (!one->done)
                        (void)unlinkat(one->parent, one->temporary, 0);
                fd_close(&one->parent);
                fd_close(&one->to);
        }
        free(area->held);
        area->held = NULL;
}

/*
 * A sync of a file ends with a flush of the disk's own cache, of a millisecond or more, and so would each of them. One sync of the
 * whole file system has one flush for all, but writes what others have not written yet as well: for a few files that is too much.
 */
static int sync_all(const struct carry_area *area, int (*sync_one)(const struct one *))
{
        const struct carry_held *held = area->held;
        int r = 0;

        if (held->count >= MANY)
                return syncfs(area->folder) < 0 ? -errno : 0;
        for (size_t i = 0; i < held->count && r == 0; i++)
                r = sync_one(&held->files[i]);
        return r;
}

static int sync_content(const struct one *one)
{
        return fd_sync(one->to);
}

static int sync_name(const struct one *one)
{
        return one->done ? fd_sync(one->parent) : 0;
}

/* A file that could not be written is told of here: syncfs(2) does so since Linux 5.8 only. */
static int write_contents(const struct carry_held *held)
{
        static const unsigned int steps[] = { SYNC_FILE_RANGE_WRITE,
                                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER };

        for (size_t k = 0; k < LENGTH(steps); k++)
                for (size_t i = 0; i < held->count; i++)
                        if (sync_file_range(held->files[i].to, 0, 0, steps[k]) < 0 && errno != ENOSYS)
                                return -errno;
        return 0;
}

static int put_all(struct carry_held *held, json_t *outcomes)
{
        int r = 0;

        for (size_t i = 0; i < held->count && r == 0; i++) {
                struct one *one = &held->files[i];

                r = carry_put(one->parent, one->temporary, one->name, -1);
                one->done = r == 0;
                if (r == 0 || r == -ESTALE)
                        r = json_array_append_new(outcomes, json_string(r == 0 ? "done" : "changed")) < 0 ? -ENOMEM : 0;
        }
        return r;
}

int carry_settle(struct carry_area *area, json_t *result, struct error *err)
{
        json_t *outcomes = json_array();
        int r = carry_area_lock(area, err);

        if (r == 0 && area->held) {
                r = write_contents(area->held);
                if (r == 0)
                        r = sync_all(area, sync_content);
                if (r == 0)
                        r = put_all(area->held, outcomes);
                if (r == 0)
                        r = sync_all(area, sync_name);
                if (r < 0)
                        error_errno(err, -r, _("cannot write into the mutable area %s"), area->name);
        }
        if (r != -EBUSY) /* another one's request: it is asked for again */
                carry_hold_drop(area);
        if (r == 0 && json_object_set(result, "outcomes", outcomes) < 0)
                r = error_memory(err);
        json_decref(outcomes);
        return r;
}
