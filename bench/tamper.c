/*
 * tamper.c - how long the guard takes: another file comes in place of one, and the clock runs until the journal has the
 * record and until the file has its own bytes again and the web server was reloaded.
 *
 *     bench_tamper SPARE CHECKPOINT RELOADED PAUSE_MS FILE...
 *     bench_tamper SPARE CHECKPOINT - PAUSE_MS FILE...
 *
 * SPARE is a name outside of the tree on the same file system: what is written there is renamed over FILE (a write in place
 * is refused by a kernel that asks before reads). CHECKPOINT is the journal's; RELOADED a file that the guard's reload
 * command makes longer, with - in its place nothing is waited for but the record. PAUSE_MS is between two files, so that
 * nothing of one is still going on in the next.
 *
 * The journal begins a new checkpoint when the record and its tiles are fsynced: from then on no crash and no power cut
 * takes the record (the next writer takes it in). It has its name when it is signed and fsynced: from then on everybody
 * reads the record. Beside each FILE one small file is replaced beside SPARE so that no power cut takes it: what the disk
 * itself needs in the same minute, under the same load. Prints for each FILE one JSON object: durable_ms, record_ms,
 * healed_ms, disk_ms. Ends in 1 when a file was not recorded, or healed, within 30 seconds.
 */

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 30000

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

/* The whole of a file, or 0 bytes while it is refused. Its room is the caller's. */
static size_t content(const char *path, char *into, size_t room)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd >= 0 ? read(fd, into, room) : 0;

        if (fd >= 0)
                close(fd);
        return length > 0 ? (size_t)length : 0;
}

/* Other bytes each time: what the guard has kept already costs it less. */
static bool write_page(const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        bool written =
                fd >= 0 && dprintf(fd, "<!doctype html><script src=\"http://malware.invalid/%.6f.js\"></script>\n", now_ms()) > 0;

        if (fd >= 0)
                close(fd);
        return written;
}

/* How long it takes to replace one small file for good, in ms: written, fsynced, renamed, its folder fsynced. */
static double replace_for_good(const char *spare)
{
        char folder[PATH_MAX], fresh[PATH_MAX], name[PATH_MAX];
        const int length = (int)(strrchr(spare, '/') - spare);
        const double since = now_ms();
        int directory, fd;

        snprintf(folder, sizeof(folder), "%.*s/", length, spare);
        if (snprintf(fresh, sizeof(fresh), "%.*s/replaced.new", length, spare) >= (int)sizeof(fresh) ||
            snprintf(name, sizeof(name), "%.*s/replaced", length, spare) >= (int)sizeof(name))
                return -1;
        directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (directory < 0 || fd < 0 || dprintf(fd, "%.6f\n", since) < 0 || fsync(fd) < 0 || rename(fresh, name) < 0 ||
            fsync(directory) < 0)
                return -1;
        close(fd);
        close(directory);
        return now_ms() - since;
}

struct times {
        double since, durable_ms, record_ms, healed_ms; /* 0: not yet */
};

/* What happened in the journal's folder, waited for at most a fifth of a millisecond. */
static void read_journal(int watch, const char *checkpoint, struct times *times)
{
        char bytes[4096] __attribute__((aligned(8)));
        struct pollfd one = { .fd = watch, .events = POLLIN };
        ssize_t length = ppoll(&one, 1, &(struct timespec){ .tv_nsec = 200000 }, NULL) > 0 ? read(watch, bytes, sizeof(bytes)) : 0;
        const double now = now_ms() - times->since;

        for (ssize_t at = 0; at < length;) {
                const struct inotify_event *event = (const struct inotify_event *)(const void *)(bytes + at);

                if (event->len && event->mask & IN_CREATE && strncmp(event->name, ".checkpoint.", 12) == 0 && times->durable_ms == 0)
                        times->durable_ms = now;
                if (event->len && event->mask & IN_MOVED_TO && strcmp(event->name, checkpoint) == 0 && times->record_ms == 0)
                        times->record_ms = now;
                at += (ssize_t)(sizeof(*event) + event->len);
        }
}

static int watch_folder_of(const char *path)
{
        char folder[PATH_MAX];
        int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

        snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
        return watch >= 0 && inotify_add_watch(watch, folder, IN_CREATE | IN_MOVED_TO) >= 0 ? watch : -1;
}

static bool tamper(const char *path, const char *spare, const char *checkpoint, const char *reloaded)
{
        static char genuine[1 << 16], found[1 << 16];
        const size_t length = content(path, genuine, sizeof(genuine));
        const off_t reloads = reloaded ? size_of(reloaded) : 0;
        const int watch = watch_folder_of(checkpoint);
        struct times times = { 0 };

        if (!length || watch < 0 || !write_page(spare)) {
                fprintf(stderr, "bench_tamper: cannot read %s, watch %s or write %s\n", path, checkpoint, spare);
                return false;
        }
        times.since = now_ms();
        if (rename(spare, path) < 0) {
                fprintf(stderr, "bench_tamper: cannot write %s\n", path);
                return false;
        }
        while ((times.record_ms == 0 || (reloaded && times.healed_ms == 0)) && now_ms() - times.since < LIMIT_MS) {
                read_journal(watch, strrchr(checkpoint, '/') + 1, &times);
                if (reloaded && times.healed_ms == 0 && size_of(reloaded) > reloads &&
                    content(path, found, sizeof(found)) == length && memcmp(genuine, found, length) == 0)
                        times.healed_ms = now_ms() - times.since;
        }
        close(watch);
        if (times.record_ms == 0 || (reloaded && times.healed_ms == 0)) {
                fprintf(stderr, "bench_tamper: %s was %s\n", path, times.record_ms > 0 ? "not healed" : "not recorded");
                return false;
        }
        printf("{\"durable_ms\": %.2f, \"record_ms\": %.2f", times.durable_ms, times.record_ms);
        if (reloaded)
                printf(", \"healed_ms\": %.2f", times.healed_ms);
        return true;
}

int main(int argc, char **argv)
{
        long pause_ms;
        double disk_ms;

        if (argc < 6 || !strchr(argv[1], '/') || !strchr(argv[2], '/')) {
                fprintf(stderr, "usage: bench_tamper SPARE CHECKPOINT RELOADED|- PAUSE_MS FILE...\n");
                return 2;
        }
        pause_ms = strtol(argv[4], NULL, 10);
        for (int i = 5; i < argc; i++) {
                if (!tamper(argv[i], argv[1], argv[2], strcmp(argv[3], "-") == 0 ? NULL : argv[3]))
                        return 1;
                nanosleep(&(struct timespec){ .tv_sec = pause_ms / 2000, .tv_nsec = pause_ms % 2000 * 500000 }, NULL);
                disk_ms = replace_for_good(argv[1]);
                if (disk_ms < 0) {
                        fprintf(stderr, "bench_tamper: cannot replace a file beside %s\n", argv[1]);
                        return 1;
                }
                printf(", \"disk_ms\": %.2f}\n", disk_ms);
                fflush(stdout);
                nanosleep(&(struct timespec){ .tv_sec = pause_ms / 2000, .tv_nsec = pause_ms % 2000 * 500000 }, NULL);
        }
        return 0;
}
