/* guard.c - start, the loop, and the end. */
#include "guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fnv1a.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/memory.h"
#include "guard/alive.h"
#include "guard/guard_private.h"
#include "guard/handover.h"
#include "guard/mount_table.h"
#include "guard/who.h"
#include "ipc/sandbox.h"

#define LOCK_FILE    "guard.lock"
#define SERVING_FILE "guard.serving"
#define MARK_PAUSE_MS 5000 /* after a folder came or changed its name */
#define SLOW_MS      1000 /* between two replacements of verifiers that hang */
#define HANGING      8    /* verifiers that wait for a disk for ever: more are not added to them */
#define LOCK_MS      200 /* an orphaned gate tries the lock for a moment, twenty times a second */
#define VERIFIERS    2
#define FIXED_FDS    7
#define SITE_FDS     (3 + GUARD_CONNECTIONS)

/* ---- what happens ---- */

static struct guarded *guarded_of(struct guard *guard, unsigned int number, struct site_tree **ret_tree)
{
        for (size_t i = 0; i < guard->site_count; i++) {
                *ret_tree = site_tree(&guard->sites[i].site, number);
                if (*ret_tree)
                        return &guard->sites[i];
        }
        return NULL;
}

static void examine_all(struct guard *guard)
{
        for (size_t i = 0; i < guard->site_count; i++) {
                (void)finding_places(&guard->sites[i]);
                pulls_examine(&guard->sites[i]);
        }
}

static void on_event(void *context, const struct watch_event *event)
{
        struct guard *guard = context;
        struct site_tree *tree;
        struct guarded *guarded = guarded_of(guard, event->tree, &tree);
        struct who who;

        if (!guarded || event->pid == getpid())
                return;
        if (event->path_length == 0 && guarded->exchanging >= 0)
                return; /* a pull that announced itself moves the tree */
        if (tree->area && event->path_length == 0) {
                trees_area_moved(guarded, tree);
                return;
        }
        if (event->attributes && pulls_is_peer(guarded, event->pid))
                return; /* a pull that takes the file over by link, or takes the old name away; it compares what it brought */
        if (event->content && !event->closed && finding_is_fresh(guarded, tree, event->path, event->path_length))
                return;
        who_memory_ask(guard->who, event->pidfd, event->pid, &who);
        (void)finding_look(guarded, tree, event->path, event->path_length, &who, 0);
}

static void on_overflow(void *context)
{
        struct guard *guard = context;

        for (size_t i = 0; i < guard->site_count; i++) {
                guard->sites[i].overflows++;
                guard->sites[i].clean = false;
        }
        chronicle(guard, NULL, CHRONICLE_TELL, "events_lost", NULL, NULL,
                  N_("more happened in the trees than the kernel could tell: everything is compared again"));
        examine_all(guard);
}

/* The gate refused an open, or somebody opens a genuine file for writing: look at once. */
static void on_report(struct guard *guard, const struct gate_report *report)
{
        bool refused = report->verb == GATE_REFUSED;
        struct site_tree *tree;
        struct guarded *guarded = guarded_of(guard, report->tree, &tree);

        if (!guarded)
                return;
        guarded->refused += refused;
        (void)finding_look(guarded, tree, report->path, report->path_length, NULL, refused ? report->reason : 0);
}

static void on_replaced(struct guard *guard, const struct gate_report *report)
{
        chronicle(guard, NULL, CHRONICLE_URGENT, "gate_replaced", NULL,
                  json_pack("{s:I}", "silent_ms", (json_int_t)report->argument),
                  N_("the gate had died or did not answer for %llu ms and was replaced: opens waited, and everything "
                     "is compared again"),
                  (unsigned long long)report->argument);
        examine_all(guard);
}

/* A folder of a tree may be without a mark, and the gate asks at every open until all have been marked again. Usually a
 * finding leads to that sooner. */
static void on_folders(struct guard *guard)
{
        for (size_t i = 0; i < guard->site_count; i++)
                if (!guard->sites[i].mark_due_ms)
                        guard->sites[i].mark_due_ms = clock_monotonic_ms() + MARK_PAUSE_MS;
}

/*
 * What it was asked about was refused or let pass as late; the gate asks another one meanwhile. One that was stopped would
 * hang for ever, and with the last of them nothing new could be opened: others take their place.
 */
