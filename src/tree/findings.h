/*
 * findings.h - what is wrong with one path: at most one finding of each kind, kept until it can be told in order.
 */
#ifndef TREE_FINDINGS_H
#define TREE_FINDINGS_H

#include "base/attributes.h"
#include "tree/verify.h"

#define FINDINGS_KINDS 11

struct findings {
        unsigned int kinds; /* bits of enum difference_kind that are set */
        struct {
                char *expected, *found; /* owned; NULL: nothing */
        } of[FINDINGS_KINDS];           /* by the number of the kind's bit */
};

/* Both texts are copied. 0 or -ENOMEM; a kind that is there already stays as it is. */
int findings_add(struct findings *findings, enum difference_kind kind, const char *expected, const char *found);
int findings_printf(struct findings *findings, enum difference_kind kind, const char *expected, const char *format, ...)
        _printf_(4, 5);
/* A content finding "unreadable: ..." of a negative errno. */
int findings_unreadable(struct findings *findings, const char *expected, int error);
/* True when it is this process that lacks something (memory, descriptors): that says nothing about the tree, and ends
 * the verification instead of being a finding. */
bool findings_lack(int error);
/* What inode_compare() saw, in the words of the contract. */
int findings_of_inode(struct findings *findings, const struct statx *stx, const struct entry *entry, uint32_t flags);

/* Empties it for the next path. */
void findings_clear(struct findings *findings);

#endif
