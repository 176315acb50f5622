/* Any bytes as relay.json: what is read leads nowhere but to the settings of an interface, and is written as it was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "traffic/relay_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct relay_state *state)
{
        if (!*state->interface || strchr(state->interface, '/') || strcmp(state->interface, "..") == 0 ||
            strnlen(state->interface, sizeof(state->interface)) == sizeof(state->interface) || state->count > RELAY_ADDRESSES)
                abort();
        for (size_t i = 0; i < state->count; i++)
                if (strcmp(state->put[i].interface, RELAY_LOOPBACK) != 0 ||
                    state->put[i].prefix != (state->put[i].family == AF_INET ? 32 : 128))
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(buffer_done) struct buffer once = BUFFER_INIT(2 * RELAY_STATE_MAXIMUM), twice = BUFFER_INIT(2 * RELAY_STATE_MAXIMUM);
        struct relay_state state, again;

        if (relay_state_read((const char *)data, size, &state) < 0)
                return 0;
        check(&state);
        if (relay_state_write(&state, &once) < 0 || relay_state_read(buffer_text(&once), once.length, &again) < 0 ||
            relay_state_write(&again, &twice) < 0 || strcmp(buffer_text(&once), buffer_text(&twice)) != 0)
                abort();
        return 0;
}