static void on_slow(struct guard *guard, const struct gate_report *report)
{
        const int64_t now = clock_monotonic_ms();
        struct error error = ERROR_NONE;

        chronicle(guard, NULL, CHRONICLE_URGENT, "gate_slow", NULL,
                  json_pack("{s:I, s:I}", "verifier", (json_int_t)report->argument, "verdict_ms",
                            (json_int_t)guard->options->verdict_ms),
                  N_("verifier %llu left a question of the gate open for longer than %u ms: a disk that hangs, or a "
                     "machine that is too busy. What was asked is late"),
                  (unsigned long long)report->argument, guard->options->verdict_ms);
        if (now - guard->slow_ms < SLOW_MS || keeper_hanging(guard->keeper) > HANGING)
                return;
        guard->slow_ms = now;
        if (pulls_verifiers(guard, &error) < 0)
                guard->options->say(guard->options->context, error.text);
}

static void read_reports(struct guard *guard)
{
        static struct gate_report report;
        struct error error = ERROR_NONE;

        for (int i = 0; i < 256; i++) {
                ssize_t n = recv(keeper_fd(guard->keeper), &report, sizeof(report), MSG_DONTWAIT);

                if (n <= 0)
                        break;
                if (!keeper_is_report(&report, (size_t)n))
                        continue;
                report.path[report.path_length] = '\0';
                switch (report.verb) {
                case GATE_REFUSED:
                case GATE_TOUCHED: on_report(guard, &report); break;
                case GATE_GONE:
                        if (pulls_verifiers(guard, &error) < 0)
                                guard->options->say(guard->options->context, error.text);
                        break;
                case GATE_NAMES:
                        if (report.argument)
                                on_folders(guard);
                        break;
                case GATE_SLOW: on_slow(guard, &report); break;
                case KEEPER_REPLACED: on_replaced(guard, &report); break;
                }
        }
        if (keeper_lost_reports(guard->keeper))
                examine_all(guard);
}

/* ---- peers ---- */

static void on_peer(struct guard *guard, const struct pulse_event *event)
{
        const bool silent = event->kind == PULSE_SILENT;
        char last[CLOCK_TEXT_SIZE] = "";

        if (event->last)
                clock_format_utc(event->last, last);
        chronicle_both(guard, NULL, silent && !event->stopping ? CHRONICLE_URGENT : CHRONICLE_TELL,
                       silent ? "peer_silent" : "peer_back", NULL,
                       json_pack("{s:s, s:I, s:s, s:b}", "peer", event->name, "silent_s", (json_int_t)event->silent_s,
                                 "last", last, "stopped", event->stopping),
                       event->english, event->what);
}

static void read_pulse(struct guard *guard)
{
        static struct pulse_event event;

        while (pulse_next(guard->pulse, &event))
                switch (event.kind) {
                case PULSE_SILENT:
                case PULSE_BACK: on_peer(guard, &event); break;
                case PULSE_TROUBLE:
                        chronicle_both(guard, NULL, CHRONICLE_URGENT, "peers_lost", NULL, NULL, event.english,
                                       event.what);
                        break;
                case PULSE_RECOVERED:
                        chronicle(guard, NULL, CHRONICLE_TELL, "peers_found", NULL, NULL,
                                  N_("the folder of the peers can be read and written again"));
                        break;
                }
}

/* ---- mounts and signals ---- */

static uint64_t hash_mounts(const struct guard *guard)
{
        uint64_t hash = FNV1A_START;

        for (size_t i = 0; i < guard->site_count; i++)
                hash = mount_table_hash(guard->mounts, &guard->sites[i].site, hash);
        return hash;
}

static void on_mounts(struct guard *guard)
{
        uint64_t hash = hash_mounts(guard);

        if (hash != guard->mounts_hash)
                examine_all(guard);
        guard->mounts_hash = hash;
}

static void read_signals(struct guard *guard)
{
        struct signalfd_siginfo info;

        while (read(guard->signals, &info, sizeof(info)) == sizeof(info))
                if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
                        guard->stop = true;
                else if (info.ssi_signo == SIGHUP)
                        examine_all(guard);
}

