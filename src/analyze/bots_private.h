/* bots_private.h - the list that is compiled in; bots_list.c is made of data/bots.txt by the build. */
#ifndef ANALYZE_BOTS_PRIVATE_H
#define ANALYZE_BOTS_PRIVATE_H

extern const char bots_compiled_in[];

#endif
