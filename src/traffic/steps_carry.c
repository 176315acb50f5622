/*
 * steps_carry.c - mutable areas in a planned move: a batch before it, and a last one when nobody writes at the old one.
 *
 * The last one comes behind the fence. A transaction that the old one still commits can belong to an upload that it just
 * wrote, and from the fence on it commits none; whoever waits for the drain only misses what a request over its deadline is
 * still given. From the first batch on the book says that nobody is known to have all: should the move stop anywhere, the
 * next batch, whoever makes it, takes what both sides have.
 */
#include <errno.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "carry/round.h"
#include "steps_private.h"

#define LOCK_MS       (10 * 60 * INT64_C(1000)) /* for the batch of a controller that is under way */
#define AHEAD_LOCK_MS INT64_C(10000)            /* a person waits */
#define MEET_MS       INT64_C(5000)
#define LAST_ROUNDS   3

struct end {
        struct steps *steps;
        enum steps_side side;
};

static int ask_end(void *context, const char *verb, json_t *arguments, int64_t deadline_ms, json_t **ret_result, struct error *err)
{
        const struct end *end = context;

        return steps_ask(end->steps, end->side, verb, arguments, deadline_ms, ret_result, err);
}

static int open_book(struct steps *steps, struct error *err)
{
        if (steps->book.lock >= 0)
                return 0;
        return carry_book_open(&steps->book, steps->options.state, LOCK_MS, err);
}

static int round_between(struct steps *steps, enum steps_side stage, enum steps_side rest, bool two_ways, struct error *err)
{
        struct end ends[2] = { { steps, stage }, { steps, rest } };
        const struct carry_round round = { .stage = { steps_server(steps, stage)->name, ask_end, &ends[0] },
                                           .rest = { steps_server(steps, rest)->name, ask_end, &ends[1] },
                                           .two_ways = two_ways };
        struct carry_result result;
        int r = carry_round(&steps->book, &round, &result, err);

        steps->book.areas = result.areas;
        steps->book.files = result.files;
        steps->book.bytes = result.bytes;
        steps->book.refused = result.refused;
        steps->book.conflicts = result.conflicts;
        carry_result_done(&result);
        return r;
}

static enum event look(struct steps *steps, enum steps_side rest, struct error *err)
{
        struct end end = { steps, rest };
        const struct carry_side side = { steps_server(steps, rest)->name, ask_end, &end };
        int r = open_book(steps, err);

        if (r == 0)
                r = carry_look(&steps->book, &side, err);
        if (r < 0)
                return EVENT_SEEN_NOTHING;
        if (r == 1)
                return EVENT_SEEN_WANTED;
        error_set(err, -EAGAIN, _("the mutable areas of %s are not yet what was carried over; 'understudy carry' shows what is in the "
                                  "way"), side.name);
        return EVENT_SEEN_PART;
}

int steps_carry(struct steps *steps, bool undo, struct error *err)
{
        int r;

        if (!steps->options.state)
                return 0;
        r = open_book(steps, err);
        if (r == 0)
                r = round_between(steps, STEPS_FROM, STEPS_TO,
                                  undo || !text_equal(steps->book.stage, steps_server(steps, STEPS_FROM)->name), err);
        return r < 0 ? r : carry_book_record(&steps->book, undo ? steps_server(steps, STEPS_FROM)->name : "", err);
}

/* That both can be reached is seen at the same time: the round itself asks one after the other. */
int steps_carry_ahead(struct steps *steps, struct carry_result *ret_result, struct error *err)
{
        _cleanup_(carry_book_close) struct carry_book book = CARRY_BOOK_NONE;
        const char *from = steps_server(steps, STEPS_FROM)->name;
        struct end ends[2] = { { steps, STEPS_FROM }, { steps, STEPS_TO } };
        struct carry_round round = { .stage = { from, ask_end, &ends[0] },
                                     .rest = { steps_server(steps, STEPS_TO)->name, ask_end, &ends[1] },
                                     .look = true };
        int r = steps_ask_both(steps, "clock", NULL, NULL, MEET_MS, err);

        if (r == 0)
                r = carry_book_open(&book, steps->options.state, AHEAD_LOCK_MS, err);
        round.two_ways = r == 0 && !text_equal(book.stage, from);
        return r < 0 ? r : carry_round(&book, &round, ret_result, err);
}

/* Backwards nothing is waited for: what cannot be had now is had by the next batch. */
enum event steps_carry_look(struct steps *steps, bool undo, struct error *err)
{
        if (undo)
                return EVENT_SEEN_BEFORE;
        return steps->options.state ? look(steps, STEPS_TO, err) : EVENT_SEEN_WANTED;
}

int steps_carry_draining(struct steps *steps, struct error *err)
{
        int r = steps->options.state ? open_book(steps, err) : 0;

        return r < 0 || !steps->options.state ? r : round_between(steps, STEPS_TO, STEPS_FROM, true, err);
}

/* A request over its deadline may write between the batch and the look at it: then another one takes what it wrote. */
int steps_carry_last(struct steps *steps, struct error *err)
{
        int r = steps_carry_draining(steps, err);

        for (int i = 1; i < LAST_ROUNDS && r == 0 && steps->options.state && look(steps, STEPS_FROM, NULL) == EVENT_SEEN_PART; i++)
                r = steps_carry_draining(steps, err);
        return r;
}

enum event steps_carry_last_look(struct steps *steps, struct error *err)
{
        enum event event = steps->options.state ? look(steps, STEPS_FROM, err) : EVENT_SEEN_WANTED;

        if (event == EVENT_SEEN_WANTED && steps->options.state &&
            carry_book_record(&steps->book, steps_server(steps, STEPS_TO)->name, err) < 0)
                return EVENT_SEEN_NOTHING;
        return event;
}
