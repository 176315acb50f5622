/* coordinator_process.c - the process that holds the lease and asks etcd (coordinator.h). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/text.h"
#include "coordinator_private.h"
#include "grant.h"
#include "ipc/sandbox.h"

#define MEMORY_BYTES (UINT64_C(512) << 20)
#define KEY_SIZE     128
#define PARTS        5    /* of a lease: it is asked for so often in its time */
#define CATCH_UP     4096 /* writes, until a new cluster's revision is past the epochs that there were */

struct coordination {
        const struct coordinator_options *options;
        const struct config_etcd *config;
        struct coordinator_page *page;
        struct etcd *etcd;
        int64_t lease, term; /* 0: none */
        int64_t next_ms;
        char name[65];
        char leader_key[KEY_SIZE], move_key[KEY_SIZE], stage_key[KEY_SIZE];
};

/* ---------------------------------------------------------------- the lease */

static void step_down(struct coordination *coordination)
{
        atomic_store(&coordination->page->leads_until, 0);
        coordination->term = 0;
        if (coordination->lease)
                (void)etcd_revoke(coordination->etcd, coordination->lease, NULL);
        coordination->lease = 0;
}

/* Takes the place of the leader if nobody has it. */
static int stand(struct coordination *coordination)
{
        const struct etcd_condition free_place = { .key = coordination->leader_key };
        const struct etcd_change mine = { coordination->leader_key, coordination->name, coordination->lease };
        struct etcd_answer answer;
        int r = etcd_transact(coordination->etcd, &free_place, 1, &mine, 1, &answer, NULL);

        if (r < 0)
                return r;
        if (answer.succeeded)
                coordination->term = answer.revision;
        else if (answer.found && answer.key_lease == coordination->lease) /* an earlier answer was lost */
                coordination->term = answer.created;
        return 0;
}

/* A lease counts from when it was asked for, and is over a little sooner here than there. */
static void renew(struct coordination *coordination)
{
        const int64_t asked = grant_now_ms(), margin = coordination->config->lease_ms / PARTS;
        struct etcd_answer answer = { 0 };
        int64_t ttl_s = 0;
        int r = 0;

        if (!coordination->lease)
                r = etcd_grant(coordination->etcd, coordination->config->lease_ms / 1000, &coordination->lease, NULL);
        if (r == 0)
                r = etcd_keep_alive(coordination->etcd, coordination->lease, &ttl_s, NULL);
        if (r == -ENOENT || (r == 0 && ttl_s == 0))
                coordination->lease = coordination->term = 0;
        if (r < 0 || ttl_s == 0)
                return;
        if (!coordination->term && stand(coordination) < 0)
                return;
        /* The place itself is looked at: somebody may have removed it. */
        if (coordination->term)
                r = etcd_get(coordination->etcd, coordination->leader_key, &answer, NULL);
        if (r == 0 && coordination->term && (!answer.found || answer.created != coordination->term))
                coordination->term = 0;
        if (r == 0)
                atomic_store(&coordination->page->leads_until,
                             coordination->term ? asked + ttl_s * 1000 - margin : 0);
}

static void tick(struct coordination *coordination)
{
        const int64_t now = grant_now_ms();

        if (!coordination->options->leads || now < coordination->next_ms)
                return;
        coordination->next_ms = now + coordination->config->lease_ms / PARTS;
        if (now >= atomic_load(&coordination->page->alive_until))
                step_down(coordination);
        else
                renew(coordination);
}

/* ---------------------------------------------------------------- questions */

/* One condition about the move, and that this controller leads, if it is one. *ret_answer is about the move. */
static int change(struct coordination *coordination, const struct etcd_condition *condition, const struct etcd_change *change,
                  struct etcd_answer *ret_answer, struct error *err)
{
        const struct etcd_condition conditions[] = {
                *condition, { .key = coordination->leader_key, .created = coordination->term }
        };
        const size_t count = coordination->options->leads ? 2 : 1;

        if (coordination->options->leads && !coordination->term)
                return error_refuse(err, _("refused: another controller leads"));
        return etcd_transact(coordination->etcd, conditions, count, change, 1, ret_answer, err);
}

