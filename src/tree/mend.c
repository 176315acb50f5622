/* mend.c - which names, their fresh inodes, and the exchanges. */
#include "tree/mend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "tree/evidence.h"
#include "tree/mend_parts.h"
#include "tree/pull_parts.h"
#include "tree/stage_parts.h"

#define EXCHANGE_TRIES 3 /* a name that comes and goes meanwhile */

/* ---- which names ---- */

static struct pull_root *find_root(struct pull_run *run, const char *name)
{
        for (size_t i = 0; i < run->root_count; i++)
                if (text_equal(run->roots[i].place.name, name))
                        return run->roots[i].known && run->roots[i].place.live >= 0 ? &run->roots[i] : NULL;
        return NULL;
}

static int index_of(struct mend *mend, const struct pull_root *root, struct index **ret_index, struct error *err)
{
        struct index **index = &mend->index[root - mend->run->roots];
        int r = *index ? 0 : index_new(root->manifest, root->name_manifest, index, err);

        *ret_index = *index;
        return r;
}

static bool is_there(const struct mend *mend, const struct pull_root *root, const char *path, size_t length)
{
        for (size_t i = 0; i < mend->count; i++)
                if (mend->names[i].root == root && strlen(mend->names[i].path) == length &&
                    memcmp(mend->names[i].path, path, length) == 0)
                        return true;
        return false;
}

static enum mend_step plan(const struct mend_name *name, size_t length)
{
        const struct attributes *attributes = companion_attributes(&name->root->companion, name->path);
        const struct mend_seen seen = { .entry = name->look.entry,
                                        .flags = attributes ? attributes->flags : 0,
                                        .above = name->look.path_length != length,
                                        .exists = name->look.exists,
                                        .kinds = name->look.findings.kinds };

        return mend_plan(&seen);
}

/* Looks at one name: 0 when it was taken up or need not be, -ENOTSUP without words when a mend is not enough. */
static int take_up(struct mend *mend, const struct pull_name *found, struct error *err)
{
        struct mend_name *name = &mend->names[mend->count];
        struct pull_root *root = find_root(mend->run, found->root);
        struct look_tree tree = { 0 };
        struct index *index;
        size_t length;
        int r;

        if (!root || path_check(found->path, strlen(found->path), NULL) < 0)
                return -ENOTSUP;
        r = index_of(mend, root, &index, err);
        if (r < 0)
                return r;
        length = mend_plan_cut(index, &root->companion, found->path, strlen(found->path));
        if (length == 0)
                return -ENOTSUP;
        if (is_there(mend, root, found->path, length))
                return 0;
        *name = (struct mend_name){ .place = &root->place, .root = root };
        memcpy(name->path, found->path, length);
        tree = (struct look_tree){ root->place.live, root->place.found.stx_mnt_id, index, &root->companion };
        look_init(&name->look);
        r = look_at(&tree, name->path, length, &name->look, err);
        name->entry = name->look.entry;
        name->step = r == 0 ? plan(name, length) : MEND_NOTHING;
        if (name->step == MEND_NOTHING || name->step == MEND_NOT_ENOUGH)
                look_done(&name->look);
        else
                mend->count++;
        return name->step == MEND_NOT_ENOUGH ? -ENOTSUP : r;
}

static int take_up_all(struct mend *mend, struct error *err)
{
        struct pull_name *found = memory_new(PULL_MEND_NAMES, sizeof(*found));
        const struct pull_options *options = mend->run->options;
        size_t count;
        int r = 0;

        if (!found)
                return error_memory(err);
        count = options->differing(options->context, found);
        for (size_t i = 0; i < count && r == 0; i++)
                r = take_up(mend, &found[i], err);
        free(found);
        return r;
}

/* ---- fresh inodes ---- */

