#include "trust.h"

#include <errno.h>

#include "base/i18n.h"
#include "base/text.h"

static const char *const role_names[] = {
        [ROLE_ROOT] = "root",
        [ROLE_RELEASE] = "release",
        [ROLE_CURRENT] = "current",
};

const char *key_role_name(enum key_role role)
{
        return role_names[role];
}

int key_role_parse(const char *text, enum key_role *ret_role, struct error *err)
{
        for (size_t i = 0; i < LENGTH(role_names); i++) {
                if (text_equal(text, role_names[i])) {
                        *ret_role = (enum key_role)i;
                        return 0;
                }
        }
        return error_usage(err, _("there is no role '%s' for a key; write root, release or current"), text);
}
