/* question.c - the table of open questions, the list of who waits for each, and the verifiers' sockets. */

#include "question.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet.h"

void questions_init(struct questions *questions, size_t waiter_limit, uint64_t first_id)
{
        for (int32_t i = 0; i < QUESTIONS_MAXIMUM; i++)
                questions->all[i].newer = i + 1 < QUESTIONS_MAXIMUM ? i + 1 : -1;
        for (int32_t i = 0; i < WAITERS_MAXIMUM; i++)
                questions->waiters[i].next = i + 1 < WAITERS_MAXIMUM ? i + 1 : -1;
        for (unsigned int i = 0; i < GATE_VERIFIERS; i++)
                questions->verifiers[i].fd = -1;
        questions->oldest = questions->newest = -1;
        questions->waiter_limit = waiter_limit < WAITERS_MAXIMUM ? waiter_limit : WAITERS_MAXIMUM;
        questions->next_id = first_id;
}

static int32_t number_of(const struct questions *questions, const struct question *question)
{
        return (int32_t)(question - questions->all);
}

struct question *question_find(struct questions *questions, const struct file *file, uint64_t name)
{
        for (int32_t i = questions->oldest; i >= 0; i = questions->all[i].newer) {
                struct question *question = &questions->all[i];

                if (question->file.inode == file->inode && question->file.device == file->device &&
                    question->name == name)
                        return question;
        }
        return NULL;
}

struct question *question_of(struct questions *questions, int fd)
{
        for (int32_t i = questions->oldest; i >= 0; i = questions->all[i].newer)
                if (questions->all[i].fd == fd)
                        return &questions->all[i];
        return NULL;
}

bool question_join(struct questions *questions, struct question *question, int fd, int pid)
{
        int32_t number = questions->free_waiter;
        struct waiter *waiter;

        if (number < 0 || questions->waiter_count >= questions->waiter_limit)
                return false;
        waiter = &questions->waiters[number];
        questions->free_waiter = waiter->next;
        *waiter = (struct waiter){ .fd = fd, .pid = pid, .next = question->waiters };
        question->waiters = number;
        questions->waiter_count++;
        return true;
}

struct question *question_new(struct questions *questions, int fd, int pid)
{
        int32_t number = questions->free;
        struct question *question;

        if (number < 0)
                return NULL;
        question = &questions->all[number];
        question->waiters = -1;
        if (!question_join(questions, question, fd, pid))
                return NULL;
        questions->free = question->newer;
        question->used = true;
        question->fd = fd;
        question->verifier = -1;
        question->older = questions->newest;
        question->newer = -1;
        if (questions->newest >= 0)
                questions->all[questions->newest].newer = number;
        else
                questions->oldest = number;
        questions->newest = number;
        questions->count++;
        return question;
}

bool question_next_waiter(struct questions *questions, struct question *question, struct waiter *ret_waiter)
{
        int32_t number = question->waiters;
        struct waiter *waiter;

        if (number < 0)
                return false;
        waiter = &questions->waiters[number];
        *ret_waiter = *waiter;
        question->waiters = waiter->next;
        waiter->next = questions->free_waiter;
        questions->free_waiter = number;
        questions->waiter_count--;
        return true;
}

void question_close(struct questions *questions, struct question *question)
{
        int32_t number = number_of(questions, question);

        assert(question->used && question->waiters < 0);
        if (question->verifier >= 0) {
                struct verifier *verifier = &questions->verifiers[question->verifier];

                for (unsigned int i = 0; i < verifier->count; i++)
                        if (verifier->asked[i].question == number)
                                verifier->asked[i].question = -1;
        }
        if (question->older >= 0)
                questions->all[question->older].newer = question->newer;
        else
                questions->oldest = question->newer;
        if (question->newer >= 0)
                questions->all[question->newer].older = question->older;
        else
                questions->newest = question->older;
        question->used = false;
        question->newer = questions->free;
        questions->free = number;
        questions->count--;
}

