/* draft.c - files that take another one's place (draft.h, and file_replace() of io.h). */
#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "i18n.h"
#include "io.h"
#include "memory.h"

/* What is to be written, and what the file is to be like. */
struct content {
        const void *bytes;
        size_t length;
        mode_t mode;
        const struct stat *owner; /* NULL: ours */
};

struct draft {
        int folder;
        char *path, *temporary, *bytes;
        const char *name; /* the last part of the path as it was given */
        struct stat owner;
        struct content content;
        pthread_t thread;
        bool threaded, written;
        struct error error; /* of the writing */
};

/* Opens the folder that holds `path` and points *ret_name at the last part of it. */
static int open_parent(int directory, const char *path, const char **ret_name, struct error *err)
{
        const char *slash = strrchr(path, '/');
        _cleanup_(memory_freep) char *parent = NULL;
        int fd;

        if (!slash)
                parent = memory_string(".");
        else
                parent = memory_copy(path, slash == path ? 1 : (size_t)(slash - path));
        if (!parent)
                return error_memory(err);
        fd = fault_point(FAULT_OPEN) ? -1 : openat(directory, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open the folder %s"), parent);
        *ret_name = slash ? slash + 1 : path;
        return fd;
}

/* ".NAME.XXXX.tmp" */
static int temporary_name(const char *name, char **ret_temporary, struct error *err)
{
        const size_t size = strlen(name) + 32;
        uint64_t salt = 0;

        if (getrandom(&salt, sizeof(salt), 0) < 0)
                return error_errno(err, errno, _("cannot get random bytes from the system"));
        *ret_temporary = memory_new(size, 1);
        if (!*ret_temporary)
                return error_memory(err);
        snprintf(*ret_temporary, size, ".%s.%016llx.tmp", name, (unsigned long long)salt);
        return 0;
}

static int write_temporary(int folder, const char *name, const struct content *content, const char *shown,
                           struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        int r;

        fd = fault_point(FAULT_OPEN) ? -1
                                     : openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, _("cannot write %s"), shown);
        r = write_full(fd, content->bytes, content->length);
        /* The owner first: changing it would clear set-user-ID. */
        if (r == 0 && content->owner && fchown(fd, content->owner->st_uid, content->owner->st_gid) < 0)
                r = -errno;
        if (r == 0 && fchmod(fd, content->mode) < 0)
                r = -errno;
        if (r == 0)
                r = fd_sync(fd);
        if (r < 0) {
                unlinkat(folder, name, 0);
                return error_errno(err, -r, _("cannot write %s; the file that was there is unchanged"), shown);
        }
        return 0;
}

static int put(int folder, const char *temporary, const char *name, const char *shown, unsigned int flags, struct error *err)
{
        int r = rename_at(folder, temporary, folder, name, flags);

        if (r == 0)
                return 0;
        unlinkat(folder, temporary, 0);
        return error_errno(err, -r, _("cannot put %s in its place"), shown);
}

static int file_put(int directory, const char *path, const struct content *content, unsigned int flags,
                    struct error *err)
{
        _cleanup_(fd_closep) int folder = -1;
        _cleanup_(memory_freep) char *temporary = NULL;
        const char *name = NULL;
        int r;

        folder = open_parent(directory, path, &name, err);
        if (folder < 0)
                return folder;
        r = temporary_name(name, &temporary, err);
        if (r == 0)
                r = write_temporary(folder, temporary, content, path, err);
        if (r == 0)
                r = put(folder, temporary, name, path, flags, err);
        if (r < 0)
                return r;
        r = fd_sync(folder);
        if (r < 0) {
                /* What is said to have failed is not there: the caller can try again. A replaced file cannot come back.
                 */
                if (flags & RENAME_NOREPLACE)
                        unlinkat(folder, name, 0);
                return error_errno(err, -r, _("cannot make sure that %s survives a crash"), path);
        }
        return 0;
}

int file_replace(int directory, const char *path, const void *bytes, size_t length, mode_t mode, struct error *err)
{
        return file_put(directory, path, &(struct content){ bytes, length, mode, NULL }, 0, err);
}

