/*
 * keylist.h - what delegate and revoke share: they read keys.json with the root key, change it, and sign it again.
 */
#ifndef CLI_KEYLIST_H
#define CLI_KEYLIST_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/command.h"
#include "crypto/key.h"
#include "manifest/trust.h"
#include "store/folder.h"

struct keylist {
        struct common common;
        const char *repository; /* --repo */
        const char *key_path;   /* --key: of the root's secret key */
        const char *pub_path;   /* the key in question */

        struct public_key pub;
        struct secret_key *root; /* owned */
        struct folder folder;
        struct trust *trust; /* owned; its keys are what is changed. Version 0: there was no keys.json */
};

#define KEYLIST_NONE                                                                                                   \
        {                                                                                                              \
                .folder = FOLDER_NONE                                                                                  \
        }

/* Opens everything that the members above the line name. `make`: a repository, and its keys.json, may not be there yet.
 */
int keylist_open(struct keylist *list, bool make, struct error *err);

/* The delegation of list->pub; NULL when the list does not name it. */
struct delegation *keylist_find(struct keylist *list);

/* One version more, signed, in place. */
int keylist_save(struct keylist *list, int64_t now, struct error *err);

/* Prints what the list says of the delegation now: JSON, or `sentence` unless --quiet. Returns an exit status. */
int keylist_report(const struct keylist *list, const struct delegation *delegation, const char *sentence);

void keylist_done(struct keylist *list);

#endif
