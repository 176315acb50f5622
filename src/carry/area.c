#include "carry/area.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "carry/area_parts.h"
#include "tree/reference.h"
#include "tree/verify_areas.h"

#define FOLDER_MODE 0755

/* ---- small things that all of them need ---- */

int carry_temporary(char name[static TEMPORARY_SIZE], struct error *err)
{
        uint8_t bytes[8];
        char hex[2 * sizeof(bytes) + 1];

        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                return error_errno(err, errno, _("cannot get random bytes"));
        text_hex(bytes, sizeof(bytes), hex);
        snprintf(name, TEMPORARY_SIZE, TEMPORARY_PREFIX "%s", hex);
        return 0;
}

bool carry_is_temporary(const char *name)
{
        const size_t prefix = strlen(TEMPORARY_PREFIX);

        return text_starts(name, TEMPORARY_PREFIX) && strlen(name) == TEMPORARY_SIZE - 1 &&
               strspn(name + prefix, "0123456789abcdef") == 16;
}

int carry_answer(json_t *result, const char *outcome, struct error *err)
{
        return json_object_set_new(result, "outcome", json_string(outcome)) < 0 ? error_memory(err) : 0;
}

int carry_area_lock(struct carry_area *area, struct error *err)
{
        if (area->lock < 0)
                area->lock = openat(area->state, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (area->lock < 0)
                return error_errno(err, errno, _("cannot open the lock of the mutable area %s"), area->name);
        if (flock(area->lock, LOCK_EX | LOCK_NB) == 0)
                return 0;
        if (errno != EWOULDBLOCK)
                return error_errno(err, errno, _("cannot lock the mutable area %s"), area->name);
        return error_set(err, -EBUSY, _("the mutable area %s is being carried over by another one"), area->name);
}

void carry_area_unlock(struct carry_area *area)
{
        fd_close(&area->lock);
}

int carry_folder(const struct carry_area *area, const char *name, struct error *err)
{
        int fd, r = directory_make(area->state, name, 0700, err);

        if (r < 0)
                return r;
        fd = open_beneath(area->state, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        return fd < 0 ? error_errno(err, -fd, _("cannot open %s of the mutable area %s in the state"), name, area->name) : fd;
}

/* One part of the way. What is made for us gets the owner of the area: the application must be able to write there. */
static int enter(const struct carry_area *area, int folder, const char *name, bool make)
{
        int next = open_beneath(folder, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);

        if (next != -ENOENT || !make)
                return next;
        if (mkdirat(folder, name, 0700) < 0)
                return -errno;
        next = open_beneath(folder, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (next >= 0 && ((fchown(next, area->uid, area->gid) < 0 && geteuid() == 0) || fchmod(next, FOLDER_MODE) < 0)) {
                const int code = -errno;

                close(next);
                return code;
        }
        return next;
}

int carry_open_parent(const struct carry_area *area, const char *path, bool make, const char **ret_name)
{
        int folder = fcntl(area->folder, F_DUPFD_CLOEXEC, 3);
        const char *slash;

        if (folder < 0)
                return -errno;
        while ((slash = strchr(path, '/'))) {
                char name[ENTRY_NAME_MAXIMUM + 1];
                int next;

                snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
                next = enter(area, folder, name, make);
                close(folder);
                if (next < 0)
                        return next;
                folder = next;
                path = slash + 1;
        }
        *ret_name = path;
        return folder;
}

/* ---- which areas there are ---- */

/* The release in place, and where its state lies. *ret_reference stays NULL when nothing was ever pulled. */
static int read_release(const struct carry_site *site, struct state **ret_state, struct reference **ret_reference,
                        struct error *err)
{
        int r = state_open(site->state, site->dest, STATE_READ, ret_state, err);

        if (r < 0 || !(*ret_state)->pulled)
                return r;
        return reference_kept(*ret_state, site->pub, ret_reference, err);
}

static int name_area(const char *root, const struct area *area, char name[static CARRY_AREA_NAME])
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CARRY_NAME_MAXIMUM);

        if (text_escape(&text, area->path, strlen(area->path)) < 0)
                return -ENOMEM;
        snprintf(name, CARRY_AREA_NAME, "%s:%s", root, buffer_text(&text));
        return 0;
}

int carry_areas(const struct carry_site *site, json_t *array, struct error *err)
{
        _cleanup_(reference_freep) struct reference *reference = NULL;
        _cleanup_(state_closep) struct state *state = NULL;
        int r = read_release(site, &state, &reference, err);

        for (size_t i = 0; reference && i < reference->root_count && r == 0; i++) {
                const struct reference_root *root = &reference->roots[i];

                for (size_t k = 0; k < root->companion.area_count && r == 0; k++) {
                        char name[CARRY_AREA_NAME];

                        r = name_area(root->name, &root->companion.areas[k], name);
                        if (r < 0 || json_array_append_new(array, json_string(name)) < 0)
                                r = error_memory(err);
                }
        }
        return r;
}

static const struct area *find_area(const struct reference *reference, const char *name,
                                    const struct reference_root **ret_root)
{
        for (size_t i = 0; reference && i < reference->root_count; i++)
                for (size_t k = 0; k < reference->roots[i].companion.area_count; k++) {
                        const struct area *area = &reference->roots[i].companion.areas[k];
                        char other[CARRY_AREA_NAME];

                        if (name_area(reference->roots[i].name, area, other) == 0 && text_equal(other, name)) {
                                *ret_root = &reference->roots[i];
                                return area;
                        }
                }
        return NULL;
}

static int open_place(const char *tree, const struct area *declared, struct carry_area *area, struct error *err)
{
        const char *slash = strrchr(tree, '/');
        _cleanup_(memory_freep) char *above = memory_copy(tree, slash == tree ? 1 : (size_t)(slash - tree));
        _cleanup_(fd_closep) int parent = -1;
        struct stat st;

        if (!above)
                return error_memory(err);
        parent = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent < 0)
                return error_errno(err, errno, _("cannot open %s, the folder above %s"), above, slash + 1);
        area->folder = area_open(parent, slash + 1, declared);
        if (area->folder < 0)
                return error_errno(err, -area->folder, _("the mutable area %s is not there as a folder; 'understudy pull' makes "
                                                         "those beside the tree"), area->name);
        if (fstat(area->folder, &st) < 0)
                return error_errno(err, errno, _("cannot look at the mutable area %s"), area->name);
        area->uid = st.st_uid;
        area->gid = st.st_gid;
        area->allow = declared->allow;
        return 0;
}

