/*
 * agents.c - browsers, systems and devices by the words that stand in an agent.
 *
 * Every browser says that it is several others; the first line of the table that fits is the one that it is.
 */
#include "agents.h"

#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"

struct sign {
        const char *word;
        uint16_t index;
};

enum {
        BROWSER_OTHER,
        BROWSER_CHROME,
        BROWSER_EDGE,
        BROWSER_FIREFOX,
        BROWSER_INTERNET_EXPLORER,
        BROWSER_OPERA,
        BROWSER_SAFARI,
        BROWSER_SAMSUNG,
        BROWSER_UC,
        BROWSER_VIVALDI,
        BROWSER_YANDEX,
        BROWSER_ANDROID,
        BROWSER_LINE,
        BROWSER_DUCKDUCKGO,
        BROWSER_KONQUEROR,
        BROWSER_SEAMONKEY,
        BROWSER_TEXT,
};

static const char *const browser_names[] = {
        [BROWSER_OTHER] = "other",
        [BROWSER_CHROME] = "Chrome",
        [BROWSER_EDGE] = "Edge",
        [BROWSER_FIREFOX] = "Firefox",
        [BROWSER_INTERNET_EXPLORER] = "Internet Explorer",
        [BROWSER_OPERA] = "Opera",
        [BROWSER_SAFARI] = "Safari",
        [BROWSER_SAMSUNG] = "Samsung Internet",
        [BROWSER_UC] = "UC Browser",
        [BROWSER_VIVALDI] = "Vivaldi",
        [BROWSER_YANDEX] = "Yandex Browser",
        [BROWSER_ANDROID] = "Android Browser",
        [BROWSER_LINE] = "LINE",
        [BROWSER_DUCKDUCKGO] = "DuckDuckGo",
        [BROWSER_KONQUEROR] = "Konqueror",
        [BROWSER_SEAMONKEY] = "SeaMonkey",
        [BROWSER_TEXT] = "text browser",
};

static const struct sign browser_signs[] = {
        {"Edg/",            BROWSER_EDGE             },
        { "EdgA/",          BROWSER_EDGE             },
        { "EdgiOS/",        BROWSER_EDGE             },
        { "Edge/",          BROWSER_EDGE             },
        { "OPR/",           BROWSER_OPERA            },
        { "OPT/",           BROWSER_OPERA            },
        { "Opera",          BROWSER_OPERA            },
        { "SamsungBrowser", BROWSER_SAMSUNG          },
        { "YaBrowser",      BROWSER_YANDEX           },
        { "Vivaldi",        BROWSER_VIVALDI          },
        { "UCBrowser",      BROWSER_UC               },
        { "UCWEB",          BROWSER_UC               },
        { " Line/",         BROWSER_LINE             },
        { "DuckDuckGo/",    BROWSER_DUCKDUCKGO       },
        { "SeaMonkey",      BROWSER_SEAMONKEY        },
        { "Firefox",        BROWSER_FIREFOX          },
        { "FxiOS",          BROWSER_FIREFOX          },
        { "CriOS",          BROWSER_CHROME           },
        { "Chromium",       BROWSER_CHROME           },
        { "Chrome",         BROWSER_CHROME           },
        { "MSIE",           BROWSER_INTERNET_EXPLORER},
        { "Trident/",       BROWSER_INTERNET_EXPLORER},
        { "Android",        BROWSER_ANDROID          },
        { "Safari",         BROWSER_SAFARI           },
        { "Konqueror",      BROWSER_KONQUEROR        },
        { "Lynx/",          BROWSER_TEXT             },
        { "w3m/",           BROWSER_TEXT             },
        { "Links ",         BROWSER_TEXT             },
        { "ELinks",         BROWSER_TEXT             },
};

