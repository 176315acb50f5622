/* incident.c - understudy incident: what was served that should not have been, when, and to whom. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/incident.h"
#include "journal/record.h"
#include "tree/state.h"

#define NUMBER_MAXIMUM 1000000000

enum {
        OPTION_TITLE = OPTION_COMMAND,
        OPTION_SERVER,
        OPTION_PATH,
        OPTION_FROM,
        OPTION_TO,
        OPTION_LAST_GOOD,
        OPTION_FIRST_GOOD,
        OPTION_SIZE,
        OPTION_GENUINE_SIZE,
        OPTION_SHA256,
        OPTION_UNWATCHED,
        OPTION_REFUSED,
        OPTION_PAGE,
        OPTION_PAGES_FROM,
        OPTION_JOURNAL,
        OPTION_LOGIN_PATH,
        OPTION_LOG,
        OPTION_LOGINS,
        OPTION_LAST_LOGINS,
        OPTION_CLOCK,
        OPTION_CLOCK_UNKNOWN,
        OPTION_NEAR,
        OPTION_CACHE,
        OPTION_SHARED_CACHE,
        OPTION_LONGEST_REQUEST,
        OPTION_HELD_OPEN,
        OPTION_SUSCEPTIBLE,
        OPTION_SUSCEPTIBLE_FROM,
        OPTION_PAYLOAD_FROM,
        OPTION_PAYLOAD_TO,
        OPTION_ALL_ACCOUNTS,
        OPTION_EXPLAIN,
        OPTION_LIST,
        OPTION_AT,
        OPTION_APPROVE,
        OPTION_FORM,
        OPTION_REVISION,
        OPTION_FORMAT,
        OPTION_THREADS,
        OPTION_SOCKET,
        OPTION_ALERT,
        OPTION_ONCE,
        OPTION_TRACE,
        OPTION_ADDRESS,
        OPTION_ADDRESSES,
        OPTION_SMTP,
        OPTION_SENDER,
        OPTION_ANSWER,
        OPTION_DRY_RUN,
        OPTION_AGAIN,
        OPTION_SOURCE,
        OPTION_WHO,
        OPTION_TREE,
        OPTION_PUB,
        OPTION_URL,
        OPTION_CONNECT,
        OPTION_AGENT,
        OPTION_REFERRER,
        OPTION_COMPARE,
};

static const struct option options[] = {
        {"title",            required_argument, NULL, OPTION_TITLE          },
        { "server",          required_argument, NULL, OPTION_SERVER         },
        { "path",            required_argument, NULL, OPTION_PATH           },
        { "from",            required_argument, NULL, OPTION_FROM           },
        { "to",              required_argument, NULL, OPTION_TO             },
        { "last-good",       required_argument, NULL, OPTION_LAST_GOOD      },
        { "first-good",      required_argument, NULL, OPTION_FIRST_GOOD     },
        { "size",            required_argument, NULL, OPTION_SIZE           },
        { "genuine-size",    required_argument, NULL, OPTION_GENUINE_SIZE   },
        { "sha256",          required_argument, NULL, OPTION_SHA256         },
        { "unwatched",       no_argument,       NULL, OPTION_UNWATCHED      },
        { "refused",         no_argument,       NULL, OPTION_REFUSED        },
        { "page",            required_argument, NULL, OPTION_PAGE           },
        { "pages-from",      required_argument, NULL, OPTION_PAGES_FROM     },
        { "journal",         required_argument, NULL, OPTION_JOURNAL        },
        { "login-path",      required_argument, NULL, OPTION_LOGIN_PATH     },
        { "log",             required_argument, NULL, OPTION_LOG            },
        { "logins",          required_argument, NULL, OPTION_LOGINS         },
        { "last-logins",     required_argument, NULL, OPTION_LAST_LOGINS    },
        { "clock",           required_argument, NULL, OPTION_CLOCK          },
        { "clock-unknown",   required_argument, NULL, OPTION_CLOCK_UNKNOWN  },
        { "near",            required_argument, NULL, OPTION_NEAR           },
        { "cache",           required_argument, NULL, OPTION_CACHE          },
        { "shared-cache",    no_argument,       NULL, OPTION_SHARED_CACHE   },
        { "longest-request", required_argument, NULL, OPTION_LONGEST_REQUEST},
        { "held-open",       required_argument, NULL, OPTION_HELD_OPEN      },
        { "susceptible",     required_argument, NULL, OPTION_SUSCEPTIBLE    },
        { "susceptible-from", required_argument, NULL, OPTION_SUSCEPTIBLE_FROM },
        { "payload-from",    required_argument, NULL, OPTION_PAYLOAD_FROM   },
        { "payload-to",      required_argument, NULL, OPTION_PAYLOAD_TO     },
        { "all-accounts",    required_argument, NULL, OPTION_ALL_ACCOUNTS   },
        { "explain",         required_argument, NULL, OPTION_EXPLAIN        },
        { "list",            no_argument,       NULL, OPTION_LIST           },
        { "at",              required_argument, NULL, OPTION_AT             },
        { "approve",         required_argument, NULL, OPTION_APPROVE        },
        { "form",            required_argument, NULL, OPTION_FORM           },
        { "revision",        required_argument, NULL, OPTION_REVISION       },
        { "format",          required_argument, NULL, OPTION_FORMAT         },
        { "threads",         required_argument, NULL, OPTION_THREADS        },
        { "socket",          required_argument, NULL, OPTION_SOCKET         },
        { "alert",           required_argument, NULL, OPTION_ALERT          },
        { "once",            no_argument,       NULL, OPTION_ONCE           },
        { "trace",           required_argument, NULL, OPTION_TRACE          },
        { "address",         required_argument, NULL, OPTION_ADDRESS        },
        { "addresses",       required_argument, NULL, OPTION_ADDRESSES      },
        { "smtp",            required_argument, NULL, OPTION_SMTP           },
        { "sender",          required_argument, NULL, OPTION_SENDER         },
        { "answer",          required_argument, NULL, OPTION_ANSWER         },
        { "dry-run",         no_argument,       NULL, OPTION_DRY_RUN        },
        { "again",           no_argument,       NULL, OPTION_AGAIN          },
        { "source",          required_argument, NULL, OPTION_SOURCE         },
        { "who",             required_argument, NULL, OPTION_WHO            },
        { "tree",            required_argument, NULL, OPTION_TREE           },
        { "pub",             required_argument, NULL, OPTION_PUB            },
        { "url",             required_argument, NULL, OPTION_URL            },
        { "connect",         required_argument, NULL, OPTION_CONNECT        },
        { "agent",           required_argument, NULL, OPTION_AGENT          },
        { "referrer",        required_argument, NULL, OPTION_REFERRER       },
        { "compare",         required_argument, NULL, OPTION_COMPARE        },
        { NULL,              0,                 NULL, 0                     },
};

static const char help[] =
        N_("What was served that should not have been, when, to whom, and what is to be told.\n"
           "\n"
           "  open              opens an incident: from journals (--journal DIR ...), or by hand (--server, --path,\n"
           "                    --from, --to)\n"
           "  add N             more paths or servers, as with open\n"
           "  list, show N      all incidents; what is known of one\n"
           "  exposure N        who was served it: from access logs and login records\n"
           "  timeline N        how it came: --journal DIR, --log SERVER=FILE, --trace KIND:SERVER=FILE (auth, ftp,\n"
           "                    postgresql, mariadb, dpkg, wtmp), --address SERVER=ADDRESS; --format jsonl: all events\n"
           "  complaint N TEXT  what was told from outside ('new' for N: of no incident yet; '-': from standard input), and\n"
           "                    compared now: --source customer|search-engine|researcher|authority|other, --who, --path,\n"
           "                    --at, --tree DEST --pub FILE, --config FILE, --url URL (--connect ADDRESS ..., --agent TEXT,\n"
           "                    --referrer URL); --compare NUMBER: later; --answer NUMBER=TEXT --approve NAME;\n"
           "                    N alone: all (--list: their words)\n"
           "  set N KEY=TEXT    a fact that a person knows, for the report; retain_until=DATE: when its accounts are forgotten\n"
           "  aware N           when we became aware of it: deadlines run from then\n"
           "  report N          the record as a text: --form public|regulator|technical, --format html|md|json; --revision R:\n"
           "                    one that was kept\n"
           "  notices N         who sees a notice at the next login, with --approve NAME; and who has seen it\n"
           "  mail N            to the accounts that were identified, once each: --addresses FILE, --smtp smtp://HOST:PORT,\n"
           "                    --sender ADDRESS, and --dry-run or --approve NAME; --again: also where an\n"
           "                    interruption left open whether it was sent; --answer ACCOUNT=WORDS: a bounce or a reply\n"
           "  serve             answers login pages: --socket PATH\n"
           "  watch             a finding in the journals (--journal DIR ...) opens an incident, with a draft of the report;\n"
           "                    tells of it and of deadlines (--alert TARGET ...); --once: one turn\n"
           "  task N SERVER TEXT  what was found on a server that shares something with one that was hit (--approve NAME)\n"
           "  close N           ends it, when nothing is open any more\n"
           "  forget N          removes its accounts and notices, with --approve NAME\n"
           "\n"
           "open, add:\n"
           "  --title TEXT                  what it is called\n"
           "  --server NAME, --path PATH    where; may be repeated ('*' at a path's end: all below)\n"
           "  --from TIME, --to TIME        the file was bad (2009-07-06T09:00:00Z)\n"
           "  --last-good TIME, --first-good TIME   before and after it was known to be good (--from, --to)\n"
           "  --size N, --genuine-size N, --sha256 HEX   of the planted file, of the genuine one\n"
           "  --unwatched, --refused        nobody watched in between; a guard refused it\n"
           "  --page PATH, --pages-from DIR pages that include it; found in the HTML of a folder\n"
           "  --login-path PATH             where one logs in\n"
           "  --susceptible CONDITION       agent=TEXT,fresh,logged-out: who could have been harmed\n"
           "  --susceptible-from FILE       the same from a file that the key of --pub FILE has signed\n"
           "  --payload-from TIME, --payload-to TIME   when what it linked to was live\n"
           "\n"
           "exposure (what was named once is read again the next time):\n"
           "  --log SERVER=FILE             access logs, all of the time in question; may be repeated\n"
           "  --logins FILE                 login records as CSV: time,account,address,agent,tag\n"
           "  --last-logins FILE            of each account only the last login\n"
           "  --clock SERVER=OFFSET~ERROR   seconds that its clock is ahead; 'logins' for the database\n"
           "  --all-accounts N              how many accounts there are\n"
           "  --explain ACCOUNT, --list     the answers that led to it; all accounts\n"
           "  --threads N                   readers\n"
           "  --near, --cache, --held-open, --longest-request, --clock-unknown DURATION, --shared-cache\n"
           "                                see understudy-incident(1)\n");

/* ---- values ---- */

