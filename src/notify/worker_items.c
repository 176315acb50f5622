/* worker_items.c - the messages that wait, in memory as on the disk. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "notify/worker_parts.h"

/* Index of the first item whose id is not before `id`. */
static size_t find(const struct worker *worker, const char *id, bool *ret_found)
{
        size_t low = 0, high = worker->item_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(worker->items[middle]->id, id) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = low < worker->item_count && text_equal(worker->items[low]->id, id);
        return low;
}

static struct item *insert(struct worker *worker, const char *id)
{
        struct item *item = memory_new(1, sizeof(*item));
        bool found;
        size_t at = find(worker, id, &found);

        if (!item || memory_grow(&worker->items, worker->item_count, sizeof(struct item *)) < 0) {
                free(item);
                return NULL;
        }
        memmove(worker->items + at + 1, worker->items + at, (worker->item_count - at) * sizeof(struct item *));
        worker->items[at] = item;
        worker->item_count++;
        snprintf(item->id, sizeof(item->id), "%s", id);
        worker->changed = true;
        return item;
}

static void drop(struct worker *worker, struct item *item)
{
        bool found;
        size_t at = find(worker, item->id, &found);

        memmove(worker->items + at, worker->items + at + 1, (worker->item_count - at - 1) * sizeof(struct item *));
        worker->item_count--;
        worker->changed = true;
        for (size_t i = 0; i < LENGTH(item->why); i++)
                free(item->why[i]);
        free(item->bytes);
        free(item);
}

static bool is_settled(const struct worker *worker, const struct item *item, bool *ret_given_up)
{
        bool given_up = false;

        for (size_t i = 0; i < worker->channel_count; i++) {
                if (!item->at[i].settled)
                        return false;
                given_up = given_up || item->why[i];
        }
        *ret_given_up = given_up;
        return true;
}

static json_t *progress_of(const struct worker *worker, const struct item *item)
{
        json_t *progress = json_object();

        for (size_t i = 0; progress && i < worker->channel_count; i++)
                if (item->at[i].settled)
                        json_object_set_new(progress, worker->channels[i].target->name,
                                            json_string(item->why[i] ? item->why[i] : "delivered"));
        return progress;
}

static void write_progress(struct worker *worker, const struct item *item)
{
        json_t *progress = progress_of(worker, item);
        struct error error = ERROR_NONE;

        /* When this fails, a crash can make it be sent twice; it is the same Message-ID then. */
        if (progress && queue_progress_write(worker->queue, item->id, progress, &error) < 0)
                worker_say(worker, error.text);
        json_decref(progress);
}

static void read_progress(struct worker *worker, struct item *item)
{
        json_t *progress = queue_progress_read(worker->queue, item->id);

        for (size_t i = 0; i < worker->channel_count; i++) {
                const char *words = json_string_value(json_object_get(progress, worker->channels[i].target->name));

                item->at[i].settled = words != NULL;
                if (words && !text_equal(words, "delivered"))
                        item->why[i] = memory_string(words);
        }
        json_decref(progress);
}

/* After the last target: out of the queue. */
static void finish(struct worker *worker, struct item *item)
{
        struct error error = ERROR_NONE;
        char packet[MESSAGE_ID_SIZE + 1];
        bool given_up = false;

        if (!is_settled(worker, item, &given_up))
                return;
        if (item->bytes) {
                snprintf(worker->settled[worker->settled_next++ % SETTLED_MEMORY], MESSAGE_ID_SIZE, "%s", item->id);
                snprintf(packet, sizeof(packet), "d%s", item->id);
                (void)send(worker->socket, packet, MESSAGE_ID_SIZE, MSG_DONTWAIT | MSG_NOSIGNAL);
                drop(worker, item);
                return;
        }
        if (given_up)
                write_progress(worker, item);
        if (queue_finish(worker->queue, item->id, given_up, &error) < 0) {
                worker_say(worker, error.text);
                item->broken = true;
                return;
        }
        worker->counters.undeliverable += given_up;
        drop(worker, item);
}

static bool was_settled(const struct worker *worker, const char *id)
{
        for (size_t i = 0; i < SETTLED_MEMORY; i++)
                if (text_equal(worker->settled[i], id))
                        return true;
        return false;
}

static int scan_one(void *context, const char *id)
{
        struct worker *worker = context;
        struct item *item;
        bool found;
        size_t at = find(worker, id, &found);

        if (found) {
                item = worker->items[at];
                if (item->bytes) { /* it has reached the disk */
                        free(item->bytes);
                        item->bytes = NULL;
                        write_progress(worker, item);
                }
                return 0;
        }
        if (was_settled(worker, id)) { /* it reached the disk when it was delivered from memory */
                (void)queue_finish(worker->queue, id, false, NULL);
                return 0;
        }
        if (worker->item_count >= QUEUE_MESSAGES) /* after those that are there */
                return 0;
        item = insert(worker, id);
        if (!item)
                return 0; /* the next scan finds it */
        read_progress(worker, item);
        finish(worker, item); /* a kill came between the last delivery and its removal */
        return 0;
}

void worker_scan(struct worker *worker)
{
        struct error error = ERROR_NONE;

        if (queue_list(worker->queue, scan_one, worker, &error) < 0)
                worker_say(worker, error.text);
}

void worker_add_memory(struct worker *worker, const char *id, const char *bytes, size_t length)
{
        struct item *item;
        bool found;

        find(worker, id, &found);
        if (found || was_settled(worker, id) || !message_id_is_good(id))
                return;
        item = insert(worker, id);
        if (!item)
                return;
        item->bytes = memory_copy(bytes, length);
        item->length = length;
        if (!item->bytes)
                drop(worker, item); /* the caller has it still */
        else
                finish(worker, item);
}

struct item *worker_pick(const struct worker *worker, const struct channel *channel, int64_t *ret_ready_ms)
{
        size_t index = (size_t)(channel - worker->channels);
        const struct schedule_times *times = &worker->options->times;
        struct item *best = NULL;
        int64_t best_ready = 0;

        for (size_t i = 0; i < worker->item_count; i++) {
                struct item *item = worker->items[i];
                const struct schedule_item *at = &item->at[index];
                int64_t ready;

                if (at->settled || item->broken)
                        continue;
                ready = schedule_ready(times, &channel->schedule, at);
                if (!best || ready < best_ready ||
                    (ready == best_ready && schedule_before(at, &best->at[index], strcmp(item->id, best->id)))) {
                        best = item;
                        best_ready = ready;
                }
        }
        *ret_ready_ms = best_ready;
        return best;
}

void worker_settle(struct worker *worker, struct item *item, size_t channel, const char *words)
{
        bool given_up;

        item->at[channel].settled = true;
        if (words && !item->why[channel])
                item->why[channel] = memory_string(words);
        if (is_settled(worker, item, &given_up))
                finish(worker, item);
        else if (!item->bytes)
                write_progress(worker, item);
}

int worker_load(struct worker *worker, const struct item *item, struct message *ret_message, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(MESSAGE_MAXIMUM);
        int r;

        if (item->bytes)
                return message_parse(item->bytes, item->length, item->id, ret_message, err);
        r = queue_read(worker->queue, item->id, &text, err);
        return r < 0 ? r : message_parse(buffer_text(&text), text.length, item->id, ret_message, err);
}
