/* pull.c - the order of steps of a pull; docs/internals/pull.md tells what a crash leaves at each. */
#include "tree/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "tree/above.h"
#include "tree/evidence.h"
#include "tree/mend.h"
#include "tree/pull_parts.h"
#include "tree/stage.h"

void pull_note(const struct pull_run *run, const char *format, ...)
{
        char sentence[ERROR_TEXT_SIZE];
        va_list arguments;

        if (!run->options->note)
                return;
        va_start(arguments, format);
        vsnprintf(sentence, sizeof(sentence), format, arguments);
        va_end(arguments);
        run->options->note(run->options->context, sentence);
}

/* Enough room for a whole copy; a file system that shares blocks needs less, and says so itself when it is full. */
static int check_space(const struct pull_run *run, const struct pull_root *root, struct error *err)
{
        struct statvfs vfs;
        uint64_t need = root->released->bytes + root->entries * 4096, available;

        (void)run;
        if (fstatvfs(root->place.parent, &vfs) < 0)
                return error_errno(err, errno, _("cannot find out how much room there is beside %s"),
                                   root->place.folder);
        if (vfs.f_flag & ST_RDONLY)
                return error_errno(err, EROFS, _("cannot build the new tree beside %s"), root->place.folder);
        available = (uint64_t)vfs.f_frsize * (geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail);
        if (need > available)
                return error_set(
                        err, -ENOSPC,
                        _("the new tree beside %s needs %" PRIu64 " MB, but only %" PRIu64 " MB are free; make room"),
                        root->place.folder, need >> 20, available >> 20);
        if (vfs.f_files > 0 && root->entries > vfs.f_ffree) /* 0: a file system that makes inodes as it needs them */
                return error_set(
                        err, -ENOSPC,
                        _("the new tree beside %s needs %" PRIu64 " inodes, but only %" PRIu64 " are free; make room"),
                        root->place.folder, root->entries, (uint64_t)vfs.f_ffree);
        return 0;
}

static void make_intent(struct pull_run *run)
{
        struct state_intent *intent = &run->state->intent;

        memset(intent, 0, sizeof(*intent));
        intent->present = true;
        intent->time = run->started;
        intent->from = run->state->pulled ? run->state->release : 0;
        intent->to = run->release.number;
        memcpy(intent->site, run->release.site, sizeof(intent->site));
        intent->pub = run->options->pub;
        intent->root_mode = run->trust->root_mode;
        intent->keys_version = run->trust->root_mode ? run->trust->keys.version : 0;
        intent->root_count = run->root_count;
        for (size_t i = 0; i < run->root_count; i++) {
                const struct place *place = &run->roots[i].place;

                memcpy(intent->roots[i].name, place->name, sizeof(intent->roots[i].name));
                memcpy(intent->roots[i].folder, place->folder, sizeof(intent->roots[i].folder));
                intent->inode[i] = place->staged_inode;
        }
}

/* The sync of a staged tree covers kept.next, which was written before, if they are on the same file system. */
static bool is_synced(const struct pull_run *run)
{
        struct stat kept, staged;

        if (fstat(run->kept_next, &kept) < 0)
                return false;
        for (size_t i = 0; i < run->root_count; i++)
                if (fstat(run->roots[i].place.staged, &staged) == 0 && staged.st_dev == kept.st_dev)
                        return true;
        return false;
}

/* Everything that the exchange relies on is on disk before the intent says so. */
static int write_intent(struct pull_run *run, struct error *err)
{
        int r = 0;

        if (!is_synced(run) && syncfs(run->kept_next) < 0)
                return error_errno(err, errno, _("cannot make sure that the new manifests are on disk"));
        for (size_t i = 0; i < run->root_count && r == 0; i++)
                if (fd_sync(run->roots[i].place.sibling) < 0 || fd_sync(run->roots[i].place.parent) < 0)
                        r = error_errno(err, errno, _("cannot make sure that the new tree beside %s is on disk"),
                                        run->roots[i].place.folder);
        if (r == 0 && run->evidence)
                r = evidence_sync(run->evidence, err);
        if (r < 0)
                return r;
        make_intent(run);
        return state_save(run->state, err);
}

/* The intent was to exchange; nothing was. */
static void take_back_intent(struct pull_run *run)
{
        struct error error = ERROR_NONE;

        for (size_t i = 0; i < run->root_count; i++)
                if (run->roots[i].place.exchanged)
                        return; /* it could not be put back: the next run looks again */
        run->state->intent.present = false;
        if (state_save(run->state, &error) < 0)
                pull_note(run, "%s", error.text);
}

