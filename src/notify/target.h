/*
 * target.h - where alerts go, written as one URL so that it fits an option (--alert TARGET) and a line of a file.
 *
 *     mailto:ops@example.org?from=us@web1.example.org&server=smtp://127.0.0.1:25
 *         one address (RFC 6068). server is smtp://HOST[:PORT] or smtps://HOST[:PORT] (smtp://localhost:25 if not
 * said); from (understudy@HOST if not said); user=NAME and password-file=PATH log in; tls=none|try|required (for
 *         smtp://: STARTTLS; `required` if there is a password, else `try`); ca-file=PATH
 *     https://HOST[:PORT]/PATH[?QUERY]#secret-file=PATH&heartbeat=60s
 *         a webhook (also http://). All that is behind the # is ours and never sent: secret-file (the key of the
 *         signature, webhook.h), user and password-file (basic authentication), ca-file, heartbeat=DURATION (sends one
 *         that often, as long as the guard is well)
 *     syslog:                         the machine's own log, /dev/log (or syslog:/PATH of another such socket)
 *     syslog://HOST[:PORT]            RFC 5424 over UDP (RFC 5426), port 514
 *     syslog+tcp://HOST[:PORT]        RFC 5424 over TCP with octet counting (RFC 6587), port 514 (syslog+tcp has no
 * TLS) facility=daemon|auth|authpriv|user|local0...local7 (daemon), format=text|json (the sentence, or the finding as
 *         in webhook.h)
 *
 * No password stands in a URL: it would show up in ps(1). Values are percent-decoded.
 */
#ifndef NOTIFY_TARGET_H
#define NOTIFY_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TARGET_TEXT_MAXIMUM 2048
#define TARGET_HOST_SIZE    256
#define TARGET_ADDRESS_SIZE 255 /* RFC 5321: a path has at most 254 characters and a NUL */
#define TARGET_NAME_SIZE    17

enum target_kind {
        TARGET_MAIL,
        TARGET_WEBHOOK,
        TARGET_SYSLOG_LOCAL,
        TARGET_SYSLOG_UDP,
        TARGET_SYSLOG_TCP,
};

enum target_tls {
        TARGET_TLS_NONE,
        TARGET_TLS_TRY,
        TARGET_TLS_REQUIRED,
        TARGET_TLS_FROM_START, /* smtps */
};

struct notify_target {
        enum target_kind kind;
        char name[TARGET_NAME_SIZE];       /* 16 hex digits of the SHA-256 of the text: who it is in the queue */
        char shown[TARGET_HOST_SIZE + 64]; /* for words: without what may be secret (a webhook's path) */
        char url[TARGET_TEXT_MAXIMUM];     /* webhook: without our part; mail: of the server */
        char host[TARGET_HOST_SIZE];       /* mail, syslog; without brackets */
        uint16_t port;                     /* of syslog */
        char path[PATH_MAX];               /* of the local socket */
        char to[TARGET_ADDRESS_SIZE], from[TARGET_ADDRESS_SIZE];
        enum target_tls tls;
        char user[256];
        char password_file[PATH_MAX], secret_file[PATH_MAX], ca_file[PATH_MAX];
        int facility; /* RFC 5424 table 1 */
        bool json;
        int64_t heartbeat_s; /* 0: none */
};

/* Pure: nothing is looked up or opened. A usage error says what is wrong and how it is written. */
int notify_target_parse(const char *text, struct notify_target *ret_target, struct error *err);

/* An address as it may stand in SMTP and in a header as it is: RFC 5321 dot-string @ domain, ASCII. */
bool target_address_is_good(const char *address);

#endif
