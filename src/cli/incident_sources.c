/* incident_sources.c - the evidence of `understudy incident exposure`: what is named, what is remembered of an earlier run,
 * and what of that is missing now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident_exposure.h"
#include "fleet/register.h"

#define SECONDS_DIGITS 9
#define MEASURED_US    INT64_C(300000000) /* a measured clock that is less exact is as one that nobody measured */

/* ---- clocks ---- */

/* "-3.5" into microseconds. */
static int parse_seconds(const char *text, size_t length, int64_t *ret_us)
{
        bool negative = length && *text == '-';
        const char *point;
        uint64_t whole = 0, fraction = 0;
        size_t digits;

        if (length && (*text == '-' || *text == '+')) {
                text++;
                length--;
        }
        point = memchr(text, '.', length);
        digits = point ? (size_t)(point - text) : length;
        if (digits > SECONDS_DIGITS || text_parse_u64(text, digits, INT32_MAX, &whole) < 0)
                return -EINVAL;
        if (point) {
                char six[7] = "000000";
                size_t more = length - digits - 1;

                if (more == 0 || more > 6)
                        return -EINVAL;
                memcpy(six, point + 1, more);
                for (size_t i = 0; i < 6; i++) {
                        if (six[i] < '0' || six[i] > '9')
                                return -EINVAL;
                        fraction = fraction * 10 + (uint64_t)(six[i] - '0');
                }
        }
        *ret_us = (int64_t)(whole * 1000000 + fraction) * (negative ? -1 : 1);
        return 0;
}

/* SERVER=OFFSET~ERROR */
static int put_clock(struct exposure_work *work, const char *text, struct error *err)
{
        char server[CASEBOOK_TEXT];
        const char *equals = strrchr(text, '='), *wave = equals ? strchr(equals, '~') : NULL;
        struct clock_offset clock = { .known = true };

        if (!equals || !wave || equals == text || equals - text >= (int)sizeof(server) ||
            parse_seconds(equals + 1, (size_t)(wave - equals) - 1, &clock.offset_us) < 0 ||
            parse_seconds(wave + 1, strlen(wave + 1), &clock.error_us) < 0 || clock.error_us < 0)
                return error_usage(
                        err, _("'%s' tells no clock; write SERVER=OFFSET~ERROR in seconds, as web2=-3.5~0.2"), text);
        snprintf(server, sizeof(server), "%.*s", (int)(equals - text), text);
        return casebook_put_clock(work->book, work->incident.number, text_equal(server, "logins") ? "" : server, &clock,
                                  err);
}

/* The time of all intervals. */
static void find_span(const struct exposure_work *work, int64_t *ret_from_s, int64_t *ret_to_s)
{
        int64_t from = INT64_MAX, to = INT64_MIN;

        for (size_t i = 0; i < work->intervals.count; i++) {
                const struct interval_times *times = &work->intervals.list[i].times;
                const int64_t begin = times->last_good == TIME_NEVER ? times->first_bad : times->last_good;
                const int64_t end = times->first_good == TIME_OPEN ? incident_now_us() : times->first_good;

                from = begin < from ? begin : from;
                to = end > to ? end : to;
        }
        *ret_from_s = work->intervals.count ? from / 1000000 : 0;
        *ret_to_s = work->intervals.count ? to / 1000000 + 1 : 0;
}

/* A clock that nobody told is the one that `fleet check` measured then, if there is a register. */
static int take_measured(const struct exposure_work *work, const char *server, struct clock_offset *clock,
                         struct error *err)
{
        _cleanup_(register_closep) struct register_file *file = NULL;
        struct register_clock measured;
        int64_t from_s, to_s;
        int r = register_open(work->request->state, false, &file, err);

        if (r == -ENOENT)
                return 0;
        find_span(work, &from_s, &to_s);
        if (r == 0)
                r = register_clock_between(file, server, from_s, to_s, &measured, err);
        if (r > 0 && measured.error_us <= MEASURED_US) /* of long before or after it tells nothing */
                *clock = (struct clock_offset){ measured.offset_us, measured.error_us, true };
        return r < 0 ? r : 0;
}

/* ---- sources ---- */

