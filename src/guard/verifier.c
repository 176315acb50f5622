/* verifier.c - one question after the other: look the path up, hash the descriptor, answer. */
#include "guard/verifier.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "ipc/packet.h"
#include "ipc/sandbox.h"
#include "manifest/policy.h"

#define SOCKET_NUMBER 3
#define MEMORY_BYTES  (UINT64_C(8) << 30) /* a backstop; the releases are in it by fork */

/* The system call itself: the C library makes fstat(3) of newfstatat(2), which could name files and is not allowed. */
static bool stat_file(int fd, struct stat *ret_stat)
{
#ifdef SYS_fstat
        return syscall(SYS_fstat, fd, ret_stat) == 0;
#else
        return fstat(fd, ret_stat) == 0;
#endif
}

static void refuse(struct gate_answer *answer, enum gate_reason reason)
{
        answer->verdict = GATE_VERDICT_REFUSED;
        answer->reason = reason;
}

/* What the application writes itself: the rules by name, mode and first bytes. */
static void judge_by_rules(unsigned int allow, const char *path, int fd, struct gate_answer *answer)
{
        const char *slash = strrchr(path, '/');
        char head[POLICY_HEAD_SIZE];
        struct stat st;
        ssize_t n = read_full_at(fd, head, sizeof(head), 0);

        if (n < 0 || !stat_file(fd, &st))
                refuse(answer, GATE_UNREADABLE);
        else if (policy_check(allow, slash ? slash + 1 : path, st.st_mode, head, (size_t)n) != BREACH_NONE)
                refuse(answer, GATE_BREACH);
        else
                answer->verdict = GATE_VERDICT_ALLOWED;
}

static void judge_content(const struct entry *entry, int fd, struct gate_answer *answer)
{
        struct digest digest;
        struct stat st;
        uint64_t size;
        int r;

        if (!stat_file(fd, &st)) {
                refuse(answer, GATE_UNREADABLE);
                return;
        }
        if (st.st_size != entry->size) { /* without reading: a planted terabyte must not keep anybody busy */
                refuse(answer, GATE_DIFFERS);
                return;
        }
        r = digest_of_fd(fd, (uint64_t)entry->size, &digest, &size, NULL);
        if (r < 0 && r != -E2BIG) /* -E2BIG: it grew */
                refuse(answer, GATE_UNREADABLE);
        else if (r < 0 || !digest_equal(&digest, &entry->digest))
                refuse(answer, GATE_DIFFERS);
        else
                answer->verdict = GATE_VERDICT_GENUINE;
}

static void judge_by_release(const struct index *index, const struct companion *companion, const char *path,
                             size_t length, int fd, struct gate_answer *answer)
{
        const struct entry *entry = index_find(index, path, length);
        const struct area *ignored = companion_ignored(companion, path);

        if (entry && entry->type == ENTRY_FILE)
                judge_content(entry, fd, answer);
        else if (!entry && ignored)
                judge_by_rules(ignored->allow, path, fd, answer);
        else
                refuse(answer, GATE_UNLISTED);
}

void verifier_judge(const struct verifier_tree *tree, const char *path, size_t length, int fd,
                    struct gate_answer *ret_answer)
{
        refuse(ret_answer, GATE_UNLISTED);
        if (tree->gone) {
                ret_answer->verdict = GATE_VERDICT_ALLOWED;
                return;
        }
        if (tree->area) {
                judge_by_rules(tree->allow, path, fd, ret_answer);
                return;
        }
        for (size_t i = 0; i < VERIFIER_RELEASES && ret_answer->verdict == GATE_VERDICT_REFUSED; i++)
                if (tree->index[i])
                        judge_by_release(tree->index[i], tree->companion[i], path, length, fd, ret_answer);
}

bool verifier_is_question(const struct gate_question *question, size_t length)
{
        return length > offsetof(struct gate_question, path) && question->tree < GATE_TREES &&
               question->path_length < GATE_PATH_SIZE &&
               length >= offsetof(struct gate_question, path) + question->path_length + 1 &&
               question->path[question->path_length] == '\0';
}

/* ---- the process ---- */

/* One question with its descriptor. False when the gate is gone, or sent something that it never sends. */
static bool receive(struct gate_question *question, int *ret_fd)
{
        size_t count = 0;
        ssize_t n = packet_receive(SOCKET_NUMBER, question, sizeof(*question), ret_fd, 1, &count);

        if (n > 0 && count == 1 && verifier_is_question(question, (size_t)n))
                return true;
        if (count == 1)
                close(*ret_fd);
        return false;
}

static void serve(const struct verifier_tree trees[static GATE_TREES])
{
        static struct gate_question question;

        for (;;) {
                struct gate_answer answer = { 0 };
                int fd = -1;

                if (!receive(&question, &fd))
                        return;
                answer.id = question.id;
                verifier_judge(&trees[question.tree], question.path, question.path_length, fd, &answer);
                close(fd);
                if (send(SOCKET_NUMBER, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
                        return;
        }
}

static void become_verifier(const struct verifier_tree trees[static GATE_TREES], int socket)
{
        const struct sandbox sandbox = { .memory_bytes = MEMORY_BYTES, .outlives = true };
        struct digest warm; /* OpenSSL looks for its configuration once, which no name may be used for later */

        if (dup2(socket, SOCKET_NUMBER) < 0)
                _exit(EXIT_FAILED);
        /* The guard's groups above all: held by this process too, a dead gate's questions would wait for ever. */
        if (close_range(SOCKET_NUMBER + 1, ~0U, 0) < 0 || digest_of_bytes("", 0, &warm, NULL) < 0 ||
            sandbox_enter(&sandbox, NULL) < 0)
                _exit(EXIT_FAILED);
        serve(trees);
        _exit(EXIT_DONE);
}

int verifier_start(const struct verifier_tree trees[static GATE_TREES], int *ret_socket, pid_t *ret_pid,
                   struct error *err)
{
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start a verifier"));
        pid = fork();
        if (pid == 0)
                become_verifier(trees, ends[1]);
        fd_close(&ends[1]);
        if (pid < 0) {
                fd_close(&ends[0]);
                return error_errno(err, errno, _("cannot start a verifier"));
        }
        *ret_socket = ends[0];
        *ret_pid = pid;
        return 0;
}
