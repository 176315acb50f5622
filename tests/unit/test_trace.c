/* trace.c, trace_time.c, timeline.c, cause.c - lines of logs as events, and what they say about how a file came. */
#include "tests.h"

#include <jansson.h>

#include "base/attributes.h"
#include "base/text.h"
#include "incident/cause.h"
#include "incident/timesketch.h"

#define SECOND INT64_C(1000000)
#define AT     (INT64_C(1246870800) * SECOND) /* 2009-07-06T09:00:00Z */

/* ---- lines ---- */

/* `texts` is "ACCOUNT|ADDRESS|PATH", `seconds` are counted from AT. */
static void is_read(enum trace_kind kind, const char *line, enum trace_source source, enum trace_act act,
                    const char *texts, int seconds)
{
        struct trace trace;
        char found[1000];

        if (!trace_line(kind, line, strlen(line), AT, &trace))
                fail_msg("not understood: %s", line);
        assert_int_equal(trace.source, source);
        assert_int_equal(trace.act, act);
        assert_int_equal(trace.time_us / SECOND, AT / SECOND + seconds);
        snprintf(found, sizeof(found), "%.*s|%.*s|%.*s", (int)trace.account.length, trace.account.text,
                 (int)trace.address.length, trace.address.text, (int)trace.path.length, trace.path.text);
        assert_string_equal(found, texts);
}

static void each_line_is_read_as_what_it_is(void **state _unused_)
{
        is_read(TRACE_AUTH, "Jul  6 09:00:01 web1 sshd[41]: Accepted publickey for bob from 192.0.2.7 port 22 ssh2",
                TRACE_BY_SSHD, TRACE_LOGGED_IN, "bob|192.0.2.7|", 1);
        is_read(TRACE_AUTH,
                "2009-07-06T18:00:00.5+09:00 web1 sshd[41]: Failed password for invalid user x from 192.0.2.8 port 9 "
                "ssh2",
                TRACE_BY_SSHD, TRACE_FAILED, "x|192.0.2.8|", 0);
        is_read(TRACE_AUTH,
                "Jul  6 09:00:00 web1 sshd[41]: Failed password for invalid user a from 10.0.0.1 from 192.0.2.8 port 9 "
                "ssh2",
                TRACE_BY_SSHD, TRACE_FAILED, "a from 10.0.0.1|192.0.2.8|", 0);
        is_read(TRACE_AUTH, "Jul  6 09:00:00 web1 internal-sftp[9]: session opened for local user bob from [192.0.2.7]",
                TRACE_BY_SFTP, TRACE_LOGGED_IN, "bob|192.0.2.7|", 0);
        is_read(TRACE_AUTH,
                "Jul  6 09:00:02 web1 internal-sftp[9]: open \"/www/login.html\" flags WRITE,CREATE mode 0666",
                TRACE_BY_SFTP, TRACE_WROTE, "||/www/login.html", 2);
        is_read(TRACE_AUTH,
                "Jul  6 09:00:00 web1 sudo:      bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/cp a "
                "/www/login.html",
                TRACE_BY_SUDO, TRACE_RAN, "bob||/bin/cp a /www/login.html", 0);
        is_read(TRACE_AUTH, "Jul  6 09:00:00 web1 CRON[7]: (root) CMD (run-parts /etc)", TRACE_BY_CRON, TRACE_RAN,
                "root||run-parts /etc", 0);
        is_read(TRACE_AUTH, "Jul  6 09:00:00 web1 crontab[7]: (bob) REPLACE (bob)", TRACE_BY_CRON, TRACE_CHANGED,
                "bob||REPLACE (bob)", 0);
        is_read(TRACE_FTP,
                "Mon Jul  6 09:00:00 2009 [pid 2] [bob] OK UPLOAD: Client \"192.0.2.7\", \"/www/a b.html\", 20 bytes, "
                "1Kbyte/sec",
                TRACE_BY_FTP, TRACE_WROTE, "bob|192.0.2.7|/www/a b.html", 0);
        is_read(TRACE_FTP,
                "Mon Jul  6 09:00:00 2009 [pid 2] [bob] OK RENAME: Client \"192.0.2.7\", \"/www/x /www/login.html\"",
                TRACE_BY_FTP, TRACE_WROTE, "bob|192.0.2.7|/www/login.html", 0);
        is_read(TRACE_FTP, "Mon Jul  6 09:00:00 2009 [pid 2] [bob] FAIL LOGIN: Client \"192.0.2.7\"", TRACE_BY_FTP,
                TRACE_FAILED, "bob|192.0.2.7|", 0);
        is_read(TRACE_FTP, "Mon Jul  6 09:00:00 2009 1 192.0.2.7 20 /www/login.html b _ i r bob ftp 0 * c",
                TRACE_BY_FTP, TRACE_WROTE, "bob|192.0.2.7|/www/login.html", 0);
        is_read(TRACE_POSTGRESQL,
                "2009-07-06 09:00:00.123 UTC [5] host=192.0.2.1 LOG:  connection authorized: user=app database=site",
                TRACE_BY_DATABASE, TRACE_CONNECTED, "app|192.0.2.1|", 0);
        is_read(TRACE_MARIADB, "2009-07-06T09:00:00.000000Z\t   12 Connect\tapp@192.0.2.1 on site using TCP/IP",
                TRACE_BY_DATABASE, TRACE_CONNECTED, "app|192.0.2.1|", 0);
        is_read(TRACE_DPKG, "2009-07-06 09:00:00 upgrade nginx:amd64 1.0 1.1", TRACE_BY_PACKAGE, TRACE_CHANGED,
                "||upgrade nginx:amd64 1.0 1.1", 0);
}

