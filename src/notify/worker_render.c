/* worker_render.c - what a sender is given for a message. */
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "notify/finding.h"
#include "notify/mail.h"
#include "notify/syslog.h"
#include "notify/webhook.h"
#include "notify/worker.h"

int worker_sign(const char *id, const struct notify_target *target, struct buffer *head, const struct buffer *payload,
                struct error *err)
{
        struct webhook_key key = { .length = 0 };
        int r = *target->secret_file ? webhook_key_read(target->secret_file, &key, err) : 0;

        if (r == 0)
                r = webhook_head(id, clock_now(), &key, payload->data, payload->length, head, err);
        memory_wipe(&key, sizeof(key));
        if (r == 0 && buffer_append_text(head, "content-type: application/json\r\n") < 0)
                r = error_memory(err);
        return r;
}

int worker_render(const struct message *message, const struct notify_target *target, struct buffer *head,
                  struct buffer *payload, struct error *err)
{
        char from[TARGET_ADDRESS_SIZE];
        int r = 0;

        switch (target->kind) {
        case TARGET_MAIL:
                mail_sender(message, target, from);
                r = buffer_append_text(head, from);
                if (r == 0)
                        r = mail_render(message, target, payload);
                break;
        case TARGET_WEBHOOK:
                r = finding_render(message, payload);
                if (r == 0)
                        return worker_sign(message->id, target, head, payload, err);
                break;
        case TARGET_SYSLOG_LOCAL:
        case TARGET_SYSLOG_UDP:
        case TARGET_SYSLOG_TCP: r = syslog_render(message, target, getppid(), payload); break;
        }
        return r < 0 ? error_errno(err, -r, _("cannot write the alert %s for %s"), message->id, target->shown) : 0;
}
