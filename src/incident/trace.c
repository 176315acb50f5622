/* trace.c - one function for each program that writes a log. */
#include "incident/trace.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <utmp.h>

#include "base/attributes.h"
#include "base/text.h"
#include "incident/trace_time.h"

#define SECOND_US INT64_C(1000000)

static const char *const kinds[] = { "auth", "ftp", "postgresql", "mariadb", "dpkg", "wtmp" };
static const char *const sources[] = { "guard", "web",      "ftp",   "sftp",    "sshd",
                                       "sudo",  "database", "login", "package", "cron", "outside" };
static const char *const acts[] = {
        "logged_in", "failed", "wrote", "ran", "requested", "connected", "changed", "found", "told"
};

const char *trace_kind_name(enum trace_kind kind)
{
        return kinds[kind];
}

const char *trace_source_name(enum trace_source source)
{
        return sources[source];
}

const char *trace_act_name(enum trace_act act)
{
        return acts[act];
}

bool trace_kind_parse(const char *text, size_t length, enum trace_kind *ret_kind)
{
        for (size_t i = 0; i < LENGTH(kinds); i++)
                if (strlen(kinds[i]) == length && memcmp(kinds[i], text, length) == 0) {
                        *ret_kind = (enum trace_kind)i;
                        return true;
                }
        return false;
}

/* ---- pieces of a line ---- */

static bool take(const char **at, const char *end, const char *word)
{
        const size_t length = strlen(word);

        if ((size_t)(end - *at) < length || memcmp(*at, word, length) != 0)
                return false;
        *at += length;
        return true;
}

/* Up to, and behind, `stop`; to the end of the line when there is none and `open`. */
static bool until(const char **at, const char *end, const char *stop, bool open, struct trace_text *ret_text)
{
        const char *found = memmem(*at, (size_t)(end - *at), stop, strlen(stop));

        if (!found && !open)
                return false;
        *ret_text = (struct trace_text){ *at, (size_t)((found ? found : end) - *at) };
        *at = found ? found + strlen(stop) : end;
        return true;
}

static bool seek(const char **at, const char *end, const char *word)
{
        struct trace_text skipped;

        return until(at, end, word, false, &skipped);
}

static uint64_t parse_number(struct trace_text text)
{
        uint64_t value = 0;

        return text_parse_u64(text.text, text.length, UINT32_MAX, &value) == 0 ? value : 0;
}

/* ---- auth ---- */

static bool of_sshd(const char *at, const char *end, struct trace *trace)
{
        struct trace_text method;
        const char *back;

        trace->source = TRACE_BY_SSHD;
        if (take(&at, end, "Accepted "))
                trace->act = TRACE_LOGGED_IN;
        else if (take(&at, end, "Failed "))
                trace->act = TRACE_FAILED;
        else
                return false;
        if (!until(&at, end, " for ", false, &method))
                return false;
        (void)take(&at, end, "invalid user ");
        /* A name may hold " from ": what sshd wrote itself is at the end. */
        for (back = end - strlen(" from "); back > at && memcmp(back, " from ", strlen(" from ")) != 0; back--)
                ;
        if (back <= at)
                return false;
        trace->account = (struct trace_text){ at, (size_t)(back - at) };
        at = back + strlen(" from ");
        return until(&at, end, " ", true, &trace->address);
}

static bool of_sftp(const char *at, const char *end, struct trace *trace)
{
        struct trace_text flags;

        trace->source = TRACE_BY_SFTP;
        if (take(&at, end, "session opened for local user ")) {
                trace->act = TRACE_LOGGED_IN;
                return until(&at, end, " from [", false, &trace->account) &&
                       until(&at, end, "]", false, &trace->address);
        }
        trace->act = TRACE_WROTE;
        if (take(&at, end, "open \""))
                return until(&at, end, "\" flags ", false, &trace->path) && until(&at, end, " ", true, &flags) &&
                       memmem(flags.text, flags.length, "WRITE", 5);
        if (take(&at, end, "rename old \""))
                return seek(&at, end, "\" new \"") && until(&at, end, "\"", false, &trace->path);
        return false;
}

