/*
 * helper.h - the first steps of a forked process that is about to read outside bytes: nothing of its parent's but one
 * socket.
 *
 *     pid = fork();
 *     if (pid == 0) {
 *             if (helper_settle(theirs) < 0)
 *                     _exit(EXIT_FAILURE);
 *             ... what needs files and names ...
 *             sandbox_enter(&sandbox, &error);
 *             ... reads requests from HELPER_SOCKET ...
 *     }
 */
#ifndef IPC_HELPER_H
#define IPC_HELPER_H

#define HELPER_SOCKET 3

/*
 * Only the socket stays, as HELPER_SOCKET, and /dev/null where libraries expect the standard descriptors. Signals are
 * as at a program's start, but what a terminal sends is the parent's to understand: the helper ends when its socket
 * does. 0 or a negative errno.
 */
int helper_settle(int socket);

#endif
