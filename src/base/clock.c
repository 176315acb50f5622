#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "i18n.h"
#include "io.h"
#include "text.h"

#define TICK_PAUSE_NS 500000
#define TICKS_MAXIMUM 500 /* pauses: a clock that stands still that long is no clock */
#define TEN_YEARS_S   (INT64_C(10) * 366 * 86400)

int64_t clock_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return now.tv_sec;
}

int64_t clock_monotonic_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

void clock_wait_tick(struct timespec *ret_stamp)
{
        const struct timespec pause = { .tv_nsec = TICK_PAUSE_NS };
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        for (int i = 0; i < TICKS_MAXIMUM; i++) {
                clock_gettime(CLOCK_REALTIME_COARSE, ret_stamp);
                if (is_later(ret_stamp, &now))
                        return;
                nanosleep(&pause, NULL);
        }
}

void clock_format_utc(int64_t seconds, char text[static CLOCK_TEXT_SIZE])
{
        time_t when = (time_t)seconds;
        struct tm tm;

        if (!gmtime_r(&when, &tm) || strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                snprintf(text, CLOCK_TEXT_SIZE, "@%lld", (long long)seconds);
}

int clock_parse_utc(const char *text, int64_t *ret_seconds)
{
        static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
        size_t length = strlen(text);
        char back[CLOCK_TEXT_SIZE];
        struct tm tm = { 0 };
        time_t when;

        if (length != 10 && length != 20)
                return -EINVAL;
        for (size_t i = 0; i < length; i++) {
                bool digit = text[i] >= '0' && text[i] <= '9';

                if (shape[i] == 'd' ? !digit : text[i] != shape[i])
                        return -EINVAL;
        }
        tm.tm_year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0') - 1900;
        tm.tm_mon = (text[5] - '0') * 10 + (text[6] - '0') - 1;
        tm.tm_mday = (text[8] - '0') * 10 + (text[9] - '0');
        if (length == 20) {
                tm.tm_hour = (text[11] - '0') * 10 + (text[12] - '0');
                tm.tm_min = (text[14] - '0') * 10 + (text[15] - '0');
                tm.tm_sec = (text[17] - '0') * 10 + (text[18] - '0');
        }
        when = timegm(&tm);
        clock_format_utc(when, back);
        if (when < 0 || strncmp(back, text, length) != 0) /* 31 February and the like come back as another day */
                return -EINVAL;
        *ret_seconds = when;
        return 0;
}

int clock_parse_duration(const char *text, int64_t *ret_seconds, struct error *err)
{
        size_t length = strlen(text);
        uint64_t number = 0, unit = 0;

        if (length >= 2) {
                switch (text[length - 1]) {
                case 's': unit = 1; break;
                case 'm': unit = 60; break;
                case 'h': unit = 3600; break;
                case 'd': unit = 86400; break;
                case 'w': unit = 7 * 86400; break;
                }
        }
        if (unit == 0 || text_parse_u64(text, length - 1, TEN_YEARS_S / (int64_t)unit, &number) < 0 || number == 0)
                return error_usage(err,
                                   _("'%s' is not a duration; write a number and a unit, such as 90s, 15m, 24h, 7d or "
                                     "2w, at most ten years"),
                                   text);
        *ret_seconds = (int64_t)(number * unit);
        return 0;
}

void clock_boot_id(char id[static CLOCK_BOOT_ID_SIZE])
{
        _cleanup_(fd_closep) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read_full(fd, id, CLOCK_BOOT_ID_SIZE - 1);

        if (n < 36) {
                snprintf(id, CLOCK_BOOT_ID_SIZE, "unknown");
                return;
        }
        id[36] = '\0';
}
