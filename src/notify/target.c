/* target.c - the URL of a target, taken apart. */
#include "notify/target.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "crypto/digest.h"

#define SYSLOG_PORT       514
#define HEARTBEAT_MINIMUM 1
#define HEARTBEAT_MAXIMUM 86400
#define LETTERS           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS            "0123456789"

/* RFC 5424, table 1 */
static const struct {
        const char *name;
        int code;
} facilities[] = {
        {"user",      1 },
        { "mail",     2 },
        { "daemon",   3 },
        { "auth",     4 },
        { "authpriv", 10},
        { "local0",   16},
        { "local1",   17},
        { "local2",   18},
        { "local3",   19},
        { "local4",   20},
        { "local5",   21},
        { "local6",   22},
        { "local7",   23},
};

static int wrong(const char *text, const char *reason, struct error *err)
{
        return error_usage(err,
                           _("'%.300s' is no target for alerts: %s; write mailto:ADDRESS?from=...&server=smtp://HOST, "
                             "https://HOST/PATH, syslog: or syslog://HOST"),
                           text, reason);
}

/* ---- pieces ---- */

static int hex_value(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Percent-decodes; false for what is malformed, holds a control character or does not fit. */
static bool decode(const char *text, size_t length, char *out, size_t size)
{
        size_t used = 0;

        for (size_t i = 0; i < length; i++) {
                int c = (unsigned char)text[i];

                if (c == '%') {
                        int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
                        int low = i + 2 < length ? hex_value(text[i + 2]) : -1;

                        if (high < 0 || low < 0)
                                return false;
                        c = high << 4 | low;
                        i += 2;
                }
                if (used + 1 >= size)
                        return false;
                out[used++] = (char)c;
        }
        out[used] = '\0';
        return text_is_printable(out, used);
}

/* HOST, [IPv6] or either with :PORT; nothing behind it. `*port` stays when none is said. */
static bool parse_host(const char *text, size_t length, char host[static TARGET_HOST_SIZE], uint16_t *port)
{
        const char *end = text + length, *name = text, *rest;
        size_t name_length;
        uint64_t number;

        if (length > 0 && *text == '[') {
                rest = memchr(text, ']', length);
                if (!rest)
                        return false;
                name++;
                name_length = (size_t)(rest - name);
                if (name_length < 2 || strspn(name, DIGITS "abcdefABCDEF:.") < name_length)
                        return false;
                rest++;
        } else {
                name_length = strspn(text, LETTERS DIGITS "-._");
                if (name_length > length)
                        name_length = length;
                rest = text + name_length;
                if (name_length == 0 || *name == '-' || *name == '.')
                        return false;
        }
        if (name_length >= TARGET_HOST_SIZE)
                return false;
        if (rest < end) {
                if (*rest != ':' || text_parse_u64(rest + 1, (size_t)(end - rest - 1), 65535, &number) < 0 ||
                    number == 0)
                        return false;
                *port = (uint16_t)number;
        }
        snprintf(host, TARGET_HOST_SIZE, "%.*s", (int)name_length, name);
        return true;
}

bool target_address_is_good(const char *address)
{
        static const char atext[] = LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~.";
        const char *at = strchr(address, '@');
        size_t local = at ? (size_t)(at - address) : 0, domain = at ? strlen(at + 1) : 0;

        return local > 0 && local <= 64 && domain > 0 && domain + local + 1 < TARGET_ADDRESS_SIZE &&
               strspn(address, atext) == local && address[0] != '.' && address[local - 1] != '.' &&
               !memmem(address, local, "..", 2) && strspn(at + 1, LETTERS DIGITS "-._") == domain && at[1] != '.' &&
               at[1] != '-' && !strstr(at + 1, "..") && at[domain] != '.';
}

/* ---- parameters ---- */

/* "server=smtp://HOST[:PORT]" */
static bool parse_server(const char *value, struct notify_target *target)
{
        bool secure = text_starts(value, "smtps://");
        const char *host = value + strlen(secure ? "smtps://" : "smtp://");
        uint16_t port = secure ? 465 : 25;

        if ((!secure && !text_starts(value, "smtp://")) || !parse_host(host, strlen(host), target->host, &port))
                return false;
        snprintf(target->url, sizeof(target->url), strchr(target->host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
                 secure ? "smtps" : "smtp", target->host, port);
        if (secure)
                target->tls = TARGET_TLS_FROM_START;
        return true;
}

static bool parse_tls(const char *value, struct notify_target *target)
{
        if (text_equal(value, "none"))
                target->tls = TARGET_TLS_NONE;
        else if (text_equal(value, "try"))
                target->tls = TARGET_TLS_TRY;
        else if (text_equal(value, "required"))
                target->tls = TARGET_TLS_REQUIRED;
        else
                return false;
        return true;
}

static bool parse_facility(const char *value, struct notify_target *target)
{
        for (size_t i = 0; i < LENGTH(facilities); i++) {
                if (text_equal(facilities[i].name, value)) {
                        target->facility = facilities[i].code;
                        return true;
                }
        }
        return false;
}

static bool parse_format(const char *value, struct notify_target *target)
{
        target->json = text_equal(value, "json");
        return target->json || text_equal(value, "text");
}

static bool parse_heartbeat(const char *value, struct notify_target *target)
{
        return clock_parse_duration(value, &target->heartbeat_s, NULL) == 0 &&
               target->heartbeat_s >= HEARTBEAT_MINIMUM && target->heartbeat_s <= HEARTBEAT_MAXIMUM;
}

static bool copy_path(const char *value, char path[static PATH_MAX])
{
        snprintf(path, PATH_MAX, "%s", value);
        return *value == '/';
}

static bool parse_from(const char *value, struct notify_target *target)
{
        snprintf(target->from, sizeof(target->from), "%s", value);
        return target_address_is_good(value);
}

static bool parse_user(const char *value, struct notify_target *target)
{
        snprintf(target->user, sizeof(target->user), "%s", value);
        return *value && strlen(value) < sizeof(target->user);
}

static bool parse_password_file(const char *value, struct notify_target *target)
{
        return copy_path(value, target->password_file);
}

static bool parse_secret_file(const char *value, struct notify_target *target)
{
        return copy_path(value, target->secret_file);
}

static bool parse_ca_file(const char *value, struct notify_target *target)
{
        return copy_path(value, target->ca_file);
}

#define MAIL    (1U << TARGET_MAIL)
#define WEBHOOK (1U << TARGET_WEBHOOK)
#define SYSLOG  (1U << TARGET_SYSLOG_LOCAL | 1U << TARGET_SYSLOG_UDP | 1U << TARGET_SYSLOG_TCP)

static const struct parameter {
        const char *name;
        unsigned int kinds; /* bits of enum target_kind */
        bool (*parse)(const char *value, struct notify_target *target);
} parameters[] = {
        {"from",           MAIL,           parse_from         },
        { "server",        MAIL,           parse_server       },
        { "tls",           MAIL,           parse_tls          },
        { "user",          MAIL | WEBHOOK, parse_user         },
        { "password-file", MAIL | WEBHOOK, parse_password_file},
        { "ca-file",       MAIL | WEBHOOK, parse_ca_file      },
        { "secret-file",   WEBHOOK,        parse_secret_file  },
        { "heartbeat",     WEBHOOK,        parse_heartbeat    },
        { "facility",      SYSLOG,         parse_facility     },
        { "format",        SYSLOG,         parse_format       },
};

static int parse_parameter(const char *text, const char *item, size_t length, struct notify_target *target,
                           unsigned int *seen, struct error *err)
{
        const char *equals = memchr(item, '=', length);
        size_t name_length = equals ? (size_t)(equals - item) : length;
        char value[PATH_MAX], reason[200];

        for (size_t i = 0; i < LENGTH(parameters); i++) {
                const struct parameter *parameter = &parameters[i];

                if (!(parameter->kinds & 1U << target->kind) || strlen(parameter->name) != name_length ||
                    strncmp(parameter->name, item, name_length) != 0)
                        continue;
                if (equals && !(*seen & 1U << i) &&
                    decode(equals + 1, length - name_length - 1, value, sizeof(value)) &&
                    parameter->parse(value, target)) {
                        *seen |= 1U << i;
                        return 0;
                }
                snprintf(reason, sizeof(reason), _("the value of %s cannot be used, or it is there twice"),
                         parameter->name);
                return wrong(text, reason, err);
        }
        snprintf(reason, sizeof(reason), _("it has no parameter '%.*s'"), (int)(name_length < 60 ? name_length : 60),
                 item);
        return wrong(text, reason, err);
}

/* "a=b&c=d", may be empty. */
static int parse_parameters(const char *text, const char *list, struct notify_target *target, struct error *err)
{
        unsigned int seen = 0;
        int r = 0;

        while (r == 0 && *list) {
                size_t length = strcspn(list, "&");

                r = parse_parameter(text, list, length, target, &seen, err);
                list += length;
                if (*list == '&')
                        list++;
        }
        if (r == 0 && (*target->password_file != '\0') != (*target->user != '\0'))
                return wrong(text, _("user and password-file belong together"), err);
        return r;
}

/* ---- one function a kind ---- */

static int parse_mail(const char *text, struct notify_target *target, struct error *err)
{
        const char *address = text + strlen("mailto:");
        size_t length = strcspn(address, "?");
        bool local;
        int r;

        target->kind = TARGET_MAIL;
        target->tls = TARGET_TLS_TRY;
        if (!decode(address, length, target->to, sizeof(target->to)) || !target_address_is_good(target->to))
                return wrong(text, _("there is not one plain mail address in it"), err);
        parse_server("smtp://localhost:25", target);
        r = parse_parameters(text, address + length + (address[length] == '?'), target, err);
        if (r < 0)
                return r;
        if (text_starts(target->url, "smtps:"))
                target->tls = TARGET_TLS_FROM_START;
        local = text_equal(target->host, "localhost") || text_starts(target->host, "127.") ||
                text_equal(target->host, "::1");
        if (*target->user && target->tls == TARGET_TLS_NONE && !local)
                return wrong(text, _("a password is not sent to another machine without TLS"), err);
        if (*target->user && target->tls == TARGET_TLS_TRY && !local)
                target->tls = TARGET_TLS_REQUIRED;
        snprintf(target->shown, sizeof(target->shown), "mailto:%.254s", target->to);
        return 0;
}

static int parse_webhook(const char *text, struct notify_target *target, struct error *err)
{
        const char *authority = strstr(text, "://") + 3, *part = strchr(text, '#');
        size_t length = part ? (size_t)(part - text) : strlen(text), host = strcspn(authority, "/?#");
        uint16_t port = 0;

        target->kind = TARGET_WEBHOOK;
        if (memchr(authority, '@', host))
                return wrong(text, _("a user and password do not stand in it; use #user=NAME&password-file=PATH"), err);
        if (!parse_host(authority, host, target->host, &port))
                return wrong(text, _("its host or port cannot be one"), err);
        for (size_t i = 0; i < length; i++)
                if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"<>\\^`{|}", text[i]))
                        return wrong(text, _("it has characters that a URL has only percent-encoded"), err);
        snprintf(target->url, sizeof(target->url), "%.*s", (int)length, text);
        snprintf(target->shown, sizeof(target->shown), "%.*s/...", (int)(authority - text + (ptrdiff_t)host), text);
        return parse_parameters(text, part ? part + 1 : "", target, err);
}

