/*
 * noticed.c - how long it takes until a log names a file that was changed: for the guard, and for programs that only
 * watch.
 *
 *     bench_noticed SPARE LOG PAUSE FILE...
 *
 * SPARE is a name on the same file system, outside of what is watched: another page is written there and renamed over
 * FILE, and the clock runs until LOG has grown by lines in which the last part of FILE's name occurs. Afterwards FILE
 * gets its own bytes back, and PAUSE seconds are waited. Prints for each FILE one JSON object: noticed_ms, null after a
 * minute.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 60000
#define ROOM     (1 << 20)

static const char page[] = "<!doctype html><script src=\"http://malware.invalid/x.js\"></script>\n";

static double now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static off_t size_of(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 ? st.st_size : 0;
}

static bool put(const char *spare, const char *path, const char *bytes, size_t length)
{
        int fd = open(spare, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        bool written = fd >= 0 && write(fd, bytes, length) == (ssize_t)length;

        if (fd >= 0)
                close(fd);
        return written && rename(spare, path) == 0;
}

/* Whether the log names it behind `before`. */
static bool is_named(const char *log, off_t before, const char *name)
{
        static char bytes[ROOM];
        int fd = size_of(log) > before ? open(log, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t length = fd < 0 ? 0 : pread(fd, bytes, sizeof(bytes), before);

        if (fd >= 0)
                close(fd);
        return length > 0 && memmem(bytes, (size_t)length, name, strlen(name));
}

static int notice(const char *path, const char *spare, const char *log)
{
        static char genuine[ROOM];
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd < 0 ? -1 : read(fd, genuine, sizeof(genuine));
        const off_t before = size_of(log);
        double since = now_ms();
        bool named = false;

        if (fd >= 0)
                close(fd);
        if (length < 0 || !put(spare, path, page, sizeof(page) - 1)) {
                perror(path);
                return 1;
        }
        while (!named && now_ms() - since < LIMIT_MS) {
                named = is_named(log, before, name);
                if (!named)
                        nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
        }
        if (named)
                printf("{\"noticed_ms\": %.2f}\n", now_ms() - since);
        else
                puts("{\"noticed_ms\": null}");
        fflush(stdout);
        return put(spare, path, genuine, (size_t)length) ? 0 : 1;
}

int main(int argc, char **argv)
{
        if (argc < 5) {
                fprintf(stderr, "usage: bench_noticed SPARE LOG PAUSE FILE...\n");
                return 2;
        }
        for (int i = 4; i < argc; i++) {
                if (notice(argv[i], argv[1], argv[2]) != 0)
                        return 1;
                sleep((unsigned int)strtoul(argv[3], NULL, 10));
        }
        return 0;
}
