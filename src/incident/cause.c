/* cause.c - what each event says about how the file came. */
#include "incident/cause.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define SLACK_US INT64_C(60000000)  /* clocks of two programs on one machine; a line is written when all is over */
#define NEAR_US  INT64_C(120000000) /* before the first bad sighting */
#define SESSION_US INT64_C(86400000000) /* a session of sshd that wrote began at most so long before */

static const char *const causes[] = { "unknown", "uploaded", "web", "root" };
static const char *const reaches[] = { "not_known", "reached", "not_reached" };

const char *cause_name(enum cause cause)
{
        return causes[cause];
}

const char *cause_reach_name(enum cause_reach reach)
{
        return reaches[reach];
}

void cause_done(struct cause_finding *finding)
{
        free(finding->pieces);
        *finding = (struct cause_finding){ 0 };
}

struct search {
        const struct timeline *timeline;
        const struct interval *interval;
        int64_t from_us, to_us;
        struct cause_finding finding;
        bool no_memory;
};

/* ---- pieces ---- */

static void say(struct search *search, enum cause cause, enum cause_weight weight, const struct timeline_event *event,
                const char *format, ...) _printf_(5, 6);
static void say(struct search *search, enum cause cause, enum cause_weight weight, const struct timeline_event *event,
                const char *format, ...)
{
        struct cause_finding *finding = &search->finding;
        struct cause_piece *piece;
        va_list arguments;

        /* Weak ones are many; the room is for those that decide. */
        if (finding->count == CAUSE_EVIDENCE || (weight == CAUSE_WEAK && finding->count >= CAUSE_EVIDENCE / 2))
                return;
        if (memory_grow(&finding->pieces, finding->count, sizeof(*finding->pieces)) < 0) {
                search->no_memory = true;
                return;
        }
        piece = &finding->pieces[finding->count++];
        *piece = (struct cause_piece){
                .cause = cause, .weight = weight, .file = event ? event->file : 0, .line = event ? event->line : 0
        };
        va_start(arguments, format);
        vsnprintf(piece->what, sizeof(piece->what), format, arguments);
        va_end(arguments);
}

/* "2009-07-06T09:00:00Z by bob from 192.0.2.7", escaped: logs hold what strangers typed. */
static void describe(const struct search *search, const struct timeline_event *event, char text[static CAUSE_WORDS / 2])
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(CAUSE_WORDS);
        char when[CLOCK_TEXT_SIZE];
        const char *account = timeline_text(search->timeline, event->account);
        const char *address = timeline_text(search->timeline, event->address);
        char raw[CAUSE_WORDS / 4];

        clock_format_utc(event->time_us / 1000000, when);
        snprintf(raw, sizeof(raw), "%.60s, %.50s", *account ? account : "?", *address ? address : "?");
        if (text_escape(&words, raw, strlen(raw)) < 0)
                buffer_clear(&words);
        snprintf(text, CAUSE_WORDS / 2, "%s (%.250s)", when, buffer_text(&words));
}

static void escape_path(const struct search *search, uint32_t path, char text[static CAUSE_WORDS / 3])
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(8 * INTERN_TEXT_MAXIMUM);
        const char *raw = timeline_text(search->timeline, path);

        if (text_escape(&words, raw, strlen(raw)) < 0)
                buffer_clear(&words);
        snprintf(text, CAUSE_WORDS / 3, "%.150s", buffer_text(&words));
}

/* ---- events ---- */

/* The log's path has the server's folders before the visitors' path: "/var/www/html/login.html". */
static bool names_file(const struct search *search, const char *text)
{
        const char *path = search->interval->path;

        return text_ends(text, path) || (*path == '/' && text_equal(text, path + 1));
}

/* A command line that has the file's name as a word. */
static bool mentions_file(const struct search *search, const char *text)
{
        const char *name = strrchr(search->interval->path, '/'), *found;
        const size_t length = name ? strlen(name + 1) : 0;

        if (length < 3)
                return false;
        found = strstr(text, name + 1);
        return found && (found[length] == '\0' || strchr(" ;'\"|&>", found[length]));
}

static bool is_near(const struct search *search, const struct timeline_event *event)
{
        return event->time_us >= search->interval->times.first_bad - NEAR_US && search->interval->times.watched;
}

static void weigh_seen(struct search *search, const struct timeline_event *event)
{
        static const struct {
                const char *service;
                enum cause cause;
        } services[] = {
                {"ftp",   CAUSE_UPLOADED},
                { "sftp", CAUSE_UPLOADED},
                { "ssh",  CAUSE_UPLOADED},
                { "web",  CAUSE_WEB     },
                { "php",  CAUSE_WEB     },
                { "root", CAUSE_ROOT    },
        };
        const char *service = timeline_text(search->timeline, event->service);
        char who[CAUSE_WORDS / 2];

        if (!names_file(search, timeline_text(search->timeline, event->path)))
                return;
        describe(search, event, who);
        for (size_t i = 0; i < LENGTH(services); i++)
                if (text_equal(services[i].service, service))
                        say(search, services[i].cause, CAUSE_SEEN, event,
                            _("the guard saw a process of %s write it: %s"), service, who);
}

