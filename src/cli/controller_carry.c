#include "cli/controller_carry.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "carry/book.h"

#define PAUSE_MAXIMUM_MS (10 * 60 * INT64_C(1000)) /* between batches that fail; each says why */

static void begin(struct controller_carry *carry, int64_t now)
{
        const char *argv[12] = { "/proc/self/exe", "carry", "--quiet", "--config", carry->config, "--state", carry->state };
        const struct child_options options = { .input = -1 };
        size_t n = 7;

        if (carry->pub) {
                argv[n++] = "--pub";
                argv[n++] = carry->pub;
        }
        argv[n] = NULL;
        if (child_start(argv, &options, &carry->pid, NULL) < 0)
                carry->pid = 0;
        carry->next_ms = now + carry->every_ms;
}

/* What was refused or is in conflict is told when it changes. A site without areas is asked seldom: it may get one. */
static void hear(struct controller_carry *carry, struct controller_alerts *alerts)
{
        struct carry_book book = CARRY_BOOK_NONE;
        char sentence[ALERT_WHAT_MAXIMUM];

        if (carry_book_read(&book, carry->state, NULL) < 0) {
                carry_book_close(&book);
                return;
        }
        carry->pause_ms = book.areas ? 0 : PAUSE_MAXIMUM_MS;
        if (book.refused + book.conflicts != carry->told) {
                carry->told = book.refused + book.conflicts;
                snprintf(sentence, sizeof(sentence), _("in mutable areas %" PRIu64 " names break the rules of the release and were not "
                                                       "carried over, and %" PRIu64 " were written by both servers; 'understudy carry "
                                                       "--plan' names them"), book.refused, book.conflicts);
                if (carry->told)
                        controller_alerts_tell(alerts, ALERT_HIGH, "carry_refused", sentence);
        }
        carry_book_close(&book);
}

static void end(struct controller_carry *carry, struct controller_alerts *alerts, int status)
{
        const bool went_through = WIFEXITED(status) && WEXITSTATUS(status) <= 1;

        carry->pid = 0;
        if (went_through)
                hear(carry, alerts);
        else
                carry->pause_ms = carry->pause_ms ? carry->pause_ms * 2 : carry->every_ms;
        if (carry->pause_ms > PAUSE_MAXIMUM_MS)
                carry->pause_ms = PAUSE_MAXIMUM_MS;
        carry->next_ms += carry->pause_ms;
}

void controller_carry_tick(struct controller_carry *carry, struct controller_alerts *alerts)
{
        const int64_t now = clock_monotonic_ms();
        int status = 0;

        if (!carry->next_ms)
                carry->next_ms = now + carry->every_ms;
        if (!carry->pid && now >= carry->next_ms)
                begin(carry, now);
        else if (carry->pid && waitpid(carry->pid, &status, WNOHANG) == carry->pid)
                end(carry, alerts, status);
}

void controller_carry_stop(struct controller_carry *carry)
{
        if (!carry->pid)
                return;
        kill(carry->pid, SIGKILL);
        while (waitpid(carry->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        carry->pid = 0;
}
