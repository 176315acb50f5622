/* classify.c - pages and assets, referrers, search engines, campaigns. */
#include "classify.h"

#include <string.h>
#include <strings.h>

#include "accesslog/scan.h"
#include "base/attributes.h"

/* Sorted by nothing: looked through once for each distinct path. */
static const char *const asset_endings[] = {
        "css", "js",   "mjs",  "map",   "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico",         "bmp",
        "tif", "tiff", "woff", "woff2", "ttf", "otf", "eot",  "mp3", "mp4",  "m4a",  "m4v", "webm",        "ogg",
        "oga", "ogv",  "wav",  "avi",   "mov", "flv", "flac", "aac", "swf",  "wasm", "cur", "webmanifest",
};

bool path_is_asset(const char *path, size_t length)
{
        const char *dot = memrchr(path, '.', length);
        size_t ending;

        if (!dot)
                return false;
        ending = (size_t)(path + length - dot - 1);
        for (size_t i = 0; i < LENGTH(asset_endings); i++)
                if (strlen(asset_endings[i]) == ending && strncasecmp(asset_endings[i], dot + 1, ending) == 0)
                        return true;
        return false;
}

static char lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool host_normalize(const char *text, size_t length, char host[static REFERRER_HOST_MAXIMUM + 1], size_t *ret_length)
{
        const char *at = memrchr(text, '@', length), *port;

        if (at) { /* "user@host" */
                length -= (size_t)(at + 1 - text);
                text = at + 1;
        }
        port = memrchr(text, ':', length);
        if (port && !memchr(port, ']', length - (size_t)(port - text)) &&
            (text[0] == '[' || !memchr(text, ':', (size_t)(port - text))))
                length = (size_t)(port - text);
        if (length > 4 && strncasecmp(text, "www.", 4) == 0) {
                text += 4;
                length -= 4;
        }
        while (length && text[length - 1] == '.')
                length--;
        if (length == 0 || length > REFERRER_HOST_MAXIMUM)
                return false;
        for (size_t i = 0; i < length; i++)
                host[i] = lower(text[i]);
        host[length] = '\0';
        *ret_length = length;
        return true;
}

/* Where the first '?' or '#' is, or `slash`; else the length. */
static size_t until(const char *text, size_t length, char slash)
{
        size_t at = 0;

        while (at < length && text[at] != '?' && text[at] != '#' && text[at] != slash)
                at++;
        return at;
}

bool referrer_split(struct span text, struct referrer *ret_referrer)
{
        size_t scheme, host;

        if (text.length > 8 && strncasecmp(text.text, "https://", 8) == 0)
                scheme = 8;
        else if (text.length > 7 && strncasecmp(text.text, "http://", 7) == 0)
                scheme = 7;
        else
                return false;
        host = until(text.text + scheme, text.length - scheme, '/');
        if (!host_normalize(text.text + scheme, host, ret_referrer->host, &ret_referrer->host_length))
                return false;
        ret_referrer->begin_length = scheme + host;
        return true;
}

size_t referrer_page_length(struct span text)
{
        return (size_t)(scan_either(text.text, text.text + text.length, '?', '#') - text.text);
}

/* A name in front of a country's ending, or a whole host. */
static const struct {
        const char *label; /* "google": google.com, google.co.jp, images.google.de; with a dot in it: this host and
                              those below it */
        const char *name;
} engines[] = {
        {"google",            "Google"    },
        { "bing.com",         "Bing"      },
        { "search.yahoo",     "Yahoo"     },
        { "yahoo.co.jp",      "Yahoo"     },
        { "yahoo.com",        "Yahoo"     },
        { "duckduckgo.com",   "DuckDuckGo"},
        { "yandex",           "Yandex"    },
        { "baidu.com",        "Baidu"     },
        { "ecosia.org",       "Ecosia"    },
        { "qwant.com",        "Qwant"     },
        { "startpage.com",    "Startpage" },
        { "search.brave.com", "Brave"     },
        { "naver.com",        "Naver"     },
        { "seznam.cz",        "Seznam"    },
        { "sogou.com",        "Sogou"     },
        { "ask.com",          "Ask"       },
        { "search.aol.com",   "AOL"       },
        { "goo.ne.jp",        "goo"       },
        { "kagi.com",         "Kagi"      },
};

