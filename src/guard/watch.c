/* watch.c - marks, a table from file handles to paths, and the reading of events. */
#include "guard/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/fnv1a.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define CONTENT      (FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB)
#define NAMES        (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)
#define ITSELF       (FAN_DELETE_SELF | FAN_MOVE_SELF)
#define READ_BYTES   65536
#define HANDLE_BYTES 64 /* of a handle with its file system's id and type; MAX_HANDLE_SZ is for NFS */
#define BUCKETS      4096

/* What the kernel calls an inode: the file system's id, the handle's type and bytes. Compared as bytes. */
struct key {
        uint8_t length;
        uint8_t bytes[HANDLE_BYTES];
};

enum place_kind { PLACE_FOLDER, PLACE_FILE, PLACE_ABOVE };

struct place_of {
        struct place_of *next;
        struct key key;
        enum place_kind kind;
        unsigned int tree;
        size_t length;
        char path[]; /* relative to the tree; PLACE_ABOVE: the name of the tree's root */
};

struct watch {
        struct watch_options options;
        int group;
        pthread_mutex_t lock; /* of the table: marks are made by the threads that verify */
        struct place_of **buckets;
        size_t bucket_count, count;
        struct buffer path; /* of the event that is told */
        char *bytes;
};

/* ---- the table ---- */

static size_t bucket_of(const struct key *key, size_t count)
{
        uint64_t hash = fnv1a(FNV1A_START, key->bytes, key->length); /* the keys are the kernel's, not an intruder's */

        return (size_t)(hash ^ hash >> 32) & (count - 1);
}

static bool key_set(struct key *key, const void *fsid, int type, const void *bytes, size_t length)
{
        int32_t kind = type;

        if (8 + sizeof(kind) + length > HANDLE_BYTES)
                return false;
        key->length = (uint8_t)(8 + sizeof(kind) + length);
        memcpy(key->bytes, fsid, 8);
        memcpy(&key->bytes[8], &kind, sizeof(kind));
        memcpy(&key->bytes[8 + sizeof(kind)], bytes, length);
        return true;
}

