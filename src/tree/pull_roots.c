/* pull_roots.c - which root of the release goes to which folder, and that nothing stands in its way there. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "tree/pull_parts.h"

/* The folder that a root goes to: as given now, else as remembered. */
static int find_folder(const struct pull_run *run, const char *name, char folder[static PATH_MAX], struct error *err)
{
        const char *remembered = state_root_folder(run->state, name);

        if (text_equal(name, RELEASE_DOCROOT)) {
                snprintf(folder, PATH_MAX, "%s", run->state->dest);
                return 1;
        }
        for (size_t i = 0; i < run->options->root_count; i++)
                if (text_equal(run->options->roots[i].name, name)) {
                        int r = state_absolute(run->options->roots[i].folder, folder, err);

                        return r < 0 ? r : 1;
                }
        if (!remembered)
                return 0;
        snprintf(folder, PATH_MAX, "%s", remembered);
        return 1;
}

static int add_root(struct pull_run *run, const struct release_root *released, struct error *err)
{
        struct pull_root *root = &run->roots[run->root_count];
        const char *remembered = state_root_folder(run->state, released->name);
        char folder[PATH_MAX];
        int r = find_folder(run, released->name, folder, err);

        if (r < 0)
                return r;
        if (r == 0) /* a tree of which a part is not looked at is not proven */
                return error_usage(err, _("release %" PRIu64 " has a root %s; say where it goes with --root %s=DEST"),
                                   run->release.number, released->name, released->name);
        root->released = released;
        root->known = run->state->pulled && remembered && text_equal(remembered, folder);
        run->root_count++;
        return place_open(&root->place, released->name, folder, err);
}

/* By their real paths: another name of the same folder is no other folder. */
static int check_apart(const struct pull_run *run, struct error *err)
{
        for (size_t i = 0; i < run->root_count; i++)
                for (size_t j = 0; j < run->root_count; j++)
                        if (i != j && text_path_inside(run->roots[i].place.real, run->roots[j].place.real))
                                return error_usage(err, _("%s lies inside %s, but each is a root of its own"),
                                                   run->roots[i].place.folder, run->roots[j].place.folder);
        return 0;
}

/* An exchange would carry away what lies in a root: the state, or the repository that is read. */
static int check_holds_not(const struct pull_run *run, int folder, const char *what, struct error *err)
{
        char real[PATH_MAX];
        int r = fd_real_path(folder, real);

        if (r < 0)
                return error_errno(err, -r, _("cannot find out where %s is"), what);
        for (size_t i = 0; i < run->root_count; i++)
                if (text_path_inside(real, run->roots[i].place.real))
                        return error_usage(err, _("%s (%s) lies inside %s, and would be carried away; move it"), what,
                                           real, run->roots[i].place.folder);
        return 0;
}

static int check_roots(const struct pull_run *run, struct error *err)
{
        int r;

        for (size_t i = 0; i < run->options->root_count; i++)
                if (!release_root(&run->release, run->options->roots[i].name))
                        return error_usage(err, _("release %" PRIu64 " has no root %s; leave --root %s=... out"),
                                           run->release.number, run->options->roots[i].name,
                                           run->options->roots[i].name);
        r = check_apart(run, err);
        if (r == 0)
                r = check_holds_not(run, run->state->base, _("the state folder"), err);
        if (r == 0 && repository_folder(run->repository) >= 0)
                r = check_holds_not(run, repository_folder(run->repository), _("the repository"), err);
        return r;
}

/* A root that was proven until now and is no part of this release is nobody's from now on; that is not left unsaid. */
static void note_dropped_roots(const struct pull_run *run)
{
        for (size_t i = 0; i < run->state->root_count; i++)
                if (!release_root(&run->release, run->state->roots[i].name))
                        pull_note(run,
                                  _("release %" PRIu64 " has no root %s any more: %s stays as it is, and nobody "
                                    "compares it from now on"),
                                  run->release.number, run->state->roots[i].name, run->state->roots[i].folder);
}

/* The docroot first, then by name: the fixed order of the exchange. */
int pull_open_roots(struct pull_run *run, struct error *err)
{
        const struct release_root *docroot = release_root(&run->release, RELEASE_DOCROOT);
        int r;

        if (!docroot)
                return error_set(err, -EBADMSG, _("release %" PRIu64 " has no docroot"), run->release.number);
        r = add_root(run, docroot, err);
        for (size_t i = 0; i < run->release.root_count && r == 0; i++)
                if (&run->release.roots[i] != docroot)
                        r = add_root(run, &run->release.roots[i], err);
        if (r == 0)
                r = check_roots(run, err);
        if (r == 0 && run->state->pulled)
                note_dropped_roots(run);
        return r;
}
