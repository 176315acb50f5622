/* steps_power.c - a stand-by that rests powered off: started by the operator's command, and waited for. */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "program.h"
#include "steps_private.h"

#define ASK_MS       INT64_C(2000)
#define PAUSE_MS     500
#define COMMAND_MS   INT64_C(60000)
#define BOOT_MS      (10 * 60 * INT64_C(1000)) /* until its agent answers; firmware takes its time */
#define SAID_MAXIMUM 4096

bool steps_is_off(struct steps *steps)
{
        return steps->to->standby_rest == CONFIG_POWERED_OFF &&
                steps_ask(steps, STEPS_TO, "clock", NULL, ASK_MS, NULL, NULL) < 0;
}

static int run(struct steps *steps, struct error *err)
{
        static const char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                                   "LC_ALL=C.UTF-8", NULL };
        _cleanup_(buffer_done) struct buffer said = BUFFER_INIT(SAID_MAXIMUM), complained = BUFFER_INIT(SAID_MAXIMUM);
        const char *command = steps->to->power_on;
        char words[PROGRAM_WORDS];
        int r = program_run(&(struct program){ command, environment, COMMAND_MS }, &said, &complained, err);

        if (r <= 0)
                return r;
        program_words(&complained, words);
        return error_set(err, -EIO, _("\"%s\", which starts %s, ended in %d: %s"), command, steps->to->name, r, words);
}

/* That the command ended well does not say that the server runs: its agent does. */
int steps_power_on(struct steps *steps, struct error *err)
{
        const int64_t end = clock_monotonic_ms() + BOOT_MS;
        int r = steps_is_off(steps) ? run(steps, err) : 0;

        while (r == 0 && steps_is_off(steps)) {
                if (clock_monotonic_ms() >= end)
                        return error_set(err, -ETIMEDOUT, _("%s was started, and its agent does not answer"), steps->to->name);
                nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
        }
        return r;
}
