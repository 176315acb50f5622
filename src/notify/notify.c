/* notify.c - the side of the one who posts. */
#include "notify/notify.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "notify/group.h"
#include "notify/worker_process.h"

#define WINDOW_MS    60000
#define FIRST_MS     10000
#define LAST_MS      3600000
#define GIVE_UP_MS   (INT64_C(7) * 86400 * 1000)
#define TRY_MS       60000
#define HELD_MAXIMUM 200  /* messages that are kept in memory */
#define HELD_MS      5000 /* how often the disk is tried again for them */
#define END_MS       2000 /* how long a worker may take to end */

/* A message that the disk could not take. */
struct held {
        char id[MESSAGE_ID_SIZE];
        char *bytes; /* owned */
        size_t length;
        bool given; /* the worker has it */
};

struct notify {
        struct queue queue;
        struct groups groups;
        struct notify_options options;
        char server[256], site[256];
        struct notify_target targets[NOTIFY_TARGETS_MAXIMUM];
        size_t target_count;

        struct worker_process worker;
        struct worker_poke poke;
        struct worker_counters counters;
        bool poked; /* a packet that did not fit waits */

        struct held held[HELD_MAXIMUM];
        size_t held_count;
        int64_t held_ms; /* when the disk is tried again */
};

static void note(const struct notify *notify, const char *sentence)
{
        if (notify->options.note)
                notify->options.note(notify->options.context, sentence);
}

/* ---- the worker ---- */

static void start_worker(struct notify *notify)
{
        struct worker_options options = {
                .targets = notify->targets,
                .count = notify->target_count,
                .server = notify->server,
                .times = {notify->options.first_ms, notify->options.last_ms, notify->options.give_up_ms },
                .limits = { notify->options.try_ms,                       notify->options.user                       },
        };
        struct error error = ERROR_NONE;

        if (worker_process_start(&notify->worker, &notify->queue, &options, &error) < 0) {
                note(notify, error.text);
                return;
        }
        for (size_t i = 0; i < notify->held_count; i++)
                notify->held[i].given = false;
}

static void poke(struct notify *notify)
{
        notify->poke.collecting = 0;
        for (size_t i = 0; i <= GROUPS_MAXIMUM; i++)
                notify->poke.collecting += notify->groups.list[i].count > 0;
        notify->poked = !worker_process_tell(&notify->worker, 'p', &notify->poke, sizeof(notify->poke), NULL, 0);
}

/* ---- messages that the disk cannot take ---- */

static void forget_held(struct notify *notify, size_t index)
{
        free(notify->held[index].bytes);
        memmove(&notify->held[index], &notify->held[index + 1],
                (notify->held_count - index - 1) * sizeof(notify->held[0]));
        notify->held_count--;
}

static void give_held(struct notify *notify)
{
        for (size_t i = 0; i < notify->held_count; i++) {
                struct held *held = &notify->held[i];

                if (!held->given)
                        held->given = worker_process_tell(&notify->worker, 'm', held->id, MESSAGE_ID_SIZE - 1,
                                                          held->bytes, held->length);
        }
}

/* Tries the disk again; the first one that does not fit ends it. */
static void put_held(struct notify *notify)
{
        bool some = notify->held_count > 0;

        while (notify->held_count > 0 &&
               queue_put(&notify->queue, notify->held[0].id, notify->held[0].bytes, notify->held[0].length, NULL) == 0)
                forget_held(notify, 0);
        notify->held_ms = clock_monotonic_ms() + HELD_MS;
        if (some && notify->held_count == 0) {
                note(notify, _("alerts that were kept in memory are on the disk now"));
                poke(notify);
        }
}

static int hold(struct notify *notify, const char *id, const void *bytes, size_t length, uint64_t alerts,
                struct error *err)
{
        struct held *held = &notify->held[notify->held_count];
        char *copy = notify->held_count < HELD_MAXIMUM ? memory_copy(bytes, length) : NULL;

