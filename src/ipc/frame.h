/*
 * frame.h - messages between a process and its sandboxed helper over a stream socket.
 *
 * A frame is a fixed head {verb u8, zero[3], length u32 LE, argument u64 LE} and `length` bytes. The receiving side
 * that has more rights parses nothing but this head; a frame that breaks the rules ends the conversation. Both ends are
 * the same binary, so there are no versions.
 *
 * The side with more rights may send a descriptor along (SCM_RIGHTS). It never accepts one: frame_receive() lets the
 * kernel drop whatever the other side attached.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define FRAME_HEAD_SIZE    16
#define FRAME_BODY_MAXIMUM (256U << 10) /* bytes; larger things are sent as several frames */

struct frame {
        uint8_t verb;
        uint32_t length;
        uint64_t argument;
};

/* The bytes of a head, and back: -EBADMSG when they break the rules. Pure; the second one is fuzzed. */
void frame_encode(const struct frame *frame, uint8_t head[static FRAME_HEAD_SIZE]);
int frame_decode(const uint8_t head[static FRAME_HEAD_SIZE], struct frame *ret_frame);

/* 0 or a negative errno; -EPIPE when the other side is gone. */
int frame_send(int socket, uint8_t verb, uint64_t argument, const void *body, size_t length);

/* The same with a descriptor (the caller keeps its own). */
int frame_send_fd(int socket, uint8_t verb, uint64_t argument, const void *body, size_t length, int fd);

/*
 * Reads a head, then its body into `body` (at least FRAME_BODY_MAXIMUM bytes). 1, 0 at the end of the stream, -EBADMSG
 * on a broken frame, -ETIMEDOUT after timeout_ms without a whole frame (-1: wait).
 */
int frame_receive(int socket, struct frame *ret_frame, void *body, int timeout_ms);

/* The same; a descriptor that came along (or -1) becomes the caller's. For the helper's side only. */
int frame_receive_fd(int socket, struct frame *ret_frame, void *body, int timeout_ms, int *ret_fd);

#endif
