/*
 * measure - runs a command and appends what it cost to a file: seconds of wall clock, seconds of processor (user and
 * system, with all the children that were waited for), peak memory of the largest process in kB, bytes that went over
 * the loopback interface meanwhile, and the exit status; one line, with spaces between.
 *
 *     measure FILE COMMAND...
 *
 * Ends with the command's status. The loopback figure is the network namespace's: bench/run.sh works in one of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
        fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
        exit(125);
}

static double seconds_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time)
{
        return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* What the loopback interface received since this network namespace was made; 0 when that cannot be known. */
static uint64_t loopback_bytes(void)
{
        FILE *file = fopen("/proc/self/net/dev", "re");
        uint64_t bytes = 0;
        char line[512];

        if (!file)
                return 0;
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, " lo: %" SCNu64, &bytes) == 1)
                        break;
        fclose(file);
        return bytes;
}

int main(int argc, char *argv[])
{
        struct rusage usage;
        uint64_t bytes;
        double start;
        FILE *file;
        pid_t child;
        int status;

        if (argc < 3) {
                fprintf(stderr, "usage: measure FILE COMMAND...\n");
                return 125;
        }
        bytes = loopback_bytes();
        start = seconds_now();
        child = fork();
        if (child < 0)
                fail("fork");
        if (child == 0) {
                execvp(argv[2], argv + 2);
                fail(argv[2]);
        }
        while (wait4(child, &status, 0, &usage) < 0)
                if (errno != EINTR)
                        fail("wait4");
        start = seconds_now() - start;
        bytes = loopback_bytes() - bytes;
        status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        file = fopen(argv[1], "ae");
        if (!file)
                fail(argv[1]);
        fprintf(file, "%.3f %.3f %ld %" PRIu64 " %d\n", start, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
                usage.ru_maxrss, bytes, status);
        if (fclose(file) != 0)
                fail(argv[1]);
        return status;
}
