/*
 * who.h - who wrote: the process behind an event, its user, its login session, and where the session comes from.
 *
 * It is asked in two steps, because writers are short-lived. who_ask() is called at once for every event, in the
 * process that reads the events and runs as root; it takes well under a millisecond, waits for nothing and nobody, and
 * reads what is lost first when the process ends. who_resolve() adds what can be looked up a little later: names of
 * users, records of logins, logs, the visitors of a web server. It reads files and may ask a name service, so a guard
 * calls it outside of the loop that answers the kernel.
 *
 *     struct who who;
 *
 *     who_ask(pidfd, event->pid, &who);          (pidfd: of FAN_REPORT_PIDFD, or FAN_NOPIDFD, FAN_EPIDFD)
 *     who_resolve(&who, NULL);
 *     process = who_json(&who);                  (for the journal)
 *
 * What it promises: nothing is guessed. Each field is there, or `why` says why it is not. All that was read about the
 * writer was read through a directory of /proc that is bound to it, after which its pidfd proved that the number still
 * belonged to it: the next process with the same number is never taken for it. What was read before the process ended
 * stays; `state` says that it ended.
 *
 * What it cannot promise: it says what the process was when it was asked, a moment after it wrote. A process may change
 * its program (exec), its name (comm), its command line and, with privileges, its user meanwhile. Where a connection
 * comes from is said with the source of that knowledge and how far it can be trusted; see enum who_trust.
 *
 * All texts are bounded, and escaped as text_escape() does; one that was cut ends in "...".
 */
#ifndef GUARD_WHO_H
#define GUARD_WHO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

#define WHO_PARENTS      8
#define WHO_CANDIDATES   8
#define WHO_NAME_SIZE    256
#define WHO_COMMAND_SIZE 1024

enum who_state {
        WHO_ASKED,    /* it was there all the time while it was asked */
        WHO_ENDED,    /* it ended while it was asked: what is here was read before, and belongs to it */
        WHO_EARLIER,  /* it has ended; what is here was asked at an earlier event of it: who_memory_ask() */
        WHO_GONE,     /* it was gone before it could be asked: only its number is known */
        WHO_NOHANDLE, /* the kernel gave no handle on it (FAN_EPIDFD): who has the number now is not asked */
        WHO_OUTSIDE,  /* it belongs to another process namespace and has no number here */
};

enum who_field {
        WHO_STARTED,
        WHO_COMM,
        WHO_EXE,
        WHO_COMMAND,
        WHO_UID, /* and euid, gid */
        WHO_USER,
        WHO_LOGIN_UID,
        WHO_LOGIN_USER,
        WHO_SESSION,
        WHO_TERMINAL,
        WHO_CGROUP,
        WHO_UNIT,
        WHO_PARENTAGE,
        WHO_LEADER,
        WHO_REMOTE,
        WHO_FIELDS
};

enum who_why {
        WHO_WHY_NOT_ASKED = 0, /* a part of who_resolve(), which did not run (yet) */
        WHO_WHY_KNOWN,         /* it is there */
        WHO_WHY_GONE,          /* the process was gone */
        WHO_WHY_NONE,          /* there is none: no terminal, no login, no connection */
        WHO_WHY_REFUSED,       /* the kernel refused to tell */
        WHO_WHY_UNREADABLE,    /* what was there could not be read or understood */
        WHO_WHY_ELSEWHERE,     /* a web server on the other end of a TCP connection knows it: its access log */
};

/* One process beside the writer: a parent, or the leader of its session. */
struct who_process {
        pid_t pid;
        uint64_t start_ticks; /* after boot: with the number this names the process for good */
        uid_t uid;            /* (uid_t)-1: not known */
        char comm[80];
        char exe[WHO_NAME_SIZE]; /* "" when it could not be read */
};

/* The service of this machine that the writer works for. */
enum who_service {
        WHO_SERVICE_NONE,
        WHO_SERVICE_SSH,
        WHO_SERVICE_SFTP,
        WHO_SERVICE_FTP,
        WHO_SERVICE_WEB, /* a web server */
        WHO_SERVICE_PHP, /* a language runtime behind one */
};

