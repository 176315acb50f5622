#include "language.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"

static const char *const languages[] = { "en", "ja" };

/* The language that the environment asks for ("ja_JP.UTF-8"); NULL when it asks for none. */
static const char *asked_for(void)
{
        static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

        for (size_t i = 0; i < LENGTH(variables); i++) {
                const char *value = getenv(variables[i]);

                if (value && *value)
                        return value;
        }
        return NULL;
}

/* gettext does not translate in the C locale. */
static void leave_c_locale(void)
{
        const char *messages = setlocale(LC_MESSAGES, NULL);

        if (!messages || text_equal(messages, "C") || text_equal(messages, "POSIX"))
                setlocale(LC_MESSAGES, "C.UTF-8");
}

/* LANGUAGE is what gettext reads first; naming the domain again makes it forget what it has looked up already. */
static void translate_to(const char *language)
{
        setenv("LANGUAGE", language, 1);
        leave_c_locale();
        textdomain("understudy");
}

/* Catalogues beside a binary that was not installed. */
static bool built_here(char folder[static PATH_MAX])
{
        static const char below[] = "po/ja/LC_MESSAGES/understudy.mo";
        ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX);
        char *end = length > 0 ? memrchr(folder, '/', length) : NULL;

        if (!end || end - folder + sizeof("/") + sizeof(below) > PATH_MAX)
                return false;
        memcpy(end + 1, below, sizeof(below));
        if (access(folder, R_OK) < 0)
                return false;
        end[sizeof("po")] = '\0'; /* cut behind /po */
        return true;
}

void language_start(void)
{
        const char *asked = asked_for();
        const char *folder = getenv("UNDERSTUDY_LOCALEDIR");
        const char *language = getenv("LANGUAGE");
        char beside[PATH_MAX];

        if (!folder || !*folder)
                folder = built_here(beside) ? beside : UNDERSTUDY_LOCALEDIR;
        bindtextdomain("understudy", folder);
        textdomain("understudy");
        /* gettext and strerror() spell their words in the encoding of LC_CTYPE; names, JSON and sentences are UTF-8. */
        if (!setlocale(LC_CTYPE, "") || !text_equal(nl_langinfo(CODESET), "UTF-8"))
                setlocale(LC_CTYPE, "C.UTF-8");
        if (setlocale(LC_MESSAGES, "") || !asked)
                return;
        if (language && *language) {
                leave_c_locale();
                return;
        }
        for (size_t i = 0; i < LENGTH(languages); i++) {
                if (text_starts(asked, languages[i]))
                        translate_to(languages[i]);
        }
}

int language_choose(const char *language)
{
        for (size_t i = 0; i < LENGTH(languages); i++) {
                if (text_equal(language, languages[i])) {
                        translate_to(language);
                        return 0;
                }
        }
        return -EINVAL;
}

const char *language_name(void)
{
        const char *language = getenv("LANGUAGE"), *asked = asked_for();

        if (language && *language)
                return text_starts(language, "ja") ? "ja" : "en";
        return asked && text_starts(asked, "ja") ? "ja" : "en";
}