static void other_lines_are_nobodys_event(void **state _unused_)
{
        static const struct {
                enum trace_kind kind;
                const char *line;
        } cases[] = {
                {TRACE_AUTH,        ""                                                                              },
                { TRACE_AUTH,       "Jul  6 09:00:00"                                                               },
                { TRACE_AUTH,       "Jul 46 09:00:00 web1 sshd[1]: Accepted password for a from b"                  },
                { TRACE_AUTH,       "Jul  6 09:00:00 web1 sshd[1]: Connection closed by 192.0.2.7"                  },
                { TRACE_AUTH,       "Jul  6 09:00:00 web1 internal-sftp[9]: open \"/a\" flags READ mode 0666"       },
                { TRACE_AUTH,       "Jul  6 09:00:00 web1 evil: sshd[1]: Accepted password for a from b port 1 ssh2"},
                { TRACE_FTP,
                 "Mon Jul  6 09:00:00 2009 [pid 2] [bob] OK DOWNLOAD: Client \"192.0.2.7\", \"/www/x\", 20"         },
                { TRACE_FTP,        "Mon Jul  6 09:00:00 2009 1 192.0.2.7 20 /www/x b _ o r bob ftp 0 * c"          },
                { TRACE_POSTGRESQL, "2009-07-06 09:00:00 UTC [5] LOG:  disconnection: user=app"                     },
                { TRACE_DPKG,       "2009-07-06 09:00:00 status installed nginx:amd64 1.1"                          },
        };
        struct trace trace;

        for (size_t i = 0; i < LENGTH(cases); i++)
                if (trace_line(cases[i].kind, cases[i].line, strlen(cases[i].line), AT, &trace))
                        fail_msg("%s", cases[i].line);
}

static void a_time_without_a_year_is_near(void **state _unused_)
{
        static const char line[] = "Dec 31 23:59:59 web1 CRON[7]: (root) CMD (x)";
        struct trace trace;

        assert_true(trace_line(TRACE_AUTH, line, strlen(line), INT64_C(1230768600) * SECOND, &trace)); /* 2009-01-01 */
        assert_int_equal(trace.time_us, INT64_C(1230767999) * SECOND);
}

/* ---- how it came ---- */

#define COVER(line)                                                                                                    \
        "Sun Jul  5 00:00:00 2009 [pid 1] [eve] FAIL LOGIN: Client \"203.0.113.1\"\n" line                             \
        "Tue Jul  7 00:00:00 2009 [pid 1] [eve] FAIL LOGIN: Client \"203.0.113.1\"\n"
#define COVER_AUTH(line)                                                                                               \
        "Jul  5 00:00:00 web1 CRON[1]: (mail) CMD (x)\n" line "Jul  7 00:00:00 web1 CRON[1]: (mail) CMD (x)\n"
#define COVER_WEB(line)                                                                                                \
        "203.0.113.9 - - [05/Jul/2009:00:00:00 +0000] \"GET /x HTTP/1.1\" 200 1 \"-\" \"-\"\n" line                    \
        "203.0.113.9 - - [07/Jul/2009:00:00:00 +0000] \"GET /x HTTP/1.1\" 200 1 \"-\" \"-\"\n"
