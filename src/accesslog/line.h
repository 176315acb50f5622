/*
 * line.h - one line of an access log, whatever its format: spans into the caller's bytes, no copies.
 *
 * The analyzer counts from it and incident exposure proves from it, so a line is either understood in every field that
 * its format has, or it is invalid and counted as such; nothing is guessed and nothing is dropped in silence. A field
 * that the format lacks has length 0 and text NULL; one that was logged as "-" has length 0 and text "".
 */
#ifndef ACCESSLOG_LINE_H
#define ACCESSLOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAXIMUM (64U << 10) /* bytes; a longer line is invalid (its rest is skipped, it counts once) */

struct span {
        const char *text; /* not NUL-terminated */
        uint32_t length;
};

/* A client address in binary, so that equal clients are equal however they were written. Anything that is no address (a
 * host name, where the server looked it up) leaves the bytes zero and `numeric` false: then the text decides. */
struct log_address {
        uint8_t bytes[16]; /* IPv6; IPv4 as ::ffff:a.b.c.d */
        bool numeric;
};

/* Bits of log_line.present: which numbers the line really had. */
enum log_present {
        LOG_HAS_STATUS = 1 << 0,
        LOG_HAS_BYTES = 1 << 1, /* body bytes sent; "-" is 0 */
        LOG_HAS_DURATION = 1 << 2,
        LOG_HAS_COMPLETE = 1 << 3, /* whether the response was sent whole */
        LOG_HAS_TOTAL = 1 << 4,
};

/* What a line of a beacon log tells (beacon.h); those from BEACON_EVENT on are no page views. */
enum log_beacon {
        BEACON_NONE, /* a line of an access log */
        BEACON_VIEW,
        BEACON_NAVIGATION, /* to another page without loading one: no access log has it */
        BEACON_PIXEL,      /* a view by a browser without scripts */
        BEACON_EVENT,
        BEACON_OUTBOUND, /* a link to another site was followed */
        BEACON_VITALS,
};

struct log_line {
        unsigned int present;
        uint8_t format; /* enum log_format_kind, as which the line was understood */
        uint8_t beacon; /* enum log_beacon */
        struct span address_text;
        struct log_address address;
        struct span user; /* HTTP authentication */
        int64_t time_us;  /* when the line says it happened, microseconds since 1970 UTC: for nginx and Apache the end
                             and the start of the request */
        struct span request;  /* the request line as logged; empty for formats that log its parts */
        struct span method;   /* empty when the request is no request ("\x16\x03\x01", "-") */
        struct span path;     /* before the '?' */
        struct span query;    /* behind it, empty when there is none */
        struct span protocol; /* "HTTP/1.1" */
        uint16_t status;
        uint64_t bytes;       /* of the body */
        uint64_t total_bytes; /* with headers */
        struct span referrer;
        struct span agent;
        struct span host; /* virtual host */
        int64_t duration_us;
        /* Evidence for exposure, from the project's own log_format (RECIPES: log what an exposure needs). */
        struct span id, etag, last_modified, encoding, range, if_none_match, if_modified_since, file, root, upstream,
                tag, release;
        uint64_t content_length;
        bool complete;
        struct span event;   /* of a beacon: the event's name, or where the link leads */
        struct span details; /* of a beacon: its fields as they were sent, for beacon_next() */
};

#endif
