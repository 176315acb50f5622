/*
 * pull_release.c - the beginning of a pull: whom to believe, which release, and its release.json into
 * STATE/dest/X/kept.next. Nothing of DEST is touched here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "tree/pull_parts.h"

/* ---- which release ---- */

static int refuse_choice(const struct pull_run *run, const struct choice_facts *facts, struct error *err)
{
        const char *url = repository_url(run->repository);

        switch (run->choice.rule) {
        case CHOICE_GO:
        case CHOICE_HEAL_THEN_REFUSE: return 0;
        case CHOICE_KEYS_OLDER:
                return error_refuse(err,
                                    _("the keys.json of %s has version %" PRIu64 ", but version %" PRIu64
                                      " was accepted before; an older one is never gone back to"),
                                    url, facts->keys_version, facts->keys_seen);
        case CHOICE_RELEASE_OLDER:
                return error_refuse(err,
                                    _("%s offers release %" PRIu64 ", but release %" PRIu64
                                      " was accepted before; to go back on purpose publish the old content again"),
                                    url, run->choice.number, facts->accepted);
        case CHOICE_EXPIRED_NEVER_PULLED:
                return error_refuse(err,
                                    _("the current note of %s has expired, so the newest release cannot be known; "
                                      "refresh the note, or name a release with --release"),
                                    url);
        case CHOICE_NO_CURRENT:
                return error_set(err, -EBADMSG,
                                 _("%s has no current.json, so the newest release cannot be known; make one with "
                                   "'understudy refresh'"),
                                 url);
        }
        return 0;
}

/* The key and site that DEST was first pulled with. */
static int check_pin(const struct pull_run *run, struct error *err)
{
        const struct state *state = run->state;

        if (!state->pulled || run->options->repin || public_key_equal(&state->pub, &run->options->pub))
                return 0;
        return error_refuse(err,
                            _("%s was pulled with another key before; if the key was changed on purpose, pull with "
                              "--repin"),
                            state->dest);
}

static int check_site(const struct pull_run *run, const char *site, struct error *err)
{
        if (!run->state->pulled || text_equal(run->state->site, site))
                return 0;
        return error_refuse(err, _("%s holds the site %s, but %s is of the site %s; give the repository of %s"),
                            run->state->dest, run->state->site, repository_url(run->repository), site,
                            run->state->site);
}

static int find_facts(struct pull_run *run, const struct current *current, struct choice_facts *facts,
                      struct error *err)
{
        const struct state *state = run->state;
        bool same_key = state->pulled && public_key_equal(&state->pub, &run->options->pub);
        uint64_t number = 0, version = 0;
        int r = 0;

        facts->root_mode = run->trust->root_mode;
        facts->wanted = run->options->number;
        facts->in_place = state->pulled ? state->release : 0;
        facts->accepted = state->pulled ? state->accepted : 0; /* whatever the key: DEST never goes back */
        if (run->trust->root_mode) {
                facts->keys_version = run->trust->keys.version;
                facts->keys_seen = same_key ? state->keys_version : 0;
                facts->newest = current->release;
        } else if (!facts->wanted) {
                r = repository_latest(run->repository, &facts->newest, err);
        }
        if (r < 0)
                return r;
        /* The site is known here from the note or from before; a first pull in single-key mode asks again later. */
        if (facts->has_current || state->pulled) {
                r = state_accepted(state, &run->options->pub, facts->has_current ? current->site : state->site, &number,
                                   &version, err);
                if (r < 0)
                        return r;
        }
        if (facts->accepted < number)
                facts->accepted = number;
        if (facts->keys_seen < version)
                facts->keys_seen = version;
        return 0;
}

/* A first pull knows the site only from the release itself. */
static int check_accepted(struct pull_run *run, struct choice_facts *facts, struct error *err)
{
        uint64_t number, version;
        int r = state_accepted(run->state, &run->options->pub, run->release.site, &number, &version, err);

        if (r < 0 || run->release.number >= number || run->choice.rule == CHOICE_HEAL_THEN_REFUSE ||
            run->release.number == facts->in_place)
                return r;
        facts->accepted = number;
        run->choice.rule = CHOICE_RELEASE_OLDER;
        return refuse_choice(run, facts, err);
}

