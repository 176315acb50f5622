/* refresh.c - understudy refresh: a fresh note that says which release is the newest. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "crypto/digest.h"
#include "crypto/signature.h"
#include "manifest/trust.h"
#include "store/folder.h"

#define VALID_DEFAULT_S (INT64_C(7) * 86400)

enum { OPTION_REPO = OPTION_COMMAND, OPTION_KEY, OPTION_VALID };

static const struct option options[] = {
        {"repo",   required_argument, NULL, OPTION_REPO },
        { "key",   required_argument, NULL, OPTION_KEY  },
        { "valid", required_argument, NULL, OPTION_VALID},
        { NULL,    0,                 NULL, 0           },
};

struct request {
        struct common common;
        const char *repository;
        const char *key_path;
        int64_t valid_s;
};

/*
 * Whom servers will believe, so that no note is made that they refuse. The root's public key is not at hand where the
 * current key is used, so the list's own signature is not checked here; every server does.
 */
static int read_keys(const struct folder *folder, struct trust *trust, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);
        int r;

        r = file_read(folder->fd, "keys.json", &text, err);
        if (r == -ENOENT)
                return error_refuse(
                        err,
                        _("the repository %s has no keys.json: with a single release key there is no current "
                          "note; name the keys with 'understudy delegate' first"),
                        folder->path);
        if (r < 0)
                return error_prefix(err, _("in the repository %s"), folder->path);
        trust->root_mode = true;
        return keys_parse(buffer_text(&text), text.length, &trust->keys, err);
}

/* The newest release; a note that names one that no server would take would only stop them all. */
static int read_release(const struct folder *folder, const struct trust *trust, struct current *current,
                        struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(release_done) struct release release = { 0 };
        char name[64];
        int r;

        r = folder_newest(folder, &current->release, err);
        if (r < 0)
                return r;
        if (current->release == 0)
                return error_set(err, -ENOENT,
                                 _("the repository %s has no release yet; run 'understudy publish' first"),
                                 folder->path);
        snprintf(name, sizeof(name), "releases/%" PRIu64 "/release.json", current->release);
        r = folder_read(folder, name, &text, &signature, err);
        if (r == 0)
                r = trust_release(trust, &text, &signature, current->release, NULL, &release, err);
        if (r < 0)
                return error_prefix(err, _("the newest release %" PRIu64 " cannot be named as current"),
                                    current->release);
        memcpy(current->site, release.site, sizeof(current->site));
        return digest_of_bytes(text.data, text.length, &current->digest, err);
}

/* Servers refuse to go back; so does this. A note that is none is replaced. */
static int check_forward(const struct folder *folder, const struct current *current, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CURRENT_MAXIMUM);
        struct current before;
        int r;

        r = file_read(folder->fd, "current.json", &text, err);
        if (r < 0 && r != -ENOENT)
                return error_prefix(err, _("in the repository %s"), folder->path);
        if (r == -ENOENT || current_parse(buffer_text(&text), text.length, &before, NULL) < 0 ||
            before.release < current->release)
                return 0;
        if (before.release == current->release && digest_equal(&before.digest, &current->digest))
                return 0;
        return error_refuse(err,
                            _("the current note names release %" PRIu64 ", but the newest that is there is another "
                              "release %" PRIu64
                              "; servers would refuse to go back: restore the repository, or publish "
                              "a new release"),
                            before.release, current->release);
}

/* A note ends with its key's delegation at the latest. */
static int64_t end_of_note(const struct keys *keys, const struct public_key *pub, int64_t now, int64_t valid_s)
{
        int64_t end = now + valid_s;

        for (size_t i = 0; i < keys->count; i++) {
                const struct delegation *delegation = &keys->delegations[i];

                if (public_key_equal(&delegation->key, pub) && delegation->until && delegation->until < end)
                        end = delegation->until;
        }
        return end;
}

static int write_note(const struct folder *folder, const struct secret_key *key, const struct current *current,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CURRENT_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        char comment[RELEASE_COMMENT_SIZE];
        int r;

        trust_current_comment(current->site, current->release, comment);
        r = current_format(current, &text, err);
        if (r == 0)
                r = signature_make(key, text.data, text.length, comment, &signature, err);
        if (r == 0)
                r = folder_replace(folder, "current.json", &text, &signature, err);
        return r;
}

static int refresh(const struct request *request, struct current *ret_current, struct error *err)
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        _cleanup_(folder_done) struct folder folder = FOLDER_NONE;
        _cleanup_(memory_freep) struct trust *trust = memory_new(1, sizeof(*trust));
        struct current current = { .created = clock_now() };
        int r;

        if (!trust)
                return error_memory(err);
        r = secret_key_read(request->key_path, command_password, NULL, &key, err);
        if (r == 0)
                r = folder_open(request->repository, false, &folder, err);
        if (r == 0)
                r = read_keys(&folder, trust, err);
        if (r == 0)
                r = trust_may_sign(&trust->keys, secret_key_public(key), ROLE_CURRENT, current.created, err);
        if (r == 0)
                r = read_release(&folder, trust, &current, err);
        if (r == 0)
                r = check_forward(&folder, &current, err);
        if (r < 0)
                return r;
        current.expires = end_of_note(&trust->keys, secret_key_public(key), current.created, request->valid_s);
        r = write_note(&folder, key, &current, err);
        if (r == 0)
                *ret_current = current;
        return r;
}

static int report(const struct request *request, const struct current *current)
{
        char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE];

        clock_format_utc(current->created, created);
        clock_format_utc(current->expires, expires);
        if (request->common.json)
                return command_print_json(json_pack("{s:s, s:I, s:s, s:s}", "site", current->site, "release",
                                                    (json_int_t)current->release, "created", created, "expires",
                                                    expires));
        if (!request->common.quiet)
                printf(_("Release %" PRIu64 " of %s is the newest, until %s.\n"), current->release, current->site,
                       expires);
        return EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        struct request request = { .valid_s = VALID_DEFAULT_S };
        struct error error = ERROR_NONE;
        struct current current;
        int code;

        while ((code = command_option(
                        argc, argv, &command_refresh, options,
                        N_("Writes current.json, which names the newest release of the repository, and signs "
                           "it with a current key.\n"
                           "\n"
                           "  --repo DIR         the repository's folder\n"
                           "  --key CURRENTKEY   secret key of role current\n"
                           "  --valid DURATION   how long the note holds, such as 12h or 7d (7d)\n"),
                        &request.common)) != -1) {
                switch (code) {
                case OPTION_REPO: request.repository = optarg; break;
                case OPTION_KEY: request.key_path = optarg; break;
                case OPTION_VALID:
                        if (clock_parse_duration(optarg, &request.valid_s, &error) < 0)
                                return command_fail(&error);
                        break;
                default: return EXIT_USAGE;
                }
        }
        if (argc != optind || !request.repository || !request.key_path)
                return command_usage(&command_refresh, _("name --repo and --key"));
        if (refresh(&request, &current, &error) < 0)
                return command_fail(&error);
        return report(&request, &current);
}

const struct command command_refresh = {
        .name = "refresh",
        .run = run,
        .synopsis = "refresh --repo DIR --key CURRENTKEY [--valid DURATION]",
        .summary = N_("renew the note that says which release is the newest"),
};
