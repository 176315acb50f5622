/* worker_books.c - how many, kept over restarts and shown to `status`. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "notify/worker_parts.h"

static const struct {
        const char *key;
        size_t offset;
} totals[] = {
        {"posted",     offsetof(struct worker_counters, posted)   },
        { "collected", offsetof(struct worker_counters, collected)},
        { "dropped",   offsetof(struct worker_counters, dropped)  },
        { "delivered", offsetof(struct worker_counters, delivered)},
        { "failed",    offsetof(struct worker_counters, failed)   },
        { "retried",   offsetof(struct worker_counters, retried)  },
};

static uint64_t number_of(const json_t *object, const char *key)
{
        json_int_t number = json_integer_value(json_object_get(object, key));

        return number > 0 ? (uint64_t)number : 0;
}

static int64_t time_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));
        int64_t seconds = 0;

        return text && clock_parse_utc(text, &seconds) == 0 ? seconds : 0;
}

static void read_targets(struct worker *worker, const json_t *list)
{
        for (size_t i = 0; i < worker->channel_count; i++) {
                struct channel *channel = &worker->channels[i];

                for (size_t k = 0; k < json_array_size(list); k++) {
                        const json_t *one = json_array_get(list, k);
                        const char *name = json_string_value(json_object_get(one, "name"));
                        const char *words = json_string_value(json_object_get(one, "words"));

                        if (!name || !text_equal(name, channel->target->name))
                                continue;
                        channel->delivered = number_of(one, "delivered");
                        channel->failed = number_of(one, "failed");
                        channel->last_delivered = time_of(one, "last_delivered");
                        channel->last_failed = time_of(one, "last_failed");
                        snprintf(channel->words, sizeof(channel->words), "%s", words ? words : "");
                }
        }
}

void worker_books_read(struct worker *worker)
{
        json_t *books = NULL;

        worker->counters.undeliverable = queue_count_undeliverable(worker->queue);
        if (queue_counters_load(worker->queue, &books, NULL) < 0)
                return;
        for (size_t i = 0; i < LENGTH(totals); i++) {
                uint64_t number = number_of(books, totals[i].key);

                memcpy((char *)&worker->counters + totals[i].offset, &number, sizeof(number));
        }
        read_targets(worker, json_object_get(books, "targets"));
        json_decref(books);
}

static json_t *time_text(int64_t seconds)
{
        char text[CLOCK_TEXT_SIZE];

        if (seconds == 0)
                return json_null();
        clock_format_utc(seconds, text);
        return json_string(text);
}

static json_t *target_books(const struct channel *channel)
{
        return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:s}", "target", channel->target->shown, "name",
                         channel->target->name, "delivered", (json_int_t)channel->delivered, "failed",
                         (json_int_t)channel->failed, "last_delivered", time_text(channel->last_delivered),
                         "last_failed", time_text(channel->last_failed), "words", channel->words);
}

void worker_books_write(struct worker *worker)
{
        const struct worker_counters *counters = &worker->counters;
        const struct worker_poke *poke = &worker->poke;
        struct error error = ERROR_NONE;
        json_t *list = json_array();
        json_t *books;

        for (size_t i = 0; list && i < worker->channel_count; i++)
                json_array_append_new(list, target_books(&worker->channels[i]));
        books = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "posted",
                          (json_int_t)counters->posted + (json_int_t)poke->posted, "collected",
                          (json_int_t)counters->collected + (json_int_t)poke->collected, "dropped",
                          (json_int_t)counters->dropped + (json_int_t)poke->dropped, "delivered",
                          (json_int_t)counters->delivered, "failed", (json_int_t)counters->failed, "retried",
                          (json_int_t)counters->retried, "queued", (json_int_t)worker->item_count, "undeliverable",
                          (json_int_t)counters->undeliverable, "targets", list);
        if (books)
                (void)queue_counters_write(worker->queue, books, &error); /* a full disk is said when it hurts */
        json_decref(books);
}

void worker_books_tell(struct worker *worker)
{
        char packet[1 + sizeof(worker->counters)] = "c";

        worker->counters.queued = worker->item_count;
        worker->counters.answered = worker->scan ? worker->counters.answered : worker->poke.asked;
        memcpy(packet + 1, &worker->counters, sizeof(worker->counters));
        (void)send(worker->socket, packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL);
}