enum {
        SYSTEM_OTHER,
        SYSTEM_WINDOWS,
        SYSTEM_MACOS,
        SYSTEM_LINUX,
        SYSTEM_ANDROID,
        SYSTEM_IOS,
        SYSTEM_CHROMEOS,
        SYSTEM_BSD,
        SYSTEM_WINDOWS_PHONE,
        SYSTEM_CONSOLE,
};

static const char *const system_names[] = {
        [SYSTEM_OTHER] = "other",       [SYSTEM_WINDOWS] = "Windows", [SYSTEM_MACOS] = "macOS",
        [SYSTEM_LINUX] = "Linux",       [SYSTEM_ANDROID] = "Android", [SYSTEM_IOS] = "iOS",
        [SYSTEM_CHROMEOS] = "ChromeOS", [SYSTEM_BSD] = "BSD",         [SYSTEM_WINDOWS_PHONE] = "Windows Phone",
        [SYSTEM_CONSOLE] = "console",
};

static const struct sign system_signs[] = {
        {"Windows Phone", SYSTEM_WINDOWS_PHONE},
        { "Xbox",         SYSTEM_CONSOLE      },
        { "PlayStation",  SYSTEM_CONSOLE      },
        { "Nintendo",     SYSTEM_CONSOLE      },
        { "Windows",      SYSTEM_WINDOWS      },
        { "Android",      SYSTEM_ANDROID      },
        { "iPhone",       SYSTEM_IOS          },
        { "iPad",         SYSTEM_IOS          },
        { "iPod",         SYSTEM_IOS          },
        { "CrOS",         SYSTEM_CHROMEOS     },
        { "Macintosh",    SYSTEM_MACOS        },
        { "Mac OS X",     SYSTEM_MACOS        },
        { "Linux",        SYSTEM_LINUX        },
        { "FreeBSD",      SYSTEM_BSD          },
        { "OpenBSD",      SYSTEM_BSD          },
        { "NetBSD",       SYSTEM_BSD          },
};

static const char *const device_names[DEVICE_COUNT] = {
        [DEVICE_OTHER] = "other",   [DEVICE_DESKTOP] = "desktop", [DEVICE_MOBILE] = "mobile",
        [DEVICE_TABLET] = "tablet", [DEVICE_BOT] = "bot",
};

static bool has(const char *agent, size_t length, const char *word)
{
        return memmem(agent, length, word, strlen(word)) != NULL;
}

static uint16_t first_sign(const struct sign *signs, size_t count, const char *agent, size_t length)
{
        for (size_t i = 0; i < count; i++)
                if (has(agent, length, signs[i].word))
                        return signs[i].index;
        return 0;
}

uint16_t agent_browser(const char *agent, size_t length)
{
        return first_sign(browser_signs, LENGTH(browser_signs), agent, length);
}

uint16_t agent_system(const char *agent, size_t length)
{
        return first_sign(system_signs, LENGTH(system_signs), agent, length);
}

uint16_t agent_device(const char *agent, size_t length, uint16_t platform)
{
        if (has(agent, length, "iPad") || has(agent, length, "Tablet"))
                return DEVICE_TABLET;
        if (has(agent, length, "Mobi") || has(agent, length, "iPhone") || has(agent, length, "iPod") ||
            platform == SYSTEM_WINDOWS_PHONE || has(agent, length, "Opera Mini"))
                return DEVICE_MOBILE;
        if (platform == SYSTEM_ANDROID) /* phones say Mobile, tablets don't */
                return DEVICE_TABLET;
        return platform == SYSTEM_OTHER || platform == SYSTEM_CONSOLE ? DEVICE_OTHER : DEVICE_DESKTOP;
}

const char *agent_browser_name(uint16_t browser)
{
        return browser < LENGTH(browser_names) ? browser_names[browser] : browser_names[0];
}

const char *agent_system_name(uint16_t platform)
{
        return platform < LENGTH(system_names) ? system_names[platform] : system_names[0];
}

const char *agent_device_name(uint16_t device)
{
        return device < LENGTH(device_names) ? device_names[device] : device_names[0];
}