int64_t incident_now_us(void)
{
        return record_now_us();
}

void incident_time(int64_t time_us, char text[static CLOCK_TEXT_SIZE])
{
        clock_format_utc(time_us / 1000000, text);
}

static int set_time(const char *text, int64_t *ret_us)
{
        int64_t seconds = 0;

        if (clock_parse_utc(text, &seconds) < 0)
                return command_usage(&command_incident, _("'%s' is no time; write 2026-07-06 or 2026-07-06T09:00:00Z"),
                                     text);
        *ret_us = seconds * 1000000;
        return 0;
}

static int set_duration(const char *text, int64_t *ret_us)
{
        struct error error = ERROR_NONE;
        int64_t seconds = 0;

        if (clock_parse_duration(text, &seconds, &error) < 0)
                return command_fail(&error);
        *ret_us = seconds * 1000000;
        return 0;
}

static int set_number(const char *text, uint64_t most, uint64_t *ret_number)
{
        if (text_parse_u64(text, strlen(text), most, ret_number) < 0)
                return command_usage(&command_incident, _("'%s' is not a number from 0 to %llu"), text,
                                     (unsigned long long)most);
        return 0;
}

static int set_last_good(struct incident_request *request, const char *text)
{
        request->has_last_good = true;
        if (text_equal(text, "never")) {
                request->last_good_us = TIME_NEVER;
                return 0;
        }
        return set_time(text, &request->last_good_us);
}

