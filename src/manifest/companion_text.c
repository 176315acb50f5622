/*
 * companion_text.c - a companion as JSON and back.
 *
 * That the text is canonical is not checked rule by rule: what was understood is written again and must be the same
 * bytes.
 */
#include "manifest/companion.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/companion_private.h"
#include "manifest/entry.h"
#include "manifest/policy.h"

#define FORMAT "understudy-companion-1"

/* An escaped path or target has at most four bytes a byte. */
#define TEXT_MAXIMUM (4 * ENTRY_PATH_MAXIMUM)

/* ---------------------------------------------------------------- reading */

/* Each reader returns NULL, or why the text is refused; `memory` for lack of it, told apart by its address. */
static const char memory[] = "";

/* An escaped name into raw bytes without NUL. */
static const char *read_name(const char *text, size_t length, struct buffer *name)
{
        buffer_clear(name);
        if (length > name->maximum || text_unescape(name, text, length) < 0)
                return _("a name in it is too long or not written as \\ooo asks");
        if (name->length && memchr(name->data, '\0', name->length))
                return _("a name in it holds a NUL");
        return NULL;
}

static const char *read_allow(const json_t *words, unsigned int *ret_allow)
{
        unsigned int allow = 0;
        const json_t *word;
        size_t i;

        if (!json_is_array(words))
                return _("\"allow\" is no list");
        json_array_foreach(words, i, word)
        {
                unsigned int bit = 0;

                for (size_t k = 0; k < ALLOW_WORD_COUNT; k++)
                        if (json_is_string(word) && text_equal(json_string_value(word), allow_words[k].word))
                                bit = allow_words[k].bit;
                if (!bit)
                        return _("\"allow\" has a word that is not known");
                allow |= bit;
        }
        *ret_allow = allow;
        return NULL;
}

static const char *read_areas(const json_t *object, bool with_target, struct area **areas, size_t *count)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(TEXT_MAXIMUM), target = BUFFER_INIT(TEXT_MAXIMUM);
        const char *key;
        json_t *value;

        if (!json_is_object(object))
                return _("\"areas\" or \"ignored\" is no object");
        json_object_foreach((json_t *)(uintptr_t)object, key, value)
        {
                const json_t *link = json_object_get(value, "target");
                unsigned int allow = 0;
                const char *why;

                if (!json_is_object(value) || json_object_size(value) != (with_target ? 2 : 1) ||
                    (with_target && !json_is_string(link)))
                        return _("an area has a key too many or too few");
                why = read_name(key, strlen(key), &path);
                if (!why)
                        why = read_allow(json_object_get(value, "allow"), &allow);
                if (!why && with_target)
                        why = read_name(json_string_value(link), json_string_length(link), &target);
                if (why)
                        return why;
                if (companion_append_area(areas, count, buffer_text(&path), with_target ? buffer_text(&target) : NULL,
                                          allow) < 0)
                        return memory;
        }
        return NULL;
}

static const char *read_xattr(const char *key, const json_t *value, struct xattr *xattr)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(4 * XATTR_NAME_MAXIMUM);
        const char *why = read_name(key, strlen(key), &name);
        size_t length;

        if (why)
                return why;
        if (!json_is_string(value))
                return _("the value of an extended attribute is no text");
        length = json_string_length(value) / 4 * 3;
        xattr->name = buffer_steal(&name);
        xattr->value = memory_new(length + 1, 1);
        if (!xattr->name || !xattr->value)
                return memory;
        if (text_unbase64(json_string_value(value), json_string_length(value), xattr->value, length, &xattr->length) <
            0)
                return _("the value of an extended attribute is not base64");
        return NULL;
}

