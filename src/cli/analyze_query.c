/* analyze_query.c - understudy analyze query: figures from a store. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/store.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/analyze.h"
#include "cli/command.h"

#define TOP_DEFAULT   10
#define HOSTS_MAXIMUM 64

enum {
        OPTION_STORE = OPTION_COMMAND,
        OPTION_REPORT,
        OPTION_CSV,
        OPTION_TOP,
        OPTION_OWN,
        OPTION_FROM,
        OPTION_TO,
};

static const struct option options[] = {
        {"store",   required_argument, NULL, OPTION_STORE },
        { "report", no_argument,       NULL, OPTION_REPORT},
        { "csv",    no_argument,       NULL, OPTION_CSV   },
        { "top",    required_argument, NULL, OPTION_TOP   },
        { "own",    required_argument, NULL, OPTION_OWN   },
        { "from",   required_argument, NULL, OPTION_FROM  },
        { "to",     required_argument, NULL, OPTION_TO    },
        { NULL,     0,                 NULL, 0            },
};

static const char *help(void)
{
        return _("Answers from the store that analyze --follow keeps.\n");
}

struct request {
        struct common common;
        struct store_question question;
        const char *own[HOSTS_MAXIMUM + 1];
        size_t own_count;
        const char *store;
        bool report, csv;
};

static int set_option(struct request *request, int code, char *argument)
{
        uint64_t number = 0;
        int r;

        switch (code) {
        case OPTION_STORE: request->store = argument; return 0;
        case OPTION_REPORT: request->report = true; return 0;
        case OPTION_CSV: request->csv = true; return 0;
        case OPTION_TOP:
                r = analyze_number(argument, 1000000000, &number);
                request->question.top = (size_t)number;
                return r;
        case OPTION_OWN:
                request->question.own_hosts = request->own;
                return analyze_own(request->own, HOSTS_MAXIMUM, &request->own_count, argument);
        case OPTION_FROM: return analyze_time(argument, &request->question.from_us);
        case OPTION_TO: return analyze_time(argument, &request->question.until_us);
        default: return -EINVAL;
        }
}

static int report(const struct request *request, struct store *store)
{
        struct error error = ERROR_NONE;
        struct summary summary = { 0 };
        int status = EXIT_DONE;

        if (store_summary(store, &request->question, &summary, &error) < 0)
                return command_fail(&error);
        if (request->common.json)
                status = command_print_json(analyze_json(&summary, NULL));
        else if (!request->csv)
                analyze_print(stdout, &summary);
        else if (analyze_csv(stdout, &summary) < 0) {
                error_memory(&error);
                status = command_fail(&error);
        }
        summary_done(&summary);
        return status;
}

int analyze_query(int argc, char *argv[])
{
        struct request request = { .question.top = TOP_DEFAULT };
        _cleanup_(store_closep) struct store *store = NULL;
        struct error error = ERROR_NONE;
        int code;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &request.common)) != -1)
                if (set_option(&request, code, optarg) < 0)
                        return EXIT_USAGE;
        if (!request.store)
                return command_usage(&command_analyze, _("query needs --store FILE"));
        request.question.answered_only = !request.common.json && !request.csv;
        if (store_open(request.store, false, &store, &error) < 0)
                return command_fail(&error);
        return report(&request, store);
}
