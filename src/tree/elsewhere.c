/* elsewhere.c - mounts in other namespaces, compared by where they lie in the file system, for paths differ there. */
#include "tree/elsewhere.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/inode.h"
#include "tree/mounts.h"

#define NAMESPACES_MAXIMUM 4096 /* that are told apart; more are looked at as often as they come */
#define MOUNTS_MAXIMUM     100000

/* Longer names are cut by the kernel at 15 bytes; "php-fpm8.2" and the like are matched by their start. */
static const char *const servers[] = { "nginx", "apache2", "httpd", "lighttpd", "caddy", "php-fpm", "php-cgi", NULL };

bool elsewhere_is_server(const char *process, char name[static 32])
{
        char path[300];
        FILE *file;
        bool found = false;

        snprintf(path, sizeof(path), "/proc/%s/comm", process);
        file = fopen(path, "re");
        if (!file)
                return false;
        if (fgets(name, 32, file)) {
                name[strcspn(name, "\n")] = '\0';
                for (size_t i = 0; servers[i] && !found; i++)
                        found = text_starts(name, servers[i]);
        }
        fclose(file);
        return found;
}

/* The number of a process's mount namespace; 0 when it cannot be asked (it ended, or we are not root). */
static ino_t namespace_of(const char *process)
{
        char path[300];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%s/ns/mnt", process);
        return stat(path, &st) < 0 ? 0 : st.st_ino;
}

bool elsewhere_is(const char *process)
{
        ino_t own = namespace_of("self"), other = namespace_of(process);

        return own != 0 && other != 0 && own != other;
}

bool elsewhere_is_roots(const char *process)
{
        char path[300];
        struct stat own, owner;
        int fd, user;
        bool is;

        snprintf(path, sizeof(path), "/proc/%s/ns/mnt", process);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        user = fd < 0 ? -1 : ioctl(fd, NS_GET_USERNS);
        is = user >= 0 && stat("/proc/self/ns/user", &own) == 0 && fstat(user, &owner) == 0 &&
             own.st_ino == owner.st_ino;
        fd_close(&user);
        fd_close(&fd);
        return is;
}

/* ---- one table of mounts ---- */

struct mount {
        unsigned int id, parent, device_major, device_minor;
        char *root;  /* what of its file system is mounted */
        char *point; /* where */
};

struct table {
        struct mount *mounts;
        size_t count, capacity;
};

static void table_done(struct table *table)
{
        for (size_t i = 0; i < table->count; i++) {
                free(table->mounts[i].root);
                free(table->mounts[i].point);
        }
        free(table->mounts);
        *table = (struct table){ 0 };
}

static int table_add(struct table *table, const char *line)
{
        char root[PATH_MAX], point[PATH_MAX];
        struct mount mount = { 0 };

        if (sscanf(line, "%u %u %u:%u", &mount.id, &mount.parent, &mount.device_major, &mount.device_minor) != 4 ||
            mounts_parse_root(line, root, sizeof(root)) < 0 || mounts_parse_point(line, point, sizeof(point)) < 0)
                return 0; /* longer than a path: nothing of ours */
        if (table->count == table->capacity) {
                size_t capacity = table->capacity ? table->capacity * 2 : 64;
                struct mount *mounts = memory_resize(table->mounts, capacity, sizeof(*mounts));

                if (!mounts)
                        return -ENOMEM;
                table->mounts = mounts;
                table->capacity = capacity;
        }
        mount.root = memory_string(root);
        mount.point = memory_string(point);
        table->mounts[table->count++] = mount;
        return mount.root && mount.point ? 0 : -ENOMEM;
}

static int table_read(struct table *table, const char *process)
{
        char path[300], *line = NULL;
        size_t size = 0;
        ssize_t length;
        FILE *file;
        int r = 0;

        snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
        file = fopen(path, "re");
        if (!file)
                return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -errno : 0; /* it has ended */
        while (r == 0 && table->count < MOUNTS_MAXIMUM && (length = getline(&line, &size, file)) > 0)
                r = table_add(table, line);
        free(line);
        fclose(file);
        return r;
}

static const struct mount *table_find(const struct table *table, unsigned int id)
{
        for (size_t i = 0; i < table->count; i++)
                if (table->mounts[i].id == id)
                        return &table->mounts[i];
        return NULL;
}

