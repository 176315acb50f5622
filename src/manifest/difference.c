/* difference.c - the words of the JSON contract for the kinds of difference. */
#include "difference.h"

static const char *const names[] = { "content", "missing", "extra", "type",  "mode",    "owner",
                                     "link",    "flags",   "xattr", "mount", "hardlink" };

const char *difference_kind_name(enum difference_kind kind)
{
        return names[__builtin_ctz((unsigned int)kind)];
}
