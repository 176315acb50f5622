#include "fence.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/draft.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/text.h"
#include "barrier.h"
#include "grant.h"
#include "sockets.h"

#define STATE_FILE "fence.json"
#define LOCK_FILE  "fence.lock"
#define TIMEOUT_MS 5000
#define PAUSE_US   2000

static int64_t patience_of(const struct fence_setup *setup)
{
        return setup->timeout_ms ? setup->timeout_ms : TIMEOUT_MS;
}

static int64_t deadline_of(const struct fence_setup *setup)
{
        return clock_monotonic_ms() + patience_of(setup);
}

static void tell(const struct fence_setup *setup, enum fence_step step)
{
        if (setup->before)
                setup->before(setup->before_context, step);
}

/* ---------------------------------------------------------------- the state */

static int lock(const struct fence_setup *setup, int *ret_fd, struct error *err)
{
        _cleanup_(fd_closep) int fd = openat(setup->folder, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return error_errno(err, errno, _("cannot open the fence's lock %s"), LOCK_FILE);
        r = lock_wait(fd, LOCK_EX, patience_of(setup));
        if (r == -EBUSY)
                return error_set(err, -EBUSY, _("another process is working at the database's fence; try again"));
        if (r < 0)
                return error_errno(err, -r, _("cannot lock the fence (%s)"), LOCK_FILE);
        *ret_fd = fd_steal(&fd);
        return 0;
}

int fence_peek(int folder, struct fence_state *ret_state, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FENCE_STATE_MAXIMUM);
        int r = file_read(folder, STATE_FILE, &text, err);

        if (r == -ENOENT)
                return error_set(err, r,
                                 _("the database's fence was never begun on this host; begin it by naming the "
                                   "server that is on stage"));
        return r < 0 ? r : fence_state_read(buffer_text(&text), text.length, ret_state, err);
}

static int load(const struct fence_setup *setup, struct fence_state *ret_state, struct error *err)
{
        return fence_peek(setup->folder, ret_state, err);
}

static int save(const struct fence_setup *setup, const struct fence_state *state, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FENCE_STATE_MAXIMUM);

        if (fence_state_write(state, &text) < 0)
                return error_memory(err);
        return file_replace(setup->folder, STATE_FILE, buffer_text(&text), text.length, 0600, err);
}

/* What is going to be true if all goes well, on its way to the disk; NULL when that cannot be. */
static struct draft *draft(const struct fence_setup *setup, const struct fence_state *state, const char *name,
                           enum fence_place place)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FENCE_STATE_MAXIMUM);
        struct fence_state wanted = *state;
        struct draft *draft = NULL;

        if (fence_place_set(&wanted, name, place) == 0 && fence_state_write(&wanted, &text) == 0)
                (void)draft_begin(setup->folder, STATE_FILE, buffer_text(&text), text.length, 0600, NULL, &draft, NULL);
        return draft;
}

/* It has come true. */
static int conclude(const struct fence_setup *setup, struct fence_state *state, const char *name, enum fence_place place,
                    struct draft *drafted, struct error *err)
{
        tell(setup, FENCE_STEP_DONE);
        if (drafted && draft_put(drafted, NULL) == 0)
                return 0;
        (void)fence_place_set(state, name, place);
        return save(setup, state, err);
}

static const struct peer *find(const struct fence_setup *setup, const char *name, struct error *err)
{
        for (size_t i = 0; i < setup->peer_count; i++)
                if (text_equal(setup->peers[i].name, name))
                        return &setup->peers[i];
        error_usage(err, _("there is no server %s that the database knows of; name it in the configuration"), name);
        return NULL;
}

/* Those who are kept out, as the state says it. */
struct out {
        const struct peer *peers[PEER_HOSTS];
        size_t count;
};

static struct out out_of(const struct fence_setup *setup, const struct fence_state *state)
{
        struct out out = { .count = 0 };

        for (size_t i = 0; i < setup->peer_count && out.count < PEER_HOSTS; i++) {
                enum fence_place place = fence_place_of(state, setup->peers[i].name);

                if (place != FENCE_IN && place != FENCE_OPENING)
                        out.peers[out.count++] = &setup->peers[i];
        }
        return out;
}

/* Before the first act: what is going to be. */
static int intend(const struct fence_setup *setup, struct fence_state *state, const char *name, enum fence_place place,
                  struct error *err)
{
        tell(setup, FENCE_STEP_STATE);
        if (fence_place_set(state, name, place) < 0)
                return error_set(err, -E2BIG, _("the fence knows of %d servers already; begin it anew"), PEER_HOSTS);
        if (setup->database->prepare) {
                const struct out out = out_of(setup, state);

                setup->database->prepare(setup->context, state->epoch, out.peers, out.count);
        }
        return save(setup, state, err);
}