static int compare_xattrs(const void *a, const void *b)
{
        return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

static const char *read_one_attributes(const char *key, const json_t *object, struct attributes *attributes)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(TEXT_MAXIMUM);
        const json_t *flags = json_object_get(object, "flags"), *xattrs = json_object_get(object, "xattrs");
        const char *why = read_name(key, strlen(key), &path), *name;
        json_t *value;

        if (why)
                return why;
        if (json_object_size(object) != 2 || !json_is_integer(flags) || !json_is_object(xattrs) ||
            json_integer_value(flags) < 0 || json_integer_value(flags) > UINT32_MAX)
                return _("attributes must be \"flags\" and \"xattrs\"");
        attributes->path = buffer_steal(&path);
        attributes->flags = (uint32_t)json_integer_value(flags);
        attributes->xattrs = memory_new(json_object_size(xattrs) + 1, sizeof(*attributes->xattrs));
        if (!attributes->path || !attributes->xattrs)
                return memory;
        json_object_foreach((json_t *)(uintptr_t)xattrs, name, value)
        {
                why = read_xattr(name, value, &attributes->xattrs[attributes->xattr_count++]);
                if (why)
                        return why;
        }
        qsort(attributes->xattrs, attributes->xattr_count, sizeof(*attributes->xattrs), compare_xattrs);
        return NULL;
}

static const char *read_attributes(const json_t *object, struct companion *companion)
{
        const char *key;
        json_t *value;

        if (!json_is_object(object))
                return _("\"attributes\" is no object");
        json_object_foreach((json_t *)(uintptr_t)object, key, value)
        {
                _cleanup_(attributes_done) struct attributes attributes = { 0 };
                const char *why = read_one_attributes(key, value, &attributes);

                if (why)
                        return why;
                if (companion_append_attributes(companion, &attributes) < 0)
                        return memory;
        }
        return NULL;
}

static const char *read_links(const json_t *list, struct companion *companion)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(TEXT_MAXIMUM);
        const json_t *value;
        size_t i;

        if (!json_is_array(list))
                return _("\"links\" is no list");
        json_array_foreach(list, i, value)
        {
                const char *why = json_is_string(value)
                                          ? read_name(json_string_value(value), json_string_length(value), &path)
                                          : _("a link is no text");

                if (why)
                        return why;
                if (companion_append_link(companion, buffer_text(&path)) < 0)
                        return memory;
        }
        return NULL;
}

static const char *read_companion(const json_t *object, struct companion *companion)
{
        const char *format = json_string_value(json_object_get(object, "format")), *why;

        if (!format || !text_equal(format, FORMAT))
                return _("its format is not the one that this version knows");
        if (json_object_size(object) != 5)
                return _("it has a key too many or too few");
        why = read_attributes(json_object_get(object, "attributes"), companion);
        if (!why)
                why = read_areas(json_object_get(object, "areas"), true, &companion->areas, &companion->area_count);
        if (!why)
                why = read_areas(json_object_get(object, "ignored"), false, &companion->ignored,
                                 &companion->ignored_count);
        if (!why)
                why = read_links(json_object_get(object, "links"), companion);
        return why;
}

static int refused(struct error *err, const char *why)
{
        if (why == memory)
                return error_memory(err);
        return error_set(err, -EBADMSG, _("the companion file of the manifest is not valid: %s"), why);
}

int companion_parse(const char *text, size_t length, struct companion *ret_companion, struct error *err)
{
        _cleanup_(companion_done) struct companion companion = COMPANION_EMPTY;
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(COMPANION_MAXIMUM);
        _cleanup_(json_decrefp) json_t *object = NULL;
        const char *why, *path = NULL;
        json_error_t json_error;
        int r;

        if (length > COMPANION_MAXIMUM)
                return refused(err, _("it is too large"));
        object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &json_error);
        if (!object)
                return refused(err, json_error.text);
        why = read_companion(object, &companion);
        if (why)
                return refused(err, why);
        why = companion_settle(&companion, &path);
        if (why)
                return error_set(err, -EBADMSG, _("the companion file of the manifest is not valid: %s: %s"),
                                 path[0] ? path : ".", why);
        r = companion_format(&companion, &again, err);
        if (r < 0)
                return r;
        if (again.length != length || memcmp(again.data, text, length) != 0)
                return refused(err, _("it is not written in the one canonical way"));
        *ret_companion = companion;
        companion = (struct companion)COMPANION_EMPTY;
        return 0;
}

/* ---------------------------------------------------------------- writing */

/* All of these return NULL for lack of memory, and so do jansson's functions when they are given NULL. */

