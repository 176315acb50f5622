/*
 * neighbours.h - the files beside a log that had its name once, known by theirs, as they lie there at one moment.
 *
 * A folder is not read in one moment. While it is, somebody renames files and packs them: a file whose new name was
 * passed before it had it, and whose old name is gone when its turn comes, is not seen at all, nor is one whose packed
 * copy was not whole yet when it was looked at and whose plain file is gone a moment later. A follower would take it
 * for lost, or would go on behind it, for ever. So the folder is listed before and after, and what was seen in between
 * counts only when both say the same; else all is looked at again. Private to accesslog.
 */
#ifndef ACCESSLOG_NEIGHBOURS_H
#define ACCESSLOG_NEIGHBOURS_H

#include <sys/stat.h>

#include "base/error.h"

/* What was seen so far does not count: called before each view, the first one too. */
typedef void neighbours_begin_function(void *context);

/* Called for each file; `path` and `fd` are good until it returns. A negative number ends the visit. */
typedef int neighbours_visit_function(void *context, const char *path, int fd, const struct stat *status,
                                      struct error *err);

/* In the log's folder and, when its name is a symbolic link, in that of what it leads to (which may be among them). */
int neighbours_visit(const char *path, neighbours_begin_function *begin, neighbours_visit_function *visit,
                     void *context, struct error *err);

#endif
