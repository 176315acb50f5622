/*
 * sandbox_layers.h - the two kernel layers of the sandbox; only sandbox.c calls them.
 */
#ifndef IPC_SANDBOX_LAYERS_H
#define IPC_SANDBOX_LAYERS_H

#include "ipc/sandbox.h"

/* 0 when the kernel has no Landlock. */
int sandbox_landlock_abi(void);

/* Both need no_new_privs. Landlock is skipped where there is none. */
int sandbox_landlock_enter(const struct sandbox *sandbox, struct error *err);
int sandbox_seccomp_enter(const struct sandbox *sandbox, struct error *err);

#endif
