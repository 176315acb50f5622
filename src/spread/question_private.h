/* question_private.h - the parts that questions of question.c and visits.c are made of; for those two alone. */
#ifndef SPREAD_QUESTION_PRIVATE_H
#define SPREAD_QUESTION_PRIVATE_H

#include "analyze/store.h"
#include "base/buffer.h"

/* The hour of the day: of the rollup, of an event, of the visit that begins then. */
#define HOUR_ROLLED   "hour"
#define HOUR_OF_EVENT "intDiv(ms, 3600000)"
#define HOUR_OF_VISIT "intDiv(begun, 3600000)"

/* "AND": names of a list, hosts that are the site's own, hours (`hour`: one of those above), a host. */
int question_put_name(struct buffer *sql, const char *name, const char *wanted);
int question_put_own(struct buffer *sql, const char *host, const char *const own[]);
int question_put_time(struct buffer *sql, const struct store_query *query, const char *hour);
int question_put_site(struct buffer *sql, const char *column, const struct store_query *query);

/* The start of the hour, day or month that a row is in, as an expression. */
const char *question_start_of(int span, const char *hour);

#endif
