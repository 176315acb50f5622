/* who_records.c - parsers of utmp, session records and logs. */
#include "who_records.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <utmpx.h>

#include "base/text.h"
#include "who_private.h"

_Static_assert(sizeof(struct utmpx) == WHO_UTMP_SIZE, "utmp(5)");

/* What is left of a line: words are taken off either end. */
struct span {
        const char *start, *end;
};

static size_t span_length(const struct span *span)
{
        return (size_t)(span->end - span->start);
}

static bool span_is(const struct span *span, const char *text)
{
        return span_length(span) == strlen(text) && memcmp(span->start, text, span_length(span)) == 0;
}

static bool take_start(struct span *span, const char *text)
{
        size_t n = strlen(text);

        if (span_length(span) < n || memcmp(span->start, text, n) != 0)
                return false;
        span->start += n;
        return true;
}

static bool take_end(struct span *span, const char *text)
{
        size_t n = strlen(text);

        if (span_length(span) < n || memcmp(span->end - n, text, n) != 0)
                return false;
        span->end -= n;
        return true;
}

/* What stands before the first `mark`, which is taken too. */
static bool take_until(struct span *span, const char *mark, struct span *ret)
{
        const char *found = memmem(span->start, span_length(span), mark, strlen(mark));

        if (!found)
                return false;
        *ret = (struct span){ span->start, found };
        span->start = found + strlen(mark);
        return true;
}

/* What stands behind the last `mark`, which is taken too. */
static bool take_after_last(struct span *span, const char *mark, struct span *ret)
{
        size_t n = strlen(mark);

        for (const char *p = span->end - n; span_length(span) >= n && p >= span->start; p--) {
                if (memcmp(p, mark, n) == 0) {
                        *ret = (struct span){ p + n, span->end };
                        span->end = p;
                        return true;
                }
        }
        return false;
}

static bool span_number(const struct span *span, uint64_t maximum, uint64_t *ret)
{
        return text_parse_u64(span->start, span_length(span), maximum, ret) == 0;
}

static void set_text(char text[static WHO_NAME_SIZE], const char *bytes, size_t length)
{
        who_escape(text, WHO_NAME_SIZE, bytes, length);
}

static void set_host(struct who_record *record, const char *bytes, size_t length)
{
        set_text(record->host, bytes, length);
        record->has_address = who_parse_address(bytes, length, &record->address) == 0;
}

/* ---- time ---- */

static bool two_digits(struct span *span, int maximum, int *ret)
{
        const char *p = span->start;

        if (span_length(span) < 2 || p[1] < '0' || p[1] > '9' || (p[0] != ' ' && (p[0] < '0' || p[0] > '9')))
                return false;
        *ret = (p[0] == ' ' ? 0 : (p[0] - '0') * 10) + p[1] - '0';
        span->start += 2;
        return *ret <= maximum;
}

static bool take_clock(struct span *span, struct tm *tm)
{
        return two_digits(span, 23, &tm->tm_hour) && take_start(span, ":") && two_digits(span, 59, &tm->tm_min) &&
               take_start(span, ":") && two_digits(span, 60, &tm->tm_sec);
}

/* "Nov 26 09:13:50", also "Nov  6" */
static bool take_month_day_clock(struct span *span, struct tm *tm)
{
        static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";

        for (tm->tm_mon = 0; tm->tm_mon < 12; tm->tm_mon++)
                if (span_length(span) > 4 && memcmp(span->start, months + 4 * tm->tm_mon, 4) == 0)
                        break;
        if (tm->tm_mon == 12)
                return false;
        span->start += 4;
        return two_digits(span, 31, &tm->tm_mday) && take_start(span, " ") && take_clock(span, tm);
}

static bool take_year(struct span *span, struct tm *tm)
{
        int century, year;

        if (!two_digits(span, 99, &century) || !two_digits(span, 99, &year))
                return false;
        tm->tm_year = century * 100 + year - 1900;
        return tm->tm_year >= 70;
}

static void set_times(struct who_record *record, const struct tm *tm)
{
        struct tm utc = *tm, local = *tm;

        local.tm_isdst = -1;
        record->time = timegm(&utc);
        record->other_time = mktime(&local);
}

/* "+01:00", "-05:30", "Z" */
static bool take_zone(struct span *span, int *ret_seconds)
{
        int sign, hours, minutes;

        *ret_seconds = 0;
        if (take_start(span, "Z"))
                return true;
        sign = take_start(span, "+") ? 1 : take_start(span, "-") ? -1 : 0;
        if (!sign || !two_digits(span, 23, &hours) || !take_start(span, ":") || !two_digits(span, 59, &minutes))
                return false;
        *ret_seconds = sign * (hours * 3600 + minutes * 60);
        return true;
}

