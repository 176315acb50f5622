/* who_parse.c - /proc/PID/stat, status, cgroup, net/tcp and their like. */
#include "who_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

/* Cuts the next word off [*cursor, end): words are separated by blanks and tabs. */
static bool next_word(const char **cursor, const char *end, const char **ret_word, size_t *ret_length)
{
        const char *p = *cursor, *start;

        while (p < end && (*p == ' ' || *p == '\t'))
                p++;
        start = p;
        while (p < end && *p != ' ' && *p != '\t' && *p != '\n')
                p++;
        *cursor = p;
        *ret_word = start;
        *ret_length = (size_t)(p - start);
        return p > start;
}

static bool next_number(const char **cursor, const char *end, uint64_t maximum, uint64_t *ret)
{
        const char *word;
        size_t length;

        return next_word(cursor, end, &word, &length) && text_parse_u64(word, length, maximum, ret) == 0;
}

/* The fields behind the name, by their number in proc(5). */
enum { FIELD_STATE = 3, FIELD_PARENT = 4, FIELD_SESSION = 6, FIELD_TERMINAL = 7, FIELD_START = 22 };

int who_parse_stat(const char *text, size_t length, struct who_stat *ret)
{
        const char *end = text + length, *open = memchr(text, '(', length), *cursor, *word;
        const char *close = memrchr(text, ')', length); /* the name itself may have some */
        struct who_stat stat = { 0 };
        uint64_t number;
        size_t n;

        if (!open || !close || close < open || open - text < 2 || open[-1] != ' ' ||
            text_parse_u64(text, (size_t)(open - 1 - text), INT32_MAX, &number) < 0)
                return -EBADMSG;
        stat.pid = (pid_t)number;
        stat.comm = open + 1;
        stat.comm_length = (size_t)(close - open - 1);
        cursor = close + 1;
        for (int field = FIELD_STATE; field <= FIELD_START; field++) {
                if (!next_word(&cursor, end, &word, &n))
                        return -EBADMSG;
                if (field == FIELD_STATE && n == 1)
                        stat.state = *word;
                if (field != FIELD_PARENT && field != FIELD_SESSION && field != FIELD_TERMINAL && field != FIELD_START)
                        continue;
                if (text_parse_u64(word, n, field == FIELD_START ? INT64_MAX : INT32_MAX, &number) < 0)
                        return -EBADMSG;
                if (field == FIELD_PARENT)
                        stat.parent = (pid_t)number;
                else if (field == FIELD_SESSION)
                        stat.session = (pid_t)number;
                else if (field == FIELD_TERMINAL)
                        stat.terminal = (uint32_t)number;
                else
                        stat.start_ticks = number;
        }
        if (!stat.state)
                return -EBADMSG;
        *ret = stat;
        return 0;
}

/* The name is in the first line and has its newlines escaped by the kernel: no other line can be made by it. */
int who_parse_status(const char *text, size_t length, struct who_ids *ret)
{
        const char *cursor = text, *line;
        bool has_uid = false, has_gid = false;
        struct who_ids ids = { 0 };
        uint64_t real, effective;
        size_t n;

        while (text_next_line(&cursor, text + length, &line, &n)) {
                const char *p = line + 4;
                bool uid = n > 4 && memcmp(line, "Uid:", 4) == 0, gid = n > 4 && memcmp(line, "Gid:", 4) == 0;

                if (!uid && !gid)
                        continue;
                if (!next_number(&p, line + n, UINT32_MAX, &real) || !next_number(&p, line + n, UINT32_MAX, &effective))
                        return -EBADMSG;
                if (uid) {
                        ids.uid = (uid_t)real;
                        ids.euid = (uid_t)effective;
                        has_uid = true;
                } else {
                        ids.gid = (gid_t)real;
                        has_gid = true;
                }
        }
        if (!has_uid || !has_gid)
                return -EBADMSG;
        *ret = ids;
        return 0;
}

int who_parse_number(const char *text, size_t length, uint32_t *ret)
{
        uint64_t value;

        if (length > 0 && text[length - 1] == '\n')
                length--;
        if (text_parse_u64(text, length, UINT32_MAX, &value) < 0)
                return -EBADMSG;
        *ret = (uint32_t)value;
        return 0;
}

/* "0::/path", "9:name=systemd:/path", "4:memory:/path": cgroups(7). A name in a path cannot have a newline. */
int who_parse_cgroup(const char *text, size_t length, const char **ret_path, size_t *ret_length)
{
        static const char systemd[] = "name=systemd";
        const char *cursor = text, *line, *found = NULL;
        size_t n, found_length = 0;

        while (text_next_line(&cursor, text + length, &line, &n)) {
                const char *first = memchr(line, ':', n), *second;

                second = first ? memchr(first + 1, ':', n - (size_t)(first + 1 - line)) : NULL;
                if (!second || second + 1 >= line + n || second[1] != '/')
                        continue;
                if (first - line == 1 && *line == '0' && second == first + 1) {
                        /* Where systemd uses the old hierarchies, the unified one has everybody at its root. */
                        if (found && n - (size_t)(second + 1 - line) == 1)
                                continue;
                } else if (second - first - 1 != sizeof(systemd) - 1 ||
                           memcmp(first + 1, systemd, sizeof(systemd) - 1) != 0) {
                        continue;
                }
                if (found && found_length > 1)
                        continue;
                found = second + 1;
                found_length = (size_t)(line + n - found);
        }
        if (!found)
                return -EBADMSG;
        *ret_path = found;
        *ret_length = found_length;
        return 0;
}

