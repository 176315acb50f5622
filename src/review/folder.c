/*
 * folder.c - the names in a folder, sorted.
 */
#include "review/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

void names_done(struct names *names)
{
        for (size_t i = 0; i < names->count; i++)
                free(names->list[i]);
        free(names->list);
}

static int add_name(struct names *names, const char *name)
{
        if (names->count == names->capacity) {
                size_t capacity = names->capacity ? 2 * names->capacity : 64;
                char **list = memory_resize(names->list, capacity, sizeof(*list));

                if (!list)
                        return -ENOMEM;
                names->list = list;
                names->capacity = capacity;
        }
        names->list[names->count] = memory_string(name);
        return names->list[names->count] ? (names->count++, 0) : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int names_read(int directory, struct names *names)
{
        _cleanup_(fd_closep) int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(dir_closep) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!dir)
                return -errno;
        fd = -1;
        while ((errno = 0, entry = readdir(dir))) {
                if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, ".."))
                        continue;
                if (add_name(names, entry->d_name) < 0)
                        return -ENOMEM;
        }
        if (errno)
                return -errno;
        if (names->count > 1)
                qsort(names->list, names->count, sizeof(*names->list), compare_names);
        return 0;
}
