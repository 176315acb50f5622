/*
 * contradict.h - what one source tells and another one, which would have to, does not: lines were taken out of it, or it was
 * not named (private to incident). Pure.
 */
#ifndef INCIDENT_CONTRADICT_H
#define INCIDENT_CONTRADICT_H

#include "incident/attribute.h"

/*
 * How many login records within the time of an interval, and within the time that the logs have, no request to the login
 * tells of. Only where it was said where one logs in, and logs have such requests at all. Before derived records are added.
 */
int contradict_logins(const struct exposure_options *options, const struct gathered *gathered,
                      const struct login_index *logins, uint64_t *ret_count, struct error *err);

#endif
