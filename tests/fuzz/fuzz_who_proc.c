/* Any bytes as the texts of /proc: what is found lies within them, and a value that is accepted is one that the kernel
 * could have written. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "guard/who_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(const char *part, size_t length, const char *text, size_t size)
{
        if (part < text || part + length > text + size)
                abort();
}

static void check_process(const char *text, size_t size)
{
        const char *path, *unit;
        size_t length, unit_length;
        struct who_stat stat;
        struct who_ids ids;
        uint32_t number;
        char shown[80];

        if (who_parse_stat(text, size, &stat) == 0) {
                check_within(stat.comm, stat.comm_length, text, size);
                if (stat.pid < 0 || stat.parent < 0 || !stat.state)
                        abort();
                who_escape(shown, sizeof(shown), stat.comm, stat.comm_length);
                for (const char *p = shown; *p; p++)
                        if ((unsigned char)*p < ' ')
                                abort();
        }
        (void)who_parse_status(text, size, &ids);
        (void)who_parse_number(text, size, &number);
        if (who_parse_cgroup(text, size, &path, &length) < 0)
                return;
        check_within(path, length, text, size);
        if (length == 0 || *path != '/')
                abort();
        if (who_parse_unit(path, length, &unit, &unit_length) == 0) {
                check_within(unit, unit_length, path, length);
                if (memchr(unit, '/', unit_length))
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data, *cursor = text, *line;
        struct who_connection connection;
        struct who_address address;
        char shown[WHO_ADDRESS_SIZE];
        uint64_t inode;
        size_t length;

        check_process(text, size);
        while (text_next_line(&cursor, text + size, &line, &length)) {
                (void)who_parse_socket_link(line, length, &inode);
                if (who_parse_address(line, length, &address) == 0) {
                        who_address_text(&address, shown);
                        if (!*shown)
                                abort();
                }
                if (who_parse_tcp(line, length, &connection) < 0)
                        continue;
                who_address_text(&connection.local, shown);
                if (!*shown)
                        abort();
        }
        return 0;
}
