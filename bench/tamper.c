/*
 * tamper.c - how long the guard takes: another file comes in place of one, and the clock runs until the journal has the
 * record and until the file has its own bytes again and the web server was reloaded.
 *
 *     bench_tamper SPARE CHECKPOINT RELOADED PAUSE FILE...
 *
 * SPARE is a name outside of the tree on the same file system: what is written there is renamed over FILE (a write in place
 * is refused by a kernel that asks before reads). CHECKPOINT is the journal's (it is replaced once a record is durable), RELOADED a file that the guard's reload command
 * makes longer, PAUSE the seconds between two files, so that nothing of one is still going on in the next. Prints for
 * each FILE one JSON object: record_ms, healed_ms. Ends in 1 when a file was not healed within 30 seconds.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 30000

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

/* When a file was last written, in nanoseconds. */
static int64_t written_ns(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec : 0;
}

/* The whole of a file, or 0 bytes while it is refused. Its room is the caller's. */
static size_t content(const char *path, char *into, size_t room)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd >= 0 ? read(fd, into, room) : 0;

        if (fd >= 0)
                close(fd);
        return length > 0 ? (size_t)length : 0;
}

static bool write_page(const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        bool written = fd >= 0 && write(fd, page, sizeof(page) - 1) == (ssize_t)sizeof(page) - 1;

        if (fd >= 0)
                close(fd);
        return written;
}

static bool tamper(const char *path, const char *spare, const char *checkpoint, const char *reloaded)
{
        static char genuine[1 << 16], found[1 << 16];
        const size_t length = content(path, genuine, sizeof(genuine));
        const int64_t before = written_ns(checkpoint);
        const off_t reloads = size_of(reloaded);
        double since, recorded_ms = 0, healed_ms = 0;
        bool recorded = false, healed = false;

        if (!length || !write_page(spare)) {
                fprintf(stderr, "bench_tamper: cannot read %s or write %s\n", path, spare);
                return false;
        }
        since = now_ms();
        if (rename(spare, path) < 0) {
                fprintf(stderr, "bench_tamper: cannot write %s\n", path);
                return false;
        }
        while ((!recorded || !healed) && now_ms() - since < LIMIT_MS) {
                if (!recorded && written_ns(checkpoint) != before) {
                        recorded = true;
                        recorded_ms = now_ms() - since;
                }
                if (!healed && size_of(reloaded) > reloads && content(path, found, sizeof(found)) == length &&
                    memcmp(genuine, found, length) == 0) {
                        healed = true;
                        healed_ms = now_ms() - since;
                }
                nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
        }
        if (!recorded || !healed) {
                fprintf(stderr, "bench_tamper: %s was %s and %s\n", path, recorded ? "recorded" : "not recorded",
                        healed ? "healed" : "not healed");
                return false;
        }
        printf("{\"record_ms\": %.2f, \"healed_ms\": %.2f}\n", recorded_ms, healed_ms);
        fflush(stdout);
        return true;
}

int main(int argc, char **argv)
{
        if (argc < 6) {
                fprintf(stderr, "usage: bench_tamper SPARE CHECKPOINT RELOADED PAUSE FILE...\n");
                return 2;
        }
        for (int i = 5; i < argc; i++) {
                if (!tamper(argv[i], argv[1], argv[2], argv[3]))
                        return 1;
                sleep((unsigned int)strtoul(argv[4], NULL, 10));
        }
        return 0;
}