static int set_first_good(struct incident_request *request, const char *text)
{
        request->has_first_good = true;
        if (text_equal(text, "never")) {
                request->first_good_us = TIME_OPEN;
                return 0;
        }
        return set_time(text, &request->first_good_us);
}

static int set_option(struct incident_request *request, int code, const char *argument)
{
        switch (code) {
        case OPTION_TITLE: request->title = argument; return 0;
        case OPTION_SERVER: return command_text(&request->servers, argument);
        case OPTION_PATH: return command_text(&request->paths, argument);
        case OPTION_FROM: return set_time(argument, &request->from_us);
        case OPTION_TO: return set_time(argument, &request->to_us);
        case OPTION_LAST_GOOD: return set_last_good(request, argument);
        case OPTION_FIRST_GOOD: return set_first_good(request, argument);
        case OPTION_SIZE: return set_number(argument, INT64_MAX, &request->size);
        case OPTION_GENUINE_SIZE: return set_number(argument, INT64_MAX, &request->genuine_size);
        case OPTION_SHA256: request->digest = argument; return 0;
        case OPTION_UNWATCHED: request->unwatched = true; return 0;
        case OPTION_REFUSED: request->refused = true; return 0;
        case OPTION_PAGE: return command_text(&request->pages, argument);
        case OPTION_PAGES_FROM: request->pages_from = argument; return 0;
        case OPTION_JOURNAL: return command_text(&request->journals, argument);
        case OPTION_LOGIN_PATH: return command_text(&request->login_paths, argument);
        case OPTION_LOG: return command_text(&request->logs, argument);
        case OPTION_LOGINS: return command_text(&request->logins, argument);
        case OPTION_LAST_LOGINS: return command_text(&request->last_logins, argument);
        case OPTION_CLOCK: return command_text(&request->clocks, argument);
        case OPTION_CLOCK_UNKNOWN: return set_duration(argument, &request->clock_unknown_us);
        case OPTION_NEAR: return set_duration(argument, &request->near_us);
        case OPTION_CACHE: return set_duration(argument, &request->cache_us);
        case OPTION_SHARED_CACHE: request->shared_cache = true; return 0;
        case OPTION_LONGEST_REQUEST: return set_duration(argument, &request->request_us);
        case OPTION_HELD_OPEN: return set_duration(argument, &request->held_open_us);
        case OPTION_SUSCEPTIBLE: request->susceptible = argument; return 0;
        case OPTION_SUSCEPTIBLE_FROM: request->susceptible_from = argument; return 0;
        case OPTION_PAYLOAD_FROM: return set_time(argument, &request->payload_from_us);
        case OPTION_PAYLOAD_TO: return set_time(argument, &request->payload_to_us);
        case OPTION_ALL_ACCOUNTS: return set_number(argument, UINT32_MAX, &request->universe);
        case OPTION_EXPLAIN: request->explain = argument; return 0;
        case OPTION_LIST: request->list_accounts = true; return 0;
        case OPTION_AT: return set_time(argument, &request->at_us);
        case OPTION_APPROVE: request->name = argument; return 0;
        case OPTION_FORM: request->form = argument; return 0;
        case OPTION_REVISION: return set_number(argument, UINT32_MAX, &request->revision);
        case OPTION_FORMAT: request->format = argument; return 0;
        case OPTION_THREADS: return set_number(argument, 64, &request->threads);
        case OPTION_SOCKET: request->socket = argument; return 0;
        case OPTION_ALERT: return command_text(&request->alerts, argument);
        case OPTION_ONCE: request->once = true; return 0;
        case OPTION_TRACE: return command_text(&request->traces, argument);
        case OPTION_ADDRESS: return command_text(&request->addresses, argument);
        case OPTION_ADDRESSES: request->address_file = argument; return 0;
        case OPTION_SMTP: request->smtp = argument; return 0;
        case OPTION_SENDER: request->sender = argument; return 0;
        case OPTION_ANSWER: request->answer = argument; return 0;
        case OPTION_DRY_RUN: request->dry_run = true; return 0;
        case OPTION_AGAIN: request->again = true; return 0;
        case OPTION_SOURCE: request->source = argument; return 0;
        case OPTION_WHO: request->who = argument; return 0;
        case OPTION_TREE: request->tree = argument; return 0;
        case OPTION_PUB: request->pub_path = argument; return 0;
        case OPTION_URL: request->url = argument; return 0;
        case OPTION_CONNECT: return command_text(&request->connects, argument);
        case OPTION_AGENT: request->agent = argument; return 0;
        case OPTION_REFERRER: request->referrer = argument; return 0;
        case OPTION_COMPARE: request->compare = argument; return 0;
        default: return EXIT_USAGE;
        }
}

