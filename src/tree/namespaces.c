/*
 * namespaces.c - web servers in another mount namespace (containers, sandboxed services), to whom an exchange here may
 * be invisible: where the tree itself is mounted into theirs, they would go on serving the old one.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "tree/elsewhere.h"
#include "tree/mounts.h"
#include "tree/pull_run.h"

/* The inode that is looked for, and in whose eyes. */
struct sought {
        const struct place *place;
        const struct statx *tree;
        bool users;       /* only namespaces that an unprivileged user may have made; else only the others */
        bool mounts_only; /* before the exchange: it only matters where the tree is a mount of its own */
        long pid;         /* found */
        char name[32];
};

static bool is_tree(const struct sought *sought, const char *process, const char *point)
{
        char path[PATH_MAX + 64];
        struct statx found;

        if (snprintf(path, sizeof(path), "/proc/%s/root%s", process, point) >= (int)sizeof(path) ||
            statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &found) < 0)
                return false;
        return found.stx_ino == sought->tree->stx_ino && found.stx_dev_major == sought->tree->stx_dev_major &&
               found.stx_dev_minor == sought->tree->stx_dev_minor &&
               (!sought->mounts_only || (found.stx_attributes & STATX_ATTR_MOUNT_ROOT));
}

/* At DEST, and wherever else the process has something mounted. */
static bool sees_tree(const struct sought *sought, const char *process)
{
        char path[300], point[PATH_MAX], *line = NULL;
        size_t size = 0;
        ssize_t length;
        FILE *table;
        bool found = is_tree(sought, process, sought->place->folder);

        snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
        table = found ? NULL : fopen(path, "re");
        while (table && !found && (length = getline(&line, &size, table)) > 0) {
                unsigned int device_major = 0, device_minor = 0;

                if (sscanf(line, "%*u %*u %u:%u", &device_major, &device_minor) == 2 &&
                    device_major == sought->tree->stx_dev_major && device_minor == sought->tree->stx_dev_minor &&
                    mounts_parse_point(line, point, sizeof(point)) == 0)
                        found = is_tree(sought, process, point);
        }
        free(line);
        if (table)
                fclose(table);
        return found;
}

static int search(struct sought *sought, struct error *err)
{
        DIR *processes = opendir("/proc");
        const struct dirent *process;

        if (!processes)
                return error_errno(err, errno, _("cannot read /proc to find web servers in other mount namespaces"));
        while (sought->pid == 0 && (process = readdir(processes))) {
                if (isdigit((unsigned char)process->d_name[0]) && elsewhere_is_server(process->d_name, sought->name) &&
                    elsewhere_is(process->d_name) && elsewhere_is_roots(process->d_name) != sought->users &&
                    sees_tree(sought, process->d_name))
                        sought->pid = strtol(process->d_name, NULL, 10);
        }
        closedir(processes);
        return 0;
}

int namespaces_check(const struct place *place, struct error *err)
{
        struct sought sought = { .place = place, .tree = &place->found, .mounts_only = true };
        int r;

        if (!place->exists)
                return 0;
        r = search(&sought, err);
        if (r < 0 || sought.pid == 0)
                return r;
        return error_refuse(
                err,
                _("%s (pid %ld) runs in another mount namespace, where %s is mounted by itself: it would go "
                  "on serving the old tree; mount the parent folder there instead"),
                sought.name, sought.pid, place->folder);
}

int namespaces_check_exchanged(const struct place *place, const struct statx *old, struct error *err)
{
        struct sought sought = { .place = place, .tree = old };
        int r = search(&sought, err);

        if (r < 0 || sought.pid == 0)
                return r;
        return error_refuse(err,
                            _("%s (pid %ld) in another mount namespace still sees the old tree at %s, so the old tree "
                              "was put back; mount the parent folder there instead, or restart it"),
                            sought.name, sought.pid, place->folder);
}

static int refuse_cover(void *context, const char *path, const char *words, struct error *err)
{
        const struct place *place = context;

        return error_refuse(err,
                            _("%s is exact, but in another mount namespace something else covers it at %s, %s; restart "
                              "that service, and find out who did it"),
                            place->folder, *path ? path : ".", words);
}

int namespaces_check_seen(const struct place *place, struct error *err)
{
        struct sought sought = { .place = place, .tree = &place->found, .users = true };
        int r = place->exists ? search(&sought, err) : 0;

        if (r < 0 || place->staged < 0)
                return r;
        if (sought.pid != 0) /* anybody can call a process nginx: that must not keep us from healing the tree */
                return error_refuse(
                        err,
                        _("%s is exact, but %s (pid %ld) in the mount namespace of an unprivileged user still "
                          "sees the old tree; restart it, or find out what it is"),
                        place->folder, sought.name, sought.pid);
        return elsewhere_mounts(place->staged, refuse_cover, (void *)(uintptr_t)place, err);
}
