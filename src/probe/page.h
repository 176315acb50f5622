/*
 * page.h - one page as a visitor gets it, from a server that is named by its address.
 *
 * The URL says what is asked for and in whose name; the connection goes to `address`. So a stand-by can be looked at before
 * any visitor is sent there, with the site's own name and certificate.
 */
#ifndef PROBE_PAGE_H
#define PROBE_PAGE_H

#include <stdint.h>

#include "base/error.h"
#include "crypto/digest.h"

#define PAGE_BODY_MAXIMUM (4U << 20) /* bytes */

struct page_request {
        const char *url;
        const char *address;  /* "192.0.2.12", "2001:db8::12"; NULL: as the name resolves */
        uint64_t status;      /* that must come */
        const char *expect;   /* text that must be in the page; NULL: any */
        int64_t timeout_ms;   /* for all of it */
        const char *agent;    /* as which browser; NULL: as ourselves */
        const char *referrer; /* where the visitor comes from; NULL: nowhere */
};

/* Loads and begins what page_probe() needs, so that it does not have to: some ten milliseconds. */
int page_prepare(struct error *err);

/* 0 when the page is as it should be. -ECONNREFUSED nobody listens there, -EHOSTUNREACH nothing came back, also when the
 * time was over before there was a connection, -ETIMEDOUT it was over behind that, and other errors of the network; -EPROTO another status, -ENODATA the text is not in it. Redirects are not followed. Certificates count. */
int page_probe(const struct page_request *request, struct error *err);

/* What came, whatever it is (request->status and expect are not looked at): decoded of nothing, as it was sent. Errors of
 * the network as above; -E2BIG the page is larger than PAGE_BODY_MAXIMUM. */
struct page_answer {
        long status;
        uint64_t bytes;
        struct digest digest;
};
int page_fetch(const struct page_request *request, struct page_answer *ret_answer, struct error *err);

#endif
