/*
 * trees.c - which trees and mutable areas are under guard.
 *
 * A release may bring roots and areas, change an area's rules, or let go of them; the guard follows while it runs.
 * Where a root lies only the state says, which a pull writes at its very end, with its lock held: so the state is asked
 * for roots once the lock can be had, while areas are known from the release itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "guard/guard_private.h"

#define ROOTS_MS 200 /* between two tries to ask the state */

/* ---- modes ---- */

enum guard_mode trees_mode_of(const void *context, const char *root)
{
        const struct guard_options *options = context;

        for (size_t i = 0; i < options->root_mode_count; i++)
                if (strcmp(options->root_names[i], root) == 0)
                        return options->root_modes[i];
        return options->mode;
}

bool trees_want_gate(const struct guard *guard)
{
        const struct guard_options *options = guard->options;

        for (size_t i = 0; i < options->root_mode_count; i++)
                if (options->root_modes[i] != GUARD_OBSERVE)
                        return true;
        return options->mode != GUARD_OBSERVE;
}

/* ---- the gate ---- */

static bool wants_reads(const struct guard *guard, const struct site_tree *tree)
{
        struct stat machine, st;

        if (guard->options->reads != GUARD_READS_AUTO)
                return guard->options->reads == GUARD_READS_ALWAYS;
        return stat("/", &machine) == 0 && fstat(tree->root, &st) == 0 && st.st_dev != machine.st_dev;
}

static void say_no_reads(const struct guard *guard, const struct site_tree *tree)
{
        char sentence[PATH_MAX + 256];

        snprintf(sentence, sizeof(sentence),
                 _("the kernel or the file system of %s cannot ask before reads, only before opens: what a program "
                   "holds "
                   "open it can go on reading"),
                 tree->folder);
        guard->options->say(guard->options->context, sentence);
}

static bool is_gated(const struct guard *guard, const struct site_tree *tree)
{
        return guard->keeper && !tree->gone && tree->mode != GUARD_OBSERVE && tree->root >= 0;
}

static int close_for(struct guard *guard, const struct site_tree *tree, struct error *err)
{
        bool reads = wants_reads(guard, tree);
        int r = keeper_guard_file_system(guard->keeper, tree->root, &reads, err);

        if (r == 0 && guard->options->reads == GUARD_READS_ALWAYS && !reads)
                say_no_reads(guard, tree);
        return r;
}

int trees_close_gate(struct guard *guard, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < guard->site_count; i++)
                for (size_t j = 0; j < guard->sites[i].site.tree_count && r == 0; j++)
                        if (is_gated(guard, &guard->sites[i].site.trees[j]))
                                r = close_for(guard, &guard->sites[i].site.trees[j], err);
        return r;
}

static int tell_gate(struct guarded *guarded, const struct site_tree *tree, struct error *err)
{
        struct guard *guard = guarded->guard;
        int r = keeper_tree(guard->keeper, tree->number, tree->area, tree->real, tree->root, guarded->site.generation,
                            err);

        return r == 0 && tree->fresh ? close_for(guard, tree, err) : r;
}

/* ---- following a release ---- */

static void tell_changes(struct guarded *guarded)
{
        for (size_t i = 0; i < guarded->site.tree_count; i++) {
                const struct site_tree *tree = &guarded->site.trees[i];

                if (!tree->fresh)
                        continue;
                chronicle(guarded->guard, guarded, CHRONICLE_QUIET, tree->area ? "area_guarded" : "root_guarded", NULL,
                          json_pack("{s:s, s:o, s:s}", "root", tree->name, "folder",
                                    chronicle_name(tree->folder, strlen(tree->folder)), "mode",
                                    guard_mode_name(tree->mode)),
                          N_("%s came with the release and is under guard"), tree->folder);
        }
}

