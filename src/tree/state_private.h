/*
 * state_private.h - what the parts of state.h share; nobody else includes it.
 */
#ifndef TREE_STATE_PRIVATE_H
#define TREE_STATE_PRIVATE_H

#include <jansson.h>

#include "base/error.h"
#include "tree/state.h"

/* Reads a small JSON file of ours; 1 when it is there, 0 when it is not, -EBADMSG without words when it is damaged. */
int state_read_json(int folder, const char *name, json_t **ret_json, struct error *err);

/* Replaces it; takes the reference, and NULL as a lack of memory. */
int state_write_json(int folder, const char *name, json_t *json, struct error *err);

/* A path as state files write it; NULL without memory. */
json_t *state_path_to_json(const char *path);
/* And back; -EBADMSG without words. */
int state_path_from_json(const json_t *value, char path[static PATH_MAX]);

/* Reads dest.json, if it is there. */
int state_load(struct state *state, struct error *err);

/* -EBADMSG with words: the dest.json of this DEST, or of this folder, cannot be understood. */
int state_damaged(const char *what, struct error *err);

#endif
