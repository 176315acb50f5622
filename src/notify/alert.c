/* alert.c - an alert as JSON and back. */
#include "notify/alert.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/text.h"

#define SERVER_MAXIMUM 255
#define SITE_MAXIMUM   128
#define DEST_MAXIMUM   512
#define KIND_MAXIMUM   64
#define GROUP_MAXIMUM  256
#define TIME_MAXIMUM   INT64_C(253402300799999999) /* the end of the year 9999 */

static const char *const severity_names[] = {
        [ALERT_INFORMATIONAL] = "informational", [ALERT_LOW] = "low", [ALERT_MEDIUM] = "medium", [ALERT_HIGH] = "high",
        [ALERT_CRITICAL] = "critical",
};

const char *alert_severity_name(enum alert_severity severity)
{
        return severity_names[severity];
}

static bool kind_is_good(const char *kind)
{
        size_t length = strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_");

        return length > 0 && length <= KIND_MAXIMUM && kind[length] == '\0';
}

int alert_check(const struct alert *alert, struct error *err)
{
        if (alert->kind && kind_is_good(alert->kind) && alert->what && *alert->what &&
            alert->severity >= ALERT_INFORMATIONAL && alert->severity <= ALERT_CRITICAL && alert->time_us >= 0 &&
            alert->time_us <= TIME_MAXIMUM && (!alert->details || json_is_object(alert->details)))
                return 0;
        return error_set(err, -EINVAL,
                         _("an alert of the kind '%s' cannot be sent: its parts are not what an alert has"),
                         alert->kind ? alert->kind : "");
}

/* The longest prefix of at most `maximum` bytes that ends with a whole letter (and with a whole \ooo). */
static size_t cut(const char *text, size_t length, size_t maximum)
{
        size_t end = 0;

        if (length <= maximum)
                return length;
        maximum -= strlen("...");
        while (end < length) {
                size_t n = text[end] == '\\' && length - end >= 4 ? 4 : text_utf8_length(text + end, length - end);

                if (n == 0 || end + n > maximum)
                        break;
                end += n;
        }
        return end;
}

static json_t *clean(const char *text, size_t maximum)
{
        _cleanup_(buffer_done) struct buffer escaped = BUFFER_INIT(1U << 20);
        size_t length = strnlen(text, 65536), kept;

        if (!text_is_printable(text, length)) {
                if (text_escape(&escaped, text, length) < 0)
                        return NULL;
                text = buffer_text(&escaped);
                length = escaped.length;
        }
        kept = cut(text, length, maximum);
        return json_sprintf("%.*s%s", (int)kept, text, kept < length ? "..." : "");
}

static int set_text(json_t *object, const char *key, const char *text, size_t maximum)
{
        return text ? json_object_set_new(object, key, clean(text, maximum)) : 0;
}

static int set_details(json_t *object, const json_t *details)
{
        size_t length = json_dumpb(details, NULL, 0, JSON_COMPACT);

        if (length == 0 || length > ALERT_DETAILS_MAXIMUM)
                return json_object_set_new(object, "details_omitted", json_true());
        return json_object_set_new(object, "details", json_deep_copy(details));
}

json_t *alert_to_json(const struct alert *alert, size_t what_maximum, bool with_details)
{
        json_t *object = json_object();
        int r = object ? 0 : -1;

        if (r == 0)
                r = json_object_set_new(object, "time_us", json_integer(alert->time_us));
        if (r == 0)
                r = json_object_set_new(object, "severity", json_integer(alert->severity));
        if (r == 0)
                r = set_text(object, "server", alert->server, SERVER_MAXIMUM);
        if (r == 0)
                r = set_text(object, "site", alert->site, SITE_MAXIMUM);
        if (r == 0)
                r = set_text(object, "dest", alert->dest, DEST_MAXIMUM);
        if (r == 0)
                r = set_text(object, "kind", alert->kind, KIND_MAXIMUM);
        if (r == 0)
                r = set_text(object, "what", alert->what, what_maximum);
        if (r == 0)
                r = set_text(object, "group", alert->group, GROUP_MAXIMUM);
        if (r == 0 && alert->details)
                r = with_details ? set_details(object, alert->details)
                                 : json_object_set_new(object, "details_omitted", json_true());
        if (r == 0)
                return object;
        json_decref(object);
        return NULL;
}

/* A member that is a clean text of at most `maximum` bytes, or NULL; *ret_bad when it is something else. */
static const char *get_text(const json_t *object, const char *key, size_t maximum, bool *ret_bad)
{
        const json_t *value = json_object_get(object, key);
        const char *text = json_string_value(value);

        if (!value)
                return NULL;
        if (!text || json_string_length(value) > maximum || strlen(text) != json_string_length(value) ||
            !text_is_printable(text, json_string_length(value)))
                *ret_bad = true;
        return text;
}

int alert_from_json(const json_t *json, struct alert *ret_alert)
{
        bool bad = false;
        struct alert alert = {
                .time_us = json_integer_value(json_object_get(json, "time_us")),
                .severity = ALERT_INFORMATIONAL,
                .server = get_text(json, "server", SERVER_MAXIMUM, &bad),
                .site = get_text(json, "site", SITE_MAXIMUM, &bad),
                .dest = get_text(json, "dest", DEST_MAXIMUM, &bad),
                .kind = get_text(json, "kind", KIND_MAXIMUM, &bad),
                .what = get_text(json, "what", ALERT_WHAT_MAXIMUM, &bad),
                .group = get_text(json, "group", GROUP_MAXIMUM, &bad),
                .details = json_object_get(json, "details"),
        };
        json_int_t severity = json_integer_value(json_object_get(json, "severity"));

        if (bad || severity < ALERT_INFORMATIONAL || severity > ALERT_CRITICAL)
                return -EBADMSG;
        alert.severity = (enum alert_severity)severity;
        if (alert_check(&alert, NULL) < 0 || !alert.server || !alert.group)
                return -EBADMSG;
        *ret_alert = alert;
        return 0;
}
