/*
 * io.h - file descriptors: opening below a directory, whole reads and writes, and the one way to write a file safely.
 *
 * A path is never used twice: a directory is opened once and everything below it goes through its descriptor, with
 * O_NOFOLLOW and openat2(2)'s RESOLVE flags, because the trees that are worked on may belong to an intruder.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "attributes.h"
#include "buffer.h"
#include "error.h"

/* For `_cleanup_(fd_closep) int fd = -1;` - keeps errno. */
void fd_closep(int *fd);

/* Closes and sets to -1; keeps errno. */
void fd_close(int *fd);

/* Takes the descriptor out of a variable that would close it. */
static inline int fd_steal(int *fd)
{
        int taken = *fd;

        *fd = -1;
        return taken;
}

/* For `_cleanup_(dir_closep) DIR *names = NULL;` */
static inline void dir_closep(DIR **directory)
{
        if (*directory)
                closedir(*directory);
}

/* How far a lookup below a directory may go. */
enum beneath {
        BENEATH_STRICT,   /* no symbolic link anywhere, no mount crossed, never above the directory */
        BENEATH_ANY_MOUNT /* the same, but mounts may be crossed */
};

/*
 * openat2(2) below a directory. `path` is relative and has no "..". O_CLOEXEC is always added.
 * Returns the descriptor or a negative errno without words: -ELOOP a symbolic link, -EXDEV a mount or an escape,
 * -ENOENT; -EAGAIN (with O_NONBLOCK, which an intruder's file asks for) somebody keeps a write lease on the file.
 */
int open_beneath(int directory, const char *path, int flags, mode_t mode, enum beneath how);

/* Waits until poll(2) tells one of `events` of a descriptor. `deadline_ms` is one of clock_monotonic_ms(), 0: none. 0,
 * -ETIMEDOUT or another negative errno, all without words. */
int fd_wait(int fd, short events, int64_t deadline_ms);

/* Reads until `length` bytes or the end of the file. Returns the bytes read or a negative errno. */
ssize_t read_full(int fd, void *bytes, size_t length);

/* One pread(2) with a fault point, again when a signal came: bytes read, 0 at the end, or a negative errno. The
 * descriptor's own offset is left alone. */
ssize_t read_at(int fd, void *bytes, size_t length, uint64_t offset);

/* Reads from an offset until `length` bytes or the end of the file. Returns the bytes read or a negative errno. */
ssize_t read_full_at(int fd, void *bytes, size_t length, uint64_t offset);

/* Writes everything; 0 or a negative errno. */
int write_full(int fd, const void *bytes, size_t length);

/* Appends all that fd still holds to the buffer; -E2BIG when it is more than the buffer's maximum. */
int read_to_end(int fd, struct buffer *buffer);

/* Reads a regular file below a directory (AT_FDCWD allowed; a symbolic link as the last part is not followed). -ENOENT
 * is told apart by callers. */
int file_read(int directory, const char *path, struct buffer *buffer, struct error *err);

/*
 * Replaces a file so that after a crash at any point either the old or the new content is there, whole: writes a
 * temporary file beside it (".NAME.XXXX.tmp"), fsyncs, renames, fsyncs the folder. `path` may contain folders below
 * `directory`.
 */
int file_replace(int directory, const char *path, const void *bytes, size_t length, mode_t mode, struct error *err);

/* Whether a name leads to a device, a pipe or a socket ("/dev/stdout", a FIFO): what is asked to be written there is meant
 * to go into it. file_replace() would put a file in its place. */
bool path_is_stream(const char *path);

/* As file_replace(), with the mode and owner that `like` (of the file that is replaced) has: for files of other programs. */
int file_replace_like(int directory, const char *path, const void *bytes, size_t length, const struct stat *like,
                      struct error *err);

/* As file_replace(), but fails with -EEXIST when the name exists. */
int file_create(int directory, const char *path, const void *bytes, size_t length, mode_t mode, struct error *err);

/* fsync of a descriptor (file or folder) with a fault point; words are the caller's. */
int fd_sync(int fd);

/* renameat2(2) with a fault point; flags are RENAME_NOREPLACE, RENAME_EXCHANGE or 0. Returns 0 or a negative errno. */
int rename_at(int from_directory, const char *from, int to_directory, const char *to, unsigned int flags);

/* Makes a folder with all parents below `directory`; each new one gets `mode`. Existing folders are fine. */
int directory_make(int directory, const char *path, mode_t mode, struct error *err);

/*
 * Removes everything below and including NAME in `directory`, without following a link and without ever crossing a
 * mount; clears immutable and append-only flags on the way. -EXDEV when a mount stands in the way (what lies behind it
 * is untouched), -ENOENT is success. The depth is bounded only by the tree: no recursion.
 */
int tree_remove(int directory, const char *name, struct error *err);

/* Where an open folder is, without any link in it; 0 or a negative errno without words. */
int fd_real_path(int fd, char path[static PATH_MAX]);

/* The text "/proc/self/fd/N", for calls that only take a path. */
#define FD_PATH_SIZE 32
void fd_path(int fd, char path[static FD_PATH_SIZE]);

#endif
