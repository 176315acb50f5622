/* machine.c - the machine itself: kernel, sandbox, state folder, clock; and the repository. */
#include "tree/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/sandbox.h"
#include "tree/machine_parts.h"
#include "tree/source.h"
#include "tree/state.h"

/* 2024-01-01: a machine that believes to be older has lost its clock, and would believe expired notes. */
#define CLOCK_EARLIEST INT64_C(1704067200)

const char *finding_result_name(enum finding_result result)
{
        static const char *const names[] = { "ok", "warning", "problem" };

        return names[result];
}

void machine_find(const struct machine_report *report, const char *check, enum finding_result result,
                  const char *format, ...)
{
        char text[ERROR_TEXT_SIZE];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        report->finding(report->context, check, result, text);
}

static void check_kernel(const struct machine_report *report)
{
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(fd_closep) int proc = open_beneath(root, "proc", O_PATH | O_DIRECTORY, 0, BENEATH_ANY_MOUNT);
        struct statx stx = { 0 };

        if (root < 0 || proc == -ENOSYS)
                machine_find(report, "kernel", FINDING_PROBLEM,
                             _("the kernel has no openat2; Linux 5.8 or newer is needed"));
        else if (statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
                machine_find(report, "kernel", FINDING_PROBLEM,
                             _("the kernel does not tell mounts apart; Linux 5.8 or newer is needed"));
        else if (access("/proc/self/mountinfo", R_OK) < 0)
                machine_find(report, "kernel", FINDING_PROBLEM, _("/proc is not mounted; mount it"));
        else
                machine_find(report, "kernel", FINDING_OK, _("the kernel has all that is needed"));
}

static void check_sandbox(const struct machine_report *report)
{
        struct sandbox_support support = { 0 };

        sandbox_support(&support);
        if (!support.seccomp)
                machine_find(report, "sandbox", FINDING_WARNING,
                             _("the kernel has no seccomp: what reads the repository is confined by its user alone"));
        else if (support.landlock_abi == 0)
                machine_find(report, "sandbox", FINDING_OK,
                             _("seccomp is there; Landlock is not, so the layer above it does the work"));
        else
                machine_find(report, "sandbox", FINDING_OK, _("seccomp and Landlock (ABI %d) are there"),
                             support.landlock_abi);
}

static void check_state(const struct machine_report *report, const char *directory)
{
        struct stat st;

        if (stat(directory, &st) < 0 && errno == ENOENT)
                machine_find(report, "state", geteuid() == 0 ? FINDING_OK : FINDING_WARNING,
                             _("the state folder %s is not there yet; the first pull makes it"), directory);
        else if (stat(directory, &st) < 0)
                machine_find(report, "state", FINDING_PROBLEM, _("the state folder %s cannot be looked at: %s"),
                             directory, strerror(errno));
        else if (!S_ISDIR(st.st_mode) || faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0)
                machine_find(report, "state", FINDING_PROBLEM, _("the state folder %s cannot be written; run as root"),
                             directory);
        else if (st.st_uid != geteuid() || (st.st_mode & 022))
                machine_find(report, "state", FINDING_PROBLEM,
                             _("others may write in the state folder %s (owner %u, mode %04o); make it yours alone"),
                             directory, st.st_uid, st.st_mode & 07777U);
        else
                machine_find(report, "state", FINDING_OK, _("the state folder is %s"), directory);
}

static void check_clock(const struct machine_report *report)
{
        char time[CLOCK_TEXT_SIZE];
        int64_t now = clock_now();

        clock_format_utc(now, time);
        if (now < CLOCK_EARLIEST)
                machine_find(report, "clock", FINDING_PROBLEM,
                             _("the clock says %s; set it, or an expired note would be believed"), time);
        else
                machine_find(report, "clock", FINDING_OK, _("the clock says %s"), time);
}

void machine_check(const struct machine_report *report, const char *state_directory)
{
        check_kernel(report);
        check_sandbox(report);
        check_state(report, state_directory);
        check_clock(report);
}

/* ---- the repository ---- */

static void check_note(const struct machine_report *report, const struct current *current, bool expired)
{
        char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE];
        int64_t left = current->expires - clock_now(), all = current->expires - current->created;

        clock_format_utc(current->created, created);
        clock_format_utc(current->expires, expires);
        if (expired)
                machine_find(report, "current", FINDING_PROBLEM, _("the current note (made %s) expired %s; refresh it"),
                             created, expires);
        else if (left < all / 4)
                machine_find(report, "current", FINDING_WARNING,
                             _("the current note (made %s) expires soon, %s; refresh it more often"), created, expires);
        else
                machine_find(report, "current", FINDING_OK, _("the current note was made %s and holds until %s"),
                             created, expires);
}

static int check_newest(const struct machine_report *report, struct repository *repository, const struct trust *trust,
                        struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct release release = { 0 };
        struct current current = { 0 };
        uint64_t number = 0;
        bool expired = false;
        int r;

        if (trust->root_mode) {
                r = source_current(repository, trust, clock_now(), &current, &expired, err);
                if (r == 0)
                        return error_set(err, -EBADMSG,
                                         _("there is no current.json; make one with 'understudy refresh'"));
                if (r < 0)
                        return r;
                check_note(report, &current, expired);
                number = current.release;
        } else {
                r = repository_latest(repository, &number, err);
                if (r < 0)
                        return r;
        }
        r = source_release(repository, trust, number, &release, &text, &signature, err);
        if (r < 0)
                return r;
        machine_find(report, "repository", FINDING_OK,
                     _("%s answers; its newest release is %" PRIu64 " of the site %s, "
                       "and the signature holds"),
                     repository_url(repository), number, release.site);
        release_done(&release);
        return 0;
}

static int check_signed(const struct machine_report *report, struct repository *repository,
                        const struct public_key *pub, struct error *err)
{
        _cleanup_(buffer_done) struct buffer keys = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer keys_signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        struct trust *trust = memory_new(1, sizeof(*trust));
        int r;

        if (!trust)
                return error_memory(err);
        r = source_trust(repository, pub, false, trust, &keys, &keys_signature, err);
        if (r == 0)
                r = check_newest(report, repository, trust, err);
        free(trust);
        return r;
}

void machine_check_repository(const struct machine_report *report, const char *url,
                              const struct repository_options *options, const struct public_key *pub)
{
        _cleanup_(repository_closep) struct repository *repository = NULL;
        struct error error = ERROR_NONE;
        uint64_t number = 0;
        int r = repository_open(url, options, &repository, &error);

        if (r == 0)
                r = pub ? check_signed(report, repository, pub, &error)
                        : repository_latest(repository, &number, &error);
        if (r < 0)
                machine_find(report, "repository", FINDING_PROBLEM, "%s", error.text);
        else if (!pub)
                machine_find(report, "repository", FINDING_WARNING,
                             _("%s answers and says that release %" PRIu64 " is its newest; name the public key with "
                               "--pub to have signatures checked"),
                             url, number);
}
