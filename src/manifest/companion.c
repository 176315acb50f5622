/*
 * companion.c - building a companion and looking things up in it; its text is in companion_text.c.
 *
 * All lists are sorted by path_compare(). No ignored path lies below another one, so what covers a path, if anything
 * does, is the greatest list member that is not greater than the path: one binary search.
 */
#include "manifest/companion.h"

#include <errno.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "manifest/companion_private.h"
#include "manifest/entry.h"

static int compare(const char *a, const char *b)
{
        return path_compare(a, strlen(a), b, strlen(b));
}

/* A list member begins with its path, whatever it is: struct attributes, struct area, char *. */
static const char *path_of(const void *members, size_t index, size_t size)
{
        const char *path;

        memcpy(&path, (const char *)members + index * size, sizeof(path));
        return path;
}

/* How many members of a sorted list are not greater than the path. */
static size_t not_greater(const void *members, size_t count, size_t size, const char *path)
{
        size_t low = 0;

        while (low < count) {
                size_t middle = low + (count - low) / 2;

                if (compare(path_of(members, middle, size), path) <= 0)
                        low = middle + 1;
                else
                        count = middle;
        }
        return low;
}

/* Index of the path itself, or SIZE_MAX. */
static size_t find(const void *members, size_t count, size_t size, const char *path)
{
        size_t n = not_greater(members, count, size, path);

        return n > 0 && strcmp(path_of(members, n - 1, size), path) == 0 ? n - 1 : SIZE_MAX;
}

