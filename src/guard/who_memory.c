/*
 * who_memory.c - the writers that were asked lately.
 *
 * One writer causes several events: it makes a file, writes, closes, and ends. By the last of them it is often gone,
 * and was there at the first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "who_private.h"

#define REMEMBERED 64 /* processes: about half a megabyte */

/*
 * A number is given out again after all others have been: numbers come in a circle, whose length is pid_max. No machine
 * starts four processes in a microsecond, for each takes locks that are one for all processors. So a process that was
 * asked less than pid_max / 4 microseconds ago is still the last one that had its number (8 ms with the smallest usual
 * circle of 32,768, one second with systemd's of 4,194,304). Only root can choose numbers.
 */
#define STARTS_PER_US 4

struct who_memory {
        struct who asked[REMEMBERED];
        size_t next;
        int64_t number_valid_us;
};

static int64_t read_number_valid_us(void)
{
        _cleanup_(fd_closep) int fd = open("/proc/sys/kernel/pid_max", O_RDONLY | O_CLOEXEC);
        char text[16];
        ssize_t length = fd < 0 ? -errno : read_full(fd, text, sizeof(text));
        uint32_t maximum;

        if (length < 0 || who_parse_number(text, (size_t)length, &maximum) < 0)
                return 0;
        return (int64_t)maximum / STARTS_PER_US;
}

struct who_memory *who_memory_new(void)
{
        struct who_memory *memory = memory_new(1, sizeof(*memory));

        if (memory)
                memory->number_valid_us = read_number_valid_us();
        return memory;
}

void who_memory_free(struct who_memory *memory)
{
        free(memory);
}

/* By its start a process is known for good. A process that has ended and has another name now has run another program
 * since it was asked. */
static bool is_same(const struct who_memory *memory, const struct who *earlier, const struct who *now)
{
        if (earlier->pid != now->pid || earlier->asked_us == 0)
                return false;
        if (now->state == WHO_ENDED)
                return earlier->process.start_ticks == now->process.start_ticks &&
                       text_equal(earlier->process.comm, now->process.comm);
        return now->asked_us >= earlier->asked_us && now->asked_us - earlier->asked_us < memory->number_valid_us;
}

static struct who *find(struct who_memory *memory, const struct who *now)
{
        struct who *latest = NULL;

        for (size_t i = 0; i < REMEMBERED; i++)
                if (is_same(memory, &memory->asked[i], now) &&
                    (!latest || latest->asked_us < memory->asked[i].asked_us))
                        latest = &memory->asked[i];
        return latest;
}

static void remember(struct who_memory *memory, const struct who *who)
{
        for (size_t i = 0; i < REMEMBERED; i++) {
                if (memory->asked[i].pid == who->pid) {
                        memory->asked[i] = *who;
                        return;
                }
        }
        memory->asked[memory->next] = *who;
        memory->next = (memory->next + 1) % REMEMBERED;
}

void who_memory_ask(struct who_memory *memory, int pidfd, pid_t pid, struct who *ret_who)
{
        const struct who *earlier;

        who_ask(pidfd, pid, ret_who);
        if (ret_who->state == WHO_ASKED) {
                remember(memory, ret_who);
                return;
        }
        if (ret_who->state != WHO_ENDED && ret_who->state != WHO_GONE)
                return;
        earlier = find(memory, ret_who);
        if (!earlier)
                return;
        *ret_who = *earlier; /* with the time when it was asked */
        ret_who->state = WHO_EARLIER;
}
