/*
 * check_site.h - what is not ready of a whole site: asked of each server's agent, from where the controller will run.
 */
#ifndef CLI_CHECK_SITE_H
#define CLI_CHECK_SITE_H

#include "cli/site_file.h"
#include "tree/machine.h"

/* One finding or more for each server: reachable, the same configuration, its clock, its addresses, its trees. */
void check_site(const struct machine_report *report, const struct site_file *file);

#endif
