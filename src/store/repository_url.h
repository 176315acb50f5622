/*
 * repository_url.h - where a repository is, as the operator wrote it.
 */
#ifndef STORE_REPOSITORY_URL_H
#define STORE_REPOSITORY_URL_H

#include <stdbool.h>

#include "base/error.h"

struct repository_url {
        char *address; /* a folder's path, or the URL without slashes at its end; owned */
        char *shown;   /* without user and password, for words; owned */
        bool is_folder;
};

/* http://, https://, file:// or a plain folder; a usage error with words otherwise. */
int repository_url_parse(const char *url, struct repository_url *ret_url, struct error *err);
void repository_url_done(struct repository_url *url);

/* A URL without user and password, for words; NULL when it is none (or memory is short). The caller frees it, and has
 * loaded libcurl. */
char *repository_url_without_secrets(const char *url);

#endif
