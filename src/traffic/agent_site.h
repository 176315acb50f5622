/*
 * agent_site.h - what the agent of a server knows when it is asked: the context of every verb.
 */
#ifndef TRAFFIC_AGENT_SITE_H
#define TRAFFIC_AGENT_SITE_H

#include "config/config.h"

struct agent_site {
        const struct config *config;
        const struct config_server *server; /* this one */
        const char *digest;                 /* SHA-256 of the configuration, hex: the controller compares */
        const char *asker;                  /* the server whose keeper asks, and which may ask for its lease only; NULL: the
                                               controller */
        const char *state;                  /* folder */
        const char *program;                /* this program's path */
};

#endif
