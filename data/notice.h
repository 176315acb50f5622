/*
 * notice.h - for the login page of an application in C: has this account a notice of an incident?
 *
 * Asked after the password was right, for the page that comes then. It never holds a login up: after NOTICE_MS, or when
 * nobody answers, there is no notice, and the next page asks again; say so in your log (`words`). What the notice says
 * was written by the operator; escape it as any text. `understudy incident serve --socket /run/understudy/notices`
 *
 *     switch (notice_ask(NOTICE_SOCKET, "taro", "ja", text, sizeof(text), &words)) {
 *     case NOTICE_THERE: show it, with a button: notice_acknowledge(NOTICE_SOCKET, "taro");
 *     case NOTICE_NONE: break;
 *     case NOTICE_SILENT: log it: words
 *     }
 *
 * Needs jansson. No thread, no signal, no memory that stays.
 */
#ifndef NOTICE_H
#define NOTICE_H

#include <stdbool.h>
#include <stddef.h>

#define NOTICE_SOCKET "/run/understudy/notices"
#define NOTICE_MS     50

enum notice_answer { NOTICE_NONE, NOTICE_THERE, NOTICE_SILENT };

/* `language` "ja" or "en"; when there are no words in it, those of the other. Longer words are cut (at a character). */
enum notice_answer notice_ask(const char *socket, const char *account, const char *language, char *ret_text, size_t size,
                              const char **ret_words);

/* The account has read it. false: nobody knows, show it again. */
bool notice_acknowledge(const char *socket, const char *account);

#endif
