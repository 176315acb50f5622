/*
 * repository_private.h - the conversation with the helper, shared by the parts of repository.h; nobody else includes
 * it.
 */
#ifndef STORE_REPOSITORY_PRIVATE_H
#define STORE_REPOSITORY_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fetch.h"
#include "ipc/frame.h"
#include "repository.h"
#include "repository_url.h"

struct repository {
        struct repository_url url;
        int stall_ms, tries;
        char *user, *ca_bytes;
        size_t ca_length;
        int folder; /* -1: HTTP */
        int socket;
        pid_t pid;
        uint8_t *body; /* of the frame received last; FRAME_BODY_MAXIMUM */
        bool broken;   /* the conversation has ended; nothing more can be asked */
        struct repository_traffic traffic;

        /* Of the request that is being answered. */
        const char *path;
        const struct release *release;
        const struct wanted *wanted;
        size_t wanted_count;
        struct wanted file_base; /* the base of a large file, as if it was a wanted object */
        uint64_t bases_left;
        int64_t patience_ms; /* that is left for waiting */
};

/* Ends the helper; nothing more can be asked. */
void repository_end_helper(struct repository *repository);

/* Ends the helper because it broke the rules of the conversation. -EBADMSG with words. */
int repository_broke_rules(struct repository *repository, struct error *err);

/* Sends one request; the answer is read by repository_next_frame(). */
int repository_ask(struct repository *repository, uint8_t verb, uint64_t argument, const void *body, size_t length,
                   struct error *err);

/* The next frame that belongs to the answer: 0, or negative with words (a failure that the helper tells among them). */
int repository_next_frame(struct repository *repository, struct frame *ret_frame, struct error *err);

/* How long to wait altogether when so many bytes and requests are to be expected. */
void repository_set_patience(struct repository *repository, uint64_t bytes, uint64_t requests);

#endif