/* The escaped name, as a key or a value. */
static const char *escape(struct buffer *text, const char *name)
{
        buffer_clear(text);
        return text_escape(text, name, strlen(name)) < 0 ? NULL : buffer_text(text);
}

static json_t *allow_json(unsigned int allow)
{
        json_t *words = json_array();

        for (size_t i = 0; i < ALLOW_WORD_COUNT && words; i++)
                if (allow & allow_words[i].bit && json_array_append_new(words, json_string(allow_words[i].word)) < 0) {
                        json_decref(words);
                        words = NULL;
                }
        return words;
}

static json_t *areas_json(const struct area *areas, size_t count)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(TEXT_MAXIMUM);
        _cleanup_(json_decrefp) json_t *object = json_object();

        for (size_t i = 0; i < count; i++) {
                json_t *area = json_object();
                const char *target = areas[i].target ? escape(&text, areas[i].target) : NULL;

                if (json_object_set_new(area, "allow", allow_json(areas[i].allow)) < 0 ||
                    (areas[i].target && json_object_set_new(area, "target", json_string(target)) < 0)) {
                        json_decref(area);
                        return NULL;
                }
                if (json_object_set_new(object, escape(&text, areas[i].path), area) < 0)
                        return NULL;
        }
        return json_incref(object);
}

static json_t *xattrs_json(const struct attributes *attributes)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(4 * XATTR_NAME_MAXIMUM);
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT(2 * XATTR_VALUE_MAXIMUM);
        _cleanup_(json_decrefp) json_t *object = json_object();

        for (size_t i = 0; i < attributes->xattr_count; i++) {
                const struct xattr *xattr = &attributes->xattrs[i];

                buffer_clear(&value);
                if (text_base64(&value, xattr->value, xattr->length) < 0 ||
                    json_object_set_new(object, escape(&name, xattr->name), json_string(buffer_text(&value))) < 0)
                        return NULL;
        }
        return json_incref(object);
}

static json_t *attributes_json(const struct companion *companion)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(TEXT_MAXIMUM);
        _cleanup_(json_decrefp) json_t *object = json_object();

        for (size_t i = 0; i < companion->attributes_count; i++) {
                const struct attributes *attributes = &companion->attributes[i];
                json_t *one = json_object();

                if (json_object_set_new(one, "flags", json_integer(attributes->flags)) < 0 ||
                    json_object_set_new(one, "xattrs", xattrs_json(attributes)) < 0) {
                        json_decref(one);
                        return NULL;
                }
                if (json_object_set_new(object, escape(&path, attributes->path), one) < 0)
                        return NULL;
        }
        return json_incref(object);
}

static json_t *links_json(const struct companion *companion)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(TEXT_MAXIMUM);
        _cleanup_(json_decrefp) json_t *list = json_array();

        for (size_t i = 0; i < companion->link_count; i++)
                if (json_array_append_new(list, json_string(escape(&path, companion->links[i]))) < 0)
                        return NULL;
        return json_incref(list);
}

static int append_piece(const char *bytes, size_t length, void *out)
{
        return buffer_append(out, bytes, length) < 0 ? -1 : 0;
}

int companion_format(const struct companion *companion, struct buffer *out, struct error *err)
{
        _cleanup_(json_decrefp) json_t *object = json_object();

        if (json_object_set_new(object, "areas", areas_json(companion->areas, companion->area_count)) < 0 ||
            json_object_set_new(object, "attributes", attributes_json(companion)) < 0 ||
            json_object_set_new(object, "format", json_string(FORMAT)) < 0 ||
            json_object_set_new(object, "ignored", areas_json(companion->ignored, companion->ignored_count)) < 0 ||
            json_object_set_new(object, "links", links_json(companion)) < 0)
                return error_memory(err);
        if (json_dump_callback(object, append_piece, out, JSON_SORT_KEYS | JSON_INDENT(1)) < 0 ||
            buffer_append_byte(out, '\n') < 0)
                return error_set(err, -E2BIG,
                                 _("the companion file of the manifest would be larger than %u bytes; declare less"),
                                 COMPANION_MAXIMUM);
        return 0;
}
