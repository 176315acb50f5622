#include "relay_state.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *relay_setting_name(size_t setting)
{
        static const char *const names[] = { [RELAY_ARP_IGNORE] = "arp_ignore", [RELAY_ARP_ANNOUNCE] = "arp_announce" };

        return names[setting];
}

static bool read_text(const json_t *object, const char *key, char *to, size_t size)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text && *text && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool read_interface(const json_t *root, struct relay_state *state)
{
        return read_text(root, "interface", state->interface, sizeof(state->interface)) && !strchr(state->interface, '/') &&
               !text_equal(state->interface, ".") && !text_equal(state->interface, "..");
}

static bool read_settings(const json_t *root, struct relay_state *state)
{
        for (size_t i = 0; i < RELAY_SETTINGS; i++) {
                const json_t *value = json_object_get(root, relay_setting_name(i));

                if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT_MAX)
                        return false;
                state->before[i] = (uint32_t)json_integer_value(value);
        }
        return true;
}

static bool read_put(const json_t *root, struct relay_state *state)
{
        const json_t *put = json_object_get(root, "put");

        if (!json_is_array(put) || json_array_size(put) > RELAY_ADDRESSES)
                return false;
        while (state->count < json_array_size(put)) {
                const char *text = json_string_value(json_array_get(put, state->count));

                /* A network is none of ours: only single addresses are put there. */
                if (!text || strchr(text, '/') || address_parse(text, RELAY_LOOPBACK, &state->put[state->count], NULL) < 0)
                        return false;
                state->count++;
        }
        return true;
}

int relay_state_read(const char *text, size_t length, struct relay_state *ret_state)
{
        json_t *root = length > RELAY_STATE_MAXIMUM ? NULL : json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        struct relay_state state = { 0 };
        const bool good = read_text(root, "boot", state.boot, sizeof(state.boot)) && read_interface(root, &state) &&
                          read_settings(root, &state) && read_put(root, &state);

        json_decref(root);
        if (!good)
                return -EBADMSG;
        *ret_state = state;
        return 0;
}

int relay_state_write(const struct relay_state *state, struct buffer *text)
{
        json_t *root = json_pack("{s:s, s:s, s:[]}", "boot", state->boot, "interface", state->interface, "put");
        char address[ADDRESS_TEXT_SIZE], *words;
        int r = root ? 0 : -1;

        for (size_t i = 0; i < RELAY_SETTINGS && r == 0; i++)
                r = json_object_set_new(root, relay_setting_name(i), json_integer(state->before[i]));
        for (size_t i = 0; i < state->count && r == 0; i++) {
                address_text(&state->put[i], address);
                r = json_array_append_new(json_object_get(root, "put"), json_string(address));
        }
        words = r == 0 ? json_dumps(root, JSON_COMPACT) : NULL;
        json_decref(root);
        if (!words)
                return -ENOMEM;
        r = buffer_append_text(text, words);
        free(words);
        return r;
}
