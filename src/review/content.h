/*
 * content.h - what the text of a file tells: code that hides itself, and what it loads from other hosts. Pure.
 *
 * No parser of PHP, JavaScript or HTML: one pass that looks at calls, tags and long strings, made to be hard to fool by
 * case, spaces and quotes, and easy to read. What it misses is missed by the reader of the source, too, only later.
 */
#ifndef REVIEW_CONTENT_H
#define REVIEW_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#define CONTENT_HOSTS_MAXIMUM 32
#define CONTENT_HOST_SIZE     256

enum content_language {
        CONTENT_NONE,    /* not looked through */
        CONTENT_CODE,    /* PHP and the like, with pages inside */
        CONTENT_SCRIPT,  /* JavaScript */
        CONTENT_PAGE,    /* HTML, SVG */
        CONTENT_TEMPLATE /* a page that a program makes */
};

struct content_host {
        char name[CONTENT_HOST_SIZE]; /* lower case, without port */
        bool script, frame;
};

struct content {
        const char *obfuscated;             /* words for what is hidden and how; NULL: nothing */
        bool planted;                       /* ... which no honest program does */
        const char *hidden_frame;           /* words; NULL: none */
        char frame_host[CONTENT_HOST_SIZE]; /* "" when the hidden frame is of the site itself */
        struct content_host hosts[CONTENT_HOSTS_MAXIMUM];
        size_t host_count;
};

/* By the name, and for names that say nothing by the head. */
enum content_language content_language(const char *name, const char *head, size_t length);

/* `length` bytes at `text` need no NUL behind them. */
void content_scan(const char *text, size_t length, enum content_language language, struct content *ret_content);

/* What .htaccess, .user.ini and the like do that an intruder would have them do, in words; NULL: nothing. */
const char *content_control(const char *text, size_t length);

#endif
