/* try.c - one alert to one target, while somebody waits for what happens. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/i18n.h"
#include "ipc/frame.h"
#include "notify/notify.h"
#include "notify/worker.h"

#define TRY_MS      60000
#define OVER_TRY_MS 10000

int sender_run(const struct notify_target *target, const struct sender_limits *limits, const struct buffer *head,
               const struct buffer *payload, enum schedule_end *ret_end, enum sender_reach *ret_reach,
               char words[static SENDER_WORDS], struct error *err)
{
        struct sender sender = SENDER_NONE;
        struct pollfd one = { .events = POLLIN };
        int r = sender_start(target, limits, &sender, err);

        if (r < 0)
                return r;
        one.fd = sender.socket;
        r = sender_give(&sender, head, payload);
        while (r == 0 && (r = poll(&one, 1, (int)limits->try_ms + OVER_TRY_MS)) < 0 && errno == EINTR)
                r = 0;
        if (r == 0)
                snprintf(words, SENDER_WORDS, "%s", _("it takes too long"));
        else if (r < 0 || sender_take(&sender, ret_end, ret_reach, words) < 0)
                snprintf(words, SENDER_WORDS, "%s", _("the process that sends it has ended"));
        sender_stop(&sender);
        return 0;
}

int notify_try(const struct notify_target *target, const struct alert *alert, const struct notify_options *options,
               struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(MESSAGE_MAXIMUM), head = BUFFER_INIT(8192),
                                             payload = BUFFER_INIT(FRAME_BODY_MAXIMUM - 8192);
        struct sender_limits limits = { .try_ms = options && options->try_ms ? options->try_ms : TRY_MS,
                                        .user = options ? options->user : NULL };
        enum schedule_end end = SCHEDULE_LATER;
        enum sender_reach reach;
        char id[MESSAGE_ID_SIZE], host[256] = "localhost", words[SENDER_WORDS] = "";
        struct message message = { .count = 0 };
        struct alert whole = *alert;
        int r;

        (void)gethostname(host, sizeof(host) - 1);
        if (!whole.server)
                whole.server = options && options->server ? options->server : host;
        if (!whole.group)
                whole.group = whole.kind;
        if (whole.time_us == 0)
                whole.time_us = (int64_t)time(NULL) * 1000000;
        r = message_id_make(id, err);
        if (r == 0)
                r = message_format(&whole, &text, err);
        if (r == 0)
                r = message_parse(text.data, text.length, id, &message, err);
        if (r == 0)
                r = worker_render(&message, target, &head, &payload, err);
        message_done(&message);
        if (r < 0)
                return r;
        if (target->kind == TARGET_SYSLOG_LOCAL)
                end = sender_local(target, &payload, words);
        else
                r = sender_run(target, &limits, &head, &payload, &end, &reach, words, err);
        if (r == 0 && end != SCHEDULE_DELIVERED)
                r = error_set(err, -EIO, _("%s did not take the alert: %s"), target->shown, words);
        return r;
}
