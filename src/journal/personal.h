/*
 * personal.h - personal data in a log that cannot forget: only as commitments.
 *
 * A record holds HMAC-SHA-256(key of the incident, label || 0x00 || value), written "hmac-sha256:HEX", never the value.
 * Who has the key can show that a value is the one that was meant. Destroying the key deletes the data: what is left in
 * the log says nothing more about anybody, and every proof still holds.
 *
 * The keys are JOURNAL/personal/INCIDENT.key (0600, 32 bytes), made on first use; they are never exported.
 */
#ifndef JOURNAL_PERSONAL_H
#define JOURNAL_PERSONAL_H

#include "base/error.h"

#define PERSONAL_TEXT_SIZE 80

/* The commitment to `value` (an address, an account) under the incident's key, which is made when it is not there.
 * An incident's name is letters, digits, "-" and "_". -ESTALE when its key was destroyed: it never comes back. */
int personal_commit(const char *journal, const char *incident, const char *label, const char *value,
                    char text[static PERSONAL_TEXT_SIZE], struct error *err);

/* 1 when this value was meant, 0 when not; -ENOENT or -ESTALE with words when there is no key any more. */
int personal_holds(const char *journal, const char *incident, const char *label, const char *value, const char *text,
                   struct error *err);

/* Overwrites and removes the key, durably, and leaves a mark that it was there. */
int personal_destroy(const char *journal, const char *incident, struct error *err);

#endif
