#include "canonical.h"

#include <errno.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

static int append_chunk(const char *chunk, size_t size, void *context)
{
        return buffer_append(context, chunk, size);
}

int canonical_format(const json_t *value, struct buffer *out, struct error *err)
{
        if (!value || json_dump_callback(value, append_chunk, out, JSON_SORT_KEYS | JSON_INDENT(1)) < 0 ||
            buffer_append_byte(out, '\n') < 0)
                return error_memory(err);
        return 0;
}

int canonical_parse(const char *text, size_t length, size_t maximum, const char *what, json_t **ret_value,
                    struct error *err)
{
        _cleanup_(json_decrefp) json_t *value = NULL;
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(maximum);
        json_error_t error;

        if (length > maximum)
                return error_set(err, -EBADMSG, _("%s is larger than the %zu bytes that are allowed"), what, maximum);
        value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
        if (!value)
                return error_set(err, -EBADMSG, _("%s is not valid JSON: %s in line %d"), what, error.text, error.line);
        /* A text that grows past the maximum when it is written canonically was not canonical. */
        if (canonical_format(value, &again, NULL) < 0 || again.length != length ||
            memcmp(again.data, text, length) != 0)
                return error_set(err, -EBADMSG,
                                 _("%s is not in the one spelling that signed files have (sorted keys, indented by one "
                                   "space); publish again with understudy"),
                                 what);
        *ret_value = value;
        value = NULL;
        return 0;
}

bool canonical_keys(const json_t *value, const char *const keys[], size_t count)
{
        if (!json_is_object(value) || json_object_size(value) != count)
                return false;
        for (size_t i = 0; i < count; i++) {
                if (!json_object_get(value, keys[i]))
                        return false;
        }
        return true;
}

int canonical_integer(const json_t *object, const char *key, uint64_t minimum, uint64_t maximum, uint64_t *ret_value)
{
        const json_t *value = json_object_get(object, key);
        json_int_t number;

        if (!json_is_integer(value))
                return -EBADMSG;
        number = json_integer_value(value);
        if (number < 0 || (uint64_t)number < minimum || (uint64_t)number > maximum)
                return -EBADMSG;
        *ret_value = (uint64_t)number;
        return 0;
}

int canonical_string(const json_t *object, const char *key, const char **ret_text)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_string(value))
                return -EBADMSG;
        *ret_text = json_string_value(value); /* no NUL inside: the parser takes none */
        return 0;
}

int canonical_digest(const json_t *object, const char *key, struct digest *ret_digest)
{
        const char *text;

        if (canonical_string(object, key, &text) < 0 || digest_parse(text, strlen(text), ret_digest) < 0)
                return -EBADMSG;
        return 0;
}

int canonical_time(const json_t *object, const char *key, int64_t *ret_seconds)
{
        const char *text;

        if (canonical_string(object, key, &text) < 0 || !text_ends(text, "Z") || clock_parse_utc(text, ret_seconds) < 0)
                return -EBADMSG;
        return 0;
}

int canonical_time_or_empty(const json_t *object, const char *key, int64_t *ret_seconds)
{
        const char *text;

        if (canonical_string(object, key, &text) < 0)
                return -EBADMSG;
        if (*text)
                return canonical_time(object, key, ret_seconds);
        *ret_seconds = 0;
        return 0;
}

json_t *canonical_from_digest(const struct digest *digest)
{
        char hex[DIGEST_HEX_SIZE];

        digest_hex(digest, hex);
        return json_string(hex);
}

json_t *canonical_from_time(int64_t seconds)
{
        char text[CLOCK_TEXT_SIZE];

        clock_format_utc(seconds, text);
        return json_string(text);
}

json_t *canonical_from_time_or_empty(int64_t seconds)
{
        return seconds ? canonical_from_time(seconds) : json_string("");
}
