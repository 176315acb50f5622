/* visitors_private.h - between visitors.c and visitor_ids.c. */
#ifndef ANALYZE_VISITORS_PRIVATE_H
#define ANALYZE_VISITORS_PRIVATE_H

#include "analyze/visitors.h"

void visitor_ids_init(struct visitors *visitors);
void visitor_ids_done(struct visitors *visitors);

#endif
