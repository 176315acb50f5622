/* state.c - what a server remembers about a DEST: dest.json, its lock, and the numbers it has accepted. */
#include "tree/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"

#define DEST_FORMAT     "understudy-dest-1"
#define ACCEPTED_FORMAT "understudy-accepted-1"
#define DEST_MAXIMUM    (512U << 10) /* bytes of dest.json: 2 x 16 folders of PATH_MAX, escaped */

const char *state_directory(const char *given)
{
        const char *environment = getenv("UNDERSTUDY_STATE");

        if (given)
                return given;
        return environment && *environment ? environment : "/var/lib/understudy";
}

/* Appends the components of `path` that are more than "." to the absolute path. */
static int append_components(const char *path, struct buffer *absolute)
{
        int r = 0;

        while (*path && r == 0) {
                size_t length = strcspn(path, "/");

                if (length > 0 && !(length == 1 && path[0] == '.')) {
                        r = buffer_append_byte(absolute, '/');
                        if (r == 0)
                                r = buffer_append(absolute, path, length);
                }
                path += length;
                path += strspn(path, "/");
        }
        return r;
}

static bool has_dot_dot(const char *path)
{
        for (;;) {
                size_t length = strcspn(path, "/");

                if (length == 2 && path[0] == '.' && path[1] == '.')
                        return true;
                if (path[length] == '\0')
                        return false;
                path += length + 1;
        }
}

/* ".." means the folder above only after the links before it are followed: the folder that holds the last part is
 * resolved, the last part itself never. */
static int resolve_parent(struct buffer *absolute, const char *shown, struct error *err)
{
        _cleanup_(memory_freep) char *copy = memory_string(buffer_text(absolute));
        _cleanup_(memory_freep) char *resolved = NULL;
        char *name;

        if (!copy)
                return error_memory(err);
        name = strrchr(copy, '/');
        *name++ = '\0';
        if (text_equal(name, ".."))
                return error_usage(err, _("%s ends with \"..\"; name the folder itself"), shown);
        resolved = realpath(*copy ? copy : "/", NULL);
        if (!resolved)
                return error_errno(err, errno, _("cannot find the folder above %s"), shown);
        buffer_clear(absolute);
        if (append_components(resolved, absolute) < 0 || append_components(name, absolute) < 0)
                return error_usage(err, _("the path %s is too long"), shown);
        return 0;
}

int state_absolute(const char *path, char absolute[static PATH_MAX], struct error *err)
{
        _cleanup_(buffer_done) struct buffer made = BUFFER_INIT(PATH_MAX - 1);
        int r;

        if (*path == '\0')
                return error_usage(err, _("an empty path names no folder"));
        if (*path != '/') {
                char here[PATH_MAX];

                if (!getcwd(here, sizeof(here)))
                        return error_errno(err, errno, _("cannot find out the current folder"));
                r = append_components(here, &made);
                if (r < 0)
                        return error_usage(err, _("the path %s is too long"), path);
        }
        r = append_components(path, &made);
        if (r < 0)
                return error_usage(err, _("the path %s is too long"), path);
        if (has_dot_dot(buffer_text(&made))) {
                r = resolve_parent(&made, path, err);
                if (r < 0)
                        return r;
        }
        if (made.length == 0)
                return error_usage(err,
                                   _("%s is the root of the file system, which cannot be exchanged; name a "
                                     "folder below it"),
                                   path);
        memcpy(absolute, made.data, made.length + 1);
        return 0;
}

/* STATE/dest/X: X is a digest, so that any path makes a plain name. */
static int dest_folder_name(const char *dest, char name[static DIGEST_HEX_SIZE], struct error *err)
{
        struct digest digest;
        int r = digest_of_bytes(dest, strlen(dest), &digest, err);

        if (r == 0)
                digest_hex(&digest, name);
        return r;
}

/* An exchange of DEST must not carry the state away, nor may a web server ever serve it. */
static int refuse_inside(const char *directory, const char *dest, struct error *err)
{
        _cleanup_(memory_freep) char *state = realpath(directory, NULL);
        _cleanup_(memory_freep) char *tree = realpath(dest, NULL);
        size_t length = tree ? strlen(tree) : 0;

        if (!state || !tree || strncmp(state, tree, length) != 0 || (state[length] != '/' && state[length] != '\0'))
                return 0;
        return error_usage(err, _("the state folder %s lies inside %s; name another one with --state"), directory,
                           dest);
}