/* ---- the command ---- */

int incident_book(struct incident_request *request, bool writable, struct casebook **ret_book,
                  struct casebook_incident *ret_incident, struct error *err)
{
        int r = casebook_open(request->state, writable, ret_book, err);

        if (r == -ENOENT)
                err->status = EXIT_USAGE;
        if (r == 0 && ret_incident)
                r = casebook_get(*ret_book, request->number, ret_incident, err);
        if (r == 0 && writable)
                journal_sink_open(&request->journal, request->state, false);
        return r;
}

static const struct verb {
        const char *name;
        int (*run)(struct incident_request *request);
        bool numbered;
} verbs[] = {
        {"open",      incident_open,     false},
        { "list",     incident_list,     false},
        { "show",     incident_show,     true },
        { "add",      incident_add,      true },
        { "set",      incident_set,      true },
        { "aware",    incident_aware,    true },
        { "exposure", incident_exposure, true },
        { "report",   incident_report,   true },
        { "notices",  incident_notices,  true },
        { "serve",    incident_serve,    false},
        { "watch",    incident_watch,    false},
        { "timeline", incident_timeline, true },
        { "mail",     incident_mail,     true },
        { "complaint", incident_complaint, true },
        { "task",     incident_task,     true },
        { "close",    incident_close,    true },
        { "forget",   incident_forget,   true },
};

