/* state_accepted.c - the highest numbers that this server has accepted, by key and site. */
#include "tree/state_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/i18n.h"
#include "base/io.h"
#include "crypto/digest.h"

#define ACCEPTED_FORMAT "understudy-accepted-1"

/* "accepted/<sha256 of key and site>.json" */
#define ACCEPTED_PATH_SIZE (DIGEST_HEX_SIZE + 16)
static int accepted_path(const struct public_key *pub, const char *site, char path[static ACCEPTED_PATH_SIZE],
                         struct error *err)
{
        char key[KEY_TEXT_SIZE], text[KEY_TEXT_SIZE + RELEASE_NAME_SIZE + 1], hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r;

        public_key_text(pub, key);
        snprintf(text, sizeof(text), "%s\n%s", key, site);
        r = digest_of_bytes(text, strlen(text), &digest, err);
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        snprintf(path, ACCEPTED_PATH_SIZE, "accepted/%s.json", hex);
        return 0;
}

int state_accepted(const struct state *state, const struct public_key *pub, const char *site, uint64_t *ret_number,
                   uint64_t *ret_keys_version, struct error *err)
{
        char path[ACCEPTED_PATH_SIZE];
        const json_t *number, *version;
        json_t *json = NULL;
        int r = accepted_path(pub, site, path, err);

        if (r < 0)
                return r;
        r = state->base < 0 ? 0 : state_read_json(state->base, path, &json, err);
        if (r < 0 && r != -EBADMSG)
                return r;
        number = json_object_get(json, "release");
        version = json_object_get(json, "keys_version");
        if (r == 0) {
                *ret_number = *ret_keys_version = 0;
        } else if (r > 0 && json_is_integer(number) && json_is_integer(version)) {
                *ret_number = (uint64_t)json_integer_value(number);
                *ret_keys_version = (uint64_t)json_integer_value(version);
                r = 0;
        } else {
                r = error_set(err, -EBADMSG,
                              _("the state of accepted releases (%s) is damaged; restore it from a backup"), path);
        }
        json_decref(json);
        return r;
}

static int accept_locked(struct state *state, const struct public_key *pub, const char *site, uint64_t number,
                         uint64_t keys_version, struct error *err)
{
        char path[ACCEPTED_PATH_SIZE], key[KEY_TEXT_SIZE];
        uint64_t number_before = 0, version_before = 0;
        int r = accepted_path(pub, site, path, err);

        if (r < 0)
                return r;
        r = state_accepted(state, pub, site, &number_before, &version_before, err);
        if (r < 0)
                return r;
        if (number <= number_before && keys_version <= version_before)
                return 0;
        r = directory_make(state->base, "accepted", 0700, err);
        if (r < 0)
                return r;
        public_key_text(pub, key);
        number = number > number_before ? number : number_before;
        keys_version = keys_version > version_before ? keys_version : version_before;
        return state_write_json(state->base, path,
                                json_pack("{s:s, s:I, s:s, s:I, s:s}", "format", ACCEPTED_FORMAT, "keys_version",
                                          (json_int_t)keys_version, "pub", key, "release", (json_int_t)number, "site",
                                          site),
                                err);
}

int state_accept(struct state *state, const struct public_key *pub, const char *site, uint64_t number,
                 uint64_t keys_version, struct error *err)
{
        int r;

        /* Pulls of other folders share these files; without the lock a slower one could put an older number back. */
        while (flock(state->base, LOCK_EX) < 0)
                if (errno != EINTR)
                        return error_errno(err, errno, _("cannot lock the state folder"));
        r = accept_locked(state, pub, site, number, keys_version, err);
        (void)flock(state->base, LOCK_UN);
        return r;
}