static bool key_equal(const struct key *a, const struct key *b)
{
        return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static struct place_of *find(const struct watch *watch, const struct key *key)
{
        struct place_of *at = watch->buckets[bucket_of(key, watch->bucket_count)];

        while (at && !key_equal(&at->key, key))
                at = at->next;
        return at;
}

static void put(struct watch *watch, struct place_of *added)
{
        struct place_of **bucket = &watch->buckets[bucket_of(&added->key, watch->bucket_count)];

        added->next = *bucket;
        *bucket = added;
}

/* Twice the buckets when there are as many places; without memory the chains grow instead. */
static void grow(struct watch *watch)
{
        size_t old_count = watch->bucket_count;
        struct place_of **old = watch->buckets, **grown = memory_new(2 * old_count, sizeof(struct place_of *));

        if (!grown)
                return;
        watch->buckets = grown;
        watch->bucket_count = 2 * old_count;
        for (size_t i = 0; i < old_count; i++)
                for (struct place_of *at = old[i], *next; at; at = next) {
                        next = at->next;
                        put(watch, at);
                }
        free(old);
}

static int key_of(int fd, struct key *ret_key)
{
        union {
                struct file_handle handle;
                char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
        } u = { .handle.handle_bytes = MAX_HANDLE_SZ };
        struct statfs fs;
        int mount;

        if (fstatfs(fd, &fs) < 0 || name_to_handle_at(fd, "", &u.handle, &mount, AT_EMPTY_PATH) < 0)
                return -errno;
        return key_set(ret_key, &fs.f_fsid, u.handle.handle_type, u.handle.f_handle, u.handle.handle_bytes) ? 0
                                                                                                            : -EOVERFLOW;
}

static int remember(struct watch *watch, enum place_kind kind, unsigned int tree, const char *path, size_t length,
                    int fd)
{
        struct place_of *place, *known;
        struct key key;
        int r = key_of(fd, &key);

        if (r < 0)
                return r;
        place = memory_new(1, sizeof(*place) + length + 1);
        if (!place)
                return -ENOMEM;
        place->key = key;
        place->kind = kind;
        place->tree = tree;
        place->length = length;
        memcpy(place->path, path, length);
        pthread_mutex_lock(&watch->lock);
        known = find(watch, &key);
        while (known && !(key_equal(&known->key, &key) && known->kind == kind && known->tree == tree &&
                          known->length == length && memcmp(known->path, path, length) == 0))
                known = known->next;
        if (known) {
                free(place);
        } else {
                if (watch->count == watch->bucket_count)
                        grow(watch);
                put(watch, place);
                watch->count++;
        }
        pthread_mutex_unlock(&watch->lock);
        return 0;
}

void watch_forget(struct watch *watch, unsigned int tree)
{
        pthread_mutex_lock(&watch->lock);
        for (size_t i = 0; i < watch->bucket_count; i++)
                for (struct place_of **at = &watch->buckets[i]; *at;) {
                        struct place_of *gone = *at;

                        if (gone->tree != tree) {
                                at = &gone->next;
                                continue;
                        }
                        *at = gone->next;
                        watch->count--;
                        free(gone);
                }
        pthread_mutex_unlock(&watch->lock);
}

/* ---- marks ---- */

static int mark(struct watch *watch, int fd, uint64_t mask, const char *path, struct error *err)
{
        char name[32];

        /* By name, for O_PATH descriptors cannot be marked themselves. */
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        if (fanotify_mark(watch->group, FAN_MARK_ADD, mask, AT_FDCWD, name) < 0)
                return error_errno(err, errno, _("cannot watch '%s' in a tree"), path);
        return 0;
}

static int watch_one(struct watch *watch, enum place_kind kind, uint64_t mask, unsigned int tree, const char *path,
                     size_t length, int fd, struct error *err)
{
        int r = remember(watch, kind, tree, path, length, fd);

        if (r < 0)
                return error_errno(err, -r, _("cannot watch '%s' in a tree"), path);
        return mark(watch, fd, mask, path, err);
}

int watch_folder(struct watch *watch, unsigned int tree, const char *path, size_t length, int folder, struct error *err)
{
        return watch_one(watch, PLACE_FOLDER, CONTENT | NAMES | ITSELF | FAN_ONDIR | FAN_EVENT_ON_CHILD, tree, path,
                         length, folder, err);
}

int watch_file(struct watch *watch, unsigned int tree, const char *path, size_t length, int file, struct error *err)
{
        return watch_one(watch, PLACE_FILE, CONTENT, tree, path, length, file, err);
}

int watch_above(struct watch *watch, unsigned int tree, const char *name, int parent, struct error *err)
{
        return watch_one(watch, PLACE_ABOVE, NAMES | FAN_ONDIR, tree, name, strlen(name), parent, err);
}

/* ---- events ---- */

/* The records behind an event, as far as they matter here. */
struct records {
        struct key folder, object;
        bool has_folder, has_object;
        const char *name;
        int pidfd;
};

static void read_handle(const struct fanotify_event_info_fid *fid, size_t length, struct key *key, bool *ret_has,
                        const char **ret_name)
{
        const struct file_handle *handle = (const struct file_handle *)fid->handle;
        size_t room = length - sizeof(*fid);

        if (room < sizeof(*handle) || room - sizeof(*handle) < handle->handle_bytes)
                return;
        *ret_has = key_set(key, &fid->fsid, handle->handle_type, handle->f_handle, handle->handle_bytes);
        if (ret_name && room > sizeof(*handle) + handle->handle_bytes)
                *ret_name = (const char *)handle->f_handle + handle->handle_bytes;
}

/* `bytes` is the whole event, in the kernel's buffer. */
static void read_records(const struct fanotify_event_metadata *event, const char *bytes, struct records *ret)
{
        size_t at = event->metadata_len;

        *ret = (struct records){ .pidfd = -1 };
        while (at + sizeof(struct fanotify_event_info_header) <= event->event_len) {
                const void *record = bytes + at;
                const struct fanotify_event_info_header *head = record;

                if (head->len < sizeof(*head) || head->len > event->event_len - at)
                        return;
                switch (head->info_type) {
                case FAN_EVENT_INFO_TYPE_DFID_NAME:
                        read_handle(record, head->len, &ret->folder, &ret->has_folder, &ret->name);
                        break;
                case FAN_EVENT_INFO_TYPE_DFID:
                        read_handle(record, head->len, &ret->folder, &ret->has_folder, NULL);
                        break;
                case FAN_EVENT_INFO_TYPE_FID:
                        read_handle(record, head->len, &ret->object, &ret->has_object, NULL);
                        break;
                case FAN_EVENT_INFO_TYPE_PIDFD:
                        ret->pidfd = ((const struct fanotify_event_info_pidfd *)record)->pidfd;
                        break;
                }
                at += head->len;
        }
}

/* The path of what an event speaks of; false when it is nothing of ours (the folder above has other entries, too). */
static bool make_path(struct watch *watch, const struct place_of *place, const char *name)
{
        int r = 0;

        buffer_clear(&watch->path);
        if (place->kind == PLACE_ABOVE)
                return name && strlen(name) == place->length && memcmp(name, place->path, place->length) == 0;
        r = buffer_append(&watch->path, place->path, place->length);
        if (r == 0 && place->kind == PLACE_FOLDER && name && strcmp(name, ".") != 0) {
                if (place->length > 0)
                        r = buffer_append_byte(&watch->path, '/');
                if (r == 0)
                        r = buffer_append_text(&watch->path, name);
        }
        return r == 0;
}

/* The nth place with this handle whose path an event speaks of goes into watch->path: a folder can be in one tree and
 * above another. */
static bool nth_place(struct watch *watch, const struct key *key, const char *name, size_t n, unsigned int *ret_tree)
{
        struct place_of *at;

        pthread_mutex_lock(&watch->lock);
        for (at = find(watch, key); at; at = at->next)
                if (key_equal(&at->key, key) && make_path(watch, at, name) && n-- == 0)
                        break;
        if (at)
                *ret_tree = at->tree;
        pthread_mutex_unlock(&watch->lock);
        return at != NULL;
}

/* Without the lock, for whoever is told may watch more. */
static void tell_places(struct watch *watch, const struct key *key, const char *name,
                        const struct fanotify_event_metadata *event, int pidfd)
{
        struct watch_event told = { .content = !(event->mask & (NAMES | ITSELF)),
                                    .attributes = event->mask == FAN_ATTRIB,
                                    .closed = event->mask & FAN_CLOSE_WRITE,
                                    .pid = event->pid,
                                    .pidfd = pidfd };

        for (size_t n = 0; nth_place(watch, key, name, n, &told.tree); n++) {
                told.path = buffer_text(&watch->path);
                told.path_length = watch->path.length;
                watch->options.event(watch->options.context, &told);
        }
}

static void handle(struct watch *watch, const struct fanotify_event_metadata *event, const char *bytes)
{
        struct records records;

        if (event->mask & FAN_Q_OVERFLOW) {
                watch->options.overflow(watch->options.context);
                return;
        }
        read_records(event, bytes, &records);
        if (records.has_folder)
                tell_places(watch, &records.folder, records.name, event, records.pidfd >= 0 ? records.pidfd : -1);
        if (records.has_object)
                tell_places(watch, &records.object, NULL, event, records.pidfd >= 0 ? records.pidfd : -1);
        if (records.pidfd >= 0)
                close(records.pidfd);
}

int watch_read(struct watch *watch, struct error *err)
{
        ssize_t n = read(watch->group, watch->bytes, READ_BYTES);
        struct fanotify_event_metadata event;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n < 0)
                return error_errno(err, errno, _("cannot read what the kernel tells of changed files"));
        /* Events with names behind them begin at any multiple of four, a structure of this kind at multiples of eight. */
        for (size_t at = 0; (size_t)n - at >= sizeof(event); at += event.event_len) {
                memcpy(&event, watch->bytes + at, sizeof(event));
                if (event.event_len < sizeof(event) || event.event_len > (size_t)n - at)
                        break;
                if (event.vers == FANOTIFY_METADATA_VERSION)
                        handle(watch, &event, watch->bytes + at);
        }
        return 0;
}

