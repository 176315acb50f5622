/*
 * scan.c - what is in an area: a walk beside what the last one found, and pages of it.
 *
 * The index is a text file, sorted as the walk is: a head "understudy-area 2 SCAN ALLOW", then for each name
 * "BUCKET TYPE INODE SIZE MTIME CTIME MODE UID GID SHA256 PATH", BUCKET in two hexadecimal digits, times in nanoseconds,
 * SHA256 "-" where there is none, the path escaped. It saves hashing and nothing else: what cannot be read of it is looked at
 * anew. The bucket comes first because a list is asked for bucket by bucket: of an area of which much is to be carried each
 * line is passed over hundreds of times, and must not be taken apart for that.
 */
#include "carry/area.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "carry/area_parts.h"
#include "manifest/inode.h"
#include "manifest/policy.h"
#include "manifest/walk.h"

#define INDEX        "index"
#define INDEX_NEW    "index.new"
#define INDEX_HEAD   "understudy-area 2 "
#define BUCKET_TEXT  3 /* bytes of a line: two digits, and the space */
#define FLUSH_BYTES  (256U << 10)
#define PAGE_BYTES   (150U << 10) /* of JSON in a page of a list; the answer may be 256 KiB long */
#define SETTLED_NS   INT64_C(2000000000) /* a change so long before a look cannot share its tick with another behind it */
#define DAY_S        (24 * 60 * 60)

/* ---- the index ---- */

struct remembered {
        struct carry_entry entry; /* its path is the line's */
        uint64_t inode;
        int64_t mtime_ns, ctime_ns;
};

struct index_reader {
        FILE *file; /* NULL: there is none */
        char *line;
        size_t room;
        uint64_t scan;
        unsigned int allow;
        struct buffer path;
        struct remembered now;
        bool has; /* `now` is a line that was not asked for yet */
};

static void index_close(struct index_reader *reader)
{
        if (reader->file)
                fclose(reader->file);
        free(reader->line);
        buffer_done(&reader->path);
}

/* The next line, or the next one of that bucket (NULL: of any); false at the end, and where one is cut off. */
static bool next_line(struct index_reader *reader, const char *bucket)
{
        ssize_t length;

        do
                length = reader->file ? getline(&reader->line, &reader->room, reader->file) : -1;
        while (length > BUCKET_TEXT && bucket && memcmp(reader->line, bucket, BUCKET_TEXT) != 0);
        if (length <= BUCKET_TEXT || reader->line[length - 1] != '\n')
                return false;
        reader->line[length - 1] = '\0';
        return true;
}

/* What it says; false at the end, and at the first that is damaged. */
static bool index_next(struct index_reader *reader, const char *bucket)
{
        struct remembered *now = &reader->now;
        char type[16], hex[DIGEST_HEX_SIZE];
        int at = 0;

        reader->has = false;
        if (!next_line(reader, bucket))
                return false;
        *now = (struct remembered){ 0 };
        if (sscanf(reader->line, "%*2x %15s %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %" SCNo32 " %" SCNu32 " %" SCNu32 " %64s %n",
                   type, &now->inode, &now->entry.size, &now->mtime_ns, &now->ctime_ns, &now->entry.mode, &now->entry.uid,
                   &now->entry.gid, hex, &at) != 9 || at == 0)
                return false;
        now->entry.type = text_equal(type, "file") ? CARRY_FILE : text_equal(type, "folder") ? CARRY_FOLDER : CARRY_REFUSED;
        now->entry.time = now->mtime_ns / 1000000000;
        if (now->entry.type == CARRY_FILE && digest_parse(hex, strlen(hex), &now->entry.digest) < 0)
                return false;
        buffer_clear(&reader->path);
        if (text_unescape(&reader->path, reader->line + at, strlen(reader->line + at)) < 0 || !reader->path.length)
                return false;
        now->entry.path = reader->path.data;
        now->entry.path_length = reader->path.length;
        reader->has = true;
        return true;
}

