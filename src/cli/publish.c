/* publish.c - understudy publish: makes the next release of a site and signs it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/review.h"
#include "cli/site_file.h"
#include "crypto/key.h"
#include "manifest/companion.h"
#include "manifest/entry.h"
#include "manifest/policy.h"
#include "store/publish.h"

#define LEVEL_MAXIMUM 22 /* of zstd */

enum {
        OPTION_REPO = OPTION_COMMAND,
        OPTION_KEY,
        OPTION_SITE,
        OPTION_ROOT,
        OPTION_MUTABLE,
        OPTION_IGNORE,
        OPTION_OUTSIDE_LINK,
        OPTION_FORGET,
        OPTION_OWNER,
        OPTION_ATTRIBUTES,
        OPTION_SETUID,
        OPTION_NEW_KEY,
        OPTION_PUB,
        OPTION_LEVEL,
        OPTION_NO_DELTA,
        OPTION_REVIEW,
        OPTION_YES,
        OPTION_CHECKSUMS,
};

static const struct option options[] = {
        {"repo",              required_argument, NULL, OPTION_REPO        },
        { "key",              required_argument, NULL, OPTION_KEY         },
        { "site",             required_argument, NULL, OPTION_SITE        },
        { "root",             required_argument, NULL, OPTION_ROOT        },
        { "mutable",          required_argument, NULL, OPTION_MUTABLE     },
        { "ignore",           required_argument, NULL, OPTION_IGNORE      },
        { "outside-link",     required_argument, NULL, OPTION_OUTSIDE_LINK},
        { "forget-declared",  no_argument,       NULL, OPTION_FORGET      },
        { "owner",            required_argument, NULL, OPTION_OWNER       },
        { "allow-attributes", no_argument,       NULL, OPTION_ATTRIBUTES  },
        { "allow-setuid",     no_argument,       NULL, OPTION_SETUID      },
        { "new-key",          no_argument,       NULL, OPTION_NEW_KEY     },
        { "pub",              required_argument, NULL, OPTION_PUB         },
        { "level",            required_argument, NULL, OPTION_LEVEL       },
        { "no-delta",         no_argument,       NULL, OPTION_NO_DELTA    },
        { "review",           no_argument,       NULL, OPTION_REVIEW      },
        { "yes",              no_argument,       NULL, OPTION_YES         },
        { "checksums",        required_argument, NULL, OPTION_CHECKSUMS   },
        { NULL,               0,                 NULL, 0                  },
};

struct request {
        struct common common;
        struct publish_options publish;
        const char *key;
        struct public_key root_pub; /* --pub */
        struct publish_root roots[RELEASE_ROOTS_MAXIMUM];
        char names[RELEASE_ROOTS_MAXIMUM][RELEASE_NAME_SIZE];
        size_t root_count;                                /* the docroot, which is the first, included */
        struct companion declared[RELEASE_ROOTS_MAXIMUM]; /* of each root */
        struct review_request review;
        bool wants_review;
};

static void request_done(struct request *request)
{
        for (size_t i = 0; i < LENGTH(request->declared); i++)
                companion_done(&request->declared[i]);
        fd_close(&request->review.source);
}

/* --- options --- */

static int add_root(struct request *request, const char *text, struct error *err)
{
        const char *equals = strchr(text, '=');
        char *name;

        if (!equals || equals == text || !equals[1] || equals - text >= RELEASE_NAME_SIZE)
                return error_usage(err, _("--root %s: write --root NAME=DIR, for example --root nginx=/etc/nginx"),
                                   text);
        if (request->root_count == RELEASE_ROOTS_MAXIMUM)
                return error_usage(err, _("a release has at most %d roots"), RELEASE_ROOTS_MAXIMUM);
        name = request->names[request->root_count];
        memcpy(name, text, (size_t)(equals - text));
        name[equals - text] = '\0';
        request->roots[request->root_count] = (struct publish_root){ .name = name, .source = equals + 1 };
        request->roots[request->root_count].declared = &request->declared[request->root_count];
        request->root_count++;
        return 0;
}

/* What a path is declared in: the docroot, or, as in "nginx:sites-enabled/default", another root that was named before.
 * *text is what stands behind its name. */