/* Where a path lies in the file system that is mounted there. 0 or -ENAMETOOLONG. */
static int locate(const struct mount *mount, const char *path, char location[static PATH_MAX])
{
        size_t above = text_equal(mount->point, "/") ? 0 : strlen(mount->point);
        const char *root = text_equal(mount->root, "/") ? "" : mount->root;
        int n = snprintf(location, PATH_MAX, "%s%s", root, path + above);

        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- the tree, and what covers it ---- */

struct search {
        int directory;
        char folder[PATH_MAX];   /* its path here */
        char location[PATH_MAX]; /* in its file system */
        unsigned int device_major, device_minor;
        ino_t seen[NAMESPACES_MAXIMUM];
        size_t seen_count;
        int (*found)(void *context, const char *path, const char *words, struct error *err);
        void *context;
};

static int find_tree(struct search *search, struct error *err)
{
        struct table table = { 0 };
        const struct mount *mount;
        char link[FD_PATH_SIZE];
        struct statx stx;
        ssize_t length;
        int r = inode_stat(search->directory, &stx);

        fd_path(search->directory, link);
        length = readlink(link, search->folder, sizeof(search->folder) - 1);
        if (r < 0 || length < 0)
                return error_errno(err, r < 0 ? -r : errno, _("cannot find out the path of a folder"));
        search->folder[length] = '\0';
        r = table_read(&table, "self");
        mount = r == 0 ? table_find(&table, (unsigned int)stx.stx_mnt_id) : NULL;
        if (mount && strncmp(search->folder, mount->point, strlen(mount->point)) == 0 &&
            locate(mount, search->folder, search->location) == 0) {
                search->device_major = mount->device_major;
                search->device_minor = mount->device_minor;
                r = 1;
        }
        table_done(&table);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the table of mounts"));
        return r; /* 0: it is not to be found there (no /proc, a detached mount) */
}

/* Ours shows it as well, and the walk has told it. */
static bool is_here_too(const struct search *search, const char *path)
{
        struct statx stx;

        return *path && inode_glance_at(search->directory, path, &stx) == 0 &&
               (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Behind a mount on a folder above: what stands there at the same path, for a server that has our root folder. */
static bool is_other_tree(const struct search *search, const char *process)
{
        char path[PATH_MAX + 64];
        struct stat here, there, root, other;

        snprintf(path, sizeof(path), "/proc/%s/root/", process);
        if (stat("/", &root) < 0 || stat(path, &other) < 0 || root.st_ino != other.st_ino ||
            root.st_dev != other.st_dev)
                return false;
        snprintf(path, sizeof(path), "/proc/%s/root%s", process, search->folder);
        return fstat(search->directory, &here) == 0 && stat(path, &there) == 0 &&
               (here.st_ino != there.st_ino || here.st_dev != there.st_dev);
}

static const char *below(const char *path, const char *folder)
{
        size_t length = strlen(folder);

        if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
                return NULL;
        return path + length + (path[length] == '/');
}

static int judge(struct search *search, const struct table *table, const struct mount *mount, const char *process,
                 const char *name, bool is_server, struct error *err)
{
        const struct mount *on = table_find(table, mount->parent);
        char location[PATH_MAX], words[128];
        const char *path;

        if (!on || on->device_major != search->device_major || on->device_minor != search->device_minor ||
            !below(mount->point, text_equal(on->point, "/") ? "" : on->point) || locate(on, mount->point, location) < 0)
                return 0;
        if (mount->device_major == on->device_major && mount->device_minor == on->device_minor &&
            text_equal(mount->root, location))
                return 0; /* over itself */
        path = below(location, search->location);
        if (!path && is_server && below(search->location, location) && is_other_tree(search, process))
                path = "";
        if (!path || is_here_too(search, path))
                return 0;
        snprintf(words, sizeof(words), "mounted for %s (pid %s)", *name ? name : "a process", process);
        return search->found(search->context, path, words, err);
}

/* ---- all namespaces ---- */

static bool is_new(struct search *search, ino_t number)
{
        for (size_t i = 0; i < search->seen_count; i++)
                if (search->seen[i] == number)
                        return false;
        if (search->seen_count < LENGTH(search->seen))
                search->seen[search->seen_count++] = number;
        return true;
}

static int search_process(struct search *search, const char *process, struct error *err)
{
        struct table table = { 0 };
        ino_t number = namespace_of(process);
        char name[32] = "";
        bool is_server;
        int r;

        if (number == 0 || !is_new(search, number))
                return 0;
        is_server = elsewhere_is_server(process, name);
        if (!is_server && !elsewhere_is_roots(process))
                return 0;
        r = table_read(&table, process);
        if (r < 0)
                r = error_errno(err, -r, _("cannot read the table of mounts"));
        for (size_t i = 0; i < table.count && r == 0; i++)
                r = judge(search, &table, &table.mounts[i], process, name, is_server, err);
        table_done(&table);
        return r;
}

/* Servers first: a namespace is looked at once, and whether a server lives there makes a difference. */
static int search_all(struct search *search, bool only_servers, struct error *err)
{
        DIR *processes = opendir("/proc");
        const struct dirent *process;
        char name[32];
        int r = 0;

        while (processes && r == 0 && (process = readdir(processes)))
                if (isdigit((unsigned char)process->d_name[0]) &&
                    (!only_servers || elsewhere_is_server(process->d_name, name)))
                        r = search_process(search, process->d_name, err);
        if (processes)
                closedir(processes);
        return r;
}

int elsewhere_mounts(int directory, int (*found)(void *context, const char *path, const char *words, struct error *err),
                     void *context, struct error *err)
{
        struct search *search = memory_new(1, sizeof(*search));
        int r;

        if (!search)
                return error_memory(err);
        search->directory = directory;
        search->found = found;
        search->context = context;
        is_new(search, namespace_of("self"));
        r = find_tree(search, err);
        if (r > 0) {
                r = search_all(search, true, err);
                if (r == 0)
                        r = search_all(search, false, err);
        }
        free(search);
        return r;
}
