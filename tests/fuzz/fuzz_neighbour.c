/* Any bytes as ARP and as neighbour discovery: a claim is only ever about the address that was asked for, and never
 * ours. */
#include <stdlib.h>
#include <string.h>

#include "traffic/neighbour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct neighbour_mac us = { { 2, 0, 0, 0, 0, 1 } }, link_mac = { { 2, 0, 0, 0, 0, 9 } };
static const uint8_t four[4] = { 192, 0, 2, 80 };
static const uint8_t six[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct neighbour_mac found = { { 0 } };
        enum neighbour_claim claim = neighbour_read_arp(data, size, four, &us, &found);

        if (claim != NEIGHBOUR_NOTHING) {
                const uint8_t *named = data + (claim == NEIGHBOUR_HOLDS ? 14 : 24);

                if (size < NEIGHBOUR_ARP_SIZE || memcmp(named, four, 4) != 0 || memcmp(&found, &us, sizeof(us)) == 0)
                        abort();
        }
        claim = neighbour_read_ndp(data, size, six, &us, &link_mac, &found);
        if (claim != NEIGHBOUR_NOTHING &&
            (size < 64 || data[7] != 255 || memcmp(data + 48, six, 16) != 0 || memcmp(&found, &us, sizeof(us)) == 0))
                abort();
        return 0;
}
