/* state_path.c - the absolute name of a DEST, under which it is remembered. */
#include "tree/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

/* Appends the components of `path` that are more than "." to the absolute path. */
static int append_components(const char *path, struct buffer *absolute)
{
        int r = 0;

        while (*path && r == 0) {
                size_t length = strcspn(path, "/");

                if (length > 0 && !(length == 1 && path[0] == '.')) {
                        r = buffer_append_byte(absolute, '/');
                        if (r == 0)
                                r = buffer_append(absolute, path, length);
                }
                path += length;
                path += strspn(path, "/");
        }
        return r;
}

static bool has_dot_dot(const char *path)
{
        for (;;) {
                size_t length = strcspn(path, "/");

                if (length == 2 && path[0] == '.' && path[1] == '.')
                        return true;
                if (path[length] == '\0')
                        return false;
                path += length + 1;
        }
}

/* ".." means the folder above only after the links before it are followed: the folder that holds the last part is
 * resolved, the last part itself never. */
static int resolve_parent(struct buffer *absolute, const char *shown, struct error *err)
{
        _cleanup_(memory_freep) char *copy = memory_string(buffer_text(absolute));
        _cleanup_(memory_freep) char *resolved = NULL;
        char *name;

        if (!copy)
                return error_memory(err);
        name = strrchr(copy, '/');
        *name++ = '\0';
        if (text_equal(name, ".."))
                return error_usage(err, _("%s ends with \"..\"; name the folder itself"), shown);
        resolved = realpath(*copy ? copy : "/", NULL);
        if (!resolved)
                return error_errno(err, errno, _("cannot find the folder above %s"), shown);
        buffer_clear(absolute);
        if (append_components(resolved, absolute) < 0 || append_components(name, absolute) < 0)
                return error_usage(err, _("the path %s is too long"), shown);
        return 0;
}

int state_absolute(const char *path, char absolute[static PATH_MAX], struct error *err)
{
        _cleanup_(buffer_done) struct buffer made = BUFFER_INIT(PATH_MAX - 1);
        int r;

        if (*path == '\0')
                return error_usage(err, _("an empty path names no folder"));
        if (*path != '/') {
                char here[PATH_MAX];

                if (!getcwd(here, sizeof(here)))
                        return error_errno(err, errno, _("cannot find out the current folder"));
                r = append_components(here, &made);
                if (r < 0)
                        return error_usage(err, _("the path %s is too long"), path);
        }
        r = append_components(path, &made);
        if (r < 0)
                return error_usage(err, _("the path %s is too long"), path);
        if (has_dot_dot(buffer_text(&made))) {
                r = resolve_parent(&made, path, err);
                if (r < 0)
                        return r;
        }
        if (made.length == 0)
                return error_usage(err,
                                   _("%s is the root of the file system, which cannot be exchanged; name a "
                                     "folder below it"),
                                   path);
        memcpy(absolute, made.data, made.length + 1);
        return 0;
}
