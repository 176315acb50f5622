/*
 * findings.h - what adopt and publish --review say of findings: lines for people, JSON for programs.
 */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "review/review.h"

/* A raw name for a terminal, escaped; borrowed until the buffer changes. */
const char *finding_name(struct buffer *buffer, const char *name);

/* The findings, planted ones first and marked, at most `most` of those that are only notes. */
void findings_print(FILE *out, const struct review *review, size_t most);

/* Hosts with the files that name them; lone ones marked. */
void hosts_print(FILE *out, const struct review *review);

json_t *findings_json(const struct review *review);
json_t *hosts_json(const struct review *review);

/* The uid of the user that the web server runs as: `name`, or for NULL the first of the usual ones that there is; -1.
 */
int64_t web_user(const char *name);

#endif
