/* test_sandbox.c - from inside the sandbox, what an intruder would try is tried. */
#include "tests.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/io.h"
#include "ipc/sandbox.h"

#define COULD     0 /* the attempt had success */
#define COULD_NOT 1

typedef int attempt_function(void);

static pid_t parent;
static int listener_port;

/* Enters in a child and tries; returns its exit status, or 256 + the signal that ended it. */
static int inside(bool network, attempt_function *attempt)
{
        pid_t pid;
        int status = 0;

        parent = getpid();
        pid = fork();
        if (pid == 0) {
                const struct sandbox sandbox = { .network = network, .memory_bytes = UINT64_C(4) << 30 };

                if (sandbox_enter(&sandbox, NULL) < 0)
                        _exit(99);
                _exit(attempt());
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void never(attempt_function *attempt)
{
        assert_int_equal(inside(false, attempt), COULD_NOT);
        assert_int_equal(inside(true, attempt), COULD_NOT);
}

static void deadly(attempt_function *attempt)
{
        assert_int_equal(inside(false, attempt), 256 + SIGSYS);
        assert_int_equal(inside(true, attempt), 256 + SIGSYS);
}

static int open_shadow(void)
{
        return open("/etc/shadow", O_RDONLY) < 0 ? COULD_NOT : COULD;
}

static int open_passwd(void)
{
        return open("/etc/passwd", O_RDONLY) < 0 ? COULD_NOT : COULD;
}

static int open_hosts(void)
{
        return open("/etc/hosts", O_RDONLY) < 0 ? COULD_NOT : COULD;
}

static int write_a_file(void)
{
        return open("/tmp/test_sandbox.file", O_WRONLY | O_CREAT, 0600) < 0 && open("/dev/null", O_WRONLY) < 0 &&
                               open("/tmp", O_TMPFILE | O_RDWR, 0600) < 0
                       ? COULD_NOT
                       : COULD;
}

static int change_names(void)
{
        return mkdir("/tmp/test_sandbox.dir", 0700) < 0 && unlink("/tmp/test_sandbox.file") < 0 &&
                               symlink("/", "/tmp/test_sandbox.link") < 0 && chmod("/tmp", 0777) < 0
                       ? COULD_NOT
                       : COULD;
}

static int stop_the_parent(void)
{
        return kill(parent, SIGSTOP) < 0 && kill(parent, 0) < 0 && kill(-1, SIGTERM) < 0 ? COULD_NOT : COULD;
}

static int execute(void)
{
        return execl("/bin/true", "true", NULL) < 0 ? COULD_NOT : COULD;
}

static int trace_the_parent(void)
{
        return ptrace(PTRACE_SEIZE, parent, NULL, NULL) < 0 ? COULD_NOT : COULD;
}

static int mount_something(void)
{
        return mount("none", "/tmp", "tmpfs", 0, NULL) < 0 ? COULD_NOT : COULD;
}

static int new_namespace(void)
{
        return unshare(CLONE_NEWUSER) < 0 ? COULD_NOT : COULD;
}

static int become_root(void)
{
        return setuid(0) < 0 ? COULD_NOT : COULD;
}

static int new_process(void)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        return pid < 0 ? COULD_NOT : COULD;
}

static int run_what_was_written(void)
{
        return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
                               mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                       ? COULD_NOT
                       : COULD;
}

static int any_socket(void)
{
        return socket(AF_INET, SOCK_STREAM, 0) < 0 && socket(AF_INET6, SOCK_DGRAM, 0) < 0 ? COULD_NOT : COULD;
}

static int odd_socket(void)
{
        return socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP) < 0 && socket(AF_INET6, SOCK_STREAM, IPPROTO_SCTP) < 0 &&
                               socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) < 0 && socket(AF_UNIX, SOCK_STREAM, 0) < 0 &&
                               socket(AF_PACKET, SOCK_RAW, 0) < 0 && socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 &&
                               socket(AF_NETLINK, SOCK_RAW, 9) < 0
                       ? COULD_NOT
                       : COULD;
}

static int listen_for_others(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        bind(fd, (struct sockaddr *)&address, sizeof(address));
        return listen(fd, 1) < 0 ? COULD_NOT : COULD;
}

static int connect_out(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)listener_port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? COULD_NOT : COULD;
}

static int resolve(void)
{
        struct addrinfo *found = NULL;

        return getaddrinfo("localhost", "80", NULL, &found) != 0 ? COULD_NOT : COULD;
}

static void *nothing(void *argument)
{
        return argument;
}

static int start_thread(void)
{
        pthread_t thread;

        return pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0 ? COULD_NOT : COULD;
}

static int work(void)
{
        void *block = malloc(64U << 20);
        struct timespec now;

        if (!block || clock_gettime(CLOCK_REALTIME, &now) < 0)
                return COULD_NOT;
        memset(block, 1, 64U << 20);
        free(block);
        return COULD;
}

static int end_oneself(void)
{
        abort();
}

/* What the kernel says of the process itself. */
static int has_given_up(void)
{
        struct rlimit limit;

        if (geteuid() == 0 || getuid() == 0 || getegid() == 0)
                return COULD;
        if (getrlimit(RLIMIT_CORE, &limit) == 0) /* not among the calls that are left */
                return COULD;
        return COULD_NOT;
}

static void files_are_out_of_reach(void **state)
{
        struct sandbox_support support;

        (void)state;
        never(open_shadow);
        never(write_a_file);
        never(change_names);
        assert_int_equal(inside(false, open_passwd), COULD_NOT);
        assert_int_equal(inside(false, open_hosts), COULD_NOT);
        assert_int_equal(inside(true, open_hosts), COULD);
        sandbox_support(&support);
        if (support.landlock_abi > 0)
                assert_int_equal(inside(true, open_passwd), COULD_NOT);
        assert_int_equal(access("/tmp/test_sandbox.file", F_OK), -1);
}

static void processes_are_out_of_reach(void **state)
{
        (void)state;
        never(stop_the_parent);
        never(new_process);
        never(run_what_was_written);
        deadly(execute);
        deadly(trace_the_parent);
        deadly(mount_something);
        deadly(new_namespace);
        deadly(become_root);
}

static void only_the_network_is_let_through(void **state)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)state;
        assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
        listener_port = ntohs(address.sin_port);
        assert_int_equal(inside(false, any_socket), COULD_NOT);
        assert_int_equal(inside(true, connect_out), COULD);
        assert_int_equal(inside(true, resolve), COULD);
        never(odd_socket);
        never(listen_for_others);
        close(listener);
}

static void what_the_helper_needs_works(void **state)
{
        (void)state;
        assert_int_equal(inside(false, work), COULD);
        assert_int_equal(inside(true, work), COULD);
        assert_int_equal(inside(true, start_thread), COULD);
        assert_int_equal(inside(false, end_oneself), 256 + SIGABRT);
}

static void rights_are_gone(void **state)
{
        (void)state;
        if (geteuid() == 0)
                never(has_given_up);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_are_out_of_reach),
                cmocka_unit_test(processes_are_out_of_reach),
                cmocka_unit_test(only_the_network_is_let_through),
                cmocka_unit_test(what_the_helper_needs_works),
                cmocka_unit_test(rights_are_gone),
        };

        if (tests_under_valgrind())
                return 0;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
