/* barrier_private.h - the names in our table, for the one who writes it (barrier.c) and the one who reads it back
 * (barrier_look.c). */
#ifndef TRAFFIC_BARRIER_PRIVATE_H
#define TRAFFIC_BARRIER_PRIVATE_H

#define BARRIER_CHAIN     "fence"
#define BARRIER_OUT4      "out4"
#define BARRIER_OUT6      "out6"
#define BARRIER_PORTS_SET "ports"
#define BARRIER_PRIORITY  (-310) /* connection tracking is at -200, an administrator's own "raw" table at -300 */

#endif
