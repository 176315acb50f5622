/*
 * mail.h - an alert as a mail: RFC 5322 with MIME (RFC 2045, 2047), all of it ASCII on the wire.
 *
 * Pure, and the same bytes at every try: the Message-ID is the message's id in the queue, the Date that of its newest
 * alert, so a mail that is sent again after a crash is recognised. Nothing from outside can begin a header or a line
 * of its own: what is stored has no control characters, and what is not ASCII is encoded. Mails about one group are a
 * thread (References). libcurl does the dot-stuffing of SMTP.
 */
#ifndef NOTIFY_MAIL_H
#define NOTIFY_MAIL_H

#include "base/buffer.h"
#include "notify/message.h"
#include "notify/target.h"

/* Appends the whole mail, lines ending in CRLF. 0, -ENOMEM or -E2BIG (as the buffer says). */
int mail_render(const struct message *message, const struct notify_target *target, struct buffer *out);

/* Who the mail is from: as configured, else understudy@SERVER. */
void mail_sender(const struct message *message, const struct notify_target *target,
                 char from[static TARGET_ADDRESS_SIZE]);

#endif
