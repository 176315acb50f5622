/*
 * sandbox.h - giving up rights, once and for ever, in the process that reads outside bytes.
 *
 * sandbox_enter() is called in a forked child before it reads its first outside byte: another uid (when root), no
 * capabilities, no_new_privs, limits on memory, descriptors and file size, Landlock where the kernel has it, and a
 * seccomp filter. What each layer allows is listed with its reason in sandbox.c, sandbox_landlock.c and
 * sandbox_seccomp.c. Only the calling thread enters: there must be no other one.
 *
 * What is left without `network`: reading and writing descriptors that are open, memory, clocks. No name of the file
 * system can be used at all. With it: TCP and UDP sockets, threads, and opening files for reading.
 */
#ifndef IPC_SANDBOX_H
#define IPC_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sandbox {
        bool network; /* TCP and UDP sockets out, name resolution and TLS roots readable; otherwise no socket at all */
        bool serve;   /* accepting connections on a listening socket that is open already, and talking on them; with
                         `network` false nothing else of the network, and no name */
        const char *const *read_paths; /* further folders or files that may be read (with network only);
                                          NULL-terminated, NULL for none */
        uint64_t memory_bytes;         /* RLIMIT_AS (not set under sanitizers, which reserve terabytes) */
        bool outlives;    /* goes on when its parent is gone; otherwise it is killed then */
        const char *user; /* user to become when root; NULL: "understudy", else "nobody" when there is no such user */
};

/* Any layer that the kernel has but that fails is an error; a layer that the kernel lacks is skipped (`check` names
 * it). */
int sandbox_enter(const struct sandbox *sandbox, struct error *err);

/*
 * Looks the user up now who is become when `user` is NULL. For a process with threads, before it has them: what it forks
 * later must not ask the name service, in which another thread may just be.
 */
void sandbox_prepare(void);

/* What this kernel offers, for `check`. */
struct sandbox_support {
        int landlock_abi; /* 0: none */
        bool seccomp;
};
void sandbox_support(struct sandbox_support *ret_support);

/* Built with AddressSanitizer: its runtime needs room that the limits would not give. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_INSTRUMENTED 1
#endif
#endif
#ifndef SANDBOX_INSTRUMENTED
#define SANDBOX_INSTRUMENTED 0
#endif

#endif
