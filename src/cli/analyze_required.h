/*
 * analyze_required.h - an analysis server takes part only while it is proven.
 *
 * In 2009 the second analysis server was never moved to the managed build, and gave out an injected script. So the
 * service looks at the trees that it was told of (--require: its own build, and the docroot with the tag's script):
 * while one of them may not be used (standing.h), or the running program is a file of none, it counts nothing and says
 * so. What is logged meanwhile waits, and is counted when it takes part again. A web server can give out other bytes than
 * those of a proven tree (by its configuration): so the script is also fetched (--script): once a minute, and each time while it is not the right one.
 */
#ifndef CLI_ANALYZE_REQUIRED_H
#define CLI_ANALYZE_REQUIRED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/key.h"

#define REQUIRED_MAXIMUM 8

struct required {
        const char *trees[REQUIRED_MAXIMUM]; /* none: nothing is required */
        size_t count;
        const char *state; /* --state, or NULL */
        const char *pub;   /* a file; NULL: whatever key a tree was pulled with */
        const char *script; /* where visitors get the tag's script from this server, with "/" at its end; NULL: not asked */
        const char *server; /* this one's name, for the words about it */
        int64_t script_ms;  /* until when it need not be fetched again; 0: it was not right the last time */
        struct public_key key;
        char obstacle[PATH_MAX + ERROR_TEXT_SIZE]; /* why it does not take part; empty: it does */
};

/* Reads the key. */
int required_begin(struct required *required, struct error *err);

/* Whether anything is required at all. */
bool required_any(const struct required *required);

/* Looks anew, at the script, too, as a visitor would get it. What cannot be looked at counts as bad. */
void required_look(struct required *required);

#endif