#define UPLOAD                                                                                                         \
        "Mon Jul  6 08:59:58 2009 [pid 2] [bob] OK UPLOAD: Client \"192.0.2.7\", \"/var/www/login.html\", 20 bytes\n"
#define SFTP                                                                                                           \
        "Jul  6 08:50:00 web1 internal-sftp[9]: session opened for local user carol from [192.0.2.8]\n"                \
        "Jul  6 08:59:58 web1 internal-sftp[9]: open \"/var/www/login.html\" flags WRITE,CREATE mode 0666\n"
#define SUDO    "Jul  6 08:59:58 web1 sudo: dave : TTY=pts/0 ; PWD=/ ; COMMAND=/bin/cp x /var/www/login.html\n"
#define POST    "192.0.2.9 - - [06/Jul/2009:08:59:59 +0000] \"POST /upload.php HTTP/1.1\" 200 1 \"-\" \"-\"\n"
#define REFUSED "192.0.2.9 - - [06/Jul/2009:08:59:59 +0000] \"POST /upload.php HTTP/1.1\" 403 1 \"-\" \"-\"\n"

static char folder[TESTS_FOLDER_SIZE];

static const char *put(const char *name, const char *text)
{
        static char paths[8][TESTS_FOLDER_SIZE + 32];
        static unsigned int next;
        char *path = paths[next++ % LENGTH(paths)];
        FILE *file;

        snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
        return path;
}

static struct interval login_page = {
        .server = (char *)(uintptr_t) "web1",
        .path = (char *)(uintptr_t) "/login.html",
        .times = {.last_good = AT - 3600 * SECOND,
                  .first_bad = AT,
                  .last_bad = AT + 60 * SECOND,
                  .first_good = AT + 120 * SECOND,
                  .watched = true}
};

/* Each NULL: no such log. */
static struct cause_finding find(struct timeline *timeline, const char *ftp, const char *auth, const char *web,
                                 const char *database)
{
        static const struct intervals intervals = { &login_page, 1 };
        static const struct cause_host hosts[] = {
                {"web1", "192.0.2.1"}
        };
        struct cause_finding finding = { 0 };
        struct error error = ERROR_NONE;
        int r = timeline_init(timeline, &intervals, AT - 86400 * SECOND, AT + 86400 * SECOND, &error);

        if (r == 0 && ftp)
                r = timeline_read(timeline, "web1", TRACE_FTP, put("ftp", ftp), &error);
        if (r == 0 && auth)
                r = timeline_read(timeline, "web1", TRACE_AUTH, put("auth", auth), &error);
        if (r == 0 && web)
                r = timeline_read_web(timeline, "web1", put("web", web), &error);
        if (r == 0 && database)
                r = timeline_read(timeline, "db1", TRACE_POSTGRESQL, put("database", database), &error);
        timeline_sort(timeline);
        if (r == 0)
                r = cause_find(timeline, &login_page, hosts, 1, &finding, &error);
        if (r < 0)
                fail_msg("%s", error.text);
        return finding;
}

static void the_conclusion_is_what_the_logs_say(void **state _unused_)
{
        static const struct {
                const char *ftp, *auth, *web;
                enum cause cause;
                const char *words; /* in a piece */
        } cases[] = {
                {COVER(UPLOAD),  COVER_AUTH(""),   COVER_WEB(""),   CAUSE_UPLOADED, "bob, 192.0.2.7"   },
                { COVER(""),     COVER_AUTH(SFTP), COVER_WEB(""),   CAUSE_UPLOADED, "carol, 192.0.2.8" },
                { COVER(""),     COVER_AUTH(SUDO), COVER_WEB(POST), CAUSE_ROOT,     "dave"             },
                { COVER(""),     COVER_AUTH(""),   COVER_WEB(POST), CAUSE_UNKNOWN,  "POST /upload.php" },
                { COVER(UPLOAD), COVER_AUTH(SUDO), COVER_WEB(""),   CAUSE_UNKNOWN,  "dave"             },
                { COVER(UPLOAD), NULL,             NULL,            CAUSE_UPLOADED, "no access log"    },
                { NULL,          COVER_AUTH(""),   COVER_WEB(""),   CAUSE_UNKNOWN,  "no log of the FTP"},
                { UPLOAD,        COVER_AUTH(""),   COVER_WEB(""),   CAUSE_UPLOADED, "no log of the FTP"}, /* too short */
                { NULL,          NULL,             NULL,            CAUSE_UNKNOWN,  "no log of logins" },
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct timeline timeline;
                struct cause_finding finding = find(&timeline, cases[i].ftp, cases[i].auth, cases[i].web, NULL);
                bool found = false;

                if (finding.cause != cases[i].cause)
                        fail_msg("case %zu: %s", i, cause_name(finding.cause));
                for (size_t j = 0; j < finding.count; j++)
                        found = found || strstr(finding.pieces[j].what, cases[i].words);
                if (!found)
                        fail_msg("case %zu: no piece with '%s'", i, cases[i].words);
                cause_done(&finding);
                timeline_done(&timeline);
        }
}

