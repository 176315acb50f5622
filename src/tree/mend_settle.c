/* mend_settle.c - the record of a mend, and what is done when it has ended or was killed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "tree/evidence.h"
#include "tree/mend_parts.h"
#include "tree/state_private.h"

#define RECORD        "mend.json"
#define RECORD_FORMAT "understudy-mend-1"

const char *mend_split(const char *path, char folder[static PATH_MAX])
{
        const char *slash = strrchr(path, '/');

        snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
        return slash ? slash + 1 : path;
}

/* ---- mend.json ---- */

int mend_record(const struct mend *mend, struct error *err)
{
        json_t *names = json_array();

        for (size_t i = 0; i < mend->count; i++) {
                const struct mend_name *name = &mend->names[i];

                if (json_array_append_new(names, json_pack("{s:I, s:o, s:s}", "inode", (json_int_t)name->inode, "path",
                                                           state_path_to_json(name->path), "root",
                                                           name->place->name)) < 0) {
                        json_decref(names);
                        return error_memory(err);
                }
        }
        mend->run->mending = true;
        return state_write_json(mend->run->state->folder, RECORD,
                                json_pack("{s:s, s:o, s:I}", "format", RECORD_FORMAT, "names", names, "time",
                                          (json_int_t)mend->time),
                                err);
}

int mend_drop_record(const struct mend *mend, struct error *err)
{
        int folder = mend->run->state->folder;

        if ((unlinkat(folder, RECORD, 0) < 0 && errno != ENOENT) || fd_sync(folder) < 0)
                return error_errno(err, errno, _("cannot remove %s from the state folder"), RECORD);
        mend->run->mending = false;
        return 0;
}

/* ---- the end ---- */

static struct place *next_place(const struct mend *mend, size_t *at)
{
        while (*at < mend->count) {
                struct place *place = mend->names[(*at)++].place;
                size_t first = 0;

                while (mend->names[first].place != place)
                        first++;
                if (first == *at - 1)
                        return place;
        }
        return NULL;
}

static void drop_fresh(const struct mend_name *name)
{
        char folder[PATH_MAX];
        const char *base = mend_split(name->path, folder);
        _cleanup_(fd_closep) int mended = -1, parent = -1;
        struct stat st;

        if (!name->inode || name->place->sibling < 0)
                return;
        mended = open_beneath(name->place->sibling, MENDED_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                              BENEATH_STRICT);
        if (mended >= 0)
                parent = open_beneath(mended, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (parent >= 0 && fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == name->inode)
                (void)unlinkat(parent, base, 0);
}

int mend_settle(struct mend *mend, struct error *err)
{
        struct pull_run *run = mend->run;
        const struct evidence_head head = { .time = mend->time,
                                            .dest = run->state->dest,
                                            .site = run->state->site,
                                            .release_before = run->state->release,
                                            .release = run->state->release };
        struct place *place;
        size_t at = 0;
        int r = 0;

        for (size_t i = 0; i < mend->count; i++)
                drop_fresh(&mend->names[i]);
        while (r == 0 && (place = next_place(mend, &at)))
                if (place->sibling >= 0)
                        r = settle_take_evidence(run, place, MENDED_NAME, err);
        if (r == 0)
                r = settle_finish_evidence(run, &head, err);
        if (r == 0)
                r = mend_drop_record(mend, err);
        if (r < 0)
                return r;
        at = 0;
        while ((place = next_place(mend, &at)))
                if (place->sibling >= 0 && tree_remove(place->sibling, MENDED_NAME, err) < 0)
                        pull_note(run, _("what was taken out of %s could not be removed from %s"), place->folder,
                                  place->sibling_name);
        return 0;
}

/* ---- a killed run's ---- */

static int damaged(struct error *err)
{
        return error_set(err, -EBADMSG, _("%s in the state folder is damaged; move it away, then pull again"), RECORD);
}

static struct place *place_of(struct mend *mend, struct place places[], const char *root, struct error *err)
{
        const char *folder = state_root_folder(mend->run->state, root);
        size_t i = 0;
        int r;

        while (i < RELEASE_ROOTS_MAXIMUM && places[i].parent >= 0 && !text_equal(places[i].name, root))
                i++;
        if (!folder || i == RELEASE_ROOTS_MAXIMUM) {
                damaged(err);
                return NULL;
        }
        if (places[i].parent >= 0)
                return &places[i];
        r = place_open(&places[i], root, folder, err);
        if (r == 0)
                r = place_sibling(&places[i], false, err);
        return r == 0 || r == -ENOENT ? &places[i] : NULL;
}

static int read_name(struct mend *mend, struct place places[], const json_t *json, struct error *err)
{
        struct mend_name *name = &mend->names[mend->count];
        const char *root = json_string_value(json_object_get(json, "root"));
        struct error error = ERROR_NONE;

        if (!root || state_path_from_json(json_object_get(json, "path"), name->path) < 0 ||
            path_check(name->path, strlen(name->path), NULL) < 0)
                return damaged(err);
        name->inode = (uint64_t)json_integer_value(json_object_get(json, "inode"));
        name->place = place_of(mend, places, root, &error);
        if (name->place)
                mend->count++;
        else if (err)
                *err = error;
        return name->place ? 0 : error.code;
}

static int read_record(struct mend *mend, struct place places[], const json_t *json, struct error *err)
{
        const json_t *names = json_object_get(json, "names");
        int r = 0;

        mend->time = (int64_t)json_integer_value(json_object_get(json, "time"));
        if (json_array_size(names) > PULL_MEND_NAMES)
                return damaged(err);
        for (size_t i = 0; i < json_array_size(names) && r == 0; i++)
                r = read_name(mend, places, json_array_get(names, i), err);
        return r;
}

static int settle_record(struct pull_run *run, const json_t *json, struct error *err)
{
        struct mend mend = { .run = run, .names = memory_new(PULL_MEND_NAMES, sizeof(*mend.names)) };
        struct place *places = memory_new(RELEASE_ROOTS_MAXIMUM, sizeof(*places));
        int r = mend.names && places ? 0 : error_memory(err);

        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM && places; i++)
                place_init(&places[i]);
        if (r == 0)
                r = read_record(&mend, places, json, err);
        if (r == 0) {
                pull_reload(run); /* perhaps a second time */
                r = evidence_resume(run->state, run->options->evidence_bytes, &run->evidence, err);
        }
        if (r >= 0)
                r = mend_settle(&mend, err);
        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM && places; i++) {
                if (r == 0)
                        place_sibling_done(&places[i]);
                place_done(&places[i]);
        }
        free(places);
        free(mend.names);
        return r;
}

int mend_settle_interrupted(struct pull_run *run, struct error *err)
{
        json_t *json = NULL;
        int r = state_read_json(run->state->folder, RECORD, &json, err);

        if (r == -EBADMSG)
                return damaged(err);
        run->mending = r > 0;
        if (r > 0)
                r = settle_record(run, json, err);
        json_decref(json);
        return r;
}