static int find_server(struct exposure_work *work, const char *name, unsigned int *ret_server, struct error *err)
{
        size_t count = work->options.server_count;
        int r;

        for (unsigned int i = 0; i < count; i++)
                if (text_equal(work->servers[i].name, name)) {
                        *ret_server = i;
                        return 0;
                }
        if (count == GATHER_SERVERS)
                return error_usage(err, _("more than %d servers"), GATHER_SERVERS);
        work->servers[count].name = name;
        r = casebook_clock(work->book, work->incident.number, name, &work->servers[count].clock, err);
        if (r == 0 && !work->servers[count].clock.known)
                r = take_measured(work, name, &work->servers[count].clock, err);
        *ret_server = (unsigned int)count;
        work->options.server_count += r == 0;
        return r;
}

static bool is_there(const char *path)
{
        return access(path, R_OK) == 0;
}

static int add_missing(struct exposure_work *work, const struct casebook_source *source, unsigned int server,
                       struct error *err)
{
        if (work->options.missing_count == EXPOSURE_LOGS)
                return error_usage(err, _("more than %d logs"), EXPOSURE_LOGS);
        work->missing[work->options.missing_count++] =
                (struct exposure_missing){ source->path, server, source->first_us, source->last_us };
        return 0;
}

static int add_log(struct exposure_work *work, const struct casebook_source *source, bool remembered, struct error *err)
{
        unsigned int server = 0;
        int r = find_server(work, source->server, &server, err);

        if (r < 0)
                return r;
        if (remembered && !is_there(source->path))
                return add_missing(work, source, server, err);
        if (work->options.log_count == EXPOSURE_LOGS)
                return error_usage(err, _("more than %d logs"), EXPOSURE_LOGS);
        work->log_sources[work->options.log_count] = remembered ? source : NULL;
        work->logs[work->options.log_count++] = (struct gather_log){ source->path, (uint8_t)server, source->bytes };
        return 0;
}

static int add_logins(struct exposure_work *work, const struct casebook_source *source, bool remembered,
                      struct error *err)
{
        if (remembered && !is_there(source->path))
                return add_missing(work, source, GATHER_SERVERS, err);
        if (work->options.login_count == EXPOSURE_LOGINS)
                return error_usage(err, _("more than %d files of login records"), EXPOSURE_LOGINS);
        work->login_sources[work->options.login_count] = remembered ? source : NULL;
        work->logins[work->options.login_count++] = (struct exposure_logins){ source->path, source->last, source->bytes };
        return 0;
}

static int add_source(struct exposure_work *work, const struct casebook_source *source, bool remembered,
                      struct error *err)
{
        return *source->server ? add_log(work, source, remembered, err) : add_logins(work, source, remembered, err);
}

static bool is_remembered(const struct exposure_work *work, const char *path)
{
        for (size_t i = 0; i < work->sources.count; i++)
                if (text_equal(work->sources.list[i].path, path))
                        return true;
        for (size_t i = 0; i < work->named.count; i++)
                if (text_equal(work->named.list[i].path, path))
                        return true;
        return false;
}

/* A source of the command line; its path becomes absolute, for the next time may be elsewhere. */
static int name_source(struct exposure_work *work, const char *path, char *server, bool last, struct error *err)
{
        char *whole = realpath(path, NULL);
        struct casebook_source *source;

        if (!whole || !server || memory_grow(&work->named.list, work->named.count, sizeof(*source)) < 0) {
                int r = whole || errno == ENOMEM ? error_memory(err)
                                                 : error_errno(err, errno, _("cannot read %s"), path);

                free(whole);
                free(server);
                return r;
        }
        if (is_remembered(work, whole)) {
                free(whole);
                free(server);
                return 0;
        }
        source = &work->named.list[work->named.count++];
        *source = (struct casebook_source){ .path = whole, .server = server, .last = last };
        return 0;
}

static int name_log(struct exposure_work *work, const char *text, struct error *err)
{
        const char *equals = strchr(text, '=');

        if (!equals || equals == text || !equals[1])
                return error_usage(err, _("'%s' names no log of a server; write SERVER=FILE"), text);
        return name_source(work, equals + 1, memory_copy(text, (size_t)(equals - text)), false, err);
}