/* ---- the loop ---- */

static void sooner(int64_t *wait, int64_t candidate)
{
        if (candidate >= 0 && (*wait < 0 || candidate < *wait))
                *wait = candidate;
}

static int wait_ms(const struct guard *guard)
{
        int64_t now = clock_monotonic_ms(), wait = guard->alive_due_ms > now ? guard->alive_due_ms - now : 0;

        if (guard->options->rescan_ms)
                sooner(&wait, guard->rescan_due_ms > now ? guard->rescan_due_ms - now : 0);
        sooner(&wait, guard->options->wait_ms ? guard->options->wait_ms(guard->options->context) : -1);
        for (size_t i = 0; i < guard->site_count; i++) {
                sooner(&wait, heal_wait_ms(&guard->sites[i].heal, now));
                sooner(&wait, trees_wait_ms(&guard->sites[i], now));
                if (guard->sites[i].mark_due_ms)
                        sooner(&wait, guard->sites[i].mark_due_ms > now ? guard->sites[i].mark_due_ms - now : 0);
        }
        return (int)wait;
}

static void tick(struct guard *guard)
{
        int64_t now = clock_monotonic_ms();

        for (size_t i = 0; i < guard->site_count; i++) {
                pulls_step(&guard->sites[i], HEAL_TICK);
                trees_tick(&guard->sites[i]);
                if (guard->sites[i].mark_due_ms && now >= guard->sites[i].mark_due_ms)
                        pulls_examine(&guard->sites[i]);
        }
        chronicle_clock(guard);
        if (now >= guard->alive_due_ms) {
                chronicle_alive(guard, false);
                guard->alive_due_ms = now + ALIVE_MS;
        }
        if (guard->options->rescan_ms && now >= guard->rescan_due_ms) {
                examine_all(guard);
                guard->rescan_due_ms = now + guard->options->rescan_ms;
        }
        if (guard->options->tick)
                guard->options->tick(guard->options->context);
}

static void tell_ready(struct guard *guard)
{
        if (guard->ready)
                return;
        for (size_t i = 0; i < guard->site_count; i++)
                if (guard->sites[i].examination && !guard->sites[i].examined)
                        return;
        guard->ready = true;
        guard->options->ready(guard->options->context);
}

/* One round: waits, then does what there is to do. */
static int turn(struct guard *guard, struct error *err)
{
        struct pollfd fds[FIXED_FDS + GUARD_SITES * SITE_FDS];
        size_t n = 0;
        int r = 0;

        fds[n++] = (struct pollfd){ .fd = guard->signals, .events = POLLIN };
        fds[n++] = (struct pollfd){ .fd = watch_fd(guard->watch), .events = POLLIN };
        fds[n++] = (struct pollfd){ .fd = guard->keeper ? keeper_fd(guard->keeper) : -1, .events = POLLIN };
        fds[n++] = (struct pollfd){ .fd = guard->mounts, .events = POLLPRI };
        fds[n++] = (struct pollfd){
                .fd = guard->options->descriptor ? guard->options->descriptor(guard->options->context) : -1,
                .events = POLLIN
        };
        fds[n++] = (struct pollfd){ .fd = inquiry_fd(guard->inquiry), .events = POLLIN };
        fds[n++] = (struct pollfd){ .fd = guard->pulse ? pulse_fd(guard->pulse) : -1, .events = POLLIN };
        for (size_t i = 0; i < guard->site_count; i++) {
                const struct guarded *guarded = &guard->sites[i];

                fds[n++] = (struct pollfd){ .fd = guarded->listen, .events = POLLIN };
                fds[n++] = (struct pollfd){ .fd = guarded->pull ? guarded->pull_pidfd : -1, .events = POLLIN };
                fds[n++] = (struct pollfd){ .fd = guarded->examined_fd, .events = POLLIN };
                for (size_t c = 0; c < GUARD_CONNECTIONS; c++)
                        fds[n++] = (struct pollfd){ .fd = guarded->connections[c], .events = POLLIN };
        }
        if (poll(fds, n, wait_ms(guard)) < 0 && errno != EINTR)
                return error_errno(err, errno, _("cannot wait for events"));
        if (fds[0].revents)
                read_signals(guard);
        if (fds[1].revents)
                r = watch_read(guard->watch, err);
        if (fds[2].revents)
                read_reports(guard);
        if (fds[3].revents & (POLLPRI | POLLERR))
                on_mounts(guard);
        if (fds[5].revents)
                finding_answers(guard);
        if (fds[6].revents)
                read_pulse(guard);
        for (size_t i = 0; i < guard->site_count; i++) {
                struct guarded *guarded = &guard->sites[i];
                const struct pollfd *of = &fds[FIXED_FDS + i * SITE_FDS];

                for (size_t c = 0; c < GUARD_CONNECTIONS; c++)
                        if (of[3 + c].revents)
                                pulls_message(guarded, &guarded->connections[c]);
                if (of[0].revents)
                        pulls_accept(guarded);
                if (of[1].revents)
                        pulls_ended(guarded);
                if (of[2].revents)
                        pulls_examined(guarded);
        }
        tick(guard);
        tell_ready(guard);
        if (guard->pulse)
                pulse_alive(guard->pulse);
        return r;
}