static int dispatch(struct incident_request *request, int argc, char *argv[])
{
        const struct verb *verb = NULL;
        uint64_t number = 0;
        int used = 1;

        for (size_t i = 0; i < LENGTH(verbs) && argc > 0; i++)
                if (text_equal(verbs[i].name, argv[0]))
                        verb = &verbs[i];
        if (!verb)
                return command_usage(&command_incident,
                                     _("say one of: open, list, show, add, set, aware, exposure, timeline, complaint, report, notices, mail, serve, watch, task, close, forget"));
        if (verb->numbered) {
                const bool new = argc > 1 && verb->run == incident_complaint && text_equal(argv[1], "new");

                if (!new && (argc < 2 || text_parse_u64(argv[1], strlen(argv[1]), NUMBER_MAXIMUM, &number) < 0 || !number))
                        return command_usage(&command_incident, _("%s needs the number of an incident"), verb->name);
                used = 2;
        }
        request->number = (int64_t)number;
        request->arguments = argv + used;
        request->argument_count = argc - used;
        if (request->argument_count && verb->run != incident_set && verb->run != incident_task &&
            verb->run != incident_complaint)
                return command_usage(&command_incident, _("there is an argument too many: '%s'"), argv[used]);
        return verb->run(request);
}

static void request_done(struct incident_request *request)
{
        struct command_texts *all[] = { &request->servers, &request->paths,  &request->pages,       &request->login_paths,
                                         &request->journals, &request->logs,  &request->logins,      &request->last_logins,
                                         &request->clocks,   &request->alerts, &request->traces,      &request->addresses,
                                         &request->connects };

        command_texts_done(all, LENGTH(all));
        journal_sink_close(&request->journal);
}

static int run(int argc, char *argv[])
{
        struct incident_request request = { 0 };
        int code, status = EXIT_DONE;

        while (status == EXIT_DONE &&
               (code = command_option(argc, argv, &command_incident, options, help, &request.common)) != -1)
                status = code == '?' ? EXIT_USAGE : set_option(&request, code, optarg);
        request.state = state_directory(request.common.state);
        if (status == EXIT_DONE)
                status = dispatch(&request, argc - optind, argv + optind);
        request_done(&request);
        return status;
}

const struct command command_incident = {
        .name = "incident",
        .run = run,
        .synopsis = "incident open|list|show N|add N|set N KEY=TEXT|aware N|exposure N|timeline N|complaint N|report N|notices N|mail N|serve|watch|task N SERVER TEXT|close N|forget N [...]",
        .summary = N_("what was served that should not have been, when, and to whom"),
};
