/* test_who_records.c - records of logins: real ones, and lines that a stranger's name made look like others. */
#include "tests.h"

#include <arpa/inet.h>
#include <utmpx.h>

#include "base/clock.h"
#include "guard/who_records.h"

/* The same on every machine: a line without a time zone is read both as UTC and as local time. */
static int set_zone(void **context)
{
        (void)context;
        setenv("TZ", "JST-9", 1);
        tzset();
        return 0;
}

static void address_is(const struct who_record *record, const char *expected)
{
        char text[INET6_ADDRSTRLEN];

        assert_true(record->has_address);
        assert_string_equal(inet_ntop(record->address.family, record->address.bytes, text, sizeof(text)), expected);
}

static int64_t utc(const char *text)
{
        int64_t seconds;

        assert_int_equal(clock_parse_utc(text, &seconds), 0);
        return seconds;
}

static int ftp(const char *line, struct who_record *ret)
{
        return who_parse_ftp_line(line, strlen(line), ret);
}

static void test_ftp(void **context)
{
        struct who_record record;

        (void)context;
        assert_int_equal(
                ftp("Thu Nov 26 09:37:23 2026 [pid 80] [www-upload] OK LOGIN: Client \"::ffff:192.0.2.7\"", &record),
                0);
        assert_int_equal(record.pid, 80);
        assert_string_equal(record.account, "www-upload");
        address_is(&record, "192.0.2.7");
        assert_int_equal(record.time, utc("2026-11-26T09:37:23Z"));
        assert_int_equal(record.other_time, utc("2026-11-26T00:37:23Z"));
        assert_int_equal(ftp("Mon Jul  6 09:37:23 2009 [pid 2] [u] OK LOGIN: Client \"2001:db8::7\"", &record), 0);
        assert_int_equal(record.time, utc("2009-07-06T09:37:23Z"));
        address_is(&record, "2001:db8::7");
        assert_int_equal(ftp("Thu Nov 26 09:37:23 2026 [pid 80] CONNECT: Client \"192.0.2.7\"", &record), -EBADMSG);
        assert_int_equal(ftp("Thu Nov 26 09:37:23 2026 [pid 80] [u] FAIL LOGIN: Client \"192.0.2.7\"", &record),
                         -EBADMSG);
        assert_int_equal(ftp("Thu Nov 26 09:37:23 2026 [pid 80] [] OK LOGIN: Client \"192.0.2.7\"", &record), -EBADMSG);
        assert_int_equal(ftp("", &record), -EBADMSG);
        /* The client chose these names, with wrong passwords: no login may be read from them. */
        assert_int_equal(
                ftp("Thu Nov 26 09:37:23 2026 [pid 80] [x] OK LOGIN: Client \"203.0.113.1\"] FAIL LOGIN: Client "
                    "\"192.0.2.7\"",
                    &record),
                -EBADMSG);
        assert_int_equal(
                ftp("Thu Nov 26 09:37:23 2026 [pid 80] [x] OK LOGIN: Client \"203.0.113.1\"] FTP command: Client "
                    "\"192.0.2.7\", \"PASS x\"",
                    &record),
                -EBADMSG);
        /* And a name that was let in says itself, whole, and leaves the address alone. */
        assert_int_equal(ftp("Thu Nov 26 09:37:23 2026 [pid 80] [x] OK LOGIN: Client \"203.0.113.1\"] OK LOGIN: Client "
                             "\"192.0.2.7\"",
                             &record),
                         0);
        address_is(&record, "192.0.2.7");
        assert_string_equal(record.account, "x] OK LOGIN: Client \"203.0.113.1\"");
}

static int ssh(const char *line, struct who_record *ret)
{
        return who_parse_ssh_line(line, strlen(line), utc("2026-11-26T12:00:00Z"), ret);
}

static void test_ssh(void **context)
{
        struct who_record record;

        (void)context;
        assert_int_equal(
                ssh("Nov 26 09:37:23 web1 sshd[1234]: Accepted password for www-upload from 192.0.2.7 port 40018 ssh2",
                    &record),
                0);
        assert_int_equal(record.pid, 1234);
        assert_string_equal(record.account, "www-upload");
        address_is(&record, "192.0.2.7");
        assert_int_equal(record.address.port, 40018);
        assert_int_equal(record.time, utc("2026-11-26T09:37:23Z"));
        assert_int_equal(
                ssh("2026-11-26T18:37:23.123456+09:00 web1 sshd-session[7]: Accepted publickey for u from 2001:db8::7 "
                    "port 1 ssh2: ED25519 SHA256:abc",
                    &record),
                0);
        assert_int_equal(record.time, utc("2026-11-26T09:37:23Z"));
        assert_int_equal(record.other_time, record.time);
        address_is(&record, "2001:db8::7");
        /* The last one that is not in the future. */
        assert_int_equal(
                ssh("Dec 31 23:00:00 web1 sshd[1]: Accepted password for u from 192.0.2.7 port 1 ssh2", &record), 0);
        assert_int_equal(record.time, utc("2025-12-31T23:00:00Z"));
        /* What a client sends as his name, and what is no login. */
        assert_int_equal(
                ssh("Nov 26 09:37:23 web1 sshd[1]: Failed password for invalid user Accepted password for u from "
                    "203.0.113.1 port 1 ssh2 from 192.0.2.7 port 2 ssh2",
                    &record),
                -EBADMSG);
        assert_int_equal(ssh("Nov 26 09:37:23 web1 sshd[1]: Invalid user x]: Accepted password for u from 203.0.113.1 "
                             "port 1 ssh2",
                             &record),
                         -EBADMSG);
        assert_int_equal(
                ssh("Nov 26 09:37:23 web1 evil[1]: sshd[1]: Accepted password for u from 203.0.113.1 port 1 ssh2",
                    &record),
                -EBADMSG);
        assert_int_equal(ssh("Nov 26 09:37:23 web1 sshd[1]: Accepted password for u from host port 1 ssh2", &record),
                         -EBADMSG);
        assert_int_equal(ssh("Nov 26 09:37:23", &record), -EBADMSG);
        assert_int_equal(ssh("", &record), -EBADMSG);
}

