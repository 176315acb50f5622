/* keygen.c - understudy keygen: makes a pair of keys in minisign's formats. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/i18n.h"
#include "base/io.h"
#include "cli/command.h"
#include "crypto/key.h"
#include "manifest/trust.h"

#define PASSWORD_MAXIMUM 1024

enum { OPTION_ROLE = OPTION_COMMAND, OPTION_NO_PASSWORD };

static const struct option options[] = {
        {"role",         required_argument, NULL, OPTION_ROLE       },
        { "no-password", no_argument,       NULL, OPTION_NO_PASSWORD},
        { NULL,          0,                 NULL, 0                 },
};

struct request {
        struct common common;
        const char *folder;
        enum key_role role;
        bool no_password;
};

/* Asked before the password is: whoever typed it twice should not be told then. */
static int check_free(const struct request *request, struct error *err)
{
        static const char *const endings[] = { "key", "pub" };

        for (size_t i = 0; i < LENGTH(endings); i++) {
                _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(8192);
                struct stat st;

                if (buffer_printf(&path, "%s/%s.%s", request->folder, key_role_name(request->role), endings[i]) < 0)
                        return error_memory(err);
                if (fstatat(AT_FDCWD, path.data, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        return error_set(err, -EEXIST,
                                         _("%s is there already; a key is never overwritten, name another folder"),
                                         path.data);
        }
        return 0;
}

static int make(const struct request *request, struct secret_key **ret_key, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer password = BUFFER_INIT(PASSWORD_MAXIMUM);
        const char *role = key_role_name(request->role);
        int r;

        r = check_free(request, err);
        if (r == 0 && !request->no_password)
                r = command_new_password(role, &password, err);
        if (r == 0)
                r = directory_make(AT_FDCWD, request->folder, 0700, err);
        if (r == 0)
                r = secret_key_generate(ret_key, err);
        if (r == 0)
                r = key_pair_write(*ret_key, request->folder, role, buffer_text(&password), err);
        return r;
}

static const char *public_use(enum key_role role)
{
        if (role == ROLE_ROOT)
                return _("goes to every server");
        if (role == ROLE_CURRENT)
                return _("name it with 'understudy delegate'");
        return _("goes to every server; with a root key name it with 'understudy delegate' instead");
}

static const char *secret_use(enum key_role role)
{
        return role == ROLE_CURRENT ? _("only on the machine that refreshes the current note")
                                    : _("never on a server; keep a copy off-line");
}

static int report(const struct request *request, const struct secret_key *key)
{
        const char *role = key_role_name(request->role);
        char text[KEY_TEXT_SIZE], id[KEY_ID_TEXT_SIZE];

        public_key_text(secret_key_public(key), text);
        public_key_id_text(secret_key_public(key), id);
        if (request->common.json)
                return command_print_json(json_pack("{s:s, s:s, s:s, s:b}", "role", role, "id", id, "public_key", text,
                                                    "encrypted", !request->no_password));
        if (request->common.quiet)
                return EXIT_DONE;
        printf(_("Made the %s key %s.\n"), role, id);
        printf(_("  public: %s/%s.pub (%s)\n"), request->folder, role, public_use(request->role));
        printf(_("  secret: %s/%s.key (%s)\n"), request->folder, role, secret_use(request->role));
        return EXIT_DONE;
}

static int run(int argc, char *argv[])
{
        _cleanup_(secret_key_freep) struct secret_key *key = NULL;
        struct request request = { .role = ROLE_RELEASE };
        struct error error = ERROR_NONE;
        int code;

        while ((code = command_option(argc, argv, &command_keygen, options,
                                      N_("Writes DIR/ROLE.pub and DIR/ROLE.key; DIR is made when it is missing, and no "
                                         "file is ever overwritten.\n"
                                         "A password is asked for twice on the terminal, or read from the file that "
                                         "UNDERSTUDY_PASSWORD_FILE names.\n"
                                         "\n"
                                         "  --role root|release|current   what the key will be used for (release)\n"
                                         "  --no-password                 leave the secret key unencrypted\n"),
                                      &request.common)) != -1) {
                switch (code) {
                case OPTION_ROLE:
                        if (key_role_parse(optarg, &request.role, &error) < 0)
                                return command_fail(&error);
                        break;
                case OPTION_NO_PASSWORD: request.no_password = true; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc - optind != 1 || !*argv[optind])
                return command_usage(&command_keygen, _("name one folder for the keys"));
        request.folder = argv[optind];
        if (make(&request, &key, &error) < 0)
                return command_fail(&error);
        return report(&request, key);
}

const struct command command_keygen = {
        .name = "keygen",
        .run = run,
        .synopsis = "keygen DIR [--role root|release|current] [--no-password]",
        .summary = N_("make a pair of keys in minisign's formats"),
};
