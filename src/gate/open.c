/* open.c - may this file be opened? */

#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lease.h"
#include "siphash.h"

/* ---- answers ---- */

static void answer(struct gate *gate, int fd, bool allow)
{
        const struct fanotify_response response = { .fd = fd, .response = allow ? FAN_ALLOW : FAN_DENY };

        if (allow)
                gate->counters.allowed++;
        else
                gate->counters.refused++;
        (void)!write(GATE_GROUP_FD, &response, sizeof(response)); /* ENOENT: who asked was killed meanwhile */
}

static void process_path(char path[static 32], int pid, const char *tail)
{
        char digits[12], *at = digits + sizeof(digits);
        unsigned int number = (unsigned int)pid;

        *--at = '\0';
        do
                *--at = (char)('0' + number % 10);
        while (number /= 10);
        memcpy(path, at, strlen(at));
        memcpy(path + strlen(at), tail, strlen(tail) + 1);
}

/* Root's own understudy must read what differs: verify, pull, and whoever keeps the evidence. */
static bool is_exempt(const struct gate *gate, int pid)
{
        struct statx process, program;
        char path[32];

        if (pid <= 0)
                return false;
        process_path(path, pid, ""); /* owned by the effective user, whatever else the process did */
        if (statx(gate->proc, path, 0, STATX_UID, &process) < 0 || process.stx_uid != 0)
                return false;
        process_path(path, pid, "/exe");
        return statx(gate->proc, path, AT_STATX_DONT_SYNC, STATX_INO, &program) == 0 &&
               program.stx_ino == gate->setup.program_inode &&
               makedev(program.stx_dev_major, program.stx_dev_minor) == gate->setup.program_device;
}

/* The descriptor stays the caller's. */
static void refuse(struct gate *gate, int fd, int pid, const struct file *file, const struct place *place,
                   enum gate_reason reason)
{
        const bool by_default = reason == GATE_LATE && gate->setup.late_allow;
        const uint64_t how = (place->elsewhere ? GATE_ELSEWHERE : 0) | (by_default ? GATE_BY_DEFAULT : 0);

        if (is_exempt(gate, pid)) {
                answer(gate, fd, true);
                return;
        }
        answer(gate, fd, by_default);
        if (reason == GATE_LATE)
                gate->counters.late++;
        report_file(gate, GATE_REFUSED, reason, how, pid, file, place);
}

/* ---- what is known ---- */

static uint64_t name_of(const struct gate *gate, const struct place *place)
{
        char text[sizeof(uint32_t) + GATE_PATH_SIZE];

        memcpy(text, &place->tree, sizeof(uint32_t));
        memcpy(text + sizeof(uint32_t), place->path, place->length);
        return siphash(gate->key, text, sizeof(uint32_t) + place->length);
}

/*
 * Lets the kernel ask no more about a file that has one name, this one. The mark counts for the inode whatever it is
 * called; so the name is looked at again behind it. A rename or link before that is seen here, one after it is told by
 * the names' group, and all marks go: where it is not known that it would be told, the kernel goes on asking.
 */
static void stop_asking(struct gate *gate, struct known *known, const struct place *place)
{
        const int fd = cache_descriptor(&gate->cache, known);
        struct place again;
        struct file file;

        if (!where_watched(&gate->trees, place->tree))
                return;
        cache_mark(&gate->cache, known);
        if (!where_look(fd, &file) || file.links != 1 || file.size != known->size ||
            where_find(&gate->trees, fd, &file, &again) != WHERE_INSIDE || !where_same(&again, place) ||
            !where_watched(&gate->trees, place->tree))
                cache_unmark(&gate->cache, known);
}

static struct known *remember(struct gate *gate, int fd, const struct file *file, uint64_t name, uint32_t tree,
                              uint64_t generation)
{
        const struct known what = { .device = file->device,
                                    .inode = file->inode,
                                    .size = file->size,
                                    .name = name,
                                    .tree = tree,
                                    .generation = generation };

        return cache_add(&gate->cache, fd, &what);
}

void open_told(struct gate *gate, const struct place *place, uint64_t generation, int fd)
{
        const struct tree *tree = &gate->trees.tree[place->tree];
        struct file file;

        if (!tree->used || tree->area || generation < gate->cache.minimum[place->tree] || !lease_adopt(fd) ||
            !where_look(fd, &file) || !file.regular) {
                lease_drop(fd); /* the guard may hold it, too, and nobody would tell it of a writer */
                close(fd);
                return;
        }
        /* It gets its mark when it is opened: a comparison hands over all there are, and has another name for those of a
         * tree that is about to be exchanged. */
        (void)remember(gate, fd, &file, name_of(gate, place), place->tree, generation);
}