static bool ends_in(const char *text, size_t length, const char *tail)
{
        size_t n = strlen(tail);

        return length > n && memcmp(text + length - n, tail, n) == 0;
}

int who_parse_unit(const char *path, size_t length, const char **ret_unit, size_t *ret_length)
{
        const char *end = path + length;

        while (path < end) {
                const char *slash = memchr(path, '/', (size_t)(end - path));
                size_t n = (size_t)((slash ? slash : end) - path);

                if (ends_in(path, n, ".service") || ends_in(path, n, ".scope")) {
                        *ret_unit = path;
                        *ret_length = n;
                        return 0;
                }
                /* Units lie in slices; whatever else is there was not made by the system's manager. */
                if (n > 0 && !ends_in(path, n, ".slice"))
                        return -ENOENT;
                path = slash ? slash + 1 : end;
        }
        return -ENOENT;
}

int who_parse_socket_link(const char *text, size_t length, uint64_t *ret_inode)
{
        static const char start[] = "socket:[";
        size_t n = sizeof(start) - 1;

        if (length < n + 2 || memcmp(text, start, n) != 0 || text[length - 1] != ']' ||
            text_parse_u64(text + n, length - n - 1, UINT64_MAX, ret_inode) < 0)
                return -EBADMSG;
        return 0;
}

static int hex_digit(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_hex(const char *text, size_t digits, uint32_t *ret)
{
        uint32_t value = 0;

        for (size_t i = 0; i < digits; i++) {
                int digit = hex_digit(text[i]);

                if (digit < 0)
                        return -EBADMSG;
                value = value << 4 | (uint32_t)digit;
        }
        *ret = value;
        return 0;
}

/* "0100007F:0016": the address in 32-bit words as the machine has them in memory, the port as a number. */
static int parse_endpoint(const char *text, size_t length, struct who_address *ret)
{
        struct who_address address = { 0 };
        size_t digits = length == 13 ? 8 : 32;
        uint32_t word;

        if ((length != 13 && length != 37) || text[digits] != ':')
                return -EBADMSG;
        for (size_t i = 0; i < digits / 8; i++) {
                if (parse_hex(text + 8 * i, 8, &word) < 0)
                        return -EBADMSG;
                memcpy(address.bytes + 4 * i, &word, 4);
        }
        if (parse_hex(text + digits + 1, 4, &word) < 0)
                return -EBADMSG;
        address.port = (uint16_t)word;
        address.family = digits == 8 ? AF_INET : AF_INET6;
        who_address_normalize(&address);
        *ret = address;
        return 0;
}

/* Columns of the table; the kernel's state 0A is "listening", 01 "established", 08 the peer has closed. */
enum { COLUMN_LOCAL = 1, COLUMN_REMOTE = 2, COLUMN_STATE = 3, COLUMN_INODE = 9 };

int who_parse_tcp(const char *line, size_t length, struct who_connection *ret)
{
        const char *cursor = line, *word;
        struct who_connection connection = { 0 };
        uint32_t state = 0;
        size_t n;

        for (int column = 0; column <= COLUMN_INODE; column++) {
                int r = 0;

                if (!next_word(&cursor, line + length, &word, &n))
                        return -EBADMSG;
                if (column == COLUMN_LOCAL)
                        r = parse_endpoint(word, n, &connection.local);
                else if (column == COLUMN_REMOTE)
                        r = parse_endpoint(word, n, &connection.remote);
                else if (column == COLUMN_STATE)
                        r = n == 2 ? parse_hex(word, n, &state) : -EBADMSG;
                else if (column == COLUMN_INODE)
                        r = text_parse_u64(word, n, UINT64_MAX, &connection.inode);
                if (r < 0)
                        return -EBADMSG;
        }
        connection.listening = state == 0x0a;
        *ret = connection;
        return 0;
}

void who_address_normalize(struct who_address *address)
{
        static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

        if (address->family != AF_INET6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
                return;
        memmove(address->bytes, address->bytes + 12, 4);
        memset(address->bytes + 4, 0, 12);
        address->family = AF_INET;
}

int who_parse_address(const char *text, size_t length, struct who_address *ret)
{
        struct who_address address = { 0 };
        char copy[INET6_ADDRSTRLEN];

        if (length == 0 || length >= sizeof(copy) || memchr(text, '\0', length))
                return -EBADMSG;
        memcpy(copy, text, length);
        copy[length] = '\0';
        address.family = memchr(copy, ':', length) ? AF_INET6 : AF_INET;
        if (inet_pton(address.family, copy, address.bytes) != 1)
                return -EBADMSG;
        who_address_normalize(&address);
        *ret = address;
        return 0;
}
