/* scan.c - addresses, times, request lines and numbers as logs write them. */
#include "scan.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/attributes.h"
#include "base/text.h"

#define US INT64_C(1000000)

struct span scan_field(const char *begin, const char *end)
{
        if (end - begin == 1 && *begin == '-')
                return (struct span){ "", 0 };
        return span_of(begin, end);
}

/* Dotted quads make up most of every log, and inet_pton() wants a copy. */
static bool scan_ipv4(const char *text, size_t length, uint8_t out[static 4])
{
        unsigned int value = 0, digits = 0, part = 0;

        if (length > 15)
                return false;
        for (size_t i = 0; i < length; i++) {
                unsigned int digit = (unsigned int)(unsigned char)text[i] - '0';

                if (digit <= 9) {
                        value = value * 10 + digit;
                        digits++;
                } else {
                        if (text[i] != '.' || digits - 1 > 2 || value > 255 || part == 3)
                                return false;
                        out[part++] = (uint8_t)value;
                        value = digits = 0;
                }
        }
        if (digits - 1 > 2 || value > 255 || part != 3)
                return false;
        out[3] = (uint8_t)value;
        return true;
}

static bool scan_numeric(const char *text, size_t length, uint8_t out[static 16])
{
        static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
        char copy[INET6_ADDRSTRLEN];

        if (scan_ipv4(text, length, out + 12)) {
                memcpy(out, mapped, sizeof(mapped));
                return true;
        }
        if (length >= sizeof(copy) || !memchr(text, ':', length))
                return false;
        memcpy(copy, text, length);
        copy[length] = '\0';
        return inet_pton(AF_INET6, copy, out) == 1;
}

/* The part of "192.0.2.1:4711" or "[2001:db8::1]:443" that is the address. */
static struct span without_port(const char *text, size_t length)
{
        const char *colon, *bracket;

        if (length && text[0] == '[') {
                bracket = memchr(text, ']', length);
                if (bracket)
                        return span_of(text + 1, bracket);
        }
        colon = memchr(text, ':', length);
        if (colon && !memchr(colon + 1, ':', length - (size_t)(colon + 1 - text)))
                return span_of(text, colon);
        return (struct span){ text, (uint32_t)length };
}

void scan_address(const char *text, size_t length, struct log_line *line)
{
        struct span address = { text, (uint32_t)length };

        line->address.numeric = scan_numeric(text, length, line->address.bytes);
        if (!line->address.numeric) {
                address = without_port(text, length);
                line->address.numeric = scan_numeric(address.text, address.length, line->address.bytes);
        }
        if (!line->address.numeric) {
                memset(line->address.bytes, 0, sizeof(line->address.bytes));
                address = (struct span){ text, (uint32_t)length };
        }
        line->address_text = address;
}

