/*
 * letter.h - a mail with words of a person's to one other person: not an alert, no queue.
 *
 * The caller keeps the books: it notes that a letter is about to be sent before letter_send(), and what came of it
 * after. The Message-ID is the caller's id, the same at every try.
 */
#ifndef NOTIFY_LETTER_H
#define NOTIFY_LETTER_H

#include "notify/schedule.h"
#include "notify/sender.h"

#define LETTER_BODY_MAXIMUM (64U << 10)
#define LETTER_ID_SIZE      65

struct letter {
        const char *id;      /* letters and digits; with the domain of the sender it is the Message-ID */
        const char *subject; /* UTF-8 without control characters */
        const char *body;    /* UTF-8, lines that end in \n */
        int64_t time_us;
};

/* The whole mail; the target says to whom and from whom. -EINVAL with words for what cannot be a letter: a control
 * character in the subject or (but for newlines) in the body, no sender. */
int letter_render(const struct letter *letter, const struct notify_target *target, struct buffer *out,
                  struct error *err);

enum letter_end {
        LETTER_SENT,    /* the server took it */
        LETTER_REFUSED, /* for ever: nobody of that name, or not this letter */
        LETTER_LATER,   /* refused for now; the next letter may be taken */
        LETTER_AWAY,    /* not sent, and the next one would not be either: no server, or it takes nothing from us */
        LETTER_UNSURE,  /* the server may have it */
};

/* Sends it and waits. 0 with *ret_end, and words unless it was sent; negative: nothing was sent. */
int letter_send(const struct letter *letter, const struct notify_target *target, int64_t timeout_ms,
                enum letter_end *ret_end, char words[static SENDER_WORDS], struct error *err);

#endif
