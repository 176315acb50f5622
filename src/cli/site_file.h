/*
 * site_file.h - the site's configuration as commands take it: read, believed, and signed.
 *
 * With a public key FILE counts only with FILE.minisig, made by that key or, when it is a root key, by a release key
 * that keys.json (with its signature, in FILE's folder) delegates to; and only when its serial is not lower than what
 * this machine has accepted for the site before (STATE/config/SITE), nor the same with other bytes. Otherwise an
 * intruder could put an old, signed file back.
 *
 * It is signed apart from the releases: it is needed before there is one, a new limit is no new tree, and what a
 * damaged repository serves must not change whom the controller talks to.
 */
#ifndef CLI_SITE_FILE_H
#define CLI_SITE_FILE_H

#include "base/buffer.h"
#include "base/error.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "crypto/key.h"

struct common;

struct site_file {
        struct config *config;  /* owned */
        struct digest digest;   /* of its bytes: two machines with the same one agree */
        struct buffer problems; /* lines for the operator when it cannot be used */
};

#define SITE_FILE_NONE                                                                                                 \
        {                                                                                                              \
                .problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM)                                                       \
        }

/* Reads it; `pub` NULL: whoever wrote it is believed. Alert targets are looked at, too. Status 2 when there is something
 * wrong in it (then problems has lines), 3 when its signature does not hold, 4 when it is older than one accepted. */
int site_file_read(struct site_file *file, const char *path, const struct public_key *pub, const char *state_directory,
                   struct error *err);

/* The same for a command with --config, --pub FILE (NULL: not given) and --state. */
int site_file_open(struct site_file *file, const struct common *common, const char *pub_path, struct error *err);

void site_file_done(struct site_file *file);

/* Prints the problems and the sentence; returns the exit status. */
int site_file_fail(const struct site_file *file, const struct error *err);

/* What is put behind a sentence that calls for a person: " (whom to call: NAMES)" of the configuration's contacts, or nothing. */
#define SITE_FILE_CONTACTS 300
void site_file_contacts(const struct config *config, char words[static SITE_FILE_CONTACTS]);

/* Checks FILE and writes FILE.minisig. `repository`: when it has keys.json, that is copied beside FILE. NULL: none. */
int site_file_sign(struct site_file *file, const char *path, const struct secret_key *key, const char *repository,
                   struct error *err);

#endif
