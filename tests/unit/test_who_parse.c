/* test_who_parse.c - texts of /proc: as the kernel writes them, and with names that were chosen to mislead. */
#include "tests.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "guard/who_parse.h"

static int parse_stat(const char *text, struct who_stat *ret)
{
        return who_parse_stat(text, strlen(text), ret);
}

#define STAT_REST " 5 700 34817 5 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1"

static void test_stat(void **context)
{
        struct who_stat stat;

        (void)context;
        assert_int_equal(parse_stat("4711 (vsftpd) S 17" STAT_REST, &stat), 0);
        assert_int_equal(stat.pid, 4711);
        assert_int_equal(stat.comm_length, 6);
        assert_memory_equal(stat.comm, "vsftpd", 6);
        assert_int_equal(stat.state, 'S');
        assert_int_equal(stat.parent, 17);
        assert_int_equal(stat.session, 700);
        assert_int_equal(stat.terminal, 34817);
        assert_int_equal(stat.start_ticks, 987654);
        /* Names that look like the rest of the line. */
        assert_int_equal(parse_stat("9 (a) R 1 1 (b) S 8" STAT_REST, &stat), 0);
        assert_memory_equal(stat.comm, "a) R 1 1 (b", stat.comm_length);
        assert_int_equal(stat.parent, 8);
        assert_int_equal(parse_stat("9 (x\ny)) Z 8" STAT_REST, &stat), 0);
        assert_int_equal(stat.comm_length, 4);
        assert_int_equal(stat.state, 'Z');
        assert_int_equal(parse_stat("9 () I 0" STAT_REST, &stat), 0);
        assert_int_equal(stat.comm_length, 0);
        assert_int_equal(parse_stat("9 (x) R 1 2 3", &stat), -EBADMSG);
        assert_int_equal(parse_stat("9 (x R 1" STAT_REST, &stat), -EBADMSG);
        assert_int_equal(parse_stat("x (x) R 1" STAT_REST, &stat), -EBADMSG);
        assert_int_equal(parse_stat(" (x) R 1" STAT_REST, &stat), -EBADMSG);
        assert_int_equal(parse_stat(")(", &stat), -EBADMSG);
        assert_int_equal(parse_stat("", &stat), -EBADMSG);
}

static void test_status(void **context)
{
        static const char text[] =
                "Name:\tx\\nUid:\t0\t0\t0\t0\nState:\tS\nUid:\t1001\t0\t0\t0\nGid:\t33\t1\t2\t3\nVmRSS:\t1\n";
        struct who_ids ids;

        (void)context;
        assert_int_equal(who_parse_status(text, strlen(text), &ids), 0);
        assert_int_equal(ids.uid, 1001);
        assert_int_equal(ids.euid, 0);
        assert_int_equal(ids.gid, 33);
        assert_int_equal(who_parse_status("Uid:\t1\t1\n", 8, &ids), -EBADMSG);
        assert_int_equal(who_parse_status("Uid:\t1\nGid:\t1\t1\n", 16, &ids), -EBADMSG);
        assert_int_equal(who_parse_status("", 0, &ids), -EBADMSG);
}

static void cgroup_is(const char *text, const char *expected)
{
        const char *path = NULL;
        size_t length = 0;
        int r = who_parse_cgroup(text, strlen(text), &path, &length);

        if (!expected) {
                assert_int_equal(r, -EBADMSG);
                return;
        }
        assert_int_equal(r, 0);
        assert_int_equal(length, strlen(expected));
        assert_memory_equal(path, expected, length);
}

static void test_cgroup(void **context)
{
        (void)context;
        cgroup_is("0::/system.slice/vsftpd.service\n", "/system.slice/vsftpd.service");
        cgroup_is("9:name=systemd:/user.slice\n4:memory:/other\n0::/\n", "/user.slice");
        cgroup_is("0::/a\n9:name=systemd:/\n", "/a");
        cgroup_is("4:memory:/other\n0::/\n", "/");
        cgroup_is("0::/a:b::/c", "/a:b::/c");
        cgroup_is("4:memory:/other\n", NULL);
        cgroup_is("0:/x\n0::\n::/\n", NULL);
        cgroup_is("", NULL);
}

static void unit_is(const char *path, const char *expected)
{
        const char *unit = NULL;
        size_t length = 0;
        int r = who_parse_unit(path, strlen(path), &unit, &length);

        assert_int_equal(r, expected ? 0 : -ENOENT);
        if (expected) {
                assert_int_equal(length, strlen(expected));
                assert_memory_equal(unit, expected, length);
        }
}

