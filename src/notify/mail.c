/* mail.c - headers that nobody can add to, a body in quoted-printable. */
#include "notify/mail_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"

#define BODY_MAXIMUM    (256U << 10)
#define SUBJECT_MAXIMUM 180 /* bytes before encoding */
#define WORD_BYTES      42  /* of an encoded word: 56 letters of base64 and 12 around them stay under 75 */
#define LINE_MAXIMUM    76  /* RFC 2045 section 6.7, rule 5 */

/* ---- encodings ---- */

static bool is_plain(const char *text)
{
        for (; *text; text++)
                if (*text < ' ' || *text > '~')
                        return false;
        return true;
}

/* Text of a header: as it is, or as encoded words of whole letters, one a line (RFC 2047). */
static int append_header_text(struct buffer *out, const char *text, size_t length)
{
        bool first = true;
        int r = 0;

        while (r == 0 && length > 0) {
                size_t n = 0;

                while (n < length) {
                        size_t letter = text_utf8_length(text + n, length - n);

                        if (letter == 0 || n + letter > WORD_BYTES)
                                break;
                        n += letter;
                }
                if (n == 0)
                        return -EINVAL;
                r = buffer_append_text(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
                if (r == 0)
                        r = text_base64(out, text, n);
                if (r == 0)
                        r = buffer_append_text(out, "?=");
                first = false;
                text += n;
                length -= n;
        }
        return r;
}

int mail_append_subject(struct buffer *out, const char *text)
{
        size_t length = strlen(text), kept = 0;
        int r = buffer_append_text(out, "Subject: ");

        while (kept < length) { /* whole letters */
                size_t letter = text_utf8_length(text + kept, length - kept);

                if (letter == 0 || kept + letter > SUBJECT_MAXIMUM)
                        break;
                kept += letter;
        }
        if (r == 0 && is_plain(text) && !strstr(text, "=?"))
                r = buffer_append(out, text, kept);
        else if (r == 0)
                r = append_header_text(out, text, kept);
        return r < 0 ? r : buffer_append_text(out, "\r\n");
}

/* Quoted-printable (RFC 2045 section 6.7) of lines that end in \n. */
int mail_append_quoted(struct buffer *out, const char *text, size_t length)
{
        size_t column = 0;
        int r = 0;

        for (size_t i = 0; i < length && r == 0; i++) {
                unsigned char c = (unsigned char)text[i];
                bool last = i + 1 == length || text[i + 1] == '\n';
                bool plain = (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !last);

                if (c == '\n') {
                        r = buffer_append_text(out, "\r\n");
                        column = 0;
                        continue;
                }
                if (column + (plain ? 1 : 3) > LINE_MAXIMUM - 1) {
                        r = buffer_append_text(out, "=\r\n");
                        column = 0;
                }
                if (r == 0)
                        r = plain ? buffer_append_byte(out, (char)c) : buffer_printf(out, "=%02X", c);
                column += plain ? 1 : 3;
        }
        return r;
}

/* ---- headers ---- */

/* The server's name where a domain has to stand. */
static void domain_of(const struct message *message, char domain[static 256])
{
        const char *server = message->entries[0].alert.server;
        size_t length = 0;

        for (; *server && length < 200; server++)
                if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", *server) ||
                    (*server == '.' && length > 0 && domain[length - 1] != '.'))
                        domain[length++] = *server;
        while (length > 0 && domain[length - 1] == '.')
                length--;
        domain[length] = '\0';
        if (length == 0 || domain[0] == '-')
                snprintf(domain, 256, "localhost");
}

void mail_sender(const struct message *message, const struct notify_target *target,
                 char from[static TARGET_ADDRESS_SIZE])
{
        char domain[256];

        domain_of(message, domain);
        if (*target->from)
                snprintf(from, TARGET_ADDRESS_SIZE, "%s", target->from);
        else
                snprintf(from, TARGET_ADDRESS_SIZE, "understudy@%.200s", domain);
}

int mail_append_date(struct buffer *out, int64_t time_us)
{
        static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
        static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
        time_t seconds = (time_t)(time_us / 1000000);
        struct tm tm = { 0 };

        gmtime_r(&seconds, &tm); /* the year has four digits: alert_check() */
        return buffer_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
                             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* One thread a group: a reference to a mail that never was. */
static int append_thread(struct buffer *out, const struct alert *alert, const char *domain)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;

        if (buffer_printf(&text, "%s\n%s", alert->server, alert->group) < 0 ||
            digest_of_bytes(text.data, text.length, &digest, NULL) < 0)
                return -ENOMEM;
        digest_hex(&digest, hex);
        return buffer_printf(out, "References: <%.32s@%s>\r\n", hex, domain);
}