static void index_open(const struct carry_area *area, struct index_reader *reader)
{
        int fd = openat(area->state, INDEX, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        ssize_t length;

        *reader = (struct index_reader){ .path = BUFFER_INIT(ENTRY_PATH_MAXIMUM) };
        reader->file = fd < 0 ? NULL : fdopen(fd, "r");
        if (!reader->file)
                return;
        length = getline(&reader->line, &reader->room, reader->file);
        if (length < 0 || sscanf(reader->line, INDEX_HEAD "%" SCNu64 " %u", &reader->scan, &reader->allow) != 2) {
                fclose(reader->file);
                reader->file = NULL;
        }
}

/* What is remembered of a path; the paths that are asked for grow. */
static const struct remembered *index_find(struct index_reader *reader, const char *path, size_t length)
{
        for (;;) {
                int order;

                if (!reader->has && !index_next(reader, NULL))
                        return NULL;
                order = path_compare(reader->now.entry.path, reader->now.entry.path_length, path, length);
                if (order > 0)
                        return NULL;
                reader->has = false;
                if (order == 0)
                        return &reader->now;
        }
}

/* ---- the look ---- */

struct scan {
        struct carry_area *area;
        struct index_reader old;
        struct buffer out;
        int fd; /* of the new index */
        struct hasher *buckets[CARRY_BUCKETS];
        uint64_t began_ns, files, bytes, refused;
        json_t *refusals;
};

static void scan_done(struct scan *scan)
{
        for (size_t i = 0; i < CARRY_BUCKETS; i++)
                hasher_free(scan->buckets[i]);
        index_close(&scan->old);
        buffer_done(&scan->out);
        fd_close(&scan->fd);
        json_decref(scan->refusals);
}

static int64_t nanoseconds(const struct statx_timestamp *time)
{
        return time->tv_sec * 1000000000 + time->tv_nsec;
}

static int flush_out(struct scan *scan, struct error *err)
{
        int r = write_full(scan->fd, buffer_text(&scan->out), scan->out.length);

        buffer_clear(&scan->out);
        return r < 0 ? error_errno(err, -r, _("cannot write what was found in the mutable area %s"), scan->area->name) : 0;
}

static int write_line(struct scan *scan, const struct remembered *item, struct error *err)
{
        const struct carry_entry *entry = &item->entry;
        char hex[DIGEST_HEX_SIZE] = "-";
        int r;

        if (entry->type == CARRY_FILE)
                digest_hex(&entry->digest, hex);
        r = buffer_printf(&scan->out,
                          "%02x %s %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIo32 " %" PRIu32 " %" PRIu32 " %s ",
                          carry_bucket(entry->path, entry->path_length), carry_type_name(entry->type), item->inode, entry->size,
                          item->mtime_ns, item->ctime_ns, entry->mode, entry->uid, entry->gid, hex);
        if (r == 0)
                r = text_escape(&scan->out, entry->path, entry->path_length);
        if (r == 0)
                r = buffer_append_byte(&scan->out, '\n');
        if (r < 0)
                return error_memory(err);
        return scan->out.length < FLUSH_BYTES ? 0 : flush_out(scan, err);
}

static int count_refusal(struct scan *scan, const struct carry_entry *entry, const char *why, struct error *err)
{
        json_t *path;

        if (scan->refused++ >= CARRY_REFUSALS)
                return 0;
        path = carry_path_json(entry->path, entry->path_length);
        if (!path || json_array_append_new(scan->refusals, json_pack("{s:o, s:s}", "path", path, "why", why)) < 0)
                return error_memory(err);
        return 0;
}

static bool is_unchanged(const struct scan *scan, const struct remembered *old, const struct remembered *now)
{
        return old && old->inode == now->inode && old->entry.size == now->entry.size && old->mtime_ns == now->mtime_ns &&
               old->ctime_ns == now->ctime_ns && old->entry.type == CARRY_FILE && scan->old.allow == scan->area->allow &&
               old->ctime_ns + SETTLED_NS < (int64_t)scan->old.scan;
}

/* Reads a file: its SHA-256, or in *ret_why why its first bytes are not allowed; a negative errno for one that is gone. */
static int read_file(const struct scan *scan, const struct walk_item *item, struct remembered *now, const char **ret_why)
{
        _cleanup_(fd_closep) int fd = openat(walk_folder_fd(item->folder), item->name,
                                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        char head[POLICY_HEAD_SIZE];
        enum breach breach;
        struct statx stx;
        ssize_t n;

        if (fd < 0 || inode_stat(fd, &stx) < 0 || stx.stx_ino != item->stx.stx_ino || !S_ISREG(stx.stx_mode))
                return -ESTALE;
        if (stx.stx_size > CARRY_FILE_MAXIMUM) {
                *ret_why = N_("it is larger than what is carried over");
                return 0;
        }
        n = read_full_at(fd, head, sizeof(head), 0);
        if (n < 0)
                return (int)n;
        breach = policy_check(scan->area->allow, item->name, stx.stx_mode, head, (size_t)n);
        if (breach != BREACH_NONE) {
                *ret_why = breach_english(breach);
                return 0;
        }
        return digest_of_fd(fd, CARRY_FILE_MAXIMUM, &now->entry.digest, &now->entry.size, NULL);
}

/* What the name and the type say already. */
static const char *refuse_by_name(const struct scan *scan, const struct walk_item *item)
{
        const enum breach breach = policy_check(scan->area->allow, item->name, item->stx.stx_mode, NULL, 0);

        if (breach != BREACH_NONE)
                return breach_english(breach);
        if (item->mount)
                return N_("another file system begins there");
        if (!S_ISREG(item->stx.stx_mode) && !S_ISDIR(item->stx.stx_mode))
                return N_("it is neither a folder nor a regular file");
        return NULL;
}

static int add_item(struct scan *scan, const struct walk_item *item, struct error *err)
{
        const struct statx *stx = &item->stx;
        const bool folder = S_ISDIR(stx->stx_mode);
        struct remembered now = { .inode = stx->stx_ino, .mtime_ns = nanoseconds(&stx->stx_mtime),
                                  .ctime_ns = nanoseconds(&stx->stx_ctime) };
        const char *why = refuse_by_name(scan, item);
        const struct remembered *old;
        int r = 0;

        now.entry = (struct carry_entry){ .path = (char *)(uintptr_t)item->path, .path_length = item->path_length,
                                          .type = folder ? CARRY_FOLDER : CARRY_FILE, .mode = stx->stx_mode & (folder ? 03777 : 0777),
                                          .uid = stx->stx_uid, .gid = stx->stx_gid, .size = folder ? 0 : stx->stx_size,
                                          .time = stx->stx_mtime.tv_sec < 0 ? 0 : stx->stx_mtime.tv_sec };
        old = index_find(&scan->old, item->path, item->path_length);
        if (!why && !folder && is_unchanged(scan, old, &now))
                now.entry.digest = old->entry.digest;
        else if (!why && !folder)
                r = read_file(scan, item, &now, &why);
        if (why || r < 0)
                now.entry.type = CARRY_REFUSED; /* what was changed just now, or cannot be read, is not what was deleted */
        scan->files += now.entry.type == CARRY_FILE;
        scan->bytes += now.entry.type == CARRY_FILE ? now.entry.size : 0;
        if (carry_digest_add(scan->buckets[carry_bucket(item->path, item->path_length)], &now.entry) < 0)
                return error_set(err, -EIO, _("cannot take the SHA-256 of a list"));
        r = why ? count_refusal(scan, &now.entry, why, err) : 0;
        return r < 0 ? r : write_line(scan, &now, err);
}

/* What an interrupted carrying left: its content is elsewhere, too. */
static bool drop_temporary(const struct walk_item *item)
{
        return item->folder && S_ISREG(item->stx.stx_mode) && carry_is_temporary(item->name) &&
               unlinkat(walk_folder_fd(item->folder), item->name, 0) == 0;
}

/* What is below it would seem to be deleted. */
static int cannot_look(const struct scan *scan, const struct walk_item *item, int code, struct error *err)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(CARRY_NAME_MAXIMUM);

        if (text_escape(&path, item->path, item->path_length) < 0)
                return error_memory(err);
        return error_errno(err, -code, _("cannot look at %.200s in the mutable area %s"), buffer_text(&path), scan->area->name);
}

static int walk_area(struct scan *scan, struct error *err)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        int r = walk_new(scan->area->folder, 0, &walk, err);

        while (r == 0 && walk_next(walk, &item)) {
                const bool root = item->path_length == 0;

                if (item->error == -ENOENT || (item->error == 0 && drop_temporary(item)))
                        continue;
                r = item->error;
                if (r == 0 && !root)
                        r = add_item(scan, item, err);
                if (r == 0 && S_ISDIR(item->stx.stx_mode) && (root || !refuse_by_name(scan, item)))
                        r = walk_enter(walk);
                if (r < 0 && r != -ENOENT)
                        return err && err->code ? r : cannot_look(scan, item, r, err);
                r = 0;
        }
        return r;
}

