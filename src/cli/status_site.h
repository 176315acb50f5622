/* status_site.h - `understudy status --config FILE`: the whole site, asked of its agents now. */
#ifndef CLI_STATUS_SITE_H
#define CLI_STATUS_SITE_H

#include "cli/command.h"

/* Returns an exit status: 0 when production is on stage and the site could fail over, 1 when something is not so. */
int status_site(const struct common *common, const char *pub_path);

#endif
