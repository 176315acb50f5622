/* trace_time.c - three spellings of a time. */
#include "incident/trace_time.h"

#include <string.h>
#include <time.h>

#include "base/attributes.h"

#define SECOND_US INT64_C(1000000)

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* `count` digits; a space counts as a leading zero. */
static bool number(const char **at, const char *end, int count, int *ret_value)
{
        int value = 0;

        if (end - *at < count)
                return false;
        for (int i = 0; i < count; i++) {
                char c = (*at)[i];

                if (!is_digit(c) && !(c == ' ' && i + 1 < count))
                        return false;
                value = value * 10 + (c == ' ' ? 0 : c - '0');
        }
        *at += count;
        *ret_value = value;
        return true;
}

static bool letter(const char **at, const char *end, const char *one_of)
{
        if (*at >= end || !**at || !strchr(one_of, **at))
                return false;
        (*at)++;
        return true;
}

static bool time_of_day(const char **at, const char *end, struct tm *tm)
{
        return number(at, end, 2, &tm->tm_hour) && letter(at, end, ":") && number(at, end, 2, &tm->tm_min) &&
               letter(at, end, ":") && number(at, end, 2, &tm->tm_sec);
}

static bool seconds_of(struct tm *tm, int64_t *ret_seconds)
{
        struct tm copy = *tm;

        if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1 || tm->tm_mday > 31 || tm->tm_hour > 23 ||
            tm->tm_min > 59 || tm->tm_sec > 60 || tm->tm_year < 70)
                return false;
        *ret_seconds = timegm(&copy);
        return true;
}

static int64_t fraction(const char **at, const char *end)
{
        int64_t us = 0, unit = SECOND_US / 10;

        if (!letter(at, end, ".,"))
                return 0;
        for (; *at < end && is_digit(**at); (*at)++, unit /= 10)
                us += unit * (**at - '0');
        return us;
}

/* "Z", "+09:00", "+0900", " UTC"; seconds east. Another name in letters is passed over, and taken as UTC. */
static int64_t zone(const char **at, const char *end)
{
        const char *start = *at;
        int hours = 0, minutes = 0, sign;

        if (letter(at, end, "Z"))
                return 0;
        if (letter(at, end, "+-")) {
                sign = (*at)[-1] == '-' ? -1 : 1;
                if (!number(at, end, 2, &hours)) {
                        *at = start;
                        return 0;
                }
                (void)letter(at, end, ":");
                (void)number(at, end, 2, &minutes);
                return sign * (hours * 3600 + minutes * 60);
        }
        if (end - *at > 4 && **at == ' ' && (*at)[1] >= 'A' && (*at)[1] <= 'Z' && (*at)[2] >= 'A' && (*at)[2] <= 'Z')
                for ((*at)++; *at < end && **at >= 'A' && **at <= 'Z'; (*at)++)
                        ;
        return 0;
}

bool trace_time_iso(const char **at, const char *end, int64_t *ret_us)
{
        struct tm tm = { 0 };
        const char *c = *at;
        int64_t seconds, us;

        if (!number(&c, end, 4, &tm.tm_year) || !letter(&c, end, "-") || !number(&c, end, 2, &tm.tm_mon) ||
            !letter(&c, end, "-") || !number(&c, end, 2, &tm.tm_mday))
                return false;
        if (!letter(&c, end, "T ") || !time_of_day(&c, end, &tm))
                return false;
        tm.tm_year -= 1900;
        tm.tm_mon--;
        if (!seconds_of(&tm, &seconds))
                return false;
        us = fraction(&c, end);
        *ret_us = (seconds - zone(&c, end)) * SECOND_US + us;
        *at = c;
        return true;
}

static bool month(const char **at, const char *end, int *ret_month)
{
        static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

        for (int i = 0; i < 12 && end - *at >= 3; i++)
                if (memcmp(*at, names + (size_t)i * 3, 3) == 0) {
                        *at += 3;
                        *ret_month = i;
                        return true;
                }
        return false;
}

static bool month_and_clock(const char **at, const char *end, struct tm *tm)
{
        return month(at, end, &tm->tm_mon) && letter(at, end, " ") && number(at, end, 2, &tm->tm_mday) &&
               letter(at, end, " ") && time_of_day(at, end, tm);
}

bool trace_time_syslog(const char **at, const char *end, int64_t about_us, int64_t *ret_us)
{
        time_t about = about_us / SECOND_US;
        struct tm tm = { 0 }, now;
        const char *c = *at;
        int64_t best = 0, seconds;
        bool found = false;

        if (!month_and_clock(&c, end, &tm) || !gmtime_r(&about, &now))
                return false;
        for (int year = now.tm_year - 1; year <= now.tm_year + 1; year++) {
                tm.tm_year = year;
                if (!seconds_of(&tm, &seconds))
                        continue;
                if (!found || (seconds > about ? seconds - about : about - seconds) <
                                      (best > about ? best - about : about - best))
                        best = seconds;
                found = true;
        }
        *ret_us = best * SECOND_US;
        *at = c;
        return found;
}

bool trace_time_ctime(const char **at, const char *end, int64_t *ret_us)
{
        struct tm tm = { 0 };
        const char *c = *at + 4;
        int64_t seconds;

        if (end - *at < 24 || (*at)[3] != ' ' || !month_and_clock(&c, end, &tm) || !letter(&c, end, " ") ||
            !number(&c, end, 4, &tm.tm_year))
                return false;
        tm.tm_year -= 1900;
        if (!seconds_of(&tm, &seconds))
                return false;
        *ret_us = seconds * SECOND_US;
        *at = c;
        return true;
}
