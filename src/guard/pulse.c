/* pulse.c - beat, listen, wait. */
#include "guard/pulse.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define LOOP_MS 30000 /* the guard's loop turns at least every ten seconds; hashing a large file may take longer */
#define END_S   2

struct pulse {
        struct peers *peers;
        uint32_t interval_s;
        pthread_t thread;
        bool thread_runs;
        int wake;            /* ends the thread */
        int inside, outside; /* events: the thread's end, the loop's */
        atomic_int_least64_t alive_ms;
        bool troubled; /* the thread's: it was told */
};

/* ---- the thread ---- */

/* Waits when the loop does not read: then there is no hurry to beat either. */
static void post(const struct pulse *pulse, const struct pulse_event *event)
{
        (void)send(pulse->inside, event, sizeof(*event), MSG_NOSIGNAL);
}

static void on_peer(void *context, const struct peer_event *peer)
{
        struct pulse_event event = { .kind = peer->verdict == DEADMAN_ALERT ? PULSE_SILENT : PULSE_BACK,
                                     .silent_s = peer->silent_s,
                                     .last = peer->last ? peer->last->time : 0,
                                     .stopping = peer->last && peer->last->stopping };

        snprintf(event.name, sizeof(event.name), "%s", peer->name);
        snprintf(event.what, sizeof(event.what), "%s", peer->what);
        snprintf(event.english, sizeof(event.english), "%s", peer->english);
        post(context, &event);
}

/* Told once, and when it is over: the peers will think us dead, and we hear nobody. */
static void tell_trouble(struct pulse *pulse, int r, const struct error *error)
{
        struct pulse_event event = { .kind = r < 0 ? PULSE_TROUBLE : PULSE_RECOVERED };

        if ((r < 0) == pulse->troubled)
                return;
        pulse->troubled = r < 0;
        snprintf(event.what, sizeof(event.what), "%s", error->text);
        snprintf(event.english, sizeof(event.english), "%s", error->english);
        post(pulse, &event);
}

static void beat_and_listen(struct pulse *pulse)
{
        struct error error = ERROR_NONE;
        int r = 0, listened;

        if (clock_monotonic_ms() - atomic_load(&pulse->alive_ms) < LOOP_MS)
                r = peers_beat(pulse->peers, false, &error);
        listened = peers_watch(pulse->peers, on_peer, pulse, r < 0 ? NULL : &error);
        tell_trouble(pulse, r < 0 ? r : listened, &error);
}

static void *run(void *context)
{
        struct pulse *pulse = context;
        struct pollfd stop = { .fd = pulse->wake, .events = POLLIN };

        do
                beat_and_listen(pulse);
        while (poll(&stop, 1, (int)pulse->interval_s * 1000) <= 0);
        (void)peers_beat(pulse->peers, true, NULL);
        return NULL;
}

/* ---- the loop's side ---- */

void pulse_alive(struct pulse *pulse)
{
        atomic_store(&pulse->alive_ms, clock_monotonic_ms());
}

int pulse_fd(const struct pulse *pulse)
{
        return pulse->outside;
}

bool pulse_next(struct pulse *pulse, struct pulse_event *ret_event)
{
        return recv(pulse->outside, ret_event, sizeof(*ret_event), MSG_DONTWAIT) == sizeof(*ret_event);
}

int pulse_open(const struct pulse_options *options, struct pulse **ret_pulse, struct error *err)
{
        struct pulse *pulse = memory_new(1, sizeof(*pulse));
        int ends[2], r;

        if (!pulse)
                return error_memory(err);
        pulse->wake = pulse->inside = pulse->outside = -1;
        pulse->interval_s = options->interval_s;
        pulse_alive(pulse);
        r = peers_open(options->folder, options->name, options->peers, options->peer_count, options->key_file,
                       options->interval_s, &pulse->peers, err);
        if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                r = error_errno(err, errno, _("cannot listen to the peers"));
        if (r == 0) {
                pulse->inside = ends[0];
                pulse->outside = ends[1];
                pulse->wake = eventfd(0, EFD_CLOEXEC);
                if (pulse->wake < 0)
                        r = error_errno(err, errno, _("cannot listen to the peers"));
        }
        if (r == 0 && pthread_create(&pulse->thread, NULL, run, pulse) != 0)
                r = error_memory(err);
        if (r < 0) {
                pulse_close(pulse);
                return r;
        }
        pulse->thread_runs = true;
        *ret_pulse = pulse;
        return 0;
}

/* A thread that hangs in a file system cannot be ended: it and its memory are left to the end of the process. */
static bool end_thread(struct pulse *pulse)
{
        struct timespec until;

        if (!pulse->thread_runs)
                return true;
        (void)eventfd_write(pulse->wake, 1);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += END_S;
        return pthread_timedjoin_np(pulse->thread, NULL, &until) == 0;
}

void pulse_close(struct pulse *pulse)
{
        if (!pulse)
                return;
        if (pulse->outside >= 0)
                (void)shutdown(pulse->outside, SHUT_RDWR); /* nothing that is posted waits any more */
        if (!end_thread(pulse))
                return;
        peers_close(pulse->peers);
        fd_close(&pulse->wake);
        fd_close(&pulse->inside);
        fd_close(&pulse->outside);
        free(pulse);
}
