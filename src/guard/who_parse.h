/*
 * who_parse.h - the texts of /proc that tell about a process and its connections.
 *
 * Pure functions from bytes to values. What they read is chosen by others in part: a process may call itself ") R 1 1",
 * and a folder of a control group may have any name. They return 0 or -EBADMSG, and touch nothing on failure.
 */
#ifndef GUARD_WHO_PARSE_H
#define GUARD_WHO_PARSE_H

#include "who.h"

struct who_stat {
        pid_t pid;
        const char *comm; /* in the text that was parsed */
        size_t comm_length;
        char state;
        pid_t parent;
        pid_t session;
        uint32_t terminal; /* device number; 0: none */
        uint64_t start_ticks;
};

/* /proc/PID/stat: proc(5). */
int who_parse_stat(const char *text, size_t length, struct who_stat *ret);

struct who_ids {
        uid_t uid, euid;
        gid_t gid;
};

/* The Uid and Gid lines of /proc/PID/status. */
int who_parse_status(const char *text, size_t length, struct who_ids *ret);

/* /proc/PID/loginuid, /proc/PID/sessionid: one number without a newline. */
int who_parse_number(const char *text, size_t length, uint32_t *ret);

/* The process's path in /proc/PID/cgroup: of the unified hierarchy, or of systemd's own where the unified one is not
 * in use. *ret_path lies in the text. */
int who_parse_cgroup(const char *text, size_t length, const char **ret_path, size_t *ret_length);

/* The unit of the system's manager in a control group's path: the outermost service or scope, for what lies below
 * belongs to the unit, which may name it as it likes. -ENOENT when there is none. */
int who_parse_unit(const char *path, size_t length, const char **ret_unit, size_t *ret_length);

/* "socket:[123]", what a link of /proc/PID/fd says. */
int who_parse_socket_link(const char *text, size_t length, uint64_t *ret_inode);

struct who_connection {
        struct who_address local, remote;
        bool listening;
        uint64_t inode;
};

/* One line of /proc/PID/net/tcp or tcp6, without the newline; the heading is -EBADMSG. */
int who_parse_tcp(const char *line, size_t length, struct who_connection *ret);

/* An address in its usual spelling; an address inside brackets or with a zone is none. Mapped IPv4 becomes IPv4. */
int who_parse_address(const char *text, size_t length, struct who_address *ret);
void who_address_normalize(struct who_address *address);

#endif
