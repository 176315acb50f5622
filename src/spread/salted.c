#include "salted.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "spread/row.h"

uint64_t salted_mark(const uint8_t check[static SALT_CHECK_SIZE])
{
        uint64_t mark = 0;

        for (size_t i = 0; i < SALT_CHECK_SIZE; i++)
                mark = mark << 8 | check[i];
        return mark;
}

int salted_say(struct buffer *sql, uint64_t node, uint16_t day, uint64_t mark)
{
        return buffer_printf(sql,
                             "INSERT INTO salted (day, node, mark, time) SELECT toDate(%u), toUInt64(%" PRIu64
                             "), toUInt64(%" PRIu64 "), now()",
                             day, node, mark);
}

int salted_question(struct buffer *sql, bool shared)
{
        const char *by = shared ? "day" : "day, node";

        return buffer_printf(sql,
                             "SELECT toUInt64(toUInt16(day)), toUInt64(min(second)) FROM (SELECT day, "
                             "arrayElement(arraySort(groupArray(seen)), 2) AS second FROM (SELECT %s, mark, "
                             "toUInt32(min(time)) AS seen FROM salted GROUP BY %s, mark) GROUP BY %s HAVING count() > 1) "
                             "GROUP BY day ORDER BY day DESC LIMIT %d FORMAT RowBinary",
                             by, by, by, REPLACED_SALTS_MAXIMUM);
}

/* Where it is, or where it has to be put in. */
static size_t place_of(const struct replaced_salts *salts, int64_t day)
{
        size_t at = 0;

        while (at < salts->count && salts->items[at].day < day)
                at++;
        return at;
}

static void take(struct replaced_salts *salts, int64_t day, int64_t time)
{
        size_t at = place_of(salts, day);

        if (at < salts->count && salts->items[at].day == day) {
                if (time < salts->items[at].time)
                        salts->items[at].time = time;
                return;
        }
        if (salts->count == REPLACED_SALTS_MAXIMUM) { /* the oldest goes */
                if (at == 0)
                        return;
                memmove(salts->items, salts->items + 1, --salts->count * sizeof(*salts->items));
                at--;
        }
        memmove(salts->items + at + 1, salts->items + at, (salts->count - at) * sizeof(*salts->items));
        salts->items[at] = (struct replaced_salt){ .day = day, .time = time };
        salts->count++;
}

static bool next(const char **at, const char *end, uint64_t *ret_day, uint64_t *ret_time)
{
        return row_take_u64(at, end, ret_day) && row_take_u64(at, end, ret_time) && *ret_day <= UINT16_MAX &&
               *ret_time <= UINT32_MAX;
}

int salted_take(struct replaced_salts *salts, const struct buffer *answer)
{
        const char *begin = buffer_text(answer), *end = begin + answer->length;
        uint64_t day, time;

        for (const char *at = begin; at < end;) /* all of it or nothing */
                if (!next(&at, end, &day, &time))
                        return -EBADMSG;
        for (const char *at = begin; at < end && next(&at, end, &day, &time);)
                take(salts, (int64_t)day, (int64_t)time);
        return 0;
}