static int append_headers(const struct message *message, const struct notify_target *target, struct buffer *out)
{
        _cleanup_(buffer_done) struct buffer subject = BUFFER_INIT(8192);
        const struct alert *alert = &message->entries[0].alert;
        const char *severity = alert_severity_name(message->worst);
        char from[TARGET_ADDRESS_SIZE], domain[256];
        int r;

        mail_sender(message, target, from);
        domain_of(message, domain);
        r = buffer_printf(&subject, "[%s] %s: ", severity, alert->server);
        if (r == 0)
                r = message_headline(message, &subject);
        if (r == 0)
                r = buffer_printf(out, "From: Understudy <%s>\r\nTo: <%s>\r\n", from, target->to);
        if (r == 0)
                r = mail_append_subject(out, buffer_text(&subject));
        if (r == 0)
                r = mail_append_date(out, message->entries[message->entry_count - 1].alert.time_us);
        if (r == 0)
                r = buffer_printf(out, "Message-ID: <%s@%s>\r\n", message->id, domain);
        if (r == 0)
                r = append_thread(out, alert, domain);
        if (r == 0 && message->worst >= ALERT_HIGH)
                r = buffer_append_text(out, "Importance: high\r\n");
        return r < 0 ? r : buffer_append_text(out, MAIL_HEADERS_END);
}

/* ---- body ---- */

static int append_detail(struct buffer *body, const char *key, const json_t *value)
{
        _cleanup_(memory_freep) char *dumped = NULL;
        const char *text = json_string_value(value);
        size_t length = text ? json_string_length(value) : 0;
        int r = buffer_append_text(body, "  ");

        if (!text) {
                dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
                if (!dumped)
                        return -ENOMEM;
                text = dumped;
                length = strlen(dumped);
        }
        if (r == 0) /* keys come from our own modules, but the file may have been edited */
                r = text_escape(body, key, strlen(key));
        if (r == 0)
                r = buffer_append_text(body, ": ");
        if (r == 0)
                r = text_is_printable(text, length) ? buffer_append(body, text, length)
                                                    : text_escape(body, text, length);
        return r < 0 ? r : buffer_append_byte(body, '\n');
}

static int append_single(const struct alert *alert, struct buffer *body)
{
        json_t *details = (json_t *)(uintptr_t)alert->details; /* jansson's iterator takes no const */
        char when[CLOCK_TEXT_SIZE];
        const char *key;
        json_t *value;
        int r;

        clock_format_utc(alert->time_us / 1000000, when);
        r = buffer_printf(body, _("%s reports:\n\n  %s\n\nTime: %s\nSeverity: %s\nKind: %s\n"), alert->server,
                          alert->what, when, alert_severity_name(alert->severity), alert->kind);
        if (r == 0 && alert->site)
                r = buffer_printf(body, _("Site: %s\n"), alert->site);
        if (r == 0 && alert->dest)
                r = buffer_printf(body, _("Tree: %s\n"), alert->dest);
        if (r == 0 && details)
                r = buffer_append_text(body, _("Details:\n"));
        json_object_foreach(details, key, value)
        {
                if (r == 0)
                        r = append_detail(body, key, value);
        }
        return r;
}

static int append_line(const struct message_entry *entry, struct buffer *body)
{
        char when[CLOCK_TEXT_SIZE];

        clock_format_utc(entry->alert.time_us / 1000000, when);
        return buffer_printf(body, "  %s  %s\n", when, entry->alert.what);
}

static int append_group(const struct message *message, struct buffer *body)
{
        const struct message_entry *first = &message->entries[0], *last = &message->entries[message->entry_count - 1];
        char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
        int r;

        clock_format_utc(first->alert.time_us / 1000000, from);
        clock_format_utc(last->alert.time_us / 1000000, to);
        r = buffer_printf(body,
                          _("%s reports %" PRIu64 " more alerts of one kind, from %s to %s; the gravest is %s.\n\n"),
                          first->alert.server, message->count, from, to, alert_severity_name(message->worst));
        for (size_t i = 0; r == 0 && i < message->entry_count; i++) {
                uint64_t before = i ? message->entries[i - 1].number : 0, here = message->entries[i].number;

                if (here > before + 1)
                        r = buffer_printf(body, _("  (%" PRIu64 " are left out here)\n"), here - before - 1);
                if (r == 0)
                        r = append_line(&message->entries[i], body);
        }
        return r;
}

int mail_render(const struct message *message, const struct notify_target *target, struct buffer *out)
{
        _cleanup_(buffer_done) struct buffer body = BUFFER_INIT(BODY_MAXIMUM);
        int r = append_headers(message, target, out);

        if (r == 0)
                r = message->count == 1 ? append_single(&message->entries[0].alert, &body)
                                        : append_group(message, &body);
        if (r == 0)
                r = buffer_printf(&body,
                                  _("\n-- \nUnderstudy %s. All of it is in the journal: understudy journal show\n"),
                                  UNDERSTUDY_VERSION);
        return r < 0 ? r : mail_append_quoted(out, body.data, body.length);
}
