#include "trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"

static const char *const role_names[] = {
        [ROLE_ROOT] = "root",
        [ROLE_RELEASE] = "release",
        [ROLE_CURRENT] = "current",
};

/* What was signed: bytes, or an open file. */
struct message {
        const void *bytes;
        size_t length;
        int fd; /* -1: bytes */
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

static int verify(const struct signature *signature, const struct public_key *key, const struct message *message,
                  const char *what, struct error *err)
{
        if (message->fd >= 0)
                return signature_verify_fd(signature, key, message->fd, what, err);
        return signature_verify(signature, key, message->bytes, message->length, what, err);
}

static int parse_signature(const struct buffer *text, const char *what, struct signature *ret_signature,
                           struct error *err)
{
        int r = signature_parse(buffer_text(text), text->length, ret_signature, err);

        if (r < 0)
                error_prefix(err, _("cannot use the signature of %s"), what);
        return r;
}

/* A comment of ours says what the file is; one that says something else was taken from another file. */
static int check_comment(const struct signature *signature, const char *expected, const char *what, struct error *err)
{
        if (!text_starts(signature->comment, "understudy ") || text_equal(signature->comment, expected))
                return 0;
        return error_set(err, -EBADMSG, _("the signature of %s belongs to another file: it says '%s', not '%s'"), what,
                         signature->comment, expected);
}

void trust_init_single(struct trust *trust, const struct public_key *pub)
{
        memset(trust, 0, sizeof(*trust));
        trust->pub = *pub;
}

static const struct delegation *find_delegation(const struct keys *keys, const struct public_key *pub)
{
        for (size_t i = 0; i < keys->count; i++) {
                if (memcmp(keys->delegations[i].key.key, pub->key, sizeof(pub->key)) == 0)
                        return &keys->delegations[i];
        }
        return NULL;
}

int trust_init_root(struct trust *trust, const struct public_key *pub, const struct buffer *keys_text,
                    const struct buffer *keys_signature, struct error *err)
{
        struct signature signature;
        char comment[RELEASE_COMMENT_SIZE];
        int r;

        memset(trust, 0, sizeof(*trust));
        trust->pub = *pub;
        trust->root_mode = true;
        r = parse_signature(keys_signature, "keys.json", &signature, err);
        if (r == 0)
                r = signature_verify(&signature, pub, buffer_text(keys_text), keys_text->length, "keys.json", err);
        if (r == 0)
                r = keys_parse(buffer_text(keys_text), keys_text->length, &trust->keys, err);
        if (r < 0)
                return r;
        trust_keys_comment(trust->keys.version, comment);
        r = check_comment(&signature, comment, "keys.json", err);
        if (r < 0)
                return r;
        if (find_delegation(&trust->keys, pub))
                return error_set(err, -EBADMSG, _("keys.json is not valid: it lists the root key itself"));
        return 0;
}

static void describe(const struct public_key *key, char id[static KEY_ID_TEXT_SIZE])
{
        public_key_id_text(key, id);
}

/* Whether a delegation counts, leaving aside its end. */
static int judge_delegation(const struct delegation *delegation, enum key_role role, const char *what,
                            struct error *err)
{
        char id[KEY_ID_TEXT_SIZE], when[CLOCK_TEXT_SIZE];

        describe(&delegation->key, id);
        if (delegation->revoked) {
                clock_format_utc(delegation->revoked, when);
                return error_set(err, -EKEYREJECTED,
                                 _("%s is signed by key %s, which was revoked on %s and vouches for nothing"), what, id,
                                 when);
        }
        if (delegation->role != role)
                return error_set(err, -EKEYREJECTED,
                                 _("%s is signed by key %s, which is a %s key; only a %s key may sign it"), what, id,
                                 key_role_name(delegation->role), key_role_name(role));
        return 0;
}

static int judge_time(const struct delegation *delegation, int64_t made, const char *what, struct error *err)
{
        char id[KEY_ID_TEXT_SIZE], when[CLOCK_TEXT_SIZE];

        if (!delegation || !delegation->until || made <= delegation->until)
                return 0;
        describe(&delegation->key, id);
        clock_format_utc(delegation->until, when);
        return error_set(err, -EKEYREJECTED, _("%s was signed by key %s after the end of its delegation on %s"), what,
                         id, when);
}

static int unknown_key(const struct trust *trust, const struct signature *signature, const char *what,
                       struct error *err)
{
        struct public_key other = { 0 };
        char id[KEY_ID_TEXT_SIZE];

