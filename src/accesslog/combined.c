/* combined.c - 192.0.2.1 - user [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 123 "referrer" "agent" */
#include "combined.h"

#include <string.h>

#include "accesslog/scan.h"

/* The next quote that is not behind an odd number of backslashes; NULL when there is none. `from` is where the field
 * begins. */
static const char *next_quote(const char *from, const char *at, const char *end)
{
        while (at < end) {
                const char *quote = memchr(at, '"', (size_t)(end - at));
                const char *back = quote;

                if (!quote)
                        return NULL;
                while (back > from && back[-1] == '\\')
                        back--;
                if ((quote - back) % 2 == 0)
                        return quote;
                at = quote + 1;
        }
        return NULL;
}

/* The '[' of the time: user names may hold spaces and brackets, so it is the first one from which a time can be read.
 */
static const char *find_time(const char *at, const char *end, const char **ret_behind, int64_t *ret_time_us)
{
        while (at < end) {
                const char *open = memchr(at, '[', (size_t)(end - at));
                const char *close;

                if (!open)
                        return NULL;
                close = memchr(open, ']', (size_t)(end - open));
                if (!close)
                        return NULL;
                if (open[-1] == ' ' && scan_time(open + 1, (size_t)(close - open - 1), ret_time_us)) {
                        *ret_behind = close + 1;
                        return open;
                }
                at = open + 1;
        }
        return NULL;
}

/* " 200 123" or " 200 -" behind the request; *ret_behind is what follows. */
static bool scan_status(const char *at, const char *end, struct log_line *line, const char **ret_behind)
{
        const char *stop = at + 5;
        unsigned int status = 0;
        uint64_t bytes = 0;

        if (end - at < 6 || at[0] != ' ' || at[4] != ' ')
                return false;
        for (int i = 1; i <= 3; i++) {
                unsigned int digit = (unsigned int)(unsigned char)at[i] - '0';

                if (digit > 9)
                        return false;
                status = status * 10 + digit;
        }
        while (stop < end && *stop >= '0' && *stop <= '9' && stop - at < 5 + SCAN_NUMBER_DIGITS)
                bytes = bytes * 10 + (uint64_t)(*stop++ - '0');
        if (stop == at + 5 && *stop == '-')
                stop++;
        if (stop == at + 5 || (stop < end && *stop != ' '))
                return false;
        line->status = (uint16_t)status;
        line->bytes = bytes;
        line->present = LOG_HAS_STATUS | LOG_HAS_BYTES;
        *ret_behind = stop;
        return true;
}

/* The request and the numbers behind it. A bare quote inside of a request is followed by something else than a status.
 */
static bool scan_request_field(const char *at, const char *end, struct log_line *line, const char **ret_behind)
{
        const char *quote;

        if (end - at < 2 || at[0] != ' ' || at[1] != '"')
                return false;
        for (const char *from = at + 2, *look = from; (quote = next_quote(from, look, end)); look = quote + 1) {
                if (scan_status(quote + 1, end, line, ret_behind)) {
                        scan_request(scan_field(from, quote), line);
                        return true;
                }
        }
        return false;
}

/* True when all that is left are further fields: words without quotes, or quoted ones. */
static bool are_fields(const char *at, const char *end)
{
        while (at < end) {
                const char *stop;

                if (*at++ != ' ')
                        return false;
                if (at < end && *at == '"') {
                        stop = next_quote(at + 1, at + 1, end);
                        if (!stop)
                                return false;
                        at = stop + 1;
                        continue;
                }
                stop = at < end ? memchr(at, ' ', (size_t)(end - at)) : NULL;
                if (!stop)
                        stop = end;
                if (memchr(at, '"', (size_t)(stop - at)))
                        return false;
                at = stop;
        }
        return true;
}

/* The agent is the last field of the format; it ends at the quote behind which only further fields stand, else with the
 * line. */
static struct span scan_agent(const char *from, const char *end)
{
        const char *last = NULL, *quote;

        for (const char *look = from; (quote = next_quote(from, look, end)); look = quote + 1) {
                if (are_fields(quote + 1, end))
                        return scan_field(from, quote);
                last = quote;
        }
        if (last && last + 1 == end)
                return scan_field(from, last);
        return scan_field(from, end);
}

/* ` "referrer" "agent"`; an unterminated last field counts, as it was logged. */
static bool scan_quoted_fields(const char *at, const char *end, struct log_line *line)
{
        const char *from, *quote;

        if (end - at < 2 || at[0] != ' ' || at[1] != '"')
                return false;
        from = at + 2;
        for (const char *look = from; (quote = next_quote(from, look, end)); look = quote + 1) {
                if (end - quote >= 3 && quote[1] == ' ' && quote[2] == '"') {
                        line->referrer = scan_field(from, quote);
                        line->agent = scan_agent(quote + 3, end);
                        return true;
                }
                if (quote + 1 == end)
                        break;
        }
        line->referrer = scan_field(from, quote ? quote : end); /* the line ends in or right behind it */
        line->agent = (struct span){ "", 0 };
        return true;
}

