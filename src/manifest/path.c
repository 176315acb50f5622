/*
 * path.c - the order of paths in a manifest, and which paths and links may be in it.
 */
#include "manifest/entry.h"

#include <errno.h>
#include <string.h>

#include "base/i18n.h"

int path_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
        size_t shorter = a_length < b_length ? a_length : b_length;

        for (size_t i = 0; i < shorter; i++) {
                /* A separator ends the component, and a component that ends sorts before one that goes on. */
                unsigned char x = (unsigned char)(a[i] == '/' ? 0 : a[i]);
                unsigned char y = (unsigned char)(b[i] == '/' ? 0 : b[i]);

                if (x != y)
                        return x < y ? -1 : 1;
        }
        if (a_length == b_length)
                return 0;
        return a_length < b_length ? -1 : 1;
}

static int component_check(const char *name, size_t length, struct error *err)
{
        if (length == 0)
                return error_set(err, -EINVAL, _("a path may have no empty part"));
        if (length > ENTRY_NAME_MAXIMUM)
                return error_set(err, -EINVAL, _("a name in the path is longer than %d bytes"), ENTRY_NAME_MAXIMUM);
        if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')))
                return error_set(err, -EINVAL, _("a path may not go through \".\" or \"..\""));
        return 0;
}

int path_check(const char *path, size_t length, struct error *err)
{
        const char *end = path + length;
        size_t depth = 0;

        if (length == 0)
                return 0;
        if (length > ENTRY_PATH_MAXIMUM)
                return error_set(err, -EINVAL, _("the path is longer than %d bytes"), ENTRY_PATH_MAXIMUM);
        if (memchr(path, '\0', length))
                return error_set(err, -EINVAL, _("a path may hold no NUL"));
        for (const char *name = path;;) {
                const char *slash = memchr(name, '/', (size_t)(end - name));
                int r = component_check(name, (size_t)((slash ? slash : end) - name), err);

                if (r < 0)
                        return r;
                if (++depth > ENTRY_DEPTH_MAXIMUM)
                        return error_set(err, -EINVAL, _("the path is deeper than %d folders"), ENTRY_DEPTH_MAXIMUM);
                if (!slash)
                        return 0;
                name = slash + 1;
        }
}

/*
 * The folder of the link is a real one (a manifest has no entry below a link), so leading ".." climb exactly. A ".."
 * behind a name is another matter: the name may be a link itself, and then ".." climbs from wherever that leads.
 */
bool link_leaves_tree(const char *path, size_t path_length, const char *target, size_t target_length)
{
        const char *end = target + target_length;
        size_t depth = 0;
        bool named = false;

        if (target_length > 0 && target[0] == '/')
                return true;
        for (size_t i = 0; i < path_length; i++)
                depth += path[i] == '/';
        for (const char *name = target; name < end;) {
                const char *slash = memchr(name, '/', (size_t)(end - name));
                size_t length = (size_t)((slash ? slash : end) - name);

                if (length == 2 && memcmp(name, "..", 2) == 0) {
                        if (named || depth == 0)
                                return true;
                        depth--;
                } else if (length > 1 || (length == 1 && name[0] != '.')) {
                        named = true;
                }
                name += length + 1;
        }
        return false;
}
