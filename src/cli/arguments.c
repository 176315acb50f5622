/* arguments.c - numbers and NAME=DIR, as pull and verify take them. */
#include "cli/arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

int argument_number(const char *option, const char *text, uint64_t maximum, uint64_t *ret_number, struct error *err)
{
        uint64_t number = 0;

        if (text_parse_u64(text, strlen(text), maximum, &number) < 0 || number == 0)
                return error_usage(err, _("'%s' is no number for %s; write one from 1 to %" PRIu64), text, option,
                                   maximum);
        *ret_number = number;
        return 0;
}

int argument_root(const char *text, struct state_root *roots, size_t *count, struct error *err)
{
        const char *equals = strchr(text, '=');
        struct state_root *root = &roots[*count];
        int r;

        if (*count == RELEASE_ROOTS_MAXIMUM)
                return error_usage(err, _("more than %d roots are given"), RELEASE_ROOTS_MAXIMUM);
        if (!equals || equals == text || (size_t)(equals - text) >= sizeof(root->name))
                return error_usage(err, _("'%s' is not NAME=DIR; name a root of the release and its folder"), text);
        snprintf(root->name, sizeof(root->name), "%.*s", (int)(equals - text), text);
        if (text_equal(root->name, RELEASE_DOCROOT))
                return error_usage(err, _("the docroot is DEST itself; leave --root %s out"), text);
        r = release_name_check(root->name, err);
        if (r == 0)
                r = state_absolute(equals + 1, root->folder, err);
        if (r == 0)
                (*count)++;
        return r;
}

int argument_dest(const struct command *command, int argc, char *argv[], const char *missing, bool has_pub,
                  char dest[static PATH_MAX])
{
        struct error error = ERROR_NONE;

        if (argc - optind != 1)
                return command_usage(command, "%s", missing);
        if (!has_pub)
                return command_usage(command, _("name the public key with --pub FILE"));
        return state_absolute(argv[optind], dest, &error) < 0 ? command_fail(&error) : -1;
}