/* RFC 3339, as rsyslog writes it: "2026-11-26T09:13:50.123456+00:00" */
static bool take_rfc3339(struct span *span, struct who_record *record)
{
        struct tm tm = { 0 };
        int month, zone;

        if (!take_year(span, &tm) || !take_start(span, "-") || !two_digits(span, 12, &month) || month == 0 ||
            !take_start(span, "-") || !two_digits(span, 31, &tm.tm_mday) || !take_start(span, "T") ||
            !take_clock(span, &tm))
                return false;
        tm.tm_mon = month - 1;
        if (take_start(span, "."))
                while (span->start < span->end && *span->start >= '0' && *span->start <= '9')
                        span->start++;
        if (!take_zone(span, &zone))
                return false;
        record->time = record->other_time = timegm(&tm) - zone;
        return true;
}

/* The traditional form has no year: the latest one that is not in the future. */
static bool take_traditional(struct span *span, int64_t now, struct who_record *record)
{
        struct tm tm = { 0 }, today;
        time_t seconds = (time_t)now;

        if (!gmtime_r(&seconds, &today) || !take_month_day_clock(span, &tm))
                return false;
        tm.tm_year = today.tm_year + 1;
        do {
                set_times(record, &tm);
                tm.tm_year--;
        } while (record->time > now + 86400 && tm.tm_year > 70);
        return true;
}

/* ---- utmp, logind ---- */

int who_parse_utmp(const void *bytes, struct who_record *ret)
{
        static const int32_t no_address[4];
        struct who_record record = { .session = UINT32_MAX };
        struct utmpx utmp;

        memcpy(&utmp, bytes, sizeof(utmp));
        if (utmp.ut_type != USER_PROCESS || utmp.ut_pid <= 0)
                return -EBADMSG;
        record.pid = utmp.ut_pid;
        record.time = record.other_time = utmp.ut_tv.tv_sec;
        set_text(record.account, utmp.ut_user, strnlen(utmp.ut_user, sizeof(utmp.ut_user)));
        set_host(&record, utmp.ut_host, strnlen(utmp.ut_host, sizeof(utmp.ut_host)));
        if (memcmp(utmp.ut_addr_v6, no_address, sizeof(no_address)) != 0) {
                memcpy(record.address.bytes, utmp.ut_addr_v6, 16);
                record.address.family = memcmp(utmp.ut_addr_v6 + 1, no_address, 12) == 0 ? AF_INET : AF_INET6;
                who_address_normalize(&record.address);
                record.has_address = true;
        }
        if (!record.has_address && !*record.host)
                return -EBADMSG; /* a login at the machine itself */
        *ret = record;
        return 0;
}

/* Values may stand in double quotes; the names that count here hold nothing that would need more than that. */
int who_parse_logind(const char *text, size_t length, struct who_record *ret)
{
        struct who_record record = { .session = UINT32_MAX };
        const char *cursor = text, *line;
        uint64_t number;
        size_t n;

        while (text_next_line(&cursor, text + length, &line, &n)) {
                struct span value = { line, line + n };
                struct span name;

                if (!take_until(&value, "=", &name))
                        continue;
                if (take_start(&value, "\""))
                        (void)take_end(&value, "\"");
                if (span_is(&name, "USER"))
                        set_text(record.account, value.start, span_length(&value));
                else if (span_is(&name, "REMOTE_HOST"))
                        set_host(&record, value.start, span_length(&value));
                else if (span_is(&name, "LEADER") && span_number(&value, INT32_MAX, &number))
                        record.pid = (pid_t)number;
                else if (span_is(&name, "REALTIME") && span_number(&value, INT64_MAX, &number))
                        record.time = record.other_time = (int64_t)(number / 1000000);
        }
        if (!*record.host)
                return -EBADMSG;
        *ret = record;
        return 0;
}

/* ---- auditd ---- */

static bool is_login_type(struct span *line)
{
        struct span type;

        if (!take_start(line, "type=") || !take_until(line, " ", &type))
                return false;
        return span_is(&type, "USER_LOGIN") || span_is(&type, "USER_START") || span_is(&type, "USER_AUTH") ||
               span_is(&type, "CRED_ACQ");
}

static bool take_field(const struct span *from, const char *name, struct span *ret)
{
        struct span rest = *from, word;

        while (rest.start < rest.end) {
                if (!take_until(&rest, " ", &word)) {
                        word = rest;
                        rest.start = rest.end;
                }
                if (take_start(&word, name)) {
                        *ret = word;
                        return true;
                }
        }
        return false;
}

/*
 * type=USER_LOGIN msg=audit(1785142430.123:45): pid=12 uid=0 auid=1001 ses=3 subj=... msg='op=login acct="www-upload"
 * exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'
 * The kernel wrote what stands before msg=', a program of root's the rest, where a name with a blank or a quote in it
 * is written as hexadecimal digits. auditd may append readable names behind a group separator (0x1d).
 */
