#include "coordinator.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "coordinator_private.h"
#include "grant.h"

#define ANSWER_MS 15000 /* three members that do not answer, and one turn for the lease before */
#define END_MS    2000

struct coordinator {
        struct coordinator_options options;
        struct coordinator_page *page;
        pid_t pid;
        int channel;
};

/* ---------------------------------------------------------------- as text */

void coordinator_move_write(const struct move *move, bool waits, char text[static COORDINATOR_MOVE_SIZE])
{
        snprintf(text, COORDINATOR_MOVE_SIZE, "%s %s %s %s %u %s", move->id,
                 move->kind == MOVE_FAILOVER ? "failover" : "planned", move->from, move->to, move->by,
                 waits ? "waiting" : "running");
}

/* The next word of at most size - 1 bytes. */
static bool take_word(const char **text, char *word, size_t size)
{
        const size_t length = strcspn(*text, " ");

        if (length == 0 || length >= size)
                return false;
        memcpy(word, *text, length);
        word[length] = '\0';
        *text += length + ((*text)[length] == ' ');
        return true;
}

bool coordinator_move_read(const char *text, struct move *ret_move, bool *ret_waits)
{
        struct move move = { .id = "" };
        char kind[16], by[4], state[16];

        if (!take_word(&text, move.id, sizeof(move.id)) || !take_word(&text, kind, sizeof(kind)) ||
            !take_word(&text, move.from, sizeof(move.from)) || !take_word(&text, move.to, sizeof(move.to)) ||
            !take_word(&text, by, sizeof(by)) || !take_word(&text, state, sizeof(state)) || *text != '\0')
                return false;
        if ((!text_equal(kind, "failover") && !text_equal(kind, "planned")) ||
            (!text_equal(state, "running") && !text_equal(state, "waiting")))
                return false;
        move.kind = text_equal(kind, "failover") ? MOVE_FAILOVER : MOVE_PLANNED;
        /* Connections are kept (4) where the address moves only. */
        if (by[0] < '1' || by[0] > '7' || by[0] == '4' || by[0] == '6' || by[1])
                return false;
        move.by = (unsigned int)(by[0] - '0');
        *ret_move = move;
        if (ret_waits)
                *ret_waits = text_equal(state, "waiting");
        return true;
}

/* ---------------------------------------------------------------- start and end */

int coordinator_start(const struct coordinator_options *options, struct coordinator **ret_coordinator, struct error *err)
{
        _cleanup_(fd_closep) int here = -1, there = -1;
        const pid_t parent = getpid();
        struct coordinator *coordinator;
        struct coordinator_page *page;
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start the process that asks etcd"));
        here = ends[0];
        there = ends[1];
        page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
                return error_memory(err);
        coordinator = memory_new(1, sizeof(*coordinator));
        if (!coordinator) {
                munmap(page, sizeof(*page));
                return error_memory(err);
        }
        *coordinator = (struct coordinator){ .options = *options, .page = page, .channel = fd_steal(&here) };
        coordinator_alive(coordinator, 0);
        coordinator->pid = fork();
        if (coordinator->pid == 0) {
                fd_close(&coordinator->channel);
                coordinator_process(&coordinator->options, page, there, parent);
        }
        if (coordinator->pid < 0) {
                const int failed = errno;

                coordinator_free(coordinator);
                return error_errno(err, failed, _("cannot start the process that asks etcd"));
        }
        *ret_coordinator = coordinator;
        return 0;
}

/* It gives its lease back when the channel ends. */
void coordinator_free(struct coordinator *coordinator)
{
        int64_t deadline = clock_monotonic_ms() + END_MS;
        pid_t gone = 0;

        if (!coordinator)
                return;
        fd_close(&coordinator->channel);
        while (coordinator->pid > 0 && (gone = waitpid(coordinator->pid, NULL, WNOHANG)) == 0 && clock_monotonic_ms() < deadline)
                usleep(5000);
        if (coordinator->pid > 0 && gone == 0) {
                kill(coordinator->pid, SIGKILL);
                (void)waitpid(coordinator->pid, NULL, 0);
        }
        munmap(coordinator->page, sizeof(*coordinator->page));
        free(coordinator);
}

void coordinator_freep(struct coordinator **coordinator)
{
        coordinator_free(*coordinator);
}

void coordinator_alive(struct coordinator *coordinator, int64_t for_ms)
{
        const int64_t until = grant_now_ms() + (for_ms ? for_ms : coordinator->options.config->etcd.lease_ms);

        atomic_store(&coordinator->page->alive_until, until);
}

bool coordinator_leads(const struct coordinator *coordinator)
{
        return grant_now_ms() < atomic_load(&coordinator->page->leads_until);
}

/* ---------------------------------------------------------------- asking */

