/* journal.c - understudy journal: show, verify and export what stands in a server's journal. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/journal_show.h"
#include "journal/export.h"
#include "journal/record.h"
#include "journal/verify.h"
#include "tree/state.h"
#include "witness/receiver.h"
#include "witness/witness.h"

#define CHECKPOINTS_MAXIMUM 256
#define LINES_MAXIMUM       1000000
#define NODE_KEYS_MAXIMUM   16

enum {
        OPTION_DIR = OPTION_COMMAND,
        OPTION_KIND,
        OPTION_SINCE,
        OPTION_UNTIL,
        OPTION_PATH,
        OPTION_CHECKPOINT,
        OPTION_PUB,
        OPTION_FOLDER,
        OPTION_LISTEN
};

static const struct option options[] = {
        {"dir",         required_argument, NULL, OPTION_DIR       },
        { "kind",       required_argument, NULL, OPTION_KIND      },
        { "since",      required_argument, NULL, OPTION_SINCE     },
        { "until",      required_argument, NULL, OPTION_UNTIL     },
        { "path",       required_argument, NULL, OPTION_PATH      },
        { "lines",      required_argument, NULL, 'n'              },
        { "follow",     no_argument,       NULL, 'f'              },
        { "checkpoint", required_argument, NULL, OPTION_CHECKPOINT},
        { "pub",        required_argument, NULL, OPTION_PUB       },
        { "folder",     required_argument, NULL, OPTION_FOLDER    },
        { "listen",     required_argument, NULL, OPTION_LISTEN    },
        { NULL,         0,                 NULL, 0                },
};

struct request {
        struct common common;
        const char *dir, *witness_folder, *listen;
        struct journal_show show;
        char folder[PATH_MAX]; /* of the journal */
        const char *checkpoints[CHECKPOINTS_MAXIMUM];
        size_t checkpoint_count;
        struct note_key keys[NODE_KEYS_MAXIMUM];
        size_t key_count;
        int status;
};

/* ---- options ---- */

static int parse_time(const char *text, char time[static RECORD_TIME_SIZE], struct error *err)
{
        int64_t seconds = 0, ago = 0;

        if (clock_parse_utc(text, &seconds) < 0) {
                if (clock_parse_duration(text, &ago, NULL) < 0)
                        return error_usage(err,
                                           _("'%s' is no time; write 2009-07-06, 2009-07-06T09:00:00Z, or how long ago "
                                             "(15m, 24h, 7d)"),
                                           text);
                seconds = clock_now() - ago;
        }
        record_format_time(seconds * 1000000, time);
        return 0;
}

static int parse_lines(struct request *request, const char *text, struct error *err)
{
        if (text_parse_u64(text, strlen(text), LINES_MAXIMUM, &request->show.lines) < 0)
                return error_usage(err, _("'%s' is no number of records"), text);
        return 0;
}

/* The key itself (NAME+ID+KEY), or a file that holds it. */
static int parse_pub(struct request *request, const char *text, struct error *err)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(NOTE_KEY_TEXT_MAXIMUM);
        struct note_key *key = &request->keys[request->key_count];
        int r;

        if (request->key_count == NODE_KEYS_MAXIMUM)
                return error_usage(err, _("more than %d keys are given"), NODE_KEYS_MAXIMUM);
        r = note_key_parse(text, strlen(text), key, NULL);
        if (r < 0) {
                r = file_read(AT_FDCWD, text, &bytes, err);
                if (r == 0)
                        r = note_key_parse(buffer_text(&bytes), bytes.length, key, err);
        }
        if (r < 0)
                return error_prefix(err, "--pub %s", text);
        request->key_count++;
        return 0;
}

static int parse_option(struct request *request, int code, struct error *err)
{
        switch (code) {
        case OPTION_DIR: request->dir = optarg; return 0;
        case OPTION_KIND: request->show.kind = optarg; return 0;
        case OPTION_PATH: request->show.path = optarg; return 0;
        case OPTION_SINCE: return parse_time(optarg, request->show.since, err);
        case OPTION_UNTIL: return parse_time(optarg, request->show.until, err);
        case 'n': return parse_lines(request, optarg, err);
        case 'f': request->show.follow = true; return 0;
        case OPTION_FOLDER: request->witness_folder = optarg; return 0;
        case OPTION_LISTEN: request->listen = optarg; return 0;
        case OPTION_PUB: return parse_pub(request, optarg, err);
        case OPTION_CHECKPOINT:
                if (request->checkpoint_count == CHECKPOINTS_MAXIMUM)
                        return error_usage(err, _("more than %d checkpoints are given"), CHECKPOINTS_MAXIMUM);
                request->checkpoints[request->checkpoint_count++] = optarg;
                return 0;
        }
        return error_usage(err, _("there is no such option"));
}

