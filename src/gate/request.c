/* request.c - the guard's verbs. */

#include "gate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet.h"
#include "start.h"

/* True when the lengths in it are true, and it came with a descriptor if (and only if) its verb has one. */
static bool is_whole(const struct gate_request *request, size_t length, int fd)
{
        const size_t head = offsetof(struct gate_request, path);
        const bool has_descriptor = request->verb == GATE_TREE || request->verb == GATE_AREA ||
                                    request->verb == GATE_GENUINE || request->verb == GATE_VERIFIER;

        return length > head && request->path_length < GATE_PATH_SIZE && length == head + request->path_length + 1 &&
               request->path[request->path_length] == '\0' && strlen(request->path) == request->path_length &&
               request->tree < GATE_TREES && (fd >= 0) == has_descriptor;
}

static void set_tree(struct gate *gate, const struct gate_request *request, bool area, int fd)
{
        if (request->path[0] != '/' || !where_set_tree(&gate->trees, request->tree, area, fd, request->argument,
                                                       request->path, request->path_length))
                _exit(GATE_EXIT_PROTOCOL);
}

static void forget(struct gate *gate, uint32_t number, uint64_t before)
{
        struct tree *tree = &gate->trees.tree[number];

        if (tree->generation < before)
                tree->generation = before; /* of what is asked from now on */
        cache_forget(&gate->cache, number, before);
}

/* Safe as far as the guard's marks on folders are complete: what came in between, also what was not read yet, undoes it. */
static void watched(struct gate *gate, const struct gate_request *request)
{
        struct tree *tree = &gate->trees.tree[request->tree];

        gate_take_names(gate);
        tree->watched = request->argument != 0 && tree->watching == request->argument;
}

/* Each verb can make the gate stricter, or slower; those that make it remember, or mark, say why that is safe. */
static void serve(struct gate *gate, const struct gate_request *request, int fd)
{
        switch (request->verb) {
        case GATE_TREE: set_tree(gate, request, false, fd); break;
        case GATE_AREA: set_tree(gate, request, true, fd); break;
        case GATE_GENUINE: {
                /* Safe as far as the guard is: it holds the signed release. What it says of a file counts only while
                 * the lease that it was read under was never broken, and only under this name. */
                struct place place = { .tree = request->tree, .length = request->path_length };

                memcpy(place.path, request->path, request->path_length + 1);
                open_told(gate, &place, request->argument, fd);
                break;
        }
        case GATE_WATCHING: gate->trees.tree[request->tree].watching = request->argument; break;
        case GATE_WATCHED: watched(gate, request); break;
        case GATE_FORGET: forget(gate, request->tree, request->argument); break;
        case GATE_FLUSH: cache_flush(&gate->cache); break;
        case GATE_VERIFIER:
                /* Its word is taken under our own lease and for one name: a verifier that was taken over can have bad
                 * files opened while it lives, and can have nothing written, nor anything outside the trees read. */
                if (request->argument >= GATE_VERIFIERS)
                        _exit(GATE_EXIT_PROTOCOL);
                questions_replace(&gate->questions, (unsigned int)request->argument, fd);
                break;
        case GATE_PING:
                gate->serving = true;
                report_plain(gate, GATE_PONG, request->argument);
                break;
        case GATE_STOP:
                /* The guard's own end, by the operator: only it has the channel. */
                open_answer_all(gate, true);
                cache_flush(&gate->cache);
                _exit(GATE_EXIT_DONE);
        default: _exit(GATE_EXIT_PROTOCOL);
        }
}

int request_serve(struct gate *gate)
{
        struct gate_request request;
        int fd;
        ssize_t n = packet_receive(GATE_CHANNEL_FD, &request, sizeof(request), MSG_DONTWAIT, &fd);

        if (n == -EAGAIN)
                return 0;
        if (n == 0 || n == -ECONNRESET)
                return -1;
        if (n < 0 || !is_whole(&request, (size_t)n, fd))
                _exit(GATE_EXIT_PROTOCOL);
        serve(gate, &request, fd);
        return 1;
}
