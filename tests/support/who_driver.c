/*
 * who_driver.c - listens to one folder, asks who wrote, and prints one JSON object a line: what the guard does with
 * each event, without the guard.
 *
 *     who_driver [--ftp-log FILE] [--system-log FILE] [--audit-log FILE] [--utmp FILE] [--logind FOLDER] FOLDER...
 *
 * Says "ready" once it listens; runs until it is killed. Keys: event, name, who, text, ask_us and resolve_us (what the
 * two steps took).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "guard/who.h"

static struct who_places places;
static struct who_memory *memory;

static int64_t now_us(void)
{
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void tell(uint64_t mask, int pidfd, int pid, const char *name)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(8192), escaped = BUFFER_INIT(4096);
        int64_t start = now_us(), asked, resolved;
        json_t *object;
        struct who who;

        who_memory_ask(memory, pidfd, pid, &who);
        asked = now_us();
        who_resolve(&who, &places);
        resolved = now_us();
        if (who_text(&who, &text) < 0 || text_escape(&escaped, name, strlen(name)) < 0)
                return;
        object = json_pack("{s:s, s:s, s:o, s:s, s:I, s:I}", "event",
                           mask & FAN_CLOSE_WRITE ? "close_write"
                           : mask & FAN_CREATE    ? "create"
                                                  : "modify",
                           "name", buffer_text(&escaped), "who", who_json(&who), "text", buffer_text(&text), "ask_us",
                           (json_int_t)(asked - start), "resolve_us", (json_int_t)(resolved - asked));
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(object);
}

static void handle_event(const struct fanotify_event_metadata *event)
{
        const char *p = (const char *)(event + 1), *end = (const char *)event + event->event_len;
        const char *name = "";
        int pidfd = FAN_NOPIDFD;

        while (p < end) {
                const struct fanotify_event_info_header *header = (const void *)p;

                if (header->info_type == FAN_EVENT_INFO_TYPE_PIDFD) {
                        pidfd = ((const struct fanotify_event_info_pidfd *)(const void *)p)->pidfd;
                } else if (header->info_type == FAN_EVENT_INFO_TYPE_DFID_NAME) {
                        const struct fanotify_event_info_fid *fid = (const void *)p;
                        const struct file_handle *handle = (const void *)fid->handle;

                        name = (const char *)handle->f_handle + handle->handle_bytes;
                }
                p += header->len;
        }
        tell(event->mask, pidfd, event->pid, name);
        if (pidfd >= 0)
                close(pidfd);
}

/* Copied, for with handles behind them events begin at any multiple of four. */
static void handle_events(const char *events, size_t length)
{
        char one[4096] __attribute__((aligned(8)));
        struct fanotify_event_metadata head;

        for (; length >= sizeof(head); events += head.event_len, length -= head.event_len) {
                memcpy(&head, events, sizeof(head));
                if (head.event_len < sizeof(head) || head.event_len > length || head.event_len > sizeof(one))
                        return;
                memcpy(one, events, head.event_len);
                handle_event((const struct fanotify_event_metadata *)(void *)one);
        }
}

static int listen_to(int group)
{
        char events[16384];
        ssize_t length;

        memory = who_memory_new();
        if (!memory)
                return 1;
        puts("ready");
        fflush(stdout);
        while ((length = read(group, events, sizeof(events))) > 0 || errno == EINTR)
                handle_events(events, length > 0 ? (size_t)length : 0);
        perror("who_driver: read");
        return 1;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"ftp-log",          required_argument, NULL, 'f' },
                { "system-log",              required_argument, NULL, 's' },
                { "audit-log",                 required_argument, NULL, 'a' },
                { "utmp",required_argument, NULL, 'u' },
                { "logind",               required_argument, NULL, 'l' },
                { 0      },
        };
        int group = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_REPORT_PIDFD | FAN_CLOEXEC, O_RDONLY);
        int option;

        if (group < 0) {
                perror("who_driver: fanotify_init");
                return 1;
        }
        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (option) {
                case 'f': places.ftp_log = optarg; break;
                case 's': places.system_log = optarg; break;
                case 'a': places.audit_log = optarg; break;
                case 'u': places.utmp = optarg; break;
                case 'l': places.logind = optarg; break;
                default: return 2;
                }
        }
        for (int i = optind; i < argc; i++) {
                if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_ONLYDIR,
                                  FAN_CLOSE_WRITE | FAN_MODIFY | FAN_CREATE | FAN_EVENT_ON_CHILD, AT_FDCWD,
                                  argv[i]) < 0) {
                        perror(argv[i]);
                        return 1;
                }
        }
        return listen_to(group);
}