/*
 * "www.example.org:443 192.0.2.1 - - [", as Debian's Apache writes it: a host with a port in front of a client. A
 * client with a port ("192.0.2.1:4711 - - [") is followed by the identity, which is a dash in all logs of today.
 * Returns where the client begins.
 */
static const char *scan_vhost(const char *at, const char *end, struct log_line *line)
{
        const char *space = memchr(at, ' ', (size_t)(end - at));
        const char *colon = space ? memrchr(at, ':', (size_t)(space - at)) : NULL;
        uint64_t port;

        if (!colon || colon == at || end - space < 4 || (space[1] == '-' && space[2] == ' ') ||
            !scan_number(colon + 1, (size_t)(space - colon - 1), &port) || port > 65535)
                return at;
        scan_address(at, (size_t)(space - at), line);
        if (line->address.numeric && memchr(at, ':', (size_t)(colon - at)) && *at != '[')
                return at; /* an IPv6 address, not a host and a port */
        line->host = span_of(at, colon);
        return space + 1;
}

/* The words before the time: client, identity, user. The user may hold spaces. */
static bool scan_client(const char *at, const char *end, struct log_line *line, const char **ret_behind)
{
        const char *space = at < end ? memchr(at, ' ', (size_t)(end - at)) : NULL;
        const char *time, *user;

        if (!space || space == at)
                return false;
        scan_address(at, (size_t)(space - at), line);
        time = find_time(space + 1, end, ret_behind, &line->time_us);
        if (!time)
                return false;
        user = time - 1 > space + 1 ? memchr(space + 1, ' ', (size_t)(time - 2 - space)) : NULL;
        if (user && user + 1 < time)
                line->user = scan_field(user + 1, time - 1);
        return true;
}

/* ---------------------------------------------------------------- the usual line */

/*
 * `ADDRESS - - [TIME] "REQUEST" STATUS BYTES "REFERRER" "AGENT"` without a backslash or a quote in any field: almost
 * every line of almost every log. What it takes, the readers above understand in the same way (the fuzzer compares),
 * only more slowly; what it does not take is theirs.
 */
static bool parse_usual(const char *line, const char *end, struct log_line *ret_line)
{
        static const char behind_client[] = " - - [", behind_time[] = "] \"";
        const char *space, *at, *quote;

        space = memchr(line, ' ', (size_t)(end - line));
        if (!space || space == line || *line == '"' || end - space < 64 || memcmp(space, behind_client, 6) != 0 ||
            memcmp(space + 32, behind_time, 3) != 0 || !scan_time(space + 6, 26, &ret_line->time_us))
                return false;
        at = space + 35;
        quote = scan_either(at, end, '"', '\\');
        if (quote == end || *quote != '"' || !scan_status(quote + 1, end, ret_line, &at) || end - at < 5 ||
            memcmp(at, " \"", 2) != 0)
                return false;
        scan_request(scan_field(space + 35, quote), ret_line);
        quote = scan_either(at + 2, end, '"', '\\');
        if (end - quote < 4 || memcmp(quote, "\" \"", 3) != 0)
                return false;
        ret_line->referrer = scan_field(at + 2, quote);
        at = quote + 3;
        if (scan_either(at, end, '"', '\\') != end - 1 || end[-1] != '"')
                return false;
        ret_line->agent = scan_field(at, end - 1);
        scan_address(line, (size_t)(space - line), ret_line);
        ret_line->user = scan_field(space + 3, space + 4);
        return true;
}

enum log_format_kind combined_parse(const char *line, size_t length, struct log_line *ret_line)
{
        *ret_line = (struct log_line){ 0 };
        if (parse_usual(line, line + length, ret_line))
                return LOG_COMBINED;
        *ret_line = (struct log_line){ 0 };
        return combined_parse_any(line, length, ret_line);
}

enum log_format_kind combined_parse_any(const char *line, size_t length, struct log_line *ret_line)
{
        const char *end = line + length, *at;

        if (length && *line == '"') /* hosts and clients are never quoted; whole lines are, in exports */
                return LOG_UNKNOWN;
        at = scan_vhost(line, end, ret_line);
        if (!scan_client(at, end, ret_line, &at) || !scan_request_field(at, end, ret_line, &at))
                return LOG_UNKNOWN;
        if (at == end && !ret_line->host.text)
                return LOG_COMMON;
        if (at != end && !scan_quoted_fields(at, end, ret_line))
                return LOG_UNKNOWN;
        return ret_line->host.text ? LOG_VHOST_COMBINED : LOG_COMBINED;
}
