/* state.c - opening and locking what a server remembers about a DEST. */
#include "tree/state_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"


const char *state_directory(const char *given)
{
        const char *environment = getenv("UNDERSTUDY_STATE");

        if (given)
                return given;
        return environment && *environment ? environment : "/var/lib/understudy";
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

static int busy(const struct state *state, struct error *err)
{
        long holder = lock_holder(state->lock);

        if (holder == 0)
                return error_set(err, -EBUSY,
                                 _("another command is at work on %s; wait for it, then run the same command again"),
                                 state->dest);
        return error_set(err, -EBUSY,
                         _("another command (pid %ld) is at work on %s; wait for it, then run the same command again"),
                         holder, state->dest);
}

static int take_lock(struct state *state, enum state_access access, struct error *err)
{
        bool for_writing = access != STATE_READ;
        int flags = for_writing ? O_RDWR | O_CREAT : O_RDONLY;
        int r;

        state->lock = openat(state->folder, "lock", flags | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (state->lock < 0 && errno == ENOENT)
                return 0; /* reading, and no pull has ever got as far as its lock */
        if (state->lock < 0)
                return error_errno(err, errno, _("cannot open the lock of %s"), state->dest);
        r = lock_wait(state->lock, for_writing ? LOCK_EX : LOCK_SH, access == STATE_WRITE_LATE ? STATE_PATIENCE_MS : LOCK_NOW);
        if (r == -EBUSY)
                return busy(state, err);
        return r < 0 ? error_errno(err, -r, _("cannot lock the state of %s"), state->dest) : 0;
}

const char *state_root_folder(const struct state *state, const char *name)
{
        for (size_t i = 0; i < state->root_count; i++)
                if (text_equal(state->roots[i].name, name))
                        return state->roots[i].folder;
        return NULL;
}

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

static int open_all(struct state *state, const char *directory, const char *dest, enum state_access access,
                    struct error *err)
{
        bool for_writing = access != STATE_READ;
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
        r = take_lock(state, access, err);
        if (r < 0)
                return r;
        if (for_writing)
                sweep(state);
        return state_load(state, err);
}

int state_open(const char *directory, const char *dest, enum state_access access, struct state **ret_state,
               struct error *err)
{
        _cleanup_(state_closep) struct state *state = memory_new(1, sizeof(*state));
        int r;

        if (!state)
                return error_memory(err);
        state->base = state->folder = state->lock = -1;
        r = open_all(state, directory, dest, access, err);
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
