/* area_parts.h - what the files of a server's own side share. */
#ifndef CARRY_AREA_PARTS_H
#define CARRY_AREA_PARTS_H

#include <stdbool.h>

#include "carry/area.h"

#define TEMPORARY_PREFIX ".understudy-carry."
#define TEMPORARY_SIZE   (sizeof(TEMPORARY_PREFIX) + 16)

/* A name of ours for what is on its way to its place; nobody can have it ready. */
int carry_temporary(char name[static TEMPORARY_SIZE], struct error *err);
bool carry_is_temporary(const char *name);

/* Takes the area's lock; -EBUSY when another one has it. */
int carry_area_lock(struct carry_area *area, struct error *err);

/* A folder of ours below STATE/carry/ID: a descriptor, or a negative errno with words. */
int carry_folder(const struct carry_area *area, const char *name, struct error *err);

/* The folder that holds `path`, made when it is not there and `make`; *ret_name is the last part. A negative errno. */
int carry_open_parent(const struct carry_area *area, const char *path, bool make, const char **ret_name);

/* {"outcome": words} into the answer. */
int carry_answer(json_t *result, const char *outcome, struct error *err);

/* receive.c: the words for what stands at a name: "none", "folder", "other", or the SHA-256 of a file, which is then open
 * (*ret_fd, else -1). */
int carry_what_is(int parent, const char *name, char text[static DIGEST_HEX_SIZE], int *ret_fd, struct error *err);

/* receive.c: `temporary` gets the name, or keeps its own, of nothing or of the file that is open: whatever else is there stays.
 * -ESTALE. What had the name has `temporary` then; nothing is synced. */
int carry_put(int parent, const char *temporary, const char *name, int replaced);

/* hold.c: the file `to` waits beside its place, where nothing is; what is open becomes the area's. False: there is no room. */
bool carry_hold(struct carry_area *area, int *parent, const char *temporary, const char *name, int *to);
void carry_hold_drop(struct carry_area *area);

/* keep.c: copies an open file into kept/, once for each content. `why` stands in the log. */
int carry_put_aside(const struct carry_area *area, const char *path, int fd, const char *why, struct error *err);
/* Lets go of what has been there for CARRY_KEPT_DAYS. */
void carry_prune(const struct carry_area *area);

#endif
