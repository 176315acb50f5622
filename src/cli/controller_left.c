#include "cli/controller_left.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "cli/left.h"

#define EVERY_MS         INT64_C(10000)
#define PAUSE_MS         INT64_C(2000) /* after the first that fails: a secondary is mostly a moment behind */
#define PAUSE_MAXIMUM_MS (10 * 60 * INT64_C(1000)) /* between two that fail; each says why */

static void begin(struct controller_left *left)
{
        const char *argv[] = { "/proc/self/exe", "switch",    "--finish", "--quiet", "--config", left->config,
                               "--state",        left->state, left->pub ? "--pub" : NULL, left->pub, NULL };
        const struct child_options options = { .input = -1 };

        if (child_start(argv, &options, &left->pid, NULL) < 0)
                left->pid = 0;
}

static void end(struct controller_left *left, int status)
{
        left->pid = 0;
        left->pause_ms = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : left->pause_ms ? left->pause_ms * 2 : PAUSE_MS;
        if (left->pause_ms > PAUSE_MAXIMUM_MS)
                left->pause_ms = PAUSE_MAXIMUM_MS;
        left->next_ms = clock_monotonic_ms() + (left->pause_ms ? left->pause_ms : EVERY_MS);
}

void controller_left_tick(struct controller_left *left)
{
        const int64_t now = clock_monotonic_ms();
        int status = 0;

        if (left->pid && waitpid(left->pid, &status, WNOHANG) == left->pid)
                end(left, status);
        if (left->pid || now < left->next_ms)
                return;
        left->next_ms = now + EVERY_MS;
        if (left_behind(left->state))
                begin(left);
        else
                left->pause_ms = 0;
}

void controller_left_stop(struct controller_left *left)
{
        if (!left->pid)
                return;
        kill(left->pid, SIGKILL);
        while (waitpid(left->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        left->pid = 0;
}