/* Hosts of the same names that are no search: mail, documents and the like would make everything a search. */
static const char *const no_search[] = { "mail.", "docs.",     "drive.",    "groups.",    "sites.",
                                         "plus.", "calendar.", "accounts.", "translate.", "code.",
                                         "news.", "disk.",     "answers." };

/* Whether what follows a label is a country's or general ending: ".com", ".de", ".co.jp", ".com.br". */
static bool is_ending(const char *text, size_t length)
{
        size_t dots = 0;

        if (length < 3 || length > 7 || text[0] != '.')
                return false;
        for (size_t i = 0; i < length; i++)
                dots += text[i] == '.';
        return dots <= 2;
}

static bool has_label(const char *host, size_t length, const char *label)
{
        size_t label_length = strlen(label);
        const char *dot = strchr(label, '.');

        for (size_t at = 0; at + label_length <= length; at++) {
                if ((at > 0 && host[at - 1] != '.') || memcmp(host + at, label, label_length) != 0)
                        continue;
                if (at + label_length == length)
                        return dot != NULL;
                if (is_ending(host + at + label_length, length - at - label_length))
                        return !dot || strncmp(label, "search.", 7) == 0;
        }
        return false;
}

const char *search_engine(const char *host, size_t length)
{
        for (size_t i = 0; i < LENGTH(no_search); i++)
                if (length > strlen(no_search[i]) && memcmp(host, no_search[i], strlen(no_search[i])) == 0)
                        return NULL;
        for (size_t i = 0; i < LENGTH(engines); i++)
                if (has_label(host, length, engines[i].label))
                        return engines[i].name;
        return NULL;
}

/* The value of a parameter in a query; false when it is not there. */
static bool parameter(struct span query, const char *name, struct span *ret_value)
{
        const char *at = query.text, *end = query.text + query.length;
        size_t length = strlen(name);

        while (at < end) {
                const char *stop = memchr(at, '&', (size_t)(end - at));

                if (!stop)
                        stop = end;
                if ((size_t)(stop - at) > length && memcmp(at, name, length) == 0 && at[length] == '=') {
                        *ret_value = (struct span){ at + length + 1, (uint32_t)((size_t)(stop - at) - length - 1) };
                        return true;
                }
                at = stop + 1;
        }
        return false;
}

/* Whether there is anything to look for: few queries have a campaign. */
static bool has_utm(struct span query)
{
        const char *at = query.text, *end = query.text + query.length;

        while (end - at >= 4) {
                if (memcmp(at, "utm_", 4) == 0)
                        return true;
                at = memchr(at, '&', (size_t)(end - at));
                if (!at)
                        return false;
                at++;
        }
        return false;
}

size_t campaign_of(struct span query, char campaign[static CAMPAIGN_MAXIMUM])
{
        static const char *const names[] = { "utm_campaign", "utm_source", "utm_medium" };
        size_t length = 0;
        bool found = false;

        if (query.length < sizeof("utm_source=") || !has_utm(query))
                return 0;
        for (size_t i = 0; i < LENGTH(names); i++) {
                struct span value = { "", 0 };

                if (i > 0) {
                        memcpy(campaign + length, " / ", 3);
                        length += 3;
                }
                if (parameter(query, names[i], &value) && value.length) {
                        found = true;
                        length += scan_decode(value, campaign + length, (CAMPAIGN_MAXIMUM - 8) / 3);
                } else {
                        campaign[length++] = '-';
                }
        }
        return found ? length : 0;
}