/* ---------------------------------------------------------------- the acts */

static struct barrier filter_of(const struct fence_setup *setup, const struct out *out)
{
        return (struct barrier){ out->peers, out->count, setup->ports, setup->port_count };
}

static int put_filter(const struct fence_setup *setup, const struct out *out, struct error *err)
{
        struct barrier filter = filter_of(setup, out);
        const char *why = "";
        int r;

        tell(setup, FENCE_STEP_FILTER);
        r = barrier_apply(&filter, err);
        if (r == 0)
                r = barrier_is_in_force(&filter, &why, err);
        if (r == 0)
                return error_set(err, -EIO, _("the packet filter was set, but is not in force: %s"), why);
        return r < 0 ? r : 0;
}

static int put_rules(const struct fence_setup *setup, const struct fence_state *state, const struct out *out,
                     struct error *err)
{
        int r;

        tell(setup, FENCE_STEP_RULES);
        r = setup->database->connect(setup->context, err);
        return r < 0 ? r : setup->database->rules(setup->context, state->epoch, out->peers, out->count, err);
}

static struct sockets_which sockets_of(const struct fence_setup *setup, const struct peer *peer)
{
        return (struct sockets_which){ .peer = peer, .ports = setup->ports, .port_count = setup->port_count };
}

/*
 * Once through: sockets and sessions until nothing of that server is there. A session may begin after we looked, of a
 * connection that was accepted before and had its password in the receive buffer; so this is done twice, and what
 * counts is that no process holds an ended socket any more. While it is waited for that, the database's own processes
 * are looked at; the proof looks at all of them.
 */
static int end_all(const struct fence_setup *setup, const struct peer *peer, struct sockets_ended *ended,
                   struct fence_proof *proof, struct error *err)
{
        struct sockets_which which = sockets_of(setup, peer);
        int64_t deadline = deadline_of(setup);
        int r;

        for (;;) {
                size_t told = 0;

                r = sockets_destroy(&which, ended, err);
                if (r == 0)
                        r = setup->database->terminate(setup->context, peer, &told, err);
                proof->sessions_ended += told;
                proof->sockets_ended = ended->count;
                if (r == 0)
                        r = setup->database->sessions(setup->context, peer, &proof->sessions, err);
                if (r == 0)
                        r = sockets_holders(ended, setup->database->server(setup->context), &proof->holders, err);
                if (r < 0 || (proof->sessions == 0 && proof->holders == 0))
                        return r;
                if (clock_monotonic_ms() >= deadline)
                        return error_set(err, -ETIMEDOUT,
                                         _("%s is not proven out of the database: %zu sessions and %zu processes with "
                                           "connections of it do not end"),
                                         peer->name, proof->sessions, proof->holders);
                usleep(PAUSE_US);
        }
}

/* Every process of the machine: one that is not the database's may have been given a socket of it. */
static int wait_for_holders(const struct fence_setup *setup, const struct sockets_ended *ended, struct fence_proof *proof,
                            struct error *err)
{
        int64_t deadline = deadline_of(setup);
        int r;

        while ((r = sockets_holders(ended, 0, &proof->holders, err)) == 0 && proof->holders && clock_monotonic_ms() < deadline)
                usleep(PAUSE_US);
        return r;
}

/* Measures all of it again. */
static int prove(const struct fence_setup *setup, const struct peer *peer, const struct out *out,
                 const struct sockets_ended *ended, struct fence_proof *proof, struct error *err)
{
        struct sockets_which which = sockets_of(setup, peer);
        struct barrier filter = filter_of(setup, out);
        const char *why = "";
        int r;

        tell(setup, FENCE_STEP_PROOF);
        r = barrier_is_in_force(&filter, &why, err);
        if (r == 0)
                return error_set(err, -EIO, _("%s is not proven out of the database: %s"), peer->name, why);
        proof->filter = r > 0;
        if (r > 0)
                r = sockets_count(&which, &proof->sockets, err);
        if (r == 0)
                r = setup->database->sessions(setup->context, peer, &proof->sessions, err);
        if (r == 0)
                r = wait_for_holders(setup, ended, proof, err);
        if (r == 0 && (proof->sockets || proof->sessions || proof->holders))
                r = error_set(
                        err, -EBUSY,
                        _("%s is not proven out of the database: %zu connections, %zu sessions, %zu processes with "
                          "a connection of it are left"),
                        peer->name, proof->sockets, proof->sessions, proof->holders);
        return r;
}

