/* above.c - looking for .htaccess files up to the root of the file system. */
#include "tree/above.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"

#define CONTROL_NAME ".htaccess" /* Apache's AccessFileName */
#define UP_MAXIMUM   4096        /* folders; a path has no more */

static bool is_in(int folder, char path[static PATH_MAX])
{
        char link[FD_PATH_SIZE], found[PATH_MAX];
        struct stat st;
        ssize_t length;

        if (fstatat(folder, CONTROL_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return false;
        fd_path(folder, link);
        length = readlink(link, found, sizeof(found) - 1);
        found[length < 0 ? 0 : length] = '\0';
        snprintf(path, PATH_MAX, "%.*s/%s", PATH_MAX - (int)sizeof(CONTROL_NAME) - 1,
                 strcmp(found, "/") == 0 ? "" : found, CONTROL_NAME);
        return true;
}

static bool is_same(int one, int other)
{
        struct stat a, b;

        return fstat(one, &a) < 0 || fstat(other, &b) < 0 || (a.st_ino == b.st_ino && a.st_dev == b.st_dev);
}

bool above_steers(int folder, const char *tree, char sentence[static ERROR_TEXT_SIZE])
{
        char path[PATH_MAX];
        int at = openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool found = false;

        for (int i = 0; i < UP_MAXIMUM && at >= 0 && !found; i++) {
                _cleanup_(fd_closep) int up = -1;

                found = is_in(at, path);
                up = found ? -1 : openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (up < 0 || is_same(at, up))
                        break;
                close(at);
                at = fd_steal(&up);
        }
        fd_close(&at);
        if (found)
                snprintf(sentence, ERROR_TEXT_SIZE,
                         _("%s steers Apache in %s, too, where overrides are allowed, and is no part of the release; "
                           "look "
                           "at it, and remove it if nobody knows it"),
                         path, tree);
        return found;
}
