/* pulls.c - the pull that heals, and the examination that proves its result. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "guard/guard_private.h"

#define OUTPUT_MAXIMUM 4096
#define HEALING_FILE   "guard.healing" /* there from the start of a pull until `healed` is written */

/* ---- verifiers ---- */

static void verifier_tree_of(const struct site_tree *tree, const struct site_release *const releases[],
                             struct verifier_tree *ret)
{
        ret->gone = tree->gone;
        ret->area = tree->area;
        ret->allow = tree->allow;
        for (size_t i = 0; i < VERIFIER_RELEASES && !tree->area; i++) {
                size_t root = releases[i] ? site_release_root(releases[i], tree->name) : RELEASE_ROOTS_MAXIMUM;

                if (root == RELEASE_ROOTS_MAXIMUM)
                        continue;
                ret->index[i] = releases[i]->index[root];
                ret->companion[i] = &releases[i]->reference->roots[root].companion;
        }
}

/* Where files of an old release may still be open: in the tree behind the exchange. */
static void verifier_trees_of(const struct site *site, const struct site_tree *tree, struct verifier_tree *trees)
{
        const struct site_release *const coming[VERIFIER_RELEASES] = { site->release, site->next };
        const struct site_release *const going[VERIFIER_RELEASES] = { site->release,
                                                                     site->next ? site->next : site->previous };

        verifier_tree_of(tree, coming, &trees[tree->number]);
        if (tree->area)
                return;
        verifier_tree_of(tree, coming, &trees[tree->staged_number]);
        verifier_tree_of(tree, going, &trees[tree->parked_number]);
}

int pulls_verifiers(struct guard *guard, struct error *err)
{
        static struct verifier_tree trees[GATE_TREES];

        memset(trees, 0, sizeof(trees));
        for (size_t i = 0; i < guard->site_count; i++)
                for (size_t j = 0; j < guard->sites[i].site.tree_count; j++)
                        verifier_trees_of(&guard->sites[i].site, &guard->sites[i].site.trees[j], trees);
        return guard->keeper ? keeper_verifiers(guard->keeper, trees, err) : 0;
}

/* ---- the pull that heals ---- */

/* The descriptor for its words is its standard input, the only one that a child keeps: here it becomes the others. */
static int words_go_to_input(void *context)
{
        (void)context;
        return dup2(0, 1) < 0 || dup2(0, 2) < 0 ? -1 : 0;
}