enum who_source {
        WHO_SOURCE_NONE,
        WHO_SOURCE_SOCKET,     /* the session's own connection, asked from the kernel */
        WHO_SOURCE_WEB_SOCKET, /* the connections that the web server's process had when it was asked */
        WHO_SOURCE_LOGIND,     /* systemd-logind's record of the session */
        WHO_SOURCE_UTMP,
        WHO_SOURCE_AUDIT,   /* auditd's log */
        WHO_SOURCE_FTP_LOG, /* the FTP server's own log */
        WHO_SOURCE_SSH_LOG, /* sshd's lines in the system's log */
};

/* How far `remote` can be trusted, the most certain first. */
enum who_trust {
        WHO_CERTAIN,   /* the kernel says so */
        WHO_RECORDED,  /* a record says so that only root's programs write */
        WHO_CLAIMED,   /* a log says so that any program of this machine can write to */
        WHO_AMBIGUOUS, /* one of the listed connections, it is not known which (also when there is only one) */
};

struct who_address {
        sa_family_t family; /* AF_INET or AF_INET6; a mapped IPv4 address is AF_INET */
        uint8_t bytes[16];
        uint16_t port; /* 0: not known */
};

struct who_remote {
        enum who_source source;
        enum who_trust trust;
        size_t count;                                 /* of different addresses that were found */
        struct who_address addresses[WHO_CANDIDATES]; /* the first of them */
        char host[WHO_NAME_SIZE];                     /* a record that has a name and no address: the name */
        pid_t holder;                                 /* process whose connection it is; 0: none */
};

struct who {
        pid_t pid;
        enum who_state state;
        enum who_why why[WHO_FIELDS];
        int64_t asked_us; /* when it was asked: microseconds since 1970 */
        int64_t started;  /* seconds since 1970, from the boot time */
        struct who_process process;
        char command[WHO_COMMAND_SIZE]; /* arguments with a space between them */
        uid_t euid;
        gid_t gid;
        uid_t login_uid;  /* as at the login, su and sudo do not change it */
        uint32_t session; /* audit session */
        char user[WHO_NAME_SIZE];
        char login_user[WHO_NAME_SIZE];
        char terminal[32];
        char cgroup[WHO_NAME_SIZE];
        char unit[WHO_NAME_SIZE]; /* systemd unit of the system's manager: a service or a scope */
        size_t parent_count;
        struct who_process parents[WHO_PARENTS];
        bool more_parents; /* there are more between the last one and the first process */
        struct who_process leader;
        enum who_service service;
        char service_name[32];              /* "vsftpd", "sshd", "nginx" */
        struct who_process service_process; /* the nearest process of it: the writer itself or an ancestor */
        struct who_process web_process;     /* the web server's process that serves visitors; its pid is 0: none */
        char account[WHO_NAME_SIZE]; /* the name that the service's log has for the session (a virtual user); "" none */
        struct who_remote remote;
};

/* Where the system keeps its records; for tests, and for servers that keep them elsewhere. NULL members: not looked at.
 */
struct who_places {
        const char *utmp;
        const char *logind;     /* folder of session records */
        const char *ftp_log;    /* vsftpd's */
        const char *system_log; /* with sshd's lines */
        const char *audit_log;
};
extern const struct who_places who_system_places;

/* The fast step. `pidfd` is borrowed. Cannot fail: what could not be had is told in *ret_who. */
void who_ask(int pidfd, pid_t pid, struct who *ret_who);

/*
 * The fast step with a memory of the last 64 writers. One that has ended is told as it was asked at an earlier event,
 * if it is proven to be the same process: by its start, or, when only its number is left, because so little time has
 * passed that the number cannot have been given out again. For one thread; about half a megabyte.
 */
struct who_memory;
struct who_memory *who_memory_new(void); /* NULL without memory */
void who_memory_free(struct who_memory *memory);
void who_memory_ask(struct who_memory *memory, int pidfd, pid_t pid, struct who *ret_who);

/* The slow step; `places` NULL: the system's own. The writer may have ended since. */
void who_resolve(struct who *who, const struct who_places *places);

/* The record for the journal: at least "pid", "exe", "uid" (null when not known; "missing" says why). A new reference,
 * NULL without memory. Depth 3; keys and words in it are never translated. */
struct json_t;
struct json_t *who_json(const struct who *who);

/* One sentence without a full stop, in the person's language: "vsftpd, user www-upload (uid 1001), FTP session from
 * 192.0.2.7". 0 or a negative errno of the buffer. */
int who_text(const struct who *who, struct buffer *out);

#endif
