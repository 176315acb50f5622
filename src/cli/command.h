/*
 * command.h - what all subcommands share: the table, common options, and how results and errors are printed.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

struct command {
        const char *name;
        int (*run)(int argc, char *argv[]); /* argv[0] is the name; returns an enum exit_status */
        const char *synopsis;               /* "publish SRC --repo DIR --key FILE [...]", not translated */
        const char *summary;                /* one line, N_() */
};

/* Options that every command has. */
struct common {
        bool json, quiet;
        int verbose;
        const char *state;
        const char *config;
};

/* Codes for long options of the commands start here; the common ones lie below. */
enum { OPTION_COMMON = 1000, OPTION_COMMAND = 2000 };

/*
 * getopt_long() with the common options added to the command's own (a NULL-terminated array, codes from OPTION_COMMAND
 * on, or a letter). Handles --help (prints `help`, an N_(), under the synopsis and ends the program with 0) and --lang itself.
 * Returns the next code, -1 at the end, or '?' after an error was printed, also when the state folder is not to be trusted
 * (base/trusted.h): the command then returns EXIT_USAGE.
 */
int command_option(int argc, char *argv[], const struct command *command, const struct option *options,
                   const char *help, struct common *common);

/* Prints the sentence to standard error ("understudy: ...") and returns its exit status. */
int command_fail(const struct error *err);

/* The arguments of an option that may be given again. */
struct command_texts {
        const char **list; /* owned; its members are arguments of the command line */
        size_t count;
};

/* Adds one; EXIT_DONE, or the exit status after the sentence. */
int command_text(struct command_texts *texts, const char *text);
void command_texts_done(struct command_texts *const all[], size_t count);

/* For commands that run until they are told to end: SIGTERM and SIGINT are blocked, and told by the signalfd(2) that is
 * returned. Negative errno. */
int command_signals(void);

/* The same for a wrong use that the command found itself, with the synopsis under it (command NULL: without). Returns
 * EXIT_USAGE. */
int command_usage(const struct command *command, const char *format, ...) _printf_(2, 3);

/* JSON to standard output, one object, keys in the order in which they were set; takes the reference. Returns
 * EXIT_DONE, or EXIT_FAILED when it cannot be written. */
int command_print_json(json_t *value);

/* A string of JSON from raw bytes: UTF-8 with \ooo escapes as text_escape(). */
json_t *command_json_name(const char *name, size_t length);

/* Progress on a terminal (standard error), nothing elsewhere or with --quiet. progress_end() wipes the line. With
 * UNDERSTUDY_PROGRESS=lines, as the agent sets it for its children, a line "progress: DONE TOTAL WHAT" twice a second
 * instead. */
#define PROGRESS_VARIABLE "UNDERSTUDY_PROGRESS"
#define PROGRESS_LINE     "progress: "
void progress_show(const struct common *common, const char *what, uint64_t done, uint64_t total);
void progress_end(void);

/* Asks for a password on the terminal without echo; fits crypto/key.h. UNDERSTUDY_PASSWORD_FILE names a file to read
 * instead, for machines. */
int command_password(void *context, const char *what, struct buffer *password, struct error *err);

/* Asks twice, for a key that is about to be made; an empty one and two that differ are errors. */
int command_new_password(const char *what, struct buffer *password, struct error *err);

extern const struct command command_keygen, command_delegate, command_revoke, command_refresh, command_adopt,
        command_publish, command_releases, command_pull, command_verify, command_analyze, command_check,
        command_journal, command_guard, command_status, command_switch, command_return, command_withdraw, command_alert, command_incident, command_demo,
        command_init, command_agent, command_controller, command_keeper, command_fence, command_fleet, command_carry;

#endif