/* Should this guard be killed as well, the next one knows by it. */
static void note_healing(const struct guarded *guarded, bool healing)
{
        const int folder = guarded->site.state->folder;
        _cleanup_(fd_closep) int fd = -1;

        if (healing)
                fd = openat(folder, HEALING_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        else
                (void)unlinkat(folder, HEALING_FILE, 0);
}

static int start_pull(struct guarded *guarded, struct error *err)
{
        const struct guard_options *options = guarded->guard->options;
        const char *argv[16];
        size_t n = 0;
        struct child_options child = { .before_exec = words_go_to_input };
        int r;

        argv[n++] = options->self;
        argv[n++] = "pull";
        argv[n++] = guarded->site.state->dest;
        argv[n++] = "--repo";
        argv[n++] = options->url;
        argv[n++] = "--pub";
        argv[n++] = options->pub_path;
        argv[n++] = "--state";
        argv[n++] = options->state_directory;
        argv[n++] = "--quiet";
        if (options->reload_command) {
                argv[n++] = "--reload";
                argv[n++] = options->reload_command;
        }
        argv[n] = NULL;
        guarded->pull_output = memfd_create("pull", MFD_CLOEXEC);
        if (guarded->pull_output < 0)
                return error_errno(err, errno, _("cannot heal %s"), guarded->site.state->dest);
        child.input = guarded->pull_output;
        note_healing(guarded, true);
        r = child_start(argv, &child, &guarded->pull, err);
        if (r < 0) {
                fd_close(&guarded->pull_output);
                guarded->pull = 0;
                return r;
        }
        guarded->pull_pidfd = (int)syscall(SYS_pidfd_open, guarded->pull, 0);
        guarded->pull_started_ms = clock_monotonic_ms();
        guarded->healing_since_ms = guarded->found_ms ? guarded->found_ms : guarded->pull_started_ms;
        guarded->exchanged_ms = 0;
        return 0;
}

static bool heals(const struct site *site)
{
        for (size_t i = 0; i < site->tree_count; i++)
                if (site->trees[i].mode == GUARD_HEAL && !site->trees[i].area)
                        return true;
        return false;
}

void pulls_resume(struct guarded *guarded)
{
        if (!heals(&guarded->site) ||
            faccessat(guarded->site.state->folder, HEALING_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        pulls_step(guarded, HEAL_BEGUN);
        pulls_step(guarded, HEAL_FINDING);
}

void pulls_step(struct guarded *guarded, enum heal_event event)
{
        struct error error = ERROR_NONE;
        bool looping = guarded->heal.looping;
        enum heal_action action = heal_step(&guarded->heal, event, clock_monotonic_ms());

        if (guarded->heal.looping && !looping)
                chronicle(guarded->guard, guarded, CHRONICLE_URGENT, "heal_loop", NULL, NULL,
                          N_("%s is tampered with again and again: it is healed with growing pauses; what differs is "
                             "refused meanwhile. Find what does it"),
                          guarded->site.state->dest);
        if (action != HEAL_PULL || start_pull(guarded, &error) == 0)
                return;
        chronicle_failure(guarded->guard, guarded, "heal_failed", NULL, &error, N_("%s could not be healed"),
                          guarded->site.state->dest);
        (void)heal_step(&guarded->heal, HEAL_FAILED, clock_monotonic_ms());
}

static void read_output(int output, char text[static OUTPUT_MAXIMUM])
{
        ssize_t n = output < 0 ? 0 : read_full_at(output, text, OUTPUT_MAXIMUM - 1, 0);
        const char *prefix = "understudy: ";

        if (n < 0)
                n = 0;
        while (n > 0 && text[n - 1] == '\n')
                n--;
        text[n] = '\0';
        if (strncmp(text, prefix, strlen(prefix)) == 0)
                memmove(text, text + strlen(prefix), strlen(text) - strlen(prefix) + 1);
}

/* Its words are the operator's; why it failed the journal has in English from the pull itself (pull_failed). */
static void tell_failed_pull(struct guarded *guarded, int status, const char *output)
{
        struct error error = ERROR_NONE;

        snprintf(error.text, sizeof(error.text), "%.*s", (int)sizeof(error.text) - 1, output);
        snprintf(error.english, sizeof(error.english), "the pull ended with %s %d", status < 0 ? "signal" : "status",
                 status < 0 ? -status : status);
        chronicle_failure(guarded->guard, guarded, "heal_failed", json_pack("{s:i}", "status", status), &error,
                          N_("%s could not be healed"), guarded->site.state->dest);
}

void pulls_ended(struct guarded *guarded)
{
        struct guard *guard = guarded->guard;
        char output[OUTPUT_MAXIMUM];
        int64_t now = clock_monotonic_ms();
        int status = 0;

        if (waitpid(guarded->pull, &status, WNOHANG) != guarded->pull)
                return;
        guarded->pull = 0;
        fd_close(&guarded->pull_pidfd);
        read_output(guarded->pull_output, output);
        fd_close(&guarded->pull_output);
        if (WIFEXITED(status) && (WEXITSTATUS(status) == EXIT_DONE || WEXITSTATUS(status) == EXIT_FOUND)) {
                guarded->heals++;
                chronicle(guard, guarded, CHRONICLE_TELL, "healed", NULL,
                          json_pack("{s:I, s:I, s:I, s:I}", "release",
                                    (json_int_t)guarded->site.release->reference->number, "pull_ms",
                                    (json_int_t)(now - guarded->pull_started_ms), "found_to_exchanged_ms",
                                    (json_int_t)(guarded->exchanged_ms ? guarded->exchanged_ms - guarded->healing_since_ms
                                                                       : -1),
                                    "found_to_healed_ms", (json_int_t)(now - guarded->healing_since_ms)),
                          N_("%s is release %" PRIu64 " again"), guarded->site.state->dest,
                          guarded->site.release->reference->number);
                note_healing(guarded, false);
                if (!guarded->heal.again) /* else something was found since, and is still there */
                        finding_forget(guarded);
                pulls_step(guarded, HEAL_DONE);
        } else {
                tell_failed_pull(guarded, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), output);
                pulls_step(guarded, HEAL_FAILED);
        }
        pulls_examine(guarded);
}

/* ---- the examination ---- */

void pulls_examine(struct guarded *guarded)
{
        struct guard *guard = guarded->guard;
        struct error error = ERROR_NONE;

        guarded->mark_due_ms = 0;
        if (guarded->examination) {
                guarded->examine_again = true;
                return;
        }
        guarded->pulled_meanwhile = guarded->disturbed = false;
        if (examine_start(&guarded->site, guard->watch, guard->keeper, &guarded->examination, &guarded->examined_fd,
                          &error) < 0) {
                guard->options->say(guard->options->context, error.text);
                guarded->examined_fd = -1;
        }
}

static void tell_examined(struct guarded *guarded, const struct examine_result *result)
{
        const char *dest = guarded->site.state->dest;

        if (result->r < 0)
                chronicle_failure(guarded->guard, guarded, "examine_failed", NULL, &result->error,
                                  N_("%s could not be compared with release %" PRIu64), dest, result->release);
        else
                chronicle(guarded->guard, guarded, CHRONICLE_QUIET, "examined", NULL,
                          json_pack("{s:I, s:b, s:I, s:I}", "release", (json_int_t)result->release, "genuine",
                                    result->clean, "differences", (json_int_t)result->total.differences, "files",
                                    (json_int_t)result->total.files),
                          N_("%s was compared with release %" PRIu64 ": %" PRIu64 " differences"), dest,
                          result->release, result->total.differences);
}

/*
 * A comparison beside a pull that takes files over by link sees second names, and the next look, which the loop makes of
 * each, does not when the pull has ended in between: nothing differs then, and still nothing is proven.
 */
static void proof_fell_to_pull(struct guarded *guarded, const struct examine_result *result, bool *again)
{
        if (result->clean || result->r < 0)
                return;
        if (pulls_is_under_way(guarded))
                guarded->links_deferred = true;
        else if (guarded->pulled_meanwhile)
                *again = true;
}

void pulls_examined(struct guarded *guarded)
{
        const struct examine_result *result = examine_finish(guarded->examination);
        bool current = result->generation == guarded->site.generation, again = guarded->examine_again;

        if (current) {
                guarded->examined = true;
                tell_examined(guarded, result);
                /* What was found behind the comparison's back is there, however clean the rest was. */
                again = again || (result->clean && guarded->disturbed);
                guarded->clean = result->clean && !again;
                if (result->clean)
                        pulls_step(guarded, HEAL_CLEAN);
                if (guarded->clean && guarded->heal.phase == HEAL_QUIET)
                        finding_forget(guarded); /* the same again is another finding */
                if (result->clean && guarded->heal.phase == HEAL_QUIET)
                        note_healing(guarded, false);
                for (size_t i = 0; i < result->differing_count; i++) {
                        struct site_tree *tree = site_tree(&guarded->site, result->differing[i].tree);

                        if (tree)
                                (void)finding_look(guarded, tree, result->differing[i].path,
                                                   strlen(result->differing[i].path), NULL, 0);
                }
                again = again || (result->r == 0 && result->total.changing);
                proof_fell_to_pull(guarded, result, &again);
        }
        examine_free(guarded->examination);
        guarded->examination = NULL;
        guarded->examined_fd = -1;
        guarded->examine_again = false;
        if (again || !current)
                pulls_examine(guarded);
}
