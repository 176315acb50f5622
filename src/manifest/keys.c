/* keys.c - keys.json: the root key's list of whose signatures count. The contract is trust.h. */
#include <errno.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "manifest/canonical.h"
#include "manifest/trust.h"

#define FORMAT "understudy-keys-1"

static int invalid(const char *member, struct error *err)
{
        return error_set(err, -EBADMSG, _("keys.json is not valid: \"%s\" is missing or is not what it must be"),
                         member);
}

static int parse_delegation(const json_t *value, struct delegation *ret_delegation, struct error *err)
{
        static const char *const keys[] = { "key", "revoked", "role", "until" };
        struct delegation delegation = { 0 };
        const char *text;

        if (!canonical_keys(value, keys, LENGTH(keys)))
                return invalid("keys", err);
        if (canonical_string(value, "key", &text) < 0 ||
            public_key_parse(text, strlen(text), &delegation.key, NULL) < 0)
                return invalid("key", err);
        if (canonical_string(value, "role", &text) < 0 || key_role_parse(text, &delegation.role, NULL) < 0 ||
            delegation.role == ROLE_ROOT)
                return invalid("role", err);
        if (canonical_time_or_empty(value, "revoked", &delegation.revoked) < 0)
                return invalid("revoked", err);
        if (canonical_time_or_empty(value, "until", &delegation.until) < 0)
                return invalid("until", err);
        *ret_delegation = delegation;
        return 0;
}

static int parse_delegations(const json_t *value, struct keys *keys, struct error *err)
{
        size_t count = json_array_size(value);

        if (!json_is_array(value) || count > KEYS_COUNT_MAXIMUM)
                return invalid("keys", err);
        for (size_t i = 0; i < count; i++) {
                int r = parse_delegation(json_array_get(value, i), &keys->delegations[i], err);

                if (r < 0)
                        return r;
                for (size_t k = 0; k < i; k++) { /* the same key again could have another role, or not be revoked */
                        if (memcmp(keys->delegations[k].key.key, keys->delegations[i].key.key,
                                   sizeof(keys->delegations[i].key.key)) == 0)
                                return error_set(err, -EBADMSG, _("keys.json is not valid: it lists a key twice"));
                }
        }
        keys->count = count;
        return 0;
}

int keys_parse(const char *text, size_t length, struct keys *ret_keys, struct error *err)
{
        static const char *const members[] = { "created", "format", "keys", "version" };
        _cleanup_(json_decrefp) json_t *root = NULL;
        const char *format;
        int r;

        memset(ret_keys, 0, sizeof(*ret_keys)); /* too large for a copy on the stack */
        r = canonical_parse(text, length, KEYS_MAXIMUM, "keys.json", &root, err);
        if (r < 0)
                return r;
        if (canonical_string(root, "format", &format) < 0 || !text_equal(format, FORMAT))
                return invalid("format", err);
        if (!canonical_keys(root, members, LENGTH(members)))
                return error_set(err, -EBADMSG,
                                 _("keys.json is not valid: it has other members than its format allows"));
        if (canonical_integer(root, "version", 1, INT64_MAX, &ret_keys->version) < 0)
                return invalid("version", err);
        if (canonical_time(root, "created", &ret_keys->created) < 0)
                return invalid("created", err);
        return parse_delegations(json_object_get(root, "keys"), ret_keys, err);
}

static json_t *format_delegations(const struct keys *keys)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < keys->count; i++) {
                const struct delegation *delegation = &keys->delegations[i];
                char text[KEY_TEXT_SIZE];
                json_t *value;

                public_key_text(&delegation->key, text);
                value = json_pack("{s:s, s:o, s:s, s:o}", "key", text, "revoked",
                                  canonical_from_time_or_empty(delegation->revoked), "role",
                                  key_role_name(delegation->role), "until",
                                  canonical_from_time_or_empty(delegation->until));
                if (json_array_append_new(list, value) < 0) {
                        json_decref(list);
                        return NULL;
                }
        }
        return list;
}

int keys_format(const struct keys *keys, struct buffer *out, struct error *err)
{
        _cleanup_(json_decrefp) json_t *root = NULL;

        root = json_pack("{s:o, s:s, s:o, s:I}", "created", canonical_from_time(keys->created), "format", FORMAT,
                         "keys", format_delegations(keys), "version", (json_int_t)keys->version);
        return canonical_format(root, out, err);
}
