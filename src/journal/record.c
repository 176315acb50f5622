/* record.c - records to canonical JSON and back. */
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"

/* Beyond this JSON's numbers are not exact everywhere (RFC 8785 section 3.2.2.3). */
#define INTEGER_MAXIMUM (INT64_C(1) << 53)

int64_t record_now_us(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void record_format_time(int64_t time_us, char text[static RECORD_TIME_SIZE])
{
        char seconds[CLOCK_TEXT_SIZE];

        clock_format_utc(time_us / 1000000, seconds);
        snprintf(text, RECORD_TIME_SIZE, "%.19s.%06dZ", seconds, (int)(time_us % 1000000));
}

/* ---- writing ---- */

/* Text without control characters in quotes. */
static int write_quoted(struct buffer *out, const char *text, size_t length)
{
        int r = buffer_append_byte(out, '"');

        while (r == 0 && length > 0) {
                size_t plain = 0;

                while (plain < length && text[plain] != '"' && text[plain] != '\\')
                        plain++;
                r = buffer_append(out, text, plain);
                if (r == 0 && plain < length) {
                        r = buffer_append_byte(out, '\\');
                        if (r == 0)
                                r = buffer_append_byte(out, text[plain]);
                        plain++;
                }
                text += plain;
                length -= plain;
        }
        return r < 0 ? r : buffer_append_byte(out, '"');
}

static int write_string(struct buffer *out, const char *text, size_t length, bool escape)
{
        _cleanup_(buffer_done) struct buffer escaped = BUFFER_INIT(4 * RECORD_MAXIMUM);
        int r;

        if (!escape)
                return write_quoted(out, text, length);
        if (length > RECORD_MAXIMUM)
                return -E2BIG;
        r = text_escape(&escaped, text, length);
        return r < 0 ? r : write_quoted(out, buffer_text(&escaped), escaped.length);
}

static bool key_is_good(const char *key)
{
        size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_");

        return length > 0 && length <= 64 && key[length] == '\0';
}

static int compare_keys(const void *a, const void *b)
{
        const char *const *left = a, *const *right = b;

        return strcmp(*left, *right);
}

static int write_value(struct buffer *out, const json_t *value, unsigned int depth, bool escape);

static int write_object(struct buffer *out, const json_t *object, unsigned int depth, bool escape)
{
        const char *keys[RECORD_KEYS], *key;
        json_t *copy = (json_t *)(uintptr_t)object; /* jansson's iterator takes no const */
        size_t count = 0;
        json_t *value;
        int r;

        if (depth == 0 || json_object_size(object) > RECORD_KEYS)
                return -EINVAL;
        json_object_foreach(copy, key, value)
        {
                if (!key_is_good(key))
                        return -EINVAL;
                keys[count++] = key;
        }
        qsort(keys, count, sizeof(keys[0]), compare_keys);
        r = buffer_append_byte(out, '{');
        for (size_t i = 0; i < count && r == 0; i++) {
                r = buffer_printf(out, "%s\"%s\":", i ? "," : "", keys[i]);
                if (r == 0)
                        r = write_value(out, json_object_get(object, keys[i]), depth - 1, escape);
        }
        return r < 0 ? r : buffer_append_byte(out, '}');
}

static int write_array(struct buffer *out, const json_t *array, unsigned int depth, bool escape)
{
        int r = depth == 0 ? -EINVAL : buffer_append_byte(out, '[');

        for (size_t i = 0; i < json_array_size(array) && r == 0; i++) {
                if (i)
                        r = buffer_append_byte(out, ',');
                if (r == 0)
                        r = write_value(out, json_array_get(array, i), depth - 1, escape);
        }
        return r < 0 ? r : buffer_append_byte(out, ']');
}

static int write_value(struct buffer *out, const json_t *value, unsigned int depth, bool escape)
{
        switch (json_typeof(value)) {
        case JSON_OBJECT: return write_object(out, value, depth, escape);
        case JSON_ARRAY: return write_array(out, value, depth, escape);
        case JSON_STRING:
                return write_string(out, json_string_value(value), json_string_length(value),
                                    escape && !text_is_printable(json_string_value(value), json_string_length(value)));
        case JSON_INTEGER:
                if (json_integer_value(value) > INTEGER_MAXIMUM || json_integer_value(value) < -INTEGER_MAXIMUM)
                        return -EINVAL;
                return buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        case JSON_TRUE: return buffer_append_text(out, "true");
        case JSON_FALSE: return buffer_append_text(out, "false");
        case JSON_NULL: return buffer_append_text(out, "null");
        case JSON_REAL: break;
        }
        return -EINVAL;
}

/* One member of a record: a text, or a value, or (neither) the place of the sequence number. */
struct member {
        const char *key, *text;
        const json_t *value;
        bool null;
};

static int compare_members(const void *a, const void *b)
{
        const struct member *left = a, *right = b;

        return strcmp(left->key, right->key);
}

static int write_members(const struct member *members, size_t count, struct buffer *out, size_t *ret_split)
{
        size_t start = out->length;
        int r = buffer_append_byte(out, '{');

        for (size_t i = 0; i < count && r == 0; i++) {
                const struct member *member = &members[i];

                r = buffer_printf(out, "%s\"%s\":", i ? "," : "", member->key);
                if (r < 0)
                        break;
                if (member->text)
                        /* A sentence has the names in it escaped already, mostly: not once more. */
                        r = write_string(out, member->text, strlen(member->text),
                                         !text_is_printable(member->text, strlen(member->text)));
                else if (member->value)
                        r = write_value(out, member->value, RECORD_DEPTH - 1, true);
                else if (member->null)
                        r = buffer_append_text(out, "null");
                else
                        *ret_split = out->length - start;
        }
        return r < 0 ? r : buffer_append_byte(out, '}');
}

static int not_a_record(const struct journal_record *record, struct error *err)
{
        return error_set(err, -EINVAL,
                         _("a record of the kind '%s' cannot be written: its parts are not what a record may have"),
                         record->kind ? record->kind : "");
}

int record_format(const struct journal_record *record, const char *server, struct buffer *out, size_t *ret_split,
                  struct error *err)
{
        struct member members[RECORD_KEYS + 7];
        char time[RECORD_TIME_SIZE], evidence[DIGEST_HEX_SIZE] = "";
        size_t count = 0, start = out->length;
        const char *key;
        json_t *value;
        int r;

        if (!record->actor || !record->kind || !record->what || !key_is_good(record->kind) ||
            (record->details &&
             (!json_is_object(record->details) || json_object_size(record->details) > RECORD_KEYS - 7)))
                return not_a_record(record, err);
        record_format_time(record->time_us ? record->time_us : record_now_us(), time);
        if (record->evidence)
                digest_hex(record->evidence, evidence);
        members[count++] = (struct member){ .key = "actor", .text = record->actor };
        members[count++] = (struct member){ .key = "evidence", .text = *evidence ? evidence : NULL, .null = true };
        members[count++] = (struct member){ .key = "kind", .text = record->kind };
        members[count++] = (struct member){ .key = "sequence" };
        members[count++] = (struct member){ .key = "server", .text = record->server ? record->server : server };
        members[count++] = (struct member){ .key = "time", .text = time };
        members[count++] = (struct member){ .key = "what", .text = record->what };
        if (record->details)
                json_object_foreach(record->details, key, value)
                {
                        if (!key_is_good(key))
                                return not_a_record(record, err);
                        members[count++] = (struct member){ .key = key, .value = value };
                }
        qsort(members, count, sizeof(members[0]), compare_members);
        for (size_t i = 1; i < count; i++)
                if (text_equal(members[i - 1].key, members[i].key))
                        return not_a_record(record, err);
        r = write_members(members, count, out, ret_split);
        if (r == 0 && out->length - start + 20 > RECORD_MAXIMUM)
                r = -E2BIG;
        if (r == 0)
                return 0;
        out->length = start;
        if (r == -ENOMEM)
                return error_memory(err);
        if (r == -EINVAL)
                return not_a_record(record, err);
        return error_set(err, r, _("a record of the kind '%s' is too large for the journal"), record->kind);
}

/* ---- reading ---- */

static bool is_complete(const json_t *record, uint64_t sequence)
{
        static const char *const texts[] = { "actor", "kind", "server", "time", "what" };
        const json_t *number = json_object_get(record, "sequence"), *evidence = json_object_get(record, "evidence");

        for (size_t i = 0; i < LENGTH(texts); i++)
                if (!json_is_string(json_object_get(record, texts[i])))
                        return false;
        return json_is_integer(number) && json_integer_value(number) >= 0 &&
               (uint64_t)json_integer_value(number) == sequence && (json_is_string(evidence) || json_is_null(evidence));
}

int record_parse(const char *bytes, size_t length, uint64_t sequence, json_t **ret_record, struct error *err)
{
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(RECORD_MAXIMUM);
        json_t *record = length <= RECORD_MAXIMUM && text_is_printable(bytes, length)
                                 ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL)
                                 : NULL;
        bool good = json_is_object(record) && is_complete(record, sequence) &&
                    write_value(&again, record, RECORD_DEPTH, false) == 0 && again.length == length &&
                    memcmp(again.data, bytes, length) == 0;

        if (!good || !ret_record) {
                json_decref(record);
                record = NULL;
        }
        if (!good)
                return error_set(err, -EBADMSG, _("record %" PRIu64 " is not a record of the journal"), sequence);
        if (ret_record)
                *ret_record = record;
        return 0;
}
