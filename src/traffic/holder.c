#include "holder.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/text.h"
#include "claim.h"
#include "grant.h"
#include "tenure.h"
#include "turn.h"

#define PROBE_MS   50   /* how long the segment is asked before the address is taken */
#define LOOK_MS    40   /* between two looks whether somebody has put the address here */
#define RETRY_MS   500  /* after an address that could not be taken */
#define RENEW_MS   (HOLDER_LIFE_S * 1000 / 4)

struct holder {
        struct holder_options options;
        pid_t pid;
        int channel;
        int64_t waiting_since; /* the oldest word without an answer; 0: none */
        unsigned int waiting;
};

/* ---- the holder's own process ---- */

struct hand {
        const struct holder_options *options;
        struct tenure tenure;
        struct claim *claims[HOLDER_ADDRESSES];
        int channel;        /* -1: the keeper is gone */
        int turn;
        int64_t turn_since_ms; /* it is another one's since then; 0: it is not */
        int64_t renewed_ms; /* when the address was last given a life */
        int64_t retry_ms;   /* not taken before */
        char said[ERROR_TEXT_SIZE];
};

static void say(struct hand *hand, const char *sentence)
{
        if (text_equal(hand->said, sentence))
                return;
        snprintf(hand->said, sizeof(hand->said), "%s", sentence);
        fprintf(stderr, "understudy: %s\n", sentence);
}

/* Whether it is here: one of several counts, because one too many is worse than one too few. */
static bool is_here(struct hand *hand)
{
        for (size_t i = 0; i < hand->options->count; i++) {
                enum address_place place = ADDRESS_NOWHERE;
                struct error error = ERROR_NONE;

                if (address_look(&hand->options->addresses[i], &place, &error) < 0)
                        say(hand, error.text);
                if (place == ADDRESS_HERE || place == ADDRESS_UNUSABLE)
                        return true;
        }
        return false;
}

static void stop_claims(struct hand *hand)
{
        for (size_t i = 0; i < hand->options->count; i++) {
                claim_close(hand->claims[i]);
                hand->claims[i] = NULL;
        }
}

static void take(struct hand *hand, int64_t now)
{
        const struct address_options options = { .probe_ms = PROBE_MS, .valid_s = HOLDER_LIFE_S };

        for (size_t i = 0; i < hand->options->count; i++) {
                struct error error = ERROR_NONE;

                if (address_take(&hand->options->addresses[i], &options, &error) < 0) {
                        hand->retry_ms = now + RETRY_MS;
                        say(hand, error.text);
                        return;
                }
        }
        say(hand, _("the lease is granted: the service's address was taken"));
}

static void drop(struct hand *hand)
{
        stop_claims(hand);
        for (size_t i = 0; i < hand->options->count; i++) {
                struct error error = ERROR_NONE;

                if (address_drop(&hand->options->addresses[i], &error) < 0)
                        say(hand, error.text);
        }
        say(hand, _("the lease is over: the service's address was dropped"));
}

/* Another life, the neighbours told, rivals noticed. */
static void tend(struct hand *hand, int64_t now)
{
        struct error error = ERROR_NONE;

        if (now - hand->renewed_ms >= RENEW_MS) {
                hand->renewed_ms = now;
                for (size_t i = 0; i < hand->options->count; i++)
                        if (address_renew(&hand->options->addresses[i], HOLDER_LIFE_S, &error) < 0)
                                say(hand, error.text);
        }
        for (size_t i = 0; i < hand->options->count; i++) {
                struct claim_rival rival;
                char mac[NEIGHBOUR_MAC_TEXT], text[ADDRESS_TEXT_SIZE], words[ERROR_TEXT_SIZE];

                if (!hand->claims[i] && claim_open(&hand->options->addresses[i], hand->options->announce_ms, &hand->claims[i], &error) < 0)
                        continue;
                if (claim_tick(hand->claims[i], &rival, &error) != 1 || rival.claim != NEIGHBOUR_HOLDS)
                        continue;
                neighbour_mac_text(&rival.mac, mac);
                address_text(&hand->options->addresses[i], text);
                snprintf(words, sizeof(words), _("%s has the service's address %s, too, but the lease is this server's"), mac,
                         text);
                say(hand, words);
        }
}

/* As long as it may be held. Not while the agent moves it: what comes of that the next look sees. */
static void hold(struct hand *hand, int64_t now)
{
        const bool ours = turn_take(hand->turn, LOCK_NOW);

        if (ours || !hand->turn_since_ms)
                hand->turn_since_ms = ours ? 0 : now;
        if (!ours && now - hand->turn_since_ms < TURN_MS)
                return;
        if (is_here(hand))
                tend(hand, now);
        else
                stop_claims(hand);
        if (ours)
                turn_give(hand->turn);
}

