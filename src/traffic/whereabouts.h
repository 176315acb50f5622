/*
 * whereabouts.h - who is on stage, in the words of a program that was asked: pure.
 *
 * A line for each server that visitors are led to: its name in the configuration, or one of its own addresses. Blank lines and
 * blanks around count for nothing. Nothing else is understood: what is not understood was not seen.
 */
#ifndef TRAFFIC_WHEREABOUTS_H
#define TRAFFIC_WHEREABOUTS_H

#include "base/error.h"
#include "config/config.h"
#include "machine.h"

/* EVENT_SEEN_WANTED: `to` alone; EVENT_SEEN_BEFORE: `from` alone; EVENT_SEEN_PART: both, another server, or nobody, with words;
 * EVENT_SEEN_NOTHING: something that is no server of the configuration, with words. */
enum event whereabouts_read(const char *text, size_t length, const struct config *config, const struct config_server *from,
                            const struct config_server *to, struct error *err);

#endif