/* ---- show ---- */

static int show(struct request *request)
{
        request->show.common = &request->common;
        request->show.folder = request->folder;
        return journal_show(&request->show);
}

/* ---- verify ---- */

static void on_progress(void *context, uint64_t done, uint64_t total)
{
        const struct request *request = context;

        progress_show(&request->common, _("verifying"), done, total);
}

static int verify_json(const struct request *request, const struct journal_verdict *verdict)
{
        char hex[DIGEST_HEX_SIZE];
        json_t *json;

        digest_hex(&verdict->checkpoint.root, hex);
        json = json_pack("{s:b, s:s, s:s, s:o, s:I, s:s, s:b, s:I, s:I}", "whole", verdict->fault == JOURNAL_WHOLE,
                         "fault", journal_fault_name(verdict->fault), "words", verdict->sentence, "origin",
                         command_json_name(verdict->checkpoint.origin, strlen(verdict->checkpoint.origin)), "records",
                         (json_int_t)verdict->checkpoint.size, "root", hex, "pinned", verdict->pinned, "checkpoints",
                         (json_int_t)request->checkpoint_count, "agree", (json_int_t)verdict->held);
        return command_print_json(json);
}

static void verify_text(const struct request *request, const struct journal_verdict *verdict)
{
        if (request->common.quiet)
                return;
        if (verdict->fault != JOURNAL_WHOLE) {
                printf("%s\n", verdict->sentence);
                return;
        }
        printf(_("%s is whole: %" PRIu64 " records of %s.\n"), request->folder, verdict->records,
               verdict->checkpoint.origin);
        if (verdict->held)
                printf(i18n_plural("It continues the %zu checkpoint that was held elsewhere.\n",
                                "It continues the %zu checkpoints that were held elsewhere.\n",
                                (unsigned long)verdict->held),
                       verdict->held);
        else
                printf(_("No checkpoint from elsewhere was given: that nothing was cut off or rewritten by somebody "
                         "with "
                         "the key is not shown.\n"));
        if (!verdict->pinned)
                printf(_("The key lies beside the journal; give the one that you know with --pub.\n"));
}

static int read_held(const struct request *request, struct journal_held *held, struct buffer *notes, struct error *err)
{
        for (size_t i = 0; i < request->checkpoint_count; i++) {
                int r;

                notes[i] = (struct buffer)BUFFER_INIT(NOTE_MAXIMUM);
                r = file_read(AT_FDCWD, request->checkpoints[i], &notes[i], err);
                if (r < 0)
                        return r;
                held[i] = (struct journal_held){ request->checkpoints[i], buffer_text(&notes[i]), notes[i].length };
        }
        return 0;
}

static int verify(struct request *request)
{
        static struct buffer notes[CHECKPOINTS_MAXIMUM];
        static struct journal_held held[CHECKPOINTS_MAXIMUM];
        struct journal_verdict verdict = { .fault = JOURNAL_WHOLE };
        struct error error = ERROR_NONE;
        int status = EXIT_DONE;
        int r = read_held(request, held, notes, &error);

        if (r == 0)
                r = journal_verify(request->folder, request->keys, request->key_count, held, request->checkpoint_count,
                                   on_progress, request, &verdict, &error);
        progress_end();
        for (size_t i = 0; i < request->checkpoint_count; i++)
                buffer_done(&notes[i]);
        if (r < 0)
                return command_fail(&error);
        if (request->common.json)
                status = verify_json(request, &verdict);
        else
                verify_text(request, &verdict);
        return status != EXIT_DONE ? status : verdict.fault == JOURNAL_WHOLE ? EXIT_DONE : EXIT_FOUND;
}

/* ---- export ---- */

static int export(struct request *request, const char *to)
{
        struct error error = ERROR_NONE;
        struct checkpoint checkpoint;
        int r = journal_export(request->folder, to, &checkpoint, &error);

        if (r < 0)
                return command_fail(&error);
        if (request->common.json)
                return command_print_json(
                        json_pack("{s:s, s:I}", "origin", checkpoint.origin, "records", (json_int_t)checkpoint.size));
        if (!request->common.quiet)
                printf(_("%" PRIu64 " records of %s are in %s.\n"), checkpoint.size, checkpoint.origin, to);
        return EXIT_DONE;
}

/* ---- tell ---- */

static void on_told(void *context, const struct witness_entry *entry, const struct error *error)
{
        struct request *request = context;

        if (error) {
                int status = command_fail(error);

                if (request->status != EXIT_REFUSED) /* that is worth more than a share that is not mounted */
                        request->status = status;
        } else if (!request->common.quiet) {
                printf(_("%s has the newest checkpoint.\n"), entry->address);
        }
}