static void weigh(struct search *search, const struct timeline_event *event)
{
        const char *path = timeline_text(search->timeline, event->path);
        char who[CAUSE_WORDS / 2], what[CAUSE_WORDS / 3];

        describe(search, event, who);
        escape_path(search, event->path, what);
        switch (event->act) {
        case TRACE_FOUND: weigh_seen(search, event); break;
        case TRACE_WROTE:
                if (names_file(search, path))
                        say(search, CAUSE_UPLOADED, CAUSE_STRONG, event, _("%s was written by %s: %s"), what,
                            trace_source_name(event->source), who);
                else
                        say(search, CAUSE_UPLOADED, CAUSE_WEAK, event, _("another file was written by %s: %s"),
                            trace_source_name(event->source), who);
                break;
        case TRACE_RAN:
                say(search, CAUSE_ROOT, mentions_file(search, path) ? CAUSE_STRONG : CAUSE_WEAK, event,
                    _("a command was run by %s: %s: %s"), trace_source_name(event->source), what, who);
                break;
        case TRACE_REQUESTED:
                say(search, CAUSE_WEB, is_near(search, event) ? CAUSE_NEAR : CAUSE_WEAK, event,
                    _("a request that may write was answered: %s: %s"), what, who);
                break;
        case TRACE_LOGGED_IN:
                if (event->source == TRACE_BY_SSHD || event->source == TRACE_BY_LOGIN)
                        say(search,
                            text_equal(timeline_text(search->timeline, event->account), "root") ? CAUSE_ROOT
                                                                                                : CAUSE_UPLOADED,
                            CAUSE_WEAK, event, _("somebody logged in: %s"), who);
                break;
        case TRACE_CHANGED:
                say(search, CAUSE_ROOT, CAUSE_WEAK, event, _("a package or a table of cron was changed: %s: %s"), what,
                    who);
                break;
        case TRACE_FAILED:
        case TRACE_CONNECTED:
        case TRACE_TOLD: break; /* of no server */
        }
}

/* ---- silence ---- */

static bool reaches_over(const struct timeline_file *file, int64_t from_us, int64_t to_us)
{
        return file->first_us && file->first_us <= from_us && file->last_us >= to_us;
}

/* Logs of this server that would tell of an upload, a request or a command, and were not read over the whole time. */
static void say_what_is_missing(struct search *search)
{
        static const struct {
                bool web;
                enum trace_kind kind;
                const char *words;
        } wanted[] = {
                {false,  TRACE_FTP,  N_("no log of the FTP server reaches over the time: an upload would not be seen")},
                { false, TRACE_AUTH,
                 N_("no log of logins reaches over the time: sftp, sudo and cron would not be seen")                  },
                { true,  0,          N_("no access log reaches over the time: a request that wrote would not be seen")},
        };

        for (size_t i = 0; i < LENGTH(wanted); i++) {
                bool found = false;

                for (size_t j = 0; j < search->timeline->file_count; j++) {
                        const struct timeline_file *file = &search->timeline->files[j];

                        found = found || (text_equal(file->server, search->interval->server) &&
                                          file->web == wanted[i].web && (file->web || file->kind == wanted[i].kind) &&
                                          reaches_over(file, search->from_us, search->to_us));
                }
                if (!found)
                        say(search, CAUSE_UNKNOWN, CAUSE_WEAK, NULL, "%s", _(wanted[i].words));
        }
}

/* ---- what one log tells and another one ought to ---- */

static bool has_login(const struct search *search, enum trace_source source, const char *account, int64_t from_us, int64_t to_us)
{
        for (size_t i = 0; i < search->timeline->count; i++) {
                const struct timeline_event *event = &search->timeline->events[i];

                if (event->source == source && event->act == TRACE_LOGGED_IN && event->time_us >= from_us &&
                    event->time_us <= to_us &&
                    text_equal(timeline_text(search->timeline, event->server), search->interval->server) &&
                    (!*account || text_equal(timeline_text(search->timeline, event->account), account)))
                        return true;
        }
        return false;
}

/* Whether a log of this server and kind that was read reaches over the moment. */
static bool was_kept(const struct search *search, enum trace_kind kind, int64_t time_us)
{
        for (size_t i = 0; i < search->timeline->file_count; i++) {
                const struct timeline_file *file = &search->timeline->files[i];

                if (!file->web && file->kind == kind && text_equal(file->server, search->interval->server) &&
                    reaches_over(file, time_us - SESSION_US, time_us))
                        return true;
        }
        return false;
}

/* The guard saw a session of sshd write the file, wtmp has a login from elsewhere: auth.log has its beginning, or lines
 * were taken out of it. */
