/* agent_client_parts.h - what the files of the controller's end share. */
#ifndef TRAFFIC_AGENT_CLIENT_PARTS_H
#define TRAFFIC_AGENT_CLIENT_PARTS_H

#include <sys/types.h>

#include "ipc/stream.h"
#include "traffic/agent_client.h"

#define WORDS_SIZE 400 /* bytes of what ssh said last */

struct waiting {
        uint64_t number; /* 0: free */
        int64_t deadline;
        int64_t stall_ms, stalls_at; /* no progress for so long ends it, and when that is; 0: it may be silent */
        char *body; /* not sent yet; NULL: it was */
        agent_progress_function *progress;
        agent_answer_function *answer;
        void *context;
};

struct agent_client {
        char *name, *destination, *ssh_config, *ssh;
        bool keep;
        pid_t pid; /* of ssh; 0: not started */
        int in, out, error;
        bool greeted; /* hello was answered */
        int64_t greet_deadline;
        struct frame_stream stream;
        char words[WORDS_SIZE]; /* the end of what ssh wrote to standard error */
        struct error last;      /* why the connection before this one ended */
        int64_t retry_at, pause_ms, pause_maximum_ms;
        uint64_t next_number;
        struct waiting waiting[AGENT_CLIENT_REQUESTS];
        json_t *hello;
};

/* agent_client_ssh.c: starts ssh; ends it and gives its words, made one line. */
int agent_client_start(struct agent_client *client, struct error *err);
void agent_client_stop(struct agent_client *client);
/* Takes what ssh has written to standard error. */
void agent_client_listen(struct agent_client *client);

#endif
