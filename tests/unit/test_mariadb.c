/* mariadb_where.c - the words of a connection. What is done with accounts is tried at a real server (72-fence-mariadb.t). */
#include "tests.h"

#include "traffic/mariadb.h"

static void is_read_as(const char *words, const char *socket, const char *user, const char *file)
{
        struct error error = ERROR_NONE;
        struct mariadb_where where;

        if (mariadb_where_parse(words, &where, &error) < 0)
                fail_msg("%s: %s", words, error.text);
        assert_string_equal(where.socket, socket);
        assert_string_equal(where.user, user);
        assert_string_equal(where.defaults_file, file);
}

static void words_and_defaults(void **state _unused_)
{
        is_read_as("", "/run/mysqld/mysqld.sock", "root", "");
        is_read_as("socket=/tmp/s  user=fence ", "/tmp/s", "fence", "");
        is_read_as("defaults_file=/etc/mysql/us.cnf", "", "", "/etc/mysql/us.cnf");
        is_read_as("defaults_file=/etc/mysql/us.cnf user=x", "", "x", "/etc/mysql/us.cnf");
}

static void what_is_refused(void **state _unused_)
{
        static const char *const wrong[] = { "host=192.0.2.10", "password=secret", "socket=", "socket=tmp/s", "user",
                                             "defaults_file=us.cnf", "socket /tmp/s" };
        char path[MARIADB_SOCKET_SIZE + 20] = "socket=/";
        struct mariadb_where where;

        for (size_t i = 0; i < LENGTH(wrong); i++)
                assert_int_equal(mariadb_where_parse(wrong[i], &where, NULL), -EINVAL);
        memset(path + 8, 'a', MARIADB_SOCKET_SIZE - 2);
        assert_int_equal(mariadb_where_parse(path, &where, NULL), 0);
        path[MARIADB_SOCKET_SIZE + 6] = 'a';
        assert_int_equal(mariadb_where_parse(path, &where, NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_and_defaults),
                cmocka_unit_test(what_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
