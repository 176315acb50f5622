#include "sender.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "spread/row.h"
#include "spread/schema.h"
#include "spread/server.h"

#define INSERT_MS       120000 /* a batch on a busy server takes seconds; asking again too early only costs */
#define PAUSE_FIRST_MS  200
#define PAUSE_LAST_MS   15000
#define SQL_MAXIMUM     8192

struct sender {
        struct senders *all;
        size_t shard;
        struct server *server;
        pthread_t thread;
        bool running;
        /* Under the lock of all: */
        struct error words; /* why it does not take its batches; code 0: it does */
        bool untold;        /* the words are new */
        uint64_t tried;     /* the wake that the last attempt came after */
};

struct senders {
        struct spool *spool;
        const struct spread_shards *shards;
        atomic_bool stop;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        uint64_t wakes;
        struct sender items[SPREAD_SHARDS_MAXIMUM];
        size_t count;
};

/* ---------------------------------------------------------------- one batch */

static int count_rows(struct sender *sender, const struct spool_batch *batch, uint64_t *ret_rows, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(4096);
        const char *at;
        int r = schema_count(&sql, spool_node(sender->all->spool), batch->sequence, batch->day);

        if (r < 0)
                return error_memory(err);
        r = server_ask(sender->server, buffer_text(&sql), sender->all->shards->deadline_ms, &answer, err);
        if (r < 0)
                return r;
        at = buffer_text(&answer);
        if (answer.length != 8 || !row_take_u64(&at, at + 8, ret_rows))
                return error_set(err, -EBADMSG, _("the analysis server %s does not answer with a number"),
                                 server_name(sender->server));
        return 0;
}

static int insert(struct sender *sender, const struct spool_batch *batch, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        uint64_t node = spool_node(sender->all->spool);
        char path[PATH_MAX], id[80];
        int r = schema_insert(&sql, node, batch->sequence, batch->day, batch->rows);

        if (r < 0)
                return error_memory(err);
        r = spool_path(sender->all->spool, sender->shard, batch, path);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the spool"));
        snprintf(id, sizeof(id), "understudy-%016" PRIx64 "-%" PRIu32, node, batch->sequence);
        return server_insert(sender->server, buffer_text(&sql), id, ROW_STRUCTURE, path, INSERT_MS, err);
}

/* 0: the shard has all of it. */
static int send_batch(struct sender *sender, const struct spool_batch *batch, struct error *err)
{
        struct error failure = ERROR_NONE;
        uint64_t rows = 0;
        int r = count_rows(sender, batch, &rows, err);

        if (r < 0)
                return r;
        if (rows == 0) {
                r = insert(sender, batch, &failure);
                if (r != -ECANCELED)
                        r = count_rows(sender, batch, &rows, err);
                if (r < 0) {
                        if (failure.code)
                                *err = failure;
                        return r;
                }
        }
        if (rows == batch->rows)
                return spool_sent(sender->all->spool, sender->shard, batch, err);
        if (rows == 0 && failure.code) {
                *err = failure;
                return failure.code;
        }
        return error_set(err, -EBADMSG,
                         _("the analysis server %s has %" PRIu64 " of the %" PRIu32 " rows of the batch %" PRIu32
                           "; its disk may be damaged: delete those rows there, and they are sent again"),
                         server_name(sender->server), rows, batch->rows, batch->sequence);
}

/* ---------------------------------------------------------------- the thread */

static void note(struct sender *sender, const struct error *words, uint64_t wake)
{
        struct senders *all = sender->all;

        pthread_mutex_lock(&all->lock);
        if (!text_equal(sender->words.text, words->text)) {
                sender->untold = words->code || sender->words.code;
                sender->words = *words;
        }
        sender->tried = wake;
        pthread_mutex_unlock(&all->lock);
}

static uint64_t wakes_so_far(struct senders *all)
{
        uint64_t wakes;

        pthread_mutex_lock(&all->lock);
        wakes = all->wakes;
        pthread_mutex_unlock(&all->lock);
        return wakes;
}

/* Until senders_wake() (when `empty`), senders_stop(), or the time is over. */
static void pause_sender(struct senders *all, uint64_t wake, bool empty, int64_t ms)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ms / 1000;
        until.tv_nsec += ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&all->lock);
        while (!atomic_load(&all->stop) && !(empty && all->wakes != wake))
                if (pthread_cond_timedwait(&all->wake, &all->lock, &until) == ETIMEDOUT)
                        break;
        pthread_mutex_unlock(&all->lock);
}

