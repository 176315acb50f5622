/*
 * accounts.h - the portal's database: who may log in, who is logged in, and what they wrote. PostgreSQL by libpq.
 *
 * Every call uses the one connection, and makes it anew once when it was lost: a fence ends connections, and the portal
 * says that the database is away until somebody lets it in again.
 */
#ifndef PORTAL_ACCOUNTS_H
#define PORTAL_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#define ACCOUNT_NAME_SIZE 65  /* bytes with the NUL; longer ones are nobody's */
#define SESSION_ID_SIZE   65  /* 32 random bytes as hexadecimal digits */
#define SESSION_TAG_SIZE  33  /* 16 random bytes */
#define LAST_LOGIN_SIZE   32
#define NOTE_SIZE         1001

struct session {
        char account[ACCOUNT_NAME_SIZE];
        char id[SESSION_ID_SIZE];
        char tag[SESSION_TAG_SIZE];
        char language[3];
        char last_login[LAST_LOGIN_SIZE]; /* the one before this; "" for the first */
};

enum accounts_answer { ACCOUNTS_YES, ACCOUNTS_NO, ACCOUNTS_AWAY /* the database does not answer, or refuses us */ };

struct accounts;

/* `conninfo` as libpq has it; must outlive it. NULL without memory. Connects at the first call. */
struct accounts *accounts_new(const char *conninfo);
void accounts_free(struct accounts *accounts);

/* What went wrong last with the database; "" nothing. */
const char *accounts_error(const struct accounts *accounts);

/* A new session, the login written down with its address and agent. NO: no such name and password. */
enum accounts_answer accounts_login(struct accounts *accounts, const char *name, const char *password,
                                    const char *address, const char *agent, struct session *ret_session);
enum accounts_answer accounts_session(struct accounts *accounts, const char *id, struct session *ret_session);
enum accounts_answer accounts_logout(struct accounts *accounts, const char *id);

/* A note of an account, through this web server. */
enum accounts_answer accounts_write(struct accounts *accounts, const char *account, const char *server, const char *words);

/* Can it be read and written? */
enum accounts_answer accounts_probe(struct accounts *accounts);

#endif