/* ---- the start ---- */

static int lock_file(int folder, const char *name, bool tell, int *ret_fd, struct error *err)
{
        int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                return error_errno(err, errno, _("cannot open %s in the state"), name);
        if (lock_wait(fd, LOCK_EX, tell ? LOCK_NOW : LOCK_MS) < 0) {
                fd_close(&fd);
                return error_set(err, -EBUSY, _("another guard watches this tree; stop that one first"));
        }
        *ret_fd = fd;
        return 0;
}

static int open_site(struct guard *guard, const char *dest, struct error *err)
{
        struct guarded *guarded = &guard->sites[guard->site_count];
        int r = site_open(guard->options->state_directory, dest, &guard->options->pub, &guard->plan, &guarded->site,
                          err);

        if (r < 0)
                return r;
        guarded->guard = guard;
        guarded->exchanging = guarded->examined_fd = guarded->pull_pidfd = guarded->pull_output = guarded->lock =
                guarded->listen = guarded->keep.folder = -1;
        for (size_t i = 0; i < GUARD_CONNECTIONS; i++)
                guarded->connections[i] = -1;
        guard->site_count++;
        r = lock_file(guarded->site.state->folder, LOCK_FILE, true, &guarded->lock, err);
        if (r == 0)
                r = keep_open(guarded->site.state->folder, &guarded->keep, err);
        if (r == 0)
                r = guarded->listen = handover_listen(guarded->site.state->folder, err);
        return r < 0 ? r : 0;
}

static int start_keeper(struct guard *guard, struct error *err)
{
        _cleanup_(fd_closep) int lock = openat(guard->sites[0].site.state->folder, SERVING_FILE,
                                               O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct keeper_options options = { .program = guard->options->gate,
                                          .lock = lock,
                                          .silence_ms = guard->options->silence_ms,
                                          .verdict_ms = guard->options->verdict_ms,
                                          .late_allow = guard->options->late_allow,
                                          .reads = guard->options->reads != GUARD_READS_NEVER,
                                          .verifiers = VERIFIERS };
        struct stat self;
        int r;

        if (lock < 0)
                return error_errno(err, errno, _("cannot open %s in the state"), SERVING_FILE);
        if (stat(guard->options->self, &self) == 0) {
                options.own_device = self.st_dev;
                options.own_inode = self.st_ino;
        }
        r = keeper_open(&options, &guard->keeper, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < guard->site_count && r == 0; i++)
                for (size_t j = 0; j < guard->sites[i].site.tree_count && r == 0; j++) {
                        const struct site_tree *tree = &guard->sites[i].site.trees[j];

                        if (tree->mode != GUARD_OBSERVE && tree->root >= 0)
                                r = keeper_tree(guard->keeper, tree->number, tree->area, tree->real, tree->root,
                                                guard->sites[i].site.generation, err);
                }
        if (r == 0)
                r = pulls_verifiers(guard, err);
        if (r == 0)
                keeper_serve(guard->keeper);
        return r;
}

static int take_signals(struct guard *guard, struct error *err)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        signal(SIGIO, SIG_IGN); /* leases that are broken while files are compared */
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return error_errno(err, errno, _("cannot wait for events"));
        guard->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return guard->signals < 0 ? error_errno(err, errno, _("cannot wait for events")) : 0;
}

