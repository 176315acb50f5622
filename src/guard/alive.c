/* alive.c - guard.json, and back. */
#include "guard/alive.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"

#define ALIVE_FILE    "guard.json"
#define ALIVE_MAXIMUM 1024

int alive_read(int folder, struct alive *ret_alive)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(ALIVE_MAXIMUM);
        const char *boot_id;
        json_t *json;
        int r = file_read(folder, ALIVE_FILE, &text, NULL);

        if (r < 0)
                return r;
        json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        boot_id = json_string_value(json_object_get(json, "boot"));
        r = boot_id ? 0 : -EBADMSG;
        if (r == 0) {
                ret_alive->time = json_integer_value(json_object_get(json, "alive"));
                ret_alive->stopped = json_is_true(json_object_get(json, "stopped"));
                snprintf(ret_alive->boot_id, sizeof(ret_alive->boot_id), "%s", boot_id);
        }
        json_decref(json);
        return r;
}

int alive_write(int folder, const char *mode, bool stopping)
{
        char boot_id[CLOCK_BOOT_ID_SIZE], text[ALIVE_MAXIMUM];
        int n;

        clock_boot_id(boot_id);
        n = snprintf(text, sizeof(text),
                     "{\"alive\": %" PRId64 ", \"boot\": \"%s\", \"pid\": %d, \"mode\": \"%s\", \"stopped\": %s}\n",
                     clock_now(), boot_id, (int)getpid(), mode, stopping ? "true" : "false");
        return file_replace(folder, ALIVE_FILE, text, (size_t)n, 0600, NULL);
}