static struct companion *declared_root(struct request *request, const char **text)
{
        for (size_t i = 1; i < request->root_count; i++) {
                size_t length = strlen(request->names[i]);

                if (text_starts(*text, request->names[i]) && (*text)[length] == ':') {
                        *text += length + 1;
                        return &request->declared[i];
                }
        }
        return &request->declared[0];
}

/* "./css/" is "css". The copy is the caller's. */
static char *plain_path(const char *text, size_t length)
{
        while (length >= 2 && text[0] == '.' && text[1] == '/') {
                text += 2;
                length -= 2;
        }
        while (length > 0 && text[length - 1] == '/')
                length--;
        return memory_copy(text, length);
}

/* What stands behind the last colon: "html,links", or nothing. *ret_length is of what stands before it. */
static int split_allow(const char *text, size_t *ret_length, unsigned int *ret_allow, struct error *err)
{
        const char *colon = strrchr(text, ':');

        *ret_allow = 0;
        *ret_length = colon ? (size_t)(colon - text) : strlen(text);
        return colon && colon[1] ? allow_parse(colon + 1, ret_allow, err) : 0;
}

static int add_mutable(struct request *request, const char *text, struct error *err)
{
        _cleanup_(memory_freep) char *path = NULL, *target = NULL;
        struct companion *declared = declared_root(request, &text);
        const char *equals = strchr(text, '=');
        unsigned int allow;
        size_t length;
        int r;

        if (!equals || equals == text || !equals[1])
                return error_usage(err,
                                   _("--mutable %s: write --mutable PATH=TARGET, for example --mutable "
                                     "uploads=../mutable/uploads"),
                                   text);
        r = split_allow(equals + 1, &length, &allow, err);
        if (r < 0)
                return error_prefix(err, "--mutable %s", text);
        path = plain_path(text, (size_t)(equals - text));
        target = memory_copy(equals + 1, length);
        if (!path || !target)
                return error_memory(err);
        return companion_add_area(declared, path, target, allow, err);
}

static int add_ignored(struct request *request, const char *text, struct error *err)
{
        _cleanup_(memory_freep) char *path = NULL;
        struct companion *declared = declared_root(request, &text);
        unsigned int allow;
        size_t length;
        int r = split_allow(text, &length, &allow, err);

        if (r < 0)
                return error_prefix(err, "--ignore %s", text);
        path = plain_path(text, length);
        if (!path)
                return error_memory(err);
        return companion_add_ignored(declared, path, allow, err);
}

static int add_link(struct request *request, const char *text, struct error *err)
{
        struct companion *declared = declared_root(request, &text);
        _cleanup_(memory_freep) char *path = plain_path(text, strlen(text));

        return path ? companion_add_link(declared, path, err) : error_memory(err);
}

static int parse_owner(struct request *request, const char *text, struct error *err)
{
        _cleanup_(memory_freep) char *user = NULL;
        const char *colon = strchr(text, ':');
        const struct passwd *passwd;
        const struct group *group;
        uint64_t number;

        if (!colon || colon == text || !colon[1])
                return error_usage(err, _("--owner %s: write --owner USER:GROUP, by name or number"), text);
        user = memory_copy(text, (size_t)(colon - text));
        if (!user)
                return error_memory(err);
        if (text_parse_u64(user, strlen(user), ENTRY_OWNER_MAXIMUM, &number) == 0)
                request->publish.uid = (int64_t)number;
        else if ((passwd = getpwnam(user)))
                request->publish.uid = passwd->pw_uid;
        else
                return error_usage(err, _("--owner %s: there is no user %s on this machine; give the number"), text,
                                   user);
        if (text_parse_u64(colon + 1, strlen(colon + 1), ENTRY_OWNER_MAXIMUM, &number) == 0)
                request->publish.gid = (int64_t)number;
        else if ((group = getgrnam(colon + 1)))
                request->publish.gid = group->gr_gid;
        else
                return error_usage(err, _("--owner %s: there is no group %s on this machine; give the number"), text,
                                   colon + 1);
        return 0;
}

static int parse_level(struct request *request, const char *text, struct error *err)
{
        uint64_t level;

        if (text_parse_u64(text, strlen(text), LEVEL_MAXIMUM, &level) < 0 || level == 0)
                return error_usage(err, _("--level %s: write a number from 1 to %d"), text, LEVEL_MAXIMUM);
        request->publish.level = (int)level;
        return 0;
}

