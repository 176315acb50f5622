/*
 * mtree_names.h - how names are spelled in a manifest; shared by the reader and the writer only.
 */
#ifndef MANIFEST_MTREE_NAMES_H
#define MANIFEST_MTREE_NAMES_H

#include <stdbool.h>

/* Bytes that stand for themselves: printable ASCII but for what mtree or vis(3) take for something else. All others,
 * and these, are \ooo. The separator of a path is among them; a name cannot hold it. */
static inline bool mtree_literal(unsigned char byte)
{
        switch (byte) {
        case '\\':
        case '#':
        case '=':
        case '*':
        case '?':
        case '[':
        case ']': return false;
        default: return byte >= 0x21 && byte <= 0x7e;
        }
}

/* mtree matches a component that holds one of these as a pattern. */
static inline bool mtree_magic(unsigned char byte)
{
        return byte == '*' || byte == '?' || byte == '[';
}

#endif
