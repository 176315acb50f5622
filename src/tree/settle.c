/*
 * settle.c - after the exchange: kept files, state, evidence, and the removal of the old trees; and what a crashed run
 * left. Every step looks first whether it was done already, so the recovery is the same code.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "tree/evidence.h"
#include "tree/mounts.h"
#include "tree/pull_run.h"

#define KEPT      "kept"
#define KEPT_NEXT "kept.next"

/* ---- kept files and state ---- */

/* The number that STATE/dest/X/kept.next/release.json says; 0 when there is none. That it cannot be read is a failure:
 * taken for "none", the old kept files would stay for ever. */
static int next_number(const struct state *state, uint64_t *ret_number, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        struct release release;
        int r = file_read(state->folder, KEPT_NEXT "/release.json", &text, err);

        if (r == -ENOENT) {
                *ret_number = 0;
                return 0;
        }
        if (r == 0)
                r = release_parse(buffer_text(&text), text.length, &release, err);
        if (r < 0)
                return r;
        *ret_number = release.number;
        release_done(&release);
        return 0;
}

static int swap_kept(struct state *state, struct error *err)
{
        uint64_t number;
        int r = next_number(state, &number, err);

        if (r < 0)
                return r;
        if (number != state->intent.to)
                return 0; /* done before a crash */
        r = rename_at(state->folder, KEPT_NEXT, state->folder, KEPT, RENAME_EXCHANGE);
        if (r == -ENOENT)
                r = rename_at(state->folder, KEPT_NEXT, state->folder, KEPT, RENAME_NOREPLACE);
        if (r == 0)
                r = fd_sync(state->folder);
        if (r < 0)
                return error_errno(err, -r, _("the new tree of %s is in place, but its manifests cannot be kept"),
                                   state->dest);
        return 0;
}

static int save_in_place(struct state *state, struct error *err)
{
        const struct state_intent *intent = &state->intent;
        bool same_key = state->pulled && public_key_equal(&state->pub, &intent->pub);

        state->keys_version =
                same_key && state->keys_version > intent->keys_version ? state->keys_version : intent->keys_version;
        if (state->accepted < intent->to)
                state->accepted = intent->to;
        state->pub = intent->pub;
        state->root_mode = intent->root_mode;
        memcpy(state->site, intent->site, sizeof(state->site));
        state->release = intent->to;
        memcpy(state->roots, intent->roots, sizeof(state->roots));
        state->root_count = intent->root_count;
        state->pulled = true;
        state->verification = (struct state_verification){ .time = clock_now(), .genuine = true };
        clock_boot_id(state->verification.boot_id);
        return state_accept(state, &state->pub, state->site, state->accepted, state->keys_version, err);
}

/* ---- the parked trees ---- */