static int choose(struct pull_run *run, struct choice_facts *facts, struct current *current, struct error *err)
{
        int r = 0;

        if (run->trust->root_mode) {
                r = source_current(run->repository, run->trust, clock_now(), current, &facts->expired, err);
                if (r < 0)
                        return r;
                facts->has_current = r > 0;
                if (r > 0) {
                        r = check_site(run, current->site, err);
                        if (r < 0)
                                return r;
                }
        }
        r = find_facts(run, current, facts, err);
        if (r < 0)
                return r;
        run->choice = choose_release(facts);
        run->result->expired = run->choice.expired;
        if (run->choice.expired)
                pull_note(run,
                          _("the current note of %s has expired: whether there is a newer release cannot be known; "
                            "refresh it"),
                          repository_url(run->repository));
        return refuse_choice(run, facts, err);
}

/* ---- release.json ---- */

/* The one in place and the one offered must agree where they speak of the same release. */
static int check_history(const struct pull_run *run, const struct digest *digest, struct error *err)
{
        _cleanup_(buffer_done) struct buffer kept = BUFFER_INIT(RELEASE_MAXIMUM);
        struct digest before;

        if (!run->state->pulled || file_read(run->state->folder, "kept/release.json", &kept, NULL) < 0 ||
            digest_of_bytes(buffer_text(&kept), kept.length, &before, NULL) < 0)
                return 0;
        if (run->release.number == run->state->release && !digest_equal(&before, digest))
                return error_set(err, -EBADMSG,
                                 _("%s offers another release %" PRIu64
                                   " than the one that was pulled before; a release "
                                   "is never changed: find out who signed two"),
                                 repository_url(run->repository), run->release.number);
        if (run->release.number == run->state->release + 1 && !digest_equal(&before, &run->release.previous))
                return error_set(err, -EBADMSG,
                                 _("release %" PRIu64 " of %s does not follow the release %" PRIu64
                                   " that was pulled before; find out who signed two"),
                                 run->release.number, repository_url(run->repository), run->state->release);
        return 0;
}

/* Whether kept/NAME is this text already. */
static bool is_kept(const struct pull_run *run, const char *name, const struct buffer *text)
{
        _cleanup_(buffer_done) struct buffer kept = BUFFER_INIT(RELEASE_MAXIMUM);
        char path[RELEASE_FILE_SIZE + 32];

        snprintf(path, sizeof(path), "kept/%s", name);
        return file_read(run->state->folder, path, &kept, NULL) == 0 && kept.length == text->length &&
               memcmp(buffer_text(&kept), buffer_text(text), kept.length) == 0;
}