/* Why a change was not made, from what the move's key was. */
static int refuse(const struct etcd_answer *answer, const struct move *move, struct error *err)
{
        struct move other;
        int r = -EBUSY;

        if (!answer->found) {
                error_refuse(err, _("refused: this move is not written down in etcd any more; another controller has ended it"));
                r = -ESTALE;
        } else if (!coordinator_move_read(answer->value, &other, NULL)) {
                error_refuse(err, _("refused: another move is written down in etcd, which cannot be read: %.100s"), answer->value);
        } else if (text_equal(other.id, move->id)) {
                error_refuse(err, _("refused: another controller leads"));
                r = -EPERM;
        } else {
                error_refuse(err, _("refused: a move from %s to %s is under way, of another controller or person"), other.from,
                             other.to);
        }
        if (err)
                err->code = r;
        return r;
}

/* What is written down, which must be this move. */
static int find(struct coordination *coordination, const struct move *move, struct etcd_answer *ret_written, struct error *err)
{
        struct move written;
        int r = etcd_get(coordination->etcd, coordination->move_key, ret_written, err);

        if (r < 0)
                return r;
        if (ret_written->found && coordinator_move_read(ret_written->value, &written, NULL) && text_equal(written.id, move->id))
                return 0;
        r = refuse(ret_written, move, err);
        if (r == -EBUSY) /* ours was ended, and another one began since */
                r = -ESTALE;
        if (err)
                err->code = r;
        return r;
}

/* Replaces what is written down, which must be `old`, by `new`; NULL: by nothing. */
static int replace(struct coordination *coordination, const struct move *old, const struct move *new, bool waits,
                   struct error *err)
{
        char text[COORDINATOR_MOVE_SIZE] = "";
        struct etcd_answer written, answer;
        int r = find(coordination, old, &written, err);

        if (r < 0)
                return r;
        if (new)
                coordinator_move_write(new, waits, text);
        r = change(coordination, &(struct etcd_condition){ .key = coordination->move_key, .value = written.value },
                   &(struct etcd_change){ .key = coordination->move_key, .value = new ? text : NULL }, &answer, err);
        return r < 0 || answer.succeeded ? r : refuse(&answer, old, err);
}

static int begin(struct coordination *coordination, const struct move *move, struct error *err)
{
        const struct etcd_condition none = { .key = coordination->move_key };
        char text[COORDINATOR_MOVE_SIZE];
        struct etcd_answer answer;
        int r;

        coordinator_move_write(move, false, text);
        r = change(coordination, &none, &(struct etcd_change){ .key = coordination->move_key, .value = text }, &answer, err);
        if (r < 0 || answer.succeeded || (answer.found && text_equal(answer.value, text)))
                return r;
        return answer.found ? refuse(&answer, move, err) : error_refuse(err, _("refused: another controller leads"));
}

static int epoch(struct coordination *coordination, const struct coordinator_question *question, uint64_t *ret_epoch,
                 struct error *err)
{
        const struct etcd_change stage = { .key = coordination->stage_key, .value = question->holder };
        struct etcd_answer written, answer = { 0 };
        int r = find(coordination, &question->move, &written, err);

        for (int i = 0; r == 0 && i < CATCH_UP; i++) {
                r = change(coordination, &(struct etcd_condition){ .key = coordination->move_key, .value = written.value }, &stage,
                           &answer, err);
                if (r == 0 && !answer.succeeded)
                        return refuse(&answer, &question->move, err);
                if (r == 0 && (uint64_t)answer.revision > question->seen) {
                        *ret_epoch = (uint64_t)answer.revision;
                        return 0;
                }
        }
        if (r < 0)
                return r;
        return error_set(err, -ERANGE, _("etcd's revision %lld is far behind the epoch of the database's host; was it begun anew?"),
                         (long long)answer.revision);
}

static int look(struct coordination *coordination, const char *key, struct coordinator_answer *answer, struct error *err)
{
        struct etcd_answer said;
        int r = etcd_get(coordination->etcd, key, &said, err);

        if (r == 0)
                snprintf(answer->value, sizeof(answer->value), "%.*s", (int)sizeof(answer->value) - 1, said.value);
        return r;
}

