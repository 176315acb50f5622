/*
 * who_records.h - what the system wrote down about logins: utmp, systemd-logind, auditd, vsftpd's and sshd's logs.
 *
 * Pure functions, one record at a time. A line of a log holds what a stranger typed as his name, so a line is taken
 * apart from its end, where the program itself wrote, and one that could be read in two ways is none. They return 0 or
 * -EBADMSG (also for a record that is well-formed and tells nothing of a login).
 */
#ifndef GUARD_WHO_RECORDS_H
#define GUARD_WHO_RECORDS_H

#include <stddef.h>

#include "who.h"

struct who_record {
        pid_t pid;        /* 0: not said */
        uint32_t session; /* audit session; UINT32_MAX: not said */
        /* When it was written. A line that does not say in which time zone has two meanings: UTC and local. */
        int64_t time, other_time;
        bool has_address;
        struct who_address address;
        char account[WHO_NAME_SIZE]; /* escaped; "" not said */
        char host[WHO_NAME_SIZE];    /* escaped; a name or an address as it was written; "" not said */
};

/* One struct utmp (utmp(5)) of a user's session. */
#define WHO_UTMP_SIZE 384
int who_parse_utmp(const void *bytes, struct who_record *ret);

/* A file of /run/systemd/sessions: NAME=VALUE lines. */
int who_parse_logind(const char *text, size_t length, struct who_record *ret);

/* A successful login in auditd's log: USER_LOGIN, USER_START, USER_AUTH, CRED_ACQ with an address. */
int who_parse_audit_line(const char *line, size_t length, struct who_record *ret);

/* "Thu Nov 26 09:13:50 2026 [pid 2] [user] OK LOGIN: Client "192.0.2.7"", of vsftpd. */
int who_parse_ftp_line(const char *line, size_t length, struct who_record *ret);

/* "Nov 26 09:13:50 host sshd[123]: Accepted password for user from 192.0.2.7 port 40022 ssh2", of sshd through syslog;
 * `now` is for the year that such a line does not say. */
int who_parse_ssh_line(const char *line, size_t length, int64_t now, struct who_record *ret);

#endif