/* ---- questions ---- */

static void settle(struct gate *gate, struct question *question, bool allow, enum gate_reason reason, bool keep)
{
        const int held = question->fd;
        struct waiter waiter;

        if (question->leased && !keep)
                lease_drop(held);
        while (question_next_waiter(&gate->questions, question, &waiter)) {
                if (allow)
                        answer(gate, waiter.fd, true);
                else
                        refuse(gate, waiter.fd, waiter.pid, &question->file, &question->place, reason);
                if (waiter.fd != held || !keep)
                        close(waiter.fd);
        }
        question_close(&gate->questions, question);
}

/* Lease, hash, lease again, mark, answer: in this order nothing can come in between. */
static void settle_genuine(struct gate *gate, struct question *question)
{
        struct known *known;
        struct file file;

        if (!question->leased) {
                settle(gate, question, true, GATE_REASON_NONE, false);
                return;
        }
        /* The size: see lease.h. */
        if (!lease_held(question->fd) || !where_look(question->fd, &file) || file.size != question->file.size) {
                settle(gate, question, false, GATE_WRITER, false);
                return;
        }
        known = remember(gate, question->fd, &file, question->name, question->place.tree, question->generation);
        stop_asking(gate, known, &question->place);
        settle(gate, question, true, GATE_REASON_NONE, true);
}

void open_verdict(struct gate *gate, struct question *question, const struct gate_answer *answer)
{
        const uint32_t tree = question->place.tree;

        if (question->generation < gate->cache.minimum[tree]) {
                question->generation = gate->trees.tree[tree].generation;
                return; /* a verdict by a release that counts no more: it is asked again */
        }
        switch (answer->verdict) {
        case GATE_VERDICT_GENUINE: settle_genuine(gate, question); break;
        case GATE_VERDICT_ALLOWED: settle(gate, question, true, GATE_REASON_NONE, false); break;
        default: settle(gate, question, false, answer->reason, false);
        }
}

void open_late(struct gate *gate, int64_t now)
{
        struct questions *questions = &gate->questions;
        /* A guard that is gone sends no verifier any more. */
        const bool hopeless = gate->orphan && !questions_have_verifier(questions);

        while (questions->oldest >= 0) {
                struct question *question = &questions->all[questions->oldest];

                if (question->deadline_ms > now && !hopeless)
                        break;
                if (question->verifier >= 0)
                        report_plain(gate, GATE_SLOW, (uint64_t)question->verifier);
                settle(gate, question, false, GATE_LATE, false);
        }
}

void open_answer_all(struct gate *gate, bool allow)
{
        while (gate->questions.oldest >= 0)
                settle(gate, &gate->questions.all[gate->questions.oldest], allow, GATE_LATE, false);
}

/* ---- opens ---- */

/* Asks a verifier, or has it wait with others for the same answer. */
static void ask(struct gate *gate, int fd, int pid, const struct file *file, const struct place *place, uint64_t name)
{
        const struct tree *tree = &gate->trees.tree[place->tree];
        struct question *question = question_find(&gate->questions, file, name);
        enum gate_reason reason = GATE_NO_ROOM;
        int lease;

        /* Its answer is known, and the guard itself must not wait for a verifier that hangs: nobody would replace it. */
        if (is_exempt(gate, pid)) {
                answer(gate, fd, true);
                close(fd);
                return;
        }
        /* Only under the lease is the content that is being read the content that this one will get. */
        if (question && question->leased && question->file.size == file->size && lease_held(question->fd)) {
                if (question_join(&gate->questions, question, fd, pid))
                        return;
                goto refused;
        }
        lease = tree->area ? -EOPNOTSUPP : lease_take(fd);
        if (lease == -EAGAIN) {
                reason = GATE_WRITER;
                goto refused;
        }
        question = question_new(&gate->questions, fd, pid);
        if (!question)
                goto refused;
        question->file = *file;
        question->name = name;
        question->generation = tree->generation;
        question->deadline_ms = now_ms() + gate->setup.verdict_ms;
        question->leased = lease == 0;
        memcpy(&question->place, place, offsetof(struct place, path) + place->length + 1);
        gate->counters.asked++;
        return;
refused:
        refuse(gate, fd, pid, file, place, reason);
        close(fd);
}

