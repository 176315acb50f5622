/*
 * sandbox_landlock.c - Landlock (Documentation/userspace-api/landlock.rst), by system call: which files stay readable.
 *
 * Everything that Landlock knows how to refuse is refused. Without network no rule follows, so no name can be opened.
 * With network these may be read, and nothing may be written, made, removed or executed:
 */

#include "sandbox_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"

static const char *const network_paths[] = {
        "/etc/resolv.conf", /* name servers; a link into /run on many machines, the opened file counts */
        "/etc/hosts",
        "/etc/host.conf",
        "/etc/nsswitch.conf", /* which sources are asked for a host */
        "/etc/gai.conf",      /* which address of several is preferred */
        "/etc/services",
        "/etc/ssl", /* TLS roots of Debian, and OpenSSL's configuration */
        "/etc/pki", /* TLS roots of Fedora and its kin */
        "/usr/lib/ssl",
        "/usr/share/ca-certificates", /* what the links in /etc/ssl/certs lead to */
        "/usr/local/share/ca-certificates",
        "/etc/ld.so.cache", /* sources named in nsswitch.conf are libraries that are loaded when first used */
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/dev/urandom",
        NULL,
};

/* Rights that are newer than the headers of Debian 12 (Linux 6.1), by the ABI that brought them. */
#define ACCESS_FS_TRUNCATE  (1ULL << 14) /* 3 */
#define ACCESS_NET_BIND     (1ULL << 0)  /* 4 */
#define ACCESS_NET_CONNECT  (1ULL << 1)  /* 4 */
#define ACCESS_FS_IOCTL_DEV (1ULL << 15) /* 5 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)  /* 6 */
#define SCOPE_SIGNAL        (1ULL << 1)  /* 6 */

/* The kernel's struct landlock_ruleset_attr as of ABI 6; older kernels take a shorter one. */
struct ruleset {
        uint64_t access_fs;
        uint64_t access_net;
        uint64_t scoped;
};

int sandbox_landlock_abi(void)
{
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

        return abi < 0 ? 0 : (int)abi;
}

/* All that this ABI can refuse. */
static size_t everything(int abi, bool network, struct ruleset *ret_ruleset)
{
        ret_ruleset->access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
        if (abi >= 2)
                ret_ruleset->access_fs |= LANDLOCK_ACCESS_FS_REFER;
        if (abi >= 3)
                ret_ruleset->access_fs |= ACCESS_FS_TRUNCATE;
        if (abi >= 4) /* nobody connects to the helper; it connects to whatever port the URL or a proxy names */
                ret_ruleset->access_net = ACCESS_NET_BIND | (network ? 0 : ACCESS_NET_CONNECT);
        if (abi >= 5)
                ret_ruleset->access_fs |= ACCESS_FS_IOCTL_DEV;
        if (abi >= 6)
                ret_ruleset->scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
        return abi >= 6 ? sizeof(*ret_ruleset) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

/* A path that is not there needs no rule. */
static int allow_reading(int ruleset, const char *path, struct error *err)
{
        _cleanup_(fd_closep) int fd = open(path, O_PATH | O_CLOEXEC);
        struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = fd };
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return 0;
        if (S_ISDIR(st.st_mode))
                rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
                return error_errno(err, errno, _("cannot let the sandbox read %s"), path);
        return 0;
}

int sandbox_landlock_enter(const struct sandbox *sandbox, struct error *err)
{
        _cleanup_(fd_closep) int ruleset = -1;
        struct ruleset attributes = { 0 };
        int abi = sandbox_landlock_abi(), r = 0;
        size_t size;

        if (abi == 0)
                return 0;
        size = everything(abi, sandbox->network, &attributes);
        ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
        if (ruleset < 0)
                return error_errno(err, errno, _("cannot enter the sandbox (%s)"), "Landlock");
        for (size_t i = 0; r == 0 && sandbox->network && network_paths[i]; i++)
                r = allow_reading(ruleset, network_paths[i], err);
        for (size_t i = 0; r == 0 && sandbox->network && sandbox->read_paths && sandbox->read_paths[i]; i++)
                r = allow_reading(ruleset, sandbox->read_paths[i], err);
        if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
                r = error_errno(err, errno, _("cannot enter the sandbox (%s)"), "Landlock");
        return r;
}