int file_replace_like(int directory, const char *path, const void *bytes, size_t length, const struct stat *like,
                      struct error *err)
{
        return file_put(directory, path, &(struct content){ bytes, length, like->st_mode & 07777, like }, 0, err);
}

int file_create(int directory, const char *path, const void *bytes, size_t length, mode_t mode, struct error *err)
{
        return file_put(directory, path, &(struct content){ bytes, length, mode, NULL }, RENAME_NOREPLACE, err);
}

/* ---- in two halves ---- */

static void *write_draft(void *context)
{
        struct draft *draft = context;

        draft->written = write_temporary(draft->folder, draft->temporary, &draft->content, draft->path, &draft->error) == 0;
        return NULL;
}

int draft_begin(int directory, const char *path, const void *bytes, size_t length, mode_t mode, const struct stat *like,
                struct draft **ret_draft, struct error *err)
{
        _cleanup_(draft_freep) struct draft *draft = memory_new(1, sizeof(*draft));
        int r;

        if (!draft)
                return error_memory(err);
        draft->folder = -1;
        draft->path = memory_string(path);
        draft->bytes = memory_copy(bytes, length);
        if (!draft->path || !draft->bytes)
                return error_memory(err);
        draft->folder = open_parent(directory, draft->path, &draft->name, err);
        if (draft->folder < 0)
                return draft->folder;
        r = temporary_name(draft->name, &draft->temporary, err);
        if (r < 0)
                return r;
        draft->content = (struct content){ draft->bytes, length, mode, NULL };
        if (like) {
                draft->owner = *like;
                draft->content.mode = like->st_mode & 07777;
                draft->content.owner = &draft->owner;
        }
        draft->threaded = pthread_create(&draft->thread, NULL, write_draft, draft) == 0;
        if (!draft->threaded)
                write_draft(draft);
        *ret_draft = draft;
        draft = NULL;
        return 0;
}

static void wait_for(struct draft *draft)
{
        if (draft->threaded)
                pthread_join(draft->thread, NULL);
        draft->threaded = false;
}

/* The folders whose names are not known to be on the disk: the last one, by a thread. */
static struct {
        pthread_t thread;
        bool threaded;
        int folder;
        int result; /* the first failure, until it was told: no later fsync makes it good */
} unsettled = { .folder = -1 };

static void *sync_folder(void *context _unused_)
{
        int r = fd_sync(unsettled.folder);

        if (unsettled.result == 0)
                unsettled.result = r;
        return NULL;
}

static void wait_for_folder(void)
{
        if (unsettled.threaded)
                pthread_join(unsettled.thread, NULL);
        unsettled.threaded = false;
        fd_close(&unsettled.folder);
}

int draft_settle(struct error *err)
{
        int r;

        wait_for_folder();
        r = unsettled.result;
        unsettled.result = 0;
        return r < 0 ? error_errno(err, -r, _("cannot make sure that a file survives a crash")) : 0;
}

int draft_put(struct draft *draft, struct error *err)
{
        int r;

        wait_for(draft);
        if (!draft->written) {
                if (err)
                        *err = draft->error;
                return draft->error.code;
        }
        draft->written = false;
        wait_for_folder();
        r = put(draft->folder, draft->temporary, draft->name, draft->path, 0, err);
        if (r < 0)
                return r;
        unsettled.folder = draft->folder;
        draft->folder = -1;
        unsettled.threaded = pthread_create(&unsettled.thread, NULL, sync_folder, NULL) == 0;
        if (!unsettled.threaded)
                sync_folder(NULL);
        return 0;
}

void draft_free(struct draft *draft)
{
        if (!draft)
                return;
        wait_for(draft);
        if (draft->written)
                unlinkat(draft->folder, draft->temporary, 0);
        fd_close(&draft->folder);
        free(draft->temporary);
        free(draft->bytes);
        free(draft->path);
        free(draft);
}

void draft_freep(struct draft **draft)
{
        draft_free(*draft);
}