        if (!copy) {
                notify->poke.dropped += alerts;
                return error_prefix(err, _("an alert is lost, for it can be kept neither on the disk nor in memory"));
        }
        snprintf(held->id, sizeof(held->id), "%s", id);
        held->bytes = copy;
        held->length = length;
        held->given = false;
        if (notify->held_count++ == 0)
                notify->held_ms = clock_monotonic_ms() + HELD_MS;
        give_held(notify);
        return error_prefix(err, _("an alert is kept in memory only"));
}

/* Onto the disk, or else into memory. */
static int put(struct notify *notify, const char *id, const void *bytes, size_t length, uint64_t alerts,
               struct error *err)
{
        struct error error = ERROR_NONE;
        int r = queue_put(&notify->queue, id, bytes, length, &error);

        if (r < 0) {
                hold(notify, id, bytes, length, alerts, &error);
                if (err)
                        *err = error;
        }
        poke(notify);
        return r;
}

/* ---- groups ---- */

static int release(struct notify *notify, struct group *group, struct error *err)
{
        int r = 0;

        if (group->count > 0 && group->fd >= 0) {
                r = queue_group_release(&notify->queue, group->id, err);
                if (r == 0) {
                        poke(notify);
                        return 0;
                }
        }
        if (group->count > 0) {
                r = put(notify, group->id, group->slots, group_length(group), group->count, err);
                queue_group_remove(&notify->queue, group->id);
        }
        return r;
}

static bool is_full(const struct notify *notify)
{
        return notify->counters.queued >= QUEUE_MESSAGES;
}

static void release_due(struct notify *notify, bool all)
{
        int64_t now = clock_monotonic_ms();
        struct group *group;

        while ((group = groups_due(&notify->groups, all ? INT64_MAX : now)) != NULL) {
                struct error error = ERROR_NONE;

                if (is_full(notify) && group->count > 0 && !all) { /* it goes on collecting, and counting */
                        group->until_ms = now + notify->groups.window_ms;
                        continue;
                }
                if (release(notify, group, &error) < 0)
                        note(notify, error.text);
                group_next(&notify->groups, group, now);
                if (all)
                        group->open = false;
        }
}

/* A line of a group: in memory, and by one write in its file. */
static int collect(struct notify *notify, struct group *group, const struct alert *alert, struct error *err)
{
        const char *slot = NULL;
        uint64_t offset = 0;
        int r = group_collect(group, alert, &slot, &offset, err);
        bool first = group->count == 1;

        if (r < 0)
                return r;
        notify->poke.collected++;
        if (first)
                group->fd = queue_group_new(&notify->queue, group->id, err);
        if (first && group->fd >= 0)
                poke(notify);
        if (group->fd >= 0 && !fault_point(FAULT_WRITE) &&
            pwrite(group->fd, slot, MESSAGE_SLOT, (off_t)offset) == MESSAGE_SLOT)
                return 0;
        if (group->fd < 0 && !first) /* said before */
                return 0;
        if (group->fd >= 0)
                error_errno(err, errno ? errno : ENOSPC, _("cannot write to the queue of alerts"));
        fd_close(&group->fd); /* from now on it is in memory alone */
        queue_group_remove(&notify->queue, group->id);
        error_prefix(err, _("alerts are kept in memory only"));
        return err && err->code ? err->code : -EIO;
}

/* ---- the interface ---- */

static void set_defaults(struct notify *notify, const struct notify_options *options)
{
        struct notify_options *mine = &notify->options;

        if (options)
                *mine = *options;
        if (mine->server)
                snprintf(notify->server, sizeof(notify->server), "%s", mine->server);
        else if (gethostname(notify->server, sizeof(notify->server) - 1) < 0 || !*notify->server)
                snprintf(notify->server, sizeof(notify->server), "localhost");
        snprintf(notify->site, sizeof(notify->site), "%s", mine->site ? mine->site : "");
        mine->window_ms = mine->window_ms ? mine->window_ms : WINDOW_MS;
        mine->first_ms = mine->first_ms ? mine->first_ms : FIRST_MS;
        mine->last_ms = mine->last_ms ? mine->last_ms : LAST_MS;
        mine->give_up_ms = mine->give_up_ms ? mine->give_up_ms : GIVE_UP_MS;
        mine->try_ms = mine->try_ms ? mine->try_ms : TRY_MS;
}