/* Steps 1 to 5, for a state in which `peer` is CLOSING. */
static int shut(const struct fence_setup *setup, const struct fence_state *state, const struct peer *peer,
                struct fence_proof *proof, struct error *err)
{
        _cleanup_(sockets_ended_done) struct sockets_ended ended = { 0 };
        struct sockets_which which = sockets_of(setup, peer);
        struct out out = out_of(setup, state);
        int r;

        r = put_filter(setup, &out, err);
        if (r == 0) {
                tell(setup, FENCE_STEP_SOCKETS);
                r = sockets_destroy(&which, &ended, err);
        }
        if (r == 0)
                r = put_rules(setup, state, &out, err);
        if (r == 0)
                tell(setup, FENCE_STEP_SESSIONS);
        for (int pass = 0; r == 0 && pass < 2; pass++)
                r = end_all(setup, peer, &ended, proof, err);
        return r < 0 ? r : prove(setup, peer, &out, &ended, proof, err);
}

/* ---------------------------------------------------------------- operations */

int fence_begin(const struct fence_setup *setup, const char *holder, struct error *err)
{
        struct fence_state state = { .epoch = 1 };
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FENCE_STATE_MAXIMUM);
        _cleanup_(fd_closep) int held = -1;
        int r;

        if (!find(setup, holder, err))
                return -EINVAL;
        r = lock(setup, &held, err);
        if (r < 0)
                return r;
        memcpy(state.holder, holder, strlen(holder));
        fence_state_stage(&state, holder);
        for (size_t i = 0; i < setup->peer_count; i++)
                if (fence_place_set(&state, setup->peers[i].name,
                                    text_equal(setup->peers[i].name, holder) ? FENCE_IN : FENCE_CLOSING) < 0)
                        return error_usage(err, _("a database's fence can know of %d servers"), PEER_HOSTS);
        if (fence_state_write(&state, &text) < 0)
                return error_memory(err);
        r = file_create(setup->folder, STATE_FILE, buffer_text(&text), text.length, 0600, err);
        fd_close(&held);
        return r < 0 ? r : fence_restore(setup, err);
}

int fence_claim(const struct fence_setup *setup, const struct fence_claim *claim, struct fence_state *ret_state,
                struct error *err)
{
        _cleanup_(fd_closep) int held = -1;
        struct fence_state state;
        int r;

        if (!find(setup, claim->holder, err))
                return -EINVAL;
        r = lock(setup, &held, err);
        if (r == 0)
                r = load(setup, &state, err);
        if (r == 0)
                r = fence_rule_claim(&state, claim, &setup->limits, clock_now(), err);
        if (r < 0)
                return r;
        if (claim->epoch != state.epoch) {
                fence_state_claim(&state, claim, clock_now());
                r = save(setup, &state, err);
        }
        if (r == 0 && ret_state)
                *ret_state = state;
        return r;
}

int fence_shut_out(const struct fence_setup *setup, uint64_t epoch, const char *name, struct fence_proof *ret_proof,
                   struct error *err)
{
        _cleanup_(draft_freep) struct draft *drafted = NULL;
        _cleanup_(fd_closep) int held = -1;
        const struct peer *peer = find(setup, name, err);
        int64_t begin = clock_monotonic_ms();
        struct fence_proof proof = { 0 };
        struct fence_state state;
        int r;

        if (!peer)
                return -EINVAL;
        r = lock(setup, &held, err);
        if (r == 0)
                r = load(setup, &state, err);
        if (r == 0)
                r = fence_rule_act(&state, epoch, err);
        if (r == 0)
                r = intend(setup, &state, name, FENCE_CLOSING, err);
        if (r == 0) {
                drafted = draft(setup, &state, name, FENCE_OUT);
                r = shut(setup, &state, peer, &proof, err);
        }
        if (r == 0)
                r = conclude(setup, &state, name, FENCE_OUT, drafted, err);
        proof.took_ms = clock_monotonic_ms() - begin;
        if (ret_proof)
                *ret_proof = proof;
        return r;
}