static void a_request_that_was_refused_wrote_nothing(void **state _unused_)
{
        struct timeline timeline;
        struct cause_finding finding = find(&timeline, COVER(""), COVER_AUTH(""), COVER_WEB(REFUSED), NULL);

        for (size_t i = 0; i < finding.count; i++)
                assert_int_not_equal(finding.pieces[i].cause, CAUSE_WEB);
        cause_done(&finding);
        timeline_done(&timeline);
}

static void the_database_was_reached_or_not_or_nobody_knows(void **state _unused_)
{
#define LINE(when, host) "2009-07-" when " UTC [5] host=" host " LOG:  connection authorized: user=app database=site\n"
#define OTHERS(line)     LINE("05 00:00:00", "192.0.2.2") line LINE("07 00:00:00", "192.0.2.2")
        static const struct {
                const char *log;
                enum cause_reach reach;
        } cases[] = {
                {NULL,               CAUSE_NOT_KNOWN},
                {                          OTHERS(""), CAUSE_NOT_REACHED              },
                {  OTHERS(LINE("06 09:00:30",     "192.0.2.1")),                   CAUSE_REACHED },
                { OTHERS(LINE("05 00:00:01", "192.0.2.1")),               CAUSE_NOT_REACHED }, /* before it came */
                {        LINE("06 08:59:00",   "192.0.2.2"),                 CAUSE_NOT_KNOWN }, /* too short */
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct timeline timeline;
                struct cause_finding finding = find(&timeline, NULL, NULL, NULL, cases[i].log);

                if (finding.reach != cases[i].reach)
                        fail_msg("case %zu: %s", i, cause_reach_name(finding.reach));
                assert_true(*finding.reach_how != '\0');
                cause_done(&finding);
                timeline_done(&timeline);
        }
}

static void what_strangers_typed_is_harmless(void **state _unused_)
{
        struct timeline timeline;
        struct cause_finding finding =
                find(&timeline, NULL,
                     "Jul  6 08:59:58 web1 sshd[1]: Accepted password for \033[2Jroot from 192.0.2.7\n"
                     "Jul  6 08:59:58 web1 sudo: d\x01 : TTY=x ; COMMAND=/bin/cp \xff \"a\\b\" /var/www/login.html\n",
                     NULL, NULL);

        for (size_t i = 0; i < finding.count; i++)
                assert_true(text_is_printable(finding.pieces[i].what, strlen(finding.pieces[i].what)));
        for (size_t i = 0; i < timeline.count; i++) {
                _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(TIMESKETCH_LINE);
                json_t *json;

                assert_int_equal(timesketch_write(&timeline, &timeline.events[i], &line), 0);
                assert_int_equal(line.data[line.length - 1], '\n');
                assert_null(memchr(line.data, '\n', line.length - 1));
                json = json_loadb(line.data, line.length, JSON_REJECT_DUPLICATES, NULL);
                assert_non_null(json);
                assert_non_null(json_object_get(json, "datetime"));
                assert_true(text_is_printable(json_string_value(json_object_get(json, "message")),
                                              json_string_length(json_object_get(json, "message"))));
                json_decref(json);
        }
        cause_done(&finding);
        timeline_done(&timeline);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_line_is_read_as_what_it_is),
                cmocka_unit_test(other_lines_are_nobodys_event),
                cmocka_unit_test(a_time_without_a_year_is_near),
                cmocka_unit_test(the_conclusion_is_what_the_logs_say),
                cmocka_unit_test(a_request_that_was_refused_wrote_nothing),
                cmocka_unit_test(the_database_was_reached_or_not_or_nobody_knows),
                cmocka_unit_test(what_strangers_typed_is_harmless),
        };
        int fd = tests_folder(folder), r = cmocka_run_group_tests(tests, NULL, NULL);

        close(fd);
        tests_folder_remove(folder);
        return r;
}