static int look_at_member(struct coordination *coordination, uint64_t place, struct coordinator_answer *answer, struct error *err)
{
        struct etcd_answer said;
        int r = place < coordination->config->endpoints.count ? etcd_status(coordination->etcd, place, &said, err) : -EINVAL;

        if (r < 0)
                return r;
        snprintf(answer->value, sizeof(answer->value), "%s", *said.version ? said.version : "?");
        snprintf(answer->cluster, sizeof(answer->cluster), "%s", said.cluster);
        answer->epoch = said.led;
        return 0;
}

static void answer_question(struct coordination *coordination, const struct coordinator_question *question,
                            struct coordinator_answer *answer)
{
        const struct move *move = &question->move;
        int r = -EINVAL;

        switch (question->what) {
        case COORDINATOR_MOVE: r = look(coordination, coordination->move_key, answer, &answer->error); break;
        case COORDINATOR_BEGIN: r = begin(coordination, move, &answer->error); break;
        case COORDINATOR_RESUME: r = replace(coordination, move, move, false, &answer->error); break;
        case COORDINATOR_TAKE_OVER: r = replace(coordination, &question->old, move, false, &answer->error); break;
        case COORDINATOR_EPOCH: r = epoch(coordination, question, &answer->epoch, &answer->error); break;
        case COORDINATOR_WAIT: r = replace(coordination, move, move, true, &answer->error); break;
        case COORDINATOR_END: r = replace(coordination, move, NULL, false, &answer->error); break;
        case COORDINATOR_LEADER: r = look(coordination, coordination->leader_key, answer, &answer->error); break;
        case COORDINATOR_MEMBER: r = look_at_member(coordination, question->seen, answer, &answer->error); break;
        }
        answer->error.code = r;
}

/* ---------------------------------------------------------------- the process */

static int set_up(struct coordination *coordination, struct error *err)
{
        const char *files[] = { coordination->config->ca, coordination->config->cert, coordination->config->key, NULL };
        const char *paths[LENGTH(files)] = { NULL };
        struct sandbox sandbox = { .network = true, .memory_bytes = MEMORY_BYTES, .read_paths = paths };
        const char *site = coordination->options->config->site;
        struct utsname names;
        size_t count = 0;

        for (size_t i = 0; i < LENGTH(files); i++)
                if (files[i])
                        paths[count++] = files[i];
        uname(&names);
        snprintf(coordination->name, sizeof(coordination->name), "%.64s", names.nodename);
        snprintf(coordination->leader_key, KEY_SIZE, "/understudy/%s/leader", site);
        snprintf(coordination->move_key, KEY_SIZE, "/understudy/%s/move", site);
        snprintf(coordination->stage_key, KEY_SIZE, "/understudy/%s/stage", site);
        return sandbox_enter(&sandbox, err);
}

/* Until the other side is gone; then another controller may lead at once. */
static void serve(struct coordination *coordination, int channel)
{
        for (;;) {
                struct pollfd one = { .fd = channel, .events = POLLIN };
                const int64_t left = coordination->options->leads ? coordination->next_ms - grant_now_ms() : 60000;
                struct coordinator_question question;
                struct coordinator_answer answer = { 0 };
                ssize_t n;

                if (poll(&one, 1, left < 0 ? 0 : (int)left) < 0 && errno != EINTR)
                        return;
                n = one.revents ? recv(channel, &question, sizeof(question), MSG_DONTWAIT) : -1;
                if (n == 0)
                        return;
                if (n == (ssize_t)sizeof(question)) {
                        answer_question(coordination, &question, &answer);
                        if (send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
                                return;
                }
                tick(coordination);
        }
}

void coordinator_process(const struct coordinator_options *options, struct coordinator_page *page, int channel, pid_t parent)
{
        struct coordination coordination = { .options = options, .config = &options->config->etcd, .page = page };
        struct error error = ERROR_NONE;
        sigset_t none;
        int r;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGTERM, SIG_IGN); /* it ends with its controller */
        signal(SIGINT, SIG_IGN);
        prctl(PR_SET_NAME, "coordinator");
        if (getppid() != parent)
                _exit(1);
        r = etcd_open(coordination.config, &coordination.etcd, &error);
        if (r == 0)
                r = set_up(&coordination, &error);
        if (r < 0) {
                fprintf(stderr, "understudy: %s\n", error.text);
                _exit(1);
        }
        serve(&coordination, channel);
        step_down(&coordination);
        _exit(0);
}
