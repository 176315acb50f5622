/* syslog.c - RFC 5424, and the older form for /dev/log. */
#include "notify/syslog.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "notify/finding.h"

#define SD_ID           "understudy@32473"
#define JSON_MAXIMUM    (256U << 10)
#define HOST_MAXIMUM    255
#define MSGID_MAXIMUM   32
#define VALUE_MAXIMUM   300 /* bytes of a parameter's value, before escaping */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* RFC 5424 table 2 */
static int severity_code(enum alert_severity severity)
{
        static const int codes[] = { 6, 6, 5, 4, 3, 2 };

        return codes[severity];
}

static bool is_ascii(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text >= 0x80)
                        return false;
        return true;
}

/* A field of the header: printable ASCII without blanks, "-" when there is nothing. */
static int append_field(struct buffer *out, const char *text, size_t maximum)
{
        size_t n = 0;
        int r = *text ? 0 : buffer_append_byte(out, '-');

        for (; *text && n < maximum && r == 0; text++, n++)
                r = buffer_append_byte(out, *text > ' ' && *text <= '~' ? *text : '_');
        return r;
}

/* ` name="value"` with the three characters escaped that RFC 5424 section 6.3.3 names. */
static int append_parameter(struct buffer *out, const char *name, const char *value)
{
        size_t length = value ? strlen(value) : 0, n = 0;
        int r = value ? buffer_printf(out, " %s=\"", name) : 0;

        while (r == 0 && n < length) {
                size_t letter = text_utf8_length(value + n, length - n);

                if (letter == 0 || n + letter > VALUE_MAXIMUM)
                        break;
                if (strchr("\"\\]", value[n]))
                        r = buffer_append_byte(out, '\\');
                if (r == 0)
                        r = buffer_append(out, value + n, letter);
                n += letter;
        }
        return r < 0 || !value ? r : buffer_append_byte(out, '"');
}

static int append_structured(struct buffer *out, const struct message *message)
{
        const struct alert *alert = &message->entries[0].alert;
        const char *path = json_string_value(json_object_get(alert->details, "path"));
        int r = buffer_printf(out, "[" SD_ID " id=\"%s\" count=\"%" PRIu64 "\" severity=\"%s\" kind=\"%s\"",
                              message->id, message->count, alert_severity_name(message->worst), alert->kind);

        if (r == 0)
                r = append_parameter(out, "site", alert->site);
        if (r == 0)
                r = append_parameter(out, "dest", alert->dest);
        if (r == 0 && path && text_is_printable(path, strlen(path)))
                r = append_parameter(out, "path", path);
        return r < 0 ? r : buffer_append_byte(out, ']');
}

/* The sentence, or the finding where that is wanted and fits. */
static int append_text(struct buffer *out, const struct message *message, const struct notify_target *target,
                       size_t maximum)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(JSON_MAXIMUM);
        size_t room = maximum > out->length ? maximum - out->length : 0, n = 0;
        int r = target->json ? finding_render(message, &text) : message_headline(message, &text);

        /* Half of a JSON is none, and one with a name that holds a control character (DEL) is no line. */
        if (r == 0 && target->json && (text.length > room || !text_is_printable(text.data, text.length))) {
                buffer_clear(&text);
                r = message_headline(message, &text);
        }
        if (r == 0 && !is_ascii(buffer_text(&text)) && target->kind != TARGET_SYSLOG_LOCAL) {
                r = buffer_append_text(out, BYTE_ORDER_MARK);
                room = room > 3 ? room - 3 : 0;
        }
        while (r == 0 && n < text.length) {
                size_t letter = text_utf8_length(text.data + n, text.length - n);

                if (letter == 0 || n + letter > room)
                        break;
                n += letter;
        }
        return r < 0 || n == 0 ? r : buffer_append(out, text.data, n);
}

static int render_local(const struct message *message, const struct notify_target *target, int priority, long pid,
                        struct buffer *out)
{
        static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
        time_t seconds = (time_t)(message->entries[message->entry_count - 1].alert.time_us / 1000000);
        struct tm tm = { 0 };
        int r;

        localtime_r(&seconds, &tm);
        r = buffer_printf(out, "<%d>%s %2d %02d:%02d:%02d understudy[%ld]: ", priority, months[tm.tm_mon], tm.tm_mday,
                          tm.tm_hour, tm.tm_min, tm.tm_sec, pid);
        if (r == 0 && !target->json) {
                r = append_structured(out, message);
                if (r == 0)
                        r = buffer_append_byte(out, ' ');
        }
        return r < 0 ? r : append_text(out, message, target, SYSLOG_MAXIMUM);
}

int syslog_render(const struct message *message, const struct notify_target *target, long pid, struct buffer *out)
{
        const struct message_entry *last = &message->entries[message->entry_count - 1];
        int priority = target->facility * 8 + severity_code(message->worst);
        char when[CLOCK_TEXT_SIZE];
        int r;

        if (target->kind == TARGET_SYSLOG_LOCAL)
                return render_local(message, target, priority, pid, out);
        clock_format_utc(last->alert.time_us / 1000000, when);
        r = buffer_printf(out, "<%d>1 %.19s.%06dZ ", priority, when, (int)(last->alert.time_us % 1000000));
        if (r == 0)
                r = append_field(out, last->alert.server, HOST_MAXIMUM);
        if (r == 0)
                r = buffer_printf(out, " understudy %ld ", pid);
        if (r == 0)
                r = append_field(out, last->alert.kind, MSGID_MAXIMUM);
        if (r == 0)
                r = buffer_append_byte(out, ' ');
        if (r == 0)
                r = append_structured(out, message);
        if (r == 0)
                r = buffer_append_byte(out, ' ');
        return r < 0 ? r
                     : append_text(out, message, target,
                                   target->kind == TARGET_SYSLOG_UDP ? SYSLOG_UDP_MAXIMUM : SYSLOG_MAXIMUM);
}
