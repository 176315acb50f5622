/*
 * worker.c - the worker's loop.
 *
 * A channel is idle, or busy with one job until its sender answers, breaks, or takes too long:
 *
 *     idle  --a message or heartbeat is ready--> busy  --result--> idle
 *                                                      --broken, late--> idle, sender killed, "later"
 *     idle for 30 s: the sender ends (it holds a password, and read its files when it started)
 */
#include "notify/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/ed25519.h"
#include "ipc/frame.h"
#include "ipc/sandbox.h"
#include "notify/finding.h"
#include "notify/worker_parts.h"

#define SCAN_MS     30000 /* the folder is looked at that often also when nobody says that it has changed */
#define SYNC_MS     1000
#define BOOKS_MS    2000
#define IDLE_MS     30000
#define OVER_TRY_MS 10000 /* what a sender may take beyond its own limit: a name server that does not answer */
#define DESCRIPTORS 16

void worker_say(struct worker *worker, const char *sentence)
{
        char packet[ERROR_TEXT_SIZE + 1];
        int n = snprintf(packet, sizeof(packet), "n%s", sentence);

        (void)send(worker->socket, packet, n < (int)sizeof(packet) ? (size_t)n : sizeof(packet) - 1,
                   MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- how a try ended ---- */

static void say_failure(struct worker *worker, const struct channel *channel, const char *words)
{
        struct error error = ERROR_NONE;

        error_set(&error, -EIO, _("an alert could not be delivered to %s and is tried again: %s"),
                  channel->target->shown, words);
        worker_say(worker, error.text);
}

static int64_t age_ms(const struct item *item)
{
        char digits[17];
        uint64_t made_us;

        snprintf(digits, sizeof(digits), "%.16s", item->id);
        made_us = strtoull(digits, NULL, 16); /* 16 hex digits: message_id_is_good() */
        return clock_now() * 1000 - (int64_t)(made_us / 1000);
}

static void give_up(struct worker *worker, struct channel *channel, struct item *item, const char *words)
{
        struct error error = ERROR_NONE;

        error_set(&error, -ETIMEDOUT, _("the alert %s is given up for %s and kept as undeliverable: %s"), item->id,
                  channel->target->shown, words);
        worker_say(worker, error.text);
        worker->counters.failed++;
        channel->failed++;
        worker_settle(worker, item, (size_t)(channel - worker->channels), *words ? words : "?");
}

/* Gives up what is too old at a target that does not take it; all that waits there grows old together. */
static void give_up_old(struct worker *worker, struct channel *channel)
{
        size_t index = (size_t)(channel - worker->channels);

        for (size_t i = worker->item_count; i-- > 0;) {
                struct item *item = worker->items[i];

                if (!item->at[index].settled && !item->broken &&
                    schedule_given_up(&worker->options->times, age_ms(item), &channel->schedule, &item->at[index]))
                        give_up(worker, channel, item, channel->words);
        }
}

static void ended(struct worker *worker, struct channel *channel, enum schedule_end end, const char *words)
{
        size_t index = (size_t)(channel - worker->channels);
        struct item *item = channel->job;
        bool was_down = channel->schedule.failures > 0;
        uint64_t chance = 0;

        channel->busy = false;
        channel->job = NULL;
        channel->idle_ms = clock_monotonic_ms();
        worker->changed = true;
        if (end == SCHEDULE_DELIVERED)
                channel->last_delivered = clock_now();
        else {
                channel->last_failed = clock_now();
                snprintf(channel->words, sizeof(channel->words), "%s", words);
        }
        if (!item) /* a heartbeat: the next one comes anyway */
                return;
        (void)random_secret(&chance, sizeof(chance), NULL);
        schedule_ended(&worker->options->times, end, channel->idle_ms, chance, &channel->schedule, &item->at[index]);
        if (end == SCHEDULE_DELIVERED) {
                worker->counters.delivered++;
                channel->delivered++;
                worker_settle(worker, item, index, NULL);
        } else {
                worker->counters.retried++;
                if ((end == SCHEDULE_LATER && channel->schedule.failures == 1) ||
                    (end == SCHEDULE_REJECTED && item->at[index].rejections == 1))
                        say_failure(worker, channel, words);
                give_up_old(worker, channel);
        }
        if (was_down && end != SCHEDULE_LATER) {
                struct error error = ERROR_NONE;

                error_set(&error, 0, _("alerts reach %s again"), channel->target->shown);
                worker_say(worker, error.text);
        }
}

static void broken(struct worker *worker, struct channel *channel, const char *words)
{
        sender_stop(&channel->sender);
        ended(worker, channel, SCHEDULE_LATER, words);
}

/* ---- starting a try ---- */

static void give(struct worker *worker, struct channel *channel, const struct buffer *head,
                 const struct buffer *payload)
{
        struct error error = ERROR_NONE;
        char words[SENDER_WORDS];

        channel->busy = true;
        channel->deadline_ms = clock_monotonic_ms() + worker->options->limits.try_ms + OVER_TRY_MS;
        if (channel->target->kind == TARGET_SYSLOG_LOCAL) {
                enum schedule_end end = sender_local(channel->target, payload, words);

                ended(worker, channel, end, words);
                return;
        }
        if (channel->sender.pid <= 0 &&
            sender_start(channel->target, &worker->options->limits, &channel->sender, &error) < 0)
                ended(worker, channel, SCHEDULE_LATER, error.text);
        else if (sender_give(&channel->sender, head, payload) < 0)
                broken(worker, channel, _("the process that sends it has ended"));
}

static void start_message(struct worker *worker, struct channel *channel, struct item *item)
{
        _cleanup_(buffer_done) struct buffer head = BUFFER_INIT(8192), payload = BUFFER_INIT(FRAME_BODY_MAXIMUM - 8192);
        struct message message = { .count = 0 };
        struct error error = ERROR_NONE;
        int r = worker_load(worker, item, &message, &error);

        channel->job = item;
        if (r == -EBADMSG || r == -ENOENT || r == -E2BIG) { /* damaged: no try will ever do */
                channel->job = NULL;
                give_up(worker, channel, item, error.text);
                return;
        }
        if (r == 0)
                r = worker_render(&message, channel->target, &head, &payload, &error);
        if (r < 0)
                ended(worker, channel, SCHEDULE_LATER, error.text);
        else
                give(worker, channel, &head, &payload);
        message_done(&message);
}

static bool beat_is_due(const struct worker *worker, const struct channel *channel, int64_t now)
{
        return channel->target->heartbeat_s > 0 && worker->beat > channel->beat &&
               now - channel->beat_ms >= channel->target->heartbeat_s * 1000;
}

static void start_heartbeat(struct worker *worker, struct channel *channel, int64_t now)
{
        _cleanup_(buffer_done) struct buffer head = BUFFER_INIT(8192), payload = BUFFER_INIT(65536);
        json_t *status = json_loadb(worker->beat_text, worker->beat_length, 0, NULL);
        struct error error = ERROR_NONE;
        char id[MESSAGE_ID_SIZE];
        int r = message_id_make(id, &error);

        channel->beat = worker->beat;
        channel->beat_ms = now;
        if (r == 0 && finding_heartbeat(id, worker->options->server, clock_now() * 1000000,
                                        channel->target->heartbeat_s, status, &payload) < 0)
                r = error_memory(&error);
        if (r == 0)
                r = worker_sign(id, channel->target, &head, &payload, &error);
        json_decref(status);
        if (r < 0)
                ended(worker, channel, SCHEDULE_LATER, error.text);
        else
                give(worker, channel, &head, &payload);
}

/* Starts what is ready. Returns the moment when the channel is to be looked at again, -1 for never. */
static int64_t serve(struct worker *worker, struct channel *channel)
{
        for (;;) {
                int64_t now = clock_monotonic_ms(), ready = 0;
                struct item *item;

                if (channel->busy)
                        return channel->deadline_ms;
                if (beat_is_due(worker, channel, now)) {
                        start_heartbeat(worker, channel, now);
                        continue;
                }
                item = worker_pick(worker, channel, &ready);
                if (item && ready <= now) {
                        start_message(worker, channel, item);
                        continue;
                }
                if (!item && channel->sender.pid <= 0)
                        return -1;
                if (channel->sender.pid > 0 && now >= channel->idle_ms + IDLE_MS)
                        sender_stop(&channel->sender);
                if (channel->sender.pid > 0 && (!item || channel->idle_ms + IDLE_MS < ready))
                        return channel->idle_ms + IDLE_MS;
                return item ? ready : -1;
        }
}

/* ---- what comes in ---- */

static void take_result(struct worker *worker, struct channel *channel)
{
        enum schedule_end end;
        enum sender_reach reach;
        char words[SENDER_WORDS];

        if (sender_take(&channel->sender, &end, &reach, words) == 0 && channel->busy)
                ended(worker, channel, end, words);
        else if (channel->busy)
                broken(worker, channel, _("the process that sends it has ended"));
        else
                sender_stop(&channel->sender);
}

static void take_packet(struct worker *worker, size_t length)
{
        const char *packet = worker->packet;
        char id[MESSAGE_ID_SIZE];

        switch (packet[0]) {
        case 'p':
                if (length != 1 + sizeof(worker->poke))
                        break;
                memcpy(&worker->poke, packet + 1, sizeof(worker->poke));
                worker->scan = worker->changed = true;
                break;
        case 'm':
                if (length <= MESSAGE_ID_SIZE)
                        break;
                snprintf(id, sizeof(id), "%.*s", MESSAGE_ID_SIZE - 1, packet + 1);
                worker_add_memory(worker, id, packet + MESSAGE_ID_SIZE, length - MESSAGE_ID_SIZE);
                break;
        case 'h':
                if (length - 1 > sizeof(worker->beat_text))
                        break;
                worker->beat++;
                worker->beat_length = length - 1;
                memcpy(worker->beat_text, packet + 1, length - 1);
                break;
        }
}

/* The one who posts is gone when this is false. */
static bool take_packets(struct worker *worker)
{
        for (;;) {
                ssize_t n = recv(worker->socket, worker->packet, WORKER_PACKET_MAXIMUM, MSG_DONTWAIT);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                if (n <= 0)
                        return false;
                take_packet(worker, (size_t)n);
        }
}

/* ---- the loop ---- */

static int64_t earlier(int64_t a, int64_t b)
{
        return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* What is done from time to time. Returns when it is next. */
static int64_t keep_books(struct worker *worker)
{
        int64_t now = clock_monotonic_ms(), next;

        if (worker->scan || now - worker->scanned_ms >= SCAN_MS) {
                worker->scan = false;
                worker->scanned_ms = now;
                worker_scan(worker);
        }
        if (worker->poke.collecting > 0 && now - worker->synced_ms >= SYNC_MS) {
                worker->synced_ms = now;
                queue_sync(worker->queue);
        }
        next = worker->scanned_ms + SCAN_MS;
        if (worker->poke.collecting > 0)
                next = earlier(next, worker->synced_ms + SYNC_MS);
        return next;
}

static int64_t show_books(struct worker *worker)
{
        int64_t now = clock_monotonic_ms();

        if (worker->changed)
                worker_books_tell(worker);
        worker->unwritten |= worker->changed;
        worker->changed = false;
        if (!worker->unwritten)
                return -1;
        if (now - worker->written_ms < BOOKS_MS)
                return worker->written_ms + BOOKS_MS;
        worker->unwritten = false;
        worker->written_ms = now;
        worker_books_write(worker);
        return -1;
}

static void loop(struct worker *worker) __attribute__((noreturn));

static void loop(struct worker *worker)
{
        for (;;) {
                struct pollfd fds[NOTIFY_TARGETS_MAXIMUM + 1] = {
                        {.fd = worker->socket, .events = POLLIN}
                };
                int64_t next = keep_books(worker), now;

                for (size_t i = 0; i < worker->channel_count; i++)
                        next = earlier(next, serve(worker, &worker->channels[i]));
                next = earlier(next, show_books(worker));
                for (size_t i = 0; i < worker->channel_count; i++)
                        fds[i + 1] = (struct pollfd){ .fd = worker->channels[i].sender.socket, .events = POLLIN };
                now = clock_monotonic_ms();
                if (poll(fds, worker->channel_count + 1, next > now ? (int)(next - now) : 0) < 0 && errno != EINTR)
                        _exit(EXIT_FAILURE);
                now = clock_monotonic_ms();
                for (size_t i = 0; i < worker->channel_count; i++) {
                        struct channel *channel = &worker->channels[i];

                        if (fds[i + 1].revents)
                                take_result(worker, channel);
                        else if (channel->busy && now >= channel->deadline_ms)
                                broken(worker, channel, _("it takes too long"));
                }
                if (fds[0].revents && !take_packets(worker)) {
                        for (size_t i = 0; i < worker->channel_count; i++)
                                sender_stop(&worker->channels[i].sender);
                        worker_books_write(worker);
                        _exit(EXIT_SUCCESS);
                }
        }
}

/* All descriptors but these: the caller may hold one whose last close means something (a fanotify group). */
static void close_others(const int *kept, size_t count)
{
        unsigned int from = SANDBOX_INSTRUMENTED ? 3 : 0;

        for (;;) {
                unsigned int next = ~0U;

                for (size_t i = 0; i < count; i++)
                        if (kept[i] >= (int)from && (unsigned int)kept[i] < next)
                                next = (unsigned int)kept[i];
                if (next == ~0U)
                        break;
                if (next > from)
                        close_range(from, next - 1, 0);
                from = next + 1;
        }
        close_range(from, ~0U, 0);
}

static void settle(int socket, const struct queue *queue)
{
        const int kept[] = { socket,        queue->folder,   queue->lock,         queue->messages,
                             queue->groups, queue->progress, queue->undeliverable };
        static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGTERM };
        sigset_t none;

        close_others(kept, LENGTH(kept));
        for (int fd = 0; fd <= 2; fd++) {
                if (fcntl(fd, F_GETFD) < 0)
                        (void)open("/dev/null", O_RDWR); /* the lowest that is free: this one */
        }
        for (int number = 1; number < NSIG; number++)
                signal(number, SIG_DFL);
        for (size_t i = 0; i < LENGTH(ignored); i++) /* it ends when the one who posts has ended */
                signal(ignored[i], SIG_IGN);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

void worker_run(int socket, struct queue *queue, const struct worker_options *options)
{
        struct worker *worker = memory_new(1, sizeof(*worker));

        settle(socket, queue);
        if (!worker || !(worker->packet = memory_new(WORKER_PACKET_MAXIMUM, 1)))
                _exit(EXIT_FAILURE);
        worker->socket = socket;
        worker->queue = queue;
        worker->options = options;
        worker->channel_count = options->count;
        worker->scan = worker->changed = true;
        for (size_t i = 0; i < options->count; i++) {
                worker->channels[i].target = &options->targets[i];
                worker->channels[i].sender = SENDER_NONE;
                worker->channels[i].beat_ms = -INT64_C(86400000);
        }
        worker_books_read(worker);
        loop(worker);
}
