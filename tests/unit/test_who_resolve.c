/* test_who_resolve.c - records of logins are taken for a process only when they are about it. */
#include "tests.h"

#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <utmpx.h>

#include "base/text.h"
#include "guard/who_private.h"

static char folder[TESTS_FOLDER_SIZE], path[TESTS_FOLDER_SIZE + 16];
static int directory = -1;

static int make_folder(void **context)
{
        (void)context;
        directory = tests_folder(folder);
        snprintf(path, sizeof(path), "%s/record", folder);
        return 0;
}

static int remove_folder(void **context)
{
        (void)context;
        close(directory);
        tests_folder_remove(folder);
        return 0;
}

/* This process, as somebody in a session of sshd that began now. */
static void ask_self(struct who *who, enum who_service service)
{
        int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

        who_ask(pidfd, getpid(), who);
        close(pidfd);
        who->why[WHO_REMOTE] = WHO_WHY_NOT_ASKED;
        who->why[WHO_SESSION] = WHO_WHY_NONE;
        who->remote = (struct who_remote){ 0 };
        who->service = service;
        who->service_process = who->process;
        snprintf(who->service_name, sizeof(who->service_name), "%s", service == WHO_SERVICE_FTP ? "vsftpd" : "sshd");
}

static void write_record(const void *bytes, size_t length)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(fchmod(fd, 0644), 0);
        assert_int_equal(write(fd, bytes, length), length);
        close(fd);
}

static void write_login(pid_t pid, time_t when)
{
        struct utmpx utmp[2] = {
                {.ut_type = BOOT_TIME},
                { .ut_type = USER_PROCESS,       .ut_pid = pid }
        };

        utmp[1].ut_tv.tv_sec = (int32_t)when;
        memcpy(utmp[1].ut_host, "192.0.2.7", 10);
        memcpy(utmp[1].ut_user, "www-upload", 11);
        write_record(utmp, sizeof(utmp));
}

static void text_is(const struct who *who, const char *tail)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(8192);

        assert_int_equal(who_text(who, &text), 0);
        if (!text_ends(buffer_text(&text), tail))
                fail_msg("%s does not end in %s", buffer_text(&text), tail);
}

static void test_utmp(void **context)
{
        const struct who_places places = { .utmp = path };
        bool root = getuid() == 0;
        struct who who;

        (void)context;
        ask_self(&who, WHO_SERVICE_SSH);
        write_login(getpid(), time(NULL));
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_KNOWN);
        assert_int_equal(who.remote.source, WHO_SOURCE_UTMP);
        assert_int_equal(who.remote.trust, root ? WHO_RECORDED : WHO_CLAIMED);
        assert_string_equal(who.account, "www-upload");
        text_is(&who, ", SSH session from 192.0.2.7 according to utmp");
        /* The same number, and a session that was over before this process began: somebody else's. */
        ask_self(&who, WHO_SERVICE_SSH);
        write_login(getpid(), (time_t)who.started - 60);
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NONE);
        text_is(&who, ", SSH session from an address that is not known");
        /* A process that is not among the ancestors. */
        ask_self(&who, WHO_SERVICE_SSH);
        write_login(INT32_MAX, time(NULL));
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NONE);
}

static void write_ssh_line(pid_t pid, time_t when)
{
        char line[256], stamp[64];
        struct tm tm;

        gmtime_r(&when, &tm);
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S+00:00", &tm);
        snprintf(line, sizeof(line), "%s web1 sshd[%d]: Accepted password for www-upload from 192.0.2.7 port 5 ssh2\n",
                 stamp, pid);
        write_record(line, strlen(line));
}

/* What every program can write to is a claim, and what the kernel said stands. */
static void test_system_log(void **context)
{
        const struct who_places places = { .system_log = path };
        struct who who;

        (void)context;
        if (getuid() != 0)
                skip();
        ask_self(&who, WHO_SERVICE_SSH);
        write_ssh_line(getpid(), time(NULL));
        who_resolve(&who, &places);
        assert_int_equal(who.remote.trust, WHO_CLAIMED);
        text_is(&who, "SSH session from 192.0.2.7 according to sshd's log");
        ask_self(&who, WHO_SERVICE_SSH);
        who.why[WHO_REMOTE] = WHO_WHY_KNOWN;
        who.remote.source = WHO_SOURCE_SOCKET;
        who.remote.count = 1;
        assert_int_equal(who_parse_address("192.0.2.8", 9, &who.remote.addresses[0]), 0);
        who_resolve(&who, &places);
        text_is(&who, "SSH session from 192.0.2.8");
        ask_self(&who, WHO_SERVICE_SSH);
        write_ssh_line(getpid(), (time_t)who.started - 60);
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NONE);
        ask_self(&who, WHO_SERVICE_FTP); /* no session of sshd */
        write_ssh_line(getpid(), time(NULL));
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NONE);
}