static int tell(struct request *request)
{
        struct error error = ERROR_NONE;
        int r = witness_tell_all(request->folder, on_told, request, &error);

        if (r < 0)
                return command_fail(&error);
        return request->status;
}

/* ---- witness ---- */

static void on_ready(void *context, const char *key, const char *where)
{
        const struct request *request = context;

        if (!request->common.quiet)
                printf(_("%s\nready on %s\n"), key, where);
        fflush(stdout);
}

static void on_note(void *context, const char *sentence)
{
        (void)context;
        fprintf(stderr, "understudy: %s\n", sentence);
}

static int witness(struct request *request)
{
        struct receiver_options how = { .folder = request->witness_folder,
                                        .listen = request->listen,
                                        .logs = request->keys,
                                        .log_count = request->key_count,
                                        .ready = on_ready,
                                        .note = on_note,
                                        .context = request };
        struct error error = ERROR_NONE;

        if (!how.folder || !how.listen)
                return command_usage(&command_journal, _("witness needs --folder DIR and --listen ADDRESS:PORT"));
        return receiver_run(&how, &error) < 0 ? command_fail(&error) : EXIT_DONE;
}

/* ---- the command ---- */

static int choose_folder(struct request *request, struct error *err)
{
        int length = request->dir ? snprintf(request->folder, PATH_MAX, "%s", request->dir)
                                  : snprintf(request->folder, PATH_MAX, "%s/journal",
                                             state_directory(request->common.state));

        return length < PATH_MAX ? 0 : error_usage(err, _("the path of the journal is too long"));
}

static int dispatch(struct request *request, int argc, char *argv[])
{
        const char *verb = argc > 0 ? argv[0] : "";

        if (text_equal(verb, "show") && argc == 1)
                return show(request);
        if (text_equal(verb, "verify") && argc == 1)
                return verify(request);
        if (text_equal(verb, "export") && argc == 2)
                return export(request, argv[1]);
        if (text_equal(verb, "tell") && argc == 1)
                return tell(request);
        if (text_equal(verb, "witness") && argc == 1)
                return witness(request);
        return command_usage(&command_journal, _("say one of: show, verify, export FOLDER, tell, witness"));
}

static int run(int argc, char *argv[])
{
        static struct request request;
        struct error error = ERROR_NONE;
        int code;

        memset(&request, 0, sizeof(request));
        request.show.lines = UINT64_MAX;
        while ((code = command_option(
                        argc, argv, &command_journal, options,
                        N_("Shows what stands in this server's journal, proves that nobody rewrote it, or copies it.\n"
                           "\n"
                           "  show              the records, oldest first; --json: one object a line\n"
                           "  verify            every record and hash against the signed checkpoint\n"
                           "  export FOLDER     the log for others: C2SP tlog-tiles, without any key\n"
                           "  tell              the newest checkpoint to the journal's witnesses, now\n"
                           "  witness           is a witness for other servers, over HTTP\n"
                           "\n"
                           "  --dir DIR         the journal (STATE/journal)\n"
                           "  --kind KIND       show: only records of this kind\n"
                           "  --path PATH       show: only records of this path, or of what is below it\n"
                           "  --since TIME      show: from a date, a time, or how long ago (15m, 24h, 7d)\n"
                           "  --until TIME      show: up to then\n"
                           "  -n, --lines N     show: only the last N\n"
                           "  -f, --follow      show: the last ten, and what comes from now on\n"
                           "  --checkpoint FILE verify: a checkpoint that was held elsewhere; may be repeated\n"
                           "  --pub KEY         verify: the journal's public key or a file with it; witness: a "
                           "journal\n"
                           "                    that becomes known to it; may be repeated\n"
                           "  --folder DIR      witness: where it keeps checkpoints, and its key\n"
                           "  --listen WHERE    witness: ADDRESS:PORT or unix:PATH\n"),
                        &request.common)) != -1) {
                if (code == '?')
                        return EXIT_USAGE;
                if (parse_option(&request, code, &error) < 0)
                        return command_fail(&error);
        }
        if (choose_folder(&request, &error) < 0)
                return command_fail(&error);
        return dispatch(&request, argc - optind, argv + optind);
}

const struct command command_journal = {
        .name = "journal",
        .run = run,
        .synopsis = "journal show|verify|export FOLDER|tell|witness [--dir DIR] [--kind KIND] [--path PATH] "
                    "[--since TIME] [--until TIME] [-n N] [-f] "
                    "[--checkpoint FILE ...] [--pub KEY ...] [--folder DIR] [--listen WHERE]",
        .summary = N_("show, prove or copy the journal"),
};
