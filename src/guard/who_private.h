/*
 * who_private.h - what the parts of who share: a process held by its directory of /proc, and its connections.
 *
 * A directory of /proc/PID that was opened belongs to that process for good: when it has ended, whatever is read below
 * says ESRCH, also when the number has been given to another process.
 */
#ifndef GUARD_WHO_PRIVATE_H
#define GUARD_WHO_PRIVATE_H

#include <stddef.h>

#include "who.h"
#include "who_parse.h"

/* A text of /proc that is read whole: stat and status are about 1.5 KB, a path of a control group up to 4 KB. */
#define WHO_FILE_SIZE 8192

struct who_handle {
        int directory; /* of /proc; -1: none */
        pid_t pid;
        struct who_stat stat; /* its `comm` is not kept */
        struct who_ids ids;   /* when process.uid is known */
        struct who_process process;
        enum who_why exe_why;
        char exe_name[64]; /* last part of the program's path, as it is; "" when unknown */
};

#define WHO_HANDLE_NONE ((struct who_handle){ .directory = -1 })

void who_handle_done(struct who_handle *handle);

/* Opens a process and reads its name, program and user. Negative errno: -ENOENT or -ESRCH when there is no such
 * process. The caller proves that it is the one it means: by a pidfd, or by its start. */
int who_handle_open(pid_t pid, struct who_handle *ret_handle);

/* Reads a small file of the process; bytes read or a negative errno. */
ssize_t who_read(int directory, const char *name, char *text, size_t size);

/* Escapes into a text of fixed size; "..." at the end when it was cut. */
void who_escape(char *text, size_t size, const char *bytes, size_t length);

/* Why something could not be read. */
enum who_why who_why(int errnum);

/* The service that a program is known for; its file must belong to root, or everybody could call a program sshd. */
enum who_service who_service_of(const struct who_handle *handle);

/* The connections that a process holds, asked from the kernel. */
struct who_sockets {
        struct who_remote remote; /* TCP connections from elsewhere; trust and source are the caller's */
        bool listening;           /* it also accepts new ones */
        pid_t unix_peer;          /* the process that connected to a Unix socket of it; 0: none */
        bool unix_peers;          /* there is more than one of them */
        bool cut;                 /* it has more descriptors than were looked at */
        bool refused;             /* the kernel did not let us look */
};

/*
 * Looks at the first `limit` descriptors of a process. `incoming_only`: a connection counts only when its local port is
 * one that the process listens on (a web server also connects to others itself).
 */
void who_sockets(const struct who_handle *handle, size_t limit, bool incoming_only, struct who_sockets *ret);

/* Whatever the port. */
bool who_address_equal(const struct who_address *a, const struct who_address *b);

/* "192.0.2.7", "2001:db8::7" */
#define WHO_ADDRESS_SIZE 48
void who_address_text(const struct who_address *address, char text[static WHO_ADDRESS_SIZE]);

/* Where the other processes of the same login are connected to: who_session.c. Changes nothing when there are none. */
void who_look_at_session(struct who *who);

/* "sshd's socket", "utmp": where the address is known from. English, for JSON, and a name in a sentence. */
void who_source_text(const struct who *who, char *text, size_t size);

#endif
