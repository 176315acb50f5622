/*
 * incident_compare.h - the comparison that answers a complaint, made now: trees with the signed release, and what web
 * servers send for the page.
 *
 * Trees are looked at as a person would, by `verify` in a process of its own here, and by the agents of all servers of
 * the configuration there. Pages are asked for as several kinds of visitors: who plants a page shows it to few.
 */
#ifndef CLI_INCIDENT_COMPARE_H
#define CLI_INCIDENT_COMPARE_H

#include "cli/incident.h"

/* By --tree and --pub, or --config; with --url also what is sent. Negative with words only when nothing can be kept. */
int incident_compare(const struct incident_request *request, const char *const paths[], size_t count,
                     json_t **ret_comparison, struct error *err);

#endif
