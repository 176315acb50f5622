/*
 * steps_exec.c - the stage moved by programs of the operator's: an elastic address, a load balancer, a name at a provider.
 *
 * One program moves, another one says who is on stage. The first is told who is to be; what it answers is words. The second is
 * told nothing of the move, so that it cannot say what is hoped for. understudy.conf(5) has the contract.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "program.h"
#include "steps_private.h"
#include "whereabouts.h"

#define SAID_MAXIMUM     4096 /* bytes that the one that looks may print, and that either may complain */
#define SETTLE_PAUSE_MS  200
#define ENVIRONMENT_SIZE 4096
#define VARIABLES        8

struct surroundings {
        struct buffer text; /* the variables, each with its NUL */
        const char *list[VARIABLES + 1];
};

static int add(struct surroundings *around, const char *format, ...) _printf_(2, 3);
static int add(struct surroundings *around, const char *format, ...)
{
        char line[ENVIRONMENT_SIZE / 2];
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);
        return length < 0 || (size_t)length >= sizeof(line) ? -E2BIG : buffer_append(&around->text, line, (size_t)length + 1);
}

/* Once the text moves no more. */
static void finish(struct surroundings *around)
{
        size_t count = 0;

        for (const char *at = buffer_text(&around->text), *end = at + around->text.length; at < end && count < VARIABLES;
             at += strlen(at) + 1)
                around->list[count++] = at;
        around->list[count] = NULL;
}

static int add_addresses(struct surroundings *around, const char *name, const struct config_server *server)
{
        char text[CONFIG_ADDRESSES_MAXIMUM * CONFIG_ADDRESS_SIZE] = "";
        size_t used = 0;

        for (size_t i = 0; i < server->addresses.count; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "", server->addresses.items[i].text);
        return add(around, "%s=%s", name, text);
}

/* Of either program; the other variables are told to the one that moves alone. */
static int begin(const struct steps *steps, struct surroundings *around)
{
        int r = add(around, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

        r = r < 0 ? r : add(around, "LC_ALL=C.UTF-8");
        return r < 0 ? r : add(around, "UNDERSTUDY_SITE=%s", steps->options.config->site);
}

static int tell_move(const struct steps *steps, bool undo, struct surroundings *around)
{
        const struct config_server *to = undo ? steps->from : steps->to, *from = undo ? steps->to : steps->from;
        int r = begin(steps, around);

        r = r < 0 ? r : add(around, "UNDERSTUDY_TO=%s", to->name);
        r = r < 0 ? r : add(around, "UNDERSTUDY_FROM=%s", from->name);
        r = r < 0 ? r : add_addresses(around, "UNDERSTUDY_TO_ADDRESSES", to);
        r = r < 0 ? r : add_addresses(around, "UNDERSTUDY_FROM_ADDRESSES", from);
        return r < 0 ? r : add(around, "UNDERSTUDY_MOVE=%s", steps->options.move->id);
}

/* ---- who is on stage ---- */

enum event steps_exec_look(struct steps *steps, struct error *err)
{
        const struct config_exec *exec = &steps->options.config->exec;
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(SAID_MAXIMUM), complained = BUFFER_INIT(SAID_MAXIMUM);
        struct surroundings around = { .text = BUFFER_INIT(ENVIRONMENT_SIZE) };
        char words[PROGRAM_WORDS];
        int r = begin(steps, &around);

        finish(&around);
        if (r < 0)
                error_memory(err);
        else
                r = program_run(&(struct program){ exec->look, around.list, exec->timeout_ms }, &said, &complained, err);
        buffer_done(&around.text);
        if (r < 0)
                return EVENT_SEEN_NOTHING;
        if (r == 0)
                return whereabouts_read(buffer_text(&said), said.length, steps->options.config, steps->from, steps->to, err);
        program_words(&complained, words);
        error_set(err, -EIO, _("\"%s\" cannot tell who is on stage, it ended in %d: %s"), exec->look, r, words);
        return EVENT_SEEN_NOTHING;
}

/* What was moved may take a while to be seen. */
static int settle(struct steps *steps, bool undo, struct error *err)
{
        const enum event wanted = undo ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED;
        const int64_t end = clock_monotonic_ms() + steps->options.config->exec.settle_ms;
        enum event event;

        while ((event = steps_exec_look(steps, err)) != wanted && clock_monotonic_ms() < end)
                nanosleep(&(struct timespec){ .tv_nsec = SETTLE_PAUSE_MS * 1000000L }, NULL);
        if (event == wanted)
                return 0;
        if (event != EVENT_SEEN_NOTHING && event != EVENT_SEEN_PART)
                error_set(err, -ETIMEDOUT, _("\"%s\" says that it moved the stage, but \"%s\" still sees %s on it"),
                          steps->options.config->exec.move, steps->options.config->exec.look,
                          (undo ? steps->to : steps->from)->name);
        return -ETIMEDOUT;
}

int steps_exec(struct steps *steps, bool undo, struct error *err)
{
        const struct config_exec *exec = &steps->options.config->exec;
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(SAID_MAXIMUM), complained = BUFFER_INIT(SAID_MAXIMUM);
        struct surroundings around = { .text = BUFFER_INIT(ENVIRONMENT_SIZE) };
        char words[PROGRAM_WORDS];
        int r = tell_move(steps, undo, &around);

        finish(&around);
        if (r < 0)
                error_memory(err);
        else
                r = program_run(&(struct program){ exec->move, around.list, exec->timeout_ms }, &said, &complained, err);
        buffer_done(&around.text);
        if (r == 0)
                return settle(steps, undo, err);
        program_words(complained.length ? &complained : &said, words);
        return r < 0 ? r : error_set(err, -EIO, _("\"%s\" ended in %d: %s"), exec->move, r, words);
}

int steps_exec_ready(struct steps *steps, struct error *err)
{
        const enum event event = steps_exec_look(steps, err);

        return event == EVENT_SEEN_WANTED || event == EVENT_SEEN_BEFORE ? 0 : err && err->code ? err->code : -EIO;
}