        memcpy(other.id, signature->key_id, KEY_ID_SIZE);
        describe(&other, id);
        if (memcmp(signature->key_id, trust->pub.id, KEY_ID_SIZE) == 0)
                return error_set(
                        err, -EKEYREJECTED,
                        _("%s is signed by the root key, which signs nothing but keys.json; sign with a key that "
                          "it delegated"),
                        what);
        return error_set(err, -EKEYREJECTED, _("%s is signed by key %s, which the root key's keys.json does not name"),
                         what, id);
}

/* An id proves nothing, so every key that has it is tried. */
static int authenticate_delegated(const struct trust *trust, enum key_role role, const struct signature *signature,
                                  const struct message *message, const char *what,
                                  const struct delegation **ret_delegation, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < trust->keys.count; i++) {
                const struct delegation *delegation = &trust->keys.delegations[i];

                if (memcmp(delegation->key.id, signature->key_id, KEY_ID_SIZE) != 0)
                        continue;
                r = verify(signature, &delegation->key, message, what, err);
                if (r < 0)
                        continue;
                *ret_delegation = delegation;
                return judge_delegation(delegation, role, what, err);
        }
        return r < 0 ? r : unknown_key(trust, signature, what, err);
}

/* Whose signature it is, without the question of when. *ret_delegation is NULL when --pub itself signed. */
static int authenticate(const struct trust *trust, enum key_role role, const struct signature *signature,
                        const struct message *message, const char *what, const struct delegation **ret_delegation,
                        struct error *err)
{
        *ret_delegation = NULL;
        if (trust->root_mode && role != ROLE_ROOT)
                return authenticate_delegated(trust, role, signature, message, what, ret_delegation, err);
        if (!trust->root_mode && role != ROLE_RELEASE)
                return error_set(err, -EKEYREJECTED,
                                 _("%s must be signed by a %s key, but the key that is trusted is a release key"), what,
                                 key_role_name(role));
        return verify(signature, &trust->pub, message, what, err);
}

static int check_message(const struct trust *trust, enum key_role role, int64_t made,
                         const struct buffer *signature_text, const struct message *message, const char *what,
                         struct error *err)
{
        const struct delegation *delegation;
        struct signature signature;
        int r;

        r = parse_signature(signature_text, what, &signature, err);
        if (r == 0)
                r = authenticate(trust, role, &signature, message, what, &delegation, err);
        if (r == 0)
                r = judge_time(delegation, made, what, err);
        return r;
}

int trust_check(const struct trust *trust, enum key_role role, int64_t made, const struct buffer *signature_text,
                const void *bytes, size_t length, const char *what, struct error *err)
{
        struct message message = { .bytes = bytes, .length = length, .fd = -1 };

        return check_message(trust, role, made, signature_text, &message, what, err);
}

int trust_check_fd(const struct trust *trust, enum key_role role, int64_t made, const struct buffer *signature_text,
                   int fd, const char *what, struct error *err)
{
        struct message message = { .fd = fd };

        return check_message(trust, role, made, signature_text, &message, what, err);
}

static int check_release_says(const struct release *release, const struct signature *signature, uint64_t number,
                              const char *site, struct error *err)
{
        char comment[RELEASE_COMMENT_SIZE];

        if (number && release->number != number)
                return error_set(err, -EBADMSG,
                                 _("the repository serves release %" PRIu64 " as release %" PRIu64
                                   "; ask its operator, or use another repository"),
                                 release->number, number);
        if (site && !text_equal(release->site, site))
                return error_refuse(err, _("the release is of the site '%s', not of '%s'; give the repository of '%s'"),
                                    release->site, site, site);
        release_comment(release->site, release->number, "release.json", comment);
        return check_comment(signature, comment, "release.json", err);
}

int trust_release(const struct trust *trust, const struct buffer *text, const struct buffer *signature, uint64_t number,
                  const char *site, struct release *ret_release, struct error *err)
{
        struct message message = { .bytes = buffer_text(text), .length = text->length, .fd = -1 };
        _cleanup_(release_done) struct release release = { 0 };
        const struct delegation *delegation;
        struct signature parsed;
        int r;

        r = parse_signature(signature, "release.json", &parsed, err);
        if (r == 0)
                r = authenticate(trust, ROLE_RELEASE, &parsed, &message, "release.json", &delegation, err);
        if (r == 0)
                r = release_parse(buffer_text(text), text->length, &release, err);
        if (r == 0)
                r = judge_time(delegation, release.created, "release.json", err);
        if (r == 0)
                r = check_release_says(&release, &parsed, number, site, err);
        if (r < 0)
                return r;
        *ret_release = release;
        release.packs = NULL;
        return 0;
}

