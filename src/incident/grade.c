/* grade.c - the table of grade.h. */
#include "grade.h"

#include "base/attributes.h"
#include "base/i18n.h"

static const struct {
        const char *name, *words;
} reasons[REASONS] = {
        [REASON_OUTSIDE] = { "outside", N_("the file was known to be good") },
        [REASON_NO_BODY] = { "no_body", N_("nothing of the file was sent") },
        [REASON_STATUS] = { "status", N_("the answer was another one than the file") },
        [REASON_INSIDE] = { "inside", N_("sent whole while the planted file was there, with exactly its size") },
        [REASON_NO_COLUMNS] = { "no_columns",
                                N_("the planted file was there; the log does not tell how long the request took and "
                                   "whether it was answered whole") },
        [REASON_UNWATCHED] = { "unwatched", N_("the planted file was seen before and after; nobody watched in between") },
        [REASON_PACKED] = { "packed", N_("the planted file was there; it was sent compressed, so its size tells nothing") },
        [REASON_RANGE] = { "range", N_("the planted file was there; a part of it was asked for") },
        [REASON_ABORTED] = { "aborted", N_("the planted file was there; the answer was begun and not ended") },
        [REASON_BYTES_UNKNOWN] = { "bytes_unknown", N_("the planted file was there; sizes are not known") },
        [REASON_BYTES_OTHER] = { "bytes_other",
                                 N_("the planted file was there; the size is neither its own nor the genuine one's") },
        [REASON_BYTES_GENUINE] = { "bytes_genuine",
                                   N_("the planted file was there, but as many bytes were sent as the genuine one has") },
        [REASON_NOT_MODIFIED] = { "not_modified", N_("the browser was told to show the copy that it had") },
        [REASON_HELD] = { "held", N_("the browser showed a copy that it had got while the planted file was there") },
        [REASON_CACHE] = { "cache", N_("answered by a cache, which may have held the planted file") },
        [REASON_REFUSED] = { "refused", N_("the guard refused the file; it may have been open already") },
        [REASON_REFUSED_BYTES] = { "refused_bytes",
                                   N_("the guard refused the file, but exactly its size was sent: it was open already") },
        [REASON_EDGE] = { "edge", N_("the planted file may have been there: nobody looked between good and bad") },
        [REASON_EDGE_BYTES] = { "edge_bytes",
                                N_("nobody looked between good and bad, but exactly the planted file's size was sent") },
        [REASON_HISTORY] = { "history", N_("the planted file may have been there: nobody had looked before") },
        [REASON_PAGE] = { "page", N_("a page that includes the planted file, which may have come from a cache") },
        [REASON_GAP] = { "gap", N_("logs are missing of a time when the planted file was or may have been there") },
        [REASON_LATER_LOGIN] = { "later_login",
                                 N_("only its last login is recorded, and that came later than an answer that belongs "
                                    "to nobody") },
};

const char *grade_reason_name(enum grade_reason reason)
{
        return reasons[reason].name;
}

const char *grade_reason_words(enum grade_reason reason)
{
        return _(reasons[reason].words);
}

const char *grade_name(enum grade grade)
{
        static const char *const names[GRADES] = { "not_exposed", "possible", "probable", "confirmed" };

        return names[grade];
}

static struct verdict verdict(enum grade grade, enum grade_reason reason)
{
        return (struct verdict){ grade, reason };
}

/* An answer that brings the file. A client that went away (nginx: 499) may have got some of it. */
static bool is_answer(const struct grade_facts *facts)
{
        return facts->status == 200 || facts->status == 203 || facts->status == 206 || facts->status == 499;
}

static bool is_empty(const struct grade_facts *facts)
{
        return facts->head || (facts->has_bytes && facts->bytes == 0);
}

static struct verdict grade_outside(const struct interval_times *times, int64_t cache_us, const struct grade_facts *facts)
{
        bool later = facts->from_us >= times->first_good, brings = is_answer(facts) && !is_empty(facts);