int fence_admit(const struct fence_setup *setup, uint64_t epoch, const char *name, bool overlap, struct error *err)
{
        _cleanup_(draft_freep) struct draft *drafted = NULL;
        _cleanup_(fd_closep) int held = -1;
        struct fence_state state;
        struct out out;
        int r;

        if (!find(setup, name, err))
                return -EINVAL;
        r = lock(setup, &held, err);
        if (r == 0)
                r = load(setup, &state, err);
        if (r == 0)
                r = fence_rule_act(&state, epoch, err);
        if (r == 0)
                r = fence_rule_admit(&state, name, overlap, err);
        if (r == 0)
                r = intend(setup, &state, name, FENCE_OPENING, err);
        if (r < 0)
                return r;
        drafted = draft(setup, &state, name, FENCE_IN);
        out = out_of(setup, &state);
        r = put_rules(setup, &state, &out, err);
        if (r == 0) /* last, so that nobody meets a database that still says no */
                r = put_filter(setup, &out, err);
        return r < 0 ? r : conclude(setup, &state, name, FENCE_IN, drafted, err);
}

/* Until no lease that another server was granted can still be held. */
static int wait_for_leases(const struct fence_setup *setup, const char *name, struct error *err)
{
        int64_t now = grant_now_ms(), over = now;

        for (size_t i = 0; i < setup->peer_count; i++) {
                int64_t last = 0;
                int r = text_equal(setup->peers[i].name, name) ? 0 : grant_last(setup->folder, setup->peers[i].name, &last, err);

                if (r < 0)
                        return r;
                if (last && last + setup->lease_take_ms > over)
                        over = last + setup->lease_take_ms;
        }
        if (over > now)
                usleep((useconds_t)(over - now) * 1000);
        return 0;
}

int fence_stage(const struct fence_setup *setup, uint64_t epoch, const char *name, struct error *err)
{
        _cleanup_(grant_close) struct grant grant = { 0 };
        _cleanup_(fd_closep) int held = -1;
        struct fence_state state;
        int r;

        if (!find(setup, name, err))
                return -EINVAL;
        r = lock(setup, &held, err);
        if (r == 0)
                r = load(setup, &state, err);
        if (r == 0)
                r = fence_rule_act(&state, epoch, err);
        if (r == 0)
                r = fence_rule_stage(&state, name, err);
        if (r < 0 || text_equal(state.stage, name))
                return r;
        if (!*state.stage)
                r = wait_for_leases(setup, name, err);
        if (r == 0)
                r = grant_open(setup->folder, name, &grant, err);
        if (r == 0)
                grant_begin(&grant); /* its agent takes the address before its keeper has asked */
        fence_state_stage(&state, name);
        return r < 0 ? r : save(setup, &state, err);
}

/* Whoever was on the way out goes all the way. */
static int finish(const struct fence_setup *setup, struct fence_state *state, struct error *err)
{
        for (size_t i = 0; i < setup->peer_count; i++) {
                struct fence_proof proof = { 0 };
                int r;

                if (fence_place_of(state, setup->peers[i].name) != FENCE_CLOSING)
                        continue;
                r = shut(setup, state, &setup->peers[i], &proof, err);
                if (r == 0) {
                        fence_place_set(state, setup->peers[i].name, FENCE_OUT);
                        r = save(setup, state, err);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int fence_restore(const struct fence_setup *setup, struct error *err)
{
        _cleanup_(fd_closep) int held = -1;
        struct fence_state state;
        struct out out;
        int r = lock(setup, &held, err);

        if (r == 0)
                r = load(setup, &state, err);
        if (r < 0)
                return r;
        out = out_of(setup, &state);
        r = put_filter(setup, &out, err);
        if (r == 0)
                r = put_rules(setup, &state, &out, err);
        return r < 0 ? r : finish(setup, &state, err);
}

int fence_look(const struct fence_setup *setup, struct fence_view *ret_view, struct error *err)
{
        struct fence_view view = { .filter = false };
        struct barrier filter;
        struct out out;
        int r = load(setup, &view.state, err);

        if (r < 0)
                return r;
        out = out_of(setup, &view.state);
        filter = filter_of(setup, &out);
        r = barrier_is_in_force(&filter, &view.filter_why, err);
        if (r < 0)
                return r;
        view.filter = r > 0;
        r = setup->database->connect(setup->context, err);
        for (size_t i = 0; r == 0 && i < setup->peer_count && i < PEER_HOSTS; i++) {
                struct sockets_which which = sockets_of(setup, &setup->peers[i]);

                r = sockets_count(&which, &view.sockets[i], err);
                if (r == 0)
                        r = setup->database->sessions(setup->context, &setup->peers[i], &view.sessions[i], err);
        }
        if (r == 0)
                *ret_view = view;
        return r;
}
