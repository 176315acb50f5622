/* queue.c - the folder of a queue. */
#include "notify/queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/text.h"

#define LOCK_MS          10000
#define COUNTERS_MAXIMUM 65536
#define PROGRESS_MAXIMUM 65536

/* ---- opening ---- */

static int open_folder(int parent, const char *name, struct error *err)
{
        int fd, r = directory_make(parent, name, 0700, err);

        if (r < 0)
                return r;
        fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        return fd < 0 ? error_errno(err, -fd, _("cannot open the folder %s of the alerts"), name) : fd;
}

static int take_lock(struct queue *queue, const char *name, struct error *err)
{
        int r;

        queue->lock = open_beneath(queue->folder, "lock", O_RDWR | O_CREAT, 0600, BENEATH_STRICT);
        if (queue->lock < 0)
                return error_errno(err, -queue->lock, _("cannot lock the queue of alerts"));
        r = lock_wait(queue->lock, LOCK_EX, LOCK_MS);
        if (r == -EBUSY)
                return error_set(err, -EBUSY, _("the queue of alerts '%s' belongs to another process that runs"), name);
        return r < 0 ? error_errno(err, -r, _("cannot lock the queue of alerts")) : 0;
}

/* Names in a folder; `each` gets all but the dotted ones. */
static int walk(int folder, int (*each)(void *context, const char *name), void *context, struct error *err)
{
        int fd = open_beneath(folder, ".", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
        int r = 0;

        if (!names) {
                r = error_errno(err, fd < 0 ? -fd : errno, _("cannot read the queue of alerts"));
                fd_close(&fd);
                return r;
        }
        for (struct dirent *one = readdir(names); one && r >= 0; one = readdir(names)) {
                if (*one->d_name != '.')
                        r = each(context, one->d_name);
                else if (text_ends(one->d_name, ".tmp")) /* of a writer that was killed; we hold the lock */
                        (void)unlinkat(folder, one->d_name, 0);
        }
        closedir(names);
        return r < 0 ? r : 0;
}

static int recover_group(void *context, const char *name)
{
        struct queue *queue = context;
        struct stat st;

        if (message_id_is_good(name) && fstatat(queue->groups, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
                (void)rename_at(queue->groups, name, queue->messages, name, RENAME_NOREPLACE);
        else
                (void)unlinkat(queue->groups, name, 0);
        return 0;
}

static int drop_orphan(void *context, const char *name)
{
        struct queue *queue = context;
        struct stat st;

        if (fstatat(queue->messages, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                (void)unlinkat(queue->progress, name, 0);
        return 0;
}

static int ignore(void *context, const char *name)
{
        (void)context, (void)name;
        return 0;
}

/* What a process that was killed left behind. */
static int recover(struct queue *queue, struct error *err)
{
        int r = walk(queue->groups, recover_group, queue, err);

        if (r == 0)
                r = walk(queue->progress, drop_orphan, queue, err);
        if (r == 0)
                r = walk(queue->messages, ignore, NULL, err);
        if (r == 0)
                r = walk(queue->folder, ignore, NULL, err);
        return r;
}

static int open_parts(struct queue *queue, struct error *err)
{
        const struct {
                const char *name;
                int *fd;
        } parts[] = {
                {"queue",          &queue->messages     },
                { "groups",        &queue->groups       },
                { "progress",      &queue->progress     },
                { "undeliverable", &queue->undeliverable},
        };

        for (size_t i = 0; i < LENGTH(parts); i++) {
                *parts[i].fd = open_folder(queue->folder, parts[i].name, err);
                if (*parts[i].fd < 0)
                        return *parts[i].fd;
        }
        return 0;
}

int queue_open(const char *state_directory, const char *name, struct queue *ret_queue, struct error *err)
{
        struct queue queue = QUEUE_NONE;
        _cleanup_(fd_closep) int state = -1;
        char path[300];
        int r;

        snprintf(path, sizeof(path), "notify/%.200s", name);
        r = directory_make(AT_FDCWD, state_directory, 0700, err);
        if (r < 0)
                return r;
        state = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return error_errno(err, errno, _("cannot open the folder %s"), state_directory);
        queue.folder = open_folder(state, path, err);
        r = queue.folder < 0 ? queue.folder : take_lock(&queue, name, err);
        if (r == 0)
                r = open_parts(&queue, err);
        if (r == 0)
                r = recover(&queue, err);
        if (r < 0) {
                queue_close(&queue);
                return r;
        }
        *ret_queue = queue;
        return 0;
}

void queue_close(struct queue *queue)
{
        fd_close(&queue->messages);
        fd_close(&queue->groups);
        fd_close(&queue->progress);
        fd_close(&queue->undeliverable);
        fd_close(&queue->folder);
        fd_close(&queue->lock);
}

/* ---- posting ---- */

int queue_put(struct queue *queue, const char *id, const void *bytes, size_t length, struct error *err)
{
        int r = file_create(queue->messages, id, bytes, length, 0600, err);

        return r == -EEXIST ? 0 : r; /* put before, by a call that then said otherwise */
}

int queue_group_new(struct queue *queue, const char *id, struct error *err)
{
        int fd = open_beneath(queue->groups, id, O_WRONLY | O_CREAT | O_EXCL, 0600, BENEATH_STRICT);

        return fd < 0 ? error_errno(err, -fd, _("cannot make a file in the queue of alerts")) : fd;
}

int queue_group_release(struct queue *queue, const char *id, struct error *err)
{
        int r = rename_at(queue->groups, id, queue->messages, id, RENAME_NOREPLACE);

        return r < 0 ? error_errno(err, -r, _("cannot put the collected alerts into the queue")) : 0;
}

void queue_group_remove(struct queue *queue, const char *id)
{
        (void)unlinkat(queue->groups, id, 0);
}

/* ---- delivering ---- */

struct listing {
        int (*each)(void *context, const char *id);
        void *context;
};

static int list_one(void *context, const char *name)
{
        const struct listing *listing = context;

        return message_id_is_good(name) ? listing->each(listing->context, name) : 0;
}

int queue_list(struct queue *queue, int (*each)(void *context, const char *id), void *context, struct error *err)
{
        /* No temporary file is removed here: the one who posts may be writing it. */
        int fd = open_beneath(queue->messages, ".", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        const struct listing listing = { each, context };
        DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
        int r = 0;

        if (!names) {
                r = error_errno(err, fd < 0 ? -fd : errno, _("cannot read the queue of alerts"));
                fd_close(&fd);
                return r;
        }
        for (struct dirent *one = readdir(names); one && r >= 0; one = readdir(names))
                r = list_one((void *)(uintptr_t)&listing, one->d_name);
        closedir(names);
        return r < 0 ? r : 0;
}

int queue_read(struct queue *queue, const char *id, struct buffer *out, struct error *err)
{
        return file_read(queue->messages, id, out, err);
}

json_t *queue_progress_read(struct queue *queue, const char *id)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(PROGRESS_MAXIMUM);
        json_t *progress = NULL;

        if (file_read(queue->progress, id, &text, NULL) == 0)
                progress = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(progress))
                return progress;
        json_decref(progress);
        return json_object();
}

static int write_json(int folder, const char *name, const json_t *value, struct error *err)
{
        _cleanup_(memory_freep) char *text = json_dumps(value, JSON_INDENT(1));

        return text ? file_replace(folder, name, text, strlen(text), 0600, err) : error_memory(err);
}

int queue_progress_write(struct queue *queue, const char *id, const json_t *progress, struct error *err)
{
        return write_json(queue->progress, id, progress, err);
}

struct oldest {
        size_t count;
        char name[MESSAGE_ID_SIZE];
};

static int count_one(void *context, const char *name)
{
        struct oldest *oldest = context;

        if (!message_id_is_good(name))
                return 0;
        if (oldest->count++ == 0 || strcmp(name, oldest->name) < 0)
                snprintf(oldest->name, sizeof(oldest->name), "%s", name);
        return 0;
}

size_t queue_count_undeliverable(struct queue *queue)
{
        struct oldest oldest = { .count = 0 };

        (void)walk(queue->undeliverable, count_one, &oldest, NULL);
        return oldest.count;
}

static void keep_few_undeliverable(struct queue *queue)
{
        struct oldest oldest = { .count = 0 };
        char why[MESSAGE_ID_SIZE + 4];

        (void)walk(queue->undeliverable, count_one, &oldest, NULL);
        if (oldest.count <= QUEUE_UNDELIVERABLE)
                return;
        snprintf(why, sizeof(why), "%s.why", oldest.name);
        (void)unlinkat(queue->undeliverable, oldest.name, 0);
        (void)unlinkat(queue->undeliverable, why, 0);
}

int queue_finish(struct queue *queue, const char *id, bool undeliverable, struct error *err)
{
        char why[MESSAGE_ID_SIZE + 4];
        int r;

        snprintf(why, sizeof(why), "%s.why", id);
        if (undeliverable)
                r = rename_at(queue->messages, id, queue->undeliverable, id, 0);
        else
                r = unlinkat(queue->messages, id, 0) < 0 ? -errno : 0;
        if (r < 0 && r != -ENOENT)
                return error_errno(err, -r, _("cannot take the alert %s out of the queue"), id);
        if (!undeliverable)
                (void)unlinkat(queue->progress, id, 0);
        else {
                (void)rename_at(queue->progress, id, queue->undeliverable, why, 0);
                keep_few_undeliverable(queue);
        }
        r = fd_sync(queue->messages);
        return r < 0 ? error_errno(err, -r, _("cannot take the alert %s out of the queue"), id) : 0;
}

static int sync_one(void *context, const char *name)
{
        struct queue *queue = context;
        _cleanup_(fd_closep) int fd = open_beneath(queue->groups, name, O_RDONLY, 0, BENEATH_STRICT);

        if (fd >= 0)
                (void)fdatasync(fd);
        return 0;
}

void queue_sync(struct queue *queue)
{
        (void)walk(queue->groups, sync_one, queue, NULL);
        (void)fd_sync(queue->groups);
        (void)fd_sync(queue->messages);
}

int queue_counters_write(struct queue *queue, const json_t *counters, struct error *err)
{
        return write_json(queue->folder, "counters.json", counters, err);
}

static int load_counters(int folder, const char *path, json_t **ret_counters, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COUNTERS_MAXIMUM);
        json_t *counters;
        int r = file_read(folder, path, &text, err);

        if (r < 0)
                return r;
        counters = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(counters)) {
                json_decref(counters);
                return error_set(err, -EBADMSG, _("%s cannot be read"), path);
        }
        *ret_counters = counters;
        return 0;
}

int queue_counters_load(struct queue *queue, json_t **ret_counters, struct error *err)
{
        return load_counters(queue->folder, "counters.json", ret_counters, err);
}

int queue_counters_read(const char *state_directory, const char *name, json_t **ret_counters, struct error *err)
{
        char path[PATH_MAX];

        if ((size_t)snprintf(path, sizeof(path), "%s/notify/%s/counters.json", state_directory, name) >= sizeof(path))
                return error_errno(err, ENAMETOOLONG, _("cannot open %s"), state_directory);
        return load_counters(AT_FDCWD, path, ret_counters, err);
}
