/*
 * move_driver.c - a move on a stage of files: WORLD/STEP is there when the step holds. For the tests of the ledger and the
 * conductor, which kill it anywhere and go on.
 *
 *     move_driver STATE WORLD begin planned|failover address|dns|both|exec
 *     move_driver STATE WORLD resume|undo
 *     move_driver table KIND             every step that a planned move, a failover, or the undo of a planned move from its last
 *                                        step before the fence can have, in its order; behind it "binds" when its intent is on
 *                                        the disk before it is done
 *
 * WORLD/lies-STEP: the act of this step does nothing and says that it did. Prints the actions; ends in 0 done, 1 undone, 2
 * wrong use, 3 failed, 4 stopped or refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/io.h"
#include "base/text.h"
#include "traffic/conductor.h"

static int world;

static bool is_there(const char *prefix, enum step step)
{
        char name[64];

        snprintf(name, sizeof(name), "%s%s", prefix, step_name(step));
        return faccessat(world, name, F_OK, 0) == 0;
}

static int act(void *context _unused_, enum step step, bool undo, struct error *err)
{
        int fd;

        printf("%s %s\n", undo ? "undo" : "act", step_name(step));
        if (is_there("lies-", step))
                return 0;
        if (undo)
                return unlinkat(world, step_name(step), 0);
        fd = openat(world, step_name(step), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_set(err, -EIO, "cannot do %s", step_name(step));
        close(fd);
        return 0;
}

/* A step that only looks holds when the one that it looks at does. */
static enum event look(void *context _unused_, enum step step, bool undo _unused_, struct error *err)
{
        if (is_there("dark-", step)) {
                error_set(err, -EIO, "%s cannot be seen", step_name(step));
                return EVENT_SEEN_NOTHING;
        }
        if (!machine_acts(step))
                return is_there("fails-", step) ? EVENT_SEEN_BEFORE : EVENT_SEEN_WANTED;
        return is_there("", step) ? EVENT_SEEN_WANTED : EVENT_SEEN_BEFORE;
}

static void progress(void *context _unused_, const struct machine *machine _unused_, enum action action _unused_,
                     const struct error *err _unused_)
{
}

static int answer(const struct machine *machine, enum action action, const struct error *err)
{
        if (action == ACTION_FINISH)
                return machine->back ? 1 : 0;
        fprintf(stderr, "%s: %s\n", action == ACTION_STOP ? "stopped" : "refused", err->text);
        return 4;
}

static int run(struct ledger *ledger, char **words, struct error *err)
{
        const struct stage stage = { act, look, progress, NULL };
        struct move move = { .from = "production", .to = "standby" };
        struct machine machine;
        enum action action;
        int r = ledger_current(ledger, &move, &machine, err);

        if (r < 0)
                return r;
        if (text_equal(words[0], "begin")) {
                if (r == 1)
                        return error_refuse(err, "a move has not ended");
                move.kind = text_equal(words[1], "failover") ? MOVE_FAILOVER : MOVE_PLANNED;
                move.by = text_equal(words[2], "address") ? MOVE_BY_ADDRESS :
                          text_equal(words[2], "dns")     ? MOVE_BY_DNS :
                          text_equal(words[2], "exec")    ? MOVE_BY_EXEC :
                                                            MOVE_BY_ADDRESS | MOVE_BY_DNS;
                machine_begin(&machine, move.kind, move.by);
                r = ledger_begin(ledger, &move, err);
                if (r < 0)
                        return r;
        } else if (r == 0) {
                return error_refuse(err, "no move is under way");
        }
        r = conduct(ledger, &move, &machine, text_equal(words[0], "undo") ? EVENT_UNDO : EVENT_BEGIN, &stage, &action, err);
        return r < 0 ? r : answer(&machine, action, err);
}

static void print_step(const struct machine *machine)
{
        printf("%s%s\n", step_name(machine->at), machine_binds(machine) ? " binds" : "");
}

static int print_table(const char *kind)
{
        const bool undo = text_equal(kind, "undo");
        struct machine machine;

        machine_begin(&machine, text_equal(kind, "failover") ? MOVE_FAILOVER : MOVE_PLANNED,
                      MOVE_BY_ADDRESS | MOVE_BY_DNS | MOVE_KEEPS | MOVE_BY_EXEC);
        if (undo) {
                machine.at = machine_before(&machine, STEP_FENCE);
                machine.back = true;
        }
        while (machine.at != STEPS) {
                /* A proof has nothing to be undone: it is over before anybody could look. */
                if (!undo || (machine_acts(machine.at) && machine.at != STEP_PROVE_OLD && machine.at != STEP_PROVE_NEW))
                        print_step(&machine);
                machine.at = undo ? machine_before(&machine, machine.at) : machine_after(&machine, machine.at);
        }
        return 0;
}

int main(int argc, char **argv)
{
        struct ledger_options options = { .actor = "test" };
        struct ledger *ledger = NULL;
        struct error error = ERROR_NONE;
        int r;

        if (argc == 3 && text_equal(argv[1], "table"))
                return print_table(argv[2]);
        if (argc < 4 || (text_equal(argv[3], "begin") && argc != 6)) {
                fprintf(stderr, "usage: move_driver STATE WORLD begin KIND BY | resume | undo; or table KIND\n");
                return 2;
        }
        options.state = argv[1];
        world = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = ledger_open(&options, &ledger, &error);
        if (r == 0)
                r = run(ledger, &argv[3], &error);
        if (r < 0)
                fprintf(stderr, "move_driver: %s\n", error.text);
        ledger_close(ledger);
        return r < 0 ? (int)error.status : r;
}
