/* fuzz_packet.c - what may come over the guard's sockets: a pull's packets with descriptors, a gate's questions to a
 * verifier, a gate's reports. The first byte says which, the second how many descriptors come along. */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guard/handover.h"
#include "guard/keeper.h"
#include "guard/verifier.h"
#include "ipc/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int next_number(void)
{
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        close(fd);
        return fd;
}

static void speak(const uint8_t *data, size_t size, size_t fds)
{
        int ends[2], all[PACKET_FDS], before, r;
        struct handover_message message;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return;
        for (size_t i = 0; i < fds; i++)
                all[i] = ends[0];
        before = next_number();
        if (packet_send(ends[0], data, size, all, fds) == 0) {
                r = handover_receive(ends[1], &message);
                if (r == 1) {
                        assert((message.verb == HANDOVER_STAGED || message.verb == HANDOVER_MENDING) ==
                               (message.folder >= 0));
                        assert(message.tree_count <= RELEASE_ROOTS_MAXIMUM);
                        for (size_t i = 0; i < message.tree_count; i++)
                                assert(message.trees[i].folder >= 0 &&
                                       memchr(message.trees[i].name, 0, sizeof(message.trees[i].name)));
                        handover_message_done(&message);
                }
                assert(next_number() == before);
        }
        close(ends[0]);
        close(ends[1]);
}

static void question(const uint8_t *data, size_t size)
{
        static const struct verifier_tree area = { .area = true };
        static struct gate_question packet;
        struct gate_answer answer = { 0 };
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        memset(&packet, 0x55, sizeof(packet));
        memcpy(&packet, data, size < sizeof(packet) ? size : sizeof(packet));
        if (size <= sizeof(packet) && verifier_is_question(&packet, size)) {
                assert(packet.tree < GATE_TREES);
                assert(offsetof(struct gate_question, path) + strlen(packet.path) < size);
                verifier_judge(&area, packet.path, packet.path_length, fd, &answer);
                assert(answer.verdict >= GATE_VERDICT_GENUINE && answer.verdict <= GATE_VERDICT_REFUSED);
        }
        close(fd);
}

static void report(const uint8_t *data, size_t size)
{
        static struct gate_report packet;

        if (size > sizeof(packet))
                return;
        memcpy(&packet, data, size);
        if (keeper_is_report(&packet, size)) {
                assert(packet.path_length < sizeof(packet.path));
                assert(offsetof(struct gate_report, path) + packet.path_length <= size);
        }
}

/* What a guard answers to a pull that asks for names. */
static void names(const uint8_t *data, size_t size)
{
        static struct pull_name list[PULL_MEND_NAMES];
        static char text[HANDOVER_TEXT_SIZE];

        if (size >= sizeof(text))
                return;
        memcpy(text, data, size);
        text[size] = '\0';
        for (size_t i = handover_names_read(text, list); i-- > 0;)
                assert(memchr(list[i].root, '\0', sizeof(list[i].root)) && memchr(list[i].path, '\0', sizeof(list[i].path)) &&
                       *list[i].root && *list[i].path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 2)
                return 0;
        switch (data[0] % 4) {
        case 0: speak(data + 2, size - 2, data[1] % (PACKET_FDS + 1)); break;
        case 1: question(data + 2, size - 2); break;
        case 2: report(data + 2, size - 2); break;
        case 3: names(data + 2, size - 2); break;
        }
        return 0;
}
