/* beacon.c - a body as a page view or an event. */
#include "beacon.h"

#include <string.h>
#include <strings.h>

#include "accesslog/scan.h"

#define HOST_MAXIMUM 255

bool beacon_next(struct span *rest, struct span *ret_name, struct span *ret_value)
{
        const char *end = rest->text + rest->length, *stop, *equals;

        if (rest->length == 0)
                return false;
        stop = memchr(rest->text, '&', rest->length);
        if (!stop)
                stop = end;
        equals = memchr(rest->text, '=', (size_t)(stop - rest->text));
        *ret_name = span_of(rest->text, equals ? equals : stop);
        *ret_value = span_of(equals ? equals + 1 : stop, stop);
        *rest = span_of(stop < end ? stop + 1 : end, end);
        return true;
}

static bool find(struct span body, char name, struct span *ret_value)
{
        struct span field;

        while (beacon_next(&body, &field, ret_value))
                if (field.length == 1 && *field.text == name)
                        return true;
        return false;
}

/* Decoded, behind what was decoded before; empty when it is not there. */
static struct span field(struct span body, char name, char **scratch)
{
        struct span value = { "", 0 };

        if (!find(body, name, &value) || !value.length)
                return (struct span){ "", 0 };
        value = (struct span){ *scratch, (uint32_t)scan_decode(value, *scratch, value.length) };
        *scratch += value.length;
        return value;
}

/* The host of an http(s) address, without user and port, and what follows it. */
static bool split(struct span url, struct span *ret_host, struct span *ret_target)
{
        const char *end = url.text + url.length, *host, *behind, *at, *port;

        if (url.length > 8 && strncasecmp(url.text, "https://", 8) == 0)
                host = url.text + 8;
        else if (url.length > 7 && strncasecmp(url.text, "http://", 7) == 0)
                host = url.text + 7;
        else
                return false;
        for (behind = host; behind < end && *behind != '/' && *behind != '?' && *behind != '#';)
                behind++;
        *ret_target = span_of(behind, end);
        at = memrchr(host, '@', (size_t)(behind - host));
        if (at)
                host = at + 1;
        port = memrchr(host, ':', (size_t)(behind - host));
        if (port && !memchr(port, ']', (size_t)(behind - port)))
                behind = port;
        *ret_host = span_of(host, behind);
        return ret_host->length > 0 && ret_host->length <= HOST_MAXIMUM;
}

static bool same(struct span a, struct span b)
{
        return a.length == b.length && strncasecmp(a.text, b.text, a.length) == 0;
}

/* The page, and whose it is. */
static bool fill_page(struct log_line *line, struct span origin, struct span page)
{
        struct span host, target;

        if (!split(page, &line->host, &target))
                return false;
        if (origin.length && (!split(origin, &host, &(struct span){ 0 }) || !same(host, line->host)))
                return false;
        scan_target(target.length && *target.text == '/' ? target : (struct span){ "/", 1 }, line);
        return true;
}

static enum log_beacon kind_of(struct span kind)
{
        static const char letters[] = "vneow";
        static const enum log_beacon kinds[] = { BEACON_VIEW, BEACON_NAVIGATION, BEACON_EVENT, BEACON_OUTBOUND,
                                                 BEACON_VITALS };
        const char *found = kind.length == 1 && *kind.text ? strchr(letters, *kind.text) : NULL;

        return found ? kinds[found - letters] : BEACON_NONE;
}

bool beacon_fill(struct log_line *line, struct span origin, struct span body, char *scratch)
{
        struct span page, none = { "", 0 };

        if (!body.length) {
                if (!same(line->method, (struct span){ "GET", 3 }))
                        return false;
                page = line->referrer;
                line->beacon = BEACON_PIXEL;
                line->referrer = none;
        } else {
                page = field(body, 'u', &scratch);
                line->beacon = (uint8_t)kind_of(field(body, 'e', &scratch));
                line->referrer = field(body, 'r', &scratch);
                line->event = field(body, 'n', &scratch);
                line->details = body;
        }
        if (line->beacon == BEACON_NONE || !fill_page(line, origin, page))
                return false;
        if (line->beacon < BEACON_EVENT) {
                line->method = (struct span){ "GET", 3 };
                return true;
        }
        line->method = none; /* the tally takes it for no request of a page */
        return line->beacon == BEACON_VITALS || line->event.length > 0;
}

bool beacon_property(struct span *rest, struct span event, char text[static BEACON_PROPERTY_MAXIMUM],
                     size_t *ret_length)
{
        struct span key, value;
        size_t length = BEACON_SHORT(event.length);

        do {
                if (!beacon_next(rest, &key, &value))
                        return false;
        } while (key.length < 2);
        memcpy(text, event.text, length);
        memcpy(text + length, ": ", 2);
        length += 2;
        length += scan_decode(key, text + length, BEACON_VALUE_MAXIMUM);
        text[length++] = '=';
        length += scan_decode(value, text + length, BEACON_VALUE_MAXIMUM);
        *ret_length = length;
        return true;
}

bool beacon_vital(const struct log_line *line, enum beacon_vital vital, uint64_t *ret_value)
{
        static const char names[VITAL_COUNT] = { [VITAL_LCP] = 'l', [VITAL_CLS] = 'c', [VITAL_INP] = 'i' };
        struct span value;

        return find(line->details, names[vital], &value) && value.length <= 9 && /* BEACON_VITAL_MAXIMUM */
               scan_number(value.text, value.length, ret_value) && (*ret_value || vital == VITAL_CLS);
}
