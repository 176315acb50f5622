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
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "spread/outside.h"
#include "spread/proof.h"
#include "spread/rollup.h"
#include "spread/row.h"
#include "spread/salted.h"
#include "spread/schema.h"
#include "spread/server.h"

#define INSERT_MS       120000 /* a batch on a busy server takes seconds; asking again too early only costs */
#define PAUSE_FIRST_MS  200
#define PAUSE_LAST_MS   15000
#define SQL_MAXIMUM     8192
#define PROOF_MS        2000  /* how long a server counts as proven without asking again */
#define SCRIPT_MS       60000 /* and the script that it gives out */

struct sender {
        struct senders *all;
        size_t shard;
        struct server *server;
        pthread_t thread;
        bool running, named;
        size_t salts_said; /* so many of the spool's */
        int64_t proven_ms, script_ms; /* when it is to be asked again whether it may take part */
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
        const char *node_name;
        uint64_t wakes;
        struct sender items[SPREAD_SHARDS_MAXIMUM];
        size_t count;
};

/* ---------------------------------------------------------------- one batch */

static int no_answer(const struct sender *sender, struct error *err)
{
        return error_set(err, -EBADMSG, _("the analysis server %s answers with what is no row"),
                         server_name(sender->server));
}

/* `ret_rolled`: whether the rollup has them, too. */
static int count_rows(struct sender *sender, const struct spool_batch *batch, uint64_t *ret_rows, bool *ret_rolled,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(4096);
        const char *at, *end;
        uint64_t proofs;
        int r = schema_count(&sql, spool_node(sender->all->spool), batch->sequence, batch->day);

        if (r < 0)
                return error_memory(err);
        r = server_ask(sender->server, buffer_text(&sql), sender->all->shards->deadline_ms, &answer, err);
        if (r < 0)
                return r;
        at = buffer_text(&answer);
        end = at + answer.length;
        if (!row_take_u64(&at, end, ret_rows) || !row_take_u64(&at, end, &proofs) || at != end)
                return no_answer(sender, err);
        *ret_rolled = proofs > 0;
        return 0;
}

static int insert(struct sender *sender, const struct spool_batch *batch, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        uint64_t node = spool_node(sender->all->spool);
        _cleanup_(fd_closep) int fd = -1;
        char id[SCHEMA_ID_SIZE];
        int r = schema_insert(&sql, batch->structure, node, batch->sequence, batch->day, batch->rows);

        if (r < 0)
                return error_memory(err);
        r = spool_open_batch(sender->all->spool, sender->shard, batch, &fd, err);
        if (r < 0)
                return r;
        schema_id(node, batch->sequence, id);
        return server_insert(sender->server, buffer_text(&sql), id, row_structure(batch->structure), fd, INSERT_MS,
                             err);
}

/* The server was killed, or its disk was full, after the rows and before what its view makes of them. */
static int mend_rollup(struct sender *sender, const struct spool_batch *batch, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        uint64_t node = spool_node(sender->all->spool);
        char id[SCHEMA_ID_SIZE];

        if (rollup_fill(&sql, node, batch->day, &batch->sequence, 1) < 0)
                return error_memory(err);
        schema_id(node, batch->sequence, id);
        return server_fill(sender->server, buffer_text(&sql), id, INSERT_MS, err);
}

/* What is missing, once; what came of it is asked afterwards. */
static int complete(struct sender *sender, const struct spool_batch *batch, uint64_t rows, bool rolled,
                    struct error *err)
{
        if (rows == 0 && !rolled)
                return insert(sender, batch, err);
        return rows == batch->rows && !rolled ? mend_rollup(sender, batch, err) : 0;
}

