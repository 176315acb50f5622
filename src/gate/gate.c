/*
 * gate.c - understudy-gate: the loop.
 *
 * The order within a round: writers first (they wait for a lease), then changed names (marks that may be wrong), then
 * verdicts, opens, and the guard's requests.
 *
 * Orphans. When the guard dies its gate goes on: what is known stays known, what is asked is asked of the verifiers
 * that are there. Every 50 ms it tries for a shared lock on descriptor 6. A guard that serves holds the exclusive one,
 * through an open file description of its own; it takes it (waiting: ours lasts for microseconds) when its own group
 * has its marks. So a shared lock that is refused says that a successor is in charge, and this gate refuses what waits
 * and ends. (That ends its group, too, and the kernel lets pass what is still asked there: the successor's group is
 * asked all the same.)
 */

#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lease.h"
#include "packet.h"
#include "start.h"

#define BATCH           64 /* events, requests, signals at once */
#define ORPHAN_PAUSE_MS 50
#define ORPHAN_DYING_MS 60000
#define NAMES_PAUSE_MS  10 /* between two reports of changed names */

int64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take_signals(struct gate *gate)
{
        struct signalfd_siginfo signals[BATCH];
        ssize_t n = read(gate->signals, signals, sizeof(signals));

        for (ssize_t i = 0; i < n / (ssize_t)sizeof(signals[0]); i++) {
                if (signals[i].ssi_signo != SIGIO) {
                        open_lease_broken(gate, signals[i].ssi_fd);
                        continue;
                }
                for (size_t fd = 0; fd < gate->cache.size; fd++) /* too many at once for the queue: whose? */
                        open_lease_broken(gate, (int)fd);
        }
}

/* Was one of them a folder's, or may one have been? */
static bool has_folder(const char *events, ssize_t n)
{
        struct fanotify_event_metadata event;
        size_t left = (size_t)n;

        /* Copied, for with handles behind them events begin at any multiple of four. */
        for (; left >= sizeof(event); left -= event.event_len) {
                memcpy(&event, events + ((size_t)n - left), sizeof(event));
                if (event.event_len < sizeof(event) || event.event_len > left)
                        break;
                if (event.mask & (FAN_ONDIR | FAN_Q_OVERFLOW))
                        return true;
        }
        return left > 0;
}

/* Where and who is the guard's to find out; here it only matters that it happened, and whether to a folder. */
void gate_take_names(struct gate *gate)
{
        char events[8192] __attribute__((aligned(8)));
        bool changed = false, folders = false;
        ssize_t n;

        while ((n = read(GATE_NAMES_FD, events, sizeof(events))) > 0) {
                cache_flush(&gate->cache);
                changed = true;
                folders = folders || has_folder(events, n);
        }
        if (changed)
                where_names_changed(&gate->trees, folders);
        gate->names_untold = gate->names_untold || changed;
        gate->folders_untold = gate->folders_untold || folders;
}

static void take_events(struct gate *gate)
{
        char events[BATCH * FAN_EVENT_METADATA_LEN] __attribute__((aligned(8)));
        ssize_t n = read(GATE_GROUP_FD, events, sizeof(events));
        struct fanotify_event_metadata *event = (struct fanotify_event_metadata *)(void *)events;

        /* An error belongs to an event that could get no descriptor (a socket's name): the kernel has refused it. */
        for (; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
                if (event->vers != FANOTIFY_METADATA_VERSION)
                        _exit(GATE_EXIT_SYSTEM);
                if (event->fd >= 0)
                        open_asked(gate, event);
        }
}

static void lose_verifier(struct gate *gate, unsigned int slot)
{
        questions_replace(&gate->questions, slot, -1);
        report_plain(gate, GATE_GONE, slot);
}

static void take_answers(struct gate *gate, unsigned int slot)
{
        struct question *question;
        struct gate_answer answer;
        int r;

        while ((r = questions_answer(&gate->questions, slot, &answer, &question)) > 0)
                if (question)
                        open_verdict(gate, question, &answer);
        if (r < 0)
                lose_verifier(gate, slot);
}

static void ask_verifiers(struct gate *gate)
{
        int slot;

        while ((slot = questions_ask(&gate->questions)) >= 0)
                lose_verifier(gate, (unsigned int)slot);
}

static void take_requests(struct gate *gate)
{
        int r = 1;

        for (unsigned int i = 0; i < BATCH && r > 0; i++)
                r = request_serve(gate);
        if (r < 0) {
                gate->orphan = true;
                gate->orphan_ms = now_ms();
                gate->serving = true;
        }
}

/* Is there another guard by now? A process that dies closes its descriptors one after the other: the channel may be at its
 * end while the dead guard's lock is still there. So the lock must have been free once; one that was never seen free is a
 * successor's after a long while. */
