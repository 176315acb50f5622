/*
 * elsewhere.h - what processes in other mount namespaces (containers, services with a private /tmp) see at a tree.
 *
 * Who was root once can enter the mount namespace of a web server and mount a page of his over a genuine one: nothing
 * of it is to be seen in ours, and the server serves it. So the mount tables of all namespaces are read, as far as we
 * may.
 */
#ifndef TREE_ELSEWHERE_H
#define TREE_ELSEWHERE_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Calls back for everything that is mounted over something at or below `directory` in another mount namespace: `path`
 * is relative, "" the folder itself; `words` say for whom. A mount of a thing over itself (ReadWritePaths= and the
 * like) shows what is there and is passed over. So are namespaces that an unprivileged user can make for himself,
 * unless a web server lives there. Returns 0, the callback's error, or one of our own.
 */
int elsewhere_mounts(int directory, int (*found)(void *context, const char *path, const char *words, struct error *err),
                     void *context, struct error *err);

/* Whether /proc/PROCESS is a web server, or runs the programs of one, by its name. */
bool elsewhere_is_server(const char *process, char name[static 32]);

/* Whether it lives in another mount namespace. One that cannot be asked cannot be judged: false. */
bool elsewhere_is(const char *process);

/* Whether the process's mount namespace belongs to our user namespace: not one that an unprivileged user made. */
bool elsewhere_is_roots(const char *process);

#endif