/* ---- life ---- */

int watch_open(const struct watch_options *options, struct watch **ret_watch, struct error *err)
{
        struct watch *watch = memory_new(1, sizeof(*watch));

        if (!watch)
                return error_memory(err);
        watch->options = *options;
        watch->path = (struct buffer)BUFFER_INIT(PATH_MAX);
        watch->bytes = memory_new(1, READ_BYTES);
        watch->bucket_count = BUCKETS;
        watch->buckets = memory_new(BUCKETS, sizeof(struct place_of *));
        pthread_mutex_init(&watch->lock, NULL);
        watch->group = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_REPORT_FID | FAN_REPORT_PIDFD |
                                             FAN_UNLIMITED_MARKS | FAN_NONBLOCK | FAN_CLOEXEC,
                                     O_RDONLY | O_CLOEXEC);
        if (watch->group < 0 || !watch->bytes || !watch->buckets) {
                int error = errno;

                watch_close(watch);
                return error_errno(err, error,
                                   _("cannot be told of changed files (fanotify); the guard needs root and Linux 5.17 "
                                     "or newer"));
        }
        *ret_watch = watch;
        return 0;
}

void watch_close(struct watch *watch)
{
        if (!watch)
                return;
        fd_close(&watch->group);
        for (size_t i = 0; watch->buckets && i < watch->bucket_count; i++)
                for (struct place_of *at = watch->buckets[i], *next; at; at = next) {
                        next = at->next;
                        free(at);
                }
        free(watch->buckets);
        free(watch->bytes);
        buffer_done(&watch->path);
        pthread_mutex_destroy(&watch->lock);
        free(watch);
}

int watch_fd(const struct watch *watch)
{
        return watch->group;
}