int notify_open(const char *state_directory, const char *name, const struct notify_target *targets, size_t count,
                const struct notify_options *options, struct notify **ret_notify, struct error *err)
{
        _cleanup_(notify_closep) struct notify *notify = NULL;
        int r;

        assert(*name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name));
        if (count > NOTIFY_TARGETS_MAXIMUM)
                return error_usage(err, _("more than %d targets for alerts are given"), NOTIFY_TARGETS_MAXIMUM);
        notify = memory_new(1, sizeof(*notify));
        if (!notify)
                return error_memory(err);
        notify->queue = QUEUE_NONE;
        notify->worker = WORKER_PROCESS_NONE;
        set_defaults(notify, options);
        groups_init(&notify->groups, notify->options.window_ms);
        if (count > 0)
                memcpy(notify->targets, targets, count * sizeof(targets[0]));
        notify->target_count = count;
        r = queue_open(state_directory, name, &notify->queue, err);
        if (r < 0)
                return r;
        r = worker_process_init(&notify->worker, err);
        if (r < 0)
                return r;
        start_worker(notify);
        *ret_notify = notify;
        notify = NULL;
        return 0;
}

void notify_close(struct notify *notify)
{
        if (!notify)
                return;
        release_due(notify, true);
        put_held(notify);
        worker_process_end(&notify->worker, END_MS);
        while (notify->held_count > 0)
                forget_held(notify, notify->held_count - 1);
        groups_done(&notify->groups);
        queue_close(&notify->queue);
        worker_process_done(&notify->worker);
        free(notify);
}

void notify_closep(struct notify **notify)
{
        notify_close(*notify);
}

/* The alert with all that it leaves out, and what it belongs to. */
static void complete(const struct notify *notify, const struct alert *alert, struct alert *ret_alert,
                     char group[static GROUP_KEY_SIZE])
{
        struct timespec now;

        *ret_alert = *alert;
        clock_gettime(CLOCK_REALTIME, &now);
        if (ret_alert->time_us == 0)
                ret_alert->time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
        if (!alert->server)
                ret_alert->server = notify->server;
        if (!alert->site && *notify->site)
                ret_alert->site = notify->site;
        if (!alert->group) {
                snprintf(group, GROUP_KEY_SIZE, "%.60s %.120s %.60s", ret_alert->server, alert->dest ? alert->dest : "",
                         alert->kind);
                ret_alert->group = group;
        }
}

int notify_post(struct notify *notify, const struct alert *alert, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(MESSAGE_MAXIMUM);
        char key[GROUP_KEY_SIZE], id[MESSAGE_ID_SIZE];
        struct alert whole;
        struct group *group;
        int r = alert_check(alert, err);

        if (r < 0)
                return r;
        release_due(notify, false);
        complete(notify, alert, &whole, key);
        notify->poke.posted++;
        group = groups_find(&notify->groups, whole.group, clock_monotonic_ms(), is_full(notify));
        if (group)
                return collect(notify, group, &whole, err);
        r = message_id_make(id, err);
        if (r == 0)
                r = message_format(&whole, &text, err);
        return r < 0 ? r : put(notify, id, text.data, text.length, 1, err);
}

void notify_heartbeat(struct notify *notify, const json_t *status)
{
        _cleanup_(memory_freep) char *text = status ? json_dumps(status, JSON_COMPACT) : NULL;
        size_t length = text ? strlen(text) : 0;

        (void)worker_process_tell(&notify->worker, 'h', length < 4096 ? text : NULL, length < 4096 ? length : 0, NULL, 0);
}

int notify_fd(const struct notify *notify)
{
        return notify->worker.epoll;
}

