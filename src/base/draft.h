/*
 * draft.h - a file that is to take another one's place, whose bytes go to the disk while something else is done.
 *
 * The same as file_replace() (io.h) in two halves, for whoever must not wait for the disk: after a crash at any point either
 * the old or the new content is there, whole.
 *
 *     r = draft_begin(folder, "fence.json", text, length, 0600, NULL, &draft, &error);      written and fsynced by a thread
 *     ... what has to be done before it may be seen ...
 *     r = draft_put(draft, &error);                                                         waits for that, and renames
 *     draft_free(draft);                                                                    removes what was not put
 *     ... answer ...
 *     draft_settle();                                                                       before the process ends
 *
 * What draft_put() has put there is seen at once, but survives a crash of the machine for certain only after
 * draft_settle(), or any later replacement in the same folder: it is for what may be lost, because the old content asks for
 * more than the new. One process has one thread that uses this.
 */
#ifndef BASE_DRAFT_H
#define BASE_DRAFT_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

struct draft;
struct stat;

/* The bytes are copied. `like` as in file_replace_like(), then the mode is not used; NULL: ours. */
int draft_begin(int directory, const char *path, const void *bytes, size_t length, mode_t mode, const struct stat *like,
                struct draft **ret_draft, struct error *err);

/* The folder is fsynced meanwhile. */
int draft_put(struct draft *draft, struct error *err);

/* Waits until the names that were put since it was called last are on the disk; -EIO and the like when one of them is not. */
int draft_settle(struct error *err);

void draft_free(struct draft *draft);
void draft_freep(struct draft **draft); /* for _cleanup_() */

#endif
