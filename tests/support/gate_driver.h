/*
 * gate_driver.h - plays the guard and its verifiers for a gate, on a file system of its own (a mounted image).
 *
 *     driver_begin(&driver, program);        a mount namespace, an image, a tree in it
 *     driver_put(&driver, "a.html", true);   a genuine page: its content names its own path
 *     driver_start(&driver);                 with driver.setup
 *     driver_visit(&driver, "tree/a.html")   what a visitor gets
 *     driver_end(&driver);
 *
 * Never on a file system that others use: a permission mark stalls everybody's files. Whatever fails here ends the
 * program, with a sentence, and the namespace with its mounts goes with it.
 */
#ifndef TESTS_GATE_DRIVER_H
#define TESTS_GATE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gate/protocol.h"

#define DRIVER_PATH      512
#define DRIVER_VERIFIERS 2
#define DRIVER_NAME      "understudy" /* of the process that plays the guard */

struct driver {
        const char *program;
        char folder[DRIVER_PATH]; /* of everything */
        char disk[DRIVER_PATH];   /* where the image is mounted: has the folders tree, area and outside */
        struct gate_setup setup;
        uint64_t events;      /* that the kernel asks about; see driver_ask() */
        uint64_t descriptors; /* the gate's limit; 0: as ours */
        uint64_t generation;
        int channel, group, names, lock, serves;
        pid_t gate;
        pid_t verifiers[DRIVER_VERIFIERS];
        int sockets[DRIVER_VERIFIERS]; /* the gate's ends, kept for a successor */
        struct gate_report report;     /* the last one taken */
};

enum visit {
        VISIT_GENUINE,
        VISIT_TAMPERED, /* it was opened, and the bytes are not the page's */
        VISIT_REFUSED,  /* EPERM */
        VISIT_FAILED,   /* another error */
        VISIT_WAITS,    /* no answer within the time */
};

void driver_begin(struct driver *driver, const char *program);
void driver_end(struct driver *driver);

/* A new file "tree/NAME" with the content of a genuine page, or of something else; renamed to there. */
void driver_put(const struct driver *driver, const char *name, bool genuine);
void driver_write(const struct driver *driver, const char *path, const char *content);
/* DISK/path in a static place of four. */
const char *driver_path(const struct driver *driver, const char *path);

/* Another group, which asks before each read as well (Linux 6.14), or not. False: this kernel cannot. Without a gate.
 */
bool driver_ask(struct driver *driver, bool each_read);

/* A gate in charge, told of the tree (0) and the area (1), with all verifiers; returns when it is ready. */
void driver_start(struct driver *driver);
/* The same in its parts, for a gate that takes over. */
void driver_spawn(struct driver *driver);
void driver_tell(struct driver *driver);
void driver_stop(struct driver *driver);

void driver_verifier(struct driver *driver, unsigned int slot);
/* Marks the names of a folder of the tree as the guard does. */
void driver_watch(const struct driver *driver, const char *path);

/* Tells the gate that all folders of the tree are (as it is when it starts). */
void driver_watched(struct driver *driver);

void driver_request(struct driver *driver, enum gate_verb verb, uint32_t tree, uint64_t argument, const char *path,
                    int fd);
/* Verified under a lease, as the guard does it. */
void driver_genuine(struct driver *driver, const char *name);
/* Waits for a report; false when none came in `timeout_ms`. Others before it are thrown away. */
bool driver_report(struct driver *driver, enum gate_report_verb verb, int timeout_ms);
/* Everything that was sent before was done; its counters. Earlier reports are thrown away. */
struct gate_counters driver_sync(struct driver *driver);

/* In a process of its own, as root with another program; `flags` of open(2). */
enum visit driver_visit(const struct driver *driver, const char *path);
enum visit driver_visit_path(const char *path, int timeout_ms);
int driver_open_error(const char *path, int flags); /* 0 or the errno */

/* What a genuine page at this path contains. */
size_t driver_page(const char *name, char *text, size_t size);

#endif
