/*
 * report.h - what verify and pull say of differences: one place for the JSON of the contract and the lines for people.
 *
 * A report is fed by the difference callback while trees are compared. As text each difference is printed to standard
 * output at once; for JSON they are collected, at most REPORT_MAXIMUM (a hostile tree may hold millions).
 *
 *     _cleanup_(report_done) struct report report = { 0 };
 *     r = report_init(&report, common.json, common.quiet, root_count > 1, &error);
 *     options.difference = report_difference; options.context = &report;
 *     ...tree_verify(), once for each root, verify_result_add() of the results...
 *     json_object_set_new(object, "before", report_json(&report, release, &result));      or
 *     report_text(&report, release, &result);
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "tree/verify.h"

#define REPORT_MAXIMUM 100000 /* differences in one JSON object; more are counted in "omitted" */

struct report {
        bool json, quiet;
        bool several_roots;  /* each difference says which root it is in */
        json_t *differences; /* owned */
        uint64_t seen;       /* all differences, also those that were not kept */
};

int report_init(struct report *report, bool json, bool quiet, bool several_roots, struct error *err);
void report_done(struct report *report);

/* Fits verify_options.difference and pull_options.difference; `context` is the struct report. */
int report_difference(void *context, const struct difference *difference, struct error *err);

/*
 * {"genuine": ..., "release": N, "files": ..., "bytes": ..., "times": ..., "changing": ..., "differences": [...]}, a
 * new reference, NULL without memory. Release 0 (a manifest from a file) is null. The differences move into the object.
 */
json_t *report_json(struct report *report, uint64_t release, const struct verify_result *result);

/* One closing line: genuine, differs (how much of which kind), or changing. Nothing with --quiet. */
void report_text(const struct report *report, uint64_t release, const struct verify_result *result);

#endif
