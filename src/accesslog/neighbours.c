/* neighbours.c - names of rotated files, and a view of a folder that stood still. */
#include "neighbours.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define NEIGHBOURS_MAXIMUM 4096

/* Where listings never agree, inode numbers are made up anew each time (CIFS without serverino): the last view counts.
 */
#define VIEWS_MAXIMUM 32

/* ---------------------------------------------------------------- names */

static const char *base_of(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/*
 * Names that logrotate, newsyslog, cronolog and the like give: access.log.1, access.log-20261126, access-20261126.log,
 * access.1.log, each perhaps packed. Between the log's name, its ending and that of the packer stand digits alone:
 * access-api.log is another log.
 */
static bool is_rotated_name(const char *name, const char *base)
{
        static const char *const packers[] = { ".gz", ".zst", ".bz2", ".xz" };
        const char *dot = strrchr(base, '.');
        size_t stem = dot && dot != base ? (size_t)(dot - base) : strlen(base), length = strlen(name);
        bool digits = false;

        if (text_equal(name, base))
                return false;
        for (size_t i = 0; i < LENGTH(packers); i++)
                if (text_ends(name, packers[i]))
                        length -= strlen(packers[i]);
        if (text_starts(name, base)) {
                name += strlen(base);
                length -= strlen(base) < length ? strlen(base) : length;
        } else if (strncmp(name, base, stem) == 0 && dot && length > stem + strlen(dot) &&
                   strncmp(name + length - strlen(dot), dot, strlen(dot)) == 0) {
                name += stem;
                length -= stem + strlen(dot);
        } else {
                return false;
        }
        for (size_t i = 0; i < length; i++) {
                bool digit = name[i] >= '0' && name[i] <= '9';

                if (!digit && !strchr(".-_:T", name[i]))
                        return false;
                digits |= digit;
        }
        return digits;
}

/* ---------------------------------------------------------------- one view */

/* "INODE PATH" and a NUL for each. */
static int list_folder(const char *path, struct buffer *list, struct error *err)
{
        const char *base = base_of(path);
        int folder_length = (int)(base - path);
        _cleanup_(memory_freep) char *folder =
                folder_length ? memory_copy(path, (size_t)folder_length) : memory_string(".");
        DIR *directory = folder ? opendir(folder) : NULL;
        const struct dirent *entry;
        int r = 0;

        if (!folder)
                return error_memory(err);
        if (!directory)
                return 0; /* nobody can be found there; the log itself says what is wrong */
        for (int i = 0; r == 0 && i < NEIGHBOURS_MAXIMUM && (entry = readdir(directory));) {
                if (!is_rotated_name(entry->d_name, base))
                        continue;
                i++;
                r = buffer_printf(list, "%ju %.*s%s", (uintmax_t)entry->d_ino, folder_length, path, entry->d_name);
                if (r == 0)
                        r = buffer_append_byte(list, '\0');
        }
        closedir(directory);
        return r < 0 ? error_memory(err) : 0;
}

static int list_folders(const char *path, struct buffer *list, struct error *err)
{
        char target[PATH_MAX];
        int r;

        buffer_clear(list);
        r = list_folder(path, list, err);
        if (r < 0 || !realpath(path, target) || text_equal(base_of(target), base_of(path)))
                return r;
        return list_folder(target, list, err);
}

static int visit_listed(const struct buffer *list, neighbours_visit_function *visit, void *context, struct error *err)
{
        const char *end = buffer_text(list) + list->length;
        int r = 0;

        for (const char *entry = buffer_text(list); r == 0 && entry < end; entry += strlen(entry) + 1) {
                const char *path = strchr(entry, ' ') + 1;
                _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
                struct stat status;

                if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
                        r = visit(context, path, fd, &status, err);
        }
        return r;
}

int neighbours_visit(const char *path, neighbours_begin_function *begin, neighbours_visit_function *visit,
                     void *context, struct error *err)
{
        _cleanup_(buffer_done) struct buffer before = BUFFER_INIT((size_t)NEIGHBOURS_MAXIMUM * PATH_MAX);
        _cleanup_(buffer_done) struct buffer after = BUFFER_INIT((size_t)NEIGHBOURS_MAXIMUM * PATH_MAX);
        bool still = false;
        int r = 0;

        for (int views = 0; r == 0 && !still && views < VIEWS_MAXIMUM; views++) {
                begin(context);
                r = list_folders(path, &before, err);
                if (r == 0)
                        r = visit_listed(&before, visit, context, err);
                if (r == 0)
                        r = list_folders(path, &after, err);
                still = before.length == after.length &&
                        memcmp(buffer_text(&before), buffer_text(&after), before.length) == 0;
        }
        return r;
}
