/*
 * protocol.h - what the gate is told and what it tells: fixed structures over SOCK_SEQPACKET socket pairs.
 *
 * The gate (libexec/understudy-gate) is the guard's root part: a program of its own, linked to libc alone, that answers
 * the kernel's question "may this file be opened?" (fanotify(7), FAN_OPEN_PERM). It opens no file of a tree, parses
 * nothing, and allocates nothing after its start. It decides by what it was told here:
 *
 *     guard (brain) ──requests──> gate <──events── kernel
 *           <──reports──            └──questions──> verifiers (unprivileged, sandboxed) ──answers──>
 *
 * Descriptors that the gate is started with: 3 the channel to the guard, 4 the permission group, 5 the group that tells
 * of changed names, 6 a lock file (see gate.c, orphans). The guard made both groups and holds them, too, so that opens
 * wait instead of passing when the gate dies.
 *
 * Both ends are built from the same source, so there are no versions. A packet of another size than its structure is a
 * programming mistake of the guard and ends the gate; what a verifier sends is checked, for it may have been taken
 * over.
 */
#ifndef GATE_PROTOCOL_H
#define GATE_PROTOCOL_H

#include <stdint.h>

#define GATE_CHANNEL_FD 3
#define GATE_GROUP_FD   4
#define GATE_NAMES_FD   5
#define GATE_LOCK_FD    6

#define GATE_TREES     64   /* roots and areas under one guard */
#define GATE_VERIFIERS 8    /* sockets of verifiers */
#define GATE_PATH_SIZE 4096 /* bytes of a path with its NUL */

/* FAN_PRE_ACCESS of Linux 6.14, for a group that asks before each read, too. */
#define GATE_PRE_ACCESS UINT64_C(0x100000)

/* ---- guard to gate: the closed list of verbs ---- */

enum gate_verb {
        GATE_SETUP = 1,    /* first, once: limits. No descriptor. */
        GATE_TREE = 2,     /* what is under guard at `tree`: its folder (descriptor, O_RDONLY | O_DIRECTORY) and its
                              absolute path. Again for the same number: it is another folder now (after an exchange);
                              what was known stays known until GATE_FORGET. */
        GATE_AREA = 3,     /* the same for a mutable area: asked every time, never remembered */
        GATE_GENUINE = 5,  /* descriptor of a file that was verified under a read lease which it still carries: from
                              now on the gate holds the lease, and when the file is opened nobody hashes it again. That
                              open gives it its mark: from then on the kernel asks no more until it is modified */
        GATE_FORGET = 6,   /* everything remembered of `tree` but what came with generation >= argument. Verifiers must
                              know the new release before: what is asked from then on is remembered. */
        GATE_FLUSH = 7,    /* take all ignore marks away; leases stay, so the next open costs no hashing */
        GATE_VERIFIER = 8, /* descriptor: socket of a verifier for slot `argument`; replaces the one there, whose open
                              questions are asked again */
        GATE_PING = 9,     /* answered with GATE_PONG and the same argument. The first one also says that all was told:
                              only from then on are the kernel's questions taken, for before it every file would look
                              as if it lay outside. */
        GATE_WATCHING = 11, /* the folders of `tree` are being given the names' group's marks; argument: which time */
        GATE_WATCHED = 12,  /* they have them, for the time that is named: unless a folder came, went or changed its name
                               meanwhile, files of the tree may get ignore marks, for whatever changes their names is
                               told. Without it each open is asked. */
        GATE_STOP = 10,    /* allow what waits, take everything away, exit */
};

struct gate_request {
        uint32_t verb;
        uint32_t tree;
        uint64_t argument; /* GATE_GENUINE, GATE_TREE: generation; see above for others */
        uint32_t path_length;
        char path[GATE_PATH_SIZE]; /* GATE_TREE, GATE_AREA: absolute, no links in it; else relative to the tree;
                                      NUL-terminated. Only the bytes up to the NUL are sent. */
};

struct gate_setup {
        uint32_t verb;        /* GATE_SETUP */
        uint32_t verdict_ms;  /* a question that no verifier has answered by then gets the default */
        uint32_t late_allow;  /* the default: 0 refuse, 1 allow */
        uint32_t cache_files; /* most files whose leases are held; 0: as many as RLIMIT_NOFILE leaves */
        uint64_t program_device, program_inode; /* of the understudy executable: opens of it when root runs it are
                                                   always allowed (verify and pull must read what differs) */
};

/* ---- gate to guard ---- */

enum gate_report_verb {
        GATE_READY = 1,   /* answer to GATE_SETUP: argument is the number of files that can be remembered */
        GATE_REFUSED = 2, /* an open was refused; reason and path; argument: enum gate_how */
        GATE_TOUCHED = 3, /* somebody opens a genuine file for writing (its lease is being broken) */
        GATE_PONG = 4,    /* with counters */
        GATE_NAMES = 5,   /* names changed in a folder under guard; marks were flushed. argument: 1 if it was a folder's,
                             and GATE_WATCHED of all trees counts no more */
        GATE_GONE = 6,    /* verifier in slot `argument` is gone or talks nonsense: give another one */
        GATE_SLOW = 7, /* verifier in slot `argument` let a question go unanswered until its time was over; it is asked
                          no more before it has answered */
};

enum gate_how {                      /* bits */
                GATE_ELSEWHERE = 1,  /* opened through another mount than the tree's, as from a container */
                GATE_BY_DEFAULT = 2, /* it was allowed all the same: GATE_LATE where gate_setup says so */
};

enum gate_reason {
        GATE_REASON_NONE = 0,
        GATE_DIFFERS = 1,    /* content is not the release's */
        GATE_UNLISTED = 2,   /* the release has no such file */
        GATE_WRITER = 3,     /* somebody has it open for writing, or mapped */
        GATE_LATE = 4,       /* no verdict in time */
        GATE_UNREADABLE = 5, /* it could not be read to the end */
        GATE_BREACH = 6,     /* a mutable area's rule */
        GATE_NO_ROOM = 7,    /* too many questions at once */
};

struct gate_counters {
        uint64_t asked, allowed, refused, late, outside, remembered, lost_reports, flushes, pending;
};

struct gate_report {
        uint32_t verb;
        uint32_t tree;
        uint32_t reason;
        int32_t pid; /* of the opener; GATE_TOUCHED: 0, the kernel does not tell */
        uint64_t argument;
        uint64_t device, inode;
        struct gate_counters counters; /* GATE_PONG */
        uint32_t path_length;
        char path[GATE_PATH_SIZE]; /* relative to the tree; as it is on the disk, not escaped */
};

/* ---- gate to verifier and back ---- */

struct gate_question { /* with the descriptor of the file, O_RDONLY; several may share its offset: use pread() */
        uint64_t id;
        uint32_t tree;
        uint32_t path_length;
        char path[GATE_PATH_SIZE]; /* relative to the tree */
};

enum gate_verdict {
        GATE_VERDICT_GENUINE = 1, /* equal to the release: may be remembered */
        GATE_VERDICT_ALLOWED = 2, /* an ignored path or an area, and no rule is broken: not remembered */
        GATE_VERDICT_REFUSED = 3, /* with its reason */
};

struct gate_answer {
        uint64_t id;
        uint32_t verdict;
        uint32_t reason; /* enum gate_reason */
};

#endif
