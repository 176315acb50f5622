/*
 * tag.h - the script that pages send their views with, and the tag that brings it in.
 *
 * The script's name has its version and the beginning of its hash: it never changes under a name, so browsers may keep
 * it for ever, and the tag's `integrity` makes them refuse any other. Where it lies is a folder of the site itself, and
 * so of its signed release. Beside it nginx answers "b" and "p.gif" (data/nginx-beacon.conf).
 */
#ifndef ANALYZE_TAG_H
#define ANALYZE_TAG_H

#include "base/buffer.h"
#include "base/error.h"

#define TAG_VERSION        1
#define TAG_SCRIPT_MAXIMUM 1023 /* bytes */
#define TAG_NAME_SIZE      64
#define TAG_PREFIX         "/understudy/"
#define TAG_SCRIPTS        TAG_PREFIX "visits-" /* what paths of all versions begin with */

/* data/visits.js without its comments. */
extern const char tag_script[];

struct tag {
        char name[TAG_NAME_SIZE];      /* "visits-1-0123456789abcdef.js" */
        char integrity[TAG_NAME_SIZE]; /* "sha256-..." */
        struct buffer text;            /* the markup */
};

/* `prefix` is where it is served: a path, or an address of another host, with "/" at its end. -EINVAL for another. */
int tag_make(const char *prefix, struct tag *ret_tag, struct error *err);
void tag_done(struct tag *tag);

/* Writes the script as FOLDER/understudy/NAME. A file that is there and differs is left alone: -EEXIST. */
int tag_write(const struct tag *tag, const char *folder, struct error *err);

#endif
