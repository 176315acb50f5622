/*
 * analyze.h - a summary as JSON, as CSV, as an HTML page and as text for a terminal.
 */
#ifndef CLI_ANALYZE_H
#define CLI_ANALYZE_H

#include <stdio.h>

#include <jansson.h>

#include "analyze/summary.h"
#include "analyze/tally.h"
#include "analyze/webpage.h"
#include "base/error.h"

/* `analyze --follow`, `analyze query`, `analyze tag`, `analyze embedders`, `analyze migrate` and `analyze vouch`: commands
 * of their own in all but the name. */
int analyze_follow(int argc, char *argv[]);
int analyze_query(int argc, char *argv[]);
int analyze_tag(int argc, char *argv[]);
int analyze_embedders(int argc, char *argv[]);
int analyze_migrate(int argc, char *argv[]);
int analyze_vouch(int argc, char *argv[]);

/* Values of options; negative when a wrong use was told. analyze_goal() cuts the text in two, which must stay.
 * Funnels are about goals, which may come behind them: analyze_funnel_goals() once all options are known. */
int analyze_number(const char *text, uint64_t most, uint64_t *ret_number);
int analyze_size(const char *text, uint64_t *ret_bytes);
int analyze_time(const char *text, int64_t *ret_us);
int analyze_goal(struct goal goals[static GOALS_MAXIMUM], size_t *count, char *text);
int analyze_funnel(struct funnel funnels[static FUNNELS_MAXIMUM], size_t *count, const char *text);
int analyze_own(const char *own[], size_t maximum, size_t *count, const char *host);

/* Finds the goals that funnels name; negative when a wrong use was told. */
int analyze_funnel_goals(struct funnel *funnels, size_t funnel_count, const struct goal *goals, size_t goal_count);

/* The object of the contract, a new reference; NULL without memory. `damage`: why not all could be read, or NULL. */
json_t *analyze_json(const struct summary *summary, const struct error *damage);

/* {"lcp_ms": {"p75": 1250, "views": 12}, ...}: those that were measured. */
json_t *analyze_vitals_json(const struct summary *summary);

/* The text for a terminal of 80 columns. */
void analyze_print(FILE *out, const struct summary *summary);

/* A name in quotes. The names are whatever strangers asked for: one that a spreadsheet would take for a formula gets an
 * apostrophe. Negative without memory. */
/* A sentence a line for each day whose salt was replaced; and as JSON. */
void analyze_print_replaced(FILE *out, const struct replaced_salts *salts);
json_t *analyze_replaced_json(const struct replaced_salts *salts);

int analyze_csv_name(FILE *out, const char *name, size_t length);

/* All figures as CSV; negative without memory. */
int analyze_csv(FILE *out, const struct summary *summary);

/* The page into a file, which is replaced as a whole, into a device or pipe, or to standard output ("-"). */
int analyze_html(const char *path, const struct webpage *page, const struct summary *summary, struct error *err);

/* The command as it was typed, quoted for a shell; negative without memory. What is longer than the buffer's maximum is
 * left out. */
int analyze_command_text(int argc, char *const argv[], struct buffer *text);

#endif
