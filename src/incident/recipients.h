/*
 * recipients.h - where accounts get their mail: lines "ACCOUNT,ADDRESS,LANGUAGE" of the site's own. Pure; fuzzed.
 *
 * An account may hold commas; the other two cannot. The language is en or ja. A line that is not so, or whose address
 * could not stand in SMTP as it is, is counted and left out.
 */
#ifndef INCIDENT_RECIPIENTS_H
#define INCIDENT_RECIPIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "notify/target.h"

struct recipient {
        const char *account; /* a span of the text */
        size_t account_length;
        char address[TARGET_ADDRESS_SIZE];
        char language[3];
};

/* One line. */
bool recipient_parse(const char *line, size_t length, struct recipient *ret_recipient);

#endif
