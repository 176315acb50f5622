/*
 * web.h - starting, stopping and reloading the web server of a stand-by that rests stopped.
 *
 * What is run is the operator's own command ("systemctl start nginx"), by a shell, with an end to waiting. Whether it
 * did what it should is not asked of it: the server is there when a connection to it is accepted, and gone when one is
 * refused. A command that ends in 0 and a server that does not listen is a failure; a command that complains about a
 * server which does listen is none.
 *
 * start and stop are each other's undo; both are success when it is so already.
 */
#ifndef TRAFFIC_WEB_H
#define TRAFFIC_WEB_H

#include <stdint.h>

#include "base/error.h"
#include "peer.h"

struct web {
        const char *start, *stop, *reload; /* NULL: there is no such command, and asking for it is a usage error */
        struct peer_address address;       /* where it listens */
        uint16_t port;
        int timeout_ms; /* for the command, and again for the server; 0: 30,000 */
};

/* Whether somebody accepts connections there: 1, 0, or a negative errno (no answer at all, -ETIMEDOUT). */
int web_answers(const struct web *web, struct error *err);

int web_start(const struct web *web, struct error *err);
int web_stop(const struct web *web, struct error *err);

/* The command must end in 0, and the server accept connections afterwards. */
int web_reload(const struct web *web, struct error *err);

#endif
