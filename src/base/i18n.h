/*
 * i18n.h - words for people.
 *
 * Every sentence that a person may read is written in English in the source and marked with _().
 * The catalogues are in po/. What programs read (JSON keys, file formats) is never translated.
 */
#ifndef BASE_I18N_H
#define BASE_I18N_H

#include <libintl.h>

#define _(text)  gettext(text)
#define N_(text) text

#endif