static void *run(void *context)
{
        struct sender *sender = context;
        struct senders *all = sender->all;
        int64_t pause_ms = PAUSE_FIRST_MS;

        while (!atomic_load(&all->stop)) {
                uint64_t wake = wakes_so_far(all);
                struct spool_batch batch;
                struct error error = ERROR_NONE;
                int r;

                if (!spool_first(all->spool, sender->shard, &batch)) {
                        pause_sender(all, wake, true, PAUSE_LAST_MS);
                        continue;
                }
                r = send_batch(sender, &batch, &error);
                if (r == -ECANCELED)
                        break;
                if (r == 0) {
                        const struct error none = ERROR_NONE;

                        note(sender, &none, wake);
                        pause_ms = PAUSE_FIRST_MS;
                        continue;
                }
                note(sender, &error, wake);
                pause_sender(all, wake, false, pause_ms);
                pause_ms = pause_ms * 2 < PAUSE_LAST_MS ? pause_ms * 2 : PAUSE_LAST_MS;
        }
        return NULL;
}

/* ---------------------------------------------------------------- all of them */

static int start_one(struct senders *senders, size_t shard, struct error *err)
{
        struct sender *sender = &senders->items[shard];
        int r = server_new(&senders->shards->items[shard], senders->shards->database, &senders->stop, &sender->server,
                           err);

        if (r < 0)
                return r;
        senders->count++;
        sender->all = senders;
        sender->shard = shard;
        r = pthread_create(&sender->thread, NULL, run, sender);
        if (r > 0)
                return error_errno(err, r, _("cannot start the sender for the analysis server %s"),
                                   senders->shards->items[shard].name);
        sender->running = true;
        return 0;
}

int senders_start(struct spool *spool, const struct spread_shards *shards, struct senders **ret_senders,
                  struct error *err)
{
        struct senders *senders = memory_new(1, sizeof(*senders));
        pthread_condattr_t attributes;
        sigset_t all_signals, before;
        int r = 0;

        if (!senders)
                return error_memory(err);
        senders->spool = spool;
        senders->shards = shards;
        senders->wakes = 1;
        atomic_init(&senders->stop, false);
        pthread_mutex_init(&senders->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&senders->wake, &attributes);
        pthread_condattr_destroy(&attributes);
        sigfillset(&all_signals); /* they are for the thread that reads */
        pthread_sigmask(SIG_SETMASK, &all_signals, &before);
        for (size_t i = 0; i < shards->count && r == 0; i++)
                r = start_one(senders, i, err);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r < 0) {
                senders_stop(senders);
                return r;
        }
        *ret_senders = senders;
        return 0;
}

void senders_stop(struct senders *senders)
{
        if (!senders)
                return;
        pthread_mutex_lock(&senders->lock);
        atomic_store(&senders->stop, true);
        pthread_cond_broadcast(&senders->wake);
        pthread_mutex_unlock(&senders->lock);
        for (size_t i = 0; i < senders->count; i++) {
                if (senders->items[i].running)
                        pthread_join(senders->items[i].thread, NULL);
                server_free(senders->items[i].server);
        }
        pthread_cond_destroy(&senders->wake);
        pthread_mutex_destroy(&senders->lock);
        free(senders);
}

void senders_wake(struct senders *senders)
{
        pthread_mutex_lock(&senders->lock);
        senders->wakes++;
        pthread_cond_broadcast(&senders->wake);
        pthread_mutex_unlock(&senders->lock);
}

bool senders_notice(struct senders *senders, struct error *ret_words)
{
        bool found = false;

        pthread_mutex_lock(&senders->lock);
        for (size_t i = 0; i < senders->count && !found; i++) {
                struct sender *sender = &senders->items[i];

                if (!sender->untold)
                        continue;
                found = true;
                sender->untold = false;
                if (sender->words.code)
                        *ret_words = sender->words;
                else
                        error_set(ret_words, -EAGAIN, _("the analysis server %s takes its batches again"),
                                  senders->shards->items[i].name);
        }
        pthread_mutex_unlock(&senders->lock);
        return found;
}

bool senders_settled(struct senders *senders)
{
        bool settled = true;

        pthread_mutex_lock(&senders->lock);
        for (size_t i = 0; i < senders->count; i++) {
                const struct sender *sender = &senders->items[i];
                uint64_t batches, bytes;

                spool_waiting(senders->spool, i, &batches, &bytes);
                settled = settled && (!batches || (sender->words.code && sender->tried == senders->wakes));
        }
        pthread_mutex_unlock(&senders->lock);
        return settled;
}
