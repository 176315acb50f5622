/*
 * record.h - one record of the journal: canonical JSON (RFC 8785: sorted keys, no spaces, shortest escapes; only
 * strings, integers, booleans, null, objects and arrays occur here).
 *
 *     {"actor":"uid 0","evidence":null,"kind":"pull_finished","sequence":17,"server":"web1",
 *      "time":"2026-11-23T14:03:53.000125Z","what":"/var/www/html is release 12"}
 *
 * More keys may stand beside these ("path", "difference", "process" ...). What comes in from outside is escaped as
 * text_escape() does, so a record never holds a control character, and a hostile name cannot write to a terminal.
 */
#ifndef JOURNAL_RECORD_H
#define JOURNAL_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"

#define RECORD_MAXIMUM   60000 /* bytes of a record; a tile's entry could have 65,535 */
#define RECORD_KEYS      64    /* most members of one object */
#define RECORD_DEPTH     4     /* most objects and arrays inside each other */
#define RECORD_TIME_SIZE 40

struct journal_record {
        int64_t time_us;               /* microseconds since 1970 UTC; 0: now */
        const char *server;            /* NULL: this journal's own */
        const char *actor;             /* who did it */
        const char *kind;              /* a word: lower-case letters, digits, "_" */
        const char *what;              /* one sentence in English; escaped whole if it has a byte that may not be there */
        const struct digest *evidence; /* SHA-256 of what proves it; NULL: nothing does */
        /* Borrowed: an object whose members are added to the record; NULL: none. Names in it are escaped already, as
         * text_escape() does; a text that still has a byte which may not be there is escaped whole. */
        json_t *details;
};

/*
 * Appends the record to `out` in two parts, between which the sequence number belongs (it is known only when the record
 * is committed): *ret_split is where, counted from the start of the record. -EINVAL with words for a record that is not
 * allowed, -E2BIG for one that is too large.
 */
int record_format(const struct journal_record *record, const char *server, struct buffer *out, size_t *ret_split,
                  struct error *err);

/* Parses a record that must be canonical, complete and have this sequence number. -EBADMSG with words. *ret_record is a
 * new reference (ret_record may be NULL). */
int record_parse(const char *bytes, size_t length, uint64_t sequence, json_t **ret_record, struct error *err);

/* Microseconds since 1970, and "2026-11-23T14:03:53.000125Z". */
int64_t record_now_us(void);
void record_format_time(int64_t time_us, char text[static RECORD_TIME_SIZE]);

#endif
