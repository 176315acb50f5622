/* Any bytes as a file of the queue: what is taken can be sent everywhere, as one line, one mail, one JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "notify/finding.h"
#include "notify/mail.h"
#include "notify/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct notify_target target_of(const char *text)
{
        struct notify_target target;

        if (notify_target_parse(text, &target, NULL) < 0)
                abort();
        return target;
}

static void check_mail(const struct message *message)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 20);
        const struct notify_target target = target_of("mailto:ops@example.org");
        char from[TARGET_ADDRESS_SIZE];

        mail_sender(message, &target, from);
        if (!target_address_is_good(from))
                abort();
        if (mail_render(message, &target, &out) < 0)
                return; /* it has a maximum */
        for (size_t i = 0; i < out.length; i++)
                if ((out.data[i] < ' ' && out.data[i] != '\r' && out.data[i] != '\n') || out.data[i] > '~' ||
                    (out.data[i] == '\r') != (out.data[i + 1] == '\n'))
                        abort();
        if (strncmp(out.data, "From: Understudy <", 18) != 0 || strstr(out.data, "\r\nBcc"))
                abort();
}

/* RFC 5424 section 6.4: in front of text that is not ASCII stands one byte order mark, which is itself no letter. */
static bool is_line(const struct buffer *out)
{
        static const char mark_bytes[] = "\xef\xbb\xbf";
        const char *mark = memmem(out->data, out->length, mark_bytes, strlen(mark_bytes)), *end = out->data + out->length;

        if (!mark)
                return text_is_printable(out->data, out->length);
        return text_is_printable(out->data, (size_t)(mark - out->data)) &&
               text_is_printable(mark + strlen(mark_bytes), (size_t)(end - mark) - strlen(mark_bytes));
}

static void check_line(const struct message *message, const char *where)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 20);
        const struct notify_target target = target_of(where);

        if (syslog_render(message, &target, 1, &out) < 0)
                return;
        if (!is_line(&out) || out.length > SYSLOG_MAXIMUM)
                abort();
}

static void check_json(const struct message *message)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 20);
        json_t *json;

        if (finding_render(message, &out) < 0)
                return;
        json = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
        if (!json)
                abort();
        json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct error error = ERROR_NONE;
        struct message message;

        if (message_parse((const char *)data, size, "0006612aaf4829bb-f368631a1fc7f016", &message, &error) < 0) {
                if (!*error.text)
                        abort();
                return 0;
        }
        if (message.entry_count == 0 || message.count < message.entry_count || message.worst < ALERT_INFORMATIONAL)
                abort();
        check_mail(&message);
        check_line(&message, "syslog:");
        check_line(&message, "syslog://h");
        check_line(&message, "syslog+tcp://h?format=json");
        check_json(&message);
        message_done(&message);
        return 0;
}
