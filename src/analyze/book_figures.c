/* book_figures.c - what a page changes in the figures. */
#include "analyze/book_private.h"

const struct delta book_one_visitor = { .visitors = 1 };

/* A figure of the visitor as a whole and of what his agent is. */
static void add_who(struct deltas *deltas, unsigned int bucket, const struct book_visitor *who,
                    const struct delta *delta)
{
        deltas_add(deltas, bucket, STORE_TOTAL, 0, delta);
        if (!who->bot)
                deltas_add(deltas, bucket, STORE_PEOPLE, 0, delta);
        deltas_add(deltas, bucket, DIMENSION_BROWSERS, who->browser, delta);
        deltas_add(deltas, bucket, DIMENSION_SYSTEMS, who->platform, delta);
        deltas_add(deltas, bucket, DIMENSION_DEVICES, who->device, delta);
        if (who->bot)
                deltas_add(deltas, bucket, DIMENSION_BOTS, who->bot, delta);
}

void book_add_hours(struct deltas *deltas, const struct book_visitor *who, uint32_t before, uint32_t hours)
{
        if (!before && hours)
                add_who(deltas, BUCKET_DAY, who, &book_one_visitor);
        for (unsigned int hour = 0; hour < 24; hour++) {
                if (!((hours & ~before) >> hour & 1))
                        continue;
                add_who(deltas, hour, who, &book_one_visitor);
                deltas_add(deltas, BUCKET_DAY, DIMENSION_HOURS, deltas->hours[hour], &book_one_visitor);
        }
}

void book_add_seen(struct deltas *deltas, uint32_t token, uint32_t hours)
{
        for (unsigned int bucket = 0; hours >> bucket; bucket++)
                if (hours >> bucket & 1)
                        deltas_visitor(deltas, bucket, token & ((1U << DIMENSION_BITS) - 1), token >> DIMENSION_BITS);
}

/* Whether no visit before this one in the list (that begins in the same hour, for an hour's figures) has the same page
 * at the same end. */
static bool is_first_of(const struct book *book, const struct record *record, const struct visit *visit,
                        unsigned int bucket, bool entry)
{
        for (const struct visit *other = visitor_first(&record->visits); other != visit;
             other = visitors_next_visit(&book->visitors, other))
                if (other->pages && (entry ? other->entry == visit->entry : other->exit == visit->exit) &&
                    (bucket == BUCKET_DAY || other->start / HOUR_MS == bucket))
                        return false;
        return true;
}

static void add_pages(const struct book *book, struct deltas *deltas, const struct record *record,
                      const struct visit *visit, unsigned int bucket, int64_t sign)
{
        int64_t bot = record->who.bot ? sign : 0;
        struct delta end = { .hits = sign, .visits = sign, .bot_hits = bot };
        const struct delta one_visit = { .visits = sign };
        uint32_t search;

        end.visitors = is_first_of(book, record, visit, bucket, true) ? sign : 0;
        deltas_add(deltas, bucket, DIMENSION_ENTRY, visit->entry, &end);
        end.visitors = is_first_of(book, record, visit, bucket, false) ? sign : 0;
        deltas_add(deltas, bucket, DIMENSION_EXIT, visit->exit, &end);
        if (visit->source) {
                deltas_add(deltas, bucket, DIMENSION_REFERRERS, visit->source, &one_visit);
                search = deltas->search_of(deltas->context, visit->source);
                if (search)
                        deltas_add(deltas, bucket, DIMENSION_SEARCH, search, &one_visit);
        }
        if (visit->campaign)
                deltas_add(deltas, bucket, DIMENSION_CAMPAIGNS, visit->campaign, &one_visit);
}

void book_add_visits(const struct book *book, struct deltas *deltas, const struct record *record, int64_t sign,
                     struct visit_change *change)
{
        for (const struct visit *visit = visitor_first(&record->visits); visit;
             visit = visitors_next_visit(&book->visitors, visit)) {
                unsigned int hour = visit->start / HOUR_MS;

                for (unsigned int i = 0; i < 2; i++) {
                        unsigned int bucket = i ? BUCKET_DAY : hour;

                        change->visits[bucket] += sign;
                        change->ms[bucket] += sign * ((int64_t)visit->end - visit->start);
                        change->bounces[bucket] += visit->pages == 1 ? sign : 0;
                        if (visit->pages)
                                add_pages(book, deltas, record, visit, bucket, sign);
                }
        }
}

void book_add_visit_change(struct deltas *deltas, const struct book_visitor *who, const struct visit_change *change)
{
        for (unsigned int bucket = 0; bucket < BUCKETS; bucket++) {
                const struct delta visits = { .visits = change->visits[bucket] };
                const struct delta bounces = { .hits = change->bounces[bucket],
                                               .bot_hits = who->bot ? change->bounces[bucket] : 0 };

                if (visits.visits) {
                        add_who(deltas, bucket, who, &visits);
                        if (bucket < BUCKET_DAY)
                                deltas_add(deltas, BUCKET_DAY, DIMENSION_HOURS, deltas->hours[bucket], &visits);
                }
                if (change->ms[bucket])
                        deltas_add(deltas, bucket, STORE_VISIT_MS, 0, &(struct delta){ .hits = change->ms[bucket] });
                if (bounces.hits)
                        deltas_add(deltas, bucket, STORE_BOUNCES, 0, &bounces);
        }
}
