/*
 * lease.h - read leases (fcntl(2), F_SETLEASE): as long as one is held, nobody can change the file's bytes.
 *
 * The kernel gives one only while nobody has the file open for writing (shared writable mappings included), and lets
 * a later writer wait until it was given back. That is what makes it safe to remember a verdict. The one way around was
 * found by trying: open(O_RDONLY | O_TRUNC) breaks no read lease. So who relies on a lease compares the size, too.
 */
#ifndef GATE_LEASE_H
#define GATE_LEASE_H

#include <stdbool.h>

/* The signal that tells of a writer (si_fd: which descriptor's lease); SIGIO instead when too many are queued. */
#define LEASE_SIGNAL (SIGRTMIN + 4)

/* 0; -EAGAIN: it is open for writing; another negative errno: this file system has no leases. */
int lease_take(int fd);

/* A lease that another process has set on this open file description is ours from now on. False when it was broken. */
bool lease_adopt(int fd);

/* Whether it is there and no writer waits: the kernel says so before it has sent the signal. */
bool lease_held(int fd);

/* Lets the writer go on. Explicitly, for a verifier may still have the same description open. */
void lease_drop(int fd);

#endif