static void ask_with_log(struct who *who, const char *names[], const struct who_places *places)
{
        _cleanup_(buffer_done) struct buffer log = BUFFER_INIT(4096);
        time_t now = time(NULL);
        char stamp[64];
        struct tm tm;

        gmtime_r(&now, &tm);
        strftime(stamp, sizeof(stamp), "%a %b %e %H:%M:%S %Y", &tm);
        for (size_t i = 0; names[i]; i++)
                assert_int_equal(
                        buffer_printf(&log, "%s [pid 2] [%s] OK LOGIN: Client \"192.0.2.7\"\n", stamp, names[i]), 0);
        write_record(log.data, log.length);
        ask_self(who, WHO_SERVICE_FTP);
        who->why[WHO_REMOTE] = WHO_WHY_KNOWN;
        who->remote.source = WHO_SOURCE_SOCKET;
        who->remote.trust = WHO_CERTAIN;
        who->remote.count = 1;
        assert_int_equal(who_parse_address("192.0.2.7", 9, &who->remote.addresses[0]), 0);
        who_resolve(who, places);
}

/* Two who logged in from the same address at that time: neither is named. */
static void test_ftp_log(void **context)
{
        const struct who_places places = { .ftp_log = path };
        struct who who;

        (void)context;
        if (getuid() != 0)
                skip();
        ask_with_log(&who, (const char *[]){ "virtual", "virtual", NULL }, &places);
        assert_string_equal(who.account, "virtual");
        ask_with_log(&who, (const char *[]){ "virtual", "other", NULL }, &places);
        assert_string_equal(who.account, "");
        /* A log that others may write to proves nothing. */
        assert_int_equal(chmod(path, 0666), 0);
        ask_self(&who, WHO_SERVICE_FTP);
        who_resolve(&who, &places);
        assert_string_equal(who.account, "");
}

static void test_audit(void **context)
{
        const struct who_places places = { .audit_log = path };
        struct who who;
        char line[512];

        (void)context;
        if (getuid() != 0)
                skip();
        snprintf(line, sizeof(line),
                 "type=USER_START msg=audit(%lld.123:45): pid=12 uid=0 auid=1001 ses=777777 msg='op=PAM:session_open "
                 "acct=\"www-upload\" exe=\"/usr/sbin/sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh "
                 "res=success'\n",
                 (long long)time(NULL));
        write_record(line, strlen(line));
        ask_self(&who, WHO_SERVICE_NONE);
        who.why[WHO_SESSION] = WHO_WHY_KNOWN;
        who.session = 777777;
        who_resolve(&who, &places);
        text_is(&who, "login session from 192.0.2.7 according to auditd");
        ask_self(&who, WHO_SERVICE_NONE);
        who.why[WHO_SESSION] = WHO_WHY_KNOWN;
        who.session = 777778;
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NONE);
}

/* A link, a folder and a pipe in a log's place are not opened, and nobody waits for them. */
static void test_odd_files(void **context)
{
        struct who_places places = { .utmp = folder, .logind = "/nowhere", .ftp_log = path, .system_log = path };
        struct who who;

        (void)context;
        unlink(path);
        assert_int_equal(mkfifo(path, 0600), 0);
        ask_self(&who, WHO_SERVICE_SSH);
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NONE);
        unlink(path);
        assert_int_equal(symlink("/dev/zero", path), 0);
        ask_self(&who, WHO_SERVICE_SSH);
        who_resolve(&who, &places);
        assert_int_equal(who.why[WHO_REMOTE], WHO_WHY_NONE);
        unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_utmp),  cmocka_unit_test(test_system_log), cmocka_unit_test(test_ftp_log),
                cmocka_unit_test(test_audit), cmocka_unit_test(test_odd_files),
        };

        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