static int apply_option(struct request *request, int code, struct error *err)
{
        struct publish_options *publish = &request->publish;

        switch (code) {
        case OPTION_REPO: publish->repository = optarg; return 0;
        case OPTION_KEY: request->key = optarg; return 0;
        case OPTION_SITE: publish->site = optarg; return 0;
        case OPTION_ROOT: return add_root(request, optarg, err);
        case OPTION_MUTABLE: return add_mutable(request, optarg, err);
        case OPTION_IGNORE: return add_ignored(request, optarg, err);
        case OPTION_OUTSIDE_LINK: return add_link(request, optarg, err);
        case OPTION_FORGET: publish->keep_declared = false; return 0;
        case OPTION_OWNER: return parse_owner(request, optarg, err);
        case OPTION_ATTRIBUTES: publish->allow_attributes = true; return 0;
        case OPTION_SETUID: publish->allow_setuid = true; return 0;
        case OPTION_NEW_KEY: publish->new_key = true; return 0;
        case OPTION_PUB:
                publish->root_pub = &request->root_pub;
                return public_key_read(optarg, &request->root_pub, err);
        case OPTION_LEVEL: return parse_level(request, optarg, err);
        case OPTION_NO_DELTA: publish->delta = false; return 0;
        case OPTION_REVIEW: request->wants_review = true; return 0;
        case OPTION_YES: request->review.yes = true; return 0;
        case OPTION_CHECKSUMS: request->review.checksums = optarg; return 0;
        default: return -EINVAL; /* command_option() has told what is wrong */
        }
}

/* --- review --- */

static int review(void *context, const struct release *release, int manifest_fd, int previous_manifest_fd,
                  struct error *err)
{
        const struct request *request = context;

        progress_end();
        return review_before_signing(&request->review, release, manifest_fd, previous_manifest_fd, err);
}

static int prepare_review(struct request *request, struct error *err)
{
        if (!request->wants_review)
                return 0;
        request->review.folder = request->roots[0].source;
        request->review.source = open(request->review.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (request->review.source < 0)
                return error_errno(err, errno, _("cannot open the folder %s to publish it"), request->review.folder);
        request->publish.review = review;
        return 0;
}

/* --- results --- */

static void show_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
        const struct request *request = context;

        progress_show(&request->common, what, done, total);
}

static void show_note(void *context, const char *sentence)
{
        const struct request *request = context;

        progress_end();
        if (!request->common.quiet)
                fprintf(stderr, _("understudy: note: %s\n"), sentence);
}

static double megabytes(uint64_t bytes)
{
        return (double)bytes / 1e6;
}

static int report(const struct request *request, const struct publish_result *result)
{
        if (request->common.json)
                return command_print_json(json_pack(
                        "{s:I, s:s, s:I, s:I, s:I, s:I}", "release", (json_int_t)result->number, "site", result->site,
                        "files", (json_int_t)result->files, "bytes", (json_int_t)result->bytes, "new_objects",
                        (json_int_t)result->new_objects, "stored_bytes", (json_int_t)result->stored_bytes));
        if (request->common.quiet)
                return EXIT_DONE;
        printf(_("release %" PRIu64 " of site %s: %" PRIu64 " files, %.1f MB; %" PRIu64
                 " new objects, %.1f MB stored\n"),
               result->number, result->site, result->files, megabytes(result->bytes), result->new_objects,
               megabytes(result->stored_bytes));
        return EXIT_DONE;
}

static int make(struct request *request)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        struct error error = ERROR_NONE;
        struct publish_result result;
        int r = prepare_review(request, &error);

        if (r == 0)
                r = secret_key_read(request->key, command_password, NULL, &key, &error);
        if (r == 0) {
                request->publish.key = key;
                r = publish(&request->publish, &result, &error);
        }
        progress_end();
        return r < 0 ? command_fail(&error) : report(request, &result);
}

/* ---- the configuration ---- */

