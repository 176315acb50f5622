/*
 * complaint.h - what was told from outside (a customer's mail, a search engine's or a researcher's warning), and what a
 * comparison that was made then says to it. Pure: what was looked at goes in as data.
 *
 * In 2009 the first reports were denied from memory. Here the answer is a comparison, kept as JSON:
 *
 *     {"time": "...", "verdict": "differs", "paths": ["/login.html"],
 *      "trees": [{"server": "web1", "dest": "/srv/www", "verdict": "differs", "release": 12, "differences": 2,
 *                 "here": true, "listed": [{"path": "login.html", "kind": "content"}], "why": null}],
 *      "served": [{"url": "http://...", "address": "192.0.2.1", "as": "browser", "verdict": "differs", "status": 200,
 *                  "bytes": 6120, "sha256": "...", "expected": "...", "why": null}]}
 *
 * The verdict of the whole is "differs" if one part differs, "genuine" if something was compared and all of it is, and
 * else "unknown": what could not be compared never counts as genuine.
 */
#ifndef INCIDENT_COMPLAINT_H
#define INCIDENT_COMPLAINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPLAINT_TEXT   65536 /* bytes of a report from outside, and of its answer */
#define COMPLAINT_LISTED 20    /* differences of one tree that are kept; all are counted */

enum complaint_source {
        COMPLAINT_CUSTOMER,
        COMPLAINT_SEARCH_ENGINE,
        COMPLAINT_RESEARCHER,
        COMPLAINT_AUTHORITY,
        COMPLAINT_OTHER,
        COMPLAINT_SOURCES
};
const char *complaint_source_name(enum complaint_source source);  /* "search-engine" */
const char *complaint_source_words(enum complaint_source source); /* translated: "a search engine" */
bool complaint_source_parse(const char *text, enum complaint_source *ret_source);

enum complaint_verdict { COMPLAINT_UNKNOWN, COMPLAINT_GENUINE, COMPLAINT_DIFFERS };
const char *complaint_verdict_name(enum complaint_verdict verdict);
const char *complaint_verdict_words(enum complaint_verdict verdict); /* translated */

/* A comparison that nothing was looked at for yet; the paths as visitors ask for them. New references, as below; NULL
 * without memory. */
json_t *complaint_new(int64_t time_us, const char *const paths[], size_t count);

/* What `verify --json` said of a tree (borrowed; it may come from a server that lies), or why it could not be asked. */
int complaint_add_tree(json_t *comparison, const char *server, const char *dest, const json_t *report, const char *why);

/* What a web server sent. */
struct complaint_served {
        const char *url, *address, *as; /* address "": as the name resolves; as whom it was asked */
        const char *why;                /* NULL: it came */
        long status;
        uint64_t bytes;
        const char *sha256;
        const char *expected; /* SHA-256 of the file that the release has there; NULL: it has none */
        bool program;         /* the release has a program there: what it makes cannot be compared */
};
int complaint_add_served(json_t *comparison, const struct complaint_served *served);

/* Of the whole; set as its "verdict" by every addition. A comparison that is none is unknown. */
enum complaint_verdict complaint_verdict(const json_t *comparison);

/* The names that the file of a visitors' path can have in a tree, the likeliest first: how many. */
#define COMPLAINT_NAMES     3
#define COMPLAINT_NAME_SIZE 2048
size_t complaint_names(const char *path, char names[static COMPLAINT_NAMES][2048]);
bool complaint_is_program(const char *name);

#endif