/* True: it was answered. */
static bool answer_known(struct gate *gate, int fd, const struct file *file, const struct place *place, uint64_t name)
{
        struct known *known = cache_find(&gate->cache, file->device, file->inode);

        if (!known)
                return false;
        if (known->parting_ms)
                return false;
        if (file->size != known->size || !lease_held(cache_descriptor(&gate->cache, known))) {
                open_lease_broken(gate, cache_descriptor(&gate->cache, known));
                return false;
        }
        if (known->name != name || !cache_counts(&gate->cache, known))
                return false; /* genuine as something else */
        known->recent = true;
        stop_asking(gate, known, place);
        answer(gate, fd, true);
        close(fd);
        return true;
}

void open_asked(struct gate *gate, const struct fanotify_event_metadata *event)
{
        struct place place = { 0 };
        struct file file = { 0 };
        enum where where = WHERE_UNKNOWN;
        uint64_t name;

        if (where_look(event->fd, &file))
                where = file.regular ? where_find(&gate->trees, event->fd, &file, &place) : WHERE_OUTSIDE;
        if (where == WHERE_INSIDE) {
                name = name_of(gate, &place);
                if (gate->trees.tree[place.tree].area || !answer_known(gate, event->fd, &file, &place, name))
                        ask(gate, event->fd, event->pid, &file, &place, name);
                return;
        }
        if (where == WHERE_OUTSIDE) {
                gate->counters.outside++;
                answer(gate, event->fd, true);
        } else {
                refuse(gate, event->fd, event->pid, &file, &place, GATE_UNREADABLE);
        }
        close(event->fd);
}

/* ---- writers ---- */

/*
 * A read that was permitted may not have got its bytes yet when the writer comes: whoever reads was just woken, and the
 * machine may be busy. From here on every read is asked about again and refused, for the lease is broken; the writer
 * waits until those before have had this long.
 */
#define PARTING_MS 50

/* The lease goes; from here on the writer runs. */
static void let_write(struct gate *gate, struct known *known)
{
        const int fd = cache_descriptor(&gate->cache, known);
        struct place place;
        struct file file;

        lease_drop(fd);
        if (where_look(fd, &file) && where_find(&gate->trees, fd, &file, &place) == WHERE_INSIDE)
                report_file(gate, GATE_TOUCHED, GATE_REASON_NONE, 0, 0, &file, &place);
        else
                report_file(gate, GATE_TOUCHED, GATE_REASON_NONE, 0, 0, &file, NULL);
        cache_drop(&gate->cache, known);
}

static void let_first_write(struct gate *gate)
{
        struct partings *partings = &gate->partings;
        const struct parting parting = partings->all[partings->first];
        struct known *known = cache_at(&gate->cache, parting.fd);

        partings->first = (partings->first + 1) % GATE_PARTINGS;
        partings->count--;
        /* It may have been forgotten since, and the descriptor's number may be another file's. */
        if (known && known->parting_ms == parting.when_ms)
                let_write(gate, known);
}

void open_part(struct gate *gate, int64_t now)
{
        const struct partings *partings = &gate->partings;

        while (partings->count > 0 && partings->all[partings->first].when_ms <= now)
                let_first_write(gate);
}

void open_lease_broken(struct gate *gate, int fd)
{
        struct partings *partings = &gate->partings;
        struct known *known = cache_at(&gate->cache, fd);
        const struct question *question;
        struct file file;
        bool held;

        if (!known) {
                question = question_of(&gate->questions, fd);
                if (question && question->leased && !lease_held(fd))
                        lease_drop(fd); /* its verdict will find that */
                return;
        }
        if (known->parting_ms)
                return;
        held = lease_held(fd);
        /* A descriptor's number may have come into other hands since the signal was sent. */
        if (held && where_look(fd, &file) && file.size == known->size)
                return;
        cache_unmark(&gate->cache, known);
        if (held) { /* emptied by somebody who waits for no lease (lease.h) */
                let_write(gate, known);
                return;
        }
        if (partings->count == GATE_PARTINGS)
                let_first_write(gate);
        known->parting_ms = now_ms() + PARTING_MS;
        partings->all[(partings->first + partings->count) % GATE_PARTINGS] =
                (struct parting){ .fd = fd, .when_ms = known->parting_ms };
        partings->count++;
}
