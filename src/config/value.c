#include "value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

#define NAME_MAXIMUM   63
#define DOMAIN_MAXIMUM 253

static const char bad_address[] = N_("write an address as 192.0.2.10 or 2001:db8::10 (no name, no leading zeros)");

/* ---- texts ---- */

static bool is_name(const char *text)
{
        size_t length = strlen(text);

        return length > 0 && length <= NAME_MAXIMUM && strspn(text, LOWER DIGITS "._-") == length &&
               strchr("._-", *text) == NULL;
}

static bool is_interface(const char *text)
{
        size_t length = strlen(text);

        return length > 0 && length < IFNAMSIZ && strspn(text, LETTERS DIGITS "._-@") == length && *text != '.' &&
               *text != '-';
}

static bool is_domain(const char *text)
{
        size_t length = strlen(text);

        if (length == 0 || length > DOMAIN_MAXIMUM || strspn(text, LETTERS DIGITS ".-_") < length)
                return false;
        while (*text) {
                size_t label = strcspn(text, ".");

                if (label == 0 || label > NAME_MAXIMUM || text[0] == '-' || text[label - 1] == '-')
                        return false;
                text += label;
                if (*text == '.' && *++text == '\0')
                        return false;
        }
        return true;
}

/* One spelling of an absolute path: no empty part, no "." and "..", no slash at its end but in "/". */
static bool is_path(const char *text)
{
        if (*text != '/')
                return false;
        if (text[1] == '\0')
                return true;
        while (*text == '/') {
                size_t part = strcspn(++text, "/");

                if (part == 0 || (part == 1 && text[0] == '.') || (part == 2 && text[0] == '.' && text[1] == '.'))
                        return false;
                text += part;
        }
        return true;
}

static bool is_url(const char *text)
{
        const char *host = text_starts(text, "https://") ? text + 8 : text_starts(text, "http://") ? text + 7 : NULL;

        if (!host || strcspn(host, "/?#") == 0 || memchr(host, '@', strcspn(host, "/?#")))
                return false;
        for (; *text; text++)
                if (*text <= ' ' || *text >= 0x7f || strchr("\"<>\\^`{|}", *text))
                        return false;
        return true;
}

/* What ssh(1) cannot take for an option, nor its shell for more than a word. */
static bool is_ssh(const char *text)
{
        size_t length = strlen(text);

        if (text_starts(text, "ssh://"))
                text += 6, length -= 6;
        return length > 0 && length <= DOMAIN_MAXIMUM && strspn(text, LETTERS DIGITS "._-@:[]%") == length &&
               *text != '-' && !strstr(text, "@-") && text[length - 1] != '@' && *text != '@';
}

static int take_text(const char *text, void *slot, struct error *err)
{
        char *copy = memory_string(text);

        if (!copy)
                return error_memory(err);
        memcpy(slot, &copy, sizeof(copy));
        return 0;
}

static int parse_text(const struct config_key *key, const char *text, void *slot, struct error *err)
{
        switch (key->kind) {
        case VALUE_NAME:
        case VALUE_SERVER:
                if (!is_name(text))
                        return error_usage(err, _("write a name of a-z, 0-9, '.', '_' and '-', at most 63 of them, "
                                                  "beginning with a letter or digit"));
                break;
        case VALUE_INTERFACE:
                if (!is_interface(text))
                        return error_usage(err, _("write the name of a network interface, as eth0"));
                break;
        case VALUE_DOMAIN:
                if (!is_domain(text))
                        return error_usage(err, _("write a whole name of the DNS without a dot at its end, as "
                                                  "www.example.org"));
                break;
        case VALUE_PATH:
                if (!is_path(text))
                        return error_usage(err, _("write an absolute path without '.', '..' or a slash at its end"));
                break;
        case VALUE_URL:
                if (!is_url(text))
                        return error_usage(err, _("write \"http://HOST/...\" or \"https://HOST/...\", without a "
                                                  "password in it"));
                break;
        case VALUE_REPOSITORY:
                if (!is_url(text) && !is_path(text) && !(text_starts(text, "file://") && is_path(text + 7)))
                        return error_usage(err, _("write \"https://HOST/...\", \"http://HOST/...\", "
                                                  "\"file:///...\" or an absolute path"));
                break;
        case VALUE_SSH:
                if (!is_ssh(text))
                        return error_usage(err, _("write a destination as ssh takes it: \"root@web1.example.org\" or "
                                                  "\"ssh://root@web1.example.org:22\""));
                break;
        default:
                if (*text == '\0')
                        return error_usage(err, _("it is empty; write something, or leave the key out"));
        }
        return take_text(text, slot, err);
}

/* ---- numbers, durations, words ---- */

static int parse_number(const struct config_key *key, const char *text, void *slot, struct error *err)
{
        uint64_t number;

        if (text_parse_u64(text, strlen(text), key->maximum, &number) < 0 || number < key->minimum)
                return error_usage(err, _("write a decimal number from %llu to %llu, without leading zeros"),
                                   (unsigned long long)key->minimum, (unsigned long long)key->maximum);
        memcpy(slot, &number, sizeof(number));
        return 0;
}

/* "500ms", or what clock_parse_duration() takes. */
static int duration_ms(const char *text, int64_t *ret_ms)
{
        size_t digits = strspn(text, DIGITS);
        uint64_t number;
        int64_t seconds;

        if (text_equal(text + digits, "ms")) {
                if (text_parse_u64(text, digits, INT32_MAX, &number) < 0)
                        return -EINVAL;
                *ret_ms = (int64_t)number;
                return 0;
        }
        if (clock_parse_duration(text, &seconds, NULL) < 0)
                return -EINVAL;
        *ret_ms = seconds * 1000;
        return 0;
}