static void raise_descriptors(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static int start(struct guard *guard, struct error *err)
{
        const struct watch_options watch = { .event = on_event, .overflow = on_overflow, .context = guard };
        int r;

        raise_descriptors();
        sandbox_prepare(); /* what is forked later is forked beside threads */
        guard->who = who_memory_new();
        r = guard->who ? take_signals(guard, err) : error_memory(err);
        for (size_t i = 0; i < guard->options->dest_count && r == 0; i++)
                r = open_site(guard, guard->options->dests[i], err);
        if (r == 0)
                r = watch_open(&watch, &guard->watch, err);
        if (r == 0 && trees_want_gate(guard))
                r = start_keeper(guard, err); /* forks: before the journal has a thread */
        if (r == 0)
                r = chronicle_open(guard, err);
        if (r == 0)
                r = inquiry_open(&guard->inquiry, err);
        if (r == 0 && guard->options->pulse.folder)
                r = pulse_open(&guard->options->pulse, &guard->pulse, err);
        if (r < 0)
                return r;
        guard->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        guard->mounts_hash = hash_mounts(guard);
        for (size_t i = 0; i < guard->site_count; i++)
                chronicle_gap(guard, &guard->sites[i]);
        for (size_t i = 0; i < guard->site_count; i++)
                chronicle(guard, &guard->sites[i], CHRONICLE_QUIET, "guard_started", NULL,
                          json_pack("{s:s, s:I}", "mode", guard_mode_name(guard->options->mode), "release",
                                    (json_int_t)guard->sites[i].site.release->reference->number),
                          N_("%s is under guard (%s)"), guard->sites[i].site.state->dest,
                          guard_mode_name(guard->options->mode));
        if (guard->keeper)
                r = trees_close_gate(guard, err);
        if (r == 0)
                r = lock_file(guard->sites[0].site.state->folder, SERVING_FILE, false, &guard->serving, err);
        examine_all(guard);
        for (size_t i = 0; i < guard->site_count && r == 0; i++)
                pulls_resume(&guard->sites[i]);
        return r;
}

static void end(struct guard *guard)
{
        for (size_t i = 0; i < guard->site_count; i++)
                examine_free(guard->sites[i].examination); /* its thread hands over to the keeper */
        keeper_close(guard->keeper);
        if (guard->journal) {
                for (size_t i = 0; i < guard->site_count; i++)
                        chronicle(guard, &guard->sites[i], CHRONICLE_QUIET, "guard_stopped", NULL, NULL,
                                  N_("%s is not under guard any more"), guard->sites[i].site.state->dest);
                chronicle_alive(guard, true);
        }
        for (size_t i = 0; i < guard->site_count; i++) {
                struct guarded *guarded = &guard->sites[i];

                for (size_t c = 0; c < GUARD_CONNECTIONS; c++)
                        fd_close(&guarded->connections[c]);
                if (guarded->listen >= 0)
                        (void)unlinkat(guarded->site.state->folder, HANDOVER_SOCKET, 0);
                fd_close(&guarded->listen);
                fd_close(&guarded->pull_pidfd);
                fd_close(&guarded->pull_output);
                keep_close(&guarded->keep);
                fd_close(&guarded->lock);
                site_close(&guarded->site);
        }
        pulse_close(guard->pulse);
        inquiry_close(guard->inquiry);
        watch_close(guard->watch);
        who_memory_free(guard->who);
        chronicle_close(guard);
        fd_close(&guard->mounts);
        fd_close(&guard->signals);
        fd_close(&guard->serving);
}

int guard_run(const struct guard_options *options, struct error *err)
{
        struct guard *guard = memory_new(1, sizeof(*guard));
        int r;

        if (!guard)
                return error_memory(err);
        guard->options = options;
        guard->plan = (struct site_plan){ .mode_of = trees_mode_of, .context = options };
        guard->mounts = guard->signals = guard->serving = -1;
        guard->rescan_due_ms = clock_monotonic_ms() + options->rescan_ms;
        r = start(guard, err);
        while (r == 0 && !guard->stop)
                r = turn(guard, err);
        end(guard);
        free(guard);
        return r;
}
