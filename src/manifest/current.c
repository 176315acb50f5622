/* current.c - current.json: the note that says which release is the newest. The contract is trust.h. */
#include <errno.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "manifest/canonical.h"
#include "manifest/trust.h"

#define FORMAT "understudy-current-1"

static int invalid(const char *member, struct error *err)
{
        return error_set(err, -EBADMSG, _("current.json is not valid: \"%s\" is missing or is not what it must be"),
                         member);
}

int current_parse(const char *text, size_t length, struct current *ret_current, struct error *err)
{
        static const char *const members[] = { "created", "digest", "expires", "format", "release", "site" };
        _cleanup_(json_decrefp) json_t *root = NULL;
        struct current current = { 0 };
        const char *member;
        int r;

        r = canonical_parse(text, length, CURRENT_MAXIMUM, "current.json", &root, err);
        if (r < 0)
                return r;
        if (canonical_string(root, "format", &member) < 0 || !text_equal(member, FORMAT))
                return invalid("format", err);
        if (!canonical_keys(root, members, LENGTH(members)))
                return error_set(err, -EBADMSG,
                                 _("current.json is not valid: it has other members than its format allows"));
        if (canonical_time(root, "created", &current.created) < 0)
                return invalid("created", err);
        if (canonical_time(root, "expires", &current.expires) < 0 || current.expires <= current.created)
                return invalid("expires", err);
        if (canonical_digest(root, "digest", &current.digest) < 0)
                return invalid("digest", err);
        if (canonical_integer(root, "release", 1, RELEASE_NUMBER_MAXIMUM, &current.release) < 0)
                return invalid("release", err);
        if (canonical_string(root, "site", &member) < 0 || release_name_check(member, NULL) < 0)
                return invalid("site", err);
        memcpy(current.site, member, strlen(member) + 1);
        *ret_current = current;
        return 0;
}

int current_format(const struct current *current, struct buffer *out, struct error *err)
{
        _cleanup_(json_decrefp) json_t *root = NULL;

        root = json_pack("{s:o, s:o, s:o, s:s, s:I, s:s}", "created", canonical_from_time(current->created), "digest",
                         canonical_from_digest(&current->digest), "expires", canonical_from_time(current->expires),
                         "format", FORMAT, "release", (json_int_t)current->release, "site", current->site);
        return canonical_format(root, out, err);
}
