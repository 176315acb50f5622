/* delegate.c - understudy delegate: the root key names a release or a current key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "cli/command.h"
#include "cli/keylist.h"

enum { OPTION_REPO = OPTION_COMMAND, OPTION_KEY, OPTION_AS, OPTION_UNTIL };

static const struct option options[] = {
        {"repo",   required_argument, NULL, OPTION_REPO },
        { "key",   required_argument, NULL, OPTION_KEY  },
        { "as",    required_argument, NULL, OPTION_AS   },
        { "until", required_argument, NULL, OPTION_UNTIL},
        { NULL,    0,                 NULL, 0           },
};

/* A delegation that is there may only get another end. Returns 1 when the list changed, 0 when it says so already. */
static int change(struct keylist *list, enum key_role role, int64_t until, struct error *err)
{
        struct keys *keys = &list->trust->keys;
        struct delegation *delegation = keylist_find(list);

        if (!delegation) {
                if (keys->count == KEYS_COUNT_MAXIMUM)
                        return error_refuse(err, _("keys.json names %d keys already, which is the most it can"),
                                            KEYS_COUNT_MAXIMUM);
                keys->delegations[keys->count++] =
                        (struct delegation){ .key = list->pub, .role = role, .until = until };
                return 1;
        }
        if (delegation->revoked)
                return error_refuse(err,
                                    _("the key in %s was revoked, and stays so; make another one with 'understudy "
                                      "keygen'"),
                                    list->pub_path);
        if (delegation->role != role)
                return error_refuse(err,
                                    _("the key in %s is a %s key, and a key has one role; make another one for %s with "
                                      "'understudy keygen'"),
                                    list->pub_path, key_role_name(delegation->role), key_role_name(role));
        if (delegation->until == until)
                return 0;
        delegation->until = until;
        return 1;
}

static int work(struct keylist *list, enum key_role role, int64_t until, struct error *err)
{
        char id[KEY_ID_TEXT_SIZE], sentence[160];
        int r;

        r = keylist_open(list, true, err);
        if (r == 0)
                r = change(list, role, until, err);
        if (r > 0)
                r = keylist_save(list, clock_now(), err);
        if (r < 0)
                return r;
        public_key_id_text(&list->pub, id);
        snprintf(sentence, sizeof(sentence), _("The key %s is a %s key (keys.json version %" PRIu64 ")."), id,
                 key_role_name(role), list->trust->keys.version);
        return keylist_report(list, keylist_find(list), sentence);
}

static int parse_until(const char *text, int64_t *ret_until, struct error *err)
{
        if (clock_parse_utc(text, ret_until) < 0)
                return error_usage(err, _("'%s' is not a date; write 2027-06-30 or 2027-06-30T12:00:00Z"), text);
        if (*ret_until <= clock_now())
                return error_usage(err, _("the date %s is over; name one that is to come"), text);
        return 0;
}

static int run(int argc, char *argv[])
{
        _cleanup_(keylist_done) struct keylist list = KEYLIST_NONE;
        enum key_role role = ROLE_RELEASE;
        struct error error = ERROR_NONE;
        int64_t until = 0;
        int code, r;

        while ((code = command_option(
                        argc, argv, &command_delegate, options,
                        N_("Adds the public key in the file PUB to keys.json of the repository, and signs "
                           "that with the root key.\n"
                           "\n"
                           "  --repo DIR             the repository's folder; made when it is missing\n"
                           "  --key ROOTKEY          secret key of the root\n"
                           "  --as release|current   the role (release)\n"
                           "  --until DATE           the end of the delegation (none)\n"),
                        &list.common)) != -1) {
                r = 0;
                switch (code) {
                case OPTION_REPO: list.repository = optarg; break;
                case OPTION_KEY: list.key_path = optarg; break;
                case OPTION_AS: r = key_role_parse(optarg, &role, &error); break;
                case OPTION_UNTIL: r = parse_until(optarg, &until, &error); break;
                default: return EXIT_USAGE;
                }
                if (r < 0)
                        return command_fail(&error);
        }
        if (role == ROLE_ROOT)
                return command_usage(&command_delegate,
                                     _("a root key is not delegated; write --as release or --as current"));
        if (argc - optind != 1 || !list.repository || !list.key_path)
                return command_usage(&command_delegate, _("name one public key file, --repo and --key"));
        list.pub_path = argv[optind];
        r = work(&list, role, until, &error);
        return r < 0 ? command_fail(&error) : r;
}

const struct command command_delegate = {
        .name = "delegate",
        .run = run,
        .synopsis = "delegate PUB --repo DIR --key ROOTKEY [--as release|current] [--until DATE]",
        .summary = N_("name a release or current key with the root key"),
};
