/* finding.c - OCSF's names for what we know. */
#include "notify/finding.h"

#include <errno.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"

#define SCHEMA_VERSION    "1.3.0"
#define HASH_SHA256       3 /* OCSF, object fingerprint, algorithm_id */
#define FILE_TYPE_UNKNOWN 0 /* OCSF, object file, type_id */
#define ACTIVITY_CREATE   1
#define ACTIVITY_OTHER    99
#define CLASS_FINDING     2004
#define CATEGORY_FINDINGS 2

/* Sets and takes the reference; true when there was no memory. NULL is left out. */
static bool set(json_t *object, const char *key, json_t *value)
{
        return value && json_object_set_new(object, key, value) < 0;
}

static json_t *text_or_none(const char *text)
{
        return text ? json_string(text) : NULL;
}

static json_t *metadata(const char *id, const char *kind)
{
        return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "version", SCHEMA_VERSION, "uid", id, "event_code", kind,
                         "product", "name", "Understudy", "vendor_name", "Understudy", "version", UNDERSTUDY_VERSION);
}

/* A member of the details, copied; NULL when it is not there or not of this type. */
static json_t *member(const json_t *details, const char *key, json_type type)
{
        const json_t *value = json_object_get(details, key);

        return value && json_typeof(value) == type ? json_deep_copy(value) : NULL;
}

static json_t *file_of(const json_t *details)
{
        const char *path = json_string_value(json_object_get(details, "path"));
        const char *evidence = json_string_value(json_object_get(details, "evidence"));
        const char *slash = path ? strrchr(path, '/') : NULL;
        json_t *file;

        if (!path)
                return NULL;
        file = json_pack("{s:s, s:s, s:i}", "name", slash && slash[1] ? slash + 1 : path, "path", path, "type_id",
                         FILE_TYPE_UNKNOWN);
        if (file && evidence)
                set(file, "hashes",
                    json_pack("[{s:i, s:s, s:s}]", "algorithm_id", HASH_SHA256, "algorithm", "SHA-256", "value",
                              evidence));
        return file;
}

static json_t *process_of(const json_t *details)
{
        const json_t *from = json_object_get(details, "process");
        const char *exe = json_string_value(json_object_get(from, "exe"));
        const json_t *uid = json_object_get(from, "uid");
        json_t *process;

        if (!json_is_object(from))
                return NULL;
        process = json_object();
        if (!process)
                return NULL;
        set(process, "pid", member(from, "pid", JSON_INTEGER));
        set(process, "cmd_line", member(from, "command", JSON_STRING));
        if (exe)
                set(process, "file",
                    json_pack("{s:s, s:s, s:i}", "name", strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe, "path", exe,
                              "type_id", FILE_TYPE_UNKNOWN));
        if (json_is_integer(uid))
                set(process, "user",
                    json_pack("{s:o}", "uid", json_sprintf("%lld", (long long)json_integer_value(uid))));
        return process;
}

/* What the finding rests on: file, process, address. */
static json_t *evidence_of(const struct alert *alert)
{
        const char *address = json_string_value(json_object_get(alert->details, "address"));
        json_t *evidence = json_object();

        if (!evidence)
                return NULL;
        set(evidence, "file", file_of(alert->details));
        set(evidence, "process", process_of(alert->details));
        if (address)
                set(evidence, "src_endpoint", json_pack("{s:s}", "ip", address));
        if (json_object_size(evidence) > 0)
                return evidence;
        json_decref(evidence);
        return NULL;
}

static json_t *evidences(const struct message *message)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < message->entry_count; i++) {
                json_t *evidence = evidence_of(&message->entries[i].alert);

                if (evidence)
                        json_array_append_new(list, evidence);
        }
        if (json_array_size(list) > 0)
                return list;
        json_decref(list);
        return NULL;
}

/* Of a collected group: what was kept of each line, with its number. */
static json_t *lines(const struct message *message)
{
        json_t *list = message->count > 1 ? json_array() : NULL;

        for (size_t i = 0; list && i < message->entry_count; i++) {
                const struct message_entry *entry = &message->entries[i];

                json_array_append_new(list, json_pack("{s:I, s:I, s:s}", "number", (json_int_t)entry->number, "time",
                                                      (json_int_t)(entry->alert.time_us / 1000), "message",
                                                      entry->alert.what));
        }
        return list;
}

