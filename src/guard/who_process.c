/* who_process.c - one process, read through its directory of /proc. */
#include "who_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

void who_handle_done(struct who_handle *handle)
{
        fd_close(&handle->directory);
}

ssize_t who_read(int directory, const char *name, char *text, size_t size)
{
        _cleanup_(fd_closep) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : read_full(fd, text, size);
}

void who_escape(char *text, size_t size, const char *bytes, size_t length)
{
        static const char mark[] = "...";
        _cleanup_(buffer_done) struct buffer escaped = BUFFER_INIT(size - sizeof(mark));
        bool cut = text_escape(&escaped, bytes, length) < 0;

        memcpy(text, buffer_text(&escaped), escaped.length);
        memcpy(text + escaped.length, mark, sizeof(mark));
        if (!cut)
                text[escaped.length] = '\0';
}

enum who_why who_why(int errnum)
{
        switch (errnum) {
        case ENOENT:
        case ESRCH: return WHO_WHY_GONE;
        case EACCES:
        case EPERM: return WHO_WHY_REFUSED;
        default: return WHO_WHY_UNREADABLE;
        }
}

static void read_exe(struct who_handle *handle)
{
        char path[PATH_MAX];
        ssize_t length = readlinkat(handle->directory, "exe", path, sizeof(path) - 1);
        const char *name;

        /* A kernel thread has no program, and a process that has ended has none any more. */
        if (length < 0 && errno == ENOENT)
                handle->exe_why = handle->stat.state == 'Z' || handle->stat.state == 'X' ? WHO_WHY_GONE : WHO_WHY_NONE;
        else
                handle->exe_why = length < 0 ? who_why(errno) : WHO_WHY_KNOWN;
        if (length < 0)
                return;
        path[length] = '\0';
        who_escape(handle->process.exe, sizeof(handle->process.exe), path, (size_t)length);
        name = strrchr(path, '/');
        name = name ? name + 1 : path;
        if (strlen(name) < sizeof(handle->exe_name))
                memcpy(handle->exe_name, name, strlen(name) + 1);
}

int who_handle_open(pid_t pid, struct who_handle *ret_handle)
{
        struct who_handle handle = {
                .pid = pid, .process = {.pid = pid, .uid = (uid_t)-1}
        };
        char path[32], text[WHO_FILE_SIZE];
        ssize_t length;

        snprintf(path, sizeof(path), "/proc/%d", pid);
        handle.directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (handle.directory < 0)
                return -errno;
        length = who_read(handle.directory, "stat", text, sizeof(text));
        if (length < 0 || who_parse_stat(text, (size_t)length, &handle.stat) < 0) {
                fd_close(&handle.directory);
                return length < 0 ? (int)length : -EBADMSG;
        }
        who_escape(handle.process.comm, sizeof(handle.process.comm), handle.stat.comm, handle.stat.comm_length);
        handle.stat.comm = NULL;
        handle.process.start_ticks = handle.stat.start_ticks;
        read_exe(&handle);
        length = who_read(handle.directory, "status", text, sizeof(text));
        if (length > 0 && who_parse_status(text, (size_t)length, &handle.ids) == 0)
                handle.process.uid = handle.ids.uid;
        *ret_handle = handle;
        return 0;
}

static const struct {
        const char *start; /* of the program's name; what follows is a version, or the part of a family */
        enum who_service service;
} services[] = {
        {"sshd",       WHO_SERVICE_SSH}, /* and sshd-session, sshd-auth of later versions */
        { "vsftpd",    WHO_SERVICE_FTP},
        { "proftpd",   WHO_SERVICE_FTP},
        { "pure-ftpd", WHO_SERVICE_FTP},
        { "nginx",     WHO_SERVICE_WEB},
        { "apache2",   WHO_SERVICE_WEB},
        { "httpd",     WHO_SERVICE_WEB},
        { "lighttpd",  WHO_SERVICE_WEB},
        { "caddy",     WHO_SERVICE_WEB},
        { "php-fpm",   WHO_SERVICE_PHP},
        { "php-cgi",   WHO_SERVICE_PHP},
};

enum who_service who_service_of(const struct who_handle *handle)
{
        enum who_service service = WHO_SERVICE_NONE;
        struct stat st;

        for (size_t i = 0; i < LENGTH(services) && service == WHO_SERVICE_NONE; i++)
                if (text_starts(handle->exe_name, services[i].start))
                        service = services[i].service;
        if (service == WHO_SERVICE_NONE)
                return service;
        /* The program itself, not what has its name by now. */
        if (fstatat(handle->directory, "exe", &st, 0) < 0 || st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
                return WHO_SERVICE_NONE;
        return service;
}
