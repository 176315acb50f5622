/* journal_show.h - `understudy journal show`: the records as a log reads. */
#ifndef CLI_JOURNAL_SHOW_H
#define CLI_JOURNAL_SHOW_H

#include "cli/command.h"
#include "journal/record.h"

struct journal_show {
        const struct common *common;
        const char *folder;           /* of the journal */
        const char *kind, *path;      /* NULL: all */
        char since[RECORD_TIME_SIZE]; /* "": from the beginning */
        char until[RECORD_TIME_SIZE]; /* "": to the end */
        uint64_t lines;               /* only the last ones; UINT64_MAX: all */
        bool follow;
};

/* Returns an enum exit_status: EXIT_FOUND when something there is no record. */
int journal_show(const struct journal_show *show);

#endif
