/* mail_parts.h - what an alert's mail and a letter share: headers that nobody can add to, and the body's encoding. */
#ifndef NOTIFY_MAIL_PARTS_H
#define NOTIFY_MAIL_PARTS_H

#include "notify/mail.h"

#define MAIL_HEADERS_END                                                                                               \
        "Auto-Submitted: auto-generated\r\n"                                                                           \
        "MIME-Version: 1.0\r\n"                                                                                        \
        "Content-Type: text/plain; charset=UTF-8\r\n"                                                                  \
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"

/* Whole header lines with CRLF. The text is UTF-8 without control characters. */
int mail_append_subject(struct buffer *out, const char *text);
int mail_append_date(struct buffer *out, int64_t time_us);

/* Quoted-printable (RFC 2045 section 6.7) of lines that end in \n. */
int mail_append_quoted(struct buffer *out, const char *text, size_t length);

#endif
