/* findings.c - findings of one path, and the words of the contract for them. */
#include "findings.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "manifest/inode.h"

int findings_add(struct findings *findings, enum difference_kind kind, const char *expected, const char *found)
{
        size_t i = (size_t)__builtin_ctz((unsigned int)kind);

        if (findings->kinds & kind)
                return 0;
        findings->of[i].expected = expected ? memory_string(expected) : NULL;
        findings->of[i].found = found ? memory_string(found) : NULL;
        findings->kinds |= kind;
        return (expected && !findings->of[i].expected) || (found && !findings->of[i].found) ? -ENOMEM : 0;
}

int findings_printf(struct findings *findings, enum difference_kind kind, const char *expected, const char *format, ...)
{
        char found[256];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(found, sizeof(found), format, arguments);
        va_end(arguments);
        return findings_add(findings, kind, expected, found);
}

int findings_unreadable(struct findings *findings, const char *expected, int error)
{
        /* Not translated and not strerror(): what is found is data, and workers ask at the same time. */
        const char *words = error == -EAGAIN ? "somebody keeps a write lease on it" : strerrordesc_np(-error);

        return findings_printf(findings, DIFFERENCE_CONTENT, expected, "unreadable: %s", words ? words : "unknown");
}

bool findings_lack(int error)
{
        return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

static const char *flags_name(uint32_t flags)
{
        switch (flags & COMPANION_FLAGS) {
        case FS_IMMUTABLE_FL: return "immutable";
        case FS_APPEND_FL: return "append-only";
        case FS_IMMUTABLE_FL | FS_APPEND_FL: return "immutable,append-only";
        }
        return "none";
}

int findings_of_inode(struct findings *findings, const struct statx *stx, const struct entry *entry, uint32_t flags)
{
        unsigned int kinds = inode_compare(stx, entry, flags);
        char expected[32];
        int r = 0;

        if (kinds & DIFFERENCE_MODE) {
                snprintf(expected, sizeof(expected), "%04o", entry->mode);
                r = findings_printf(findings, DIFFERENCE_MODE, expected, "%04o", stx->stx_mode & 07777U);
        }
        if (r == 0 && kinds & DIFFERENCE_OWNER) {
                snprintf(expected, sizeof(expected), "%u:%u", entry->uid, entry->gid);
                r = findings_printf(findings, DIFFERENCE_OWNER, expected, "%u:%u", stx->stx_uid, stx->stx_gid);
        }
        if (r == 0 && kinds & DIFFERENCE_FLAGS)
                r = findings_add(findings, DIFFERENCE_FLAGS, flags_name(flags), flags_name(inode_flags(stx)));
        if (r == 0 && kinds & DIFFERENCE_HARDLINK)
                r = findings_printf(findings, DIFFERENCE_HARDLINK, "1", "%u", stx->stx_nlink);
        return r;
}

void findings_clear(struct findings *findings)
{
        if (findings->kinds == 0)
                return;
        for (size_t i = 0; i < FINDINGS_KINDS; i++) {
                free(findings->of[i].expected);
                free(findings->of[i].found);
        }
        *findings = (struct findings){ 0 };
}
