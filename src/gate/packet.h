/* packet.h - packets with at most one descriptor over SOCK_SEQPACKET sockets. Nothing here ever waits but the first. */
#ifndef GATE_PACKET_H
#define GATE_PACKET_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Its length, 0 at the end of the other side, -EAGAIN (nothing there), -EMSGSIZE (longer than `size`, or more than one
 * descriptor) or another negative errno. *ret_fd is the caller's, or -1. `flags`: 0 to wait, or MSG_DONTWAIT.
 */
ssize_t packet_receive(int socket, void *packet, size_t size, int flags, int *ret_fd);

/* 0 or a negative errno, -EAGAIN when the other side does not read. `fd` stays the caller's; -1: none. */
int packet_send(int socket, const void *packet, size_t length, int fd);

#endif