static int parse_syslog(const char *text, enum target_kind kind, struct notify_target *target, struct error *err)
{
        const char *rest = strchr(text, ':') + 1;
        size_t length = strcspn(rest, "?");

        target->kind = kind;
        target->facility = 3;
        target->port = SYSLOG_PORT;
        if (text_starts(rest, "//")) {
                rest += 2;
                length -= 2;
                if (length > 0 && rest[length - 1] == '/')
                        length--;
                if (!parse_host(rest, length, target->host, &target->port))
                        return wrong(text, _("its host or port cannot be one"), err);
                length = strcspn(rest, "?");
        } else if (kind == TARGET_SYSLOG_TCP) {
                return wrong(text, _("it has no host"), err);
        } else {
                target->kind = TARGET_SYSLOG_LOCAL;
                snprintf(target->path, sizeof(target->path), "/dev/log");
                if (length > 0 && (!decode(rest, length, target->path, sizeof(target->path)) || *target->path != '/'))
                        return wrong(text, _("the socket is not an absolute path"), err);
        }
        snprintf(target->shown, sizeof(target->shown), "%.*s", (int)(rest - text + (ptrdiff_t)length), text);
        return parse_parameters(text, rest + length + (rest[length] == '?'), target, err);
}

int notify_target_parse(const char *text, struct notify_target *ret_target, struct error *err)
{
        struct notify_target target = { .kind = TARGET_MAIL };
        size_t length = strnlen(text, TARGET_TEXT_MAXIMUM);
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r;

        if (length == TARGET_TEXT_MAXIMUM || !text_is_printable(text, length))
                return wrong(text, _("it is too long, or has bytes that no URL has"), err);
        if (text_starts(text, "mailto:"))
                r = parse_mail(text, &target, err);
        else if (text_starts(text, "https://") || text_starts(text, "http://"))
                r = parse_webhook(text, &target, err);
        else if (text_starts(text, "syslog:"))
                r = parse_syslog(text, TARGET_SYSLOG_UDP, &target, err);
        else if (text_starts(text, "syslog+tcp:"))
                r = parse_syslog(text, TARGET_SYSLOG_TCP, &target, err);
        else
                return wrong(text, _("it begins with no scheme that is known"), err);
        if (r == 0)
                r = digest_of_bytes(text, length, &digest, err);
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        snprintf(target.name, sizeof(target.name), "%.16s", hex);
        *ret_target = target;
        return 0;
}
