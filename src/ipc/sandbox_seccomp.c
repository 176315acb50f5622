/*
 * sandbox_seccomp.c - which system calls are left, as a list of what is allowed (libseccomp).
 *
 * Everything else says EPERM, so that a library that tries something new goes on without it; what only an intruder
 * would try ends the process at once.
 */

#include "sandbox_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"

/* Needed by every helper; none of them can name a file or make a descriptor of something new. */
static const int always[] = {
        /* the conversation, and descriptors that came over it */
        SCMP_SYS(read),
        SCMP_SYS(readv),
        SCMP_SYS(pread64),
        SCMP_SYS(write),
        SCMP_SYS(writev),
        SCMP_SYS(lseek),
        SCMP_SYS(close),
        SCMP_SYS(fstat),
        SCMP_SYS(recvmsg),
        SCMP_SYS(recvfrom),
        SCMP_SYS(sendmsg),
        SCMP_SYS(sendto),
        SCMP_SYS(shutdown),
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        /* memory */
        SCMP_SYS(brk),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        /* threads and their locks */
        SCMP_SYS(futex),
        SCMP_SYS(sched_yield),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(set_robust_list),
        SCMP_SYS(rseq),
        SCMP_SYS(membarrier),
        /* clocks and chance */
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_getres),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(nanosleep),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(getrandom),
        SCMP_SYS(restart_syscall),
        /* who am I */
        SCMP_SYS(getpid),
        SCMP_SYS(gettid),
        SCMP_SYS(getppid),
        SCMP_SYS(getuid),
        SCMP_SYS(geteuid),
        SCMP_SYS(getgid),
        SCMP_SYS(getegid),
        SCMP_SYS(uname),
        SCMP_SYS(getrusage),
        /* signals to itself: masks, handlers (sanitizers, abort) and their end */
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
};

/* Needed by libcurl, TLS and name resolution. Opening is for reading only (see below), and Landlock says what. */
static const int with_network[] = {
        SCMP_SYS(connect),    SCMP_SYS(getsockname), SCMP_SYS(getpeername),
        SCMP_SYS(setsockopt), SCMP_SYS(getsockopt),  SCMP_SYS(sendmmsg),
        SCMP_SYS(recvmmsg),   SCMP_SYS(bind), /* getaddrinfo(): its netlink socket; Landlock refuses TCP */
        SCMP_SYS(select),     SCMP_SYS(pselect6),    SCMP_SYS(epoll_create1),
        SCMP_SYS(epoll_ctl),  SCMP_SYS(epoll_wait),  SCMP_SYS(epoll_pwait),
        SCMP_SYS(eventfd2),   SCMP_SYS(pipe2),       SCMP_SYS(pipe),
        SCMP_SYS(stat),       SCMP_SYS(lstat),       SCMP_SYS(newfstatat),
        SCMP_SYS(statx),      SCMP_SYS(access),      SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2), SCMP_SYS(readlink),    SCMP_SYS(readlinkat),
        SCMP_SYS(getdents64), SCMP_SYS(fstatfs),     SCMP_SYS(getcwd),
        SCMP_SYS(sysinfo),
};

/* Needed by libmicrohttpd on a socket that listens already. */
static const int with_serving[] = {
        SCMP_SYS(accept),      SCMP_SYS(accept4),     SCMP_SYS(epoll_ctl),  SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
        SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(sendfile),
};

/* Nobody calls these by mistake. */
static const int deadly[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(mount),
        SCMP_SYS(umount2),
        SCMP_SYS(pivot_root),
        SCMP_SYS(chroot),
        SCMP_SYS(setns),
        SCMP_SYS(unshare),
        SCMP_SYS(move_mount),
        SCMP_SYS(open_tree),
        SCMP_SYS(fsopen),
        SCMP_SYS(fsmount),
        SCMP_SYS(mount_setattr),
        SCMP_SYS(bpf),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(init_module),
        SCMP_SYS(finit_module),
        SCMP_SYS(delete_module),
        SCMP_SYS(kexec_load),
        SCMP_SYS(kexec_file_load),
        SCMP_SYS(keyctl),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(io_uring_enter),
        SCMP_SYS(io_uring_register),
        SCMP_SYS(open_by_handle_at),
        SCMP_SYS(name_to_handle_at),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(reboot),
        SCMP_SYS(swapon),
        SCMP_SYS(acct),
        SCMP_SYS(quotactl),
        SCMP_SYS(setuid),
        SCMP_SYS(setresuid),
        SCMP_SYS(setreuid),
        SCMP_SYS(modify_ldt),
        SCMP_SYS(personality),
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                int r = seccomp_rule_add(filter, action, calls[i], 0);

                if (r < 0 && r != -EDOM && r != -EOPNOTSUPP) /* this architecture has no such call */
                        return r;
        }
        return 0;
}

