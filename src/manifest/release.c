#include "release.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/canonical.h"
#include "manifest/companion.h"

#define FORMAT "understudy-release-1"

static const struct digest no_digest;

static int invalid(const char *member, struct error *err)
{
        return error_set(err, -EBADMSG, _("release.json is not valid: \"%s\" is missing or is not what it must be"),
                         member);
}

static bool name_is_valid(const char *name)
{
        size_t length = strlen(name);

        if (length == 0 || length >= RELEASE_NAME_SIZE || strchr("._-", name[0]))
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

int release_name_check(const char *name, struct error *err)
{
        if (name_is_valid(name))
                return 0;
        return error_usage(err,
                           _("'%s' cannot be the name of a site or root; use a-z, 0-9, dot, dash and underscore, a "
                             "letter or digit first, at most %d"),
                           name, RELEASE_NAME_SIZE - 1);
}

static int parse_root(const char *name, const json_t *value, struct release_root *ret_root, struct error *err)
{
        static const char *const keys[] = {
                "bytes", "companion", "companion_size", "files", "manifest", "manifest_size"
        };
        struct release_root root = { 0 };

        /* A root of the name "manifest" would have the docroot's file names. */
        if (!name_is_valid(name) || text_equal(name, "manifest") || !canonical_keys(value, keys, LENGTH(keys)) ||
            canonical_integer(value, "bytes", 0, INT64_MAX, &root.bytes) < 0 ||
            canonical_digest(value, "companion", &root.companion_digest) < 0 ||
            canonical_integer(value, "companion_size", 1, COMPANION_MAXIMUM, &root.companion_size) < 0 ||
            canonical_integer(value, "files", 0, INT64_MAX, &root.files) < 0 ||
            canonical_digest(value, "manifest", &root.manifest_digest) < 0 ||
            canonical_integer(value, "manifest_size", 1, INT64_MAX, &root.manifest_size) < 0)
                return invalid("roots", err);
        memcpy(root.name, name, strlen(name) + 1);
        *ret_root = root;
        return 0;
}

static int parse_roots(json_t *value, struct release *release, struct error *err)
{
        const char *name;
        json_t *root;

        if (!json_is_object(value) || json_object_size(value) > RELEASE_ROOTS_MAXIMUM ||
            !json_object_get(value, RELEASE_DOCROOT))
                return invalid("roots", err);
        json_object_foreach(value, name, root) /* in the order of the text, which is sorted */
        {
                int r = parse_root(name, root, &release->roots[release->root_count], err);

                if (r < 0)
                        return r;
                release->root_count++;
        }
        return 0;
}

static int parse_pack(const json_t *value, uint64_t number, struct release_pack *pack, struct error *err)
{
        static const char *const keys[] = { "base", "id", "index", "index_size", "size" };

        if (!canonical_keys(value, keys, LENGTH(keys)) ||
            canonical_integer(value, "base", 0, number - 1, &pack->delta_base) < 0 ||
            canonical_digest(value, "id", &pack->id) < 0 || canonical_digest(value, "index", &pack->index_digest) < 0 ||
            canonical_integer(value, "index_size", 1, INT64_MAX, &pack->index_size) < 0 ||
            canonical_integer(value, "size", 1, INT64_MAX, &pack->size) < 0)
                return invalid("packs", err);
        return 0;
}

static int parse_packs(const json_t *value, struct release *release, struct error *err)
{
        size_t count = json_array_size(value);

        if (!json_is_array(value) || count > RELEASE_PACKS_MAXIMUM)
                return invalid("packs", err);
        release->packs = memory_new(count, sizeof(*release->packs));
        if (!release->packs)
                return error_memory(err);
        for (size_t i = 0; i < count; i++) {
                int r = parse_pack(json_array_get(value, i), release->number, &release->packs[i], err);

                if (r < 0)
                        return r;
                for (size_t k = 0; k < i; k++) {
                        if (digest_equal(&release->packs[k].id, &release->packs[i].id))
                                return invalid("packs", err);
                }
        }
        release->pack_count = count;
        return 0;
}

static int parse_head(const json_t *root, struct release *release, struct error *err)
{
        static const char *const keys[] = { "created", "format", "number", "packs", "previous", "roots", "site" };
        const char *text;

        if (canonical_string(root, "format", &text) < 0 || !text_equal(text, FORMAT))
                return invalid("format", err);
        if (!canonical_keys(root, keys, LENGTH(keys)))
                return error_set(err, -EBADMSG,
                                 _("release.json is not valid: it has other members than its format allows"));
        if (canonical_integer(root, "number", 1, RELEASE_NUMBER_MAXIMUM, &release->number) < 0)
                return invalid("number", err);
        if (canonical_time(root, "created", &release->created) < 0)
                return invalid("created", err);
        if (canonical_digest(root, "previous", &release->previous) < 0 ||
            digest_equal(&release->previous, &no_digest) != (release->number == 1))
                return invalid("previous", err);
        if (canonical_string(root, "site", &text) < 0 || !name_is_valid(text))
                return invalid("site", err);
        memcpy(release->site, text, strlen(text) + 1);
        return 0;
}

int release_parse(const char *text, size_t length, struct release *ret_release, struct error *err)
{
        _cleanup_(json_decrefp) json_t *root = NULL;
        _cleanup_(release_done) struct release release = { 0 };
        int r;

        r = canonical_parse(text, length, RELEASE_MAXIMUM, "release.json", &root, err);
        if (r == 0)
                r = parse_head(root, &release, err);
        if (r == 0)
                r = parse_roots(json_object_get(root, "roots"), &release, err);
        if (r == 0)
                r = parse_packs(json_object_get(root, "packs"), &release, err);
        if (r < 0)
                return r;
        *ret_release = release;
        release.packs = NULL;
        return 0;
}

static json_t *format_roots(const struct release *release)
{
        json_t *roots = json_object();

        for (size_t i = 0; roots && i < release->root_count; i++) {
                const struct release_root *root = &release->roots[i];
                json_t *value = json_pack("{s:I, s:o, s:I, s:I, s:o, s:I}", "bytes", (json_int_t)root->bytes,
                                          "companion", canonical_from_digest(&root->companion_digest), "companion_size",
                                          (json_int_t)root->companion_size, "files", (json_int_t)root->files,
                                          "manifest", canonical_from_digest(&root->manifest_digest), "manifest_size",
                                          (json_int_t)root->manifest_size);

                if (json_object_set_new(roots, root->name, value) < 0) {
                        json_decref(roots);
                        return NULL;
                }
        }
        return roots;
}

static json_t *format_packs(const struct release *release)
{
        json_t *packs = json_array();

        for (size_t i = 0; packs && i < release->pack_count; i++) {
                const struct release_pack *pack = &release->packs[i];
                json_t *value =
                        json_pack("{s:I, s:o, s:o, s:I, s:I}", "base", (json_int_t)pack->delta_base, "id",
                                  canonical_from_digest(&pack->id), "index", canonical_from_digest(&pack->index_digest),
                                  "index_size", (json_int_t)pack->index_size, "size", (json_int_t)pack->size);

                if (json_array_append_new(packs, value) < 0) {
                        json_decref(packs);
                        return NULL;
                }
        }
        return packs;
}

int release_format(const struct release *release, struct buffer *out, struct error *err)
{
        _cleanup_(json_decrefp) json_t *root = NULL;

        root = json_pack("{s:o, s:s, s:I, s:o, s:o, s:o, s:s}", "created", canonical_from_time(release->created),
                         "format", FORMAT, "number", (json_int_t)release->number, "packs", format_packs(release),
                         "previous", canonical_from_digest(&release->previous), "roots", format_roots(release), "site",
                         release->site);
        return canonical_format(root, out, err);
}

void release_done(struct release *release)
{
        free(release->packs);
        release->packs = NULL;
        release->pack_count = 0;
}

const struct release_root *release_root(const struct release *release, const char *name)
{
        for (size_t i = 0; i < release->root_count; i++) {
                if (text_equal(release->roots[i].name, name))
                        return &release->roots[i];
        }
        return NULL;
}

void release_manifest_file(const char *root, char file[static RELEASE_FILE_SIZE])
{
        snprintf(file, RELEASE_FILE_SIZE, "%s.mtree", text_equal(root, RELEASE_DOCROOT) ? "manifest" : root);
}

void release_companion_file(const char *root, char file[static RELEASE_FILE_SIZE])
{
        snprintf(file, RELEASE_FILE_SIZE, "%s.companion.json", text_equal(root, RELEASE_DOCROOT) ? "manifest" : root);
}

void release_comment(const char *site, uint64_t number, const char *file, char comment[static RELEASE_COMMENT_SIZE])
{
        snprintf(comment, RELEASE_COMMENT_SIZE, "understudy site=%s release=%" PRIu64 " file=%s", site, number, file);
}