static int announce(struct pull_run *run, struct error *err)
{
        struct pull_staged trees[RELEASE_ROOTS_MAXIMUM];

        for (size_t i = 0; i < run->root_count; i++)
                trees[i] = (struct pull_staged){ run->roots[i].place.name, run->roots[i].place.staged };
        return run->options->staged(run->options->context, run->release.number, run->kept_next, trees, run->root_count,
                                    err);
}

void pull_reload(struct pull_run *run)
{
        if (run->options->reload_command)
                run->reload = hook_run("reload", run->options->reload_command, &run->reload_error);
}

static int exchange_and_settle(struct pull_run *run, struct error *err)
{
        struct place *places[RELEASE_ROOTS_MAXIMUM];
        bool announced = false;
        int r = write_intent(run, err);

        for (size_t i = 0; i < run->root_count; i++)
                places[i] = &run->roots[i].place;
        if (r == 0)
                r = exchange_check(run, err);
        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = areas_make(run, &run->roots[i], err);
        if (r == 0 && run->options->staged) {
                r = announce(run, err);
                announced = r == 0;
        }
        if (r == 0 && run->options->exchanging)
                run->options->exchanging(run->options->context, run->state->intent.from, run->state->intent.to);
        if (r == 0)
                r = exchange_all(run, err);
        if (announced && run->options->exchanged)
                run->options->exchanged(run->options->context, r == 0);
        if (r < 0) {
                take_back_intent(run);
                return r;
        }
        run->result->exchanged = true;
        r = stage_check_links(run->stage, err);
        if (r == -ESTALE)
                run->again = true;
        else if (r < 0)
                return r;
        else
                pull_reload(run);
        return settle(run, places, run->root_count, err);
}

/* A transfer that broke off goes on where it was when the same command is run again; after anything else nothing is
 * left beside DEST. */
static bool worth_keeping(int r)
{
        switch (r) {
        case -ETIMEDOUT:
        case -ECONNRESET:
        case -ECONNREFUSED:
        case -ECONNABORTED:
        case -EHOSTUNREACH:
        case -ENETUNREACH:
        case -EPIPE: return true;
        default: return false;
        }
}

static int build_fresh(struct pull_run *run, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = check_space(run, &run->roots[i], err);
        if (r == 0)
                r = stage_new(run, &run->stage, err);
        if (r < 0)
                return r;
        r = stage_build(run->stage, err);
        if (r == 0)
                r = exchange_and_settle(run, err);
        if (r < 0 && !run->result->exchanged && !worth_keeping(r))
                stage_discard(run);
        return r;
}

/* Equal already: what is kept is taken anew only if it is not the same (keys.json has moved on, or it was damaged). */
static int keep_as_is(struct pull_run *run, struct error *err)
{
        struct state *state = run->state;
        int r;

        for (size_t i = 0; i < run->root_count; i++)
                settle_clean_up(run, &run->roots[i].place);
        if (!run->kept_differs && public_key_equal(&state->pub, &run->options->pub) &&
            state->root_mode == run->trust->root_mode) {
                state->verification = (struct state_verification){ .time = clock_now(), .genuine = true };
                clock_boot_id(state->verification.boot_id);
                return state_save(state, err);
        }
        if (syncfs(run->kept_next) < 0)
                return error_errno(err, errno, _("cannot make sure that the new manifests are on disk"));
        make_intent(run);
        r = settle(run, NULL, 0, err);
        state->intent.present = false;
        return r;
}

static void fill_result(struct pull_run *run)
{
        struct pull_result *result = run->result;

        result->release = run->release.number;
        for (size_t i = 0; i < run->root_count; i++) {
                result->files += run->roots[i].released->files;
                result->bytes += run->roots[i].released->bytes;
        }
        repository_traffic(run->repository, &result->traffic);
        /* What was asked about writers decided whether to build fresh; equal to its release the tree was all the same.
         */
        result->before.writable = 0;
        result->before.no_leases = false;
}

static int refuse_expired(const struct pull_run *run, struct error *err)
{
        return error_refuse(err,
                            _("%s is release %" PRIu64
                              ", but the expired current note of %s names another one; refresh "
                              "the note, then pull again"),
                            run->state->dest, run->release.number, repository_url(run->repository));
}