int exposure_sources_name(struct exposure_work *work, struct error *err)
{
        const struct incident_request *request = work->request;
        int r = 0;

        for (size_t i = 0; i < request->clocks.count && r == 0; i++)
                r = put_clock(work, request->clocks.list[i], err);
        for (size_t i = 0; i < request->logs.count && r == 0; i++)
                r = name_log(work, request->logs.list[i], err);
        for (size_t i = 0; i < request->logins.count && r == 0; i++)
                r = name_source(work, request->logins.list[i], memory_string(""), false, err);
        for (size_t i = 0; i < request->last_logins.count && r == 0; i++)
                r = name_source(work, request->last_logins.list[i], memory_string(""), true, err);
        for (size_t i = 0; i < work->intervals.count && r == 0; i++) {
                unsigned int server;

                r = find_server(work, work->intervals.list[i].server, &server, err);
        }
        for (size_t i = 0; i < work->sources.count && r == 0; i++)
                r = add_source(work, &work->sources.list[i], true, err);
        for (size_t i = 0; i < work->named.count && r == 0; i++)
                r = add_source(work, &work->named.list[i], false, err);
        return r < 0 ? r : casebook_clock(work->book, work->incident.number, "", &work->options.login_clock, err);
}

/* ---- afterwards ---- */

/* Less in it than before, or not what was in it: edited, or another file under its name. */
static bool is_changed(const struct casebook_source *before, uint64_t lines, uint64_t bytes, uint64_t known)
{
        return before && (lines < before->lines || (before->bytes && (bytes < before->bytes || known != before->sum)));
}

static bool log_is_changed(const struct exposure_work *work, const struct exposure *exposure, size_t at)
{
        const struct gather_file *file = &exposure->gathered.files[at];

        return is_changed(work->log_sources[at], file->lines, file->bytes, file->known_sum);
}

static bool logins_are_changed(const struct exposure_work *work, const struct exposure *exposure, size_t at)
{
        const struct exposure_login_file *file = &exposure->login_files[at];

        return is_changed(work->login_sources[at], file->rows, file->bytes, file->known_hash);
}

int exposure_sources_cut(struct exposure_work *work, struct exposure *exposure, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < work->options.log_count && r == 0; i++) {
                const struct casebook_source *before = work->log_sources[i];

                if (log_is_changed(work, exposure, i))
                        r = exposure_widen(exposure, &work->options,
                                           &(struct exposure_gap){ work->logs[i].server, before->first_us,
                                                                   before->last_us, before->path },
                                           err);
        }
        for (size_t i = 0; i < work->options.login_count && r == 0; i++) {
                const struct casebook_source *before = work->login_sources[i];

                if (logins_are_changed(work, exposure, i))
                        r = exposure_widen(exposure, &work->options,
                                           &(struct exposure_gap){ GATHER_SERVERS, before->first_us, before->last_us,
                                                                   before->path },
                                           err);
        }
        return r;
}

int exposure_sources_put(struct exposure_work *work, const struct exposure *exposure, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < work->options.log_count && r == 0; i++) {
                const struct gather_file *file = &exposure->gathered.files[i];
                const char *server = work->servers[work->logs[i].server].name;

                if (log_is_changed(work, exposure, i))
                        continue; /* what it had in it once is what counts */
                r = casebook_put_source(work->book, work->incident.number,
                                        &(struct casebook_source){ (char *)(uintptr_t)work->logs[i].path,
                                                                   (char *)(uintptr_t)server, false,
                                                                   file->lines ? file->first_us : 0,
                                                                   file->lines ? file->last_us : 0, file->lines,
                                                                   file->bytes, file->sum },
                                        err);
        }
        for (size_t i = 0; i < work->options.login_count && r == 0; i++) {
                const struct exposure_login_file *file = &exposure->login_files[i];
                static char nobody[] = "";

                if (logins_are_changed(work, exposure, i))
                        continue;
                r = casebook_put_source(work->book, work->incident.number,
                                        &(struct casebook_source){ (char *)(uintptr_t)work->logins[i].path, nobody,
                                                                   work->logins[i].last, 0, 0, file->rows, file->bytes,
                                                                   file->hash },
                                        err);
        }
        return r;
}