int who_parse_audit_line(const char *line, size_t length, struct who_record *ret)
{
        const char *separator = memchr(line, '\035', length);
        struct span rest = { line, separator ? separator : line + length }, time, kernel, word;
        struct who_record record = { .session = UINT32_MAX };
        uint64_t number;

        if (!is_login_type(&rest) || !take_start(&rest, "msg=audit(") || !take_until(&rest, ".", &time) ||
            !span_number(&time, INT64_MAX, &number) || !take_until(&rest, "): ", &word) ||
            !take_until(&rest, " msg='", &kernel) || !take_end(&rest, "'") || !take_end(&rest, " res=success"))
                return -EBADMSG;
        record.time = record.other_time = (int64_t)number;
        if (take_field(&kernel, "pid=", &word) && span_number(&word, INT32_MAX, &number))
                record.pid = (pid_t)number;
        if (take_field(&kernel, "ses=", &word) && span_number(&word, UINT32_MAX, &number))
                record.session = (uint32_t)number;
        if (!take_field(&rest, "addr=", &word) ||
            who_parse_address(word.start, span_length(&word), &record.address) < 0)
                return -EBADMSG;
        record.has_address = true;
        set_text(record.host, word.start, span_length(&word));
        if (take_field(&rest, "acct=", &word) && take_start(&word, "\"") && take_end(&word, "\""))
                set_text(record.account, word.start, span_length(&word));
        *ret = record;
        return 0;
}

/* ---- vsftpd ---- */

/*
 * The user's name is what the client sent, with unprintable bytes replaced, and may look like the rest of a line. So
 * the end is read first: a line of a login ends in the address, and the word before it is vsftpd's own.
 */
int who_parse_ftp_line(const char *line, size_t length, struct who_record *ret)
{
        struct span rest = { line, line + length }, word;
        struct who_record record = { .session = UINT32_MAX };
        struct tm tm = { 0 };
        uint64_t pid;

        if (length < 4 || line[3] != ' ')
                return -EBADMSG;
        rest.start += 4; /* the day of the week */
        if (!take_month_day_clock(&rest, &tm) || !take_start(&rest, " ") || !take_year(&rest, &tm) ||
            !take_start(&rest, " [pid ") || !take_until(&rest, "] [", &word) || !span_number(&word, INT32_MAX, &pid))
                return -EBADMSG;
        if (!take_end(&rest, "\"") || !take_after_last(&rest, "] OK LOGIN: Client \"", &word) ||
            who_parse_address(word.start, span_length(&word), &record.address) < 0 || span_length(&rest) == 0)
                return -EBADMSG;
        set_times(&record, &tm);
        record.pid = (pid_t)pid;
        record.has_address = true;
        set_text(record.host, word.start, span_length(&word));
        set_text(record.account, rest.start, span_length(&rest));
        *ret = record;
        return 0;
}

/* ---- sshd through syslog ---- */

/* "Accepted METHOD for USER from ADDRESS port PORT ssh2", with ": TYPE FINGERPRINT" behind it for a key. Only a user
 * that exists is accepted; his name is taken from what stands between, whatever it holds. */
static bool parse_accepted(struct span *message, struct who_record *record)
{
        struct span method, key, word;
        uint64_t port;

        if (!take_start(message, "Accepted ") || !take_until(message, " for ", &method) ||
            memchr(method.start, ' ', span_length(&method)))
                return false;
        if (take_after_last(message, " ssh2: ", &key)) {
                if (memmem(key.start, span_length(&key), " from ", 6))
                        return false;
        } else if (!take_end(message, " ssh2")) {
                return false;
        }
        if (!take_after_last(message, " port ", &word) || !span_number(&word, UINT16_MAX, &port) ||
            !take_after_last(message, " from ", &word) ||
            who_parse_address(word.start, span_length(&word), &record->address) < 0 || span_length(message) == 0)
                return false;
        record->address.port = (uint16_t)port;
        record->has_address = true;
        set_text(record->host, word.start, span_length(&word));
        set_text(record->account, message->start, span_length(message));
        return true;
}

int who_parse_ssh_line(const char *line, size_t length, int64_t now, struct who_record *ret)
{
        struct span rest = { line, line + length }, word;
        struct who_record record = { .session = UINT32_MAX };
        bool dated = length > 0 && line[0] >= '0' && line[0] <= '9' ? take_rfc3339(&rest, &record)
                                                                    : take_traditional(&rest, now, &record);
        uint64_t pid;

        if (!dated || !take_start(&rest, " ") || !take_until(&rest, " ", &word) ||
            !(take_start(&rest, "sshd[") || take_start(&rest, "sshd-session[")) || !take_until(&rest, "]: ", &word) ||
            !span_number(&word, INT32_MAX, &pid) || !parse_accepted(&rest, &record))
                return -EBADMSG;
        record.pid = (pid_t)pid;
        *ret = record;
        return 0;
}