static int sign_configuration(const struct request *request)
{
        _cleanup_(site_file_done) struct site_file file = SITE_FILE_NONE;
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        const char *path = request->common.config;
        struct error error = ERROR_NONE;
        int r = secret_key_read(request->key, command_password, NULL, &key, &error);

        if (r == 0)
                r = site_file_sign(&file, path, key, request->publish.repository, &error);
        if (r < 0)
                return site_file_fail(&file, &error);
        if (request->common.json)
                return command_print_json(json_pack("{s:s, s:I}", "site", file.config->site, "serial",
                                                    (json_int_t)file.config->serial));
        if (!request->common.quiet)
                printf(_("configuration %" PRIu64 " of site %s is signed: %s.minisig\n"), file.config->serial,
                       file.config->site, path);
        return EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        _cleanup_(request_done) struct request request = {
                .publish = {.keep_declared = true, .uid = -1, .gid = -1, .delta = true },
                .root_count = 1,
                .review = { .source = -1,        .web_uid = -1               },
        };
        struct error error = ERROR_NONE;
        int code;

        while ((code = command_option(
                        argc, argv, &command_publish, options,
                        N_("Makes the next release of a site from the folder SRC and signs it. The repository is a "
                           "folder; it is made when it is missing.\n"
                           "\n"
                           "  --repo DIR              the repository\n"
                           "  --key FILE              the secret key that signs (understudy keygen)\n"
                           "  --site NAME             the site's name, said once with the first release\n"
                           "  --root NAME=DIR         a further folder of this release, for example nginx=/etc/nginx\n"
                           "  --mutable PATH=TARGET[:ALLOW]\n"
                           "                          the application writes there: the release gets a link to "
                           "TARGET,\n"
                           "                          which lies outside, for example uploads=../mutable/uploads\n"
                           "  --ignore PATH[:ALLOW]   not part of the release, and not compared\n"
                           "  --outside-link PATH     a symbolic link that may lead out of the tree\n"
                           "  --forget-declared       drop what the release before declared by these three\n"
                           "  --owner USER:GROUP      owner of everything (as found)\n"
                           "  --allow-attributes      release extended attributes, ACLs, capabilities and flags, too\n"
                           "  --allow-setuid          release files that are setuid or setgid\n"
                           "  --new-key               the key is another one than that of the release before\n"
                           "  --pub FILE              the root's public key: what a colleague's release declared is\n"
                           "                          kept, for this proves that his key counts\n"
                           "  --level N               zstd level, 1 to 22 (3)\n"
                           "  --no-delta              make no differences to the release before\n"
                           "  --review [--yes] [--checksums FILE]\n"
                           "                          first show what changed and what looks planted, and ask\n"
                           "                          (--yes: do not ask; FILE: the distributor's checksums)\n"
                           "\n"
                           "ALLOW is a list of code, html, control, links, execute: what may appear there.\n"
                           "A PATH in a further root is written NAME:PATH, behind its --root NAME=DIR.\n"
                           "\n"
                           "With --config FILE and no SRC it signs the site's configuration instead: FILE.minisig.\n"),
                        &request.common)) != -1) {
                if (apply_option(&request, code, &error) < 0)
                        return code == '?' ? EXIT_USAGE : command_fail(&error);
        }
        if (request.common.config && argc == optind && request.key)
                return sign_configuration(&request);
        if (request.common.config)
                return command_usage(&command_publish, _("--config FILE is signed by itself: say --key FILE, and no SRC"));
        if (argc - optind != 1 || !*argv[optind])
                return command_usage(&command_publish, _("name one folder to publish"));
        if (!request.publish.repository || !request.key)
                return command_usage(&command_publish, _("say --repo DIR and --key FILE"));
        if ((request.review.yes || request.review.checksums) && !request.wants_review)
                return command_usage(&command_publish,
                                     _("--yes and --checksums are for --review; add it, or leave them out"));
        request.roots[0] = (struct publish_root){ RELEASE_DOCROOT, argv[optind], &request.declared[0] };
        request.publish.roots = request.roots;
        request.publish.root_count = request.root_count;
        request.publish.progress = show_progress;
        request.publish.note = show_note;
        request.publish.context = &request;
        return make(&request);
}

const struct command command_publish = {
        .name = "publish",
        .run = run,
        .synopsis = "publish SRC --repo DIR --key FILE [--site NAME] [--root NAME=DIR ...] [--review [--yes]]",
        .summary = N_("make the next release of a site and sign it"),
};