/* ---- verifiers ---- */

static bool is_slow(const struct verifier *verifier)
{
        for (unsigned int i = 0; i < verifier->count; i++)
                if (verifier->asked[i].question < 0)
                        return true;
        return false;
}

static int least_busy(const struct questions *questions)
{
        int best = -1;

        for (int i = 0; i < GATE_VERIFIERS; i++) {
                const struct verifier *verifier = &questions->verifiers[i];

                if (verifier->fd >= 0 && verifier->count < VERIFIER_DEPTH && !is_slow(verifier) &&
                    (best < 0 || verifier->count < questions->verifiers[best].count))
                        best = i;
        }
        return best;
}

static int ask(struct questions *questions, struct question *question, int slot)
{
        struct verifier *verifier = &questions->verifiers[slot];
        struct gate_question packet;
        int r;

        packet.id = questions->next_id;
        packet.tree = question->place.tree;
        packet.path_length = question->place.length;
        memcpy(packet.path, question->place.path, question->place.length + 1);
        r = packet_send(verifier->fd, &packet, offsetof(struct gate_question, path) + packet.path_length + 1,
                        question->fd);
        if (r < 0)
                return r;
        questions->next_id++;
        verifier->asked[verifier->count].id = packet.id;
        verifier->asked[verifier->count++].question = number_of(questions, question);
        question->verifier = slot;
        return 0;
}

int questions_ask(struct questions *questions)
{
        for (int32_t i = questions->oldest; i >= 0; i = questions->all[i].newer) {
                int slot, r;

                if (questions->all[i].verifier >= 0)
                        continue;
                slot = least_busy(questions);
                if (slot < 0)
                        break;
                r = ask(questions, &questions->all[i], slot);
                if (r == -EAGAIN || r == -ETOOMANYREFS)
                        break; /* full of answers that it has still to read; later */
                if (r < 0)
                        return slot;
        }
        return -1;
}

int questions_answer(struct questions *questions, unsigned int slot, struct gate_answer *ret_answer,
                     struct question **ret_question)
{
        struct verifier *verifier = &questions->verifiers[slot];
        int fd;
        ssize_t n = packet_receive(verifier->fd, ret_answer, sizeof(*ret_answer), MSG_DONTWAIT, &fd);

        if (fd >= 0) /* never asked for */
                close(fd);
        *ret_question = NULL;
        if (n == -EAGAIN)
                return 0;
        if (n != sizeof(*ret_answer) || fd >= 0)
                return -1;
        for (unsigned int i = 0; i < verifier->count; i++) {
                int32_t number = verifier->asked[i].question;

                if (verifier->asked[i].id != ret_answer->id)
                        continue;
                verifier->asked[i] = verifier->asked[--verifier->count];
                if (number >= 0) {
                        questions->all[number].verifier = -1;
                        *ret_question = &questions->all[number];
                }
                return ret_answer->verdict >= GATE_VERDICT_GENUINE && ret_answer->verdict <= GATE_VERDICT_REFUSED ? 1
                                                                                                                  : -1;
        }
        /* Of a gate before this one? Else nobody asked that. */
        return ret_answer->id >> 32 == questions->next_id >> 32 ? -1 : 1;
}

void questions_replace(struct questions *questions, unsigned int slot, int fd)
{
        struct verifier *verifier = &questions->verifiers[slot];

        for (unsigned int i = 0; i < verifier->count; i++)
                if (verifier->asked[i].question >= 0)
                        questions->all[verifier->asked[i].question].verifier = -1;
        if (verifier->fd >= 0)
                close(verifier->fd);
        verifier->fd = fd;
        verifier->count = 0;
}

bool questions_have_verifier(const struct questions *questions)
{
        for (unsigned int i = 0; i < GATE_VERIFIERS; i++)
                if (questions->verifiers[i].fd >= 0)
                        return true;
        return false;
}
