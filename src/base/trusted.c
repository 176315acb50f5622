#include "base/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

#define LINKS_MAXIMUM 40 /* as the kernel's */

static int refuse_owner(const char *where, const char *path, const struct stat *st, struct error *err)
{
        error_usage(err, _("the state folder %s cannot be trusted: %s belongs to user %ld, who could put older releases or other keys "
                           "there; 'chown root %s', after a look at what is in it, or name another one with --state"),
                    path, where, (long)st->st_uid, where);
        return -EPERM;
}

static int refuse_mode(const char *where, const char *path, const struct stat *st, struct error *err)
{
        error_usage(err, _("the state folder %s cannot be trusted: the mode of %s is %04o, so that others could put older releases or "
                           "other keys there; 'chmod go-w %s', after a look at what is in it, or name another one with --state"),
                    path, where, (unsigned int)st->st_mode & 07777, where);
        return -EPERM;
}

/* In a user namespace (a container without root, a sandbox) whoever is no part of it, the machine's root above all, is shown as this
 * user (user_namespaces(7)). Nobody within can act for him; which of those outside he is cannot be known. */
static bool is_outside(uid_t uid)
{
        _cleanup_(buffer_done) struct buffer map = BUFFER_INIT(4096);
        unsigned long inside, outside, count;

        return uid == 65534 && file_read(AT_FDCWD, "/proc/self/uid_map", &map, NULL) == 0 &&
               sscanf(buffer_text(&map), "%lu %lu %lu", &inside, &outside, &count) == 3 && count != UINT32_MAX;
}

/* One name on the way; `last`: the folder itself. */
static int look_at(const char *where, const char *path, const struct stat *st, bool last, struct error *err)
{
        const bool shared = st->st_mode & (S_IWGRP | S_IWOTH);

        if (st->st_uid != 0 && st->st_uid != geteuid() && (last || !is_outside(st->st_uid)))
                return refuse_owner(where, path, st, err);
        if (S_ISDIR(st->st_mode) && shared && (last || !(st->st_mode & S_ISVTX)))
                return refuse_mode(where, path, st, err);
        return 0;
}

/* Puts what a link says in the place of its name: `rest` is what comes behind it. */
static int follow(char resolved[static PATH_MAX], char rest[static PATH_MAX])
{
        char target[PATH_MAX], whole[PATH_MAX];
        ssize_t length = readlink(resolved, target, sizeof(target) - 1);

        if (length < 0)
                return -errno;
        target[length] = '\0';
        if ((size_t)snprintf(whole, sizeof(whole), "%s/%s", target, rest) >= sizeof(whole))
                return -ENAMETOOLONG;
        snprintf(rest, PATH_MAX, "%s", whole);
        if (*target == '/')
                resolved[0] = '\0';
        else
                *strrchr(resolved, '/') = '\0';
        return 0;
}

/* Takes the next name from `rest` to `resolved`: 1, 0 when there is none, or a negative errno. */
static int take_name(char resolved[static PATH_MAX], char rest[static PATH_MAX])
{
        const char *begin = rest + strspn(rest, "/");
        const size_t length = strcspn(begin, "/"), used = strlen(resolved);
        char *slash;

        if (length == 0)
                return 0;
        if (length == 2 && memcmp(begin, "..", 2) == 0) {
                slash = strrchr(resolved, '/');
                if (slash)
                        *slash = '\0';
        } else if (length != 1 || *begin != '.') {
                if (used + length + 2 > PATH_MAX)
                        return -ENAMETOOLONG;
                resolved[used] = '/';
                memcpy(resolved + used + 1, begin, length);
                resolved[used + length + 1] = '\0';
        }
        memmove(rest, begin + length, strlen(begin + length) + 1);
        return 1;
}

/* 1, 0 when all was looked at, or what lies behind cannot be reached; or a negative errno, with words for -EPERM alone. */
static int step(const char *path, char resolved[static PATH_MAX], char rest[static PATH_MAX], unsigned int *links,
                struct error *err)
{
        const char *where = resolved;
        struct stat st;
        int r = take_name(resolved, rest);

        if (r <= 0)
                return r;
        if (!*where)
                where = "/";
        if (lstat(where, &st) < 0)
                return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno; /* whoever opens it says so */
        r = look_at(where, path, &st, rest[strspn(rest, "/")] == '\0', err);
        if (r == 0 && S_ISLNK(st.st_mode))
                r = ++*links > LINKS_MAXIMUM ? -ELOOP : follow(resolved, rest);
        return r < 0 ? r : 1;
}

int trusted_folder(const char *path, struct error *err)
{
        char resolved[PATH_MAX] = "", rest[PATH_MAX], here[PATH_MAX] = "";
        unsigned int links = 0;
        int r = 1;

        if (*path != '/' && !getcwd(here, sizeof(here)))
                return error_errno(err, errno, _("cannot look at the state folder %s"), path);
        if ((size_t)snprintf(rest, sizeof(rest), "%s/%s", here, path) >= sizeof(rest))
                return error_errno(err, ENAMETOOLONG, _("cannot look at the state folder %s"), path);
        while (r > 0)
                r = step(path, resolved, rest, &links, err);
        return r == 0 || r == -EPERM ? r : error_errno(err, -r, _("cannot look at the state folder %s"), path);
}
