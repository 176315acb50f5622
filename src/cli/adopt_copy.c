/* adopt_copy.c - ssh SERVER tar | tar, into a place where it can do no harm. */
#include "cli/adopt_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/child.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

bool adopt_is_remote(const char *text)
{
        const char *colon = strchr(text, ':'), *slash = strchr(text, '/');

        return colon && colon > text && (!slash || colon < slash);
}

int shell_quote(struct buffer *out, const char *text)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
        int r;

        if (*text && strspn(text, plain) == strlen(text))
                return buffer_append_text(out, text);
        r = buffer_append_byte(out, '\'');
        for (; *text && r == 0; text++)
                r = *text == '\'' ? buffer_append_text(out, "'\\''") : buffer_append_byte(out, *text);
        return r < 0 ? r : buffer_append_byte(out, '\'');
}

/* Root's tar would make the devices that an archive asks for, readable for whom it says. */
static int give_up_devices(void *context)
{
        (void)context;
        return geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0) < 0 ? -errno : 0;
}

/* The two programs and the pipe between them. */
static int run_both(const char *server, const char *command, const char *folder, struct error *err)
{
        const char *const ssh[] = { "ssh", "--", server, command, NULL };
        const char *const tar[] = { "tar", "-x", "-p", "-f", "-", "-C", folder, NULL };
        _cleanup_(fd_closep) int read_end = -1, write_end = -1;
        pid_t ssh_pid, tar_pid;
        int ends[2], ssh_status, tar_status, r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_errno(err, errno, _("cannot make a pipe"));
        read_end = ends[0];
        write_end = ends[1];
        /* ssh may ask for a password: on the terminal, not on standard input. */
        r = child_start(ssh, &(struct child_options){ .input = -1, .output_descriptor = write_end }, &ssh_pid, err);
        if (r < 0)
                return r;
        fd_close(&write_end);
        r = child_start(tar, &(struct child_options){ .input = read_end, .before_exec = give_up_devices }, &tar_pid,
                        err);
        fd_close(&read_end);
        tar_status = r < 0 ? r : child_wait(tar_pid, "tar", err);
        ssh_status = child_wait(ssh_pid, "ssh", tar_status < 0 ? NULL : err);
        if (tar_status < 0 || ssh_status < 0)
                return tar_status < 0 ? tar_status : ssh_status;
        if (ssh_status != 0)
                return error_set(err, -EIO,
                                 _("cannot copy from %s: ssh or the tar there ended with status %d; try `ssh %s true`, "
                                   "and whether that user may read the docroot"),
                                 server, ssh_status, server);
        if (tar_status != 0)
                return error_set(err, -EIO, _("cannot copy from %s: the local tar ended with status %d, see above"),
                                 server, tar_status);
        return 0;
}

/* Takes setuid and setgid off every regular file below. Nobody else can be in this tree. */
static int strip(int directory, unsigned int depth, uint64_t *stripped)
{
        int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(dir_closep) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *entry;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir))) {
                _cleanup_(fd_closep) int below = -1;
                struct stat st;

                if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..") ||
                    fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if (S_ISREG(st.st_mode) && st.st_mode & (S_ISUID | S_ISGID)) {
                        if (fchmodat(directory, entry->d_name, st.st_mode & 01777, 0) < 0)
                                return -errno;
                        (*stripped)++;
                }
                if (!S_ISDIR(st.st_mode))
                        continue;
                below = depth < 1000 ? openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                     : -1;
                if (below < 0)
                        return depth < 1000 ? -errno : -ELOOP;
                if (strip(below, depth + 1, stripped) < 0)
                        return -EIO;
        }
        return 0;
}

/* Into "FOLDER.adopt-XXXXXX/tree", stripped. */
static int copy_into(const char *remote, const char *folder, uint64_t *stripped, struct error *err)
{
        _cleanup_(buffer_done) struct buffer server = BUFFER_INIT(1024), command = BUFFER_INIT(4 * PATH_MAX);
        _cleanup_(fd_closep) int fd = -1;
        const char *colon = strchr(remote, ':');
        int r;

        if (remote[0] == '-')
                return error_usage(err, _("%s is not a server"), remote);
        if (colon[1] == '\0')
                return error_usage(err, _("name the docroot on the server, as in %s/var/www/html"), remote);
        if (buffer_append(&server, remote, (size_t)(colon - remote)) < 0 ||
            buffer_append_text(&command, "tar -C ") < 0 || shell_quote(&command, colon + 1) < 0 ||
            buffer_append_text(&command, " -cf - .") < 0)
                return error_usage(err, _("%s is too long for a server and its docroot"), remote);
        r = run_both(buffer_text(&server), buffer_text(&command), folder, err);
        if (r < 0)
                return r;
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = fd < 0 ? -errno : strip(fd, 0, stripped);
        return r < 0 ? error_errno(err, -r, _("cannot take setuid off the files that were copied")) : 0;
}

/* What was half made goes away again; `folder` is ours alone. */
static void remove_copy(const char *folder)
{
        const char *slash = strrchr(folder, '/');
        _cleanup_(buffer_done) struct buffer parent = BUFFER_INIT(PATH_MAX);
        _cleanup_(fd_closep) int fd = -1;

        if (slash && buffer_append(&parent, folder, (size_t)(slash - folder)) < 0)
                return;
        fd = open(slash ? (parent.length ? buffer_text(&parent) : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                tree_remove(fd, slash ? slash + 1 : folder, NULL);
}

int adopt_copy(const char *remote, const char *into, uint64_t *ret_stripped, struct error *err)
{
        _cleanup_(buffer_done) struct buffer folder = BUFFER_INIT(PATH_MAX), tree = BUFFER_INIT(PATH_MAX);
        size_t length = strlen(into);
        uint64_t stripped = 0;
        int r;

        while (length > 1 && into[length - 1] == '/')
                length--;
        if (buffer_append(&folder, into, length) < 0 || buffer_append_text(&folder, ".adopt-XXXXXX") < 0)
                return error_usage(err, _("--into %s is too long for a folder"), into);
        if (rmdir(into) < 0 && errno != ENOENT)
                return error_usage(err, _("--into %s must be a folder that is not there yet, or an empty one"), into);
        if (fault_point(FAULT_OPEN) || !mkdtemp(folder.data))
                return error_errno(err, errno, _("cannot make a folder beside %s"), into);
        if (buffer_printf(&tree, "%s/tree", folder.data) < 0)
                r = error_memory(err);
        else if (mkdir(tree.data, 0700) < 0)
                r = error_errno(err, errno, _("cannot make the folder %s"), tree.data);
        else
                r = copy_into(remote, tree.data, &stripped, err);
        if (r == 0) {
                r = rename_at(AT_FDCWD, tree.data, AT_FDCWD, into, RENAME_NOREPLACE);
                if (r < 0)
                        error_errno(err, -r, _("cannot give the copy its name %s"), into);
        }
        remove_copy(folder.data);
        if (r == 0)
                *ret_stripped = stripped;
        return r;
}