/* The shortest way to write it. */
static const char *duration_text(uint64_t ms, char text[static 32])
{
        static const struct {
                uint64_t ms;
                const char *unit;
        } units[] = {
                {86400000,  "d" },
                { 3600000, "h" },
                { 60000,   "m" },
                { 1000,    "s" },
                { 1,       "ms"},
        };

        for (size_t i = 0; i < LENGTH(units); i++)
                if (ms % units[i].ms == 0) {
                        snprintf(text, 32, "%llu%s", (unsigned long long)(ms / units[i].ms), units[i].unit);
                        break;
                }
        return text;
}

static int parse_duration(const struct config_key *key, const char *text, void *slot, struct error *err)
{
        char low[32], high[32];
        int64_t ms;

        if (duration_ms(text, &ms) < 0 || ms < (int64_t)key->minimum || ms > (int64_t)key->maximum)
                return error_usage(err, _("write a duration from %s to %s, as 500ms, 10s, 5m, 24h or 7d"),
                                   duration_text(key->minimum, low), duration_text(key->maximum, high));
        memcpy(slot, &ms, sizeof(ms));
        return 0;
}

static int parse_word(const struct config_key *key, const char *text, void *slot, struct error *err)
{
        char list[256];
        size_t used = 0;

        for (const struct config_word *word = key->words; word->name; word++)
                if (text_equal(word->name, text)) {
                        memcpy(slot, &word->value, sizeof(word->value));
                        return 0;
                }
        for (const struct config_word *word = key->words; word->name && used < sizeof(list); word++)
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", word->name);
        return error_usage(err, _("write one of %s"), list);
}

/* ---- addresses ---- */

static int parse_address(const char *text, size_t length, struct config_address *address, struct error *err)
{
        char plain[INET6_ADDRSTRLEN];

        memset(address, 0, sizeof(*address));
        if (length >= sizeof(plain))
                return error_usage(err, "%s", _(bad_address));
        memcpy(plain, text, length);
        plain[length] = '\0';
        address->family = strchr(plain, ':') ? AF_INET6 : AF_INET;
        address->prefix = address->family == AF_INET ? 32 : 128;
        if (inet_pton(address->family, plain, address->bytes) != 1)
                return error_usage(err, "%s", _(bad_address));
        inet_ntop(address->family, address->bytes, address->text, sizeof(address->text));
        return 0;
}

static int parse_network(const char *text, struct config_address *address, struct error *err)
{
        const char *slash = strchr(text, '/');
        uint64_t prefix;
        int r = parse_address(text, slash ? (size_t)(slash - text) : strlen(text), address, err);

        if (r < 0)
                return r;
        if (!slash || text_parse_u64(slash + 1, strlen(slash + 1), address->prefix, &prefix) < 0 || prefix == 0)
                return error_usage(err, _("write the address with the length of its network, as \"192.0.2.10/24\" or "
                                          "\"2001:db8::10/64\""));
        address->prefix = (uint8_t)prefix;
        return 0;
}

static int parse_root(const char *text, struct config_root *root, struct error *err)
{
        const char *equals = strchr(text, '=');
        char *name = equals ? memory_copy(text, (size_t)(equals - text)) : NULL;

        memset(root, 0, sizeof(*root));
        if (equals && !name)
                return error_memory(err);
        if (!name || !is_name(name) || !is_path(equals + 1)) {
                free(name);
                return error_usage(err, _("write \"NAME=FOLDER\" with an absolute path, as "
                                          "\"docroot=/var/www/html\""));
        }
        root->dest = memory_string(equals + 1);
        if (!root->dest) {
                free(name);
                return error_memory(err);
        }
        root->name = name;
        return 0;
}

/* ---- all of them ---- */

size_t config_value_size(enum value_kind kind)
{
        switch (kind) {
        case VALUE_NUMBER: return sizeof(uint64_t);
        case VALUE_DURATION: return sizeof(int64_t);
        case VALUE_WORD: return sizeof(int);
        case VALUE_ADDRESS:
        case VALUE_NETWORK: return sizeof(struct config_address);
        case VALUE_ROOT: return sizeof(struct config_root);
        default: return sizeof(char *);
        }
}

int config_value_parse(const struct config_key *key, const char *text, void *slot, struct error *err)
{
        size_t length = strlen(text);

        if (length > CONFIG_TEXT_MAXIMUM)
                return error_usage(err, _("it is longer than %d bytes"), CONFIG_TEXT_MAXIMUM);
        if (!text_is_printable(text, length))
                return error_usage(err, _("it has a control character, or a byte that is not UTF-8"));
        switch (key->kind) {
        case VALUE_NUMBER: return parse_number(key, text, slot, err);
        case VALUE_DURATION: return parse_duration(key, text, slot, err);
        case VALUE_WORD: return parse_word(key, text, slot, err);
        case VALUE_ADDRESS: return parse_address(text, length, slot, err);
        case VALUE_NETWORK: return parse_network(text, slot, err);
        case VALUE_ROOT: return parse_root(text, slot, err);
        default: return parse_text(key, text, slot, err);
        }
}

void config_value_done(const struct config_key *key, void *slot)
{
        switch (key->kind) {
        case VALUE_NUMBER:
        case VALUE_DURATION:
        case VALUE_WORD:
        case VALUE_ADDRESS:
        case VALUE_NETWORK: break;
        case VALUE_ROOT: {
                struct config_root *root = slot;

                free(root->name);
                free(root->dest);
                break;
        }
        default: free(*(char **)slot);
        }
        memset(slot, 0, config_value_size(key->kind));
}
