/* source.c - keys.json, current.json and release.json of a repository of which nothing is believed. */
#include "tree/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/i18n.h"

struct keys_check {
        const struct public_key *pub;
        struct trust *trust;
};

static int check_keys(void *context, const struct buffer *text, const struct buffer *signature, struct error *err)
{
        const struct keys_check *check = context;

        return trust_init_root(check->trust, check->pub, text, signature, err);
}

int source_trust(struct repository *repository, const struct public_key *pub, bool must_be_root,
                 struct trust *ret_trust, struct buffer *keys_text, struct buffer *keys_signature, struct error *err)
{
        struct keys_check check = { pub, ret_trust };
        int r;

        buffer_clear(keys_text);
        buffer_clear(keys_signature);
        r = repository_get_signed(repository, "keys.json", keys_text, keys_signature, check_keys, &check, err);
        if (r == -ENOENT && must_be_root)
                return error_set(err, -EBADMSG,
                                 _("%s has no keys.json any more, but was pulled from with a root key before; somebody "
                                   "may have removed it, put it back"),
                                 repository_url(repository));
        /* Signed by somebody else: then --pub can only be a release key, and the release's own signature decides. */
        if (r == -ENOENT || (r == -EKEYREJECTED && !must_be_root)) {
                buffer_clear(keys_text);
                buffer_clear(keys_signature);
                trust_init_single(ret_trust, pub);
                return 0;
        }
        return r;
}

struct current_check {
        const struct trust *trust;
        int64_t now;
        struct current *current;
        bool *expired;
};

static int check_current(void *context, const struct buffer *text, const struct buffer *signature, struct error *err)
{
        const struct current_check *check = context;

        return trust_current(check->trust, text, signature, check->now, check->current, check->expired, err);
}

int source_current(struct repository *repository, const struct trust *trust, int64_t now, struct current *ret_current,
                   bool *ret_expired, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CURRENT_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct current_check check = { trust, now, ret_current, ret_expired };
        int r = repository_get_signed(repository, "current.json", &text, &signature, check_current, &check, err);

        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int source_release(struct repository *repository, const struct trust *trust, uint64_t number,
                   struct release *ret_release, struct buffer *text, struct buffer *signature, struct error *err)
{
        char path[64];
        int r;

        snprintf(path, sizeof(path), "releases/%" PRIu64 "/release.json", number);
        buffer_clear(text);
        buffer_clear(signature);
        r = repository_get_pair(repository, path, text, signature, err);
        if (r == -ENOENT)
                return error_set(err, -EBADMSG,
                                 _("%s has no release %" PRIu64 " (no %s); name one that 'understudy releases' lists"),
                                 repository_url(repository), number, path);
        if (r < 0)
                return r;
        return trust_release(trust, text, signature, number, NULL, ret_release, err);
}