static int ask(struct coordinator *coordinator, const struct coordinator_question *question,
               struct coordinator_answer *ret_answer, struct error *err)
{
        struct pollfd one = { .fd = coordinator->channel, .events = POLLIN };
        struct coordinator_answer answer;
        ssize_t n = send(coordinator->channel, question, sizeof(*question), MSG_NOSIGNAL);

        if (n == (ssize_t)sizeof(*question) && poll(&one, 1, ANSWER_MS) == 0) {
                /* An answer that comes later must not be taken for that of another question. */
                kill(coordinator->pid, SIGKILL);
                return error_set(err, -ETIMEDOUT, _("etcd did not answer within %d seconds"), ANSWER_MS / 1000);
        }
        n = n < 0 ? n : recv(coordinator->channel, &answer, sizeof(answer), 0);
        if (n != (ssize_t)sizeof(answer))
                return error_set(err, -EPIPE, _("the process that asks etcd is gone"));
        answer.error.text[sizeof(answer.error.text) - 1] = answer.error.english[sizeof(answer.error.english) - 1] = '\0';
        answer.value[sizeof(answer.value) - 1] = answer.cluster[sizeof(answer.cluster) - 1] = '\0';
        if (answer.error.code < 0) {
                if (err)
                        *err = answer.error;
                return answer.error.code;
        }
        *ret_answer = answer;
        return 0;
}

static int ask_about(struct coordinator *coordinator, enum coordinator_what what, const struct move *move, const struct move *old,
                     struct error *err)
{
        struct coordinator_question question = { .what = what, .move = *move };
        struct coordinator_answer answer;

        if (old)
                question.old = *old;
        return ask(coordinator, &question, &answer, err);
}

int coordinator_move(struct coordinator *coordinator, struct move *ret_move, bool *ret_waits, struct error *err)
{
        const struct coordinator_question question = { .what = COORDINATOR_MOVE };
        struct coordinator_answer answer;
        int r = ask(coordinator, &question, &answer, err);

        if (r < 0 || !answer.value[0])
                return r;
        if (!coordinator_move_read(answer.value, ret_move, ret_waits))
                return error_set(err, -EBADMSG, _("the move that is written down in etcd cannot be read: %.100s"), answer.value);
        return 1;
}

int coordinator_begin(struct coordinator *coordinator, const struct move *move, struct error *err)
{
        return ask_about(coordinator, COORDINATOR_BEGIN, move, NULL, err);
}

int coordinator_resume(struct coordinator *coordinator, const struct move *move, struct error *err)
{
        return ask_about(coordinator, COORDINATOR_RESUME, move, NULL, err);
}

int coordinator_take_over(struct coordinator *coordinator, const struct move *old, const struct move *move, struct error *err)
{
        return ask_about(coordinator, COORDINATOR_TAKE_OVER, move, old, err);
}

int coordinator_epoch(struct coordinator *coordinator, const struct move *move, const char *holder, uint64_t seen,
                      uint64_t *ret_epoch, struct error *err)
{
        struct coordinator_question question = { .what = COORDINATOR_EPOCH, .seen = seen, .move = *move };
        struct coordinator_answer answer;
        int r;

        snprintf(question.holder, sizeof(question.holder), "%s", holder);
        r = ask(coordinator, &question, &answer, err);
        if (r == 0)
                *ret_epoch = answer.epoch;
        return r;
}

int coordinator_end(struct coordinator *coordinator, const struct move *move, bool waits, struct error *err)
{
        return ask_about(coordinator, waits ? COORDINATOR_WAIT : COORDINATOR_END, move, NULL, err);
}

int coordinator_leader(struct coordinator *coordinator, char name[static COORDINATOR_NAME_SIZE], struct error *err)
{
        const struct coordinator_question question = { .what = COORDINATOR_LEADER };
        struct coordinator_answer answer;
        int r = ask(coordinator, &question, &answer, err);

        if (r == 0)
                snprintf(name, COORDINATOR_NAME_SIZE, "%.*s", COORDINATOR_NAME_SIZE - 1, answer.value);
        return r;
}

int coordinator_member(struct coordinator *coordinator, size_t place, struct coordinator_member *ret_member, struct error *err)
{
        const struct coordinator_question question = { .what = COORDINATOR_MEMBER, .seen = place };
        struct coordinator_answer answer;
        int r = ask(coordinator, &question, &answer, err);

        if (r < 0)
                return r;
        *ret_member = (struct coordinator_member){ .led = answer.epoch };
        snprintf(ret_member->version, sizeof(ret_member->version), "%.*s", (int)sizeof(ret_member->version) - 1, answer.value);
        snprintf(ret_member->cluster, sizeof(ret_member->cluster), "%s", answer.cluster);
        return 0;
}