        if (later && facts->held && facts->status == 304)
                return verdict(GRADE_PROBABLE, REASON_HELD);
        if (later && facts->held && facts->page && brings)
                return verdict(GRADE_PROBABLE, REASON_HELD);
        if (later && facts->cached && brings && facts->from_us - times->first_good < cache_us)
                return verdict(GRADE_POSSIBLE, REASON_CACHE);
        return verdict(GRADE_NOT, REASON_OUTSIDE);
}

/* Exactly the planted file's size, and not the genuine one's too. */
static bool is_bad_size(const struct interval_times *times, const struct grade_facts *facts)
{
        return facts->status == 200 && facts->sent != SENT_PART && facts->has_bytes && !facts->packed && !facts->range &&
               times->bad_bytes && facts->bytes == times->bad_bytes && times->bad_bytes != times->good_bytes;
}

static struct verdict grade_inside(const struct interval_times *times, const struct grade_facts *facts)
{
        if (facts->cached)
                return verdict(GRADE_POSSIBLE, REASON_CACHE);
        if (times->refused)
                return is_bad_size(times, facts) ? verdict(GRADE_PROBABLE, REASON_REFUSED_BYTES)
                                                 : verdict(GRADE_POSSIBLE, REASON_REFUSED);
        if (facts->sent == SENT_PART || facts->status == 499)
                return verdict(GRADE_PROBABLE, REASON_ABORTED);
        if (facts->range || facts->status == 206)
                return verdict(GRADE_PROBABLE, REASON_RANGE);
        if (facts->packed)
                return verdict(GRADE_PROBABLE, REASON_PACKED);
        if (!times->bad_bytes || !facts->has_bytes)
                return verdict(GRADE_PROBABLE, REASON_BYTES_UNKNOWN);
        if (facts->bytes != times->bad_bytes)
                return facts->bytes == times->good_bytes ? verdict(GRADE_POSSIBLE, REASON_BYTES_GENUINE)
                                                         : verdict(GRADE_PROBABLE, REASON_BYTES_OTHER);
        if (!facts->has_columns || facts->sent == SENT_UNKNOWN)
                return verdict(GRADE_PROBABLE, REASON_NO_COLUMNS);
        if (!times->watched)
                return verdict(GRADE_PROBABLE, REASON_UNWATCHED);
        return verdict(GRADE_CONFIRMED, REASON_INSIDE);
}

struct verdict grade_response(const struct interval_times *times, int64_t cache_us, const struct grade_facts *facts)
{
        bool inside = facts->from_us >= times->first_bad && facts->to_us <= times->last_bad;

        if (facts->to_us <= times->last_good || facts->from_us >= times->first_good)
                return grade_outside(times, cache_us, facts);
        if (facts->head)
                return verdict(GRADE_NOT, REASON_NO_BODY);
        if (facts->status == 304 && facts->held)
                return verdict(GRADE_PROBABLE, REASON_HELD);
        if (facts->status == 304)
                return verdict(inside && !facts->page ? GRADE_PROBABLE : GRADE_POSSIBLE,
                               facts->page ? REASON_PAGE : REASON_NOT_MODIFIED);
        if (!is_answer(facts))
                return verdict(GRADE_NOT, REASON_STATUS);
        if (is_empty(facts))
                return verdict(GRADE_NOT, REASON_NO_BODY);
        if (facts->page)
                return facts->held ? verdict(GRADE_PROBABLE, REASON_HELD) : verdict(GRADE_POSSIBLE, REASON_PAGE);
        if (inside)
                return grade_inside(times, facts);
        if (!facts->cached && is_bad_size(times, facts))
                return verdict(GRADE_PROBABLE, REASON_EDGE_BYTES);
        if (times->last_good == TIME_NEVER && facts->from_us < times->first_bad)
                return verdict(GRADE_POSSIBLE, REASON_HISTORY);
        return verdict(GRADE_POSSIBLE, REASON_EDGE);
}
