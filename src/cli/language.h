/*
 * language.h - which language the words are in.
 *
 * --lang, else the environment as gettext(3) reads it. Servers often have no locale installed but C.UTF-8, and the
 * C locale is never translated; so a language that is asked for is given on top of C.UTF-8 then. Numbers stay as in C.
 *
 * The catalogues are in the folder that UNDERSTUDY_LOCALEDIR names, else in po/ beside a binary that was not installed,
 * else where `make install` puts them.
 */
#ifndef CLI_LANGUAGE_H
#define CLI_LANGUAGE_H

/* Called once, before anything is printed. */
void language_start(void);

/* "en" or "ja"; 0 or -EINVAL. */
int language_choose(const char *language);

/* "en" or "ja": that in which the words are now. */
const char *language_name(void);

#endif