void trees_follow(struct guarded *guarded)
{
        struct guard *guard = guarded->guard;
        struct site *site = &guarded->site;
        struct error error = ERROR_NONE;
        int r, first = site_follow(site, &guard->plan, &error);

        if (first < 0)
                chronicle_failure(guard, guarded, "not_all_guarded", NULL, &error, N_("not all of %s is under guard"),
                                  site->state->dest);
        for (size_t i = 0; i < site->tree_count; i++)
                if (site->trees[i].fresh || site->trees[i].gone)
                        watch_forget(guard->watch, site->trees[i].number); /* the number was another folder's */
        r = pulls_verifiers(guard, &error); /* before the gate forgets: what it asks from then on is remembered */
        for (size_t i = 0; i < site->tree_count && r == 0; i++) {
                const struct site_tree *tree = &site->trees[i];

                if (!is_gated(guard, tree))
                        continue;
                r = tell_gate(guarded, tree, &error);
                keeper_forget(guard->keeper, tree->number, site->generation);
        }
        if (r < 0)
                guard->options->say(guard->options->context, error.text);
        tell_changes(guarded);
}

int64_t trees_wait_ms(const struct guarded *guarded, int64_t now_ms)
{
        if (!guarded->roots_due_ms || guarded->exchanging >= 0)
                return -1;
        return guarded->roots_due_ms > now_ms ? guarded->roots_due_ms - now_ms : 0;
}

void trees_tick(struct guarded *guarded)
{
        struct guard *guard = guarded->guard;
        struct error error = ERROR_NONE;
        int64_t now = clock_monotonic_ms();
        int r;

        if (!guarded->roots_due_ms || now < guarded->roots_due_ms || guarded->exchanging >= 0)
                return;
        r = site_read_roots(&guarded->site, guard->options->state_directory, &error);
        guarded->roots_due_ms = r == -EBUSY ? now + ROOTS_MS : 0;
        if (r < 0 && r != -EBUSY)
                guard->options->say(guard->options->context, error.text);
        if (r != 1)
                return;
        guarded->site.generation++; /* an examination that runs has the trees of before */
        trees_follow(guarded);
        pulls_examine(guarded);
}

/* A link in the tree's place: nothing is there that could be compared, but the gate refuses what it leads to. */
static int tell_gate_of_link(struct guarded *guarded, const struct site_tree *tree, struct error *err)
{
        _cleanup_(fd_closep) int folder = open(tree->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char path[PATH_MAX];

        if (folder < 0 || fd_real_path(folder, path) < 0)
                return 0;
        return keeper_tree(guarded->guard->keeper, tree->number, false, path, folder, guarded->site.generation, err);
}

void trees_look_again(struct guarded *guarded)
{
        struct site *site = &guarded->site;
        struct error error = ERROR_NONE;
        int r = 0;

        site_look_again(site);
        for (size_t i = 0; i < site->tree_count && r == 0; i++) {
                struct site_tree *tree = &site->trees[i];

                if (!guarded->guard->keeper || tree->gone || tree->mode == GUARD_OBSERVE)
                        continue;
                tree->fresh = true; /* it may lie on another file system */
                if (tree->root >= 0)
                        r = tell_gate(guarded, tree, &error);
                else if (!tree->area)
                        r = tell_gate_of_link(guarded, tree, &error);
                tree->fresh = false;
        }
        if (r < 0)
                guarded->guard->options->say(guarded->guard->options->context, error.text);
}

void trees_area_moved(struct guarded *guarded, struct site_tree *tree)
{
        struct error error = ERROR_NONE;
        struct stat st;

        if (tree->root >= 0 && lstat(tree->real, &st) == 0 && S_ISDIR(st.st_mode) && st.st_ino == tree->inode)
                return;
        site_look_again_at(tree);
        if (is_gated(guarded->guard, tree)) {
                tree->fresh = true; /* it may lie on another file system */
                if (tell_gate(guarded, tree, &error) < 0)
                        guarded->guard->options->say(guarded->guard->options->context, error.text);
        }
        pulls_examine(guarded);
}
