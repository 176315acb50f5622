#include "carry/entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/fnv1a.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

static const char *const type_names[] = { [CARRY_FILE] = "file", [CARRY_FOLDER] = "folder", [CARRY_REFUSED] = "refused" };

/* ---- lists ---- */

void carry_list_done(struct carry_list *list)
{
        for (size_t i = 0; i < list->count; i++)
                free(list->entries[i].path);
        free(list->entries);
        *list = (struct carry_list)CARRY_LIST_EMPTY;
}

int carry_list_add(struct carry_list *list, const struct carry_entry *entry)
{
        char *path;

        if (list->count == CARRY_BUCKET_MAXIMUM)
                return -E2BIG;
        path = memory_copy(entry->path, entry->path_length);
        if (!path || memory_grow(&list->entries, list->count, sizeof(list->entries[0])) < 0) {
                free(path);
                return -ENOMEM;
        }
        list->entries[list->count] = *entry;
        list->entries[list->count++].path = path;
        return 0;
}

unsigned int carry_bucket(const char *path, size_t length)
{
        const uint64_t hash = fnv1a(FNV1A_START, path, length);

        return (unsigned int)((hash ^ hash >> 32) % CARRY_BUCKETS);
}

bool carry_same(const struct carry_entry *one, const struct carry_entry *other)
{
        return one->type != CARRY_REFUSED && one->type == other->type && one->mode == other->mode &&
               one->uid == other->uid && one->gid == other->gid &&
               (one->type != CARRY_FILE || digest_equal(&one->digest, &other->digest));
}

int carry_digest_add(struct hasher *hasher, const struct carry_entry *entry)
{
        char hex[DIGEST_HEX_SIZE], line[DIGEST_HEX_SIZE + 100];
        int n, r;

        if (entry->type == CARRY_REFUSED)
                return 0;
        digest_hex(&entry->digest, hex);
        n = snprintf(line, sizeof(line), "%s %" PRIo32 " %" PRIu32 " %" PRIu32 " %s ", carry_type_name(entry->type),
                     entry->mode, entry->uid, entry->gid, entry->type == CARRY_FILE ? hex : "-");
        r = hasher_add(hasher, line, (size_t)n);
        return r < 0 ? r : hasher_add(hasher, entry->path, entry->path_length + 1); /* with its NUL */
}

int carry_list_digest(const struct carry_list *list, struct digest *ret_digest, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        int r = hasher_new(&hasher, err);

        if (r < 0)
                return r;
        r = hasher_begin(hasher);
        for (size_t i = 0; i < list->count && r == 0; i++)
                r = carry_digest_add(hasher, &list->entries[i]);
        if (r == 0)
                r = hasher_end(hasher, ret_digest);
        return r < 0 ? error_set(err, r, _("cannot take the SHA-256 of a list")) : 0;
}

/* ---- paths ---- */

json_t *carry_path_json(const char *path, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CARRY_NAME_MAXIMUM);

        return text_escape(&text, path, length) < 0 ? NULL : json_stringn(buffer_text(&text), text.length);
}

int carry_path_parse(const char *text, char **ret_path, size_t *ret_length, struct error *err)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(ENTRY_PATH_MAXIMUM);

        if (!*text || text_unescape(&path, text, strlen(text)) < 0 ||
            path_check(buffer_text(&path), path.length, NULL) < 0)
                return error_set(err, -EBADMSG, _("'%.100s' is no path in a mutable area"), text);
        *ret_length = path.length;
        *ret_path = buffer_steal(&path);
        return *ret_path ? 0 : error_memory(err);
}

/* ---- an entry as JSON ---- */

const char *carry_type_name(enum carry_type type)
{
        return type_names[type];
}

json_t *carry_entry_json(const struct carry_entry *entry)
{
        json_t *path = carry_path_json(entry->path, entry->path_length), *json;
        char hex[DIGEST_HEX_SIZE], mode[16];

        if (!path)
                return NULL;
        snprintf(mode, sizeof(mode), "%04" PRIo32, entry->mode);
        json = json_pack("{s:o, s:s, s:s, s:I, s:I}", "path", path, "type", carry_type_name(entry->type), "mode", mode, "uid",
                         (json_int_t)entry->uid, "gid", (json_int_t)entry->gid);
        if (json && entry->type == CARRY_FILE) {
                digest_hex(&entry->digest, hex);
                json_object_set_new(json, "size", json_integer((json_int_t)entry->size));
                json_object_set_new(json, "time", json_integer((json_int_t)entry->time));
                json_object_set_new(json, "sha256", json_string(hex));
        }
        return json;
}