static int audit(const char *line, struct who_record *ret)
{
        return who_parse_audit_line(line, strlen(line), ret);
}

static void test_audit(void **context)
{
        struct who_record record;

        (void)context;
        assert_int_equal(
                audit("type=USER_START msg=audit(1785142430.123:45): pid=12 uid=0 auid=1001 ses=3 subj=unconfined "
                      "msg='op=PAM:session_open grantors=pam_unix acct=\"www-upload\" exe=\"/usr/sbin/sshd\" "
                      "hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'\035UID=\"root\" AUID=\"x\"",
                      &record),
                0);
        assert_int_equal(record.session, 3);
        assert_int_equal(record.pid, 12);
        assert_int_equal(record.time, 1785142430);
        assert_string_equal(record.account, "www-upload");
        address_is(&record, "192.0.2.7");
        assert_int_equal(audit("type=USER_LOGIN msg=audit(1.2:3): pid=1 uid=0 auid=1 ses=3 msg='op=login acct=\"u\" "
                               "exe=\"/usr/sbin/sshd\" hostname=? addr=? terminal=ssh res=success'",
                               &record),
                         -EBADMSG);
        assert_int_equal(audit("type=USER_LOGIN msg=audit(1.2:3): pid=1 uid=0 auid=1 ses=3 msg='op=login acct=\"u\" "
                               "exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.7 terminal=ssh res=failed'",
                               &record),
                         -EBADMSG);
        assert_int_equal(audit("type=SYSCALL msg=audit(1.2:3): pid=1 ses=3 msg='addr=192.0.2.7 res=success'", &record),
                         -EBADMSG);
        /* An account with a blank comes as digits: nothing of it can pass for a field. */
        assert_int_equal(
                audit("type=USER_LOGIN msg=audit(1.2:3): pid=1 uid=0 auid=1 ses=4 msg='op=login acct=782061646472 "
                      "addr=192.0.2.7 res=success'",
                      &record),
                0);
        assert_string_equal(record.account, "");
        assert_int_equal(audit("", &record), -EBADMSG);
}

static void test_logind(void **context)
{
        static const char text[] =
                "# This is private data. Do not parse.\nUID=1001\nUSER=www-upload\nACTIVE=1\nREMOTE=1\n"
                "REMOTE_HOST=192.0.2.7\nSERVICE=sshd\nLEADER=1234\nAUDIT=3\nREALTIME=1785142430123456\n";
        static const char local[] = "UID=0\nUSER=root\nREMOTE=0\nTTY=tty1\nLEADER=7\n";
        static const char named[] = "USER=\"u\"\nREMOTE_HOST=\"gw.example.net\"\nXREMOTE_HOST=192.0.2.9\n";
        struct who_record record;

        (void)context;
        assert_int_equal(who_parse_logind(text, strlen(text), &record), 0);
        assert_int_equal(record.pid, 1234);
        assert_string_equal(record.account, "www-upload");
        assert_int_equal(record.time, 1785142430);
        address_is(&record, "192.0.2.7");
        assert_int_equal(who_parse_logind(local, strlen(local), &record), -EBADMSG);
        assert_int_equal(who_parse_logind(named, strlen(named), &record), 0);
        assert_false(record.has_address);
        assert_string_equal(record.host, "gw.example.net");
        assert_string_equal(record.account, "u");
        assert_int_equal(who_parse_logind("", 0, &record), -EBADMSG);
}

static void test_utmp(void **context)
{
        struct utmpx utmp = { .ut_type = USER_PROCESS, .ut_pid = 55, .ut_tv.tv_sec = 1000 };
        struct who_record record;

        (void)context;
        memset(utmp.ut_user, 'u', sizeof(utmp.ut_user)); /* full: there is no NUL */
        memcpy(utmp.ut_host, "bad\033]0;x", 8);
        utmp.ut_addr_v6[0] = (int32_t)htonl(0xc0000207);
        assert_int_equal(who_parse_utmp(&utmp, &record), 0);
        assert_int_equal(record.pid, 55);
        assert_int_equal(record.time, 1000);
        assert_int_equal(strlen(record.account), sizeof(utmp.ut_user));
        assert_string_equal(record.host, "bad\\033]0;x");
        address_is(&record, "192.0.2.7");
        utmp.ut_type = DEAD_PROCESS;
        assert_int_equal(who_parse_utmp(&utmp, &record), -EBADMSG);
        utmp.ut_type = USER_PROCESS;
        memset(utmp.ut_host, 0, sizeof(utmp.ut_host));
        memset(utmp.ut_addr_v6, 0, sizeof(utmp.ut_addr_v6));
        assert_int_equal(who_parse_utmp(&utmp, &record), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ftp),    cmocka_unit_test(test_ssh),  cmocka_unit_test(test_audit),
                cmocka_unit_test(test_logind), cmocka_unit_test(test_utmp),
        };

        return cmocka_run_group_tests(tests, set_zone, NULL);
}
