/*
 * i18n.h - words for people.
 *
 * Every sentence that a person may read is written in English in the source and marked with _().
 * The catalogues are in po/. What programs read (JSON keys, file formats) is never translated.
 *
 * The journal is in English whatever the operator speaks, for it is read elsewhere and later. So a sentence that goes
 * to both is made twice: what is built between i18n_english(true) and i18n_english(false) is in English, and an error
 * carries both (error.h), for which each thread remembers what it translated last.
 */
#ifndef BASE_I18N_H
#define BASE_I18N_H

#include <libintl.h>
#include <stdbool.h>

#define _(text)  i18n_words(text)
#define N_(text) text

/* gettext(3), unless this thread is in English. */
const char *i18n_words(const char *english) __attribute__((format_arg(1)));

/* The same for ngettext(3). */
const char *i18n_plural(const char *one, const char *many, unsigned long count)
        __attribute__((format_arg(1), format_arg(2)));

/* From now on, in this thread. Returns what it was. */
bool i18n_english(bool english);

/* The English behind one of the last translations of this thread; any other text is its own. */
const char *i18n_source(const char *text);

#endif
