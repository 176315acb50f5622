#include "language.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>

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

/* gettext reads LANGUAGE first, but not in the C locale; and it spells its words in the encoding of LC_CTYPE. */
static void translate_to(const char *language)
{
        const char *messages = setlocale(LC_MESSAGES, NULL);

        setenv("LANGUAGE", language, 1);
        if (!messages || text_equal(messages, "C") || text_equal(messages, "POSIX"))
                setlocale(LC_MESSAGES, "C.UTF-8");
        if (text_equal(nl_langinfo(CODESET), "ANSI_X3.4-1968"))
                setlocale(LC_CTYPE, "C.UTF-8");
}

void language_start(void)
{
        const char *asked = asked_for();
        const char *folder = getenv("UNDERSTUDY_LOCALEDIR");
        const char *language = getenv("LANGUAGE");

        setlocale(LC_CTYPE, "");
        if (!setlocale(LC_MESSAGES, "") && asked && !(language && *language)) {
                for (size_t i = 0; i < LENGTH(languages); i++) {
                        if (text_starts(asked, languages[i]))
                                translate_to(languages[i]);
                }
        }
        bindtextdomain("understudy", folder && *folder ? folder : UNDERSTUDY_LOCALEDIR);
        textdomain("understudy");
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
