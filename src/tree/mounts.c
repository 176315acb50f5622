/* mounts.c - which mounts lie inside a tree, and how to be rid of them without touching what lies behind. */
#include "tree/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"

#define DETACH_ROUNDS 64 /* mounts may be stacked on one point */

/* "36 35 98:0 /root /mount/point options ...": space, tab, newline and backslash are \ooo */
static int parse_field(const char *line, int number, char *text, size_t size)
{
        size_t length = 0;

        for (int field = 0; field < number; field++) {
                line = strchr(line, ' ');
                if (!line)
                        return -EBADMSG;
                line++;
        }
        while (*line && *line != ' ') {
                unsigned char byte = (unsigned char)*line++;

                if (byte == '\\' && line[0] >= '0' && line[0] <= '3' && line[1] >= '0' && line[1] <= '7' &&
                    line[2] >= '0' && line[2] <= '7') {
                        byte = (unsigned char)((line[0] - '0') << 6 | (line[1] - '0') << 3 | (line[2] - '0'));
                        line += 3;
                }
                if (length + 1 >= size)
                        return -EBADMSG;
                text[length++] = (char)byte;
        }
        text[length] = '\0';
        return 0;
}

int mounts_parse_point(const char *line, char *point, size_t size)
{
        return parse_field(line, 4, point, size);
}

int mounts_parse_root(const char *line, char *root, size_t size)
{
        return parse_field(line, 3, root, size);
}

/* The folder's path as the mount table spells it. */
static int folder_path(int folder, char path[static PATH_MAX], struct error *err)
{
        char link[FD_PATH_SIZE];
        ssize_t length;

        fd_path(folder, link);
        length = readlink(link, path, PATH_MAX - 1);
        if (length < 0)
                return error_errno(err, errno, _("cannot find out the path of a folder"));
        path[length] = '\0';
        return 0;
}

static const char *below(const char *point, const char *path)
{
        size_t length = strlen(path);

        return strncmp(point, path, length) == 0 && point[length] == '/' ? point + length + 1 : NULL;
}

int mounts_list(int folder, int (*found)(void *context, const char *line, struct error *err), void *context,
                struct error *err)
{
        char path[PATH_MAX], point[PATH_MAX], *line = NULL;
        size_t size = 0;
        ssize_t length;
        FILE *table;
        int r = folder_path(folder, path, err);

        if (r < 0)
                return r;
        table = fopen("/proc/self/mountinfo", "re");
        if (!table)
                return error_errno(err, errno, _("cannot read the table of mounts; mount /proc"));
        while (r == 0 && (length = getline(&line, &size, table)) > 0) {
                line[length - (line[length - 1] == '\n')] = '\0';
                if (mounts_parse_point(line, point, sizeof(point)) == 0 && below(point, path))
                        r = found(context, line, err);
        }
        free(line);
        fclose(table);
        return r;
}

static int count_one(void *context, const char *line, struct error *err)
{
        (void)line;
        (void)err;
        (*(int *)context)++;
        return 0;
}

int mounts_count(int folder, struct error *err)
{
        int count = 0;
        int r = mounts_list(folder, count_one, &count, err);

        return r < 0 ? r : count;
}

struct detach {
        int folder;
        char path[PATH_MAX];
        bool any;
};

/* By descriptor: a name inside may become a link to another mount between the look and the call. */
static int detach_one(void *context, const char *line, struct error *err)
{
        struct detach *detach = context;
        char point[PATH_MAX], link[FD_PATH_SIZE];
        struct statx inside, folder;
        int fd;

        (void)err;
        if (mounts_parse_point(line, point, sizeof(point)) < 0)
                return 0;
        fd = open_beneath(detach->folder, below(point, detach->path), O_PATH | O_NOFOLLOW, 0, BENEATH_ANY_MOUNT);
        if (fd < 0)
                return 0;
        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &inside) == 0 &&
            statx(detach->folder, "", AT_EMPTY_PATH, STATX_MNT_ID, &folder) == 0 &&
            inside.stx_mnt_id != folder.stx_mnt_id && (inside.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
                fd_path(fd, link);
                if (umount2(link, MNT_DETACH) == 0)
                        detach->any = true;
        }
        close(fd);
        return 0;
}

void mounts_detach(int folder)
{
        struct detach detach = { .folder = folder };

        if (folder_path(folder, detach.path, NULL) < 0)
                return;
        for (int round = 0; round < DETACH_ROUNDS; round++) {
                detach.any = false;
                if (mounts_list(folder, detach_one, &detach, NULL) < 0 || !detach.any)
                        return;
        }
}