/* STATE/carry/ID: ID is the digest of the name, which may hold any byte. */
static int open_state(const char *state, struct carry_area *area, struct error *err)
{
        char hex[DIGEST_HEX_SIZE], path[sizeof("carry/") + 32];
        _cleanup_(fd_closep) int base = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct digest digest;
        int r = base < 0 ? error_errno(err, errno, _("cannot open the state folder %s"), state) : 0;

        if (r == 0)
                r = digest_of_bytes(area->name, strlen(area->name), &digest, err);
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        snprintf(path, sizeof(path), "carry/%.32s", hex);
        r = directory_make(base, path, 0700, err);
        if (r < 0)
                return r;
        area->state = open_beneath(base, path, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        return area->state < 0 ? error_errno(err, -area->state, _("cannot open %s in the state folder"), path) : 0;
}

/* dest.json is replaced by each pull. */
static int look_at_state(struct carry_area *area)
{
        struct stat st;

        if (stat(area->remembered, &st) < 0)
                return -errno;
        area->device = st.st_dev;
        area->inode = st.st_ino;
        return 0;
}

bool carry_area_is(const struct carry_area *area, const char *name)
{
        struct carry_area now;

        if (area->folder < 0 || !text_equal(area->name, name))
                return false;
        memcpy(now.remembered, area->remembered, sizeof(now.remembered));
        return look_at_state(&now) == 0 && now.device == area->device && now.inode == area->inode;
}

int carry_area_open(const struct carry_site *site, const char *name, struct carry_area *area, struct error *err)
{
        _cleanup_(reference_freep) struct reference *reference = NULL;
        _cleanup_(state_closep) struct state *state = NULL;
        const struct reference_root *root = NULL;
        const struct area *declared;
        char folder[PATH_MAX];
        int r = read_release(site, &state, &reference, err);

        if (r < 0)
                return r;
        declared = find_area(reference, name, &root);
        if (!declared)
                return error_set(err, -ENOENT, _("the release in place has no mutable area '%.100s'; pull the newest"), name);
        snprintf(area->name, sizeof(area->name), "%s", name);
        r = fd_real_path(state->folder, folder);
        if (r < 0 || (size_t)snprintf(area->remembered, sizeof(area->remembered), "%s/dest.json", folder) >= sizeof(area->remembered) ||
            (r = look_at_state(area)) < 0)
                return error_errno(err, r < 0 ? -r : ENAMETOOLONG, _("cannot look at the state of %s"), site->dest);
        r = open_place(state_root_folder(state, root->name) ? state_root_folder(state, root->name) : site->dest, declared, area,
                       err);
        return r < 0 ? r : open_state(site->state, area, err);
}

void carry_area_close(struct carry_area *area)
{
        carry_hold_drop(area);
        fd_close(&area->lock);
        fd_close(&area->state);
        fd_close(&area->folder);
}
