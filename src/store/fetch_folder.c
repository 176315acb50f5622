/*
 * fetch_folder.c - bytes of a folder repository's files. The helper cannot open anything: it says which file it means,
 * and the caller, who made the path himself, sends a descriptor that can only be read.
 */

#include "fetch.h"

#include <errno.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define READ_SIZE (256U << 10)

struct fetch_folder {
        int fd; /* of the file that was read last: a pack is read in many ranges */
        uint64_t handle;
        char bytes[READ_SIZE];
};

int fetch_folder_new(struct fetch_folder **ret_folder, struct error *err)
{
        struct fetch_folder *folder = memory_new(1, sizeof(*folder));

        if (!folder)
                return error_memory(err);
        folder->fd = -1;
        *ret_folder = folder;
        return 0;
}

static int open_file(struct fetch *fetch, const struct fetch_range *range, struct error *err)
{
        struct fetch_folder *folder = fetch->folder;
        _cleanup_(fd_closep) int fd = -1;
        uint64_t argument;
        size_t length;
        uint8_t verb;

        if (folder->fd >= 0 && folder->handle == range->handle && range->handle != FETCH_HANDLE_PATH)
                return 0;
        fd_close(&folder->fd);
        fetch_send(fetch, FETCH_OPEN, range->handle, NULL, 0);
        fetch_receive(fetch, &verb, &argument, &length, &fd);
        if (verb != FETCH_OPENED)
                _exit(EXIT_FAILURE);
        fetch_send(fetch, FETCH_REQUESTED, 1, NULL, 0);
        if (argument == ENOENT)
                return error_set(err, -ENOENT, _("the repository %s has no file %s"), fetch->options->shown,
                                 range->path);
        if (argument != 0 || fd < 0)
                return error_errno(err, argument ? (int)argument : EBADF, _("cannot read %s/%s"), fetch->options->shown,
                                   range->path);
        folder->fd = fd_steal(&fd);
        folder->handle = range->handle;
        return 0;
}

static int check_size(struct fetch *fetch, const struct fetch_range *range, struct error *err)
{
        off_t size = lseek(fetch->folder->fd, 0, SEEK_END); /* fstat() is not among the system calls that are left */

        if (size < 0)
                return error_errno(err, errno, _("cannot read %s/%s"), fetch->options->shown, range->path);
        if (range->size == FETCH_SIZE_UNKNOWN && (uint64_t)size > range->to)
                return error_set(err, -EFBIG, _("%s/%s has %llu bytes; no more than %llu are allowed there"),
                                 fetch->options->shown, range->path, (unsigned long long)size,
                                 (unsigned long long)range->to);
        if (range->size != FETCH_SIZE_UNKNOWN && (uint64_t)size != range->size)
                return error_set(
                        err, -EBADMSG, _("%s/%s has %llu bytes where the release says %llu; the repository is damaged"),
                        fetch->options->shown, range->path, (unsigned long long)size, (unsigned long long)range->size);
        return 0;
}

int fetch_folder_read(struct fetch *fetch, const struct fetch_range *range, fetch_consume *consume, void *context,
                      uint64_t *ret_position, struct error *err)
{
        struct fetch_folder *folder = fetch->folder;
        uint64_t position = range->from;
        int r;

        r = open_file(fetch, range, err);
        if (r == 0)
                r = check_size(fetch, range, err);
        while (r == 0 && position < range->to) {
                uint64_t left = range->to - position;
                ssize_t n = read_at(folder->fd, folder->bytes, left < READ_SIZE ? left : READ_SIZE, position);

                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read %s/%s"), fetch->options->shown, range->path);
                if (n == 0)
                        break;
                fetch_send(fetch, FETCH_RECEIVED, (uint64_t)n, NULL, 0);
                r = consume(context, position, folder->bytes, (size_t)n, err);
                position += (uint64_t)n;
        }
        if (r < 0)
                return r;
        if (r == 0 && position < range->to && range->size != FETCH_SIZE_UNKNOWN)
                return error_set(err, -EBADMSG, _("%s/%s became shorter while it was read"), fetch->options->shown,
                                 range->path);
        *ret_position = position;
        return 0;
}