/* "bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/sh" */
static bool of_sudo(const char *at, const char *end, struct trace *trace)
{
        trace->source = TRACE_BY_SUDO;
        trace->act = TRACE_RAN;
        while (take(&at, end, " "))
                ;
        return until(&at, end, " : ", false, &trace->account) && seek(&at, end, "COMMAND=") &&
               until(&at, end, "\n", true, &trace->path);
}

static bool of_cron(const char *at, const char *end, struct trace *trace)
{
        trace->source = TRACE_BY_CRON;
        if (!take(&at, end, "(") || !until(&at, end, ") ", false, &trace->account))
                return false;
        if (take(&at, end, "CMD (")) {
                trace->act = TRACE_RAN;
                trace->path = (struct trace_text){ at, end > at && end[-1] == ')' ? (size_t)(end - 1 - at)
                                                                                  : (size_t)(end - at) };
                return true;
        }
        trace->act = TRACE_CHANGED;
        trace->path = (struct trace_text){ at, (size_t)(end - at) };
        return take(&at, end, "REPLACE") || take(&at, end, "DELETE");
}

/* "HOST PROGRAM[PID]: MESSAGE" behind the time. */
static bool of_auth(const char *at, const char *end, struct trace *trace)
{
        static const struct {
                const char *program;
                bool (*parse)(const char *at, const char *end, struct trace *trace);
        } programs[] = {
                {"sshd",           of_sshd},
                { "sshd-session",  of_sshd},
                { "internal-sftp", of_sftp},
                { "sftp-server",   of_sftp},
                { "sudo",          of_sudo},
                { "CRON",          of_cron},
                { "crontab",       of_cron},
        };
        struct trace_text program, process;
        const char *bracket;

        if (!take(&at, end, " ") || !seek(&at, end, " ") || !until(&at, end, ": ", false, &program))
                return false;
        bracket = memchr(program.text, '[', program.length);
        if (bracket) {
                process = (struct trace_text){ bracket + 1, (size_t)(program.text + program.length - bracket - 1) };
                if (process.length && process.text[process.length - 1] == ']')
                        process.length--;
                trace->process = parse_number(process);
                program.length = (size_t)(bracket - program.text);
        }
        for (size_t i = 0; i < LENGTH(programs); i++)
                if (strlen(programs[i].program) == program.length &&
                    memcmp(programs[i].program, program.text, program.length) == 0)
                        return programs[i].parse(at, end, trace);
        return false;
}

/* ---- ftp ---- */

/* vsftpd: " [pid 2] [bob] OK UPLOAD: Client "192.0.2.7", "/www/x", 20 bytes, ..." */
static bool of_vsftpd(const char *at, const char *end, struct trace *trace)
{
        bool rename;

        if (!seek(&at, end, "] "))
                return false;
        if (take(&at, end, "[") && !until(&at, end, "] ", false, &trace->account))
                return false;
        rename = take(&at, end, "OK RENAME: Client \"");
        if (rename || take(&at, end, "OK UPLOAD: Client \"")) {
                trace->act = TRACE_WROTE;
                if (!until(&at, end, "\", \"", false, &trace->address) || !until(&at, end, "\"", false, &trace->path))
                        return false;
                if (rename) { /* "/from /to" */
                        at = trace->path.text;
                        end = at + trace->path.length;
                        return seek(&at, end, " /") && until(&(const char *){ at - 1 }, end, "\"", true, &trace->path);
                }
                return true;
        }
        trace->act = take(&at, end, "OK LOGIN: Client \"") ? TRACE_LOGGED_IN : TRACE_FAILED;
        if (trace->act == TRACE_FAILED && !take(&at, end, "FAIL LOGIN: Client \""))
                return false;
        return until(&at, end, "\"", false, &trace->address);
}

/* xferlog(5): " SECONDS HOST SIZE PATH TYPE ACTION DIRECTION MODE USER SERVICE METHOD ID STATUS"; a path with spaces
 * has
 * "_" for them, so all fields are words. */
static bool of_xferlog(const char *at, const char *end, struct trace *trace)
{
        struct trace_text words[13];
        size_t count = 0;

        if (!take(&at, end, " "))
                return false;
        while (count < LENGTH(words) && at < end)
                until(&at, end, " ", true, &words[count++]);
        if (count < 10 || words[6].length != 1 || *words[6].text != 'i')
                return false;
        trace->act = TRACE_WROTE;
        trace->address = words[1];
        trace->path = words[3];
        trace->account = words[8];
        return true;
}

