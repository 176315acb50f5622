#include "fault.h"

#ifdef UNDERSTUDY_FAULT_POINTS

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_ulong passed;
static unsigned long chosen; /* 0: none */
static pid_t counting;       /* the process whose count is written: not its children */

static const int error_of_kind[] = {
        [FAULT_ALLOCATE] = ENOMEM, [FAULT_OPEN] = EMFILE, [FAULT_READ] = EIO,   [FAULT_WRITE] = ENOSPC,
        [FAULT_SYNC] = EIO,        [FAULT_RENAME] = EIO,  [FAULT_SEND] = EPIPE, [FAULT_FORK] = EAGAIN,
};

static void write_count(void)
{
        const char *path = getenv("UNDERSTUDY_FAULT_COUNT");
        FILE *file;

        if (!path || getpid() != counting)
                return;
        file = fopen(path, "we");
        if (!file)
                return;
        fprintf(file, "%lu\n", atomic_load(&passed));
        fclose(file);
}

__attribute__((constructor)) static void read_choice(void)
{
        const char *text = getenv("UNDERSTUDY_FAULT");

        chosen = text ? strtoul(text, NULL, 10) : 0;
        counting = getpid();
        atexit(write_count);
}

bool fault_point(enum fault_kind kind)
{
        if (atomic_fetch_add(&passed, 1) + 1 != chosen)
                return false;
        errno = error_of_kind[kind];
        return true;
}

#endif

/* A translation unit must not be empty in the builds that have no fault points. */
extern int fault_points_are_built_in;
int fault_points_are_built_in =
#ifdef UNDERSTUDY_FAULT_POINTS
        1;
#else
        0;
#endif