/* false: the holder is to end. */
static bool listen_to_keeper(struct hand *hand)
{
        struct holder_word word;
        ssize_t n;

        while (hand->channel >= 0) {
                n = recv(hand->channel, &word, sizeof(word), MSG_DONTWAIT);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                if (n != (ssize_t)sizeof(word)) {
                        fd_close(&hand->channel);
                        return true;
                }
                if (word.leave)
                        return false;
                tenure_hear(&hand->tenure, word.granted, word.epoch, word.asked_ms);
                (void)send(hand->channel, &word.asked_ms, sizeof(word.asked_ms), MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        return true;
}

/* false: nobody speaks any more, and nothing is held. */
static bool wait_for_word(struct hand *hand, int64_t now)
{
        struct pollfd fds[1 + HOLDER_ADDRESSES] = { { .fd = hand->channel, .events = POLLIN } };
        int wait = tenure_wait_ms(&hand->tenure, now);
        size_t n = 1;

        if (hand->channel < 0 && !hand->tenure.holds)
                return false;
        for (size_t i = 0; i < hand->options->count; i++)
                if (hand->claims[i])
                        fds[n++] = (struct pollfd){ .fd = claim_fd(hand->claims[i]), .events = POLLIN };
        if (wait < 0 || wait > LOOK_MS || (wait == 0 && hand->retry_ms > now))
                wait = LOOK_MS;
        (void)poll(fds, n, wait);
        return true;
}

void holder_hurry(void)
{
        (void)sched_setscheduler(0, SCHED_RR, &(struct sched_param){ .sched_priority = 1 });
        (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static _Noreturn void be_holder(const struct holder_options *options, int channel)
{
        struct hand hand = { .options = options, .channel = channel, .turn = turn_open(options->state) };
        int64_t now;

        signal(SIGTERM, SIG_IGN); /* systemd's is for the keeper, which says when to leave */
        signal(SIGINT, SIG_IGN);
        prctl(PR_SET_NAME, "holder");
        holder_hurry();
        while (flock(options->lock, LOCK_EX) < 0 && errno == EINTR)
                ;
        tenure_init(&hand.tenure, options->self_ms, options->take_ms);
        while (listen_to_keeper(&hand)) {
                enum tenure_act act;

                now = grant_now_ms();
                tenure_see(&hand.tenure, is_here(&hand), false, now);
                act = tenure_next(&hand.tenure, now);
                if (act == TENURE_DROP)
                        drop(&hand);
                else if (act == TENURE_TAKE && now >= hand.retry_ms)
                        take(&hand, now);
                else if (hand.tenure.holds)
                        hold(&hand, now);
                else
                        stop_claims(&hand);
                if (act != TENURE_NOTHING)
                        tenure_see(&hand.tenure, is_here(&hand), true, grant_now_ms());
                if (!wait_for_word(&hand, now))
                        break;
        }
        _exit(0);
}

/* ---- the keeper's side ---- */

static int start(struct holder *holder, struct error *err)
{
        _cleanup_(fd_closep) int ours = -1, theirs = -1;
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start the holder of the service's address"));
        ours = ends[0];
        theirs = ends[1];
        pid = fork();
        if (pid < 0)
                return error_errno(err, errno, _("cannot start the holder of the service's address"));
        if (pid == 0) {
                close(ours);
                be_holder(&holder->options, theirs);
        }
        holder->pid = pid;
        holder->channel = fd_steal(&ours);
        holder->waiting = 0;
        holder->waiting_since = 0;
        return 0;
}

int holder_start(const struct holder_options *options, struct holder **ret_holder, struct error *err)
{
        struct holder *holder = memory_new(1, sizeof(*holder));
        int r;

        if (!holder)
                return error_memory(err);
        holder->options = *options;
        r = start(holder, err);
        if (r < 0) {
                free(holder);
                return r;
        }
        *ret_holder = holder;
        return 0;
}

void holder_free(struct holder *holder)
{
        if (!holder)
                return;
        fd_close(&holder->channel);
        free(holder);
}

void holder_tell(struct holder *holder, const struct holder_word *word)
{
        /* One that does not read is late already. */
        if (send(holder->channel, word, sizeof(*word), MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof(*word) &&
            holder->waiting_since)
                return;
        holder->waiting++;
        if (!holder->waiting_since)
                holder->waiting_since = grant_now_ms();
}

int holder_fd(const struct holder *holder)
{
        return holder->channel;
}

void holder_read(struct holder *holder)
{
        int64_t asked_ms;

        while (recv(holder->channel, &asked_ms, sizeof(asked_ms), MSG_DONTWAIT) == (ssize_t)sizeof(asked_ms)) {
                holder->waiting -= holder->waiting > 0;
                holder->waiting_since = holder->waiting ? grant_now_ms() : 0;
        }
}

int64_t holder_late_ms(const struct holder *holder, int64_t now_ms)
{
        return holder->waiting_since ? now_ms - holder->waiting_since : 0;
}

int holder_replace(struct holder *holder, struct error *err)
{
        kill(holder->pid, SIGKILL);
        while (waitpid(holder->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        for (size_t i = 0; i < holder->options.count; i++) {
                int r = address_drop(&holder->options.addresses[i], err);

                if (r < 0)
                        return r;
        }
        fd_close(&holder->channel);
        return start(holder, err);
}