int trust_current(const struct trust *trust, const struct buffer *text, const struct buffer *signature, int64_t now,
                  struct current *ret_current, bool *ret_expired, struct error *err)
{
        struct message message = { .bytes = buffer_text(text), .length = text->length, .fd = -1 };
        const struct delegation *delegation;
        char comment[RELEASE_COMMENT_SIZE];
        struct signature parsed;
        struct current current;
        int r;

        r = parse_signature(signature, "current.json", &parsed, err);
        if (r == 0)
                r = authenticate(trust, ROLE_CURRENT, &parsed, &message, "current.json", &delegation, err);
        if (r == 0)
                r = current_parse(buffer_text(text), text->length, &current, err);
        if (r == 0)
                r = judge_time(delegation, current.created, "current.json", err);
        if (r < 0)
                return r;
        trust_current_comment(current.site, current.release, comment);
        r = check_comment(&parsed, comment, "current.json", err);
        if (r < 0)
                return r;
        *ret_current = current;
        /* Beyond the end of its key a note could be dated back by whoever has that key now. */
        *ret_expired = now > current.expires || (delegation && delegation->until && now > delegation->until);
        return 0;
}

static bool same_delegation(const struct delegation *a, const struct delegation *b)
{
        return public_key_equal(&a->key, &b->key) && a->role == b->role && a->until == b->until &&
               a->revoked == b->revoked;
}

static bool same_keys(const struct keys *a, const struct keys *b)
{
        if (a->count != b->count || a->created != b->created)
                return false;
        for (size_t i = 0; i < a->count; i++) {
                if (!same_delegation(&a->delegations[i], &b->delegations[i]))
                        return false;
        }
        return true;
}

int keys_follow(const struct keys *before, const struct keys *after, struct error *err)
{
        if (after->version == before->version && !same_keys(before, after))
                return error_refuse(err,
                                    _("the repository has another keys.json of version %" PRIu64
                                      " than the one that was accepted before; an older one may have been put back "
                                      "before the last change: look at all keys in it, and change it once more"),
                                    after->version);
        for (size_t i = 0; i < before->count; i++) {
                const struct delegation *delegation = find_delegation(after, &before->delegations[i].key);
                char id[KEY_ID_TEXT_SIZE];

                if (!before->delegations[i].revoked || (delegation && delegation->revoked))
                        continue;
                describe(&before->delegations[i].key, id);
                return error_refuse(err,
                                    _("the key %s was revoked, but the repository's keys.json of version %" PRIu64
                                      " does not say so any more; an older one may have been put back before the last "
                                      "change: name the key again and revoke it"),
                                    id, after->version);
        }
        return 0;
}

int trust_may_sign(const struct keys *keys, const struct public_key *pub, enum key_role role, int64_t now,
                   struct error *err)
{
        const struct delegation *delegation = find_delegation(keys, pub);
        char id[KEY_ID_TEXT_SIZE], when[CLOCK_TEXT_SIZE];

        describe(pub, id);
        if (!delegation)
                return error_refuse(
                        err,
                        _("the key %s is not named in the repository's keys.json, so no server would believe "
                          "it; have it delegated with 'understudy delegate' first"),
                        id);
        if (delegation->revoked) {
                clock_format_utc(delegation->revoked, when);
                return error_refuse(err, _("the key %s was revoked on %s; sign with another one"), id, when);
        }
        if (delegation->role != role)
                return error_refuse(err, _("the key %s is a %s key and cannot sign this; use a %s key"), id,
                                    key_role_name(delegation->role), key_role_name(role));
        if (delegation->until && now >= delegation->until) {
                clock_format_utc(delegation->until, when);
                return error_refuse(err,
                                    _("the delegation of the key %s ended on %s; renew it with 'understudy delegate "
                                      "--until'"),
                                    id, when);
        }
        return 0;
}

int trust_check_comment(const struct buffer *signature_text, const char *expected, const char *what, struct error *err)
{
        struct signature signature;
        int r;

        r = parse_signature(signature_text, what, &signature, err);
        return r < 0 ? r : check_comment(&signature, expected, what, err);
}

void trust_keys_comment(uint64_t version, char comment[static RELEASE_COMMENT_SIZE])
{
        snprintf(comment, RELEASE_COMMENT_SIZE, "understudy keys version=%" PRIu64, version);
}

void trust_current_comment(const char *site, uint64_t number, char comment[static RELEASE_COMMENT_SIZE])
{
        snprintf(comment, RELEASE_COMMENT_SIZE, "understudy site=%s current=%" PRIu64, site, number);
}
