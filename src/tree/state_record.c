/* state_record.c - dest.json: what is remembered about a DEST, as text and back. */
#include "tree/state_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

#define DEST_FORMAT  "understudy-dest-1"
#define DEST_MAXIMUM (512U << 10) /* bytes of dest.json: 2 x 16 folders of PATH_MAX, escaped */

json_t *state_path_to_json(const char *path)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * PATH_MAX);

        if (text_escape(&text, path, strlen(path)) < 0)
                return NULL;
        return json_stringn(buffer_text(&text), text.length);
}

int state_path_from_json(const json_t *value, char path[static PATH_MAX])
{
        _cleanup_(buffer_done) struct buffer raw = BUFFER_INIT(PATH_MAX - 1);
        const char *text = json_string_value(value);

        if (!text || text_unescape(&raw, text, strlen(text)) < 0 || strlen(buffer_text(&raw)) != raw.length)
                return -EBADMSG;
        memcpy(path, buffer_text(&raw), raw.length + 1);
        return 0;
}

static json_t *roots_to_json(const struct state_root *roots, const uint64_t *inodes, size_t count)
{
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++) {
                json_t *root = json_pack("{s:o, s:s}", "folder", state_path_to_json(roots[i].folder), "name", roots[i].name);

                if (root && inodes)
                        json_object_set_new(root, "inode", json_integer((json_int_t)inodes[i]));
                if (!root || json_array_append_new(array, root) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

static int roots_from_json(const json_t *array, struct state_root *roots, uint64_t *inodes, size_t *ret_count)
{
        size_t count = json_array_size(array);

        if (!json_is_array(array) || count > RELEASE_ROOTS_MAXIMUM)
                return -EBADMSG;
        for (size_t i = 0; i < count; i++) {
                const json_t *root = json_array_get(array, i);
                const char *name = json_string_value(json_object_get(root, "name"));

                if (!name || strlen(name) >= sizeof(roots[i].name) ||
                    state_path_from_json(json_object_get(root, "folder"), roots[i].folder) < 0)
                        return -EBADMSG;
                memcpy(roots[i].name, name, strlen(name) + 1);
                if (inodes)
                        inodes[i] = (uint64_t)json_integer_value(json_object_get(root, "inode"));
        }
        *ret_count = count;
        return 0;
}

/* The fields of a journal entry (time, server, kind), so that the journal can take it over as it is. */
static json_t *intent_to_json(const struct state_intent *intent)
{
        char time[CLOCK_TEXT_SIZE], server[256] = "", key[KEY_TEXT_SIZE];

        if (!intent->present)
                return json_null();
        clock_format_utc(intent->time, time);
        public_key_text(&intent->pub, key);
        (void)gethostname(server, sizeof(server) - 1);
        return json_pack("{s:I, s:I, s:s, s:s, s:b, s:o, s:s, s:s, s:s, s:I}", "from", (json_int_t)intent->from,
                         "keys_version", (json_int_t)intent->keys_version, "kind", "pull.exchange", "pub", key,
                         "root_mode", intent->root_mode, "roots",
                         roots_to_json(intent->roots, intent->inode, intent->root_count), "server", server, "site",
                         intent->site, "time", time, "to", (json_int_t)intent->to);
}

static int intent_from_json(const json_t *value, struct state_intent *intent)
{
        const char *time = json_string_value(json_object_get(value, "time"));
        const char *site = json_string_value(json_object_get(value, "site"));
        const char *key = json_string_value(json_object_get(value, "pub"));

        memset(intent, 0, sizeof(*intent));
        if (json_is_null(value))
                return 0;
        if (!time || clock_parse_utc(time, &intent->time) < 0 || !site || strlen(site) >= sizeof(intent->site) ||
            !key || public_key_parse(key, strlen(key), &intent->pub, NULL) < 0)
                return -EBADMSG;
        memcpy(intent->site, site, strlen(site) + 1);
        intent->root_mode = json_is_true(json_object_get(value, "root_mode"));
        intent->keys_version = (uint64_t)json_integer_value(json_object_get(value, "keys_version"));
        intent->from = (uint64_t)json_integer_value(json_object_get(value, "from"));
        intent->to = (uint64_t)json_integer_value(json_object_get(value, "to"));
        intent->present = true;
        return roots_from_json(json_object_get(value, "roots"), intent->roots, intent->inode, &intent->root_count);
}

static json_t *state_to_json(const struct state *state)
{
        const struct state_verification *verification = &state->verification;
        char key[KEY_TEXT_SIZE] = "", time[CLOCK_TEXT_SIZE] = "";

        if (state->pulled)
                public_key_text(&state->pub, key);
        if (verification->time)
                clock_format_utc(verification->time, time);
        return json_pack("{s:I, s:s, s:o, s:I, s:o, s:s, s:b, s:I, s:b, s:o, s:s, s:{s:s, s:b, s:s}}", "accepted",
                         (json_int_t)state->accepted, "format", DEST_FORMAT, "intent", intent_to_json(&state->intent),
                         "keys_version", (json_int_t)state->keys_version, "path", state_path_to_json(state->dest), "pub", key,
                         "pulled", state->pulled, "release", (json_int_t)state->release, "root_mode", state->root_mode,
                         "roots", roots_to_json(state->roots, NULL, state->root_count), "site", state->site,
                         "verification", "boot_id", verification->boot_id, "genuine", verification->genuine, "time",
                         time);
}

static int verification_from_json(const json_t *value, struct state_verification *verification)
{
        const char *time = json_string_value(json_object_get(value, "time"));
        const char *boot_id = json_string_value(json_object_get(value, "boot_id"));

        if (!time || !boot_id || strlen(boot_id) >= sizeof(verification->boot_id))
                return -EBADMSG;
        if (*time && clock_parse_utc(time, &verification->time) < 0)
                return -EBADMSG;
        memcpy(verification->boot_id, boot_id, strlen(boot_id) + 1);
        verification->genuine = json_is_true(json_object_get(value, "genuine"));
        return 0;
}

static int state_from_json(const json_t *json, struct state *state)
{
        const char *format = json_string_value(json_object_get(json, "format"));
        const char *site = json_string_value(json_object_get(json, "site"));
        const char *key = json_string_value(json_object_get(json, "pub"));
        char path[PATH_MAX];

        if (!format || !text_equal(format, DEST_FORMAT) || !site || strlen(site) >= sizeof(state->site) || !key ||
            state_path_from_json(json_object_get(json, "path"), path) < 0 || !text_equal(path, state->dest))
                return -EBADMSG;
        state->pulled = json_is_true(json_object_get(json, "pulled"));
        if (state->pulled && public_key_parse(key, strlen(key), &state->pub, NULL) < 0)
                return -EBADMSG;
        memcpy(state->site, site, strlen(site) + 1);
        state->root_mode = json_is_true(json_object_get(json, "root_mode"));
        state->accepted = (uint64_t)json_integer_value(json_object_get(json, "accepted"));
        state->keys_version = (uint64_t)json_integer_value(json_object_get(json, "keys_version"));
        state->release = (uint64_t)json_integer_value(json_object_get(json, "release"));
        if (roots_from_json(json_object_get(json, "roots"), state->roots, NULL, &state->root_count) < 0 ||
            verification_from_json(json_object_get(json, "verification"), &state->verification) < 0)
                return -EBADMSG;
        return intent_from_json(json_object_get(json, "intent"), &state->intent);
}

int state_read_json(int folder, const char *name, json_t **ret_json, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(DEST_MAXIMUM);
        int r = file_read(folder, name, &text, err);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        *ret_json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        return *ret_json ? 1 : -EBADMSG;
}

int state_write_json(int folder, const char *name, json_t *json, struct error *err)
{
        char *text = json ? json_dumps(json, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(DEST_MAXIMUM);
        int r = text ? buffer_printf(&out, "%s\n", text) : -ENOMEM;

        free(text);
        json_decref(json);
        if (r < 0)
                return error_memory(err);
        return file_replace(folder, name, out.data, out.length, 0600, err);
}

int state_load(struct state *state, struct error *err)
{
        json_t *json = NULL;
        int r = state_read_json(state->folder, "dest.json", &json, err);

        if (r > 0)
                r = state_from_json(json, state);
        json_decref(json);
        return r == -EBADMSG ? state_damaged(state->dest, err) : r;
}

int state_damaged(const char *what, struct error *err)
{
        return error_set(err, -EBADMSG,
                         _("the state of %s (dest.json) is damaged; restore it from a backup, or move it away "
                           "and pull with --adopt"),
                         what);
}

int state_save(struct state *state, struct error *err)
{
        return state_write_json(state->folder, "dest.json", state_to_json(state), err);
}