static void find_contradictions(struct search *search)
{
        for (size_t i = 0; i < search->timeline->count; i++) {
                const struct timeline_event *event = &search->timeline->events[i];
                const char *service = timeline_text(search->timeline, event->service);
                const bool session = event->act == TRACE_FOUND && (text_equal(service, "ssh") || text_equal(service, "sftp"));
                const bool login = event->act == TRACE_LOGGED_IN && event->source == TRACE_BY_LOGIN && event->address;
                const int64_t earliest = event->time_us - (session ? SESSION_US : NEAR_US);
                char who[CAUSE_WORDS / 2];

                if (!(session || login) || event->time_us < search->from_us - SLACK_US ||
                    event->time_us > search->to_us + SLACK_US || !was_kept(search, TRACE_AUTH, event->time_us) ||
                    !text_equal(timeline_text(search->timeline, event->server), search->interval->server) ||
                    has_login(search, TRACE_BY_SSHD, session ? "" : timeline_text(search->timeline, event->account),
                              earliest, event->time_us + SLACK_US))
                        continue;
                describe(search, event, who);
                say(search, CAUSE_UNKNOWN, CAUSE_NEAR, event,
                    session ? _("the guard saw a session of sshd write the file, and the log of logins, which reaches over "
                                "that time, has none: lines were taken out of it: %s")
                            : _("wtmp has a login, and the log of logins, which reaches over that time, does not: lines "
                                "were taken out of one, or put into the other: %s"),
                    who);
        }
}

/* ---- the database ---- */

static bool is_host(const char *address, const char *server, const struct cause_host *hosts, size_t count)
{
        if (text_equal(address, server))
                return true;
        for (size_t i = 0; i < count; i++)
                if (text_equal(hosts[i].server, server) && text_equal(hosts[i].address, address))
                        return true;
        return false;
}

static void find_reach(struct search *search, const struct cause_host *hosts, size_t count)
{
        const struct interval_times *times = &search->interval->times;
        const int64_t end = times->first_good == TIME_OPEN ? times->last_bad : times->first_good;
        struct cause_finding *finding = &search->finding;
        size_t connections = 0;
        bool covered = false;

        for (size_t i = 0; i < search->timeline->count; i++) {
                const struct timeline_event *event = &search->timeline->events[i];

                connections += event->act == TRACE_CONNECTED && event->time_us >= search->from_us &&
                               event->time_us <= end &&
                               is_host(timeline_text(search->timeline, event->address), search->interval->server, hosts,
                                       count);
        }
        for (size_t i = 0; i < search->timeline->file_count; i++) {
                const struct timeline_file *file = &search->timeline->files[i];

                covered = covered || (!file->web && (file->kind == TRACE_POSTGRESQL || file->kind == TRACE_MARIADB) &&
                                      reaches_over(file, search->from_us, end));
        }
        finding->reach = connections ? CAUSE_REACHED : covered && count ? CAUSE_NOT_REACHED : CAUSE_NOT_KNOWN;
        if (connections)
                snprintf(finding->reach_how, sizeof(finding->reach_how),
                         _("the database's log has %zu connections from %s in the time"), connections,
                         search->interval->server);
        else if (finding->reach == CAUSE_NOT_REACHED)
                snprintf(finding->reach_how, sizeof(finding->reach_how),
                         _("the database's log reaches over the time and has no connection from %s"),
                         search->interval->server);
        else
                snprintf(finding->reach_how, sizeof(finding->reach_how), "%s",
                         covered ? _("under which address the server comes to the database was not said (--address)")
                                 : _("no log of connections of the database reaches over the time"));
}

/* ---- the conclusion ---- */

static enum cause conclude(const struct cause_finding *finding)
{
        enum cause_weight best[CAUSE_ROOT + 1] = { 0 };
        enum cause found = CAUSE_UNKNOWN;

        for (size_t i = 0; i < finding->count; i++)
                if (finding->pieces[i].weight > best[finding->pieces[i].cause])
                        best[finding->pieces[i].cause] = finding->pieces[i].weight;
        for (enum cause cause = CAUSE_UPLOADED; cause <= CAUSE_ROOT; cause++) {
                if (best[cause] < CAUSE_STRONG)
                        continue;
                if (found == CAUSE_UNKNOWN || best[cause] > best[found])
                        found = cause;
                else if (best[cause] == best[found])
                        return CAUSE_UNKNOWN;
        }
        return found;
}

int cause_find(const struct timeline *timeline, const struct interval *interval, const struct cause_host *hosts,
               size_t host_count, struct cause_finding *ret_finding, struct error *err)
{
        const int64_t last_good = interval->times.last_good;
        struct search search = { .timeline = timeline,
                                 .interval = interval,
                                 .from_us = last_good == TIME_NEVER ? timeline->from_us : last_good,
                                 .to_us = interval->times.first_bad };

        for (size_t i = 0; i < timeline->count; i++) {
                const struct timeline_event *event = &timeline->events[i];

                if (event->time_us >= search.from_us - SLACK_US && event->time_us <= search.to_us + SLACK_US &&
                    text_equal(timeline_text(timeline, event->server), interval->server))
                        weigh(&search, event);
        }
        say_what_is_missing(&search);
        find_contradictions(&search);
        find_reach(&search, hosts, host_count);
        if (search.no_memory) {
                cause_done(&search.finding);
                return error_memory(err);
        }
        search.finding.cause = conclude(&search.finding);
        *ret_finding = search.finding;
        return 0;
}
