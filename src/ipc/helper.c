/* helper.c - signals and descriptors of a helper. */
#include "ipc/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/attributes.h"
#include "ipc/sandbox.h"

static void settle_signals(void)
{
        static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGPIPE };
        sigset_t none;

        for (int number = 1; number < NSIG; number++)
                signal(number, SIG_DFL);
        for (size_t i = 0; i < LENGTH(ignored); i++)
                signal(ignored[i], SIG_IGN);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

int helper_settle(int socket)
{
        int null, kept = fcntl(socket, F_DUPFD_CLOEXEC, HELPER_SOCKET + 1); /* out of the way of what follows */

        settle_signals();
        if (kept < 0 || dup2(kept, HELPER_SOCKET) < 0)
                return -errno;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return -errno;
        for (int fd = 0; fd < (SANDBOX_INSTRUMENTED ? 2 : 3); fd++) /* a sanitizer's report goes to the terminal */
                if (dup2(null, fd) < 0)
                        return -errno;
        closefrom(HELPER_SOCKET + 1);
        return 0;
}
