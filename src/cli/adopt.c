/*
 * adopt.c - understudy adopt: for those whose only truth is production and FTP. Looks the tree through, and proposes
 * the first release. It signs nothing and changes nothing.
 */
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
#include "cli/adopt_copy.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "review/checksums.h"
#include "review/proposal.h"
#include "review/review.h"

#define NOTES_SHOWN  40
#define LINE_MAXIMUM (1U << 20)

enum { OPTION_INTO = OPTION_COMMAND, OPTION_CHECKSUMS, OPTION_WEB_USER };

static const struct option options[] = {
        {"into",       required_argument, NULL, OPTION_INTO     },
        { "checksums", required_argument, NULL, OPTION_CHECKSUMS},
        { "web-user",  required_argument, NULL, OPTION_WEB_USER },
        { NULL,        0,                 NULL, 0               },
};

struct request {
        struct common common;
        const char *source; /* DOCROOT or SERVER:DOCROOT */
        const char *into;
        const char *checksums;
        int64_t web_uid;
};

struct adoption {
        char folder[PATH_MAX];
        uint64_t stripped;
        struct review review;
        struct proposal proposal;
};

static void adoption_done(struct adoption *adoption)
{
        review_done(&adoption->review);
        proposal_done(&adoption->proposal);
}

static void show_progress(void *context, uint64_t files, uint64_t bytes)
{
        (void)bytes;
        progress_show(context, _("looking through files"), files, 0);
}

static int look(struct request *request, struct adoption *adoption, struct error *err)
{
        _cleanup_(checksums_freep) struct checksums *checksums = NULL;
        _cleanup_(fd_closep) int fd = -1;
        const char *folder = request->source;
        struct review_options review = { .web_uid = request->web_uid,
                                         .progress = show_progress,
                                         .context = &request->common };
        int r = 0;

        if (adopt_is_remote(request->source)) {
                if (!request->into)
                        return error_usage(err, _("name a folder for the copy of %s with --into DIR"), request->source);
                r = adopt_copy(request->source, request->into, &adoption->stripped, err);
                if (r < 0)
                        return r;
                folder = request->into;
        } else if (request->into) {
                return error_usage(err, _("--into is for a docroot on another server, as in SERVER:/var/www/html"));
        }
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || !realpath(folder, adoption->folder))
                return error_errno(err, errno, _("cannot open the docroot %s"), folder);
        r = checksums_new(&checksums, err);
        if (r == 0)
                r = checksums_add_dpkg(checksums, adoption->folder, err);
        if (r == 0 && request->checksums)
                r = checksums_add_file(checksums, request->checksums, err);
        review.checksums = checksums;
        if (r == 0)
                r = review_scan(fd, &review, &adoption->review, err);
        progress_end();
        if (r == 0)
                r = proposal_make(fd, request->web_uid, &adoption->proposal, err);
        return r;
}

/* ---------------------------------------------------------------- the line to run next */

static int add_word(json_t *words, const char *text)
{
        return json_array_append_new(words, command_json_name(text, strlen(text)));
}

/* Adds OPTION and PATH[=TARGET] to the line, and to the JSON list of its words. */
static int add_option(struct buffer *line, json_t *words, const char *option, const char *path, const char *target)
{
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT(2 * PATH_MAX);

        if (buffer_append_text(&value, path) < 0 ||
            (target && (buffer_append_byte(&value, '=') < 0 || buffer_append_text(&value, target) < 0)) ||
            buffer_printf(line, " %s ", option) < 0 || shell_quote(line, buffer_text(&value)) < 0)
                return -ENOMEM;
        return add_word(words, option) < 0 || add_word(words, buffer_text(&value)) < 0 ? -ENOMEM : 0;
}

/* The first path of a planted finding must not become an option: it would be signed as wanted. */
static int publish_line(const struct adoption *adoption, struct buffer *line, json_t *words)
{
        int r = 0;

        if (buffer_append_text(line, "understudy publish ") < 0 || shell_quote(line, adoption->folder) < 0 ||
            buffer_append_text(line, " --repo REPO --key RELEASE.key --review") < 0)
                return -ENOMEM;
        add_word(words, "understudy");
        add_word(words, "publish");
        add_word(words, adoption->folder);
        for (size_t i = 0; i < adoption->proposal.count && r == 0; i++) {
                const struct proposed *folder = &adoption->proposal.folders[i];

                r = add_option(line, words, folder->target ? "--mutable" : "--ignore", folder->path, folder->target);
        }
        for (size_t i = 0; i < adoption->review.finding_count && r == 0; i++) {
                const struct finding *finding = &adoption->review.findings[i];

                if (finding->kind == FINDING_LINK && !finding->planted)
                        r = add_option(line, words, "--outside-link", finding->path, NULL);
        }
        return r;
}

/* ---------------------------------------------------------------- what is said */

static json_t *folders_json(const struct proposal *proposal, bool mutable)
{
        json_t *list = json_array();

        for (size_t i = 0; i < proposal->count; i++) {
                const struct proposed *folder = &proposal->folders[i];
                uint64_t breaches = 0;
                json_t *object;

                if (mutable != (folder->target != NULL))
                        continue;
                for (size_t k = 1; k < LENGTH(folder->breaches); k++)
                        breaches += folder->breaches[k];
                object = json_pack("{s:o, s:I, s:I}", "path", command_json_name(folder->path, strlen(folder->path)),
                                   "files", (json_int_t)folder->files, "breaches", (json_int_t)breaches);
                if (folder->target)
                        json_object_set_new(object, "target",
                                            command_json_name(folder->target, strlen(folder->target)));
                json_array_append_new(list, object);
        }
        return list;
}

