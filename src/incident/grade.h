/*
 * grade.h - was this response the tampered one? Pure: data in, a grade and its reason out, so that a test can try them
 * all.
 *
 * | grade      | when |
 * |------------|------|
 * | confirmed  | the whole span of the request lies in the known-bad time, which was watched; 200; sent whole and
 * |            | plain, as many bytes as what was planted |
 * | probable   | known bad, but packed, a range, aborted, without the evidence columns, not watched in between, or a 304;
 * |            | or at an edge, but with exactly the bytes of what was planted; or a 304 after an exposed answer |
 * | possible   | at an uncertain edge, or of a time that nobody knows; from a cache; refused by the gate; a page that
 * |            | includes the asset |
 * | not        | outside; or no body was sent |
 *
 * Knowing less never makes it `not`: each fact that is missing leaves the grade or turns confirmed into probable.
 */
#ifndef INCIDENT_GRADE_H
#define INCIDENT_GRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "incident/interval.h"

enum grade { GRADE_NOT, GRADE_POSSIBLE, GRADE_PROBABLE, GRADE_CONFIRMED };
#define GRADES 4

enum grade_reason {
        REASON_OUTSIDE,       /* before it was last known good, or after it was good again */
        REASON_NO_BODY,       /* HEAD, or not a byte was sent */
        REASON_STATUS,        /* a redirect, an error page */
        REASON_INSIDE,        /* all of it fits */
        REASON_NO_COLUMNS,    /* a log without times of requests and their ends */
        REASON_UNWATCHED,     /* bad before and after; nobody watched in between */
        REASON_PACKED,        /* its size says nothing */
        REASON_RANGE,         /* a part of the file */
        REASON_ABORTED,       /* begun */
        REASON_BYTES_UNKNOWN, /* nobody knows how large the planted file was, or what was sent */
        REASON_BYTES_OTHER,   /* neither the planted file's nor the genuine one's */
        REASON_BYTES_GENUINE, /* the genuine file's, while the planted one was there */
        REASON_NOT_MODIFIED,  /* the browser showed what it had */
        REASON_HELD,          /* it had got the planted one before */
        REASON_CACHE,         /* out of a cache in between */
        REASON_REFUSED,       /* the gate refused the file; what was open already was not */
        REASON_REFUSED_BYTES, /* refused, and yet exactly as many bytes */
        REASON_EDGE,          /* it may have been there by then */
        REASON_EDGE_BYTES,    /* and exactly as many bytes were sent */
        REASON_HISTORY,       /* nobody had looked before */
        REASON_PAGE,          /* a page that includes it; the asset may have come from a cache */
        REASON_GAP,           /* logs are missing */
        REASON_LATER_LOGIN,   /* only the last login is recorded, and it came later */
};
#define REASONS (REASON_LATER_LOGIN + 1)

enum sent { SENT_UNKNOWN, SENT_WHOLE, SENT_PART };

struct grade_facts {
        int64_t from_us, to_us; /* the request began and ended between these, by a true clock */
        uint64_t bytes;         /* of the body */
        unsigned int status;
        enum sent sent;
        bool has_bytes;
        bool has_columns; /* the log tells how long it took */
        bool head;
        bool packed;
        bool range;
        bool cached;
        bool held; /* the same visitor got the planted one before, and nothing else since */
        bool page; /* includes the path that the interval is about */
};

struct verdict {
        enum grade grade;
        enum grade_reason reason;
};

/* `cache_us`: for how long a cache in between may give what it holds. */
struct verdict grade_response(const struct interval_times *times, int64_t cache_us, const struct grade_facts *facts);

/* "confirmed", "probable", "possible", "not_exposed": never translated. */
const char *grade_name(enum grade grade);
const char *grade_reason_name(enum grade_reason reason);
/* A sentence for people, translated. */
const char *grade_reason_words(enum grade_reason reason);

#endif
