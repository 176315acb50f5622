/* start.c - the gate's start, with the privileges that it gives up then. */

#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/fanotify.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lease.h"
#include "protocol.h"
#include "question.h"

#define FILES_DEFAULT 262144 /* remembered at most, if the guard does not say; the table is 72 bytes a file */
#define FREE_RESERVE  256    /* descriptors: a batch of events, trees, verifiers, a file on its way in */
#define WAITERS_LEAST 32
#define NICENESS      (-10)
#define NOBODY        65534

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The sanitizers map terabytes and make system calls of their own. */
#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer) || HAS_FEATURE(memory_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static void write_own(const char *path, const char *text, size_t length)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd >= 0) {
                (void)!write(fd, text, length);
                close(fd);
        }
}

int start_process(void)
{
        static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP };
        sigset_t ours;

        /* It is started from memory, where a program has no name but a descriptor's number: for ps and top. */
        (void)prctl(PR_SET_NAME, "understudy-gate");
        for (size_t i = 0; i < LENGTH(ignored); i++)
                (void)signal(ignored[i], SIG_IGN);
        sigemptyset(&ours);
        sigaddset(&ours, LEASE_SIGNAL);
        sigaddset(&ours, SIGIO);
        if (sigprocmask(SIG_SETMASK, &ours, NULL) < 0 || chdir("/") < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
                return -1;
        /* No terminal's keys reach it, and where the kernel shares by session its share is its own. In a container some
         * of this may be forbidden: it works without. */
        (void)setsid();
        (void)setpriority(PRIO_PROCESS, 0, NICENESS);
        write_own("/proc/self/autogroup", "-10", 3);
        write_own("/proc/self/oom_score_adj", "-1000", 5);
        return signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* At least as many descriptors as wanted, or what the machine gives. */
static size_t raise_limit(size_t wanted)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 0;
        if (limit.rlim_max < wanted) {
                const struct rlimit higher = { .rlim_cur = wanted, .rlim_max = wanted };

                if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
                        return wanted;
        }
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

int start_memory(struct cache *cache, uint32_t cache_files, size_t *ret_held)
{
        const size_t files = cache_files ? cache_files : FILES_DEFAULT;
        const size_t limit = raise_limit(files + WAITERS_MAXIMUM + FREE_RESERVE);
        size_t held = limit / 8, buckets = 1024;
        struct known *table;
        int32_t *heads;

        if (held > WAITERS_MAXIMUM)
                held = WAITERS_MAXIMUM;
        if (held < WAITERS_LEAST || limit <= held + FREE_RESERVE)
                return -1;
        while (buckets < limit)
                buckets *= 2;
        table = mmap(NULL, limit * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        heads = mmap(NULL, buckets * sizeof(*heads), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (table == MAP_FAILED || heads == MAP_FAILED)
                return -1;
        cache_init(cache, GATE_GROUP_FD, table, limit, heads, buckets,
                   files < limit - held - FREE_RESERVE ? files : limit - held - FREE_RESERVE);
        *ret_held = held;
        /* An answer must not wait for a disk. (Where it is forbidden, it can; it cannot wait for itself.) */
        if (!SANITIZED)
                (void)mlockall(MCL_CURRENT | MCL_FUTURE);
        return 0;
}

void start_succeed(const struct cache *cache)
{
        struct fanotify_response response = { .response = FAN_DENY };

        /* The kernel knows questions by the number of the descriptor that the dead one had; which they were nobody
         * knows any more. Nothing was read from the group yet, so none of them is ours. */
        for (size_t fd = 3; fd < cache->size; fd++) {
                response.fd = (int)fd;
                (void)!write(cache->group, &response, sizeof(response));
        }
        (void)fanotify_mark(cache->group, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
}

/* ---- privileges ---- */

/* Needed on: leases on files of others; the executable of an opener; handles, and marks on files that few may read.
 * What else root may do (CAP_SYS_ADMIN above all) the group's descriptor makes needless. In a container one of them may
 * be missing: without leases every open is hashed. */
static const unsigned int kept[] = { CAP_LEASE, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH };

static int keep_capabilities(void)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

        uint32_t needed[_LINUX_CAPABILITY_U32S_3] = { 0 };

        if (syscall(SYS_capget, &head, data) < 0)
                return -1;
        for (size_t i = 0; i < LENGTH(kept); i++)
                needed[CAP_TO_INDEX(kept[i])] |= CAP_TO_MASK(kept[i]);
        for (size_t i = 0; i < LENGTH(data); i++) {
                data[i].permitted &= needed[i];
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }
        return syscall(SYS_capset, &head, data) < 0 ? -1 : 0;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
static const unsigned int calls[] = {
        SYS_read,
        SYS_write,
        SYS_close,
        SYS_fcntl,
        SYS_statx,
        SYS_readlinkat,
        SYS_name_to_handle_at,
        SYS_fanotify_mark,
        SYS_ppoll,
        SYS_recvmsg,
        SYS_sendmsg,
        SYS_flock,
        SYS_getpid,
        SYS_clock_gettime,
        SYS_exit,
        SYS_exit_group,
        SYS_rt_sigreturn,
        SYS_restart_syscall,
#ifdef SYS_poll
        SYS_poll,
#endif
};

static int enter_seccomp(void)
{
        struct sock_filter filter[4 + 2 * LENGTH(calls) + 5];
        struct sock_fprog program = { .filter = filter };
        unsigned short n = 0;

        filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        for (size_t i = 0; i < LENGTH(calls); i++) {
                filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
                filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        }
        /* The one call that opens: for names alone, never for content. (Both machines are little-endian.) */
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open_by_handle_at, 0, 3);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]));
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_PATH, 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
        program.len = n;
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#endif

int start_drop_privileges(void)
{
        /* Files are root's by their owner, too, not by capabilities alone: looked at as nobody, but killed by root
         * only, which setuid() would change. */
        (void)setfsgid(NOBODY);
        (void)setfsuid(NOBODY);
        if (keep_capabilities() < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -1;
#ifdef ARCHITECTURE
        if (!SANITIZED && enter_seccomp() < 0 && errno != EINVAL) /* EINVAL: a kernel without filters */
                return -1;
#endif
        return 0;
}
