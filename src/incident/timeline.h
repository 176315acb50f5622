/*
 * timeline.h - what happened on the servers of an incident, from all their logs, in one order.
 *
 * Only what lies between `from` and `to` is kept, and of web requests only those that may write (POST, PUT, DELETE,
 * PATCH) or are for one of the tampered paths. Times are as the logs have them. Each event knows the file and line that
 * tell it.
 */
#ifndef INCIDENT_TIMELINE_H
#define INCIDENT_TIMELINE_H

#include "base/error.h"
#include "incident/intern.h"
#include "incident/interval.h"
#include "incident/trace.h"

#define TIMELINE_EVENTS 2000000
#define TIMELINE_FILES  256

struct timeline_event {
        int64_t time_us;
        enum trace_source source;
        enum trace_act act;
        uint32_t server, account, address, path, service; /* numbers of texts; 0: not said */
        uint32_t file, line; /* index into files, and line, from 1; a journal's record number */
        uint64_t process;
};

/* What was read, so that a silence can be told from a log that was not there. */
struct timeline_file {
        const char *path, *server; /* borrowed */
        bool web;
        enum trace_kind kind;      /* when it is not the web server's */
        int64_t first_us, last_us; /* of its lines that have a time; 0: none has */
        uint64_t lines;
};

struct timeline {
        int64_t from_us, to_us;
        const struct intervals *intervals; /* borrowed: the tampered paths */
        struct timeline_event *events;
        size_t count;
        struct timeline_file files[TIMELINE_FILES];
        size_t file_count;
        struct intern texts;
};

int timeline_init(struct timeline *timeline, const struct intervals *intervals, int64_t from_us, int64_t to_us,
                  struct error *err);
void timeline_done(struct timeline *timeline);

/* Reads a log; paths and server must outlive the timeline. */
int timeline_read(struct timeline *timeline, const char *server, enum trace_kind kind, const char *path,
                  struct error *err);
int timeline_read_web(struct timeline *timeline, const char *server, const char *path, struct error *err);

/* Findings of a journal, with the process that the guard named. */
int timeline_read_journal(struct timeline *timeline, const char *path, struct error *err);

/* What was told from outside, also after the time in question; `number` is the complaint's. */
int timeline_add_told(struct timeline *timeline, int64_t time_us, const char *source, const char *path, int64_t number,
                      struct error *err);

/* By time; files of sftp get the account and address of their session. */
void timeline_sort(struct timeline *timeline);

const char *timeline_text(const struct timeline *timeline, uint32_t number);

#endif