static int64_t sooner(int64_t wait, int64_t moment, int64_t now)
{
        int64_t left = moment > now ? moment - now : 0;

        return wait < 0 || left < wait ? left : wait;
}

int notify_wait_ms(const struct notify *notify)
{
        int64_t now = clock_monotonic_ms(), wait = groups_wait(&notify->groups, now);

        if (notify->worker.pid <= 0)
                wait = sooner(wait, notify->worker.restart_ms, now);
        if (notify->held_count > 0)
                wait = sooner(wait, notify->held_ms, now);
        if (notify->poked)
                wait = sooner(wait, now + 100, now);
        return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static void take_packet(struct notify *notify, char *packet, size_t length)
{
        switch (packet[0]) {
        case 'c':
                if (length == 1 + sizeof(notify->counters))
                        memcpy(&notify->counters, packet + 1, sizeof(notify->counters));
                break;
        case 'd':
                for (size_t i = 0; i < notify->held_count; i++) {
                        if (length == MESSAGE_ID_SIZE &&
                            memcmp(notify->held[i].id, packet + 1, MESSAGE_ID_SIZE - 1) == 0) {
                                forget_held(notify, i);
                                break;
                        }
                }
                break;
        case 'n':
                packet[length] = '\0';
                note(notify, packet + 1);
                break;
        }
}

void notify_tick(struct notify *notify)
{
        char packet[ERROR_TEXT_SIZE + 2];
        int64_t now = clock_monotonic_ms();

        while (notify->worker.socket >= 0) {
                ssize_t n = recv(notify->worker.socket, packet, sizeof(packet) - 1, MSG_DONTWAIT);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        break;
                if (n > 0) {
                        take_packet(notify, packet, (size_t)n);
                        continue;
                }
                worker_process_lost(&notify->worker);
                note(notify, _("the process that delivers alerts has ended; it is started again"));
        }
        if (notify->worker.pid <= 0 && now >= notify->worker.restart_ms) {
                start_worker(notify);
                poke(notify);
        }
        release_due(notify, false);
        if (notify->held_count > 0 && now >= notify->held_ms)
                put_held(notify);
        give_held(notify);
        if (notify->poked)
                poke(notify);
}

void notify_counters(const struct notify *notify, struct notify_counters *ret_counters)
{
        const struct worker_counters *counters = &notify->counters;

        *ret_counters = (struct notify_counters){
                .posted = counters->posted + notify->poke.posted,
                .collected = counters->collected + notify->poke.collected,
                .dropped = counters->dropped + notify->poke.dropped,
                .delivered = counters->delivered,
                .failed = counters->failed,
                .retried = counters->retried,
                .queued = counters->queued,
                .undeliverable = counters->undeliverable,
        };
}

/* Whether the worker has told of all that was posted so far: it answers each poke that asks with its counters. */
static bool is_empty(const struct notify *notify, uint64_t asked)
{
        return notify->worker.socket >= 0 && notify->held_count == 0 && notify->counters.answered >= asked &&
               notify->counters.queued == 0;
}

bool notify_drain(struct notify *notify, int64_t timeout_ms)
{
        int64_t deadline = clock_monotonic_ms() + timeout_ms;
        uint64_t asked;

        release_due(notify, true);
        asked = ++notify->poke.asked;
        poke(notify);
        for (;;) {
                struct pollfd one = { .fd = notify->worker.epoll, .events = POLLIN };
                int64_t left = deadline - clock_monotonic_ms();
                int wait = notify_wait_ms(notify);

                if (is_empty(notify, asked))
                        return true;
                if (left <= 0)
                        return false;
                if (wait < 0 || wait > left)
                        wait = (int)(left < 1000 ? left : 1000);
                (void)poll(&one, 1, wait);
                notify_tick(notify);
        }
}

int notify_status(const char *state_directory, const char *name, json_t **ret_status, struct error *err)
{
        return queue_counters_read(state_directory, name, ret_status, err);
}
