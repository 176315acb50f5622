/* state_list.c - which trees a state directory knows. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "tree/state_private.h"

/* 1: it is damaged. */
static int tell_one(int folder, const char *name, int (*each)(void *context, const char *dest), void *context,
                    struct error *err)
{
        _cleanup_(fd_closep) int one = open_beneath(folder, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        char dest[PATH_MAX];
        json_t *json = NULL;
        int r;

        if (one < 0)
                return 0;
        r = state_read_json(one, "dest.json", &json, err);
        if (r == -EBADMSG || (r > 0 && state_path_from_json(json_object_get(json, "path"), dest) < 0))
                r = 1;
        else if (r > 0)
                r = each(context, dest);
        json_decref(json);
        return r;
}

int state_list(const char *state_directory, int (*each)(void *context, const char *dest), void *context,
               struct error *err)
{
        _cleanup_(fd_closep) int base = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int folder = base < 0 ? -1 : openat(base, "dest", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
        struct error damaged = ERROR_NONE; /* the last one */
        const struct dirent *entry;
        char path[PATH_MAX];
        DIR *directory;

        if (folder < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, _("cannot open the state %s"), state_directory);
        directory = fdopendir(folder);
        if (!directory) {
                fd_close(&folder);
                return error_memory(err);
        }
        while (r >= 0 && (entry = readdir(directory))) {
                if (entry->d_name[0] == '.')
                        continue;
                r = tell_one(folder, entry->d_name, each, context, err);
                if (r > 0 && snprintf(path, sizeof(path), "%s/dest/%s", state_directory, entry->d_name) > 0)
                        (void)state_damaged(path, &damaged);
        }
        (void)closedir(directory);
        if (r >= 0 && damaged.code && err)
                *err = damaged;
        return r < 0 ? r : damaged.code;
}
