#include "keylist.h"

#include <errno.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "crypto/signature.h"

static int read_keys(struct keylist *list, bool make, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        const struct public_key *root = secret_key_public(list->root);
        int r;

        list->trust = memory_new(1, sizeof(*list->trust));
        if (!list->trust)
                return error_memory(err);
        r = folder_read(&list->folder, "keys.json", &text, &signature, err);
        if (r == -ENOENT && make && text.length == 0) { /* a list without its signature is not a new repository */
                trust_init_single(list->trust, root);
                return 0;
        }
        if (r < 0)
                return r;
        r = trust_init_root(list->trust, root, &text, &signature, err);
        return r < 0 ? error_prefix(err, _("cannot change the keys of the repository %s with this root key"),
                                    list->folder.path)
                     : 0;
}

int keylist_open(struct keylist *list, bool make, struct error *err)
{
        int r;

        r = public_key_read(list->pub_path, &list->pub, err);
        if (r == 0)
                r = secret_key_read(list->key_path, command_password, NULL, &list->root, err);
        if (r == 0 && memcmp(list->pub.key, secret_key_public(list->root)->key, sizeof(list->pub.key)) == 0)
                r = error_usage(err,
                                _("%s is the root key itself, which signs nothing but keys.json; name another key"),
                                list->pub_path);
        if (r == 0)
                r = folder_open(list->repository, make, &list->folder, err);
        if (r == 0)
                r = read_keys(list, make, err);
        return r;
}

struct delegation *keylist_find(struct keylist *list)
{
        struct keys *keys = &list->trust->keys;

        for (size_t i = 0; i < keys->count; i++) {
                if (memcmp(keys->delegations[i].key.key, list->pub.key, sizeof(list->pub.key)) == 0)
                        return &keys->delegations[i];
        }
        return NULL;
}

int keylist_save(struct keylist *list, int64_t now, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct keys *keys = &list->trust->keys;
        char comment[RELEASE_COMMENT_SIZE];
        int r;

        keys->version++;
        keys->created = now;
        trust_keys_comment(keys->version, comment);
        r = keys_format(keys, &text, err);
        if (r == 0)
                r = signature_make(list->root, text.data, text.length, comment, &signature, err);
        if (r == 0)
                r = folder_replace(&list->folder, "keys.json", &text, &signature, err);
        return r;
}

int keylist_report(const struct keylist *list, const struct delegation *delegation, const char *sentence)
{
        char id[KEY_ID_TEXT_SIZE], text[KEY_TEXT_SIZE], until[CLOCK_TEXT_SIZE] = "", revoked[CLOCK_TEXT_SIZE] = "";

        public_key_id_text(&delegation->key, id);
        public_key_text(&delegation->key, text);
        if (delegation->until)
                clock_format_utc(delegation->until, until);
        if (delegation->revoked)
                clock_format_utc(delegation->revoked, revoked);
        if (list->common.json)
                return command_print_json(json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "version",
                                                    (json_int_t)list->trust->keys.version, "id", id, "public_key", text,
                                                    "role", key_role_name(delegation->role), "until", until, "revoked",
                                                    revoked));
        if (!list->common.quiet)
                printf("%s\n", sentence);
        return EXIT_DONE;
}

void keylist_done(struct keylist *list)
{
        secret_key_free(list->root);
        folder_done(&list->folder);
        free(list->trust);
        list->root = NULL;
        list->trust = NULL;
}
