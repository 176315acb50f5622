#include "connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

#define TABLE_MAXIMUM (64U << 20) /* bytes: some 400,000 connections */

/* Of include/net/tcp_states.h. */
enum { STATE_TIME_WAIT = 6, STATE_CLOSE = 7, STATE_LISTEN = 10 };

/* The table prints each 32-bit word of an address as the machine reads it, in upper case. */
static bool parse_address(const char *hex, size_t digits, uint8_t bytes[static 16])
{
        for (size_t i = 0; i < digits; i += 8) {
                uint32_t word;

                if (sscanf(hex + i, "%8" SCNx32, &word) != 1)
                        return false;
                memcpy(bytes + i / 2, &word, sizeof(word));
        }
        return true;
}

static bool is_wanted(const struct connections_which *which, int family, const uint8_t *address, unsigned int port)
{
        bool ours = which->address_count == 0, here = false;

        for (size_t i = 0; i < which->address_count; i++)
                ours = ours || peer_address_is(&which->addresses[i], family, address);
        for (size_t i = 0; i < which->port_count; i++)
                here = here || which->ports[i] == port;
        return ours && here;
}

bool connections_line(const char *line, size_t length, int family, const struct connections_which *which)
{
        const size_t digits = family == AF_INET ? 8 : 32;
        char text[256], local[33], remote[33];
        unsigned int port, state;
        uint8_t address[16];

        if (length >= sizeof(text))
                return false;
        memcpy(text, line, length);
        text[length] = '\0';
        if (sscanf(text, " %*u: %32[0-9A-F]:%4x %32[0-9A-F]:%*4x %2x ", local, &port, remote, &state) != 4)
                return false;
        if (strlen(local) != digits || state == STATE_TIME_WAIT || state == STATE_CLOSE || state == STATE_LISTEN)
                return false;
        return parse_address(local, digits, address) && is_wanted(which, family, address, port);
}

static int count_table(const char *path, int family, const struct connections_which *which, size_t *count,
                       struct error *err)
{
        _cleanup_(buffer_done) struct buffer table = BUFFER_INIT(TABLE_MAXIMUM);
        const char *cursor, *end, *line;
        size_t length;
        int r = file_read(AT_FDCWD, path, &table, err);

        if (r == -ENOENT && family == AF_INET6)
                return 0; /* a kernel without IPv6 */
        if (r < 0)
                return error_prefix(err, _("cannot count the connections of visitors"));
        cursor = buffer_text(&table);
        end = cursor + table.length;
        while (text_next_line(&cursor, end, &line, &length))
                *count += connections_line(line, length, family, which);
        return 0;
}

int connections_count(const struct connections_which *which, size_t *ret_count, struct error *err)
{
        int r;

        *ret_count = 0;
        r = count_table("/proc/net/tcp", AF_INET, which, ret_count, err);
        return r < 0 ? r : count_table("/proc/net/tcp6", AF_INET6, which, ret_count, err);
}
