/* fuzz_frame.c - what a taken-over helper may send to the side with rights: a stream of frames. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t body[FRAME_BODY_MAXIMUM];
        struct frame frame;
        size_t used = 0;
        int ends[2], r;

        if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return 0;
        if (write(ends[0], data, size) == (ssize_t)size) {
                close(ends[0]);
                while ((r = frame_receive(ends[1], &frame, body, 1000)) == 1) {
                        uint8_t head[FRAME_HEAD_SIZE];

                        frame_encode(&frame, head);
                        for (size_t i = 0; i < FRAME_HEAD_SIZE; i++) /* there is one spelling of a frame */
                                assert(head[i] == data[used + i]);
                        used += FRAME_HEAD_SIZE + frame.length;
                        assert(used <= size);
                }
                assert(r == -EBADMSG || (r == 0 && used == size));
        } else {
                close(ends[0]);
        }
        close(ends[1]);
        return 0;
}
