/*
 * postgres.h - the database's own side of the fence: PostgreSQL's access rules, and its sessions.
 *
 * Everything here has a deadline: a database that hangs is not waited for, it is an error.
 *
 * That new rules are in force is seen, not believed. pg_hba_file_rules shows what stands in the file, not what the
 * server goes by, and a reload that fails is only told to the server's log. So each text of ours has a canary, a line
 * about an address of the loopback network that is new each time. Before, a connection from there is answered in one
 * way; when the answer has turned into the other, the server goes by the new text, all of it. The connection gets as
 * far as that answer and ends there; it has no password.
 *
 * The connection for questions is by the Unix socket, as the user that the server runs as; a process of root's becomes
 * that user for the moment in which it connects. It must be a superuser's: others do not see whose sessions there are,
 * and nothing would look like nobody.
 */
#ifndef TRAFFIC_POSTGRES_H
#define TRAFFIC_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "hba.h"
#include "peer.h"

struct postgres_options {
        const char *conninfo; /* libpq's, as "host=/run/postgresql user=postgres dbname=postgres" */
        const char *run_as;   /* a user of this machine, as "postgres"; NULL: as this process is */
        const char *hba_file; /* NULL: the server is asked */
        struct peer_address
                listen; /* an IPv4 address of this host at which the server listens: where the web servers go */
        uint16_t port;
        int timeout_ms; /* for each question; 0: 5,000 */
};

struct postgres;

/* Connects. -ECONNREFUSED and the like as libpq tells them in words. */
int postgres_open(const struct postgres_options *options, struct postgres **ret_postgres, struct error *err);
void postgres_close(struct postgres *postgres);

/* Whether a connection that was made some time ago still works: the server has not ended it, and has answered all that it was
 * asked. Asks nothing; a server that hangs is found out by the next question. */
bool postgres_lives(struct postgres *postgres);
/* For each question from now on; 0: 5,000. */
void postgres_be_patient(struct postgres *postgres, int timeout_ms);
void postgres_closep(struct postgres **postgres); /* for _cleanup_() */

/*
 * Writes the rules that keep these servers out, has them loaded, and comes back when they are seen in force. When the
 * server finds an error in the file, the text that was there is put back. On failure after that the new text may or may
 * not be in force: the same call again is what helps.
 */
int postgres_rules(struct postgres *postgres, uint64_t epoch, const struct peer *const *out, size_t out_count,
                   struct error *err);

/*
 * Before the same call of postgres_rules(): the text that it will write is brought to the disk, and somebody asks from the new
 * canary's address, so that neither is waited for later. Nothing that it does is seen by the server's rules, and what is not as it
 * was thought to be is done by postgres_rules() as without it. Waits for nobody.
 */
void postgres_rules_prepare(struct postgres *postgres, uint64_t epoch, const struct peer *const *out, size_t out_count);

/* For the first such call: finds the file, and learns how strangers are answered. */
void postgres_rules_warm(struct postgres *postgres);

/* Takes our block out of the file and reloads. */
int postgres_rules_remove(struct postgres *postgres, struct error *err);

/* How many sessions the server has from there. */
int postgres_sessions(struct postgres *postgres, const struct peer *peer, size_t *ret_count, struct error *err);

/* The server's first process, whose children have the sessions; 0: not known (the connection is not by a Unix socket). */
pid_t postgres_server(struct postgres *postgres);

/* Has them ended, without waiting; *ret_count is how many were told to. */
int postgres_terminate(struct postgres *postgres, const struct peer *peer, size_t *ret_count, struct error *err);

/* ---------------------------------------------------------------- pure */

/* How a server answers the first packet of a connection (PostgreSQL's manual, "Message Formats"). */
enum postgres_answer {
        POSTGRES_UNCLEAR,  /* not the whole answer, or not one that is about the access rules */
        POSTGRES_REJECTED, /* SQLSTATE 28000: by a line that rejects, or by no line */
        POSTGRES_ASKED,    /* authentication is asked for, or was not needed: by a line that admits */
};

#define POSTGRES_ANSWER_MAXIMUM 4096
enum postgres_answer postgres_answer_read(const void *bytes, size_t length);

/* The first packet, for that user and database; returns its length. */
size_t postgres_startup(const char *user, const char *database, uint8_t packet[static 256]);

#endif