static int fail_for_memory(void)
{
        struct error error = ERROR_NONE;

        error_memory(&error);
        return command_fail(&error);
}

static int print_json(const struct adoption *adoption)
{
        _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(LINE_MAXIMUM);
        const struct review *review = &adoption->review;
        json_t *words = json_array();

        if (publish_line(adoption, &line, words) < 0) {
                json_decref(words);
                return fail_for_memory();
        }
        return command_print_json(json_pack(
                "{s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "docroot",
                command_json_name(adoption->folder, strlen(adoption->folder)), "files", (json_int_t)review->files,
                "folders", (json_int_t)review->folders, "bytes", (json_int_t)review->bytes, "planted",
                (json_int_t)review->planted, "setuid_removed", (json_int_t)adoption->stripped, "findings",
                findings_json(review), "hosts", hosts_json(review), "mutable", folders_json(&adoption->proposal, true),
                "ignored", folders_json(&adoption->proposal, false), "publish", words, "publish_line",
                command_json_name(buffer_text(&line), line.length)));
}

static void print_folder(const struct proposed *folder)
{
        struct buffer name = BUFFER_INIT(0);
        uint64_t breaches = 0;
        enum breach worst = BREACH_NONE;

        for (size_t k = 1; k < LENGTH(folder->breaches); k++) {
                breaches += folder->breaches[k];
                if (folder->breaches[k] && (worst == BREACH_NONE || k == BREACH_CODE))
                        worst = (enum breach)k;
        }
        printf("  %s: ", finding_name(&name, folder->path));
        printf(folder->target ? _("mutable, to live outside the tree; %" PRIu64 " files")
                              : _("ignored; %" PRIu64 " files"),
               folder->files);
        if (breaches) {
                printf(_(", %" PRIu64 " against the rules"), breaches);
                printf(" (%s: %s)", finding_name(&name, folder->example ? folder->example : folder->path),
                       breach_text(worst));
        }
        printf("\n");
        buffer_done(&name);
}

static int print_text(const struct adoption *adoption)
{
        _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(LINE_MAXIMUM), name = BUFFER_INIT(0);
        const struct review *review = &adoption->review;
        json_t *words = json_array();
        int r = publish_line(adoption, &line, words);

        json_decref(words);
        if (r < 0)
                return fail_for_memory();
        printf(_("%s: %" PRIu64 " files in %" PRIu64 " folders looked through.\n"),
               finding_name(&name, adoption->folder), review->files, review->folders);
        if (adoption->stripped)
                printf(_("Setuid and setgid were taken off %" PRIu64 " files of the copy.\n"), adoption->stripped);
        if (review->finding_count) {
                printf("\n%s\n", _("Findings (!! looks planted, -- a note):"));
                findings_print(stdout, review, NOTES_SHOWN);
        }
        if (review->host_count) {
                printf("\n%s\n", _("Outside hosts that pages load scripts or frames from (** named by a single file, "
                                   "or only by static pages):"));
                hosts_print(stdout, review);
        }
        if (adoption->proposal.count)
                printf("\n%s\n", _("Folders that the application seems to write itself:"));
        for (size_t i = 0; i < adoption->proposal.count; i++)
                print_folder(&adoption->proposal.folders[i]);
        printf("\n");
        if (review->planted)
                printf(_("%" PRIu64 " findings look planted. Clear them up first: what you sign is called genuine from "
                         "then on.\n"),
                       review->planted);
        else
                printf("%s\n", _("Nothing looks planted. That is no proof: read what you sign."));
        printf("%s\n  %s\n", _("Then publish the first release:"), buffer_text(&line));
        return EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        _cleanup_(adoption_done) struct adoption adoption = { .folder = "" };
        struct request request = { .web_uid = web_user(NULL) };
        struct error error = ERROR_NONE;
        int code, status;

        while ((code = command_option(
                        argc, argv, &command_adopt, options,
                        N_("Looks a docroot through for what seems planted, and proposes the first release "
                           "with its mutable areas. Nothing is signed or changed.\n"
                           "Ends in 1 when something looks planted.\n"
                           "\n"
                           "  --into DIR          where the copy of a docroot on another server goes\n"
                           "  --checksums FILE    what files should be, as sha256sum or md5sum write it\n"
                           "  --web-user NAME     the user that the web server runs as (www-data, ...)\n"),
                        &request.common)) != -1) {
                switch (code) {
                case OPTION_INTO: request.into = optarg; break;
                case OPTION_CHECKSUMS: request.checksums = optarg; break;
                case OPTION_WEB_USER:
                        request.web_uid = web_user(optarg);
                        if (request.web_uid < 0)
                                return command_usage(&command_adopt, _("there is no user %s on this machine"), optarg);
                        break;
                default: return EXIT_USAGE;
                }
        }
        if (argc - optind != 1 || !*argv[optind])
                return command_usage(&command_adopt, _("name one docroot: a folder, or SERVER:DOCROOT"));
        request.source = argv[optind];
        if (look(&request, &adoption, &error) < 0)
                return command_fail(&error);
        status = request.common.json ? print_json(&adoption) : request.common.quiet ? EXIT_DONE : print_text(&adoption);
        return status == EXIT_DONE && adoption.review.planted ? EXIT_FOUND : status;
}

const struct command command_adopt = {
        .name = "adopt",
        .run = run,
        .synopsis = "adopt DOCROOT | SERVER:DOCROOT --into DIR [--checksums FILE] [--web-user NAME]",
        .summary = N_("look a grown site through and propose its first release"),
};