/* ---- around it ---- */

/* Parts of files that nobody went on with. */
static void drop_incoming(const struct carry_area *area)
{
        _cleanup_(fd_closep) int folder = carry_folder(area, "incoming", NULL);
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        if (folder < 0 || walk_new(folder, WALK_UNSORTED, &walk, NULL) < 0)
                return;
        while (walk_next(walk, &item)) {
                if (item->error == 0 && item->folder && item->stx.stx_mtime.tv_sec + DAY_S < now.tv_sec)
                        (void)unlinkat(folder, item->name, 0);
                if (!item->folder)
                        (void)walk_enter(walk);
        }
}

static int begin(struct scan *scan, struct error *err)
{
        struct timespec now;
        int r = 0;

        clock_gettime(CLOCK_REALTIME, &now);
        scan->began_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        index_open(scan->area, &scan->old);
        for (size_t i = 0; i < CARRY_BUCKETS && r == 0; i++)
                r = hasher_new(&scan->buckets[i], err);
        for (size_t i = 0; i < CARRY_BUCKETS && r == 0; i++)
                if (hasher_begin(scan->buckets[i]) < 0)
                        r = error_set(err, -EIO, _("cannot take the SHA-256 of a list"));
        if (r < 0)
                return r;
        scan->refusals = json_array();
        scan->fd = openat(scan->area->state, INDEX_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (scan->fd < 0)
                return error_errno(err, errno, _("cannot write what was found in the mutable area %s"), scan->area->name);
        if (!scan->refusals || buffer_printf(&scan->out, INDEX_HEAD "%" PRIu64 " %u\n", scan->began_ns, scan->area->allow) < 0)
                return error_memory(err);
        return 0;
}

static int end(struct scan *scan, json_t *result, struct error *err)
{
        json_t *buckets = json_array();
        int r = flush_out(scan, err);

        if (r == 0 && (r = rename_at(scan->area->state, INDEX_NEW, scan->area->state, INDEX, 0)) < 0)
                error_errno(err, -r, _("cannot write what was found in the mutable area %s"), scan->area->name);
        for (size_t i = 0; i < CARRY_BUCKETS && r == 0; i++) {
                char hex[DIGEST_HEX_SIZE];
                struct digest digest;

                if (hasher_end(scan->buckets[i], &digest) < 0)
                        r = error_set(err, -EIO, _("cannot take the SHA-256 of a list"));
                digest_hex(&digest, hex);
                json_array_append_new(buckets, json_string(hex));
        }
        if (r < 0) {
                json_decref(buckets);
                return r;
        }
        json_object_set_new(result, "buckets", buckets);
        json_object_set_new(result, "scan", json_integer((json_int_t)scan->began_ns));
        json_object_set_new(result, "files", json_integer((json_int_t)scan->files));
        json_object_set_new(result, "bytes", json_integer((json_int_t)scan->bytes));
        json_object_set_new(result, "refused", json_integer((json_int_t)scan->refused));
        return json_object_set(result, "refusals", scan->refusals) < 0 ? error_memory(err) : 0;
}

int carry_scan(struct carry_area *area, json_t *result, struct error *err)
{
        _cleanup_(scan_done) struct scan scan = { .area = area, .fd = -1, .out = BUFFER_INIT(2 * FLUSH_BYTES) };
        int r = carry_area_lock(area, err);

        if (r == 0) {
                carry_hold_drop(area); /* of a batch that was cut off */
                r = begin(&scan, err);
        }
        if (r < 0)
                return r;
        drop_incoming(area);
        carry_prune(area);
        r = walk_area(&scan, err);
        return r < 0 ? r : end(&scan, result, err);
}

/* ---- pages ---- */

static int add_page_entry(json_t *entries, const struct carry_entry *entry, size_t *bytes, struct error *err)
{
        json_t *json = carry_entry_json(entry);

        if (!json || json_array_append_new(entries, json) < 0)
                return error_memory(err);
        /* A backslash is two characters in JSON. */
        *bytes += 200 + 2 * json_string_length(json_object_get(json, "path"));
        return 0;
}

int carry_list(const struct carry_area *area, uint64_t scan, unsigned int bucket, const char *after, json_t *result,
               struct error *err)
{
        _cleanup_(index_close) struct index_reader reader;
        _cleanup_(memory_freep) char *path = NULL;
        char wanted[BUCKET_TEXT + 1];
        json_t *entries = json_array();
        size_t length = 0, bytes = 0;
        bool more = false;
        int r = 0;

        snprintf(wanted, sizeof(wanted), "%02x ", bucket & 0xff);
        index_open(area, &reader);
        if (*after)
                r = carry_path_parse(after, &path, &length, err);
        if (r == 0 && reader.scan != scan)
                r = error_set(err, -ESTALE, _("the mutable area %s was looked through again meanwhile"), area->name);
        while (r == 0 && !more && index_next(&reader, wanted)) {
                const struct carry_entry *entry = &reader.now.entry;

                if (path && path_compare(entry->path, entry->path_length, path, length) <= 0)
                        continue;
                more = bytes > PAGE_BYTES;
                if (!more)
                        r = add_page_entry(entries, entry, &bytes, err);
        }
        if (r < 0) {
                json_decref(entries);
                return r;
        }
        json_object_set_new(result, "entries", entries);
        return json_object_set_new(result, "more", json_boolean(more)) < 0 ? error_memory(err) : 0;
}
