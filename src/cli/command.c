#include "command.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/trusted.h"
#include "cli/language.h"
#include "tree/state.h"

#define OPTIONS_MAXIMUM 80

enum {
        OPTION_HELP = OPTION_COMMON,
        OPTION_JSON,
        OPTION_STATE,
        OPTION_CONFIG,
        OPTION_LANG,
};

static const struct option common_options[] = {
        {"help",     no_argument,       NULL, OPTION_HELP  },
        { "json",    no_argument,       NULL, OPTION_JSON  },
        { "state",   required_argument, NULL, OPTION_STATE },
        { "config",  required_argument, NULL, OPTION_CONFIG},
        { "lang",    required_argument, NULL, OPTION_LANG  },
        { "quiet",   no_argument,       NULL, 'q'          },
        { "verbose", no_argument,       NULL, 'v'          },
};

/* The command's options and the common ones in one table, and the letters among them as getopt(3) wants them. */
struct option_table {
        struct option options[OPTIONS_MAXIMUM + 1];
        size_t count;
        char letters[3 * OPTIONS_MAXIMUM];
        size_t letters_length;
};

static void add_option(struct option_table *table, const struct option *option)
{
        assert(table->count < OPTIONS_MAXIMUM);
        table->options[table->count++] = *option;
        if (option->val <= 0 || option->val >= 256)
                return;
        table->letters[table->letters_length++] = (char)option->val;
        if (option->has_arg == required_argument)
                table->letters[table->letters_length++] = ':';
}

static void fill_table(struct option_table *table, const struct option *options)
{
        memset(table, 0, sizeof(*table));
        table->letters[table->letters_length++] = ':'; /* tells a missing value from an unknown option */
        for (; options && options->name; options++)
                add_option(table, options);
        for (size_t i = 0; i < LENGTH(common_options); i++)
                add_option(table, &common_options[i]);
        table->letters[table->letters_length++] = 'h';
}

static void print_help(const struct command *command, const char *help)
{
        printf(_("usage: understudy %s\n"), command->synopsis);
        printf("\n%s\n\n", _(command->summary));
        if (help && *help)
                printf("%s%s\n", _(help), text_ends(help, "\n") ? "" : "\n");
        printf("%s", _("Options of every command:\n"
                       "  --json           results as one JSON object on standard output\n"
                       "  -q, --quiet      only errors and results\n"
                       "  -v, --verbose    say more\n"
                       "  --state DIR      what this server remembers (else $UNDERSTUDY_STATE, else "
                       "/var/lib/understudy)\n"
                       "  --config FILE    configuration\n"
                       "  --lang en|ja     language of the words\n"
                       "  -h, --help       this text\n"
                       "\n"
                       "Exit status: 0 done, nothing found; 1 found something; 2 wrong use; 3 could not be done; "
                       "4 refused by a rule.\n"));
}

/* Fails like any other write of a result: main() looks at standard output last. */
static _Noreturn void end_after_help(void)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                exit(EXIT_DONE);
        exit(EXIT_FAILED);
}

static void option_error(const struct command *command, int code, const char *given)
{
        if (code == ':')
                command_usage(command, _("the option %s needs a value"), given);
        else if (optopt > 0 && optopt < 256 && !text_starts(given, "--"))
                command_usage(command, _("there is no option -%c"), optopt);
        else if (optopt)
                command_usage(command, _("the option %s takes no value"), given);
        else
                command_usage(command, _("there is no option %s, or it is short for more than one"), given);
}

/* Here, for every command and before any of them opens it: what it remembers is believed. */
static int look_at_state(const struct common *common)
{
        struct error error = ERROR_NONE;

        if (trusted_folder(state_directory(common->state), &error) == 0)
                return -1;
        command_fail(&error);
        return '?';
}

int command_option(int argc, char *argv[], const struct command *command, const struct option *options,
                   const char *help, struct common *common)
{
        static struct option_table table; /* getopt_long() keeps no pointer into it between calls */

        fill_table(&table, options);
        opterr = 0;
        for (;;) {
                int code = getopt_long(argc, argv, table.letters, table.options, NULL);

                switch (code) {
                case 'h':
                case OPTION_HELP: print_help(command, help); end_after_help();
                case OPTION_JSON: common->json = true; break;
                case OPTION_STATE: common->state = optarg; break;
                case OPTION_CONFIG: common->config = optarg; break;
                case 'q': common->quiet = true; break;
                case 'v': common->verbose++; break;
                case OPTION_LANG:
                        if (language_choose(optarg) < 0) {
                                command_usage(command, _("there is no language '%s'; write en or ja"), optarg);
                                return '?';
                        }
                        break;
                case ':':
                case '?': option_error(command, code, argv[optind > 0 ? optind - 1 : 0]); return '?';
                case -1: return look_at_state(common);
                default: return code;
                }
        }
}

int command_fail(const struct error *err)
{
        progress_end();
        fflush(stdout);
        fprintf(stderr, "understudy: %s\n", err->text);
        return err->status == EXIT_DONE ? EXIT_FAILED : err->status;
}

int command_text(struct command_texts *texts, const char *text)
{
        struct error error = ERROR_NONE;

        if (memory_grow(&texts->list, texts->count, sizeof(*texts->list)) < 0) {
                error_memory(&error);
                return command_fail(&error);
        }
        texts->list[texts->count++] = text;
        return EXIT_DONE;
}

void command_texts_done(struct command_texts *const all[], size_t count)
{
        for (size_t i = 0; i < count; i++)
                free(all[i]->list);
}

int command_signals(void)
{
        sigset_t set;
        int fd;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

int command_usage(const struct command *command, const char *format, ...)
{
        struct error error = ERROR_NONE;
        char words[ERROR_TEXT_SIZE];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(words, sizeof(words), format, arguments);
        va_end(arguments);
        error_usage(&error, "%s", words);
        command_fail(&error);
        if (command)
                fprintf(stderr, _("usage: understudy %s\n"), command->synopsis);
        return EXIT_USAGE;
}

int command_print_json(json_t *value)
{
        struct error error = ERROR_NONE;
        int r = 0;

        if (!value)
                r = error_memory(&error);
        else if (json_dumpf(value, stdout, 0) < 0 || fputc('\n', stdout) == EOF || fflush(stdout) != 0)
                r = error_errno(&error, errno ? errno : EIO, _("cannot write the result to standard output"));
        json_decref(value);
        return r < 0 ? command_fail(&error) : EXIT_DONE;
}

json_t *command_json_name(const char *name, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(1U << 20);

        if (text_escape(&text, name, length) < 0)
                return NULL;
        return json_stringn(buffer_text(&text), text.length);
}
