/*
 * fleet_view.h - the register judged now: what `fleet` shows, and what `switch` and `status` ask before a server is
 * sent visitors.
 */
#ifndef CLI_FLEET_VIEW_H
#define CLI_FLEET_VIEW_H

#include "fleet/rules.h"

struct fleet_view {
        struct fleet fleet;
        struct fleet_findings findings;
        struct fleet_hit *hits;
};

/* Reads STATE/fleet and the incidents of STATE/incident. -ENOENT: there is no register, and so no rules. `config` may
 * be NULL. */
int fleet_view_load(const char *state_directory, const struct config *config, struct fleet_view *ret_view,
                    struct error *err);
void fleet_view_done(struct fleet_view *view);

/* Refuses (status 4) when a rule shuts the server out; a site without a register has no such rules. */
int fleet_admits(const char *state_directory, const struct config *config, const char *server, struct error *err);

#endif
