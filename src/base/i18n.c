/* i18n.c - gettext, with a memory of the last translations. */
#include "i18n.h"

#include <stddef.h>

#define REMEMBERED 16 /* a sentence and the words in it */

static _Thread_local struct {
        const char *translated, *english;
} lately[REMEMBERED];
static _Thread_local unsigned int next;
static _Thread_local bool in_english;

const char *i18n_words(const char *english)
{
        const char *translated = in_english ? english : gettext(english);

        if (translated != english) {
                lately[next].translated = translated; /* in the catalogue, which stays where it is */
                lately[next].english = english;
                next = (next + 1) % REMEMBERED;
        }
        return translated;
}

const char *i18n_plural(const char *one, const char *many, unsigned long count)
{
        if (in_english)
                return count == 1 ? one : many;
        return ngettext(one, many, count);
}

bool i18n_english(bool english)
{
        bool before = in_english;

        in_english = english;
        return before;
}

const char *i18n_source(const char *text)
{
        for (size_t i = 0; i < REMEMBERED; i++)
                if (lately[i].translated == text)
                        return lately[i].english;
        return text;
}
