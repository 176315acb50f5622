/*
 * trace.h - lines of a server's logs as events of one kind: who came in, who wrote what, what root did. Pure; fuzzed.
 *
 * What is understood is what tells how a file came to be on a server; every other line is nobody's event. The texts are
 * spans into the line.
 *
 *     auth        auth.log, journalctl -o short or short-iso: sshd (who logged in, who failed), sudo and cron
 *                 (commands), crontab (changes), sftp with LogLevel VERBOSE (files written)
 *     ftp         vsftpd.log and xferlog(5): uploads, logins
 *     postgresql  with log_connections: connections that were authorized
 *     mariadb     the general log: Connect
 *     dpkg        dpkg.log: packages installed, upgraded, removed
 *     wtmp        wtmp(5), binary: logins
 *
 * A time without a year is of the year that brings it nearest to `about`; one without a zone is UTC.
 */
#ifndef INCIDENT_TRACE_H
#define INCIDENT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_kind { TRACE_AUTH, TRACE_FTP, TRACE_POSTGRESQL, TRACE_MARIADB, TRACE_DPKG, TRACE_WTMP, TRACE_KINDS };
const char *trace_kind_name(enum trace_kind kind);
bool trace_kind_parse(const char *text, size_t length, enum trace_kind *ret_kind);

enum trace_source {
        TRACE_BY_GUARD, /* what a guard or a verification found */
        TRACE_BY_WEB,
        TRACE_BY_FTP,
        TRACE_BY_SFTP,
        TRACE_BY_SSHD,
        TRACE_BY_SUDO,
        TRACE_BY_DATABASE,
        TRACE_BY_LOGIN,
        TRACE_BY_PACKAGE,
        TRACE_BY_CRON,
        TRACE_BY_OUTSIDE, /* a person, or a search engine: no log tells it */
        TRACE_SOURCES
};
const char *trace_source_name(enum trace_source source); /* "sshd" */

enum trace_act {
        TRACE_LOGGED_IN,
        TRACE_FAILED,    /* to log in */
        TRACE_WROTE,     /* a file: `path` */
        TRACE_RAN,       /* a command as root or by cron: `path` has it */
        TRACE_REQUESTED, /* something that may write: POST, PUT ... */
        TRACE_CONNECTED, /* to the database */
        TRACE_CHANGED,   /* a package, a crontab */
        TRACE_FOUND,     /* that the file differs */
        TRACE_TOLD       /* that something is wrong with a page */
};
const char *trace_act_name(enum trace_act act);

struct trace_text {
        const char *text; /* not NUL-terminated */
        size_t length;
};

struct trace {
        int64_t time_us;
        enum trace_source source;
        enum trace_act act;
        struct trace_text account, address, path;
        struct trace_text service; /* of a guard's finding, whose process it was: ftp, sftp, ssh, web, php, root */
        uint64_t process; /* 0: not said; sftp's files are of the session with the same one */
};

/* Whether the line is an event. */
bool trace_line(enum trace_kind kind, const char *line, size_t length, int64_t about_us, struct trace *ret_trace);

/* A record of wtmp(5). */
#define TRACE_WTMP_SIZE 384
bool trace_wtmp(const void *record, struct trace *ret_trace);

#endif
