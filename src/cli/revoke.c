/* revoke.c - understudy revoke: the root key withdraws a release or a current key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "cli/command.h"
#include "cli/keylist.h"

enum { OPTION_REPO = OPTION_COMMAND, OPTION_KEY };

static const struct option options[] = {
        {"repo", required_argument, NULL, OPTION_REPO},
        { "key", required_argument, NULL, OPTION_KEY },
        { NULL,  0,                 NULL, 0          },
};

static int work(struct keylist *list, struct error *err)
{
        struct delegation *delegation;
        char id[KEY_ID_TEXT_SIZE], sentence[400];
        int64_t now = clock_now();
        int r;

        r = keylist_open(list, false, err);
        if (r < 0)
                return r;
        public_key_id_text(&list->pub, id);
        delegation = keylist_find(list);
        if (!delegation)
                return error_set(err, -ENOENT,
                                 _("keys.json of the repository %s does not name the key %s, so there is nothing to "
                                   "revoke"),
                                 list->folder.path, id);
        if (!delegation->revoked) { /* a second time changes nothing, also not the day */
                delegation->revoked = now;
                r = keylist_save(list, now, err);
                if (r < 0)
                        return r;
        }
        snprintf(sentence, sizeof(sentence),
                 delegation->role == ROLE_RELEASE
                         ? _("The key %s is revoked (keys.json version %" PRIu64 "): no release that it signed counts "
                             "any more. Publish again with another release key, and refresh the current note.")
                         : _("The key %s is revoked (keys.json version %" PRIu64 "): no note that it signed counts any "
                             "more. Refresh the current note with another current key."),
                 id, list->trust->keys.version);
        return keylist_report(list, delegation, sentence);
}

static int run(int argc, char *argv[])
{
        _cleanup_(keylist_done) struct keylist list = KEYLIST_NONE;
        struct error error = ERROR_NONE;
        int code, r;

        while ((code = command_option(
                        argc, argv, &command_revoke, options,
                        N_("Marks the public key in the file PUB as revoked in keys.json of the repository, "
                           "and signs that with the root key.\n"
                           "What the key has signed counts for nothing any more; a revoked key stays so.\n"
                           "\n"
                           "  --repo DIR      the repository's folder\n"
                           "  --key ROOTKEY   secret key of the root\n"),
                        &list.common)) != -1) {
                switch (code) {
                case OPTION_REPO: list.repository = optarg; break;
                case OPTION_KEY: list.key_path = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc - optind != 1 || !list.repository || !list.key_path)
                return command_usage(&command_revoke, _("name one public key file, --repo and --key"));
        list.pub_path = argv[optind];
        r = work(&list, &error);
        return r < 0 ? command_fail(&error) : r;
}

const struct command command_revoke = {
        .name = "revoke",
        .run = run,
        .synopsis = "revoke PUB --repo DIR --key ROOTKEY",
        .summary = N_("withdraw a release or current key with the root key"),
};
