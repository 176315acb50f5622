/* quarantine.c - one rename into a folder that is root's own. */
#include "guard/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"

/* Whoever owns the folder above could have put one of his own there. */
static int open_own(int above, const char *name)
{
        struct stat st;
        int fd;

        if (mkdirat(above, name, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = open_beneath(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & 077) {
                fd_close(&fd);
                return -EPERM;
        }
        return fd;
}

/* Named by the second and a count; a guard that was started again may meet a name of its own second. */
static int move(int parent, const char *name, int to)
{
        static unsigned int count;
        int r;

        do {
                char other[64];

                snprintf(other, sizeof(other), "%" PRId64 ".%u", clock_now(), ++count);
                r = rename_at(parent, name, to, other, RENAME_NOREPLACE);
        } while (r == -EEXIST);
        return r;
}

int quarantine_take(const char *area, int parent, const char *name, struct error *err)
{
        const char *slash = strrchr(area, '/');
        _cleanup_(fd_closep) int above = -1, own = -1;
        char folder[PATH_MAX], own_name[NAME_MAX + 1];
        int r;

        snprintf(folder, sizeof(folder), "%.*s", slash > area ? (int)(slash - area) : 1, area);
        if ((size_t)snprintf(own_name, sizeof(own_name), ".understudy-found.%s", slash + 1) >= sizeof(own_name))
                return error_errno(err, ENAMETOOLONG, _("cannot move '%s' out of a mutable area"), name);
        above = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own = above < 0 ? -errno : open_own(above, own_name);
        r = own < 0 ? own : move(parent, name, own);
        if (own < 0)
                own = -1;
        return r < 0 ? error_errno(err, -r, _("cannot move '%s' out of a mutable area"), name) : 0;
}
