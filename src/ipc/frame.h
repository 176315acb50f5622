/*
 * frame.h - messages between a process and its sandboxed helper over a stream socket.
 *
 * A frame is a fixed head {verb u8, zero[3], length u32 LE, argument u64 LE} and `length` bytes. The receiving side
 * that has more rights parses nothing but this head; a frame that breaks the rules ends the conversation. Both ends are
 * the same binary, so there are no versions.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define FRAME_BODY_MAXIMUM (256U << 10) /* bytes; larger things are sent as several frames */

struct frame {
        uint8_t verb;
        uint32_t length;
        uint64_t argument;
};

/* 0 or a negative errno; -EPIPE when the other side is gone. */
int frame_send(int socket, uint8_t verb, uint64_t argument, const void *body, size_t length);

/*
 * Reads a head, then its body into `body` (at least FRAME_BODY_MAXIMUM bytes). 1, 0 at the end of the stream, -EBADMSG
 * on a broken frame, -ETIMEDOUT after timeout_ms without a whole frame (-1: wait).
 */
int frame_receive(int socket, struct frame *ret_frame, void *body, int timeout_ms);

#endif
