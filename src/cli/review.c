/*
 * review.c - publish --review: the difference to the release before, and the question.
 */
#include "cli/review.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/findings.h"
#include "review/checksums.h"

#define SHOWN       20 /* names of each kind of change */
#define NOTES_SHOWN 20

/* Up to SHOWN names behind a heading; nothing when there are none. */
static void print_paths(const char *heading, const struct review_paths *list)
{
        struct buffer name = BUFFER_INIT(0);

        if (list->total == 0)
                return;
        fprintf(stderr, "%s (%" PRIu64 ")\n", heading, list->total);
        for (size_t i = 0; i < list->count && i < SHOWN; i++)
                fprintf(stderr, "  %s\n", finding_name(&name, list->paths[i]));
        if (list->total > SHOWN)
                fprintf(stderr, _("  and %" PRIu64 " more\n"), list->total - SHOWN);
        buffer_done(&name);
}

static void show(const struct release *release, const struct review_changes *changes, bool first)
{
        if (first)
                fprintf(stderr, _("Release %" PRIu64 " of %s would be the first one: everything in it is new.\n"),
                        release->number, release->site);
        else
                fprintf(stderr, _("Release %" PRIu64 " of %s, against the one before:\n"), release->number,
                        release->site);
        print_paths(_("Added"), &changes->added);
        print_paths(_("Changed"), &changes->changed);
        print_paths(_("Removed"), &changes->removed);
        print_paths(_("New or changed programs, scripts and pages"), &changes->code);
        print_paths(_("Outside hosts that were not loaded from before"), &changes->new_hosts);
        if (changes->found.host_count) {
                fprintf(stderr, "%s\n", _("Outside hosts that these files load scripts or frames from"));
                hosts_print(stderr, &changes->found);
        }
        if (changes->found.finding_count) {
                fprintf(stderr, "%s\n", _("Look at these (!! looks planted)"));
                findings_print(stderr, &changes->found, NOTES_SHOWN);
        }
        if (changes->added.total + changes->changed.total + changes->removed.total == 0)
                fprintf(stderr, "%s\n", _("No file differs."));
}

/* Asks on the terminal itself: what is piped into a command is no answer of a person. */
static int ask(const struct review_changes *changes, struct error *err)
{
        _cleanup_(fd_closep) int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        char answer[16] = "";
        size_t n = 0;

        if (terminal < 0)
                return error_refuse(err,
                                    _("nothing was signed: --review asks a person, and there is no terminal; run it "
                                      "on one, or say --yes"));
        if (changes->found.planted)
                dprintf(terminal, _("%" PRIu64 " findings look planted. Sign all the same? [yes/no] "),
                        changes->found.planted);
        else
                dprintf(terminal, "%s", _("Nothing looks planted. Sign this? [yes/no] "));
        while (n < sizeof(answer) - 1 && read(terminal, answer + n, 1) == 1 && answer[n] != '\n')
                n++;
        answer[n] = '\0';
        if (text_equal(answer, "yes") || text_equal(answer, _("yes")))
                return 0;
        return error_refuse(err, _("nothing was signed: the answer was not \"yes\""));
}

static int compare(const struct review_request *request, int manifest_fd, int previous_fd,
                   struct review_changes *changes, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *previous = NULL, *next = NULL;
        _cleanup_(checksums_freep) struct checksums *checksums = NULL;
        struct review_options options = { .web_uid = request->web_uid };
        char folder[PATH_MAX];
        int r;

        if (options.web_uid < 0)
                options.web_uid = web_user(NULL);
        r = checksums_new(&checksums, err);
        if (r == 0 && request->folder && realpath(request->folder, folder))
                r = checksums_add_dpkg(checksums, folder, err);
        if (r == 0 && request->checksums)
                r = checksums_add_file(checksums, request->checksums, err);
        options.checksums = checksums;
        if (r == 0 && previous_fd >= 0)
                r = mtree_reader_new_fd(previous_fd, _("the manifest of the release before"), &previous, err);
        if (r == 0)
                r = mtree_reader_new_fd(manifest_fd, _("the new manifest"), &next, err);
        if (r == 0)
                r = review_compare(request->source, previous, next, &options, changes, err);
        return r;
}

int review_before_signing(const struct review_request *request, const struct release *release, int manifest_fd,
                          int previous_manifest_fd, struct error *err)
{
        _cleanup_(review_changes_done) struct review_changes changes = { 0 };
        int r = compare(request, manifest_fd, previous_manifest_fd, &changes, err);

        if (r < 0)
                return error_prefix(err, "%s", _("nothing was signed: the review could not be made"));
        show(release, &changes, previous_manifest_fd < 0);
        fflush(stderr);
        return request->yes ? 0 : ask(&changes, err);
}
