/*
 * shards.h - the analysis servers that the site's configuration names, with their passwords.
 */
#ifndef CLI_SHARDS_H
#define CLI_SHARDS_H

#include "base/error.h"
#include "cli/command.h"
#include "cli/site_file.h"
#include "spread/spread.h"

struct shards {
        struct site_file file;
        const struct config *config; /* that of the file, or the caller's */
        const char *state; /* where the register is */
        char *passwords[SPREAD_SHARDS_MAXIMUM]; /* owned */
        struct spread_shards spread;            /* what src/spread takes */
};

#define SHARDS_NONE                                                                                                    \
        {                                                                                                              \
                .file = SITE_FILE_NONE                                                                                 \
        }

/* From --config. Status 2 when the file names none. Where there is a register, one that a rule of it shuts out gets no
 * data and is not asked: the shard's name is the server's. `shards` must stay where it is. */
int shards_read(struct shards *shards, const struct common *common, struct error *err);

/* Of a configuration that was read already; it is borrowed. */
int shards_of(struct shards *shards, const struct config *config, const char *state, struct error *err);
void shards_done(struct shards *shards);

/* Prints what is wrong in the configuration and the sentence; returns the exit status. */
int shards_fail(const struct shards *shards, const struct error *err);

#endif