int pull_keep_text(struct pull_run *run, const char *name, const struct buffer *text, struct error *err)
{
        _cleanup_(fd_closep) int fd =
                openat(run->kept_next, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : write_full(fd, buffer_text(text), text->length);

        if (!is_kept(run, name, text))
                run->kept_differs = true;
        return r < 0 ? error_errno(err, -r, _("cannot keep %s in the state folder"), name) : 0;
}

static int keep_release(struct pull_run *run, const struct current *current, bool has_current, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct digest digest;
        int r = source_release(run->repository, run->trust, run->choice.number, &run->release, &text, &signature, err);

        if (r == 0)
                r = check_site(run, run->release.site, err);
        if (r == 0)
                r = digest_of_bytes(buffer_text(&text), text.length, &digest, err);
        if (r == 0)
                r = check_history(run, &digest, err);
        if (r < 0)
                return r;
        if (has_current && !text_equal(current->site, run->release.site))
                return error_set(err, -EBADMSG, _("the current note of %s is of the site %s, its release of %s"),
                                 repository_url(run->repository), current->site, run->release.site);
        if (has_current && current->release == run->release.number && !digest_equal(&current->digest, &digest))
                return error_set(err, -EBADMSG,
                                 _("release %" PRIu64 " of %s is not the one that its current note names"),
                                 run->release.number, repository_url(run->repository));
        r = pull_keep_text(run, "release.json", &text, err);
        return r < 0 ? r : pull_keep_text(run, "release.json.minisig", &signature, err);
}

static int open_kept_next(struct pull_run *run, struct error *err)
{
        struct state *state = run->state;
        int r = tree_remove(state->folder, "kept.next", err);

        if (r < 0)
                return r;
        if (mkdirat(state->folder, "kept.next", 0700) < 0 ||
            (run->kept_next = openat(state->folder, "kept.next", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                return error_errno(err, errno, _("cannot make a folder for the new manifests in the state folder"));
        return 0;
}

/*
 * A key that was seen to be withdrawn stays so, whatever becomes of this pull: the repository cannot show the keys.json
 * from before again, and verify asks the newer one about the release in place.
 */
static int remember_keys(const struct pull_run *run, const struct buffer *keys, const struct buffer *signature,
                         struct error *err)
{
        struct state *state = run->state;
        uint64_t number, version;
        int r;

        if (!run->trust->root_mode || !state->pulled || !public_key_equal(&state->pub, &run->options->pub))
                return 0;
        r = state_accepted(state, &state->pub, state->site, &number, &version, err);
        if (r < 0 || run->trust->keys.version <= version || run->trust->keys.version <= state->keys_version)
                return r;
        r = file_replace(state->folder, "keys.json", buffer_text(keys), keys->length, 0600, err);
        if (r == 0)
                r = file_replace(state->folder, "keys.json.minisig", buffer_text(signature), signature->length, 0600,
                                 err);
        return r < 0 ? r : state_accept(state, &state->pub, state->site, number, run->trust->keys.version, err);
}

/* A list of keys that is kept here, and the one that is offered. */
static int check_keys_follow(const struct pull_run *run, const char *name, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(memory_freep) struct keys *kept = memory_new(1, sizeof(*kept));

        if (!kept)
                return error_memory(err);
        /* An older one is refused in other words. */
        if (file_read(run->state->folder, name, &text, NULL) < 0 ||
            keys_parse(buffer_text(&text), text.length, kept, NULL) < 0 || run->trust->keys.version < kept->version)
                return 0;
        return keys_follow(kept, &run->trust->keys, err);
}

static int check_keys(const struct pull_run *run, struct error *err)
{
        const struct state *state = run->state;
        int r;

        if (!run->trust->root_mode || !state->pulled || !state->root_mode ||
            !public_key_equal(&state->pub, &run->options->pub))
                return 0;
        r = check_keys_follow(run, "keys.json", err);
        return r < 0 ? r : check_keys_follow(run, "kept/keys.json", err);
}

int pull_choose(struct pull_run *run, struct error *err)
{
        _cleanup_(buffer_done) struct buffer keys = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer keys_signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        bool must_be_root =
                run->state->pulled && run->state->root_mode && public_key_equal(&run->state->pub, &run->options->pub);
        struct choice_facts facts = { 0 };
        struct current current = { 0 };
        int r = check_pin(run, err);

        if (r == 0)
                r = source_trust(run->repository, &run->options->pub, must_be_root, run->trust, &keys, &keys_signature,
                                 err);
        if (r == 0)
                r = check_keys(run, err);
        if (r == 0)
                r = remember_keys(run, &keys, &keys_signature, err);
        if (r == 0)
                r = choose(run, &facts, &current, err);
        if (r == 0)
                r = open_kept_next(run, err);
        if (r == 0)
                r = keep_release(run, &current, facts.has_current, err);
        if (r == 0)
                r = check_accepted(run, &facts, err);
        if (r == 0 && run->trust->root_mode)
                r = pull_keep_text(run, "keys.json", &keys, err);
        if (r == 0 && run->trust->root_mode)
                r = pull_keep_text(run, "keys.json.minisig", &keys_signature, err);
        run->same_release = run->state->pulled && run->release.number == run->state->release;
        return r;
}
