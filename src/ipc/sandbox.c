/*
 * sandbox.c - the layers that every kernel has, and the order of all of them.
 *
 * The order matters: identity first (it needs capabilities), then what identity changes reset (the signal at the
 * parent's death, dumpable), then limits, then Landlock (it opens the paths that stay readable), seccomp last (it
 * forbids what the others needed).
 */

#include "sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/i18n.h"
#include "sandbox_layers.h"

#define DESCRIPTORS_MAXIMUM 64 /* a few connections and the files of name resolution */

static struct {
        bool known;
        uid_t uid;
        gid_t gid;
} prepared;

static int find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct error *err)
{
        const struct passwd *entry;

        if (!name && prepared.known) {
                *ret_uid = prepared.uid;
                *ret_gid = prepared.gid;
                return 0;
        }
        entry = getpwnam(name ? name : "understudy");
        if (!entry && !name)
                entry = getpwnam("nobody");
        if (!entry)
                return error_set(err, -ENOENT, _("the system has no user %s, whom the fetch helper was to become"),
                                 name ? name : "nobody");
        if (entry->pw_uid == 0)
                return error_set(err, -EINVAL, _("the fetch helper cannot become %s, who is root; name another user"),
                                 entry->pw_name);
        *ret_uid = entry->pw_uid;
        *ret_gid = entry->pw_gid;
        return 0;
}

void sandbox_prepare(void)
{
        prepared.known = find_user(NULL, &prepared.uid, &prepared.gid, NULL) == 0;
}

/*
 * Becomes another user when root. In a user namespace that maps no other user there is nobody to become (EINVAL), and a
 * container may have taken the capability to change (EPERM without CAP_SETUID): the other layers have to do then, as
 * for every caller who is not root.
 */
static int change_identity(const struct sandbox *sandbox, struct error *err)
{
        uid_t uid = (uid_t)-1;
        gid_t gid = (gid_t)-1;
        int r;

        if (geteuid() != 0 || !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) ||
            !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID))
                return 0;
        r = find_user(sandbox->user, &uid, &gid, err);
        if (r < 0)
                return r;
        if (setgroups(0, NULL) < 0 && errno != EPERM) /* EPERM: the user namespace denies setgroups() */
                return error_errno(err, errno, _("cannot give up root's groups"));
        if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) {
                if (errno == EINVAL)
                        return 0;
                return error_errno(err, errno, _("cannot become user %u"), (unsigned int)uid);
        }
        return 0;
}

/* Out of the bounding set first: afterwards the right to do so is gone. */
static int drop_capabilities(const struct sandbox *sandbox, struct error *err)
{
        bool bounding;
        int r;

        if (capng_get_caps_process() < 0)
                return error_set(err, -EIO, "%s", _("cannot read the process's capabilities"));
        bounding = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) > 0;
        for (int capability = 0; bounding && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
                if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
                        return error_errno(err, errno, _("cannot drop capability %d"), capability);
        }
        r = change_identity(sandbox, err);
        if (r < 0)
                return r;
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        capng_clear(CAPNG_SELECT_CAPS);
        if (capng_apply(CAPNG_SELECT_CAPS) < 0)
                return error_set(err, -EPERM, "%s", _("cannot drop the process's capabilities"));
        return 0;
}

static int limit(int resource, uint64_t value, struct error *err)
{
        struct rlimit now, wanted;

        if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
                return error_errno(err, errno, _("cannot read resource limit %d"), resource);
        wanted.rlim_cur = wanted.rlim_max = now.rlim_max < value ? now.rlim_max : value;
        if (setrlimit((__rlimit_resource_t)resource, &wanted) < 0)
                return error_errno(err, errno, _("cannot set resource limit %d"), resource);
        return 0;
}

static int limit_resources(const struct sandbox *sandbox, struct error *err)
{
        int r = limit(RLIMIT_CORE, 0, err); /* a core would hold what was read, and credentials of the URL */

        if (r == 0)
                r = limit(RLIMIT_FSIZE, 0, err); /* writes no file, whatever descriptor it should come by */
        if (r == 0)
                r = limit(RLIMIT_NOFILE, DESCRIPTORS_MAXIMUM, err);
        if (r == 0)
                r = limit(RLIMIT_MEMLOCK, 0, err);
        if (r == 0)
                r = limit(RLIMIT_MSGQUEUE, 0, err);
        /* Name resolution makes threads, and the limit counts those of the whole user: with network seccomp alone holds
         * that there is no other process. */
        if (r == 0 && !sandbox->network)
                r = limit(RLIMIT_NPROC, 0, err);
        if (r == 0 && !SANDBOX_INSTRUMENTED && sandbox->memory_bytes)
                r = limit(RLIMIT_AS, sandbox->memory_bytes, err);
        return r;
}

int sandbox_enter(const struct sandbox *sandbox, struct error *err)
{
        int r = drop_capabilities(sandbox, err);

        if (r < 0)
                return r;
        /* Not dumpable: another process of the same user can neither trace it nor read its memory. */
        if (prctl(PR_SET_PDEATHSIG, sandbox->outlives ? 0 : SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_errno(err, errno, _("cannot enter the sandbox (%s)"), "prctl");
        r = limit_resources(sandbox, err);
        if (r == 0)
                r = sandbox_landlock_enter(sandbox, err);
        if (r == 0)
                r = sandbox_seccomp_enter(sandbox, err);
        return r;
}

void sandbox_support(struct sandbox_support *ret_support)
{
        ret_support->landlock_abi = sandbox_landlock_abi();
        /* With a NULL filter the kernel says EFAULT when it knows the mode, EINVAL when it does not. */
        ret_support->seccomp = prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, NULL, 0, 0) < 0 && errno == EFAULT;
}
