/* letter.c - one mail to one person. */
#include "notify/letter.h"

#include <errno.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "ipc/frame.h"
#include "notify/mail_parts.h"

/* Each line of it can go into a mail as it is. */
static bool is_body(const char *text)
{
        const char *cursor = text, *line;
        size_t length;

        while (text_next_line(&cursor, text + strlen(text), &line, &length))
                if (!text_is_printable(line, length))
                        return false;
        return true;
}

static bool is_id(const char *id)
{
        return *id && strlen(id) < LETTER_ID_SIZE &&
               strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(id);
}

int letter_render(const struct letter *letter, const struct notify_target *target, struct buffer *out,
                  struct error *err)
{
        const char *domain = strchr(target->from, '@');
        int r;

        if (target->kind != TARGET_MAIL || !domain || !is_id(letter->id))
                return error_usage(err, _("a letter needs an address that it comes from"));
        if (!*letter->subject || !text_is_printable(letter->subject, strlen(letter->subject)))
                return error_usage(err, _("the subject of a letter is one line without control characters"));
        if (!*letter->body || strlen(letter->body) > LETTER_BODY_MAXIMUM || !is_body(letter->body))
                return error_usage(err, _("the words of a letter are empty, too long, or have control characters"));
        r = buffer_printf(out, "From: <%s>\r\nTo: <%s>\r\n", target->from, target->to);
        if (r == 0)
                r = mail_append_subject(out, letter->subject);
        if (r == 0)
                r = mail_append_date(out, letter->time_us);
        if (r == 0)
                r = buffer_printf(out, "Message-ID: <%s@%s>\r\n", letter->id, domain + 1);
        if (r == 0)
                r = buffer_append_text(out, MAIL_HEADERS_END);
        if (r == 0)
                r = mail_append_quoted(out, letter->body, strlen(letter->body));
        if (r == 0 && letter->body[strlen(letter->body) - 1] != '\n')
                r = buffer_append_text(out, "\r\n");
        return r < 0 ? error_memory(err) : 0;
}

int letter_send(const struct letter *letter, const struct notify_target *target, int64_t timeout_ms,
                enum letter_end *ret_end, char words[static SENDER_WORDS], struct error *err)
{
        _cleanup_(buffer_done) struct buffer head = BUFFER_INIT(TARGET_ADDRESS_SIZE),
                                             payload = BUFFER_INIT(FRAME_BODY_MAXIMUM - 8192);
        static const enum letter_end ends[] = { [SENDER_MAYBE] = LETTER_UNSURE,
                                                [SENDER_NOT] = LETTER_AWAY,
                                                [SENDER_LATER] = LETTER_LATER,
                                                [SENDER_NEVER] = LETTER_REFUSED };
        const struct sender_limits limits = { .try_ms = timeout_ms };
        enum schedule_end end = SCHEDULE_LATER; /* if the process breaks: nobody knows */
        enum sender_reach reach = SENDER_MAYBE;
        int r = letter_render(letter, target, &payload, err);

        if (r < 0)
                return r;
        if (buffer_append_text(&head, target->from) < 0)
                return error_memory(err);
        r = sender_run(target, &limits, &head, &payload, &end, &reach, words, err);
        if (r == 0)
                *ret_end = end == SCHEDULE_DELIVERED ? LETTER_SENT : ends[reach];
        return r;
}