/* Calls whose numbers decide. Returns the first failure. */
static int add_conditions(scmp_filter_ctx filter)
{
        static const int commands[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC };
        int r;

        /* No lease, no lock, no owner for signals: a descriptor that came over can only be read. */
        for (size_t i = 0; i < LENGTH(commands); i++) {
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                     SCMP_A1(SCMP_CMP_EQ, (uint64_t)commands[i]));
                if (r < 0)
                        return r;
        }
        /* abort() and its kin: signals to itself alone. */
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid()));
        return r;
}

/* Memory that is written and then run is how an intruder brings his program along. */
static int add_memory(scmp_filter_ctx filter)
{
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        return r;
}

static int add_network(scmp_filter_ctx filter)
{
        static const struct {
                uint64_t type, protocol;
        } sockets[] = {
                {SOCK_STREAM,  0          },
                { SOCK_STREAM, IPPROTO_TCP},
                { SOCK_DGRAM,  0          },
                { SOCK_DGRAM,  IPPROTO_UDP},
        };
        const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | (__O_TMPFILE & ~O_DIRECTORY);
        int r = add_all(filter, SCMP_ACT_ALLOW, with_network, LENGTH(with_network));

        /* No Unix socket to any service of the machine (name caches are gone round), but a pair to itself. TCP and UDP
         * only: MPTCP, SCTP and others would load kernel modules, and go round Landlock's rules for TCP. */
        for (size_t i = 0; r == 0 && i < 2 * LENGTH(sockets); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
                                     SCMP_A0(SCMP_CMP_EQ, i % 2 ? AF_INET6 : AF_INET),
                                     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, sockets[i / 2].type),
                                     SCMP_A2(SCMP_CMP_EQ, sockets[i / 2].protocol));
        if (r == 0) /* getaddrinfo() asks which addresses the machine has */
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                                     SCMP_A2(SCMP_CMP_EQ, 0 /* NETLINK_ROUTE */));
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                                     SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
#ifdef __NR_open
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                                     SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
#endif
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD));
        /* Threads, never processes. clone3() hides its flags in memory, so the C library is told that there is none. */
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
        if (r == 0) /* a source of names in nsswitch.conf is a library, mapped to be run from a file that Landlock
                       leaves readable; never anonymous memory, never writable */
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                                     SCMP_A2(SCMP_CMP_EQ, PROT_READ | PROT_EXEC),
                                     SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0));
        return r;
}

int sandbox_seccomp_enter(const struct sandbox *sandbox, struct error *err)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r;

        if (!filter)
                return error_memory(err);
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        if (r == 0) /* tell a kernel that has no filters from one that refuses this one */
                r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
        if (r == 0)
                r = add_all(filter, SCMP_ACT_KILL_PROCESS, deadly, LENGTH(deadly));
        if (r == 0)
                r = add_all(filter, SCMP_ACT_ALLOW, always, LENGTH(always));
        if (r == 0)
                r = add_conditions(filter);
        if (r == 0)
                r = add_memory(filter);
        if (r == 0 && sandbox->network)
                r = add_network(filter);
        if (r == 0 && sandbox->serve)
                r = add_all(filter, SCMP_ACT_ALLOW, with_serving, LENGTH(with_serving));
        if (r == 0) {
                r = seccomp_load(filter);
                if (r == -EINVAL || r == -ENOSYS) /* a kernel without seccomp filters */
                        r = 0;
        }
        seccomp_release(filter);
        if (r < 0)
                return error_errno(err, -r, _("cannot enter the sandbox (%s)"), "seccomp");
        return 0;
}