static bool take_number(const json_t *json, const char *member, uint64_t maximum, uint64_t *ret_number)
{
        const json_t *value = json_object_get(json, member);

        if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > maximum)
                return false;
        *ret_number = (uint64_t)json_integer_value(value);
        return true;
}

static bool take_type(const json_t *json, enum carry_type *ret_type)
{
        const char *name = json_string_value(json_object_get(json, "type"));

        for (size_t i = 0; name && i < LENGTH(type_names); i++)
                if (text_equal(name, type_names[i])) {
                        *ret_type = (enum carry_type)i;
                        return true;
                }
        return false;
}

/* Of a file the permissions; of a folder what it hands on to its files, too. */
static bool take_mode(const json_t *json, enum carry_type type, uint32_t *ret_mode)
{
        const char *text = json_string_value(json_object_get(json, "mode"));
        const uint64_t maximum = type == CARRY_FOLDER ? 03777 : 0777;
        uint64_t mode = 0;

        if (!text || text_parse_octal(text, strlen(text), type == CARRY_REFUSED ? 07777 : maximum, &mode) < 0)
                return false;
        *ret_mode = (uint32_t)mode;
        return true;
}

static bool take_file(const json_t *json, struct carry_entry *entry)
{
        const char *hex = json_string_value(json_object_get(json, "sha256"));
        uint64_t size = 0, time = 0;

        if (!hex || digest_parse(hex, strlen(hex), &entry->digest) < 0 ||
            !take_number(json, "size", CARRY_FILE_MAXIMUM, &size) || !take_number(json, "time", ENTRY_TIME_MAXIMUM, &time))
                return false;
        entry->size = size;
        entry->time = (int64_t)time;
        return true;
}

/* The path becomes the entry's. */
static bool take_entry(const json_t *json, struct carry_entry *entry)
{
        const char *path = json_string_value(json_object_get(json, "path"));
        uint64_t uid = 0, gid = 0;

        if (!path || !take_type(json, &entry->type) || !take_mode(json, entry->type, &entry->mode) ||
            !take_number(json, "uid", ENTRY_OWNER_MAXIMUM, &uid) || !take_number(json, "gid", ENTRY_OWNER_MAXIMUM, &gid) ||
            json_object_size(json) != (entry->type == CARRY_FILE ? 8 : 5) ||
            (entry->type == CARRY_FILE && !take_file(json, entry)))
                return false;
        entry->uid = (uint32_t)uid;
        entry->gid = (uint32_t)gid;
        return carry_path_parse(path, &entry->path, &entry->path_length, NULL) == 0;
}

int carry_list_parse(struct carry_list *list, unsigned int bucket, const json_t *page, struct error *err)
{
        if (!json_is_array(page))
                return error_set(err, -EBADMSG, _("the list of a mutable area is none"));
        for (size_t i = 0; i < json_array_size(page); i++) {
                const struct carry_entry *last = list->count ? &list->entries[list->count - 1] : NULL;
                struct carry_entry entry = { 0 };
                bool fits = take_entry(json_array_get(page, i), &entry);
                int r = 0;

                fits = fits && carry_bucket(entry.path, entry.path_length) == bucket &&
                       (!last || path_compare(last->path, last->path_length, entry.path, entry.path_length) < 0);
                if (fits)
                        r = carry_list_add(list, &entry);
                free(entry.path);
                if (!fits)
                        return error_set(err, -EBADMSG, _("the list of a mutable area has an entry that cannot be"));
                if (r == -E2BIG)
                        return error_set(err, r, _("a mutable area has too many names: more than about %d"),
                                         CARRY_BUCKET_MAXIMUM * CARRY_BUCKETS);
                if (r < 0)
                        return error_memory(err);
        }
        return 0;
}