/* 0: the shard has all of it. */
static int send_batch(struct sender *sender, const struct spool_batch *batch, struct error *err)
{
        struct error failure = ERROR_NONE;
        uint64_t rows = 0;
        bool rolled = false;
        int r = count_rows(sender, batch, &rows, &rolled, err);

        for (unsigned int tries = 0; r == 0 && !(rows == batch->rows && rolled) && !failure.code && tries < 2; tries++) {
                r = complete(sender, batch, rows, rolled, &failure);
                if (r != -ECANCELED)
                        r = count_rows(sender, batch, &rows, &rolled, err);
                if (r < 0 && failure.code)
                        *err = failure;
        }
        if (r < 0)
                return r;
        if (rows == batch->rows && rolled)
                return spool_sent(sender->all->spool, sender->shard, batch, err);
        if (failure.code) {
                *err = failure;
                return failure.code;
        }
        return error_set(err, -EBADMSG,
                         _("the analysis server %s has %" PRIu64 " of the %" PRIu32 " rows of the batch %" PRIu32
                           "; its disk may be damaged: delete those rows there, and they are sent again"),
                         server_name(sender->server), rows, batch->rows, batch->sequence);
}

/* ---------------------------------------------------------------- whether it may take part */

static int check_script(struct sender *sender, struct error *err)
{
        const struct spread_shard *shard = &sender->all->shards->items[sender->shard];
        struct outside_look look = { .server = shard->name, .place = shard->script, .error = ERROR_NONE };
        int r = outside_look(&look, 1, sender->all->shards->deadline_ms, err);

        if (r == 0 && look.result < 0)
                *err = look.error;
        return r < 0 ? r : look.result;
}

static int check_standing(struct sender *sender, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(SQL_MAXIMUM);
        const struct spread_shards *shards = sender->all->shards;
        uint64_t version = 0;
        int r = shards->admits ? shards->admits(shards->context, shards->items[sender->shard].name, err) : 0;

        if (r < 0)
                return r;
        if (proof_question(&sql, shards, &shards->items[sender->shard]) < 0)
                return error_memory(err);
        r = server_ask(sender->server, buffer_text(&sql), shards->deadline_ms, &answer, err);
        if (r == 0)
                r = proof_judge(shards, &shards->items[sender->shard], &answer, &version, err);
        if (r == 0 && version < SCHEMA_LATEST)
                r = error_set(err, -EREMOTEIO,
                              _("the analysis server %s has no tables yet, or older ones; run 'understudy analyze migrate'"),
                              server_name(sender->server));
        return r;
}

/* Who we are, for whoever asks later which server's events these are. */
static int say_name(struct sender *sender, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        int r = sender->named ? 0 : schema_name(&sql, spool_node(sender->all->spool), sender->all->node_name);

        if (r < 0)
                return error_memory(err);
        if (!sender->named)
                r = server_ask(sender->server, buffer_text(&sql), sender->all->shards->deadline_ms, NULL, err);
        sender->named = r == 0;
        return r;
}

/* By what salts the days of the batches are known, before any of them comes: whoever asks compares. */
static int say_salts(struct sender *sender, struct error *err)
{
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        struct spool *spool = sender->all->spool;
        uint64_t mark;
        uint16_t day;
        int r = 0;

        while (r == 0 && spool_salt(spool, sender->salts_said, &day, &mark)) {
                buffer_clear(&sql);
                if (salted_say(&sql, spool_node(spool), day, mark) < 0)
                        return error_memory(err);
                r = server_ask(sender->server, buffer_text(&sql), sender->all->shards->deadline_ms, NULL, err);
                sender->salts_said += r == 0;
        }
        return r;
}

/* A server gets events only while it is proven, and gives out the right script. */
static int may_take_part(struct sender *sender, struct error *err)
{
        int64_t now = clock_monotonic_ms();
        int r = 0;

        if (now >= sender->proven_ms) {
                r = check_standing(sender, err);
                if (r == 0)
                        r = say_name(sender, err);
                sender->proven_ms = r == 0 ? now + PROOF_MS : 0;
        }
        if (r == 0 && now >= sender->script_ms) {
                r = check_script(sender, err);
                sender->script_ms = r == 0 ? now + SCRIPT_MS : 0;
        }
        return r;
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
                r = may_take_part(sender, &error);
                if (r == 0)
                        r = say_salts(sender, &error);
                if (r == 0)
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

int senders_start(struct spool *spool, const struct spread_shards *shards, const char *node_name,
                  struct senders **ret_senders, struct error *err)
{
        struct senders *senders = memory_new(1, sizeof(*senders));
        pthread_condattr_t attributes;
        sigset_t all_signals, before;
        int r = 0;

        if (!senders)
                return error_memory(err);
        senders->spool = spool;
        senders->shards = shards;
        senders->node_name = node_name;
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
