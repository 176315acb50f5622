/*
 * susceptible.h - who could have been harmed by what was planted: a condition, reported beside "was served", never
 * instead of it.
 *
 *     agent=MSIE,fresh,logged-out
 *
 * agent=TEXT: the browser's name has TEXT in it (given more than once: any of them). fresh: the page was fetched, not
 * shown from the browser's own copy. logged-out: the account logged in after it, and not shortly before.
 */
#ifndef INCIDENT_SUSCEPTIBLE_H
#define INCIDENT_SUSCEPTIBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define SUSCEPTIBLE_AGENTS 16
#define SUSCEPTIBLE_TEXT   400

struct susceptible {
        char text[SUSCEPTIBLE_TEXT]; /* as it was given */
        char words[SUSCEPTIBLE_TEXT];
        const char *agents[SUSCEPTIBLE_AGENTS]; /* into words */
        size_t agent_count;
        bool fresh, logged_out;
};

/* Wrong use with words when it is no condition. Must not be moved afterwards. */
int susceptible_parse(const char *text, struct susceptible *ret_susceptible, struct error *err);

/* Pure. `logged_out`: what is known of the account; true when nothing is. */
bool susceptible_holds(const struct susceptible *susceptible, const char *agent, size_t length, unsigned int status,
                       bool logged_out);

#endif