static int run_steps(struct pull_run *run, struct error *err)
{
        char sentence[ERROR_TEXT_SIZE];
        int r = settle_interrupted(run, err);

        if (r == 0)
                r = mend_settle_interrupted(run, err);
        if (r == 0)
                r = repository_open(run->options->url, &run->options->repository, &run->repository, err);
        if (r == 0)
                r = pull_choose(run, err);
        if (r == 0)
                r = pull_open_roots(run, err);
        if (r == 0)
                r = pull_open_kept(run, err);
        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = pull_get_root(run, &run->roots[i], err);
        if (r == 0)
                r = areas_check(run, err);
        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = pull_check_root(run, &run->roots[i], err);
        if (r == 0)
                r = mend(run, err);
        for (size_t i = 0; i < run->root_count && r == 0; i++)
                r = pull_compare_root(run, &run->roots[i], err);
        if (r < 0)
                return r;
        pull_note_reasons(run);
        for (size_t i = 0; i < run->root_count; i++)
                if (above_steers(run->roots[i].place.parent, run->roots[i].place.folder, sentence))
                        pull_note(run, "%s", sentence);
        r = pull_is_done(run) ? keep_as_is(run, err) : build_fresh(run, err);
        if (r < 0)
                return r;
        fill_result(run);
        if (run->reload < 0) {
                r = run->reload;
                if (err)
                        *err = run->reload_error;
        }
        for (size_t i = 0; i < run->root_count && r == 0 && run->result->exchanged; i++)
                r = namespaces_check_seen(&run->roots[i].place, err);
        return r == 0 && run->choice.rule == CHOICE_HEAL_THEN_REFUSE ? refuse_expired(run, err) : r;
}

/* ---- one run ---- */

static struct pull_run *run_new(struct state *state, const struct pull_options *options, struct pull_result *result)
{
        struct pull_run *run = memory_new(1, sizeof(*run));

        if (!run)
                return NULL;
        run->state = state;
        run->options = options;
        run->result = result;
        run->kept_next = -1;
        run->started = clock_now();
        run->trust = memory_new(1, sizeof(*run->trust));
        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM; i++) {
                place_init(&run->roots[i].place);
                proven_init(&run->roots[i].proven);
                proven_init(&run->roots[i].linked);
                run->roots[i].manifest = run->roots[i].kept_manifest = run->roots[i].leftover = -1;
        }
        if (!run->trust) {
                free(run);
                return NULL;
        }
        return run;
}

static void run_free(struct pull_run *run)
{
        stage_free(run->stage);
        repository_close(run->repository);
        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM; i++) {
                struct pull_root *root = &run->roots[i];

                place_done(&root->place);
                proven_done(&root->proven);
                proven_done(&root->linked);
                fd_close(&root->manifest);
                fd_close(&root->kept_manifest);
                fd_close(&root->leftover);
                companion_done(&root->companion);
                companion_done(&root->kept_companion);
        }
        if (run->evidence) { /* of a pull that came to nothing */
                if (!run->state->intent.present && !run->mending)
                        evidence_drop(run->evidence);
                evidence_free(run->evidence);
        }
        if (run->kept_next >= 0 && !run->state->intent.present)
                (void)tree_remove(run->state->folder, "kept.next", NULL);
        fd_close(&run->kept_next);
        release_done(&run->release);
        free(run->trust);
        free(run);
}

static void raise_descriptors(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static int run_once(struct state *state, const struct pull_options *options, struct pull_result *result,
                    bool *ret_again, struct error *err)
{
        struct pull_run *run = run_new(state, options, result);
        int r;

        if (!run)
                return error_memory(err);
        r = run_steps(run, err);
        *ret_again = run->again;
        run_free(run);
        return r;
}

/* What the first run found is what was there before; the second one only repaired it. */
static int run_again(struct state *state, const struct pull_options *options, struct pull_result *first,
                     struct error *err)
{
        struct pull_options by_copy = *options;
        struct pull_result second = { 0 };
        bool again = false;
        int r;

        by_copy.take_over = TAKE_OVER_COPY;
        r = run_once(state, &by_copy, &second, &again, err);
        if (!*first->evidence)
                memcpy(first->evidence, second.evidence, sizeof(first->evidence));
        first->before.differences += second.before.differences;
        first->fetched_objects += second.fetched_objects;
        first->traffic.bytes += second.traffic.bytes;
        first->traffic.requests += second.traffic.requests;
        return r;
}

int pull(struct state *state, const struct pull_options *options, struct pull_result *ret_result, struct error *err)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        struct sigaction kept;
        bool again = false;
        int r;

        memset(ret_result, 0, sizeof(*ret_result));
        ret_result->release_before = state->pulled ? state->release : 0;
        raise_descriptors();
        sigaction(SIGIO, &ignore, &kept); /* a lease that is broken sends it, which would end the process */
        r = run_once(state, options, ret_result, &again, err);
        if (r == 0 && again)
                r = run_again(state, options, ret_result, err);
        sigaction(SIGIO, &kept, NULL);
        return r;
}
