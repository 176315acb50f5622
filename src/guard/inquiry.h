/*
 * inquiry.h - who it was, asked in a thread beside the guard's loop: all processes are searched for one that holds a
 * file (holder.h), and name services, records and logs are read (who_resolve()), which may take as long as they like.
 *
 * The queue is bounded: what does not fit is not asked, and said so. Answers come in the order of the questions.
 */
#ifndef GUARD_INQUIRY_H
#define GUARD_INQUIRY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "guard/who.h"
#include "manifest/release.h"

#define INQUIRY_WAITING 64 /* questions that were asked and whose answer was not fetched */

struct inquiry_case {
        struct inquiry_case *next; /* the inquiry's */
        unsigned int site;         /* the caller's, as the three below */
        char root[RELEASE_NAME_SIZE];
        char path[PATH_MAX]; /* relative to the root, raw */
        char shown[512];     /* escaped, perhaps cut */
        int file;            /* open: whoever holds it for writing is looked for first; owned; -1: `who` is known */
        bool found;          /* `who` is somebody */
        struct who who;
};

struct inquiry;

int inquiry_open(struct inquiry **ret_inquiry, struct error *err);
/* Waits two seconds at most for what is being asked; NULL is fine. */
void inquiry_close(struct inquiry *inquiry);

struct inquiry_case *inquiry_case_new(void); /* NULL without memory */
void inquiry_case_free(struct inquiry_case *one);

/* Takes the case; false: too many wait, and it is the caller's still. */
bool inquiry_ask(struct inquiry *inquiry, struct inquiry_case *one);

/* Readable when there are answers. */
int inquiry_fd(const struct inquiry *inquiry);

/* The next answer, which is the caller's; NULL when there is none. */
struct inquiry_case *inquiry_next(struct inquiry *inquiry);

#endif