/* The process that holds the lock, from /proc/locks; 0 when it cannot be found out. */
static long lock_holder(int lock)
{
        struct stat st;
        FILE *file;
        char line[256];
        long holder = 0;

        if (fstat(lock, &st) < 0 || !(file = fopen("/proc/locks", "re")))
                return 0;
        while (fgets(line, sizeof(line), file)) {
                unsigned long inode;
                long pid;

                if (sscanf(line, "%*s FLOCK %*s %*s %ld %*x:%*x:%lu", &pid, &inode) == 2 && inode == st.st_ino &&
                    pid > 0)
                        holder = pid;
        }
        fclose(file);
        return holder;
}

static int take_lock(struct state *state, bool for_writing, struct error *err)
{
        int flags = for_writing ? O_RDWR | O_CREAT : O_RDONLY;
        long holder;

        state->lock = openat(state->folder, "lock", flags | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (state->lock < 0 && errno == ENOENT)
                return 0; /* reading, and no pull has ever got as far as its lock */
        if (state->lock < 0)
                return error_errno(err, errno, _("cannot open the lock of %s"), state->dest);
        while (flock(state->lock, (for_writing ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
                if (errno == EINTR)
                        continue;
                if (errno != EWOULDBLOCK)
                        return error_errno(err, errno, _("cannot lock the state of %s"), state->dest);
                holder = lock_holder(state->lock);
                return error_set(err, -EBUSY,
                                 _("another command (pid %ld) is at work on %s; wait for it, then run the same "
                                   "command again"),
                                 holder, state->dest);
        }
        return 0;
}

/* ---- dest.json ---- */

static json_t *json_path(const char *path)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4 * PATH_MAX);

        if (text_escape(&text, path, strlen(path)) < 0)
                return NULL;
        return json_stringn(buffer_text(&text), text.length);
}

static int path_from_json(const json_t *value, char path[static PATH_MAX])
{
        _cleanup_(buffer_done) struct buffer raw = BUFFER_INIT(PATH_MAX - 1);
        const char *text = json_string_value(value);

        if (!text || text_unescape(&raw, text, strlen(text)) < 0 || strlen(buffer_text(&raw)) != raw.length)
                return -EBADMSG;
        memcpy(path, buffer_text(&raw), raw.length + 1);
        return 0;
}

static json_t *roots_to_json(const struct state_root *roots, const uint64_t *inodes, size_t count)
{
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++) {
                json_t *root = json_pack("{s:o, s:s}", "folder", json_path(roots[i].folder), "name", roots[i].name);

                if (root && inodes)
                        json_object_set_new(root, "inode", json_integer((json_int_t)inodes[i]));
                if (!root || json_array_append_new(array, root) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

static int roots_from_json(const json_t *array, struct state_root *roots, uint64_t *inodes, size_t *ret_count)
{
        size_t count = json_array_size(array);

        if (!json_is_array(array) || count > RELEASE_ROOTS_MAXIMUM)
                return -EBADMSG;
        for (size_t i = 0; i < count; i++) {
                const json_t *root = json_array_get(array, i);
                const char *name = json_string_value(json_object_get(root, "name"));

                if (!name || strlen(name) >= sizeof(roots[i].name) ||
                    path_from_json(json_object_get(root, "folder"), roots[i].folder) < 0)
                        return -EBADMSG;
                memcpy(roots[i].name, name, strlen(name) + 1);
                if (inodes)
                        inodes[i] = (uint64_t)json_integer_value(json_object_get(root, "inode"));
        }
        *ret_count = count;
        return 0;
}

/* The fields of a journal entry (time, server, kind), so that the journal can take it over as it is. */
static json_t *intent_to_json(const struct state_intent *intent)
{
        char time[CLOCK_TEXT_SIZE], server[256] = "", key[KEY_TEXT_SIZE];

        if (!intent->present)
                return json_null();
        clock_format_utc(intent->time, time);
        public_key_text(&intent->pub, key);
        (void)gethostname(server, sizeof(server) - 1);
        return json_pack("{s:I, s:I, s:s, s:s, s:b, s:o, s:s, s:s, s:s, s:I}", "from", (json_int_t)intent->from,
                         "keys_version", (json_int_t)intent->keys_version, "kind", "pull.exchange", "pub", key,
                         "root_mode", intent->root_mode, "roots",
                         roots_to_json(intent->roots, intent->inode, intent->root_count), "server", server, "site",
                         intent->site, "time", time, "to", (json_int_t)intent->to);
}

static int intent_from_json(const json_t *value, struct state_intent *intent)
{
        const char *time = json_string_value(json_object_get(value, "time"));
        const char *site = json_string_value(json_object_get(value, "site"));
        const char *key = json_string_value(json_object_get(value, "pub"));

        memset(intent, 0, sizeof(*intent));
        if (json_is_null(value))
                return 0;
        if (!time || clock_parse_utc(time, &intent->time) < 0 || !site || strlen(site) >= sizeof(intent->site) ||
            !key || public_key_parse(key, strlen(key), &intent->pub, NULL) < 0)
                return -EBADMSG;
        memcpy(intent->site, site, strlen(site) + 1);
        intent->root_mode = json_is_true(json_object_get(value, "root_mode"));
        intent->keys_version = (uint64_t)json_integer_value(json_object_get(value, "keys_version"));
        intent->from = (uint64_t)json_integer_value(json_object_get(value, "from"));
        intent->to = (uint64_t)json_integer_value(json_object_get(value, "to"));
        intent->present = true;
        return roots_from_json(json_object_get(value, "roots"), intent->roots, intent->inode, &intent->root_count);
}

static json_t *state_to_json(const struct state *state)
{
        const struct state_verification *verification = &state->verification;
        char key[KEY_TEXT_SIZE] = "", time[CLOCK_TEXT_SIZE] = "";

        if (state->pulled)
                public_key_text(&state->pub, key);
        if (verification->time)
                clock_format_utc(verification->time, time);
        return json_pack("{s:I, s:s, s:o, s:I, s:o, s:s, s:b, s:I, s:b, s:o, s:s, s:{s:s, s:b, s:s}}", "accepted",
                         (json_int_t)state->accepted, "format", DEST_FORMAT, "intent", intent_to_json(&state->intent),
                         "keys_version", (json_int_t)state->keys_version, "path", json_path(state->dest), "pub", key,
                         "pulled", state->pulled, "release", (json_int_t)state->release, "root_mode", state->root_mode,
                         "roots", roots_to_json(state->roots, NULL, state->root_count), "site", state->site,
                         "verification", "boot_id", verification->boot_id, "genuine", verification->genuine, "time",
                         time);
}

static int verification_from_json(const json_t *value, struct state_verification *verification)
{
        const char *time = json_string_value(json_object_get(value, "time"));
        const char *boot_id = json_string_value(json_object_get(value, "boot_id"));

        if (!time || !boot_id || strlen(boot_id) >= sizeof(verification->boot_id))
                return -EBADMSG;
        if (*time && clock_parse_utc(time, &verification->time) < 0)
                return -EBADMSG;
        memcpy(verification->boot_id, boot_id, strlen(boot_id) + 1);
        verification->genuine = json_is_true(json_object_get(value, "genuine"));
        return 0;
}

static int state_from_json(const json_t *json, struct state *state)
{
        const char *format = json_string_value(json_object_get(json, "format"));
        const char *site = json_string_value(json_object_get(json, "site"));
        const char *key = json_string_value(json_object_get(json, "pub"));
        char path[PATH_MAX];

        if (!format || !text_equal(format, DEST_FORMAT) || !site || strlen(site) >= sizeof(state->site) || !key ||
            path_from_json(json_object_get(json, "path"), path) < 0 || !text_equal(path, state->dest))
                return -EBADMSG;
        state->pulled = json_is_true(json_object_get(json, "pulled"));
        if (state->pulled && public_key_parse(key, strlen(key), &state->pub, NULL) < 0)
                return -EBADMSG;
        memcpy(state->site, site, strlen(site) + 1);
        state->root_mode = json_is_true(json_object_get(json, "root_mode"));
        state->accepted = (uint64_t)json_integer_value(json_object_get(json, "accepted"));
        state->keys_version = (uint64_t)json_integer_value(json_object_get(json, "keys_version"));
        state->release = (uint64_t)json_integer_value(json_object_get(json, "release"));
        if (roots_from_json(json_object_get(json, "roots"), state->roots, NULL, &state->root_count) < 0 ||
            verification_from_json(json_object_get(json, "verification"), &state->verification) < 0)
                return -EBADMSG;
        return intent_from_json(json_object_get(json, "intent"), &state->intent);
}

/* Reads a small JSON file of ours; 1 when it is there, 0 when it is not. */
static int read_json(int folder, const char *name, json_t **ret_json, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(DEST_MAXIMUM);
        int r = file_read(folder, name, &text, err);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        *ret_json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        return *ret_json ? 1 : -EBADMSG;
}

static int write_json(int folder, const char *name, json_t *json, struct error *err)
{
        char *text = json ? json_dumps(json, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(DEST_MAXIMUM);
        int r = text ? buffer_printf(&out, "%s\n", text) : -ENOMEM;

        free(text);
        json_decref(json);
        if (r < 0)
                return error_memory(err);
        return file_replace(folder, name, out.data, out.length, 0600, err);
}

static int load(struct state *state, struct error *err)
{
        json_t *json = NULL;
        int r = read_json(state->folder, "dest.json", &json, err);

        if (r > 0)
                r = state_from_json(json, state);
        json_decref(json);
        if (r == -EBADMSG)
                return error_set(err, r,
                                 _("the state of %s (dest.json) is damaged; restore it from a backup, or move it away "
                                   "and pull with --adopt"),
                                 state->dest);
        return r;
}

int state_save(struct state *state, struct error *err)
{
        return write_json(state->folder, "dest.json", state_to_json(state), err);
}

const char *state_root_folder(const struct state *state, const char *name)
{
        for (size_t i = 0; i < state->root_count; i++)
                if (text_equal(state->roots[i].name, name))
                        return state->roots[i].folder;
        return NULL;
}

/* ---- opening ---- */

/* Temporary files of file_replace() that a killed command left; whoever calls holds the lock that writers of this
 * folder hold. */
static void sweep_temporary(int parent, const char *name, const char *prefix)
{
        int fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_ANY_MOUNT);
        DIR *folder = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;

        if (!folder) {
                fd_close(&fd);
                return;
        }
        while ((entry = readdir(folder)))
                if (text_starts(entry->d_name, prefix) && text_ends(entry->d_name, ".tmp"))
                        (void)unlinkat(fd, entry->d_name, 0);
        closedir(folder);
}

static void sweep(const struct state *state)
{
        sweep_temporary(state->folder, ".", ".dest.json.");
        if (flock(state->base, LOCK_EX | LOCK_NB) < 0)
                return; /* somebody is writing there: the next command sweeps */
        sweep_temporary(state->base, "accepted", ".");
        (void)flock(state->base, LOCK_UN);
}

static int open_base(struct state *state, const char *directory, bool for_writing, struct error *err)
{
        int r;

        if (for_writing) {
                r = directory_make(AT_FDCWD, directory, 0700, err);
                if (r < 0) {
                        error_prefix(err, _("cannot keep a state; run as root or name a folder with --state"));
                        return r;
                }
        }
        state->base = fault_point(FAULT_OPEN) ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state->base < 0 && errno == ENOENT && !for_writing)
                return 0;
        if (state->base < 0)
                return error_errno(err, errno, _("cannot open the state folder %s"), directory);
        return 1;
}

static int open_folder(struct state *state, bool for_writing, struct error *err)
{
        char name[DIGEST_HEX_SIZE], path[DIGEST_HEX_SIZE + 8];
        int r = dest_folder_name(state->dest, name, err);

        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "dest/%s", name);
        if (for_writing) {
                r = directory_make(state->base, path, 0700, err);
                if (r < 0)
                        return r;
        }
        state->folder = open_beneath(state->base, path, O_RDONLY | O_DIRECTORY, 0, BENEATH_ANY_MOUNT);
        if (state->folder == -ENOENT && !for_writing)
                return 0;
        if (state->folder < 0) {
                r = state->folder;
                return error_errno(err, -r, _("cannot open the state of %s"), state->dest);
        }
        return 1;
}

static int open_all(struct state *state, const char *directory, const char *dest, bool for_writing, struct error *err)
{
        int r = state_absolute(dest, state->dest, err);

        if (r < 0)
                return r;
        r = open_base(state, directory, for_writing, err);
        if (r <= 0)
                return r;
        r = refuse_inside(directory, state->dest, err);
        if (r < 0)
                return r;
        r = open_folder(state, for_writing, err);
        if (r <= 0)
                return r;
        r = take_lock(state, for_writing, err);
        if (r < 0)
                return r;
        if (for_writing)
                sweep(state);
        return load(state, err);
}

int state_open(const char *directory, const char *dest, bool for_writing, struct state **ret_state, struct error *err)
{
        _cleanup_(state_closep) struct state *state = memory_new(1, sizeof(*state));
        int r;

        if (!state)
                return error_memory(err);
        state->base = state->folder = state->lock = -1;
        r = open_all(state, directory, dest, for_writing, err);
        if (r < 0)
                return r;
        *ret_state = state;
        state = NULL;
        return 0;
}

void state_close(struct state *state)
{
        if (!state)
                return;
        fd_close(&state->lock);
        fd_close(&state->folder);
        fd_close(&state->base);
        free(state);
}

void state_closep(struct state **state)
{
        state_close(*state);
}

/* ---- numbers by key and site ---- */

/* "accepted/<sha256 of key and site>.json" */
#define ACCEPTED_PATH_SIZE (DIGEST_HEX_SIZE + 16)
static int accepted_path(const struct public_key *pub, const char *site, char path[static ACCEPTED_PATH_SIZE],
                         struct error *err)
{
        char key[KEY_TEXT_SIZE], text[KEY_TEXT_SIZE + RELEASE_NAME_SIZE + 1], hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r;

        public_key_text(pub, key);
        snprintf(text, sizeof(text), "%s\n%s", key, site);
        r = digest_of_bytes(text, strlen(text), &digest, err);
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        snprintf(path, ACCEPTED_PATH_SIZE, "accepted/%s.json", hex);
        return 0;
}

int state_accepted(const struct state *state, const struct public_key *pub, const char *site, uint64_t *ret_number,
                   uint64_t *ret_keys_version, struct error *err)
{
        char path[ACCEPTED_PATH_SIZE];
        const json_t *number, *version;
        json_t *json = NULL;
        int r = accepted_path(pub, site, path, err);

        if (r < 0)
                return r;
        r = state->base < 0 ? 0 : read_json(state->base, path, &json, err);
        if (r < 0 && r != -EBADMSG)
                return r;
        number = json_object_get(json, "release");
        version = json_object_get(json, "keys_version");
        if (r == 0) {
                *ret_number = *ret_keys_version = 0;
        } else if (r > 0 && json_is_integer(number) && json_is_integer(version)) {
                *ret_number = (uint64_t)json_integer_value(number);
                *ret_keys_version = (uint64_t)json_integer_value(version);
                r = 0;
        } else {
                r = error_set(err, -EBADMSG, _("the state of accepted releases (%s) is damaged; restore it"), path);
        }
        json_decref(json);
        return r;
}

static int accept_locked(struct state *state, const struct public_key *pub, const char *site, uint64_t number,
                         uint64_t keys_version, struct error *err)
{
        char path[ACCEPTED_PATH_SIZE], key[KEY_TEXT_SIZE];
        uint64_t number_before = 0, version_before = 0;
        int r = accepted_path(pub, site, path, err);

        if (r < 0)
                return r;
        r = state_accepted(state, pub, site, &number_before, &version_before, err);
        if (r < 0)
                return r;
        if (number <= number_before && keys_version <= version_before)
                return 0;
        r = directory_make(state->base, "accepted", 0700, err);
        if (r < 0)
                return r;
        public_key_text(pub, key);
        number = number > number_before ? number : number_before;
        keys_version = keys_version > version_before ? keys_version : version_before;
        return write_json(state->base, path,
                          json_pack("{s:s, s:I, s:s, s:I, s:s}", "format", ACCEPTED_FORMAT, "keys_version",
                                    (json_int_t)keys_version, "pub", key, "release", (json_int_t)number, "site", site),
                          err);
}

int state_accept(struct state *state, const struct public_key *pub, const char *site, uint64_t number,
                 uint64_t keys_version, struct error *err)
{
        int r;

        /* Pulls of other folders share these files; without the lock a slower one could put an older number back. */
        while (flock(state->base, LOCK_EX) < 0)
                if (errno != EINTR)
                        return error_errno(err, errno, _("cannot lock the state folder"));
        r = accept_locked(state, pub, site, number, keys_version, err);
        (void)flock(state->base, LOCK_UN);
        return r;
}
