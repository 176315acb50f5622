/*
 * export.h - a copy of the log for others: `checkpoint`, `node.pub` and what the checkpoint covers of `tile/`. No key
 * and nothing of the incidents goes with it. A web server can serve the folder as it is.
 */
#ifndef JOURNAL_EXPORT_H
#define JOURNAL_EXPORT_H

#include "journal/checkpoint.h"

/*
 * Copies into `to`, which is made or holds an earlier export of the same journal (full tiles that are there already are
 * left: they never change). The checkpoint comes last, so that what it covers is there. -EPERM (refused) when `to`
 * holds another journal, or a newer one.
 */
int journal_export(const char *folder, const char *to, struct checkpoint *ret_checkpoint, struct error *err);

#endif
