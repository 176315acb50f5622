/* password.c - asking for a password: on the terminal without echo, or from the file that a machine was given. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/password_file.h"
#include "cli/command.h"

#define FILE_VARIABLE "UNDERSTUDY_PASSWORD_FILE"

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
        caught = number;
}

/* One line from the terminal into the buffer; -EINTR when a signal came. */
static int read_line(int terminal, struct buffer *line)
{
        for (;;) {
                char byte;
                ssize_t n = read(terminal, &byte, 1);
                int r;

                if (n < 0)
                        return -errno;
                if (n == 0 || byte == '\n')
                        return 0;
                r = buffer_append(line, &byte, 1);
                if (r < 0)
                        return r;
        }
}

/* Ctrl-C must not leave the terminal without echo: the signals that end us are caught, and sent again afterwards. The
 * prompt comes last, for what is typed before the echo is off is thrown away. */
static int read_without_echo(int terminal, const char *prompt, struct buffer *line)
{
        static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
        struct sigaction action = { .sa_handler = catch_signal }, kept[LENGTH(numbers)];
        struct termios before, silent;
        int r;

        if (tcgetattr(terminal, &before) < 0)
                return -errno;
        caught = 0;
        for (size_t i = 0; i < LENGTH(numbers); i++)
                sigaction(numbers[i], &action, &kept[i]);
        silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
        r = tcsetattr(terminal, TCSAFLUSH, &silent) < 0 ? -errno : 0;
        if (r == 0)
                r = write_full(terminal, prompt, strlen(prompt));
        if (r == 0)
                r = read_line(terminal, line);
        (void)tcsetattr(terminal, TCSAFLUSH, &before);
        (void)write_full(terminal, "\n", 1);
        for (size_t i = 0; i < LENGTH(numbers); i++)
                sigaction(numbers[i], &kept[i], NULL);
        if (caught)
                raise(caught);
        return r;
}

static int ask(const char *prompt, struct buffer *password, struct error *err)
{
        _cleanup_(fd_closep) int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        int r;

        if (terminal < 0)
                return error_set(err, -ENOTTY,
                                 _("cannot ask for a password: there is no terminal; put the password into a file that "
                                   "only you may read and name it in %s"),
                                 FILE_VARIABLE);
        r = buffer_reserve(password, password->maximum);
        if (r < 0)
                return error_memory(err);
        r = read_without_echo(terminal, prompt, password);
        if (r == -E2BIG)
                return error_set(err, r, _("the password is longer than %zu bytes"), password->maximum);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the password from the terminal"));
        return 0;
}

int command_password(void *context _unused_, const char *what, struct buffer *password, struct error *err)
{
        const char *file = getenv(FILE_VARIABLE);
        char prompt[512];

        if (file && *file)
                return password_file_read(file, password, err);
        snprintf(prompt, sizeof(prompt), _("Password for %s: "), what);
        return ask(prompt, password, err);
}

int command_new_password(const char *what, struct buffer *password, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer again = BUFFER_INIT(PASSWORD_MAXIMUM);
        const char *file = getenv(FILE_VARIABLE);
        char prompt[512];
        int r;

        if (file && *file)
                return password_file_read(file, password, err);
        snprintf(prompt, sizeof(prompt), _("New password for %s: "), what);
        r = ask(prompt, password, err);
        if (r < 0)
                return r;
        if (password->length == 0)
                return error_set(err, -EINVAL,
                                 _("the password is empty; use --no-password if the key is to have none"));
        r = ask(_("The same again: "), &again, err);
        if (r < 0)
                return r;
        if (again.length != password->length || memcmp(again.data, password->data, again.length) != 0)
                return error_set(err, -EINVAL, _("the two passwords differ; nothing was made"));
        return 0;
}
