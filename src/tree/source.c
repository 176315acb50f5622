/* source.c - keys.json, current.json and release.json of a repository of which nothing is believed. */
#include "tree/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"

/* keys.json and its signature are two files: who reads between their replacements reads again. */
#define PAIR_TRIES    3
#define PAIR_PAUSE_US 300000

/* A file and its .minisig. -ENOENT when the file is not there. */
static int get_pair(struct repository *repository, const char *path, struct buffer *text, struct buffer *signature,
                    struct error *err)
{
        char signature_path[128];
        int r;

        buffer_clear(text);
        buffer_clear(signature);
        r = repository_get(repository, path, text, err);
        if (r < 0)
                return r;
        snprintf(signature_path, sizeof(signature_path), "%s.minisig", path);
        r = repository_get(repository, signature_path, signature, err);
        if (r == -ENOENT)
                return error_set(err, -EBADMSG, _("%s/%s has no signature (%s); publish it again"),
                                 repository_url(repository), path, signature_path);
        return r;
}

/* True when a pair that was refused may have been caught in the middle of its replacement. */
static bool try_again(int r, int attempt)
{
        if (r != -EBADMSG && r != -EKEYREJECTED)
                return false;
        if (attempt + 1 >= PAIR_TRIES)
                return false;
        usleep(PAIR_PAUSE_US);
        return true;
}

static int get_keys(struct repository *repository, const struct public_key *pub, struct trust *ret_trust,
                    struct buffer *text, struct buffer *signature, struct error *err)
{
        int r;

        for (int attempt = 0;; attempt++) {
                r = get_pair(repository, "keys.json", text, signature, err);
                if (r == 0)
                        r = trust_init_root(ret_trust, pub, text, signature, err);
                if (!try_again(r, attempt))
                        return r;
        }
}

int source_trust(struct repository *repository, const struct public_key *pub, bool must_be_root,
                 struct trust *ret_trust, struct buffer *keys_text, struct buffer *keys_signature, struct error *err)
{
        int r = get_keys(repository, pub, ret_trust, keys_text, keys_signature, err);

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

int source_current(struct repository *repository, const struct trust *trust, int64_t now, struct current *ret_current,
                   bool *ret_expired, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CURRENT_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        int r;

        for (int attempt = 0;; attempt++) {
                r = get_pair(repository, "current.json", &text, &signature, err);
                if (r == -ENOENT)
                        return 0;
                if (r == 0)
                        r = trust_current(trust, &text, &signature, now, ret_current, ret_expired, err);
                if (r == 0)
                        return 1;
                if (!try_again(r, attempt))
                        return r;
        }
}

int source_release(struct repository *repository, const struct trust *trust, uint64_t number,
                   struct release *ret_release, struct buffer *text, struct buffer *signature, struct error *err)
{
        char path[64];
        int r;

        snprintf(path, sizeof(path), "releases/%" PRIu64 "/release.json", number);
        r = get_pair(repository, path, text, signature, err);
        if (r == -ENOENT)
                return error_set(err, -EBADMSG,
                                 _("%s has no release %" PRIu64 " (no %s); name one that 'understudy releases' lists"),
                                 repository_url(repository), number, path);
        if (r < 0)
                return r;
        return trust_release(trust, text, signature, number, NULL, ret_release, err);
}