int64_t scan_days(int year, unsigned int month, unsigned int day)
{
        /* Years from March: the leap day is the last of its year, so that months have a regular length. */
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t era = (y >= 0 ? y : y - 399) / 400;
        int64_t year_of_era = y - era * 400;
        int64_t month_from_march = (int64_t)(month + 9) % 12;
        int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;

        return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static bool two_digits(const char *text, unsigned int maximum, unsigned int *ret)
{
        unsigned int high = (unsigned int)(unsigned char)text[0] - '0',
                     low = (unsigned int)(unsigned char)text[1] - '0';

        *ret = high * 10 + low;
        return high <= 9 && low <= 9 && *ret <= maximum;
}

static bool four_digits(const char *text, unsigned int *ret)
{
        unsigned int high, low;

        if (!two_digits(text, 99, &high) || !two_digits(text + 2, 99, &low))
                return false;
        *ret = high * 100 + low;
        return true;
}

static unsigned int month_of_name(const char *text)
{
        static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
        char lower[3] = { (char)(text[0] | 0x20), (char)(text[1] | 0x20), (char)(text[2] | 0x20) };

        for (unsigned int i = 0; i < 12; i++)
                if (memcmp(names + (size_t)3 * i, lower, 3) == 0)
                        return i + 1;
        return 0;
}

struct clock_fields {
        unsigned int year, month, day, hour, minute, second;
};

static bool is_day(const struct clock_fields *f)
{
        static const uint8_t lengths[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (f->year % 4 == 0 && f->year % 100 != 0) || f->year % 400 == 0;

        return f->month >= 1 && f->month <= 12 && f->day >= 1 && f->day <= lengths[f->month - 1] &&
               (f->month != 2 || f->day < 29 || leap);
}

static int64_t to_us(const struct clock_fields *f, int zone_minutes)
{
        int64_t seconds = scan_days((int)f->year, f->month, f->day) * 86400 + (int64_t)f->hour * 3600 + f->minute * 60 +
                          f->second;

        return (seconds - (int64_t)zone_minutes * 60) * US;
}

/* "+0900" or "+09:00". */
static bool scan_zone(const char *text, size_t length, int *ret_minutes)
{
        unsigned int hours, minutes;

        if (length != 5 && !(length == 6 && text[3] == ':'))
                return false;
        if ((text[0] != '+' && text[0] != '-') || !two_digits(text + 1, 15, &hours) ||
            !two_digits(text + length - 2, 59, &minutes))
                return false;
        *ret_minutes = (int)(hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
        return true;
}

/*
 * The minute that was read last: most lines are of the same one as the line before. What a line means does not depend
 * on it.
 */
struct minute {
        char text[17]; /* "17/May/2015:10:05" */
        char zone[6];  /* " +0000" */
        int64_t time_us;
};

static bool scan_apache_time(const char *t, size_t length, int64_t *ret_time_us);

static bool scan_in_minute(const char *t, size_t length, int64_t *ret_time_us)
{
        static _Thread_local struct minute last;
        unsigned int second;

        if (length != 26)
                return false;
        if (memcmp(t, last.text, sizeof(last.text)) != 0 || memcmp(t + 20, last.zone, sizeof(last.zone)) != 0) {
                if (!scan_apache_time(t, length, ret_time_us))
                        return false;
                memcpy(last.text, t, sizeof(last.text));
                memcpy(last.zone, t + 20, sizeof(last.zone));
                two_digits(t + 18, 60, &second);
                last.time_us = *ret_time_us - second * US;
                return true;
        }
        if (t[17] != ':' || !two_digits(t + 18, 60, &second))
                return false;
        *ret_time_us = last.time_us + second * US;
        return true;
}

/* "17/May/2015:10:05:03 +0000" */
static bool scan_apache_time(const char *t, size_t length, int64_t *ret_time_us)
{
        struct clock_fields f;
        int zone;

        if (length != 26 || t[2] != '/' || t[6] != '/' || t[11] != ':' || t[14] != ':' || t[17] != ':' || t[20] != ' ')
                return false;
        f.month = month_of_name(t + 3);
        if (!two_digits(t, 31, &f.day) || !four_digits(t + 7, &f.year) || !two_digits(t + 12, 23, &f.hour) ||
            !two_digits(t + 15, 59, &f.minute) || !two_digits(t + 18, 60, &f.second) || !scan_zone(t + 21, 5, &zone) ||
            !is_day(&f))
                return false;
        *ret_time_us = to_us(&f, zone);
        return true;
}

/* A fraction of a second behind "."; what is finer than a microsecond is left out. Returns its length in bytes, 0 when
 * there is none. */
static size_t scan_fraction(const char *text, size_t length, int64_t *ret_us)
{
        int64_t us = 0, unit = US / 10;
        size_t at = 1;

        *ret_us = 0;
        if (length < 2 || (text[0] != '.' && text[0] != ','))
                return 0;
        for (; at < length && text[at] >= '0' && text[at] <= '9'; at++) {
                us += (text[at] - '0') * unit;
                unit /= 10;
        }
        *ret_us = us;
        return at > 1 ? at : 0;
}

/* "2015-05-17T10:05:03.123+02:00" */
static bool scan_rfc3339(const char *t, size_t length, int64_t *ret_time_us)
{
        struct clock_fields f;
        int zone = 0;
        int64_t us;
        size_t at = 19;

        if (length < 19 || t[4] != '-' || t[7] != '-' || (t[10] != 'T' && t[10] != 't' && t[10] != ' ') ||
            t[13] != ':' || t[16] != ':')
                return false;
        if (!four_digits(t, &f.year) || !two_digits(t + 5, 12, &f.month) || !two_digits(t + 8, 31, &f.day) ||
            !two_digits(t + 11, 23, &f.hour) || !two_digits(t + 14, 59, &f.minute) ||
            !two_digits(t + 17, 60, &f.second) || !is_day(&f))
                return false;
        at += scan_fraction(t + at, length - at, &us);
        if (at < length && !(length - at == 1 && (t[at] == 'Z' || t[at] == 'z')) &&
            !scan_zone(t + at, length - at, &zone))
                return false;
        *ret_time_us = to_us(&f, zone) + us;
        return true;
}

bool scan_time(const char *text, size_t length, int64_t *ret_time_us)
{
        return length >= 3 && text[2] == '/' ? scan_in_minute(text, length, ret_time_us)
                                             : scan_rfc3339(text, length, ret_time_us);
}

bool scan_number(const char *text, size_t length, uint64_t *ret_number)
{
        uint64_t number = 0;

        if (length == 0 || length > SCAN_NUMBER_DIGITS)
                return false;
        for (size_t i = 0; i < length; i++) {
                unsigned int digit = (unsigned int)(unsigned char)text[i] - '0';

                if (digit > 9)
                        return false;
                number = number * 10 + digit;
        }
        *ret_number = number;
        return true;
}

bool scan_seconds(const char *text, size_t length, int64_t *ret_us)
{
        const char *point = memchr(text, '.', length);
        size_t whole = point ? (size_t)(point - text) : length;
        uint64_t seconds;
        int64_t us = 0;

        if (whole > 11 || !scan_number(text, whole, &seconds))
                return false;
        if (point && whole + scan_fraction(point, length - whole, &us) != length)
                return false;
        *ret_us = (int64_t)seconds * US + us;
        return true;
}

void scan_target(struct span target, struct log_line *line)
{
        const char *end = target.text + target.length, *at = scan_either(target.text, end, '?', '#'), *fragment;

        line->path = span_of(target.text, at);
        line->query = (struct span){ "", 0 };
        if (at == end || *at == '#')
                return;
        fragment = memchr(at, '#', (size_t)(end - at));
        line->query = span_of(at + 1, fragment ? fragment : end);
}

size_t scan_decode(struct span text, char *out, size_t room)
{
        size_t length = 0;

        for (uint32_t i = 0; i < text.length && length < room; i++) {
                char c = text.text[i];

                if (c == '+') {
                        c = ' ';
                } else if (c == '%' && i + 2 < text.length && text_hex_digit(text.text[i + 1]) >= 0 &&
                           text_hex_digit(text.text[i + 2]) >= 0) {
                        c = (char)(text_hex_digit(text.text[i + 1]) << 4 | text_hex_digit(text.text[i + 2]));
                        i += 2;
                }
                out[length++] = c;
        }
        return length;
}

/* RFC 9110 section 5.6.2: a method is a token; those in use are letters, "-" and "_". */
static bool is_method(const char *text, size_t length)
{
        if (length == 0 || length > 32)
                return false;
        for (size_t i = 0; i < length; i++) {
                char c = text[i];

                if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_'))
                        return false;
        }
        return true;
}

/* "GET /... HTTP/1.1" */
static bool is_usual(const char *text, size_t length)
{
        const char *end = text + length;

        return length >= 14 && memcmp(text, "GET /", 5) == 0 && memcmp(end - 9, " HTTP/", 6) == 0 && end[-3] != ' ' &&
               end[-2] == '.' && end[-1] != ' ';
}

void scan_request(struct span request, struct log_line *line)
{
        const char *end = request.text + request.length;
        const char *space, *last;

        line->request = request;
        if (is_usual(request.text, request.length)) { /* most of them: nothing to look for */
                line->method = (struct span){ request.text, 3 };
                line->protocol = span_of(end - 8, end);
                scan_target(span_of(request.text + 4, end - 9), line);
                return;
        }
        space = request.length ? memchr(request.text, ' ', request.length) : NULL;
        line->method = line->query = line->protocol = (struct span){ "", 0 };
        if (!space || !is_method(request.text, (size_t)(space - request.text)) || space + 1 == end || space[1] == ' ') {
                line->path = request;
                return;
        }
        line->method = span_of(request.text, space);
        last = memrchr(space + 1, ' ', (size_t)(end - space - 1));
        if (last && end - last > 5 && memcmp(last + 1, "HTTP/", 5) == 0)
                line->protocol = span_of(last + 1, end);
        else
                last = end; /* a target with spaces in it, or HTTP/0.9 */
        scan_target(span_of(space + 1, last), line);
}
