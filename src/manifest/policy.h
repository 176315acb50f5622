/*
 * policy.h - the rules of mutable areas and ignored paths: pure decisions about a name, a type and the first bytes.
 *
 * An upload folder is where an intruder writes first. What lies there is not compared with anything, so it must not be
 * able to act: nothing that a web server would run or obey, nothing that a browser would render as a page of this site.
 */
#ifndef MANIFEST_POLICY_H
#define MANIFEST_POLICY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "manifest/companion.h"

enum breach {
        BREACH_NONE = 0,
        BREACH_TYPE,    /* neither folder nor regular file (link, device, socket, FIFO) */
        BREACH_CODE,    /* a web server may run it */
        BREACH_HTML,    /* a browser may render it or run it as script */
        BREACH_CONTROL, /* steers the server */
        BREACH_EXECUTE, /* execute bit, setuid or setgid on a file */
};

/* Bytes of a file that the policy wants to see. */
#define POLICY_HEAD_SIZE 4096

/* `name` is the last component; `mode` is st_mode with its type; `head` the first bytes of a regular file (NULL, 0 when
 * not read yet: name and type only). */
enum breach policy_check(unsigned int allow, const char *name, mode_t mode, const void *head, size_t head_length);

/* Words for a person: "a web server may run it". Translated. */
const char *breach_text(enum breach breach);
/* The same as data, for what is found and for the journal. */
const char *breach_english(enum breach breach);

/* The words for enum allow, in the order in which files list them. */
#define ALLOW_WORD_COUNT 5
struct allow_word {
        const char *word; /* never translated */
        enum allow bit;
};
extern const struct allow_word allow_words[ALLOW_WORD_COUNT];

/* "code,html,control,links,execute" (any of them, comma-separated) into bits; a usage error with the list of words
 * otherwise. */
int allow_parse(const char *text, unsigned int *ret_allow, struct error *err);

#endif