static void look_for_successor(struct gate *gate, int64_t now)
{
        if (flock(GATE_LOCK_FD, LOCK_SH | LOCK_NB) == 0) {
                (void)flock(GATE_LOCK_FD, LOCK_UN);
                gate->unserved = true;
                return;
        }
        if (errno != EWOULDBLOCK || (!gate->unserved && now - gate->orphan_ms < ORPHAN_DYING_MS))
                return;
        open_answer_all(gate, false);
        _exit(GATE_EXIT_DONE);
}

enum {
        POLL_SIGNALS,
        POLL_NAMES,
        POLL_GROUP,
        POLL_CHANNEL,
        POLL_VERIFIERS,
        POLL_COUNT = POLL_VERIFIERS + GATE_VERIFIERS
};

static void wait_for_work(const struct gate *gate, struct pollfd fds[static POLL_COUNT])
{
        const struct questions *questions = &gate->questions;
        int64_t timeout = -1;

        fds[POLL_SIGNALS] = (struct pollfd){ .fd = gate->signals, .events = POLLIN };
        fds[POLL_NAMES] = (struct pollfd){ .fd = GATE_NAMES_FD, .events = POLLIN };
        fds[POLL_GROUP] = (struct pollfd){ .fd = gate->serving ? GATE_GROUP_FD : -1, .events = POLLIN };
        fds[POLL_CHANNEL] = (struct pollfd){ .fd = gate->orphan ? -1 : GATE_CHANNEL_FD, .events = POLLIN };
        for (int i = 0; i < GATE_VERIFIERS; i++)
                fds[POLL_VERIFIERS + i] = (struct pollfd){ .fd = questions->verifiers[i].fd, .events = POLLIN };
        if (questions->oldest >= 0) {
                timeout = questions->all[questions->oldest].deadline_ms - now_ms();
                if (timeout < 0)
                        timeout = 0;
        }
        if (gate->partings.count > 0) {
                const int64_t left = gate->partings.all[gate->partings.first].when_ms - now_ms();

                if (timeout < 0 || timeout > left)
                        timeout = left < 0 ? 0 : left;
        }
        if (gate->cache.sweep < gate->cache.size)
                timeout = 0;
        if (gate->names_untold && (timeout < 0 || timeout > NAMES_PAUSE_MS))
                timeout = NAMES_PAUSE_MS;
        if (gate->orphan && (timeout < 0 || timeout > ORPHAN_PAUSE_MS))
                timeout = ORPHAN_PAUSE_MS;
        if (poll(fds, POLL_COUNT, (int)timeout) < 0)
                for (int i = 0; i < POLL_COUNT; i++)
                        fds[i].revents = 0;
}

static void serve(struct gate *gate)
{
        int64_t told_ms = 0, looked_ms = 0;

        for (;;) {
                struct pollfd fds[POLL_COUNT];
                int64_t now;

                wait_for_work(gate, fds);
                if (fds[POLL_SIGNALS].revents)
                        take_signals(gate);
                if (fds[POLL_NAMES].revents)
                        gate_take_names(gate);
                for (unsigned int i = 0; i < GATE_VERIFIERS; i++)
                        if (fds[POLL_VERIFIERS + i].revents)
                                take_answers(gate, i);
                if (fds[POLL_CHANNEL].revents) /* before opens: what the guard has said counts for them */
                        take_requests(gate);
                if (fds[POLL_GROUP].revents)
                        take_events(gate);
                (void)cache_sweep(&gate->cache);
                now = now_ms();
                open_part(gate, now);
                open_late(gate, now);
                ask_verifiers(gate);
                if (gate->names_untold && now - told_ms >= NAMES_PAUSE_MS) {
                        report_plain(gate, GATE_NAMES, gate->folders_untold);
                        told_ms = now;
                        gate->names_untold = gate->folders_untold = false;
                }
                if (gate->orphan && now - looked_ms >= ORPHAN_PAUSE_MS) {
                        look_for_successor(gate, now);
                        looked_ms = now;
                }
        }
}

int main(void)
{
        static struct gate gate; /* two megabytes, all there is */
        uint32_t own_id;
        size_t held;
        int fd;

        gate.signals = start_process();
        if (gate.signals < 0)
                return GATE_EXIT_SYSTEM;
        if (packet_receive(GATE_CHANNEL_FD, &gate.setup, sizeof(gate.setup), 0, &fd) != sizeof(gate.setup) || fd >= 0 ||
            gate.setup.verb != GATE_SETUP)
                return GATE_EXIT_PROTOCOL;
        gate.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        gate.trees.own = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (gate.proc < 0 || gate.trees.own < 0 || start_memory(&gate.cache, gate.setup.cache_files, &held) < 0 ||
            getrandom(gate.key, sizeof(gate.key), 0) != sizeof(gate.key) ||
            getrandom(&own_id, sizeof(own_id), 0) != sizeof(own_id))
                return GATE_EXIT_SYSTEM;
        questions_init(&gate.questions, held, (uint64_t)own_id << 32 | 1);
        start_succeed(&gate.cache);
        if (start_drop_privileges() < 0)
                return GATE_EXIT_SYSTEM;
        report_plain(&gate, GATE_READY, gate.cache.limit);
        serve(&gate);
}
