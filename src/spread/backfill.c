#include "backfill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "spread/rollup.h"
#include "spread/row.h"
#include "spread/schema.h"

#define ANSWER_MAXIMUM (256U << 20)
#define SQL_MAXIMUM    (256U << 10)
#define CHUNK_ROWS     200000U /* of one statement, which becomes one part */
#define CHUNK_BATCHES  1000U
#define WAIT_MS        120000 /* for batches that are being taken */
#define LOOK_MS        200

/* A batch whose rows are there, and which the rollup lacks. */
struct lacking {
        uint64_t node, rows;
        uint32_t sequence;
        uint16_t day;
};

struct lacks {
        struct lacking *list;
        size_t count;
};

static void lacks_done(struct lacks *lacks)
{
        free(lacks->list);
}

static int no_answer(const struct server *server, struct error *err)
{
        return error_set(err, -EBADMSG, _("the analysis server %s answers with what is no row"), server_name(server));
}

static bool take_lacking(const char **at, const char *end, struct lacking *ret)
{
        uint64_t sequence;

        if (!row_take_u16(at, end, &ret->day) || !row_take_u64(at, end, &ret->node) ||
            !row_take_u64(at, end, &sequence) || !row_take_u64(at, end, &ret->rows) || sequence > UINT32_MAX)
                return false;
        ret->sequence = (uint32_t)sequence;
        return true;
}

static int find_lacks(struct server *server, int64_t deadline_ms, struct lacks *lacks, struct error *err)
{
        static const char sql[] =
                "SELECT toUInt16(day), node, toUInt64(sequence), toUInt64(count()) FROM event GROUP BY day, node, sequence "
                "HAVING " ROLLUP_BATCH " NOT IN (SELECT name FROM rollup WHERE kind = 0 AND beacon = 0) "
                "ORDER BY day, node, sequence FORMAT RowBinary";
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(ANSWER_MAXIMUM);
        int r = server_ask(server, sql, deadline_ms, &answer, err);
        const char *at = buffer_text(&answer), *end = at + answer.length;

        while (r == 0 && at < end) {
                struct lacking one = { 0 };

                if (!take_lacking(&at, end, &one))
                        return no_answer(server, err);
                if (memory_grow(&lacks->list, lacks->count, sizeof(one)) < 0)
                        return error_memory(err);
                lacks->list[lacks->count++] = one;
        }
        return r;
}

/*
 * Those are left out that are being taken just now. Asked for after find_lacks(): whose rows were there before, and
 * whose query is over now, the view has taken or never will.
 */
static int leave_out_running(struct server *server, int64_t deadline_ms, struct lacks *lacks, size_t *ret_running,
                             struct error *err)
{
        static const char sql[] =
                "SELECT query_id FROM system.processes WHERE query_id LIKE 'understudy-%' FORMAT RowBinary";
        _cleanup_(buffer_done) struct buffer answer = BUFFER_INIT(ANSWER_MAXIMUM);
        int r = server_ask(server, sql, deadline_ms, &answer, err);
        const char *at = buffer_text(&answer), *end = at + answer.length, *id;
        size_t length;

        *ret_running = 0;
        while (r == 0 && at < end) {
                uint64_t node;
                uint32_t sequence;

                if (!row_take_text(&at, end, &id, &length))
                        return no_answer(server, err);
                if (!schema_id_parse(id, length, &node, &sequence))
                        continue;
                for (size_t i = 0; i < lacks->count; i++)
                        if (lacks->list[i].node == node && lacks->list[i].sequence == sequence && lacks->list[i].rows) {
                                lacks->list[i].rows = 0;
                                ++*ret_running;
                        }
        }
        return r;
}

/* The batches from `*at` on that one statement takes. */
static int fill_chunk(struct server *server, int64_t deadline_ms, const struct lacks *lacks, size_t *at,
                      struct error *err)
{
        const struct lacking *first = &lacks->list[*at];
        _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT(SQL_MAXIMUM);
        uint32_t sequences[CHUNK_BATCHES];
        uint64_t rows = 0;
        size_t count = 0;

        for (; *at < lacks->count && count < CHUNK_BATCHES; ++*at) {
                const struct lacking *one = &lacks->list[*at];

                if (one->day != first->day || one->node != first->node || (count && rows + one->rows > CHUNK_ROWS))
                        break;
                if (!one->rows)
                        continue;
                sequences[count++] = one->sequence;
                rows += one->rows;
        }
        if (!count)
                return 0;
        if (rollup_fill(&sql, first->node, first->day, sequences, count) < 0)
                return error_memory(err);
        return server_fill(server, buffer_text(&sql), NULL, deadline_ms, err);
}

static int fill_once(struct server *server, int64_t deadline_ms, size_t *ret_running, struct error *err)
{
        _cleanup_(lacks_done) struct lacks lacks = { 0 };
        int r = find_lacks(server, deadline_ms, &lacks, err);

        if (r == 0)
                r = leave_out_running(server, deadline_ms, &lacks, ret_running, err);
        for (size_t at = 0; r == 0 && at < lacks.count;)
                r = fill_chunk(server, deadline_ms, &lacks, &at, err);
        return r;
}

int backfill(struct server *server, int64_t deadline_ms, struct error *err)
{
        const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
        int64_t end = clock_monotonic_ms() + WAIT_MS;
        size_t running = 0;
        int r;

        while ((r = fill_once(server, deadline_ms, &running, err)) == 0 && running) {
                if (clock_monotonic_ms() > end)
                        return error_set(err, -EAGAIN,
                                         _("the analysis server %s is still taking batches of before; run 'understudy "
                                           "analyze migrate' again"),
                                         server_name(server));
                nanosleep(&look, NULL);
        }
        return r;
}