static bool of_ftp(const char *at, const char *end, struct trace *trace)
{
        trace->source = TRACE_BY_FTP;
        return end - at > 2 && at[1] == '[' ? of_vsftpd(at, end, trace) : of_xferlog(at, end, trace);
}

/* ---- databases ---- */

/* Both "connection authorized: user=app database=site" and, in log_line_prefix, "user@database host(port)". */
static bool of_postgresql(const char *at, const char *end, struct trace *trace)
{
        const char *start = at, *host;

        trace->source = TRACE_BY_DATABASE;
        trace->act = TRACE_CONNECTED;
        if (!seek(&at, end, "connection authorized: user="))
                return false;
        (void)until(&at, end, " ", true, &trace->account);
        host = start;
        if (seek(&host, end, "host=") && host < end)
                (void)until(&host, end, " ", true, &trace->address);
        return true;
}

/* "12 Connect  app@192.0.2.1 on site using TCP/IP" */
static bool of_mariadb(const char *at, const char *end, struct trace *trace)
{
        trace->source = TRACE_BY_DATABASE;
        trace->act = TRACE_CONNECTED;
        if (!seek(&at, end, "Connect"))
                return false;
        while (take(&at, end, " ") || take(&at, end, "\t"))
                ;
        return until(&at, end, "@", false, &trace->account) && until(&at, end, " ", true, &trace->address) &&
               trace->account.length > 0 && !memchr(trace->account.text, ' ', trace->account.length);
}

/* ---- packages ---- */

static bool of_dpkg(const char *at, const char *end, struct trace *trace)
{
        trace->source = TRACE_BY_PACKAGE;
        trace->act = TRACE_CHANGED;
        if (!take(&at, end, " "))
                return false;
        trace->path = (struct trace_text){ at, (size_t)(end - at) };
        return take(&at, end, "install ") || take(&at, end, "upgrade ") || take(&at, end, "remove ") ||
               take(&at, end, "purge ");
}

/* ---- all ---- */

static bool take_time(enum trace_kind kind, const char **at, const char *end, int64_t about_us, int64_t *ret_us)
{
        if (kind == TRACE_FTP)
                return trace_time_ctime(at, end, ret_us);
        return trace_time_iso(at, end, ret_us) || (kind == TRACE_AUTH && trace_time_syslog(at, end, about_us, ret_us));
}

bool trace_line(enum trace_kind kind, const char *line, size_t length, int64_t about_us, struct trace *ret_trace)
{
        static bool (*const parsers[])(const char *at, const char *end, struct trace *trace) = {
                [TRACE_AUTH] = of_auth,       [TRACE_FTP] = of_ftp,   [TRACE_POSTGRESQL] = of_postgresql,
                [TRACE_MARIADB] = of_mariadb, [TRACE_DPKG] = of_dpkg,
        };
        struct trace trace = {
                .account = {"",  0},
                  .address = { "", 0},
                  .path = { "", 0}
        };
        const char *at = line, *end = line + length;

        if (kind == TRACE_WTMP || !take_time(kind, &at, end, about_us, &trace.time_us) ||
            !parsers[kind](at, end, &trace))
                return false;
        *ret_trace = trace;
        return true;
}

bool trace_wtmp(const void *record, struct trace *ret_trace)
{
        struct utmp entry;

        _Static_assert(sizeof(entry) == TRACE_WTMP_SIZE, "the size of a record of wtmp(5)");
        memcpy(&entry, record, sizeof(entry));
        if (entry.ut_type != USER_PROCESS)
                return false;
        *ret_trace = (struct trace){
                .time_us = (int64_t)entry.ut_tv.tv_sec * SECOND_US + entry.ut_tv.tv_usec,
                .source = TRACE_BY_LOGIN,
                .act = TRACE_LOGGED_IN,
                .path = {"", 0}
        };
        ret_trace->account = (struct trace_text){ (const char *)record + offsetof(struct utmp, ut_user),
                                                  strnlen(entry.ut_user, sizeof(entry.ut_user)) };
        ret_trace->address = (struct trace_text){ (const char *)record + offsetof(struct utmp, ut_host),
                                                  strnlen(entry.ut_host, sizeof(entry.ut_host)) };
        return true;
}