static json_t *unmapped(const struct message *message)
{
        const struct alert *alert = &message->entries[0].alert;
        json_t *object = json_object();
        bool failed = !object;

        failed = failed || set(object, "kind", json_string(alert->kind));
        failed = failed || set(object, "group", json_string(alert->group));
        failed = failed || set(object, "site", text_or_none(alert->site));
        if (message->count == 1)
                failed = failed || set(object, "details", alert->details ? json_deep_copy(alert->details) : NULL);
        failed = failed || set(object, "lines", lines(message));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

/* jansson's "ASCII" has one control character in it: DEL, which can stand in a string only. */
static int dump(json_t *event, struct buffer *out)
{
        _cleanup_(memory_freep) char *text = event ? json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
        int r = text ? 0 : -ENOMEM;

        json_decref(event);
        for (const char *rest = text; r == 0 && *rest;) {
                size_t length = strcspn(rest, "\177");

                r = buffer_append(out, rest, length);
                rest += length;
                if (r == 0 && *rest) {
                        r = buffer_append_text(out, "\\u007f");
                        rest++;
                }
        }
        return r;
}

int finding_render(const struct message *message, struct buffer *out)
{
        static const char *const captions[] = { "", "Informational", "Low", "Medium", "High", "Critical" };
        _cleanup_(buffer_done) struct buffer headline = BUFFER_INIT(8192);
        const struct alert *first = &message->entries[0].alert,
                           *last = &message->entries[message->entry_count - 1].alert;
        json_int_t start = first->time_us / 1000, end = last->time_us / 1000;
        json_t *event;
        bool failed;

        if (message_headline(message, &headline) < 0)
                return -ENOMEM;
        event = json_pack("{s:i, s:i, s:i, s:i, s:s, s:i, s:s, s:I, s:s, s:I, s:o, s:{s:s, s:s, s:[s], s:I, s:I, s:I}, "
                          "s:{s:s, s:s, s:i}}",
                          "category_uid", CATEGORY_FINDINGS, "class_uid", CLASS_FINDING, "activity_id", ACTIVITY_CREATE,
                          "type_uid", CLASS_FINDING * 100 + ACTIVITY_CREATE, "class_name", "Detection Finding",
                          "severity_id", (int)message->worst, "severity", captions[message->worst], "time", end,
                          "message", buffer_text(&headline), "count", (json_int_t)message->count, "metadata",
                          metadata(message->id, first->kind), "finding_info", "uid", message->id, "title",
                          buffer_text(&headline), "types", first->kind, "created_time", start, "first_seen_time", start,
                          "last_seen_time", end, "device", "hostname", first->server, "name", first->server, "type_id",
                          1 /* a server */);
        failed = !event;
        failed = failed || set(event, "start_time", json_integer(start)) || set(event, "end_time", json_integer(end));
        if (first->dest)
                failed = failed ||
                         set(event, "resources", json_pack("[{s:s, s:s}]", "name", first->dest, "type", "tree"));
        failed = failed || set(event, "evidences", evidences(message)) || set(event, "unmapped", unmapped(message));
        if (!failed)
                return dump(event, out);
        json_decref(event);
        return -ENOMEM;
}

int finding_heartbeat(const char *id, const char *server, int64_t time_us, int64_t interval_s, const json_t *status,
                      struct buffer *out)
{
        json_t *event = json_pack("{s:i, s:i, s:i, s:s, s:i, s:s, s:i, s:I, s:o, s:{s:s, s:i}, s:{s:s, s:I}}",
                                  "category_uid", 0, "class_uid", 0, "activity_id", ACTIVITY_OTHER, "activity_name",
                                  "heartbeat", "type_uid", ACTIVITY_OTHER, "severity", "Informational", "severity_id",
                                  ALERT_INFORMATIONAL, "time", (json_int_t)(time_us / 1000), "metadata",
                                  metadata(id, "heartbeat"), "device", "hostname", server, "type_id", 1, "unmapped",
                                  "kind", "heartbeat", "interval_seconds", (json_int_t)interval_s);

        if (event && status)
                json_object_set_new(json_object_get(event, "unmapped"), "status", json_deep_copy(status));
        return dump(event, out);
}
