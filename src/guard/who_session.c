/*
 * who_session.c - the connection of a login session whose process has left its ancestors (nohup, setsid, a double
 * fork).
 *
 * The kernel marks every process of a login with the session's number, which nobody but root can take off again. Other
 * processes of the session may still be there, with sshd's among them. That one is told as a candidate, not as certain:
 * a daemon that was started by hand in a session has the mark as well, and so has a stranger's connection to it.
 */
#include "who_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define PROCESSES_MAXIMUM 65536
#define DESCRIPTORS       256

static bool has_session(pid_t pid, uint32_t session)
{
        char path[48], text[16];
        uint32_t number;
        ssize_t length;

        snprintf(path, sizeof(path), "/proc/%d/sessionid", pid);
        length = who_read(AT_FDCWD, path, text, sizeof(text));
        return length > 0 && who_parse_number(text, (size_t)length, &number) == 0 && number == session;
}

static void add(struct who_remote *remote, const struct who_address *address)
{
        for (size_t i = 0; i < remote->count && i < WHO_CANDIDATES; i++)
                if (who_address_equal(&remote->addresses[i], address))
                        return;
        if (remote->count < WHO_CANDIDATES)
                remote->addresses[remote->count] = *address;
        remote->count++;
}

static void look_at(struct who *who, pid_t pid)
{
        struct who_handle handle = WHO_HANDLE_NONE;
        struct who_sockets sockets;
        enum who_service service;

        if (!has_session(pid, who->session) || who_handle_open(pid, &handle) < 0)
                return;
        service = who_service_of(&handle);
        if ((service == WHO_SERVICE_SSH || service == WHO_SERVICE_FTP) && handle.process.uid == 0) {
                who_sockets(&handle, DESCRIPTORS, false, &sockets);
                for (size_t i = 0; i < sockets.remote.count && i < WHO_CANDIDATES && !sockets.listening; i++)
                        add(&who->remote, &sockets.remote.addresses[i]);
                snprintf(who->service_name, sizeof(who->service_name), "%.31s", handle.exe_name);
                who->remote.holder = pid;
        }
        who_handle_done(&handle);
}

void who_look_at_session(struct who *who)
{
        DIR *directory = opendir("/proc");
        struct dirent *entry;
        uint64_t pid;
        size_t looked = 0;

        while (directory && looked < PROCESSES_MAXIMUM && (entry = readdir(directory))) {
                if (text_parse_u64(entry->d_name, strlen(entry->d_name), INT32_MAX, &pid) < 0)
                        continue;
                looked++;
                look_at(who, (pid_t)pid);
        }
        if (directory)
                closedir(directory);
        if (who->remote.count == 0)
                return;
        who->remote.source = WHO_SOURCE_SOCKET;
        who->remote.trust = WHO_AMBIGUOUS;
        who->why[WHO_REMOTE] = WHO_WHY_KNOWN;
}