/* After a crash right behind the exchange the old tree still has the staged one's name. */
static int park_again(struct place *place, struct error *err)
{
        struct stat st;
        int r;

        if (!place->exchanged || fstatat(place->sibling, STAGED_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        r = rename_at(place->sibling, STAGED_NAME, place->sibling, PARKED_NAME, RENAME_NOREPLACE);
        if (r < 0)
                return error_errno(err, -r, _("cannot park the old tree of %s"), place->folder);
        return 0;
}

struct mount_context {
        struct pull_run *run;
        const struct place *place;
};

static int note_mount(void *context, const char *line, struct error *err)
{
        const struct mount_context *mount = context;

        pull_note(mount->run, _("a mount inside %s was carried away with the old tree and detached: %s"),
                  mount->place->folder, line);
        return mount->run->evidence ? evidence_mount(mount->run->evidence, mount->place->name, line, err) : 0;
}

/* Neither evidence nor deletion ever crosses a mount: they are noted, then detached. */
int settle_take_evidence(struct pull_run *run, struct place *place, const char *parked, struct error *err)
{
        struct mount_context context = { run, place };
        _cleanup_(fd_closep) int old =
                open_beneath(place->sibling, parked, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        int r = 0;

        if (old >= 0)
                r = mounts_list(old, note_mount, &context, err);
        if (r == 0 && run->evidence)
                r = evidence_collect(run->evidence, place->name, place->sibling, parked, err);
        if (r == 0 && old >= 0)
                mounts_detach(old);
        return r;
}

int settle_finish_evidence(struct pull_run *run, const struct evidence_head *head, struct error *err)
{
        int r;

        if (!run->evidence)
                return 0;
        r = evidence_finish(run->evidence, head, run->result->evidence, err);
        if (r == 0 && evidence_left_out(run->evidence) > 0)
                pull_note(run, _("%llu files of the evidence could not be kept; the report in %s names them"),
                          (unsigned long long)evidence_left_out(run->evidence), run->result->evidence);
        evidence_free(run->evidence);
        run->evidence = NULL;
        return r;
}

static void remove_old(struct pull_run *run, struct place *place)
{
        struct error error = ERROR_NONE;

        if (place->sibling < 0)
                return;
        fd_close(&place->live);
        if (tree_remove(place->sibling, PARKED_NAME, &error) < 0)
                pull_note(run, _("the old tree of %s could not be removed from %s: %s"), place->folder,
                          place->sibling_name, error.text);
        (void)tree_remove(place->sibling, STAGED_NAME, NULL);
        (void)tree_remove(place->sibling, LEFTOVER_NAME, NULL);
        (void)tree_remove(place->sibling, MENDED_NAME, NULL); /* of a mend that was killed before it had begun */
        if (place_remove_stuck(place) > 0)
                pull_note(run, _("what could not be removed of older trees of %s is still in %s"), place->folder,
                          place->sibling_name);
        place_sibling_done(place);
}

void settle_clean_up(struct pull_run *run, struct place *place)
{
        if (place_sibling(place, false, NULL) == 0)
                remove_old(run, place);
}

int settle(struct pull_run *run, struct place *places[], size_t count, struct error *err)
{
        struct state *state = run->state;
        const struct evidence_head head = { .time = state->intent.time,
                                            .dest = state->dest,
                                            .site = state->site,
                                            .release_before = state->intent.from,
                                            .release = state->intent.to };
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++)
                r = park_again(places[i], err);
        if (r == 0)
                r = swap_kept(state, err);
        if (r == 0)
                r = save_in_place(state, err);
        if (r == 0 && count > 0)
                r = state_save(state, err);
        for (size_t i = 0; i < count && r == 0; i++)
                if (places[i]->sibling >= 0)
                        r = settle_take_evidence(run, places[i], PARKED_NAME, err);
        if (r == 0)
                r = settle_finish_evidence(run, &head, err);
        if (r < 0) {
                error_prefix(err,
                             _("release %llu is in place, but not everything after it could be done; run the same "
                               "command again"),
                             (unsigned long long)state->intent.to);
                return r;
        }
        for (size_t i = 0; i < count; i++)
                remove_old(run, places[i]);
        (void)tree_remove(state->folder, KEPT_NEXT, NULL);
        state->intent.present = false;
        return state_save(state, err);
}

/* ---- what a crashed run left ---- */

static uint64_t inode_of(int folder, const char *name)
{
        struct stat st;

        return folder >= 0 && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

/* Looks where the staged tree of one root is. */
static int observe(struct place *place, const struct state_root *root, uint64_t inode, struct error *err)
{
        int r = place_open(place, root->name, root->folder, err);

        if (r < 0)
                return r;
        r = place_sibling(place, false, err);
        if (r < 0 && r != -ENOENT)
                return r;
        place->staged_inode = inode;
        place->exchanged = place->exists && place->found.stx_ino == inode;
        return 0;
}

static int finish_interrupted(struct pull_run *run, struct place *places[], size_t count, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++)
                if (!places[i]->exchanged && inode_of(places[i]->sibling, STAGED_NAME) == places[i]->staged_inode)
                        r = exchange_place(places[i], err);
        if (r == 0) {
                pull_reload(run); /* perhaps a second time */
                r = evidence_resume(run->state, run->options->evidence_bytes, &run->evidence, err);
        }
        return r < 0 ? r : settle(run, places, count, err);
}

/* Nothing was exchanged: the run never happened, but for the tree it was building, which is a source of contents now.
 */
static int forget_interrupted(struct pull_run *run, struct error *err)
{
        run->state->intent.present = false;
        return state_save(run->state, err);
}

int settle_interrupted(struct pull_run *run, struct error *err)
{
        const struct state_intent *intent = &run->state->intent;
        struct place *places[RELEASE_ROOTS_MAXIMUM] = { NULL };
        struct place *all;
        size_t count = intent->root_count;
        bool any = false;
        int r = 0;

        if (!intent->present)
                return 0;
        all = memory_new(count, sizeof(*all));
        if (!all)
                return error_memory(err);
        for (size_t i = 0; i < count; i++) {
                place_init(&all[i]);
                places[i] = &all[i];
        }
        for (size_t i = 0; i < count && r == 0; i++) {
                r = observe(&all[i], &intent->roots[i], intent->inode[i], err);
                any = any || all[i].exchanged;
        }
        if (r == 0)
                r = any ? finish_interrupted(run, places, count, err) : forget_interrupted(run, err);
        for (size_t i = 0; i < count; i++)
                place_done(&all[i]);
        free(all);
        return r;
}
