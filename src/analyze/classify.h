/*
 * classify.h - what paths, referrers and queries mean: pages and assets, hosts, search engines, campaigns. Pure.
 */
#ifndef ANALYZE_CLASSIFY_H
#define ANALYZE_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/line.h"

/* Style sheets, scripts, pictures, fonts, sound, video: by the name's end. Everything else is a page. */
bool path_is_asset(const char *path, size_t length);

#define REFERRER_HOST_MAXIMUM 255

struct referrer {
        char host[REFERRER_HOST_MAXIMUM + 1]; /* lower case, without port and "www." */
        size_t host_length;
        size_t begin_length; /* of scheme and host, as sent */
};

/* False for what is no http(s) URL. */
bool referrer_split(struct span text, struct referrer *ret_referrer);

/* How much of a referrer is the page: all before '?' and '#'. */
size_t referrer_page_length(struct span text);

/* A name of a host as referrer_split() writes it; false when it is too long. */
bool host_normalize(const char *text, size_t length, char host[static REFERRER_HOST_MAXIMUM + 1], size_t *ret_length);

/* The search engine that a host belongs to, NULL when to none. */
const char *search_engine(const char *host, size_t length);

#define CAMPAIGN_MAXIMUM 512

/* "utm_campaign / utm_source / utm_medium" of a query, percent-decoded, "-" for one that is missing; 0 when it has none
 * of them, else the length. What is too long is cut. */
size_t campaign_of(struct span query, char campaign[static CAMPAIGN_MAXIMUM]);

#endif
