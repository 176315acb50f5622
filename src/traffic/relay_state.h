/*
 * relay_state.h - relay.json: what there was on the server that leaves before it was set up to keep its connections, and what
 * was put there (relay_keep.c). Pure.
 *
 *     {"boot":"...","interface":"eth0","put":["192.0.2.80"],"arp_ignore":0,"arp_announce":0}
 *
 * By this file settings of the kernel are written and addresses are taken away, as root. So it is read strictly: one that is
 * damaged is an error and never an empty state, and no name in it leads out of the folder of the settings.
 */
#ifndef TRAFFIC_RELAY_STATE_H
#define TRAFFIC_RELAY_STATE_H

#include "base/buffer.h"
#include "base/clock.h"
#include "relay.h"

#define RELAY_STATE_MAXIMUM 4096
#define RELAY_LOOPBACK      "lo"

enum relay_setting { RELAY_ARP_IGNORE, RELAY_ARP_ANNOUNCE, RELAY_SETTINGS };

/* As the kernel calls it (enum relay_setting), below /proc/sys/net/ipv4/conf/INTERFACE/. */
const char *relay_setting_name(size_t setting);

struct relay_state {
        char boot[CLOCK_BOOT_ID_SIZE];
        char interface[IF_NAMESIZE];
        uint32_t before[RELAY_SETTINGS];
        struct address put[RELAY_ADDRESSES]; /* on the loopback interface */
        size_t count;
};

/* -ENOMEM or -E2BIG. */
int relay_state_write(const struct relay_state *state, struct buffer *text);

/* -EBADMSG for what relay_state_write() would not have written. */
int relay_state_read(const char *text, size_t length, struct relay_state *ret_state);

#endif