static bool covers(const char *folder, const char *path)
{
        size_t length = strlen(folder);

        return strncmp(folder, path, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Index of the member that `path` is or lies below, or SIZE_MAX. */
static size_t find_covering(const void *members, size_t count, size_t size, const char *path)
{
        size_t n = not_greater(members, count, size, path);

        return n > 0 && covers(path_of(members, n - 1, size), path) ? n - 1 : SIZE_MAX;
}

/* True when a member is the path, or one lies below the other. */
static bool touches(const void *members, size_t count, size_t size, const char *path)
{
        size_t n = not_greater(members, count, size, path);

        return (n > 0 && covers(path_of(members, n - 1, size), path)) ||
               (n < count && covers(path, path_of(members, n, size)));
}

const struct attributes *companion_attributes(const struct companion *companion, const char *path)
{
        size_t i = find(companion->attributes, companion->attributes_count, sizeof(struct attributes), path);

        return i == SIZE_MAX ? NULL : &companion->attributes[i];
}

const struct area *companion_area(const struct companion *companion, const char *path)
{
        size_t i = find(companion->areas, companion->area_count, sizeof(struct area), path);

        return i == SIZE_MAX ? NULL : &companion->areas[i];
}

const struct area *companion_ignored(const struct companion *companion, const char *path)
{
        size_t i = find_covering(companion->ignored, companion->ignored_count, sizeof(struct area), path);

        return i == SIZE_MAX ? NULL : &companion->ignored[i];
}

bool companion_link(const struct companion *companion, const char *path)
{
        return find(companion->links, companion->link_count, sizeof(char *), path) != SIZE_MAX;
}

static const char *path_refused(const char *path)
{
        if (path[0] == '\0')
                return _("the root of the tree cannot be declared as one of its parts");
        if (path_check(path, strlen(path), NULL) < 0)
                return _("it is no path inside the tree (write it relative, without \".\" and \"..\")");
        return NULL;
}

/* Why a path cannot be declared beside what is declared. */
static const char *declaration_refused(const struct companion *companion, const char *path)
{
        if (touches(companion->areas, companion->area_count, sizeof(struct area), path) ||
            touches(companion->ignored, companion->ignored_count, sizeof(struct area), path) ||
            touches(companion->links, companion->link_count, sizeof(char *), path))
                return _("it is declared already, or a path above or below it is");
        return path_refused(path);
}

static const char *area_refused(const char *path, const char *target)
{
        size_t length = strlen(target);

        if (length == 0 || length > ENTRY_LINK_MAXIMUM)
                return _("the target of its link is empty or too long");
        if (!link_leaves_tree(path, strlen(path), target, length))
                return _("the target of its link lies inside the tree, where an exchange would replace it; a mutable "
                         "area must lie outside, as in ../mutable/uploads");
        return NULL;
}

static const char *attributes_refused(const struct attributes *attributes)
{
        if (path_check(attributes->path, strlen(attributes->path), NULL) < 0)
                return _("it is no path inside the tree");
        if (attributes->flags & ~COMPANION_FLAGS)
                return _("it has flags other than immutable and append-only");
        if (attributes->flags == 0 && attributes->xattr_count == 0)
                return _("it has neither flags nor extended attributes");
        for (size_t i = 0; i < attributes->xattr_count; i++) {
                const struct xattr *xattr = &attributes->xattrs[i];
                size_t length = strlen(xattr->name);

                if (length == 0 || length > XATTR_NAME_MAXIMUM || xattr->length > XATTR_VALUE_MAXIMUM)
                        return _("an extended attribute has no name, or is too long");
                if (i > 0 && strcmp(xattr[-1].name, xattr->name) >= 0)
                        return _("its extended attributes are not in order, or one is there twice");
        }
        return NULL;
}

int companion_append_area(struct area **areas, size_t *count, const char *path, const char *target, unsigned int allow)
{
        struct area area = { .path = memory_string(path),
                             .target = target ? memory_string(target) : NULL,
                             .allow = allow };

        if (!area.path || (target && !area.target) || memory_grow(areas, *count, sizeof(area)) < 0) {
                free(area.path);
                free(area.target);
                return -ENOMEM;
        }
        (*areas)[(*count)++] = area;
        return 0;
}

int companion_append_link(struct companion *companion, const char *path)
{
        char *copy = memory_string(path);

        if (!copy || memory_grow(&companion->links, companion->link_count, sizeof(char *)) < 0) {
                free(copy);
                return -ENOMEM;
        }
        companion->links[companion->link_count++] = copy;
        return 0;
}

int companion_append_attributes(struct companion *companion, struct attributes *attributes)
{
        if (memory_grow(&companion->attributes, companion->attributes_count, sizeof(*attributes)) < 0)
                return -ENOMEM;
        companion->attributes[companion->attributes_count++] = *attributes;
        *attributes = (struct attributes){ 0 };
        return 0;
}

static int compare_members(const void *a, const void *b)
{
        return compare(path_of(a, 0, 0), path_of(b, 0, 0));
}

static void sort(void *members, size_t count, size_t size)
{
        if (count > 1)
                qsort(members, count, size, compare_members);
}

/* The first member of a sorted list that is another one of it, or (unless it may) lies below another; NULL: none. */
static const char *doubled(const void *members, size_t count, size_t size, bool below_allowed)
{
        for (size_t i = 1; i < count; i++) {
                const char *before = path_of(members, i - 1, size), *path = path_of(members, i, size);

                if (below_allowed ? strcmp(before, path) == 0 : covers(before, path))
                        return path;
        }
        return NULL;
}

/* The first member of one list that touches a member of the other; NULL: none. */
static const char *crossed(const void *a, size_t a_count, size_t a_size, const void *b, size_t b_count, size_t b_size)
{
        for (size_t i = 0; i < a_count; i++)
                if (touches(b, b_count, b_size, path_of(a, i, a_size)))
                        return path_of(a, i, a_size);
        return NULL;
}

static const char *any_doubled(const struct companion *c)
{
        const char *path = doubled(c->attributes, c->attributes_count, sizeof(struct attributes), true);

        if (!path)
                path = doubled(c->areas, c->area_count, sizeof(struct area), false);
        if (!path)
                path = doubled(c->ignored, c->ignored_count, sizeof(struct area), false);
        if (!path)
                path = doubled(c->links, c->link_count, sizeof(char *), false);
        if (!path)
                path = crossed(c->areas, c->area_count, sizeof(struct area), c->ignored, c->ignored_count,
                               sizeof(struct area));
        if (!path)
                path = crossed(c->areas, c->area_count, sizeof(struct area), c->links, c->link_count, sizeof(char *));
        if (!path)
                path = crossed(c->ignored, c->ignored_count, sizeof(struct area), c->links, c->link_count,
                               sizeof(char *));
        return path;
}

const char *companion_settle(struct companion *companion, const char **ret_path)
{
        const char *why = NULL;

        sort(companion->attributes, companion->attributes_count, sizeof(struct attributes));
        sort(companion->areas, companion->area_count, sizeof(struct area));
        sort(companion->ignored, companion->ignored_count, sizeof(struct area));
        sort(companion->links, companion->link_count, sizeof(char *));
        for (size_t i = 0; i < companion->attributes_count && !why; i++) {
                *ret_path = companion->attributes[i].path;
                why = attributes_refused(&companion->attributes[i]);
        }
        for (size_t i = 0; i < companion->area_count && !why; i++) {
                *ret_path = companion->areas[i].path;
                why = path_refused(*ret_path);
                if (!why)
                        why = area_refused(*ret_path, companion->areas[i].target);
        }
        for (size_t i = 0; i < companion->ignored_count && !why; i++)
                why = path_refused(*ret_path = companion->ignored[i].path);
        for (size_t i = 0; i < companion->link_count && !why; i++)
                why = path_refused(*ret_path = companion->links[i]);
        if (why)
                return why;
        *ret_path = any_doubled(companion);
        return *ret_path ? _("it is declared already, or a path above or below it is") : NULL;
}

int companion_add_area(struct companion *companion, const char *path, const char *target, unsigned int allow,
                       struct error *err)
{
        const char *why = declaration_refused(companion, path);

        if (!why)
                why = area_refused(path, target);
        if (why)
                return error_usage(err, _("cannot declare the mutable area %s: %s"), path, why);
        if (companion_append_area(&companion->areas, &companion->area_count, path, target, allow) < 0)
                return error_memory(err);
        sort(companion->areas, companion->area_count, sizeof(struct area));
        return 0;
}

int companion_add_ignored(struct companion *companion, const char *path, unsigned int allow, struct error *err)
{
        const char *why = declaration_refused(companion, path);

        if (why)
                return error_usage(err, _("cannot declare the ignored path %s: %s"), path, why);
        if (companion_append_area(&companion->ignored, &companion->ignored_count, path, NULL, allow) < 0)
                return error_memory(err);
        sort(companion->ignored, companion->ignored_count, sizeof(struct area));
        return 0;
}

int companion_add_link(struct companion *companion, const char *path, struct error *err)
{
        const char *why = declaration_refused(companion, path);

        if (why)
                return error_usage(err, _("cannot declare the link %s as leading outside: %s"), path, why);
        if (companion_append_link(companion, path) < 0)
                return error_memory(err);
        sort(companion->links, companion->link_count, sizeof(char *));
        return 0;
}

/* A walk adds in order, and there may be as many as files: sorting is left out when the new last one is in place. */
static void keep_sorted(struct companion *companion)
{
        size_t count = companion->attributes_count;

        if (count > 1 && compare(companion->attributes[count - 2].path, companion->attributes[count - 1].path) > 0)
                sort(companion->attributes, count, sizeof(struct attributes));
}

int companion_add_attributes(struct companion *companion, struct attributes *attributes, struct error *err)
{
        const char *why = attributes_refused(attributes);

        if (!why && companion_attributes(companion, attributes->path))
                why = _("it is there already");
        if (why)
                return error_usage(err, _("cannot declare attributes of %s: %s"),
                                   attributes->path[0] ? attributes->path : ".", why);
        if (companion_append_attributes(companion, attributes) < 0)
                return error_memory(err);
        keep_sorted(companion);
        return 0;
}

void attributes_done(struct attributes *attributes)
{
        for (size_t i = 0; i < attributes->xattr_count; i++) {
                free(attributes->xattrs[i].name);
                free(attributes->xattrs[i].value);
        }
        free(attributes->xattrs);
        free(attributes->path);
        *attributes = (struct attributes){ 0 };
}

static void areas_done(struct area *areas, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                free(areas[i].path);
                free(areas[i].target);
        }
        free(areas);
}

void companion_done(struct companion *companion)
{
        for (size_t i = 0; i < companion->attributes_count; i++)
                attributes_done(&companion->attributes[i]);
        free(companion->attributes);
        areas_done(companion->areas, companion->area_count);
        areas_done(companion->ignored, companion->ignored_count);
        for (size_t i = 0; i < companion->link_count; i++)
                free(companion->links[i]);
        free(companion->links);
        *companion = (struct companion)COMPANION_EMPTY;
}