static void test_unit(void **context)
{
        (void)context;
        unit_is("/system.slice/vsftpd.service", "vsftpd.service");
        unit_is("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service");
        unit_is("/user.slice/user-1001.slice/session-3.scope", "session-3.scope");
        unit_is("/init.scope", "init.scope");
        /* What a user, or a service, makes below its own unit is not a unit of the system. */
        unit_is("/user.slice/user-1001.slice/user@1001.service/app.slice/nginx.service", "user@1001.service");
        unit_is("/docker/0123/nginx.service", NULL);
        unit_is("/.service", NULL);
        unit_is("/", NULL);
        unit_is("", NULL);
}

static void test_tcp(void **context)
{
        static const char listening[] =
                "   0: 00000000:0015 00000000:0000 0A 00000000:00000000 00:00000000 00000000     "
                "0        0 4242 1 0000000000000000 100 0 0 10 0";
        static const char mapped[] =
                "   1: 0000000000000000FFFF00004D0200C0:0016 0000000000000000FFFF0000070200C0:9C52 01 "
                "00000000:00000000 02:0 00000000     0        0 77 4 0";
        static const char six[] = "12: B80D0120000000000000000077000000:0016 B80D0120000000000000000007000000:9C52 08 "
                                  "00000000:00000000 02:0 00000000 0 0 78 4 0";
        struct who_connection connection;
        char text[INET6_ADDRSTRLEN];

        (void)context;
        assert_int_equal(who_parse_tcp(listening, strlen(listening), &connection), 0);
        assert_true(connection.listening);
        assert_int_equal(connection.local.port, 21);
        assert_int_equal(connection.inode, 4242);
        assert_int_equal(who_parse_tcp(mapped, strlen(mapped), &connection), 0);
        assert_false(connection.listening);
        assert_int_equal(connection.remote.family, AF_INET);
        assert_string_equal(inet_ntop(AF_INET, connection.remote.bytes, text, sizeof(text)), "192.0.2.7");
        assert_int_equal(connection.remote.port, 40018);
        assert_int_equal(who_parse_tcp(six, strlen(six), &connection), 0);
        assert_string_equal(inet_ntop(AF_INET6, connection.remote.bytes, text, sizeof(text)), "2001:db8::7");
        for (size_t n = 0; n < strlen(six) - 6; n++) /* cut anywhere before the inode's end: never a wrong one */
                if (who_parse_tcp(six, n, &connection) == 0)
                        assert_in_range(connection.inode, 7, 78);
        assert_int_equal(who_parse_tcp("  sl  local_address rem_address   st", 36, &connection), -EBADMSG);
        assert_int_equal(who_parse_tcp("", 0, &connection), -EBADMSG);
}

static void test_small_ones(void **context)
{
        struct who_address address;
        uint64_t inode;
        uint32_t number;

        (void)context;
        assert_int_equal(who_parse_number("1001", 4, &number), 0);
        assert_int_equal(number, 1001);
        assert_int_equal(who_parse_number("4294967295\n", 11, &number), 0);
        assert_int_equal(number, UINT32_MAX);
        assert_int_equal(who_parse_number("4294967296", 10, &number), -EBADMSG);
        assert_int_equal(who_parse_number("", 0, &number), -EBADMSG);
        assert_int_equal(who_parse_socket_link("socket:[123]", 12, &inode), 0);
        assert_int_equal(inode, 123);
        assert_int_equal(who_parse_socket_link("/tmp/socket:[123]", 17, &inode), -EBADMSG);
        assert_int_equal(who_parse_socket_link("socket:[]", 9, &inode), -EBADMSG);
        assert_int_equal(who_parse_address("::ffff:192.0.2.7", 16, &address), 0);
        assert_int_equal(address.family, AF_INET);
        assert_int_equal(address.bytes[3], 7);
        assert_int_equal(who_parse_address("192.0.2.7", 8, &address), -EBADMSG);
        assert_int_equal(who_parse_address("fe80::1%eth0", 12, &address), -EBADMSG);
        assert_int_equal(who_parse_address("host", 4, &address), -EBADMSG);
        assert_int_equal(who_parse_address("192.0.2.7\0x", 11, &address), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stat), cmocka_unit_test(test_status), cmocka_unit_test(test_cgroup),
                cmocka_unit_test(test_unit), cmocka_unit_test(test_tcp),    cmocka_unit_test(test_small_ones),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
