/*
 * reading.h - what read.c and rules.c share: the structure that is being filled, and where in the file each value was.
 */
#ifndef CONFIG_READING_H
#define CONFIG_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/problems.h"
#include "config/schema.h"

/* One key of one section that was said. */
struct reading_place {
        const void *slot;  /* the member that it fills: which key of which section */
        unsigned int line; /* of its first value */
        size_t values;     /* how many the library has shown */
};

#define READING_PLACES_MAXIMUM 1024 /* more than all keys of all sections that can be */

struct reading {
        struct config *config;
        struct config_problems *problems;
        struct reading_place places[READING_PLACES_MAXIMUM];
        size_t place_count;
        unsigned int server_lines[CONFIG_SERVERS_MAXIMUM], check_lines[CONFIG_CHECKS_MAXIMUM];
        bool no_memory;
};

/* The line of a member of the structure (a list: its first item); 0 when it was not said. */
unsigned int reading_line(const struct reading *reading, const void *slot);

/* What must fit together, after a file without a mistake of the syntax was read: a problem for each thing that does
 * not. Fills what depends on other keys (the database's port). */
void config_check_rules(struct reading *reading);

#endif
