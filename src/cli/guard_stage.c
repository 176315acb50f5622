/* guard_stage.c - start `withdraw --again`, and hear what it did. */
#include "cli/guard_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/io.h"

#define LOOK_MS        5000
#define ASK_MS         200 /* whether the look is over */
#define OUTPUT_MAXIMUM 65536

static bool is_withdrawn(const struct guard_stage *stage)
{
        char path[PATH_MAX];

        return (size_t)snprintf(path, sizeof(path), "%s/withdrawn.json", stage->state) < sizeof(path) &&
               access(path, F_OK) == 0;
}

/* Without a word when it cannot be started: the next turn tries again, and status says what is in force. */
static void start(struct guard_stage *stage)
{
        const char *const argv[] = { stage->self, "withdraw", "--again", "--json", "--state", stage->state, NULL };
        struct child_options options = { .input = -1 };

        stage->output = memfd_create("withdraw", MFD_CLOEXEC);
        if (stage->output < 0)
                return;
        options.output_descriptor = stage->output;
        if (child_start(argv, &options, &stage->child, NULL) == 0)
                return;
        stage->child = 0;
        fd_close(&stage->output);
}

/* {"withdrawn": {...}, "changed": true}: it was put back. */
static bool has_changed(int output)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(OUTPUT_MAXIMUM);
        json_t *json = NULL;
        bool changed;

        if (lseek(output, 0, SEEK_SET) == 0 && read_to_end(output, &text) == 0)
                json = json_loadb(buffer_text(&text), text.length, 0, NULL);
        changed = json_is_true(json_object_get(json, "changed"));
        json_decref(json);
        return changed;
}

static enum guard_stage_news take_end(struct guard_stage *stage, int status)
{
        const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        const bool told = stage->failing;
        const bool changed = has_changed(stage->output);

        stage->child = 0;
        fd_close(&stage->output);
        stage->failing = !done;
        if (done)
                return changed ? GUARD_STAGE_AGAIN : GUARD_STAGE_QUIET;
        return told ? GUARD_STAGE_QUIET : GUARD_STAGE_FAILED;
}

enum guard_stage_news guard_stage_tick(struct guard_stage *stage)
{
        const int64_t now = clock_monotonic_ms();
        int status;

        if (stage->child > 0)
                return waitpid(stage->child, &status, WNOHANG) == stage->child ? take_end(stage, status)
                                                                               : GUARD_STAGE_QUIET;
        if (now < stage->due_ms)
                return GUARD_STAGE_QUIET;
        stage->due_ms = now + LOOK_MS;
        if (is_withdrawn(stage))
                start(stage);
        return GUARD_STAGE_QUIET;
}

int guard_stage_wait_ms(const struct guard_stage *stage)
{
        const int64_t left = stage->due_ms - clock_monotonic_ms();

        if (stage->child > 0)
                return ASK_MS;
        return left > 0 ? (int)left : 0;
}

void guard_stage_done(struct guard_stage *stage)
{
        if (stage->child <= 0)
                return;
        kill(stage->child, SIGKILL);
        while (waitpid(stage->child, NULL, 0) < 0 && errno == EINTR)
                ;
        stage->child = 0;
        fd_close(&stage->output);
}
