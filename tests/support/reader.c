/*
 * reader.c - a visitor without a network: opens files of a tree, one after the other, until SIGTERM, and says what he
 * got.
 *
 *     reader TREE NAMES GENUINE...
 *
 * NAMES is a file with a path a line, GENUINE are folders that a file of TREE may be equal to under its name. Whether
 * bytes are genuine is decided here, by what was read, not by what a guard says. At the end one line:
 *
 *     {"genuine": 812, "wrong": 0, "refused": 3, "missing": 0, "other": 0, "longest_ms": 41, "wrong_name": ""}
 *
 * An open that does not come back within a minute ends the reader with status 3.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAMES_MAXIMUM 4096
#define BYTES_MAXIMUM 65536
#define HANGS_S       60
#define PAUSE_US      500

static struct {
        unsigned long long genuine, wrong, refused, missing, other;
        long longest_ms;
        const char *wrong_name;
} count = { .wrong_name = "" };

static volatile sig_atomic_t told_to_stop;

static void stop(int number)
{
        (void)number;
        told_to_stop = 1;
}

static void hang(int number)
{
        static const char words[] = "reader: an open does not come back\n";

        (void)number;
        (void)!write(STDERR_FILENO, words, sizeof(words) - 1);
        _exit(3);
}

static long now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Bytes read, or a negative errno. */
static ssize_t slurp(const char *folder, const char *name, char bytes[static BYTES_MAXIMUM])
{
        char path[4096];
        ssize_t n, length = 0;
        int fd;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        while (length < BYTES_MAXIMUM && (n = read(fd, bytes + length, (size_t)(BYTES_MAXIMUM - length))) != 0) {
                if (n < 0) {
                        n = -errno;
                        close(fd);
                        return n;
                }
                length += n;
        }
        close(fd);
        return length;
}

static bool is_genuine(const char *name, const char *bytes, ssize_t length, char *const *folders)
{
        static char expected[BYTES_MAXIMUM];

        for (; *folders; folders++)
                if (slurp(*folders, name, expected) == length && memcmp(bytes, expected, (size_t)length) == 0)
                        return true;
        return false;
}

static void visit(const char *tree, const char *name, char *const *folders)
{
        static char bytes[BYTES_MAXIMUM];
        long began = now_ms(), took;
        ssize_t n;

        alarm(HANGS_S);
        n = slurp(tree, name, bytes);
        alarm(0);
        took = now_ms() - began;
        if (took > count.longest_ms)
                count.longest_ms = took;
        if (n == -EPERM) {
                count.refused++;
        } else if (n == -ENOENT) {
                count.missing++;
        } else if (n < 0) {
                count.other++;
        } else if (is_genuine(name, bytes, n, folders)) {
                count.genuine++;
        } else {
                count.wrong++;
                count.wrong_name = name;
        }
}

int main(int argc, char *argv[])
{
        static char *names[NAMES_MAXIMUM];
        size_t name_count = 0, room = 0;
        FILE *list = argc < 4 ? NULL : fopen(argv[2], "re");
        char *line = NULL;
        ssize_t length;

        if (!list) {
                fprintf(stderr, "usage: reader TREE NAMES GENUINE...\n");
                return 2;
        }
        while (name_count < NAMES_MAXIMUM && (length = getline(&line, &room, list)) > 1) {
                line[length - 1] = '\0';
                names[name_count++] = strdup(line);
        }
        free(line);
        fclose(list);
        signal(SIGTERM, stop);
        signal(SIGALRM, hang);
        for (size_t i = 0; name_count && !told_to_stop; i = (i + 1) % name_count) {
                visit(argv[1], names[i], &argv[3]);
                usleep(PAUSE_US);
        }
        printf("{\"genuine\": %llu, \"wrong\": %llu, \"refused\": %llu, \"missing\": %llu, \"other\": %llu, "
               "\"longest_ms\": %ld, "
               "\"wrong_name\": \"%s\"}\n",
               count.genuine, count.wrong, count.refused, count.missing, count.other, count.longest_ms,
               count.wrong_name);
        for (size_t i = 0; i < name_count; i++)
                free(names[i]);
        return 0;
}