static int make_folder(struct place *place, struct error *err)
{
        int r;

        if (place->staged >= 0)
                return 0;
        r = place_sibling(place, true, err);
        if (r == 0)
                r = tree_remove(place->sibling, MENDED_NAME, err); /* of a mend that was killed before it had begun */
        if (r < 0)
                return r;
        if (fault_point(FAULT_WRITE) || mkdirat(place->sibling, MENDED_NAME, 0700) < 0)
                return error_errno(err, errno, _("cannot make a folder beside %s"), place->folder);
        place->staged =
                open_beneath(place->sibling, MENDED_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (place->staged < 0) {
                r = place->staged;
                place->staged = -1;
                return error_errno(err, -r, _("cannot make a folder beside %s"), place->folder);
        }
        return 0;
}

static int make_link(const struct mend_name *name, struct error *err)
{
        const struct entry *entry = name->entry;
        _cleanup_(fd_closep) int fd = -1;

        if (fault_point(FAULT_WRITE) || symlinkat(entry->target, name->place->staged, entry->path) < 0 ||
            (fd = openat(name->place->staged, entry->path, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
                return error_errno(err, errno, _("cannot make the link %s in the new tree beside %s"), entry->path,
                                   name->place->folder);
        return stage_apply_entry(name->root, fd, entry, companion_attributes(&name->root->companion, entry->path), err);
}

static int add_file(struct mend *mend, const struct mend_name *name, struct error *err)
{
        struct stage_item item;

        if (stage_item_init(&item, name->entry, name->root) < 0)
                return error_memory(err);
        item.in_live = name->step == MEND_REPLACE; /* only its mode was changed, perhaps; the hash decides */
        if (stage_list_add(&mend->stage->jobs, &item) == 0)
                return 0;
        stage_item_done(&item);
        return error_memory(err);
}

static int add_name(struct mend *mend, const struct mend_name *name, struct error *err)
{
        char folder[PATH_MAX];
        int r = make_folder(name->place, err);

        mend_split(name->path, folder);
        if (r == 0)
                r = directory_make(name->place->staged, folder, 0700, err);
        if (r < 0 || name->step == MEND_TAKE)
                return r;
        return name->entry->type == ENTRY_LINK ? make_link(name, err) : add_file(mend, name, err);
}

/* On the disk before it is exchanged, and known by its inode. */
static int make_sure(struct mend_name *name, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;

        if (name->step == MEND_TAKE)
                return 0;
        fd = openat(name->place->staged, name->path,
                    (name->entry->type == ENTRY_LINK ? O_PATH : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || (name->entry->type == ENTRY_FILE && fd_sync(fd) < 0))
                return error_errno(err, errno, _("cannot make sure that %s beside %s is on disk"), name->path,
                                   name->place->folder);
        name->inode = st.st_ino;
        return 0;
}

static int build(struct mend *mend, struct error *err)
{
        int r = stage_new(mend->run, &mend->stage, err);

        for (size_t i = 0; i < mend->count && r == 0; i++)
                r = add_name(mend, &mend->names[i], err);
        if (r == 0)
                r = stage_run_jobs(mend->stage, err);
        if (r == 0)
                r = stage_fetch(mend->stage, err);
        if (r == 0)
                stage_flush_end(mend->stage);
        for (size_t i = 0; i < mend->count && r == 0; i++)
                r = make_sure(&mend->names[i], err);
        return r;
}

/* ---- before the first exchange ---- */

static int tell_differences(struct mend *mend, const struct mend_name *name, const struct look *look,
                            unsigned int kinds, struct error *err)
{
        const struct findings *findings = &look->findings;
        char path[PATH_MAX + 1];
        int r = 0;

        snprintf(path, sizeof(path), "%s%s", name->path,
                 kinds & DIFFERENCE_EXTRA && S_ISDIR(look->stx.stx_mode) ? "/" : "");
        for (unsigned int bit = 0; bit < FINDINGS_KINDS && r == 0; bit++) {
                const struct difference difference = { .path = path,
                                                       .path_length = strlen(path),
                                                       .kind = (enum difference_kind)(1U << bit),
                                                       .expected = findings->of[bit].expected,
                                                       .found = findings->of[bit].found,
                                                       .root = name->place->name };

                if (!(kinds & 1U << bit))
                        continue;
                mend->run->result->compared = true;
                mend->run->result->before.differences++;
                r = pull_add_difference(mend->run, &difference, err);
        }
        return r;
}

static int announce(struct mend *mend, struct error *err)
{
        struct pull_run *run = mend->run;
        const struct pull_options *options = run->options;
        struct pull_staged trees[RELEASE_ROOTS_MAXIMUM];
        size_t count = 0;

        for (size_t i = 0; i < run->root_count; i++)
                if (run->roots[i].place.staged >= 0)
                        trees[count++] = (struct pull_staged){ run->roots[i].place.name, run->roots[i].place.staged };
        return options->mending(options->context, run->release.number, run->kept_next, trees, count, mend->count, err);
}

/* Evidence, record, journal, guard: all know of it before it is done. */
static int begin(struct mend *mend, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < mend->count && r == 0; i++)
                r = tell_differences(mend, &mend->names[i], &mend->names[i].look,
                                     mend->names[i].look.findings.kinds, err);
        if (r == 0 && mend->run->evidence)
                r = evidence_sync(mend->run->evidence, err);
        if (r == 0)
                r = mend_record(mend, err);
        return r == 0 ? announce(mend, err) : r;
}

/* ---- the exchanges ---- */

static int move(const struct mend_name *name, int mended, int live, const char *base)
{
        unsigned int flags = name->step == MEND_REPLACE ? RENAME_EXCHANGE : RENAME_NOREPLACE;
        int r = -EAGAIN;

        if (name->step == MEND_TAKE) {
                r = rename_at(live, base, mended, base, RENAME_NOREPLACE);
                return r == -ENOENT ? 0 : r;
        }
        for (int i = 0; i < EXCHANGE_TRIES; i++) {
                r = rename_at(mended, base, live, base, flags);
                if (r == -ENOENT && flags == RENAME_EXCHANGE)
                        flags = RENAME_NOREPLACE;
                else if (r == -EEXIST && flags == RENAME_NOREPLACE)
                        flags = RENAME_EXCHANGE;
                else
                        break;
        }
        return r;
}

/* The folder above may have been moved away, with the fresh inode in it, and another one put in its place. */
static int check(const struct mend_name *name)
{
        _cleanup_(fd_closep) int fd = open_beneath(name->place->live, name->path, O_PATH | O_NOFOLLOW, 0, BENEATH_STRICT);
        struct stat st;

        if (name->step == MEND_TAKE)
                return fd == -ENOENT ? 0 : -ESTALE;
        return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == name->inode ? 0 : -ESTALE;
}

static int exchange(const struct mend_name *name, struct error *err)
{
        char folder[PATH_MAX];
        const char *base = mend_split(name->path, folder);
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
        _cleanup_(fd_closep) int live = open_beneath(name->place->live, folder, flags, 0, BENEATH_STRICT);
        _cleanup_(fd_closep) int mended = open_beneath(name->place->staged, folder, flags, 0, BENEATH_STRICT);
        int r = live < 0 ? live : mended < 0 ? mended : move(name, mended, live, base);

        if (r == 0)
                r = fd_sync(live);
        if (r == 0)
                r = check(name);
        return r < 0 ? error_errno(err, -r, _("cannot put %s below %s right"), name->path, name->place->folder) : 0;
}

/* What came out may be something else by then than what was seen. */
static int look_again(struct mend *mend, const struct mend_name *name, struct error *err)
{
        const struct look_tree tree = { name->place->staged, name->place->found.stx_mnt_id,
                                        mend->index[name->root - mend->run->roots], &name->root->companion };
        struct look look;
        int r;

        look_init(&look);
        r = look_at(&tree, name->path, strlen(name->path), &look, err);
        if (r == 0 && look.exists)
                r = tell_differences(mend, name, &look, look.findings.kinds & ~name->look.findings.kinds, err);
        look_done(&look);
        return r;
}

/* ---- one mend ---- */

static int finish(struct mend *mend, struct error *err)
{
        struct pull_run *run = mend->run;
        struct error error = ERROR_NONE;
        int r = 0;

        for (size_t i = 0; i < mend->count && r == 0; i++) {
                r = exchange(&mend->names[i], &error);
                run->result->mended += r == 0;
                if (r == 0)
                        r = look_again(mend, &mend->names[i], &error);
        }
        if (r < 0) /* the comparison finds what is left */
                pull_note(run, "%s", error.text);
        pull_reload(run);
        run->options->mended(run->options->context);
        return mend_settle(mend, err);
}

/* Nothing was exchanged. */
static int give_up(struct mend *mend, int r, const struct error *why, struct error *err)
{
        struct pull_run *run = mend->run;

        if (run->mending && mend_drop_record(mend, err) < 0)
                return err ? err->code : -EIO;

        if (r != -ENOTSUP)
                pull_note(run, "%s", why->text);
        if (run->evidence) {
                evidence_drop(run->evidence);
                evidence_free(run->evidence);
                run->evidence = NULL;
        }
        for (size_t i = 0; i < run->root_count; i++)
                if (run->roots[i].place.staged >= 0)
                        (void)tree_remove(run->roots[i].place.sibling, MENDED_NAME, NULL);
        run->result->before.differences = 0; /* the comparison finds them once more */
        return 0;
}

static void mend_free(struct mend *mend)
{
        struct pull_run *run = mend->run;

        stage_free(mend->stage);
        for (size_t i = 0; i < mend->count; i++)
                look_done(&mend->names[i].look);
        for (size_t i = 0; i < run->root_count; i++) {
                index_free(mend->index[i]);
                fd_close(&run->roots[i].place.staged);
        }
        free(mend->names);
}

int mend(struct pull_run *run, struct error *err)
{
        struct mend mend = { .run = run, .time = clock_now() };
        struct error why = ERROR_NONE;
        int r = 0;

        /* With a check command nothing comes in place that was not checked by it. */
        if (!run->options->differing || !run->same_release || run->options->check_command)
                return 0;
        mend.names = memory_new(PULL_MEND_NAMES, sizeof(*mend.names));
        r = mend.names ? take_up_all(&mend, &why) : error_memory(&why);
        if (r == 0 && mend.count > 0)
                r = build(&mend, &why);
        if (r == 0 && mend.count > 0)
                r = begin(&mend, &why);
        if (r < 0)
                r = give_up(&mend, r, &why, err);
        else if (mend.count > 0)
                r = finish(&mend, err);
        mend_free(&mend);
        return r;
}
