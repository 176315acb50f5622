/*
 * packet.h - packets with descriptors, over SOCK_SEQPACKET sockets between processes of ours on one machine.
 *
 * A packet arrives whole or not at all, and its descriptors with it. What arrives is bytes: the reader compares the
 * length with what it expects before it looks at them. Nothing is left open that the reader was not told of.
 *
 * (The gate has a packet.c of its own, for it is linked to nothing of ours.)
 */
#ifndef IPC_PACKET_H
#define IPC_PACKET_H

#include <stddef.h>
#include <sys/types.h>

#define PACKET_FDS 32 /* most descriptors that one packet may carry */

/* 0 or a negative errno. The descriptors stay the caller's. Waits as long as the socket does (-EAGAIN). */
int packet_send(int socket, const void *bytes, size_t length, const int *fds, size_t count);

/*
 * The length of the next packet, 0 at the end (an empty one looks the same, and is taken for it), or a negative errno:
 * -EMSGSIZE for one that is longer than `size` or carries more than `maximum` descriptors. Only of a packet that is
 * returned *ret_count descriptors are in `fds`, which are the caller's; any others are closed.
 */
ssize_t packet_receive(int socket, void *bytes, size_t size, int *fds, size_t maximum, size_t *ret_count);

#endif
